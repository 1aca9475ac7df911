//! Threads: their answers, counted, and who follows them.
//!
//! Who starts, answers or is named in a thread follows it: the messages say so, no event does. What a user does
//! themselves (follow, stop following, read) are events. A follower is one for a stay in the room: leaving ends it
//! without a write. A marker never goes back.

use readmodel::{FollowerDoc, MessageDoc, ThreadDoc};
use schemas::events::{MessageState, ThreadEvent, ThreadFollowed, ThreadRead, ThreadUnfollowed};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::values::RoomMention;
use schemas::{Sequence, Timestamp};

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &ThreadEvent, wants: &mut Wants<'_>) {
    let (root, room, user) = (event.root(), event.room(), event.user());
    wants.message(root);
    wants.membership(room, user);
    wants.thread(root);
    wants.follower(root, user);
    match event {
        ThreadEvent::Followed(_) | ThreadEvent::Unfollowed(_) => {}
        ThreadEvent::Read(ThreadRead { message_id, .. }) => wants.message(message_id),
    }
}

pub(super) fn apply(
    event: &ThreadEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let (root, room, user) = (event.root(), event.room(), event.user());
    let in_room = |message: &MessageDoc| message.room_id == *room && message.is_main();
    if !set.messages.get(root)?.is_some_and(in_room) {
        return Ok(());
    }
    let Some(relation) = Relation::of(root, room, user, set)? else { return Ok(()) };
    let next = match event {
        ThreadEvent::Followed(ThreadFollowed { .. }) => Some(relation.followed(at, set)?),
        ThreadEvent::Unfollowed(ThreadUnfollowed { .. }) => Some(relation.unfollowed(at, set)?),
        ThreadEvent::Read(ThreadRead { message_id, .. }) => relation.read(message_id, at, set)?,
    };
    if let Some(next) = next {
        set.followers.put(&(*root, *user), next);
    }
    Ok(())
}

/// A place among the answers of a thread.
#[derive(Debug, Clone, Copy, Default)]
struct Marker {
    number: u64,
    message: Option<MessageId>,
    posted: Sequence,
}

impl Marker {
    /// The newest answer there is.
    fn end(thread: Option<&ThreadDoc>) -> Self {
        thread.map_or_else(Self::default, |thread| Self {
            number: thread.total,
            message: thread.last_answer,
            posted: thread.last_activity,
        })
    }
}

/// What a member of the room is to a thread.
struct Relation {
    /// The document there is, else one of who neither follows nor has read.
    doc: FollowerDoc,
    /// Whether it is about the present stay.
    known: bool,
}

impl Relation {
    /// None for who is not in the room.
    fn of(
        root: &MessageId,
        room: &RoomId,
        user: &UserId,
        set: &WorkingSet,
    ) -> Result<Option<Self>, NotLoaded> {
        let own = set.memberships.get(&(*room, *user))?;
        let Some(own) = own.filter(|own| own.present) else { return Ok(None) };
        let before = set.followers.get(&(*root, *user))?;
        let known = before.is_some_and(|doc| doc.stay == own.joined);
        let fresh = || FollowerDoc {
            root_id: *root,
            room_id: *room,
            user_id: *user,
            following: false,
            stay: own.joined,
            marker: 0,
            marker_message_id: None,
            marker_posted: 0,
            marker_updated: 0,
            marker_at: 0,
            changed: 0,
            updated: 0,
        };
        let doc = before.cloned().unwrap_or_else(fresh);
        let following = doc.following && known;
        Ok(Some(Self { doc: FollowerDoc { following, stay: own.joined, ..doc }, known }))
    }

    /// Also where they do already: two of the same may have been decided at once, and the last is the one that is told.
    fn followed(self, at: Sequence, set: &WorkingSet) -> Result<FollowerDoc, NotLoaded> {
        if self.doc.following {
            return Ok(FollowerDoc { changed: at, updated: at, ..self.doc });
        }
        let end = Marker::end(set.threads.get(&self.doc.root_id)?);
        Ok(FollowerDoc { changed: at, ..self.from(end, at) })
    }

    /// Also where they do not.
    fn unfollowed(self, at: Sequence, set: &WorkingSet) -> Result<FollowerDoc, NotLoaded> {
        let doc = match self.known {
            true => FollowerDoc { updated: at, ..self.doc },
            false => {
                let end = Marker::end(set.threads.get(&self.doc.root_id)?);
                self.from(end, at)
            }
        };
        Ok(FollowerDoc { following: false, changed: at, ..doc })
    }

    fn read(
        self,
        message: &MessageId,
        at: Sequence,
        set: &WorkingSet,
    ) -> Result<Option<FollowerDoc>, NotLoaded> {
        let Some(answer) = set.messages.get(message)? else { return Ok(None) };
        let of_thread = answer.thread_root_id.as_ref() == Some(&self.doc.root_id);
        let number = answer.thread_number.filter(|_| of_thread);
        let Some(number) = number.filter(|number| *number > self.doc.marker) else {
            return Ok(None);
        };
        let marker = Marker { number, message: Some(answer.id), posted: answer.posted };
        let following = self.doc.following;
        let doc = self.from(marker, at);
        Ok(Some(FollowerDoc { following, marker_updated: at, marker_at: at, ..doc }))
    }

    /// They follow the thread, and have read up to there at least.
    fn from(self, marker: Marker, at: Sequence) -> FollowerDoc {
        let doc = FollowerDoc { following: true, updated: at, ..self.doc };
        if marker.number <= doc.marker {
            return doc;
        }
        FollowerDoc {
            marker: marker.number,
            marker_message_id: marker.message,
            marker_posted: marker.posted,
            ..doc
        }
    }
}

/// What an answer needs besides its root: the thread, and what those who come to follow it by the answer are to it.
pub(super) fn needs_of_answer(message: &MessageState, root: &MessageId, wants: &mut Wants<'_>) {
    wants.thread(root);
    wants.follower(root, &message.sender_id);
    for user in &message.mentions {
        wants.follower(root, user);
    }
}

/// What the first answer needs of the message that it answers: those who started the thread.
pub(super) fn needs_of_start(
    root: &MessageId,
    set: &WorkingSet,
    wants: &mut Wants<'_>,
) -> Result<(), NotLoaded> {
    if set.threads.get(root)?.is_some_and(|thread| thread.total > 0) {
        return Ok(());
    }
    // One that is not there is posted in this very batch: then there are no followers yet.
    let Some(message) = set.messages.get(root)? else { return Ok(()) };
    for user in starters(message) {
        wants.membership(&message.room_id, user);
        wants.follower(root, user);
    }
    Ok(())
}

/// Who follows a thread from its first answer on.
fn starters(root: &MessageDoc) -> impl Iterator<Item = &UserId> {
    std::iter::once(&root.sender_id).chain(&root.mentions)
}

/// An answer was posted to a message of the same room; answers with its place in the thread and the time of the last
/// reply.
pub(super) fn answered(
    answer: &MessageState,
    root: &MessageId,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<u64, NotLoaded> {
    if set.threads.get(root)?.is_none() {
        set.threads.put(root, ThreadDoc::empty(*root, answer.room_id));
    }
    let before = Marker::end(set.threads.get(root)?);
    let Some(thread) = set.threads.change(root)? else { return Ok(0) };
    let number = thread.answered(&answer.sender_id, &answer.id, answer.created_at, at);
    if names(answer) {
        thread.named_up_to = number;
    }
    if number == 1 {
        started(root, &answer.room_id, at, set)?;
    }
    for user in answer.mentions.iter().filter(|user| **user != answer.sender_id) {
        begin(root, &answer.room_id, user, before, at, set)?;
    }
    let own = Marker { number, message: Some(answer.id), posted: at };
    let user = &answer.sender_id;
    if let Some(relation) = Relation::of(root, &answer.room_id, user, set)? {
        let doc = FollowerDoc { marker_at: at, ..relation.from(own, at) };
        set.followers.put(&(*root, *user), doc);
    }
    Ok(number)
}

fn names(message: &MessageState) -> bool {
    message.mentions_room == Some(RoomMention::Room) || !message.mentions.is_empty()
}

/// The first answer: who wrote the message, and whom it names, follow from here on, unless they have chosen already.
fn started(
    root: &MessageId,
    room: &RoomId,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let Some(message) = set.messages.get(root)? else { return Ok(()) };
    let users: Vec<UserId> = starters(message).copied().collect();
    for user in users {
        let key = (*root, user);
        if !set.followers.knows(&key) {
            // The message was posted in this very batch.
            set.followers.learn(key, None);
        }
        let relation = Relation::of(root, room, &key.1, set)?;
        if let Some(relation) = relation.filter(|relation| !relation.known) {
            set.followers.put(&key, relation.from(Marker::default(), at));
        }
    }
    Ok(())
}

/// A member who does not follow a thread does from a place of it on.
fn begin(
    root: &MessageId,
    room: &RoomId,
    user: &UserId,
    from: Marker,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let relation = Relation::of(root, room, user, set)?;
    if let Some(relation) = relation.filter(|relation| !relation.doc.following) {
        set.followers.put(&(*root, *user), relation.from(from, at));
    }
    Ok(())
}

/// A message was edited, which was as `old` says: whom it names now and did not name before follows its thread, from
/// now on.
pub(super) fn edited(
    old: &MessageDoc,
    new: &MessageState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    // An edit does not move a message to another thread, whatever it says.
    if old.thread_root_id != new.thread_root_id {
        return Ok(());
    }
    let root = new.thread_root_id.as_ref().unwrap_or(&new.id);
    let Some(thread) = set.threads.get(root)? else { return Ok(()) };
    let end = Marker::end(Some(thread));
    if end.number == 0 {
        return Ok(());
    }
    if let Some(number) = old.thread_number.filter(|_| names(new))
        && thread.named_up_to < number
        && let Some(thread) = set.threads.change(root)?
    {
        thread.named_up_to = number;
        thread.updated = at;
    }
    let added = |user: &&UserId| !old.mentions.contains(user) && **user != new.sender_id;
    for user in new.mentions.iter().filter(added) {
        begin(root, &new.room_id, user, end, at, set)?;
    }
    Ok(())
}

/// An answer was deleted, which was as `old` says.
pub(super) fn answer_deleted(
    old: &MessageDoc,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let (Some(root), Some(number)) = (&old.thread_root_id, old.thread_number) else {
        return Ok(());
    };
    if let Some(thread) = set.threads.change(root)? {
        thread.deleted(&old.sender_id, number, at);
    }
    Ok(())
}

/// When the newest answer of a thread was posted.
pub(super) fn last_reply_at(
    root: &MessageId,
    set: &WorkingSet,
) -> Result<Option<Timestamp>, NotLoaded> {
    Ok(set.threads.get(root)?.and_then(ThreadDoc::last_reply_at))
}
