//! Decisions about following and reading threads.

use decider::Fact;
use schemas::events::{ThreadFollowed, ThreadRead, ThreadUnfollowed};
use schemas::{Lane, Sequence};

use crate::domain::Context;
use crate::domain::access::Standing;
use crate::domain::message::{Message, MessageRejection};

/// Whether the caller follows a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// They do.
    Yes,
    /// They have stopped, or only read it.
    No,
    /// They have nothing to do with it yet.
    Never,
    /// It cannot be said now.
    Unknown,
}

/// The message must be one of the room that can begin a thread. One that was deleted may still have answers; of one that
/// was purged nothing is left.
fn is_root(standing: &Standing<'_>, root: &Message) -> Result<(), MessageRejection> {
    standing.role()?;
    if root.state.room_id != standing.room.id {
        return Err(MessageRejection::NoSuchMessage);
    }
    root.is_left()?;
    if root.state.thread_root_id.is_some() { Err(MessageRejection::NotARoot) } else { Ok(()) }
}

/// Has the caller follow a thread; nothing happens when they do. A muted member may, and in an archived room, too.
///
/// # Errors
/// See [`MessageRejection`].
pub fn follow(
    standing: &Standing<'_>,
    root: &Message,
    follows: Follows,
    cx: &Context,
) -> Result<Option<Fact>, MessageRejection> {
    is_root(standing, root)?;
    if follows == Follows::Yes {
        return Ok(None);
    }
    let event = ThreadFollowed {
        room_id: root.state.room_id,
        user_id: cx.actor,
        thread_root_id: root.state.id,
    };
    Ok(Some(Fact::new(Lane::Threads(cx.actor), event)))
}

/// Has the caller stop following a thread; nothing happens when they do not. Who wrote the message, or is named in it,
/// may stop before the first answer would have them follow.
///
/// # Errors
/// See [`MessageRejection`].
pub fn unfollow(
    standing: &Standing<'_>,
    root: &Message,
    follows: Follows,
    cx: &Context,
) -> Result<Option<Fact>, MessageRejection> {
    is_root(standing, root)?;
    let would = root.state.sender_id == cx.actor || root.state.mentions.contains(&cx.actor);
    let changes = match follows {
        Follows::Yes | Follows::Unknown => true,
        Follows::No => false,
        Follows::Never => would,
    };
    if !changes {
        return Ok(None);
    }
    let event = ThreadUnfollowed {
        room_id: root.state.room_id,
        user_id: cx.actor,
        thread_root_id: root.state.id,
    };
    Ok(Some(Fact::new(Lane::Threads(cx.actor), event)))
}

/// Moves the caller's marker in a thread to an answer, forwards only: nothing happens when it is there or further
/// already. The message that began the thread stands before all answers.
///
/// # Errors
/// See [`MessageRejection`].
pub fn mark_read(
    standing: &Standing<'_>,
    root: &Message,
    answer: Option<&Message>,
    marker: Sequence,
    cx: &Context,
) -> Result<Option<Fact>, MessageRejection> {
    is_root(standing, root)?;
    let answer = answer.ok_or(MessageRejection::NoSuchMessage)?;
    if answer.state.id == root.state.id {
        return Ok(None);
    }
    if answer.state.thread_root_id.as_ref() != Some(&root.state.id) {
        return Err(MessageRejection::NoSuchMessage);
    }
    if answer.posted <= marker {
        return Ok(None);
    }
    let event = ThreadRead {
        room_id: root.state.room_id,
        user_id: cx.actor,
        thread_root_id: root.state.id,
        message_id: answer.state.id,
        posted: answer.posted,
    };
    Ok(Some(Fact::new(Lane::Threads(cx.actor), event)))
}
