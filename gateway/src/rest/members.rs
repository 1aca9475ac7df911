//! The members of rooms.

use readmodel::{Named, members_named};
use schemas::commands::{JoinRoom, LeaveRoom, RemoveMember};
use schemas::events::MemberState;
use schemas::views::{Member, Page, Room};
use schemas::{Rejection, RoomId, UserId};

use super::paging::place;
use super::users::words;
use super::{access, rooms};
use crate::cursor::List;
use crate::http::{Call, Created, Done, Limit, NoContent, Path, Query, Reply, shape};
use crate::requests::Nothing;
use crate::requests::member::{MemberChanges, NewMember, OwnSettings};
use crate::{documents, failure};

shape! {
    /// Which members of a room.
    MembersQuery {
        /// Words, 1 to 100 characters. Each must begin a word of the username or the display name, ignoring case and
        /// accents. A page may then be short and still have a `next_cursor`.
        query: Option<String>,
        /// How many members: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
}

pub(crate) async fn list(
    call: Call,
    Query(query): Query<MembersQuery>,
    Path(room): Path<RoomId>,
) -> Done<Page<Member>> {
    let seen = access::entered(&call, &room).await?;
    let epoch = call.epoch();
    let words = query.query.as_deref().map(words).transpose()?;
    let mut parts = vec!["members", room.as_str()];
    parts.extend(words.as_deref());
    let list = List { epoch: &epoch, parts };
    let after: Option<UserId> = place(&list, query.cursor.as_deref())?;
    let limit = query.limit.items();
    let found = match &words {
        Some(words) => {
            members_named(seen.store.as_ref(), &seen.room, words, after.as_ref(), limit).await
        }
        None => seen.store.members(&room, after.as_ref(), limit).await.map(|slice| {
            let onward = slice.items.last().filter(|_| slice.more).map(|doc| doc.user_id);
            Named { items: slice.items, onward }
        }),
    };
    let Named { items, onward } = found.map_err(failure::store)?;
    let people = call.state.users.get(items.iter().map(|doc| &doc.user_id)).await?;
    let next_cursor = onward.and_then(|last| list.cursor(&last));
    let member = |doc: &readmodel::MembershipDoc| {
        let user = documents::user(people.get(&doc.user_id)?);
        Some(documents::member(seen.room.state.everyone, doc, user))
    };
    let items: Vec<Member> = items.iter().filter_map(member).collect();
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

pub(crate) async fn change_own(
    call: Call,
    Path(room_id): Path<RoomId>,
    body: OwnSettings,
) -> Done<Room> {
    let accepted = call.send(&body.command(room_id)).await?;
    let (room, position) = rooms::written(&call, accepted).await;
    Ok(Reply::ok(&room).at(position))
}

async fn member(call: &Call, state: &MemberState) -> Result<Member, Rejection> {
    let user = call.state.users.one(&state.user_id).await?;
    let user = user.ok_or_else(Rejection::not_found)?;
    Ok(documents::written_member(state, documents::user(&user)))
}
