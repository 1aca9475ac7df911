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

use readmodel::{Key, Want};
use schemas::ids::{RoomId, UserId};
use schemas::{Event, EventData, Sequence, Timestamp};

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

/// What a batch needs loaded.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    pub(crate) wants: HashSet<Want>,
    /// A room of everyone is made: everybody who is registered must be known.
    pub(crate) everybody: Vec<RoomId>,
}

impl Wants {
    pub(crate) fn key(&mut self, key: Key) {
        self.wants.insert(Want::Key(key));
    }

    pub(crate) fn membership(&mut self, room: &RoomId, user: &UserId) {
        self.key(Key::Membership(room.clone(), user.clone()));
    }
}

/// The room of everyone that an event makes, if it does.
pub(crate) fn everyone_room(event: &Event) -> Option<&RoomId> {
    match &event.data {
        EventData::RoomCreated(created) if created.room.everyone => Some(&created.room.id),
        _ => None,
    }
}

/// Names the documents an event touches. `everyone` are the rooms of everyone, those made in the same
/// batch included.
pub(crate) fn needs(event: &Event, everyone: &[RoomId], wants: &mut Wants) {
    match &event.data {
        EventData::UserRegistered(data) => of_user(&data.user.id, everyone, wants),
        EventData::UserProfileChanged(data) => of_user(&data.user.id, everyone, wants),
        EventData::UserRoleChanged(data) => of_user(&data.user.id, everyone, wants),
        EventData::UserSuspensionChanged(data) => of_user(&data.user.id, everyone, wants),
        EventData::RoomCreated(data) => {
            rooms::needs(&data.room.id, wants);
            memberships::needs_of_new_room(&data.room, wants);
        }
        EventData::RoomChanged(data) => rooms::needs(&data.room.id, wants),
        EventData::RoomArchived(data) => rooms::needs(&data.room.id, wants),
        EventData::MemberJoined(data) => memberships::needs(&data.member, wants),
        EventData::MemberAdded(data) => memberships::needs(&data.member, wants),
        EventData::MemberLeft(data) => memberships::needs(&data.member, wants),
        EventData::MemberRemoved(data) => memberships::needs(&data.member, wants),
        EventData::MemberChanged(data) => memberships::needs(&data.member, wants),
        EventData::MessagePosted(data) => messages::needs_of_post(&data.message, wants),
        EventData::MessageEdited(data) => messages::needs_of_edit(&data.message, wants),
        EventData::MessageDeleted(data) => messages::needs_of_deletion(data, wants),
        EventData::ReadMoved(data) => receipts::needs(data, wants),
        EventData::NotificationCreated(data) => notifications::needs_of_entry(data, wants),
        EventData::NotificationsRead(data) => notifications::needs_of_reading(data, wants),
        EventData::SessionStarted(_)
        | EventData::SessionRefreshed(_)
        | EventData::SessionsEnded(_)
        | EventData::NameClaimed(_)
        | EventData::NameReleased(_) => {}
    }
}

fn of_user(user: &UserId, everyone: &[RoomId], wants: &mut Wants) {
    users::needs(user, wants);
    memberships::needs_of_newcomer(user, everyone, wants);
}

/// Names what can only be named once the documents of [`needs`] are there.
pub(crate) fn needs_further(
    event: &Event,
    set: &WorkingSet,
    wants: &mut Wants,
) -> Result<(), NotLoaded> {
    match &event.data {
        EventData::MessageEdited(data) => messages::needs_of_mentions(&data.message.id, set, wants),
        EventData::MessageDeleted(data) => {
            messages::needs_of_mentions(&data.message_id, set, wants)
        }
        _ => Ok(()),
    }
}

/// Applies one event to the documents.
pub(crate) fn project(logged: &Logged, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let at = logged.sequence;
    match &logged.event.data {
        EventData::UserRegistered(data) => {
            users::changed(&data.user, at, set)?;
            memberships::newcomer(&data.user, at, set)
        }
        EventData::UserProfileChanged(data) => users::changed(&data.user, at, set),
        EventData::UserRoleChanged(data) => users::changed(&data.user, at, set),
        EventData::UserSuspensionChanged(data) => users::changed(&data.user, at, set),
        EventData::RoomCreated(data) => {
            rooms::created(&data.room, at, set)?;
            memberships::new_room(&data.room, at, set)
        }
        EventData::RoomChanged(data) => rooms::changed(&data.room, at, set),
        EventData::RoomArchived(data) => rooms::changed(&data.room, at, set),
        EventData::MemberJoined(data) => memberships::changed(&data.member, at, set),
        EventData::MemberAdded(data) => memberships::changed(&data.member, at, set),
        EventData::MemberLeft(data) => memberships::changed(&data.member, at, set),
        EventData::MemberRemoved(data) => memberships::changed(&data.member, at, set),
        EventData::MemberChanged(data) => memberships::changed(&data.member, at, set),
        EventData::MessagePosted(data) => {
            let Some(number) = messages::posted(&data.message, at, set)? else { return Ok(()) };
            rooms::posted(&data.message, number, at, set)?;
            memberships::posted(&data.message, number, at, set)
        }
        EventData::MessageEdited(data) => {
            memberships::edited(&data.message, at, set)?;
            rooms::edited(&data.message, at, set)?;
            messages::edited(data, at, set)
        }
        EventData::MessageDeleted(data) => {
            memberships::deleted(data, at, set)?;
            rooms::deleted(data, at, set)?;
            messages::deleted(data, at, set)
        }
        EventData::ReadMoved(data) => receipts::moved(data, at, set),
        EventData::NotificationCreated(data) => notifications::created(data, at, set),
        EventData::NotificationsRead(data) => notifications::read(data, at, set),
        EventData::SessionStarted(_)
        | EventData::SessionRefreshed(_)
        | EventData::SessionsEnded(_)
        | EventData::NameClaimed(_)
        | EventData::NameReleased(_) => Ok(()),
    }
}

/// Adds a number to an ascending list of mentions; the oldest goes when the list is full.
pub(crate) fn add_mention(numbers: &mut Vec<u64>, number: u64) {
    if let Err(place) = numbers.binary_search(&number) {
        numbers.insert(place, number);
        if numbers.len() > readmodel::docs::MAX_MENTIONS {
            numbers.remove(0);
        }
    }
}

/// Takes a number out of an ascending list of mentions; whether it was there.
pub(crate) fn remove_mention(numbers: &mut Vec<u64>, number: u64) -> bool {
    match numbers.binary_search(&number) {
        Ok(place) => {
            numbers.remove(place);
            true
        }
        Err(_) => false,
    }
}
