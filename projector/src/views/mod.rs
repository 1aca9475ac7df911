//! The rules that turn events into documents: pure, total, in memory.
//!
//! One file per family of events: its `needs` names the documents an event touches, so that the engine can load them
//! first; its `apply` changes them. Both name every event of the family. The table `views!` says which groups of
//! documents a family changes and by which function: everything that asks which groups an event concerns, also one
//! that cannot be read, asks this table. Documents that several families change have a file of their own.
//!
//! Owns what documents say; must not know stores, batches or clocks. What a document holds may change with a new
//! layout of the read model (`readmodel::LAYOUT`): every generation is built anew from the log then.
//!
//! Rules hold whatever the log says: an event about something unknown (its beginning may have been erased) or repeated
//! changes nothing, on every replay alike.

mod block;
mod erasure;
mod export;
mod history;
mod invite;
mod media;
mod member;
mod message;
mod notification;
mod pin;
mod prefs;
mod reaction;
mod receipt;
mod report;
mod retention;
mod room;
mod room_document;
mod sighting;
mod thread;
mod user;
mod wants;

use readmodel::Group;
use schemas::event::intact_type;
use schemas::events::{Family, RetentionEvent, UserEvent};
use schemas::ids::{RoomId, UserId};
use schemas::{Event, EventData, Lane, Sequence, Timestamp};

pub(crate) use sighting::{Traced, Traces};
pub(crate) use wants::Wants;

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

/// The families without documents, and those with: `Family: who names what an event needs => Group: who applies it, ...;`
macro_rules! views {
    (
        without documents: $($without:ident),*;
        $($family:ident: $needs:path => $($group:ident: $apply:path),+;)*
    ) => {
        /// The groups whose documents a family's events change.
        const fn groups_of_family(family: Family) -> &'static [Group] {
            match family {
                $(Family::$family => &[$(Group::$group),+],)*
                $(Family::$without => &[],)*
            }
        }

        /// Names the documents an event touches.
        pub(crate) fn needs(event: &Event, wants: &mut Wants<'_>) {
            match &event.data {
                $(EventData::$family(event) => $needs(event, wants),)*
                $(EventData::$without(_) => {})*
            }
        }

        /// Applies one event to the documents of one group.
        pub(crate) fn project(
            logged: &Logged,
            group: Group,
            set: &mut WorkingSet,
        ) -> Result<(), NotLoaded> {
            match &logged.event.data {
                $(EventData::$family(event) => {
                    $(if group == Group::$group {
                        return $apply(event, logged.sequence, set);
                    })+
                    Ok(())
                })*
                $(EventData::$without(_) => Ok(()),)*
            }
        }
    };
}

views! {
    without documents: Session, Challenge, Identity, Name, Audit, Hold;
    Message: message::needs => Conversations: message::apply;
    Reaction: reaction::needs => Conversations: reaction::apply;
    Pin: pin::needs => Conversations: pin::apply;
    Receipt: receipt::needs => Conversations: receipt::apply;
    Notification: notification::needs => Inbox: notification::apply;
    User: user::needs => People: user::apply, Conversations: user::apply_to_conversations;
    Room: room::needs => Conversations: room::apply;
    Member: member::needs => Conversations: member::apply;
    Block: block::needs => People: block::apply;
    Invite: invite::needs => Conversations: invite::apply;
    Media: media::needs => Conversations: media::apply;
    Export: export::needs => People: export::apply;
    Prefs: prefs::needs => Conversations: prefs::apply;
    Report: report::needs => Conversations: report::apply;
    Retention: retention::needs => Conversations: retention::apply;
    Erasure: erasure::needs => Conversations: erasure::apply_to_conversations,
        Inbox: erasure::apply_to_inbox, People: erasure::apply_to_people;
    Thread: thread::needs => Conversations: thread::apply;
}

/// Names what can only be named once the documents of [`needs`] are there. Conversations only.
pub(crate) fn needs_further(
    event: &Event,
    set: &WorkingSet,
    wants: &mut Wants<'_>,
) -> Result<(), NotLoaded> {
    match &event.data {
        EventData::Message(event) => message::needs_further(event, set, wants),
        EventData::Receipt(_)
        | EventData::Thread(_)
        | EventData::Media(_)
        | EventData::Report(_)
        | EventData::Reaction(_)
        | EventData::Pin(_)
        | EventData::Notification(_)
        | EventData::User(_)
        | EventData::Session(_)
        | EventData::Challenge(_)
        | EventData::Identity(_)
        | EventData::Name(_)
        | EventData::Room(_)
        | EventData::Member(_)
        | EventData::Block(_)
        | EventData::Prefs(_)
        | EventData::Audit(_)
        | EventData::Invite(_)
        | EventData::Erasure(_)
        | EventData::Export(_)
        | EventData::Hold(_)
        | EventData::Retention(_) => Ok(()),
    }
}

/// The room of everyone that an event creates, if it does.
pub(crate) fn everyone_room(event: &Event) -> Option<&RoomId> {
    let EventData::Room(event) = &event.data else { return None };
    room::created_for_everyone(event)
}

/// The user whose account an event is about.
pub(crate) fn person(data: &EventData) -> Option<&UserId> {
    data.account().map(|user| &user.id)
}

/// Whether documents were emptied or removed by an event of which nothing may be left in a store's files.
pub(crate) fn leaves_traces(event: &Event) -> bool {
    let closed = matches!(event.data, EventData::User(UserEvent::Erased(_)));
    let removed = matches!(
        event.data,
        EventData::Retention(RetentionEvent::Purged(_) | RetentionEvent::TextsRemoved(_))
    );
    closed || removed || matches!(event.data, EventData::Erasure(_))
}

/// The groups an event concerns.
pub(crate) const fn groups_of(event: &Event) -> &'static [Group] {
    groups_of_family(event.data.family())
}

/// The groups that events of a lane concern, whatever they say: those of the families that are written there. A lane
/// that is not known, or to which this build writes no event, may concern any: what a newer build says there must not be
/// passed over.
pub(crate) fn groups_of_lane(lane: Option<&Lane>) -> Vec<Group> {
    let of_lane = |family: &&Family| {
        lane.is_some_and(|lane| family.lanes().iter().any(|kind| *kind == lane.kind()))
    };
    let families: Vec<Family> = Family::ALL.iter().filter(of_lane).copied().collect();
    let concerned = |group: &Group| {
        families.is_empty()
            || families.iter().any(|family| groups_of_family(*family).contains(group))
    };
    Group::ALL.into_iter().filter(concerned).collect()
}

/// The groups that an event concerns which cannot be read, by its lane and, where that is certain, its type.
pub(crate) fn groups_of_unreadable(lane: Option<&Lane>, payload: &[u8]) -> Vec<Group> {
    let of_people = |kind: String| user::OF_PEOPLE_ONLY.contains(&kind.as_str());
    let is_account = matches!(lane, Some(Lane::User(_)));
    if is_account && intact_type(payload).is_some_and(of_people) {
        return vec![Group::People];
    }
    groups_of_lane(lane)
}

#[cfg(test)]
mod tests;
