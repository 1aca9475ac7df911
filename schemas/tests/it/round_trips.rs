//! Whatever can be written is read back as it was; whatever cannot be read is refused, never misread.

use proptest::prelude::*;
use schemas::event::{EncodeError, Event, EventData};
use schemas::events::{MemberEvent, MessageEvent, NotificationEvent, UserEvent};
use schemas::ids::{ErasureId, InviteId, MediaId, MessageId, ReportId, RoomId, UserId};
use schemas::position::{Epoch, Position};
use schemas::subjects::{Digest, Lane, Namespace};
use schemas::time::Timestamp;
use schemas::values::{
    Bio, Body, ClientId, DisplayName, Email, Notice, RoomName, Title, Topic, UserRef, Username,
};
use serde_json::json;
use uuid::Uuid;

use crate::samples;

fn namespaces() -> impl Strategy<Value = Namespace> {
    "[a-z0-9_]{1,32}".prop_map(|text| Namespace::parse(&text).unwrap())
}

fn users() -> impl Strategy<Value = UserId> {
    any::<u128>().prop_map(|number| UserId::from_uuid(Uuid::from_u128(number)))
}

fn rooms() -> impl Strategy<Value = RoomId> {
    any::<u128>().prop_map(|number| RoomId::from_uuid(Uuid::from_u128(number)))
}

fn digests() -> impl Strategy<Value = Digest> {
    ".*".prop_map(|text| Digest::of([text.as_str()]))
}

fn lanes() -> impl Strategy<Value = Lane> {
    prop_oneof![
        users().prop_map(Lane::User),
        users().prop_map(Lane::Session),
        users().prop_map(Lane::Challenges),
        users().prop_map(Lane::Identities),
        digests().prop_map(Lane::Identity),
        users().prop_map(Lane::Inbox),
        digests().prop_map(Lane::Handle),
        digests().prop_map(Lane::Email),
        digests().prop_map(Lane::RoomName),
        digests().prop_map(Lane::Direct),
        rooms().prop_map(Lane::Room),
        rooms().prop_map(Lane::Timeline),
        rooms().prop_map(Lane::Receipts),
        (rooms(), users()).prop_map(|(room, user)| Lane::Member(room, user)),
        users().prop_map(Lane::Threads),
        users().prop_map(Lane::Audit),
        any::<u128>().prop_map(|n| Lane::Report(ReportId::from_uuid(Uuid::from_u128(n)))),
        (rooms(), users()).prop_map(|(room, user)| Lane::Prefs(room, user)),
        any::<u128>().prop_map(|n| Lane::Invite(InviteId::from_uuid(Uuid::from_u128(n)))),
        any::<u128>().prop_map(|n| Lane::Erasure(ErasureId::from_uuid(Uuid::from_u128(n)))),
        rooms().prop_map(Lane::RoomHold),
        users().prop_map(Lane::UserHold),
        users().prop_map(Lane::Exports),
        rooms().prop_map(Lane::Retention),
        any::<u128>().prop_map(|n| Lane::Media(MediaId::from_uuid(Uuid::from_u128(n)))),
    ]
}

proptest! {
    #[test]
    fn a_lane_is_read_back_from_its_subjects(ns in namespaces(), lane in lanes()) {
        for subject in [lane.subject(&ns), lane.live_subject(&ns)] {
            prop_assert_eq!(Lane::parse(&ns, &subject), Ok(lane));
            prop_assert!(!subject.contains(['*', '>', ' ', '\r', '\n']), "{}", subject);
            prop_assert!(subject.split('.').all(|token| !token.is_empty()));
        }
    }

    #[test]
    fn a_subject_is_a_lane_in_one_way_only(ns in namespaces(), tail in "(evt|live)\\.[a-z]{0,9}\\.\\PC{0,60}") {
        let subject = format!("{ns}.{tail}");
        if let Ok(lane) = Lane::parse(&ns, &subject) {
            prop_assert!([lane.subject(&ns), lane.live_subject(&ns)].contains(&subject));
        }
    }

    #[test]
    fn a_foreign_namespace_is_never_ours(ours in namespaces(), theirs in namespaces(), lane in lanes()) {
        prop_assume!(ours != theirs);
        prop_assert!(Lane::parse(&ours, &lane.subject(&theirs)).is_err());
    }

    #[test]
    fn ids_keep_their_order_and_their_text(one in any::<u128>(), other in any::<u128>()) {
        let id = |number| MessageId::from_uuid(Uuid::from_u128(number));
        prop_assert_eq!(id(one).cmp(&id(other)), one.cmp(&other));
        prop_assert_eq!(MessageId::parse(id(one).as_str()), Ok(id(one)));
        let json = serde_json::to_string(&id(one)).unwrap();
        prop_assert_eq!(serde_json::from_str::<MessageId>(&json).unwrap(), id(one));
    }

    #[test]
    fn what_parses_as_an_id_is_written_the_same(text in "(msg_)?\\PC{0,40}") {
        if let Ok(id) = MessageId::parse(&text) {
            prop_assert_eq!(id.as_str(), text);
        }
    }

    #[test]
    fn positions_round_trip(epoch in "[a-z0-9]{1,16}", sequence in any::<u64>()) {
        let position = Epoch::parse(&epoch).unwrap().at(sequence);
        prop_assert_eq!(Position::parse(&position.to_string()), Ok(position));
    }

    #[test]
    fn moments_round_trip(millis in any::<i64>(), near in -70_000_000_000_000_i64..260_000_000_000_000) {
        for millis in [millis, near] {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(&moment.to_string()), Ok(moment));
        }
    }

    #[test]
    fn what_parses_as_a_moment_is_read_back(
        text in "[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9][Tt ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,12})?([Zz]|[+-][0-2][0-9]:[0-5][0-9])"
    ) {
        if let Ok(moment) = Timestamp::parse(&text) {
            let written = moment.to_string();
            prop_assert_eq!(written.len(), 24);
            prop_assert_eq!(Timestamp::parse(&written), Ok(moment));
        }
    }

    /// Whatever state gets into an event: it is written so that it is read back equal, or not at all.
    #[test]
    fn an_event_is_written_only_as_it_is_read_back(
        settings in crate::fuzz::values(),
        levels in 0_usize..200,
        millis in any::<i64>(),
        title in ".{0,40}",
    ) {
        let wrap = |inside, _| json!({ "a": [inside] });
        let deep = (0..levels / 2).fold(settings, wrap);
        let mut events = samples::events(true);
        for event in &mut events {
            event.time = Timestamp::from_millis(millis);
            match &mut event.data {
                EventData::User(UserEvent::ProfileChanged(data)) => {
                    data.user.settings.insert(title.clone(), deep.clone());
                }
                EventData::Member(MemberEvent::Changed(data)) => data.member.muted_until = Some(event.time),
                EventData::Notification(NotificationEvent::Created(data)) => data.title = Some(title.clone()),
                _ => {}
            }
            match event.encode() {
                Ok(bytes) => prop_assert_eq!(&Event::decode(&bytes).unwrap(), &*event),
                Err(error) => prop_assert!(levels > 100, "{}", error),
            }
        }
    }

    #[test]
    fn parsing_a_value_twice_changes_nothing(text in "\\PC{0,90}") {
        macro_rules! stable {
            ($($value:ty),*) => {$(
                if let Ok(value) = <$value>::parse(&text) {
                    prop_assert_eq!(<$value>::parse(value.as_str()), Ok(value.clone()));
                    let json = serde_json::to_string(&value).unwrap();
                    prop_assert_eq!(serde_json::from_str::<$value>(&json).unwrap(), value);
                }
            )*};
        }
        stable!(Username, Email, DisplayName, RoomName, Topic, Bio, Title, Notice, Body, ClientId);
        if let Ok(user) = UserRef::parse(&text) {
            prop_assert_eq!(UserRef::parse(&String::from(user.clone())), Ok(user));
        }
    }

    #[test]
    fn no_bytes_make_decoding_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Event::decode(&bytes).is_err());
    }

    #[test]
    fn a_flipped_bit_is_noticed_where_it_matters(which in 0..samples::events(true).len(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let event = &samples::events(true)[which];
        let mut bytes = event.encode().unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        // The checksum covers what happened and to what; the circumstances (time, actor, trace) it does not.
        if let Ok(read) = Event::decode(&bytes) {
            prop_assert_eq!(&read.data, &event.data);
            prop_assert_eq!(&read.id, &event.id);
        }
    }
}

#[test]
fn every_sample_round_trips() {
    for event in samples::events(true).into_iter().chain(samples::events(false)) {
        assert_eq!(Event::decode(&event.encode().unwrap()).unwrap(), event);
    }
}

#[test]
fn what_nobody_could_read_is_not_written() {
    let samples = samples::events(true);
    let profile =
        samples.iter().find(|e| matches!(e.data, EventData::User(UserEvent::ProfileChanged(_))));
    let mut event = profile.unwrap().clone();
    let EventData::User(UserEvent::ProfileChanged(data)) = &mut event.data else { unreachable!() };
    let deep = (0..126).fold(json!({}), |inside, _| json!({ "a": inside }));
    data.user.settings.insert("a".to_owned(), deep);
    assert!(matches!(event.encode(), Err(EncodeError::Unreadable(_))));
}

/// What the hot path pays for it: `cargo test -p schemas --release --test it price -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn the_price_of_reading_back() {
    let samples = samples::events(true);
    let posted = samples
        .iter()
        .find(|e| matches!(e.data, EventData::Message(MessageEvent::Posted(_))))
        .unwrap();
    let bytes = posted.encode().unwrap();
    let rounds = 100_000_u32;
    let begun = std::time::Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(Event::decode(std::hint::black_box(&bytes)).unwrap());
    }
    let decode = begun.elapsed() / rounds;
    let begun = std::time::Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(std::hint::black_box(posted).encode().unwrap());
    }
    println!(
        "encode with reading back {:?}, of which reading {decode:?}",
        begun.elapsed() / rounds
    );
}
