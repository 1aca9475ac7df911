//! The threads of a room: listed, followed, read.

use std::collections::HashMap;

use readmodel::{FollowerDoc, MembershipDoc, ReadStore, ThreadAnchor, ThreadDoc, Unread};
use schemas::commands::Accepted;
use schemas::views::{Message, Page, Thread, ThreadMarker, User};
use schemas::{MessageId, Rejection, RoomId, UserId};

use super::paging::{Moving, PageQuery, moving, place};
use super::{access, shown};
use crate::cursor::List;
use crate::http::{Call, Done, NoContent, Path, Query, Reply};
use crate::requests::Nothing;
use crate::requests::thread::{ThreadReadUpTo, follow as to_follow, unfollow as to_unfollow};
use crate::rereading::Unmoved;
use crate::{documents, failure};

/// Participants that are shown.
const SHOWN: usize = 5;

pub(crate) async fn follow(call: Call, Path(root): Path<MessageId>, body: Nothing) -> NoContent {
    let accepted = call.send(&to_follow(body, root)).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn unfollow(call: Call, Path(root): Path<MessageId>, body: Nothing) -> NoContent {
    let accepted = call.send(&to_unfollow(body, root)).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn mark_read(
    call: Call,
    Path(thread_root_id): Path<MessageId>,
    body: ThreadReadUpTo,
) -> Done<ThreadMarker> {
    let user_id = call.caller()?.user_id;
    let command = body.command(thread_root_id);
    let Accepted { mut position, result } = call.send(&command).await?;
    if position.is_none() {
        let unmoved = Unmoved { room: None, thread: Some(&thread_root_id), at: &result };
        position = call.read_again(unmoved).await;
    }
    let marker = ThreadMarker { user_id, message_id: result.message_id, thread_root_id };
    Ok(Reply::ok(&marker).at(position))
}

/// Newest answer first.
pub(crate) async fn list(
    call: Call,
    Query(query): Query<PageQuery>,
    Path(room): Path<RoomId>,
) -> Done<Page<Thread>> {
    let seen = access::joined(&call, &room).await?;
    let store = seen.store.as_ref();
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["threads", room.as_str()] };
    let place: Option<Moving<ThreadAnchor, MessageId>> = place(&list, query.cursor.as_deref())?;
    let since = store.checkpoint().await.map_err(failure::store)?.groups.conversations;
    let ask =
        async |from, limit| store.room_threads(&room, &from, limit).await.map_err(failure::store);
    let key = |thread: &ThreadDoc| {
        let (last_activity, root_id) = (thread.last_activity, thread.root_id);
        (ThreadAnchor { last_activity, root_id }, root_id)
    };
    let (threads, onward) = moving(place, since, query.limit.items(), ask, key).await?;
    let own = Own::of(store, &call.caller()?.user_id, seen.membership.as_ref(), &threads).await?;
    let next_cursor = onward.and_then(|place| list.cursor(&place));
    Ok(Reply::ok(&Page { items: views(&call, store, threads, &own).await?, next_cursor }))
}

/// What the caller is to the threads of a page.
struct Own {
    followed: HashMap<MessageId, Unread>,
}

impl Own {
    async fn of(
        store: &dyn ReadStore,
        user: &UserId,
        membership: Option<&MembershipDoc>,
        threads: &[ThreadDoc],
    ) -> Result<Self, Rejection> {
        let roots: Vec<MessageId> = threads.iter().map(|thread| thread.root_id).collect();
        let found = store.following(user, &roots).await.map_err(failure::store)?;
        let thread = |own: &FollowerDoc| threads.iter().find(|one| one.root_id == own.root_id);
        let follows = found.iter().filter(|own| own.follows(membership));
        let of: Vec<(&FollowerDoc, &ThreadDoc)> =
            follows.filter_map(|own| Some((own, thread(own)?))).collect();
        let counted = store.unread_in_threads(&of).await.map_err(failure::store)?;
        let roots = of.into_iter().map(|(own, _)| own.root_id);
        Ok(Self { followed: roots.zip(counted).collect() })
    }
}

async fn views(
    call: &Call,
    store: &dyn ReadStore,
    threads: Vec<ThreadDoc>,
    own: &Own,
) -> Result<Vec<Thread>, Rejection> {
    let roots: Vec<MessageId> = threads.iter().map(|thread| thread.root_id).collect();
    let docs = store.messages(&roots).await.map_err(failure::store)?;
    let shown = shown::messages(call, store, docs).await?.into_iter();
    let mut messages: HashMap<MessageId, Message> =
        shown.map(|message| (message.id, message)).collect();
    let shown = threads.iter().flat_map(participants);
    let people = call.state.users.get(shown).await?;
    let user = |id: &UserId| Some(documents::user(people.get(id)?));
    let view = |thread: ThreadDoc| {
        // A thread that has moved may be on a page twice: the first is as good.
        let root = messages.remove(&thread.root_id)?;
        let unread = own.followed.get(&thread.root_id);
        let people: Vec<User> = participants(&thread).filter_map(user).collect();
        Some(Thread {
            root,
            unread_count: unread.map_or(0, |unread| unread.messages),
            mention_count: unread.map_or(0, |unread| unread.mentions),
            following: unread.is_some(),
            participants: people,
        })
    };
    Ok(threads.into_iter().filter_map(view).collect())
}

/// Who answered, the newest answer first.
fn participants(thread: &ThreadDoc) -> impl Iterator<Item = &UserId> {
    thread.participants.iter().rev().take(SHOWN).map(|one| &one.user_id)
}
