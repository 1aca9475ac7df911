//! The table of views against lanes, types and the events of every version.

use super::*;
use readmodel::{Key, Want};
use schemas::subjects::LaneKind;

fn user(number: u128) -> UserId {
    UserId::from_uuid(uuid::Uuid::from_u128(number))
}

fn room(number: u128) -> RoomId {
    RoomId::from_uuid(uuid::Uuid::from_u128(number))
}

/// Every event type there is, as it lies in logs.
fn golden() -> Vec<Event> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/golden");
    let files = std::fs::read_dir(folder).unwrap();
    let event = |bytes: Vec<u8>| Event::decode(bytes.trim_ascii_end()).unwrap();
    files.map(|file| event(std::fs::read(file.unwrap().path()).unwrap())).collect()
}

/// One lane of every kind.
fn lanes() -> [Lane; 26] {
    let digest = || schemas::Digest::of(["x"]);
    let report = schemas::ids::ReportId::from_uuid(uuid::Uuid::from_u128(1));
    let invite = schemas::ids::InviteId::from_uuid(uuid::Uuid::from_u128(1));
    let media = schemas::ids::MediaId::from_uuid(uuid::Uuid::from_u128(1));
    [
        Lane::User(user(1)),
        Lane::Session(user(1)),
        Lane::Challenges(user(1)),
        Lane::Identity(digest()),
        Lane::Identities(user(1)),
        Lane::Handle(digest()),
        Lane::Email(digest()),
        Lane::RoomName(digest()),
        Lane::Direct(digest()),
        Lane::Room(room(1)),
        Lane::Member(room(1), user(1)),
        Lane::Timeline(room(1)),
        Lane::Receipts(room(1)),
        Lane::Inbox(user(1)),
        Lane::Media(media),
        Lane::Threads(user(1)),
        Lane::Report(report),
        Lane::Blocks(user(1)),
        Lane::Prefs(room(1), user(1)),
        Lane::Invite(invite),
        Lane::Audit(user(1)),
        Lane::Erasure(schemas::ErasureId::from_uuid(uuid::Uuid::from_u128(1))),
        Lane::RoomHold(room(1)),
        Lane::UserHold(user(1)),
        Lane::Exports(user(1)),
        Lane::Retention(room(1)),
    ]
}

#[test]
fn what_an_event_concerns_is_among_what_its_lanes_concern() {
    for lane in lanes() {
        let expected: &[Group] = match lane.kind() {
            LaneKind::User => &[Group::Conversations, Group::People],
            LaneKind::Room
            | LaneKind::Member
            | LaneKind::Timeline
            | LaneKind::Receipts
            | LaneKind::Invite
            | LaneKind::Media
            | LaneKind::Prefs
            | LaneKind::Threads
            | LaneKind::Report
            | LaneKind::Retention => &[Group::Conversations],
            LaneKind::Inbox => &[Group::Inbox],
            LaneKind::Blocks | LaneKind::Exports => &[Group::People],
            LaneKind::Session
            | LaneKind::Challenges
            | LaneKind::Identity
            | LaneKind::Identities
            | LaneKind::Handle
            | LaneKind::Email
            | LaneKind::RoomName
            | LaneKind::Direct
            | LaneKind::Audit
            | LaneKind::RoomHold
            | LaneKind::UserHold => &[],
            LaneKind::Erasure => &Group::ALL,
        };
        let groups = groups_of_lane(Some(&lane));
        assert_eq!(groups, expected, "{lane:?}");
        for family in Family::ALL.iter().filter(|family| family.lanes().contains(&lane.kind())) {
            let of_family = groups_of_family(*family);
            assert!(of_family.iter().all(|group| groups.contains(group)), "{family:?}");
        }
    }
    assert_eq!(groups_of_lane(None), Group::ALL);
}

/// Whether an event of an account changes anything in the conversations, with one room of everyone.
fn changes_conversations(event: Event) -> bool {
    let everyone = [room(1)];
    let mut set = WorkingSet::default();
    let mut wants = Wants::of(&set, &everyone);
    needs(&event, &mut wants);
    let (mut wants, ..) = wants.into_parts();
    wants.push(Want::Key(Key::Site));
    set.learn(wants, Vec::new());
    let mut site = set.site().unwrap();
    site.everyone_rooms.extend(everyone);
    set.site.put(&(), site);
    set.take_changed();
    let logged = Logged { sequence: 7, stored_at: event.time, event };
    project(&logged, Group::Conversations, &mut set).unwrap();
    !set.take_changed().is_empty()
}

#[test]
fn accounts_that_conversations_depend_on_are_not_of_people_only() {
    let events = golden().into_iter().filter(|event| event.data.family() == Family::User);
    let mut types = Vec::new();
    for event in events {
        let name = event.data.type_name();
        types.push(name);
        let only = user::OF_PEOPLE_ONLY.contains(&name);
        assert_eq!(only, !changes_conversations(event), "{name}");
    }
    let known = |name: &&str| types.contains(name);
    assert!(Family::User.types().iter().all(&known), "a golden event of each");
    assert!(user::OF_PEOPLE_ONLY.iter().all(known), "{:?}", user::OF_PEOPLE_ONLY);
}

#[test]
fn an_unreadable_profile_stops_the_people_alone_and_only_when_its_type_is_certain() {
    let user = Lane::User(UserId::from_uuid(uuid::Uuid::from_u128(1)));
    let whole = br#"{"id":"evt_00000000000000000000000004","type":"user.profile_changed.v1","subject":"x","time":"2026-11-21T10:00:00.000Z","actor":"system","digest":"DIGEST","data":{"user":7}}"#;
    let sum = |kind: &str| {
        let mut hasher = crc32fast::Hasher::new();
        for part in ["evt_00000000000000000000000004", kind, "x", r#"{"user":7}"#] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        format!("{:08x}", hasher.finalize())
    };
    let text = String::from_utf8_lossy(whole).into_owned();
    let sealed = text.replace("DIGEST", &sum("user.profile_changed.v1"));
    assert_eq!(groups_of_unreadable(Some(&user), sealed.as_bytes()), [Group::People]);
    let newer = text.replace("profile_changed.v1", "profile_changed.v2");
    let newer = newer.replace("DIGEST", &sum("user.profile_changed.v2"));
    for other in [text.as_str(), newer.as_str(), "junk"] {
        let groups = groups_of_unreadable(Some(&user), other.as_bytes());
        assert_eq!(groups, [Group::Conversations, Group::People], "{other}");
    }
    assert_eq!(groups_of_unreadable(None, sealed.as_bytes()), Group::ALL);
}
