//! The members of rooms.

use schemas::commands::{JoinRoom, LeaveRoom, RemoveMember};
use schemas::events::MemberState;
use schemas::views::{Member, Page, Room};
use schemas::{Rejection, RoomId, UserId};

use super::paging::{PageQuery, place};
use super::{access, rooms};
use crate::cursor::List;
use crate::http::{Call, Created, Done, NoContent, Path, Query, Reply};
use crate::requests::Nothing;
use crate::requests::member::{MemberChanges, NewMember};
use crate::{documents, failure};

pub(crate) async fn list(
    call: Call,
    Query(query): Query<PageQuery>,
    Path(room): Path<RoomId>,
) -> Done<Page<Member>> {
    let seen = access::entered(&call, &room).await?;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["members", room.as_str()] };
    let after: Option<UserId> = place(&list, query.cursor.as_deref())?;
    let found = seen.store.members(&room, after.as_ref(), query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let people = call.state.users.get(slice.items.iter().map(|doc| &doc.user_id)).await?;
    let last = slice.items.last().filter(|_| slice.more);
    let next_cursor = last.and_then(|doc| list.cursor(&doc.user_id));
    let member = |doc: readmodel::MembershipDoc| {
        let user = documents::user(people.get(&doc.user_id)?);
        Some(documents::member(doc, user))
    };
    let items: Vec<Member> = slice.items.into_iter().filter_map(member).collect();
    Ok(Reply::ok(&Page { items, next_cursor }))
}

pub(crate) async fn add(
    call: Call,
    Path(room_id): Path<RoomId>,
    body: NewMember,
) -> Created<Member> {
    let accepted = call.send(&body.command(room_id)).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::created(&member(&call, &accepted.result).await?).at(accepted.position))
}

pub(crate) async fn change(
    call: Call,
    Path((room_id, user_id)): Path<(RoomId, UserId)>,
    body: MemberChanges,
) -> Done<Member> {
    let accepted = call.send(&body.command(room_id, user_id)).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::ok(&member(&call, &accepted.result).await?).at(accepted.position))
}

pub(crate) async fn remove(
    call: Call,
    Path((room_id, user_id)): Path<(RoomId, UserId)>,
    _: Nothing,
) -> NoContent {
    let accepted = call.send(&RemoveMember { room_id, user_id }).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn join(call: Call, Path(room_id): Path<RoomId>, _: Nothing) -> Done<Room> {
    let accepted = call.send(&JoinRoom { room_id }).await?;
    let (room, position) = rooms::written(&call, accepted).await;
    Ok(Reply::ok(&room).at(position))
}

pub(crate) async fn leave(call: Call, Path(room_id): Path<RoomId>, _: Nothing) -> NoContent {
    let accepted = call.send(&LeaveRoom { room_id }).await?;
    rooms::projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}

async fn member(call: &Call, state: &MemberState) -> Result<Member, Rejection> {
    let user = call.state.users.one(&state.user_id).await?;
    let user = user.ok_or_else(Rejection::not_found)?;
    Ok(documents::written_member(state, documents::user(&user)))
}
