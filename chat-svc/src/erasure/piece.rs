//! Which events are a person's, and what is kept of their shape. Pure.

use schemas::events::{
    Blank, BlankEvent, ErasureListed, Gone, InviteEvent, MediaEvent, MessageDeleted, MessageEdited,
    MessageEvent, MessagePosted, NotificationEvent, ReactionAdded, ReactionEvent, ReactionRemoved,
    ReceiptEvent, Removed, UserEvent,
};
use schemas::{
    ErasureId, Event, EventData, NameKey, ReportId, RoomId, Sequence, Timestamp, UserId,
};

use crate::blank::{blank, gone};

/// Events of one piece, and bytes of what is kept of them: a piece stays far below what the server takes.
const MOST: usize = 200;
const MOST_BYTES: usize = 200_000;
/// Bytes of a blank besides whom it names, and of each of those.
const BLANK: usize = 400;
const NAMED: usize = 40;
/// Bytes of what is kept of any event.
const GONE: usize = 200;

/// Events of a person that go together.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// Messages to be deleted before.
    pub(super) deletions: Vec<MessageDeleted>,
    /// Reactions to be taken back before.
    pub(super) reactions: Vec<ReactionRemoved>,
    /// Reports of the person's messages.
    pub(super) reported: Vec<ReportId>,
    gone: Vec<Gone>,
    blanks: Vec<Blank>,
    threads: Vec<schemas::MessageId>,
    prefs: Vec<RoomId>,
    notifications: Vec<schemas::NotificationId>,
    invites: Vec<schemas::InviteId>,
    reports: Vec<ReportId>,
    posts: u64,
    bytes: usize,
}

/// An event in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) sequence: Sequence,
    pub(super) stored_at: Timestamp,
    pub(super) event: &'a Event,
}

/// The room whose legal hold keeps an event.
pub(super) fn room_of(data: &EventData) -> Option<&RoomId> {
    match data {
        EventData::Message(MessageEvent::Posted(data)) => Some(&data.message.room_id),
        EventData::Message(MessageEvent::Edited(data)) => Some(&data.message.room_id),
        EventData::Message(MessageEvent::Deleted(data)) => Some(&data.room_id),
        EventData::Reaction(ReactionEvent::Added(data)) => Some(&data.room_id),
        EventData::Reaction(ReactionEvent::Removed(data)) => Some(&data.room_id),
        EventData::Receipt(ReceiptEvent::Moved(data)) => Some(&data.room_id),
        EventData::Report(event) => Some(&event.after().room_id),
        EventData::Invite(event) => Some(&event.after().room_id),
        EventData::Prefs(event) => Some(&event.after().room_id),
        EventData::Thread(event) => Some(event.room()),
        EventData::Pin(_)
        | EventData::Notification(_)
        | EventData::User(_)
        | EventData::Session(_)
        | EventData::Challenge(_)
        | EventData::Identity(_)
        | EventData::Audit(_)
        | EventData::Name(_)
        | EventData::Room(_)
        | EventData::Member(_)
        | EventData::Block(_)
        | EventData::Media(_)
        | EventData::Erasure(_)
        | EventData::Export(_)
        | EventData::Hold(_)
        | EventData::Retention(_) => None,
    }
}

impl Piece {
    /// One that begins with the reports of the person's messages.
    pub(super) fn reporting(reported: Vec<ReportId>) -> Self {
        Self { reported, ..Self::default() }
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.reactions.is_empty() && self.reported.is_empty()
    }

    /// How much there is to do.
    pub(super) fn len(&self) -> usize {
        self.gone.len() + self.reactions.len()
    }

    /// Whether it should take no more.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= MOST || self.bytes >= MOST_BYTES
    }

    /// Takes an event, if it is the person's. What stays in the log names people by ids and has no words of theirs:
    /// memberships, pins, reactions (each of which is taken back), and that messages were deleted.
    pub(super) fn take(&mut self, user: &UserId, found: Found<'_>, names: &NameKey) {
        match &found.event.data {
            EventData::Message(event) => self.take_message(user, event, found, names),
            EventData::Reaction(ReactionEvent::Added(added)) if added.user_id == *user => {
                self.reactions.push(taken_back(added));
            }
            EventData::Receipt(ReceiptEvent::Moved(moved)) if moved.user_id == *user => {
                self.goes(found);
            }
            EventData::Notification(event) => self.take_notification(user, event, found),
            EventData::User(event) if event.user_id() == user => self.take_account(event, found),
            EventData::Session(event) if event.user_id() == user => self.goes(found),
            EventData::Challenge(event) if event.user_id() == user => self.goes(found),
            EventData::Thread(event) if event.user() == user => {
                self.threads.push(*event.root());
                self.goes(found);
            }
            EventData::Report(event) if event.after().reporter_id == *user => {
                self.reports.push(event.after().id);
                self.goes(found);
            }
            EventData::Block(event) if event.after().user_id == *user => self.goes(found),
            EventData::Identity(event) if event.after().user_id == *user => self.goes(found),
            EventData::Prefs(event) if event.after().user_id == *user => {
                self.prefs.push(event.after().room_id);
                self.goes(found);
            }
            EventData::Invite(event) if event.after().created_by == *user => {
                self.take_invite(event, found);
            }
            EventData::Export(event) if event.after().user_id == *user => self.goes(found),
            EventData::Media(event) if event.after().owner_id == *user => {
                self.take_media(event, found);
            }
            EventData::Reaction(_)
            | EventData::Receipt(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Challenge(_)
            | EventData::Thread(_)
            | EventData::Report(_)
            | EventData::Block(_)
            | EventData::Identity(_)
            | EventData::Audit(_)
            | EventData::Prefs(_)
            | EventData::Invite(_)
            | EventData::Pin(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Media(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(_) => {}
        }
    }

    fn goes(&mut self, found: Found<'_>) {
        self.gone.extend(gone(found.event, found.sequence));
        self.bytes += GONE;
    }

    fn leaves(&mut self, found: Found<'_>, was: BlankEvent) {
        let Found { sequence, stored_at, .. } = found;
        self.blanks.push(Blank { sequence, stored_at, was });
        self.bytes += BLANK;
        self.goes(found);
    }

    fn take_message(
        &mut self,
        user: &UserId,
        event: &MessageEvent,
        found: Found<'_>,
        names: &NameKey,
    ) {
        match event {
            MessageEvent::Posted(MessagePosted { message, private })
                if message.sender_id == *user =>
            {
                self.deletions.push(MessageDeleted {
                    message_id: message.id,
                    room_id: message.room_id,
                    sender_id: *user,
                    posted: found.sequence,
                    thread_root_id: message.thread_root_id,
                    created_at: message.created_at,
                    // Said when it is deleted.
                    deleted_at: message.created_at,
                    reason: None,
                });
                self.posts += 1;
                self.bytes += NAMED * message.mentions.len();
                self.leaves(found, BlankEvent::Posted(blank(message, *private, names)));
            }
            MessageEvent::Edited(MessageEdited { message, posted, edited_at })
                if message.sender_id == *user =>
            {
                self.bytes += NAMED * message.mentions.len();
                let (posted, edited_at) = (*posted, *edited_at);
                let message = blank(message, false, names);
                self.leaves(found, BlankEvent::Edited { message, posted, edited_at });
            }
            MessageEvent::Posted(_) | MessageEvent::Edited(_) | MessageEvent::Deleted(_) => {}
        }
    }

    fn take_notification(&mut self, user: &UserId, event: &NotificationEvent, found: Found<'_>) {
        let (owner, id) = match event {
            NotificationEvent::Created(data) => (&data.user_id, Some(&data.notification_id)),
            NotificationEvent::Read(data) => (&data.user_id, None),
            NotificationEvent::Removed(data) => (&data.user_id, None),
        };
        if owner == user {
            self.notifications.extend(id.cloned());
            self.goes(found);
        }
    }

    /// That the account was closed stays: the lane says so for ever.
    fn take_account(&mut self, event: &UserEvent, found: Found<'_>) {
        match event {
            UserEvent::Registered(registered) => {
                let created_at = registered.user.created_at;
                self.leaves(found, BlankEvent::Registered { created_at });
            }
            UserEvent::ProfileChanged(_)
            | UserEvent::RoleChanged(_)
            | UserEvent::SuspensionChanged(_)
            | UserEvent::EmailVerified(_)
            | UserEvent::EmailChanged(_)
            | UserEvent::SecondFactorChanged(_)
            | UserEvent::PasswordSet(_) => self.goes(found),
            UserEvent::Erased(_) => {}
        }
    }

    /// Those of media whose bytes are gone (see `Eraser::consider`), but for the last, which says nothing of them.
    fn take_media(&mut self, event: &MediaEvent, found: Found<'_>) {
        match event {
            MediaEvent::Purged(purged) if purged.media.is_erased() => {}
            MediaEvent::Purged(_)
            | MediaEvent::Requested(_)
            | MediaEvent::Stored(_)
            | MediaEvent::Attached(_)
            | MediaEvent::Detached(_)
            | MediaEvent::Removed(_) => self.goes(found),
        }
    }

    fn take_invite(&mut self, event: &InviteEvent, found: Found<'_>) {
        self.invites.push(event.after().id);
        self.goes(found);
    }

    /// What it adds to what was removed.
    pub(super) fn adds_to(&self, removed: Removed, reactions: u64) -> Removed {
        let events = u64::try_from(self.gone.len()).unwrap_or(u64::MAX);
        Removed {
            events: removed.events.saturating_add(events),
            messages: removed.messages + self.posts,
            reactions: removed.reactions + reactions,
            ..removed
        }
    }

    /// As it is listed.
    pub(super) fn listed(
        self,
        (erasure_id, user_id): (ErasureId, UserId),
        listed_at: Timestamp,
        through: Sequence,
        removed: Removed,
    ) -> ErasureListed {
        ErasureListed {
            erasure_id,
            user_id,
            listed_at,
            through,
            gone: self.gone,
            blanks: self.blanks,
            threads: distinct(self.threads),
            prefs: distinct(self.prefs),
            notifications: distinct(self.notifications),
            invites: distinct(self.invites),
            reports: distinct(self.reports),
            reported: self.reported,
            removed,
        }
    }
}

fn distinct<T: Ord>(mut ids: Vec<T>) -> Vec<T> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The end of a reaction that its author added.
fn taken_back(added: &ReactionAdded) -> ReactionRemoved {
    ReactionRemoved {
        message_id: added.message_id,
        room_id: added.room_id,
        user_id: added.user_id,
        emoji: added.emoji.clone(),
        posted: added.posted,
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Actor, EventId};
    use uuid::Uuid;

    use super::*;

    /// Every event there is, as one of its own person's: it goes, or is one of those that stay.
    #[test]
    fn what_has_words_or_data_of_a_person_goes() {
        const STAY: &[&str] = &[
            "message.deleted.v1",
            "reaction.added.v1",
            "reaction.removed.v1",
            "message.pinned.v1",
            "message.unpinned.v1",
            "member.joined.v1",
            "member.added.v1",
            "member.left.v1",
            "member.removed.v1",
            "member.changed.v1",
            "member.block_changed.v1",
            "room.created.v1",
            "room.changed.v1",
            "room.archived.v1",
            "room.restored.v1",
            "name.claimed.v1",
            "name.released.v1",
            "user.erased.v1",
            "erasure.begun.v1",
            "erasure.listed.v1",
            "erasure.completed.v1",
            "hold.placed.v1",
            "hold.lifted.v1",
            "room.retention_applied.v1",
            "room.texts_removed.v1",
            "room.messages_purged.v1",
            "audit.read.v1",
        ];
        let names = NameKey::new(&[7; 32]);
        for data in testbed::every_event() {
            let text = format!("{data:?}");
            let people = text.split('"').filter_map(|part| UserId::parse(part).ok());
            let event = Event {
                id: EventId::from_uuid(Uuid::nil()),
                time: Timestamp::from_millis(0),
                actor: Actor::System,
                causation: None,
                traceparent: None,
                data,
            };
            let data = &event.data;
            let stays = STAY.contains(&data.type_name());
            let goes = people.into_iter().any(|user| {
                let mut piece = Piece::default();
                let stored_at = Timestamp::from_millis(0);
                piece.take(&user, Found { sequence: 1, stored_at, event: &event }, &names);
                !piece.gone.is_empty()
            });
            assert_eq!(goes, !stays, "{}", data.type_name());
        }
    }
}
