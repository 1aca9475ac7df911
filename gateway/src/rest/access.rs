//! Which rooms and messages the caller may see.

use std::sync::Arc;

use readmodel::{MembershipDoc, MessageDoc, ReadStore, RoomDoc};
use schemas::values::Visibility;
use schemas::{Code, MessageId, RefusalReason, Rejection, RoomId, UserId};

use crate::failure;
use crate::http::Call;

/// A room as far as the caller may see it.
pub(crate) struct Seen {
    pub(crate) room: RoomDoc,
    /// The caller's membership; none when they are not in the room.
    pub(crate) membership: Option<MembershipDoc>,
    pub(crate) store: Arc<dyn ReadStore>,
}

/// A room the caller may know of: they are in it, or it is public. Everything else answers like a room that
/// does not exist.
///
/// # Errors
/// `not_found`, or the read model does not answer.
pub(crate) async fn visible(call: &Call, id: &RoomId) -> Result<Seen, Rejection> {
    let caller = call.caller()?;
    let store = call.state.read_model.current();
    let room = store.room(id).await.map_err(failure::store)?;
    let membership = membership(store.as_ref(), id, &caller.user_id).await?;
    match room {
        Some(room)
            if room.created
                && (membership.is_some() || room.state.visibility == Visibility::Public) =>
        {
            Ok(Seen { room, membership, store })
        }
        _ => Err(Rejection::not_found()),
    }
}

/// A room the caller is in.
///
/// # Errors
/// `forbidden` for a public room they are not in, `not_found` for any other, or the read model does not answer.
pub(crate) async fn entered(call: &Call, id: &RoomId) -> Result<Seen, Rejection> {
    let seen = visible(call, id).await?;
    if seen.membership.is_none() {
        return Err(Rejection::because(RefusalReason::NotAMember, "join the room first"));
    }
    Ok(seen)
}

/// A room the caller is in. Every other answers like one that does not exist: the messages of a public room are for
/// its members too.
///
/// # Errors
/// `not_found`, or the read model does not answer.
pub(crate) async fn joined(call: &Call, id: &RoomId) -> Result<Seen, Rejection> {
    let seen = visible(call, id).await?;
    if seen.membership.is_none() {
        return Err(Rejection::not_found());
    }
    Ok(seen)
}

/// A message in a room the caller is in. Every other answers like one that does not exist.
///
/// # Errors
/// `not_found`; `gone` for one that was purged; or the read model does not answer.
pub(crate) async fn message(
    call: &Call,
    id: &MessageId,
) -> Result<(MessageDoc, Arc<dyn ReadStore>), Rejection> {
    let caller = call.caller()?;
    let store = call.state.read_model.current();
    let found = store.message(id).await.map_err(failure::store)?;
    let message = found.ok_or_else(Rejection::not_found)?;
    match membership(store.as_ref(), &message.room_id, &caller.user_id).await? {
        Some(_) if message.purged > 0 => {
            Err(Rejection::new(Code::Gone, "the message was purged: nothing of it is left"))
        }
        Some(_) => Ok((message, store)),
        None => Err(Rejection::not_found()),
    }
}

/// Whether a user is in a room.
///
/// # Errors
/// The read model does not answer.
pub(crate) async fn is_in(
    store: &dyn ReadStore,
    room: &RoomId,
    user: &UserId,
) -> Result<bool, Rejection> {
    Ok(membership(store, room, user).await?.is_some())
}

async fn membership(
    store: &dyn ReadStore,
    room: &RoomId,
    user: &UserId,
) -> Result<Option<MembershipDoc>, Rejection> {
    let found = store.membership(room, user).await.map_err(failure::store)?;
    Ok(found.filter(|member| member.present && !member.banned))
}
