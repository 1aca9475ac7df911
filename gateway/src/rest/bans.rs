//! Who may not come into rooms.

use schemas::commands::LiftBan;
use schemas::values::{RoomKind, RoomRole};
use schemas::views::{BannedUser, Page};
use schemas::{RefusalReason, Rejection, RoomId, Timestamp, UserId};

use super::paging::{PageQuery, place};
use super::{access, rooms};
use crate::cursor::List;
use crate::http::{Call, Done, NoContent, Path, Query, Reply};
use crate::requests::Nothing;
use crate::requests::member::NewBan;
use crate::{documents, failure};

pub(crate) async fn list(
    call: Call,
    Query(query): Query<PageQuery>,
    Path(room): Path<RoomId>,
) -> Done<Page<BannedUser>> {
    let seen = admin_of(&call, &room).await?;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["bans", room.as_str()] };
    let after: Option<UserId> = place(&list, query.cursor.as_deref())?;
    let now = Timestamp::now();
    let found = seen.store.bans(&room, now, after.as_ref(), query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let people = call.state.users.get(slice.items.iter().map(|doc| &doc.user_id)).await?;
    let last = slice.items.last().filter(|_| slice.more);
    let next_cursor = last.and_then(|doc| list.cursor(&doc.user_id));
    let view = |doc: readmodel::MembershipDoc| {
        let user = documents::user(people.get(&doc.user_id)?);
        Some(documents::banned(doc, user))
    };
    let items: Vec<BannedUser> = slice.items.into_iter().filter_map(view).collect();
    Ok(Reply::ok(&Page { items, next_cursor }))
}

/// A room the caller is an admin of.
pub(super) async fn admin_of(call: &Call, room: &RoomId) -> Result<access::Seen, Rejection> {
    let seen = access::entered(call, room).await?;
    if seen.room.state.kind == RoomKind::Direct {
        return Err(Rejection::because(RefusalReason::DirectRoom, "a direct room has no roles"));
    }
    let role = seen.membership.as_ref().map_or(RoomRole::Member, |own| own.role);
    let role = documents::role_in(seen.room.state.everyone, role, call.caller()?.role);
    if role < RoomRole::Admin {
        return Err(Rejection::because(
            RefusalReason::NeedsRoomAdmin,
            "this needs the role admin in the room",
        ));
    }
    Ok(seen)
}

pub(crate) async fn ban(
    call: Call,
    Path((room_id, user_id)): Path<(RoomId, UserId)>,
    body: NewBan,
) -> NoContent {
    let accepted = call.send(&body.command(room_id, user_id)).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn lift(
    call: Call,
    Path((room_id, user_id)): Path<(RoomId, UserId)>,
    _: Nothing,
) -> NoContent {
    let accepted = call.send(&LiftBan { room_id, user_id }).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}
