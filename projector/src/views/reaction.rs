//! Events of reactions. A repeat changes nothing, nor does a kind beyond the most a message may have.

use readmodel::documents::Stored as _;
use readmodel::{FIRST_USERS, Key, ReactionDoc, ReactionKind};
use schemas::Sequence;
use schemas::events::{MAX_KINDS, ReactionAdded, ReactionEvent, ReactionRemoved};
use schemas::ids::{MessageId, ReactionId, RoomId, UserId};
use schemas::values::Emoji;

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &ReactionEvent, wants: &mut Wants<'_>) {
    let (message, user, emoji) = match event {
        ReactionEvent::Added(data) => (&data.message_id, &data.user_id, &data.emoji),
        ReactionEvent::Removed(data) => (&data.message_id, &data.user_id, &data.emoji),
    };
    wants.message(message);
    wants.key(Key::Reaction(*message, ReactionId::of(user, emoji)));
}

pub(super) fn apply(
    event: &ReactionEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        ReactionEvent::Added(data) => added(data, at, set),
        ReactionEvent::Removed(data) => removed(data, at, set),
    }
}

/// The kinds of reactions to a message of this room; none when it takes no reaction.
fn kinds<'a>(
    message: &MessageId,
    room: &RoomId,
    set: &'a WorkingSet,
) -> Result<Option<&'a [ReactionKind]>, NotLoaded> {
    let found = set.messages.get(message)?;
    let takes = found.filter(|found| found.deleted_at.is_none() && found.room_id == *room);
    Ok(takes.map(|found| found.reactions.as_slice()))
}

fn added(data: &ReactionAdded, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let Some(kinds) = kinds(&data.message_id, &data.room_id, set)? else { return Ok(()) };
    let new_kind = !kinds.iter().any(|kind| kind.emoji == data.emoji);
    if new_kind && kinds.len() >= MAX_KINDS {
        return Ok(());
    }
    let doc = ReactionDoc {
        message_id: data.message_id,
        id: ReactionId::of(&data.user_id, &data.emoji),
        user_id: data.user_id,
        emoji: data.emoji.clone(),
        at,
        removed: false,
        updated: at,
    };
    let key = doc.key();
    if set.reactions.get(&key)?.is_some_and(|there| !there.removed) {
        return Ok(());
    }
    set.reactions.put(&key, doc);
    if let Some(message) = set.messages.change(&data.message_id)? {
        count_in(&mut message.reactions, &data.emoji, &data.user_id);
        message.beside = at;
        message.updated = at;
    }
    Ok(())
}

fn count_in(kinds: &mut Vec<ReactionKind>, emoji: &Emoji, user: &UserId) {
    let Some(kind) = kinds.iter_mut().find(|kind| kind.emoji == *emoji) else {
        kinds.push(ReactionKind { emoji: emoji.clone(), count: 1, first: vec![*user] });
        return;
    };
    // Only behind all who came before: those named are the first ones, also after one of them took theirs back.
    if kind.first.len() < FIRST_USERS && !kind.lacks_users() {
        kind.first.push(*user);
    }
    kind.count += 1;
}

fn removed(data: &ReactionRemoved, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    if kinds(&data.message_id, &data.room_id, set)?.is_none() {
        return Ok(());
    }
    let key = (data.message_id, ReactionId::of(&data.user_id, &data.emoji));
    if set.reactions.get(&key)?.is_none_or(|there| there.removed) {
        return Ok(());
    }
    if let Some(reaction) = set.reactions.change(&key)? {
        reaction.removed = true;
        reaction.updated = at;
    }
    if let Some(message) = set.messages.change(&data.message_id)? {
        count_out(&mut message.reactions, &data.emoji, &data.user_id);
        message.beside = at;
        message.updated = at;
    }
    Ok(())
}

fn count_out(kinds: &mut Vec<ReactionKind>, emoji: &Emoji, user: &UserId) {
    for kind in kinds.iter_mut().filter(|kind| kind.emoji == *emoji) {
        kind.count = kind.count.saturating_sub(1);
        kind.first.retain(|first| first != user);
    }
    kinds.retain(|kind| kind.count > 0);
}
