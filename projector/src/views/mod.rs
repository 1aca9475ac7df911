//! The rules that turn events into documents: pure, total, in memory.
//!
//! Each module owns one kind of document. `needs` names the documents an event touches, so that the engine
//! can load them first; the other functions apply one event each. [`project`] is the table that says
//! which views an event concerns and in which order they see it: a view that judges by a document as it
//! was comes before the view that changes it.
//!
//! Rules hold whatever the log says: an event about something unknown (its beginning may have been
//! erased) or repeated changes nothing, on every replay alike.

pub(crate) mod memberships;
pub(crate) mod messages;
pub(crate) mod notifications;
pub(crate) mod receipts;
pub(crate) mod rooms;
pub(crate) mod users;

use std::collections::HashSet;

use foldhash::fast::RandomState;
use readmodel::{Group, Key, Want};
use schemas::event::intact_type;
use schemas::events::{
    MemberEvent, MessageEvent, NameEvent, NotificationEvent, ReceiptEvent, RoomEvent, SessionEvent,
    UserEvent,
};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::values::ClientId;
use schemas::{Event, EventData, Lane, Sequence, Timestamp};

use crate::working_set::{NotLoaded, WorkingSet};

/// An event in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// Its place in the log.
    pub sequence: Sequence,
    /// When the server stored it.
    pub stored_at: Timestamp,
    /// The event.
    pub event: Event,
}

/// What a batch needs loaded, beyond what is at hand.
#[derive(Debug)]
pub(crate) struct Wants<'a> {
    set: &'a WorkingSet,
    wants: HashSet<Want, RandomState>,
    /// Messages there are certainly none of: nothing is asked for.
    new: Vec<MessageId>,
    /// A room of everyone is made: everybody who is registered must be known.
    everybody: Vec<RoomId>,
}

impl<'a> Wants<'a> {
    /// Nothing yet.
    pub(crate) fn of(set: &'a WorkingSet) -> Self {
        Self { set, wants: HashSet::default(), new: Vec::new(), everybody: Vec::new() }
    }

    /// What to load, the messages that are new, and the rooms everybody belongs to.
    pub(crate) fn into_parts(self) -> (Vec<Want>, Vec<MessageId>, Vec<RoomId>) {
        (self.wants.into_iter().collect(), self.new, self.everybody)
    }

    pub(crate) fn key(&mut self, key: Key) {
        self.wants.insert(Want::Key(key));
    }

    pub(crate) fn room(&mut self, room: &RoomId) {
        if !self.set.rooms.knows(room) {
            self.key(Key::Room(room.clone()));
        }
    }

    pub(crate) fn message(&mut self, id: &MessageId) {
        if self.set.is_new_message(id) {
            self.new.push(id.clone());
        } else if !self.set.messages.knows(id) {
            self.key(Key::Message(id.clone()));
        }
    }

    pub(crate) fn client_id(&mut self, room: &RoomId, sender: &UserId, client_id: &ClientId) {
        if !self.set.knows_client_id(room, sender, client_id) {
            let want = Want::ClientId(room.clone(), sender.clone(), client_id.clone());
            self.wants.insert(want);
        }
    }

    pub(crate) fn membership(&mut self, room: &RoomId, user: &UserId) {
        let key = (room.clone(), user.clone());
        if !self.set.memberships.knows(&key) {
            self.key(Key::Membership(key.0, key.1));
        }
    }

    pub(crate) fn everybody(&mut self, room: &RoomId) {
        self.everybody.push(room.clone());
    }
}

/// The room of everyone that an event makes, if it does.
pub(crate) fn everyone_room(event: &Event) -> Option<&RoomId> {
    match &event.data {
        EventData::Room(RoomEvent::Created(created)) if created.room.everyone => {
            Some(&created.room.id)
        }
        _ => None,
    }
}

/// Names the documents an event touches. `everyone` are the rooms of everyone, those made in the same
/// batch included.
pub(crate) fn needs(event: &Event, everyone: &[RoomId], wants: &mut Wants<'_>) {
    match &event.data {
        EventData::User(UserEvent::Registered(data)) => of_user(&data.user.id, everyone, wants),
        EventData::User(UserEvent::ProfileChanged(data)) => of_user(&data.user.id, everyone, wants),
        EventData::User(UserEvent::RoleChanged(data)) => of_user(&data.user.id, everyone, wants),
        EventData::User(UserEvent::SuspensionChanged(data)) => {
            of_user(&data.user.id, everyone, wants)
        }
        EventData::Room(RoomEvent::Created(data)) => {
            rooms::needs(&data.room.id, wants);
            memberships::needs_of_new_room(&data.room, wants);
        }
        EventData::Room(RoomEvent::Changed(data)) => rooms::needs(&data.room.id, wants),
        EventData::Room(RoomEvent::Archived(data)) => rooms::needs(&data.room.id, wants),
        EventData::Room(RoomEvent::Restored(data)) => rooms::needs(&data.room.id, wants),
        EventData::Member(MemberEvent::Joined(data)) => memberships::needs(&data.member, wants),
        EventData::Member(MemberEvent::Added(data)) => memberships::needs(&data.member, wants),
        EventData::Member(MemberEvent::Left(data)) => memberships::needs(&data.member, wants),
        EventData::Member(MemberEvent::Removed(data)) => memberships::needs(&data.member, wants),
        EventData::Member(MemberEvent::Changed(data)) => memberships::needs(&data.member, wants),
        EventData::Message(MessageEvent::Posted(data)) => {
            messages::needs_of_post(&data.message, wants)
        }
        EventData::Message(MessageEvent::Edited(data)) => {
            messages::needs_of_edit(&data.message, wants)
        }
        EventData::Message(MessageEvent::Deleted(data)) => messages::needs_of_deletion(data, wants),
        EventData::Receipt(ReceiptEvent::Moved(data)) => receipts::needs(data, wants),
        EventData::Notification(NotificationEvent::Created(data)) => {
            notifications::needs_of_entry(data, wants)
        }
        EventData::Notification(NotificationEvent::Read(data)) => {
            notifications::needs_of_reading(data, wants)
        }
        EventData::Notification(NotificationEvent::Removed(data)) => {
            notifications::needs_of_removal(data, wants)
        }
        EventData::Session(SessionEvent::Started(_))
        | EventData::Session(SessionEvent::Refreshed(_))
        | EventData::Session(SessionEvent::Ended(_))
        | EventData::Name(NameEvent::Claimed(_))
        | EventData::Name(NameEvent::Released(_)) => {}
    }
}

fn of_user(user: &UserId, everyone: &[RoomId], wants: &mut Wants<'_>) {
    users::needs(user, wants);
    memberships::needs_of_newcomer(user, everyone, wants);
}

/// Names what can only be named once the documents of [`needs`] are there.
pub(crate) fn needs_further(
    event: &Event,
    set: &WorkingSet,
    wants: &mut Wants<'_>,
) -> Result<(), NotLoaded> {
    match &event.data {
        EventData::Message(MessageEvent::Edited(data)) => {
            messages::needs_of_place(&data.message.id, set, wants)
        }
        EventData::Message(MessageEvent::Deleted(data)) => {
            messages::needs_of_place(&data.message_id, set, wants)
        }
        _ => Ok(()),
    }
}

/// The groups that events of a lane concern, whatever they say. A lane that is not known, or of which this build
/// knows no event, may concern any: what a newer build says there must not be passed over.
pub(crate) fn groups_of_lane(lane: Option<&Lane>) -> &'static [Group] {
    match lane {
        None | Some(Lane::Media(_)) => &Group::ALL,
        Some(Lane::User(_)) => &[Group::People, Group::Conversations],
        Some(Lane::Room(_) | Lane::Member(..) | Lane::Timeline(_) | Lane::Receipts(_)) => {
            &[Group::Conversations]
        }
        Some(Lane::Inbox(_)) => &[Group::Inbox],
        // Nothing that is ever said of sessions and unique names is projected.
        Some(
            Lane::Session(_)
            | Lane::Handle(_)
            | Lane::Email(_)
            | Lane::RoomName(_)
            | Lane::Direct(_),
        ) => &[],
    }
}

/// Events after which only the account itself is another one. Conversations learn of a person by the registration,
/// so nothing of theirs depends on what these say.
const OF_PEOPLE_ONLY: [&str; 3] =
    ["user.profile_changed.v1", "user.role_changed.v1", "user.suspension_changed.v1"];

/// The groups that an event concerns which cannot be read, by its lane and, where that is certain, its type.
pub(crate) fn groups_of_unreadable(lane: Option<&Lane>, payload: &[u8]) -> &'static [Group] {
    let of_people = |kind: String| OF_PEOPLE_ONLY.contains(&kind.as_str());
    match lane {
        Some(Lane::User(_)) if intact_type(payload).is_some_and(of_people) => &[Group::People],
        lane => groups_of_lane(lane),
    }
}

/// The groups an event concerns.
pub(crate) fn groups_of(event: &Event) -> &'static [Group] {
    match &event.data {
        EventData::User(UserEvent::Registered(_))
        | EventData::User(UserEvent::ProfileChanged(_))
        | EventData::User(UserEvent::RoleChanged(_))
        | EventData::User(UserEvent::SuspensionChanged(_)) => {
            &[Group::People, Group::Conversations]
        }
        EventData::Room(RoomEvent::Created(_))
        | EventData::Room(RoomEvent::Changed(_))
        | EventData::Room(RoomEvent::Archived(_))
        | EventData::Room(RoomEvent::Restored(_))
        | EventData::Member(MemberEvent::Joined(_))
        | EventData::Member(MemberEvent::Added(_))
        | EventData::Member(MemberEvent::Left(_))
        | EventData::Member(MemberEvent::Removed(_))
        | EventData::Member(MemberEvent::Changed(_))
        | EventData::Message(MessageEvent::Posted(_))
        | EventData::Message(MessageEvent::Edited(_))
        | EventData::Message(MessageEvent::Deleted(_))
        | EventData::Receipt(ReceiptEvent::Moved(_)) => &[Group::Conversations],
        EventData::Notification(NotificationEvent::Created(_))
        | EventData::Notification(NotificationEvent::Read(_))
        | EventData::Notification(NotificationEvent::Removed(_)) => &[Group::Inbox],
        EventData::Session(SessionEvent::Started(_))
        | EventData::Session(SessionEvent::Refreshed(_))
        | EventData::Session(SessionEvent::Ended(_))
        | EventData::Name(NameEvent::Claimed(_))
        | EventData::Name(NameEvent::Released(_)) => &[],
    }
}

/// Applies one event to the documents of one group.
pub(crate) fn project(
    logged: &Logged,
    group: Group,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let (at, data) = (logged.sequence, &logged.event.data);
    match group {
        Group::People => people(data, at, set),
        Group::Conversations => conversations(data, at, set),
        Group::Inbox => inbox(data, at, set),
    }
}

/// Whose account an event is about.
pub(crate) const fn person(data: &EventData) -> Option<&UserId> {
    match data {
        EventData::User(UserEvent::Registered(data)) => Some(&data.user.id),
        EventData::User(UserEvent::ProfileChanged(data)) => Some(&data.user.id),
        EventData::User(UserEvent::RoleChanged(data)) => Some(&data.user.id),
        EventData::User(UserEvent::SuspensionChanged(data)) => Some(&data.user.id),
        _ => None,
    }
}

fn people(data: &EventData, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    match data {
        EventData::User(UserEvent::Registered(data)) => users::changed(&data.user, at, set),
        EventData::User(UserEvent::ProfileChanged(data)) => users::changed(&data.user, at, set),
        EventData::User(UserEvent::RoleChanged(data)) => users::changed(&data.user, at, set),
        EventData::User(UserEvent::SuspensionChanged(data)) => users::changed(&data.user, at, set),
        _ => Ok(()),
    }
}

fn inbox(data: &EventData, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    match data {
        EventData::Notification(NotificationEvent::Created(data)) => {
            notifications::created(data, at, set)
        }
        EventData::Notification(NotificationEvent::Read(data)) => {
            notifications::read(data, at, set)
        }
        EventData::Notification(NotificationEvent::Removed(data)) => {
            notifications::removed(data, at, set)
        }
        _ => Ok(()),
    }
}

fn conversations(data: &EventData, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    if let Some(user) = person(data) {
        memberships::heard_of(user, set);
    }
    match data {
        EventData::User(UserEvent::Registered(data)) => memberships::newcomer(&data.user, at, set),
        EventData::Room(RoomEvent::Created(data)) => {
            rooms::created(&data.room, at, set)?;
            memberships::new_room(&data.room, at, set)
        }
        EventData::Room(RoomEvent::Changed(data)) => rooms::changed(&data.room, at, set),
        EventData::Room(RoomEvent::Archived(data)) => rooms::changed(&data.room, at, set),
        EventData::Room(RoomEvent::Restored(data)) => rooms::changed(&data.room, at, set),
        EventData::Member(MemberEvent::Joined(data)) => memberships::changed(&data.member, at, set),
        EventData::Member(MemberEvent::Added(data)) => memberships::changed(&data.member, at, set),
        EventData::Member(MemberEvent::Left(data)) => memberships::changed(&data.member, at, set),
        EventData::Member(MemberEvent::Removed(data)) => {
            memberships::changed(&data.member, at, set)
        }
        EventData::Member(MemberEvent::Changed(data)) => {
            memberships::changed(&data.member, at, set)
        }
        EventData::Message(MessageEvent::Posted(data)) => {
            let Some(place) = messages::posted(&data.message, at, set)? else { return Ok(()) };
            rooms::posted(&data.message, place, at, set)?;
            memberships::posted(&data.message, place, at, set)
        }
        EventData::Message(MessageEvent::Edited(data)) => {
            rooms::edited(&data.message, at, set)?;
            messages::edited(data, at, set)
        }
        EventData::Message(MessageEvent::Deleted(data)) => {
            rooms::deleted(data, at, set)?;
            messages::deleted(data, at, set)
        }
        EventData::Receipt(ReceiptEvent::Moved(data)) => receipts::moved(data, at, set),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(groups, [Group::People, Group::Conversations], "{other}");
        }
        assert_eq!(groups_of_unreadable(None, sealed.as_bytes()), Group::ALL);
        for name in OF_PEOPLE_ONLY {
            assert!(EventData::types().any(|known| known == name), "{name}");
        }
    }
}
