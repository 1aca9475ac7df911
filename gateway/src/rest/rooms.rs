//! Rooms.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use readmodel::{ActivityAnchor, Group, MembershipDoc, ReadStore, RoomDoc, RoomFilter, Unread};
use readmodel::{NameAnchor, fold};
use schemas::commands::{Accepted, ArchiveRoom, RoomOutcome};
use schemas::unicode::sought;
use schemas::values::Visibility;
use schemas::views::{Page, Room, UnreadSummary};
use schemas::{Code, Position, Rejection, RoomId, Timestamp};

use super::paging::{Moving, moving, place};
use super::{access, shown};
use crate::cursor::List;
use crate::documents::Own;
use crate::http::{Call, Created, Done, Limit, Made, NoContent, Path, Query, Reply, shape};
use crate::requests::Nothing;
use crate::requests::room::{NewDirect, NewRoom, RoomChanges};
use crate::{badge, documents, failure};

/// How long the answer to a write waits for the read model, to show the whole room.
const PROJECTED_WITHIN: Duration = Duration::from_secs(2);
/// Characters of a search.
const MAX_QUERY: usize = 100;

shape! {
    /// Without filters: the caller's rooms, pinned ones first, then most recent activity first. With a filter: public rooms by name. A room
    /// that moves while pages are read is on at least one of them, and may be on more.
    RoomQuery {
        /// `public`, to find rooms that any user may join.
        visibility: Option<Visibility>,
        /// The exact name, ignoring case.
        name: Option<String>,
        /// Words, at most 100 characters. Each must begin a word of the name, ignoring case and accents.
        query: Option<String>,
        /// How many rooms: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
}

pub(crate) async fn create(call: Call, body: NewRoom) -> Created<Room> {
    let accepted = call.send(&body.command()).await?;
    let (room, position) = written(&call, accepted).await;
    Ok(Reply::created(&room).at(position))
}

pub(crate) async fn open_direct(call: Call, body: NewDirect) -> Made<Room> {
    let accepted = call.send(&body.command()).await?;
    let created = accepted.result.created;
    let (room, position) = written(&call, accepted).await;
    Ok(Reply::made(created, &room).at(position))
}

pub(crate) async fn change(
    call: Call,
    Path(room_id): Path<RoomId>,
    body: RoomChanges,
) -> Done<Room> {
    let accepted = call.send(&body.command(room_id)).await?;
    let (room, position) = written(&call, accepted).await;
    Ok(Reply::ok(&room).at(position))
}

pub(crate) async fn archive(call: Call, Path(room_id): Path<RoomId>, _: Nothing) -> NoContent {
    let accepted = call.send(&ArchiveRoom { room_id }).await?;
    projected(&call, accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn one(call: Call, Path(id): Path<RoomId>) -> Done<Room> {
    Ok(Reply::ok(&whole_room(&call, &id).await?))
}

/// The room as the read model has it after a write; as the command left it when the read model lags.
pub(super) async fn written(
    call: &Call,
    accepted: Accepted<RoomOutcome>,
) -> (Room, Option<Position>) {
    let Accepted { position, result } = accepted;
    let room = match projected(call, position.as_ref()).await {
        true => whole_room(call, &result.room.id).await.ok(),
        false => None,
    };
    (room.unwrap_or_else(|| documents::written_room(&result.room)), position)
}

/// Waits until a write can be read; false when that takes too long.
pub(crate) async fn projected(call: &Call, position: Option<&Position>) -> bool {
    let Some(position) = position else { return true };
    let groups = &[Group::Conversations];
    let read_model = &call.state.read_model;
    read_model.wait_for_groups(groups, position.sequence, PROJECTED_WITHIN).await.is_ok()
}

async fn whole_room(call: &Call, id: &RoomId) -> Result<Room, Rejection> {
    let seen = access::visible(call, id).await?;
    // Messages of a room are for its members.
    let Some(membership) = &seen.membership else {
        return Ok(documents::room(&seen.room, None, None));
    };
    let mut last = last_messages(call, seen.store.as_ref(), &[&seen.room]).await?;
    let unread = seen.store.unread(&[(&seen.room, membership)]).await.map_err(failure::store)?;
    let unread = unread.first().copied().unwrap_or_default();
    let own = Own { membership, unread, role: call.caller()?.role, now: Timestamp::now() };
    Ok(documents::room(&seen.room, Some(own), last.remove(id)))
}

/// The newest message of each room that has one.
async fn last_messages(
    call: &Call,
    store: &dyn ReadStore,
    rooms: &[&RoomDoc],
) -> Result<HashMap<RoomId, schemas::views::Message>, Rejection> {
    let found = store.last_messages(rooms).await.map_err(failure::store)?;
    let shown = shown::messages(call, store, found).await?;
    Ok(shown.into_iter().map(|message| (message.room_id, message)).collect())
}

pub(crate) async fn list(call: Call, Query(query): Query<RoomQuery>) -> Done<Page<Room>> {
    match (query.visibility, &query.name, &query.query) {
        (None, None, None) => own(&call, &query).await,
        (Some(Visibility::Private), ..) => Err(wrong("?visibility", "only public rooms are found")),
        (_, Some(_), Some(_)) => Err(wrong("?query", "give either name or query")),
        (_, Some(name), None) => {
            public(&call, &query, RoomFilter::Name(sought(name).into_owned())).await
        }
        // Nothing typed yet: everything there is.
        (_, None, Some(words)) if words.is_empty() => public(&call, &query, RoomFilter::Any).await,
        (_, None, Some(words)) => {
            bounded(words)?;
            public(&call, &query, RoomFilter::Words(sought(words).into_owned())).await
        }
        (Some(Visibility::Public), None, None) => public(&call, &query, RoomFilter::Any).await,
    }
}

/// A query has at most as many characters as a room's name.
fn bounded(query: &str) -> Result<(), Rejection> {
    match query.chars().count() {
        0..=MAX_QUERY => Ok(()),
        _ => Err(wrong("?query", "must have at most 100 characters")),
    }
}

fn wrong(pointer: &str, detail: &str) -> Rejection {
    Rejection::field(Code::ValidationFailed, pointer, "invalid_value", detail)
}

/// The caller's rooms, pinned ones first, then newest activity first.
async fn own(call: &Call, query: &RoomQuery) -> Done<Page<Room>> {
    let caller = call.caller()?;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["rooms", caller.user_id.as_str()] };
    let place: Option<Moving<ActivityAnchor, RoomId>> = place(&list, query.cursor.as_deref())?;
    let store = call.state.read_model.current();
    let since = store.checkpoint().await.map_err(failure::store)?.groups.conversations;
    let ask = async |from, limit| {
        store.user_rooms(&caller.user_id, &from, limit).await.map_err(failure::store)
    };
    let key =
        |(room, member): &(RoomDoc, MembershipDoc)| (badge::anchor(room, member), room.state.id);
    let (items, onward) = moving(place, since, query.limit.items(), ask, key).await?;
    let listed: Vec<&RoomDoc> = items.iter().map(|(room, _)| room).collect();
    let last = last_messages(call, store.as_ref(), &listed).await?;
    let unread = unread_in(store.as_ref(), &items).await?;
    let now = Timestamp::now();
    let view = |(room, membership): (RoomDoc, MembershipDoc)| {
        // A room that has moved may be on a page twice.
        let last = last.get(&room.state.id).cloned();
        let unread = unread.get(&room.state.id).copied().unwrap_or_default();
        let own = Own { membership: &membership, unread, role: caller.role, now };
        documents::room(&room, Some(own), last)
    };
    let items: Vec<Room> = items.into_iter().map(view).collect();
    Ok(Reply::ok(&Page { items, next_cursor: onward.and_then(|place| list.cursor(&place)) }))
}

/// What waits for the caller altogether. Rooms of which they want to hear nothing count by mentions only.
pub(crate) async fn unread_summary(call: Call) -> Done<UnreadSummary> {
    let store = call.state.read_model.current();
    let found = badge::of(store.as_ref(), &call.caller()?.user_id).await;
    Ok(Reply::ok(&found.map_err(failure::store)?))
}

/// What waits for a user in their rooms.
async fn unread_in(
    store: &dyn ReadStore,
    rooms: &[(RoomDoc, MembershipDoc)],
) -> Result<HashMap<RoomId, Unread>, Rejection> {
    badge::in_rooms(store, rooms).await.map_err(failure::store)
}

/// Public rooms, by name; with the caller's membership where there is one.
async fn public(call: &Call, query: &RoomQuery, filter: RoomFilter) -> Done<Page<Room>> {
    let caller = call.caller()?;
    let epoch = call.epoch();
    let (kind, text) = match &filter {
        RoomFilter::Any => ("public", ""),
        RoomFilter::Name(name) => ("public/name", name.as_str()),
        RoomFilter::Words(words) => ("public/query", words.as_str()),
    };
    let list = List { epoch: &epoch, parts: vec![kind, text] };
    let place: Option<Moving<NameAnchor, RoomId>> = place(&list, query.cursor.as_deref())?;
    let store = call.state.read_model.current();
    let since = store.checkpoint().await.map_err(failure::store)?.groups.conversations;
    let ask =
        async |from, limit| store.public_rooms(&filter, &from, limit).await.map_err(failure::store);
    let key = |room: &RoomDoc| {
        let name = room.state.name.as_ref().map_or("", |name| name.as_str());
        let room_id = room.state.id;
        (NameAnchor { name: fold(name), room_id }, room_id)
    };
    let (items, onward) = moving(place, since, query.limit.items(), ask, key).await?;
    let asking = items.iter().map(|room| store.membership(&room.state.id, &caller.user_id));
    let found = try_join_all(asking).await.map_err(failure::store)?;
    let found = found.into_iter().flatten();
    let memberships: HashMap<RoomId, MembershipDoc> =
        found.map(|membership| (membership.room_id, membership)).collect();
    let of = |room: &RoomDoc| Some((room.clone(), memberships.get(&room.state.id)?.clone()));
    let entered: Vec<(RoomDoc, MembershipDoc)> = items.iter().filter_map(of).collect();
    let unread = unread_in(store.as_ref(), &entered).await?;
    let now = Timestamp::now();
    let view = |room: &RoomDoc| {
        let unread = unread.get(&room.state.id).copied().unwrap_or_default();
        let own = memberships.get(&room.state.id);
        let own = own.map(|membership| Own { membership, unread, role: caller.role, now });
        documents::room(room, own, None)
    };
    let items: Vec<Room> = items.iter().map(view).collect();
    Ok(Reply::ok(&Page { items, next_cursor: onward.and_then(|place| list.cursor(&place)) }))
}
