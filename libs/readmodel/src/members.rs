//! Members of a room by words of their names: a question over memberships and users together.

use std::collections::HashSet;

use schemas::ids::{RoomId, UserId};

use crate::answers::{Answer, ListFrom, MAX_ITEMS};
use crate::documents::{MembershipDoc, RoomDoc};
use crate::store::ReadStore;
use crate::words;

/// Members that a query finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The members.
    pub items: Vec<MembershipDoc>,
    /// The user after whom the search goes on; none at its end.
    pub onward: Option<UserId>,
}

/// Users looked at together, and how often.
const LOOK: usize = 500;
const LOOKS: usize = 20;
/// Members of a room that is looked through.
const FEW: u64 = 2_000;

/// The next members of a room, as far as a query finds them, and the last one looked at unless they are at an end.
async fn named_among_members(
    store: &dyn ReadStore,
    room: &RoomId,
    query: &str,
    after: Option<&UserId>,
) -> Answer<(Vec<MembershipDoc>, Option<UserId>)> {
    let members = store.members(room, after, LOOK).await?;
    let ids: Vec<UserId> = members.items.iter().map(|member| member.user_id).collect();
    let users = store.users(&ids).await?;
    let named: HashSet<UserId> = users
        .into_iter()
        .filter(|user| words::finds(query, user))
        .map(|user| user.state.id)
        .collect();
    let last = ids.last().filter(|_| members.more).cloned();
    let found = members.items.into_iter().filter(|member| named.contains(&member.user_id));
    Ok((found.collect(), last))
}

/// The next users whom a query finds, as far as they are members of a room, and the last one looked at unless they are
/// at an end.
async fn members_among_named(
    store: &dyn ReadStore,
    room: &RoomId,
    query: &str,
    after: Option<&UserId>,
) -> Answer<(Vec<MembershipDoc>, Option<UserId>)> {
    let from = ListFrom::Moved { since: 0, after: after.cloned() };
    let users = store.search_users(query, &from, LOOK).await?;
    let ids: Vec<UserId> = users.items.iter().map(|user| user.state.id).collect();
    let mut found = store.memberships(room, &ids).await?;
    found.retain(|member| member.present);
    found.sort_unstable_by_key(|one| one.user_id);
    Ok((found, ids.last().filter(|_| users.more).cloned()))
}

/// The members of a room now whom a query finds (as in [`search_users`](crate::documents::UserReads::search_users)), by user id, after an id. A
/// room of few is looked through; in a larger one the query's words lead to its members. At most 10,000 users are
/// looked at: a page may be short and go on.
///
/// # Errors
/// The store does not answer.
pub async fn members_named(
    store: &dyn ReadStore,
    room: &RoomDoc,
    query: &str,
    after: Option<&UserId>,
    limit: usize,
) -> Answer<Named> {
    let (mut items, mut onward) = (Vec::new(), after.cloned());
    let limit = limit.clamp(1, MAX_ITEMS);
    for _ in 0..LOOKS {
        let few = room.member_count <= FEW;
        let (found, last) = match few {
            true => named_among_members(store, &room.state.id, query, onward.as_ref()).await?,
            false => members_among_named(store, &room.state.id, query, onward.as_ref()).await?,
        };
        for member in found {
            if items.len() == limit {
                let onward = items.last().map(|last: &MembershipDoc| last.user_id);
                return Ok(Named { items, onward });
            }
            items.push(member);
        }
        onward = last;
        if onward.is_none() || items.len() == limit {
            break;
        }
    }
    Ok(Named { items, onward })
}
