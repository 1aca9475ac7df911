//! Rooms.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use readmodel::store::{NameAnchor, fold};
use readmodel::{ActivityAnchor, Group, MembershipDoc, MessageDoc, ReadStore, RoomDoc, RoomFilter};
use schemas::commands::{Accepted, ArchiveRoom, ChangeRoom, CreateRoom, OpenDirect, RoomOutcome};
use schemas::values::{Patch, RoomKind, RoomName, Topic, UserRef, Visibility};
use schemas::views::{Page, Room};
use schemas::{Code, MessageId, Position, Rejection, RoomId, Sequence, Timestamp};

use super::access;
use super::paging::{Nothing, page, place};
use crate::cursor::List;
use crate::edge::{Answer, Call, Limit, Outcome, shape};
use crate::{documents, failure};

/// How long the answer to a write waits for the read model, to show the whole room.
const PROJECTED_WITHIN: Duration = Duration::from_secs(2);

shape! {
    /// A new group or channel.
    NewRoom {
        /// `group` or `channel`.
        kind: RoomKind,
        /// Its name; unique among channels.
        name: RoomName,
        /// Its topic.
        topic: Option<Topic>,
        /// Private for groups and public for channels when absent.
        visibility: Option<Visibility>,
        /// Who is brought in: user ids or `@username`; at most 100.
        members: Option<Vec<UserRef>>,
    }
    /// A direct conversation.
    NewDirect {
        /// The others: user ids or `@username`; 1 to 9.
        members: Vec<UserRef>,
    }
    /// Changes of a room. What is absent stays; null empties an optional field.
    RoomChanges {
        /// Its name.
        name: Option<RoomName>,
        /// Its topic.
        #[schemars(with = "Option<Topic>")]
        topic: Patch<Topic>,
        /// Who may find and join it.
        visibility: Option<Visibility>,
        /// Days after which messages move to the archive.
        #[schemars(with = "Option<u32>")]
        retention_days: Patch<u32>,
    }
    /// Without filters: the caller's rooms, newest activity first. With any: public rooms by name.
    RoomQuery {
        /// `public`, to find rooms anyone may join.
        visibility: Option<Visibility>,
        /// Exactly this name.
        name: Option<String>,
        /// Names that begin so.
        query: Option<String>,
        /// How many items: 1 to 200, 50 when absent.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the former page.
        cursor: Option<String>,
    }
}

pub(crate) async fn create(call: Call) -> Outcome {
    let NewRoom { kind, name, topic, visibility, members } = call.body()?;
    let members = members.unwrap_or_default();
    let command = CreateRoom { kind, name, topic, visibility, members };
    let accepted = call.send(&command).await?;
    written(&call, accepted, true).await
}

pub(crate) async fn open_direct(call: Call) -> Outcome {
    let NewDirect { members } = call.body()?;
    let accepted = call.send(&OpenDirect { members }).await?;
    let created = accepted.result.created;
    written(&call, accepted, created).await
}

pub(crate) async fn change(call: Call) -> Outcome {
    let room_id = call.id("room_id")?;
    let RoomChanges { name, topic, visibility, retention_days } = call.body()?;
    let command = ChangeRoom { room_id, name, topic, visibility, retention_days };
    let accepted = call.send(&command).await?;
    written(&call, accepted, false).await
}

pub(crate) async fn archive(call: Call) -> Outcome {
    let room_id = call.id("room_id")?;
    call.body::<Nothing>()?;
    let accepted = call.send(&ArchiveRoom { room_id }).await?;
    projected(&call, accepted.position.as_ref()).await;
    Ok(Answer::nothing().at(accepted.position))
}

pub(crate) async fn one(call: Call) -> Outcome {
    let id = call.id("room_id")?;
    Ok(Answer::ok(&whole_room(&call, &id).await?))
}

/// The room as the read model has it after a write; as the command left it when the read model lags.
pub(crate) async fn written(
    call: &Call,
    accepted: Accepted<RoomOutcome>,
    created: bool,
) -> Outcome {
    let Accepted { position, result } = accepted;
    let room = match projected(call, position.as_ref()).await {
        true => whole_room(call, &result.room.id).await.ok(),
        false => None,
    };
    let room = room.unwrap_or_else(|| documents::written_room(&result.room));
    Ok(Answer::made(created, &room).at(position))
}

/// Waits until a write can be read; false when that takes too long.
pub(crate) async fn projected(call: &Call, position: Option<&Position>) -> bool {
    let Some(position) = position else { return true };
    let groups = &[Group::Conversations, Group::People];
    let read_model = &call.state.read_model;
    read_model.wait_for_groups(groups, position.sequence, PROJECTED_WITHIN).await.is_ok()
}

async fn whole_room(call: &Call, id: &RoomId) -> Result<Room, Rejection> {
    let seen = access::visible(call, id).await?;
    // What is said in a room is for its members.
    let wanted = seen.membership.as_ref().and(seen.room.last_message_id.clone());
    let mut last = last_messages(call, seen.store.as_ref(), wanted).await?;
    let last = seen.room.last_message_id.as_ref().and_then(|id| last.remove(id));
    Ok(documents::room(&seen.room, seen.membership.as_ref(), last, Timestamp::now()))
}

async fn last_messages(
    call: &Call,
    store: &dyn ReadStore,
    ids: impl IntoIterator<Item = MessageId>,
) -> Result<HashMap<MessageId, schemas::views::Message>, Rejection> {
    let ids: Vec<MessageId> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = store.messages(&ids).await.map_err(failure::store)?;
    let senders = call.state.people.senders(found.iter().map(|doc| &doc.sender_id)).await?;
    let epoch = call.epoch();
    let view = |doc: MessageDoc| {
        let sender = senders.of(&doc.sender_id);
        (doc.id.clone(), documents::message(doc, sender, &epoch))
    };
    Ok(found.into_iter().map(view).collect())
}

pub(crate) async fn list(call: Call) -> Outcome {
    let query: RoomQuery = call.query()?;
    match (query.visibility, &query.name, &query.query) {
        (None, None, None) => own(&call, &query).await,
        (Some(Visibility::Private), ..) => Err(wrong("?visibility", "only public rooms are found")),
        (_, Some(_), Some(_)) => Err(wrong("?query", "give either name or query")),
        (_, Some(name), None) => public(&call, &query, RoomFilter::Name(name.clone())).await,
        (_, None, Some(prefix)) => public(&call, &query, RoomFilter::Prefix(prefix.clone())).await,
        (Some(Visibility::Public), None, None) => public(&call, &query, RoomFilter::Any).await,
    }
}

fn wrong(pointer: &str, detail: &str) -> Rejection {
    Rejection::field(Code::ValidationFailed, pointer, "invalid_value", detail)
}

/// The caller's rooms, newest activity first.
async fn own(call: &Call, query: &RoomQuery) -> Outcome {
    let caller = call.caller()?;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["rooms", caller.user_id.as_str()] };
    let after: Option<(Sequence, RoomId)> = place(&list, query.cursor.as_deref())?;
    let after = after.map(|(last_activity, room_id)| ActivityAnchor { last_activity, room_id });
    let store = call.state.read_model.current();
    let found = store.user_rooms(&caller.user_id, after.as_ref(), query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let wanted = slice.items.iter().filter_map(|(room, _)| room.last_message_id.clone());
    let mut last = last_messages(call, store.as_ref(), wanted.collect::<Vec<_>>()).await?;
    let now = Timestamp::now();
    let place_of =
        |(room, _): &(RoomDoc, MembershipDoc)| (room.last_activity, room.state.id.clone());
    let rooms: Page<Room> = page(&list, slice, place_of, |(room, membership)| {
        let last = room.last_message_id.as_ref().and_then(|id| last.remove(id));
        documents::room(&room, Some(&membership), last, now)
    });
    Ok(Answer::ok(&rooms))
}

/// Rooms anyone may find, by name; with the caller's membership where he is in.
async fn public(call: &Call, query: &RoomQuery, filter: RoomFilter) -> Outcome {
    let caller = call.caller()?;
    let epoch = call.epoch();
    let (kind, text) = match &filter {
        RoomFilter::Any => ("public", ""),
        RoomFilter::Name(name) => ("public/name", name.as_str()),
        RoomFilter::Prefix(prefix) => ("public/query", prefix.as_str()),
    };
    let list = List { epoch: &epoch, parts: vec![kind, text] };
    let after: Option<(String, RoomId)> = place(&list, query.cursor.as_deref())?;
    let after = after.map(|(name, room_id)| NameAnchor { name, room_id });
    let store = call.state.read_model.current();
    let found = store.public_rooms(&filter, after.as_ref(), query.limit.items()).await;
    let slice = found.map_err(failure::store)?;
    let asking = slice.items.iter().map(|room| store.membership(&room.state.id, &caller.user_id));
    let found = try_join_all(asking).await.map_err(failure::store)?;
    let found = found.into_iter().flatten();
    let memberships: HashMap<RoomId, MembershipDoc> =
        found.map(|membership| (membership.room_id.clone(), membership)).collect();
    let now = Timestamp::now();
    let place_of = |room: &RoomDoc| {
        let name = room.state.name.as_ref().map_or("", |name| name.as_str());
        (fold(name), room.state.id.clone())
    };
    Ok(Answer::ok(&page(&list, slice, place_of, |room| {
        documents::room(&room, memberships.get(&room.state.id), None, now)
    })))
}
