//! Closing an account and erasing its person's data, and the legal holds that keep data.

use std::time::Duration;

use schemas::commands::{Accepted, Command, GetErasure, ListHolds};
use schemas::events::Held;
use schemas::views::{Erasure, Hold, Page};
use schemas::{Code, ErasureId, Rejection, RoomId, UserId};
use serde::Serialize;

use super::paging::{PageQuery, place};
use crate::cursor::List;
use crate::http::{Begun, Call, Done, Later, NoContent, Path, Query, Reply};
use crate::requests::erasure::{AccountDeletion, ErasureReason};

/// How long the answer is waited for whether an erasure has begun.
const FOUND_WITHIN: Duration = Duration::from_secs(2);

/// An erasure has begun.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ErasureStarted {
    /// Names the erasure when it is asked for. Who knows it may ask.
    pub(crate) erasure_id: ErasureId,
}

pub(crate) async fn delete_me(call: Call, body: AccountDeletion) -> Begun<ErasureStarted> {
    let id = new_erasure();
    begin(&call, &body.command(id), id).await
}

pub(crate) async fn delete_user(
    call: Call,
    Path(user_id): Path<UserId>,
    body: ErasureReason,
) -> Begun<ErasureStarted> {
    let id = new_erasure();
    begin(&call, &body.erase(user_id, id), id).await
}

/// Has an erasure begin under this id. It may have begun although no answer says so, and then its user has no session
/// left to ask again with: it is looked for, and where that is not answered either, the answer names it, too.
async fn begin<C: Command<Output = ErasureId> + Clone + Sync>(
    call: &Call,
    command: &C,
    erasure_id: ErasureId,
) -> Begun<ErasureStarted> {
    let accepted = match call.send(command).await {
        Ok(accepted) => accepted,
        Err(rejection) if rejection.code == Code::Unavailable => {
            // The command is not sent again: a code of the second factor that it brings is used up.
            let asked = GetErasure { erasure_id };
            if call.send_within(&asked, FOUND_WITHIN).await.is_err() {
                return Ok(in_doubt(call, rejection, erasure_id));
            }
            Accepted { position: None, result: erasure_id }
        }
        Err(rejection) => return Err(rejection),
    };
    call.heard(accepted.position.as_ref()).await;
    let started = ErasureStarted { erasure_id: accepted.result };
    Ok(Reply::accepted(&started).at(accepted.position))
}

/// It is not known whether an erasure has begun.
fn in_doubt(
    call: &Call,
    mut rejection: Rejection,
    erasure_id: ErasureId,
) -> Reply<ErasureStarted, Later> {
    rejection.detail += "; look for its erasure_id: if a minute later that is still not found, the deletion was not carried \
                         out, and may be asked for again";
    Reply::in_doubt(&rejection, call.context.trace.trace_id(), &ErasureStarted { erasure_id })
}

#[expect(clippy::disallowed_methods, reason = "an id that is named before a service is asked")]
fn new_erasure() -> ErasureId {
    ErasureId::from_uuid(uuid::Uuid::now_v7())
}

pub(crate) async fn one(call: Call, Path(erasure_id): Path<ErasureId>) -> Done<Erasure> {
    let found = call.send(&GetErasure { erasure_id }).await?.result;
    Ok(Reply::ok(&found))
}

pub(crate) async fn holds(call: Call, Query(query): Query<PageQuery>) -> Done<Page<Hold>> {
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["admin/holds"] };
    let after: Option<String> = place(&list, query.cursor.as_deref())?;
    let found = call.send(&ListHolds {}).await?.result;
    // They come in the order of the ids of what is held.
    let rest = found
        .into_iter()
        .filter(|hold| after.as_ref().is_none_or(|after| hold.held.id() > after.as_str()));
    let mut items: Vec<_> = rest.collect();
    let more = items.len() > query.limit.items();
    items.truncate(query.limit.items());
    let last = items.last().filter(|_| more);
    let next_cursor = last.and_then(|hold| list.cursor(&hold.held.id().to_owned()));
    let items = items.iter().map(Hold::from).collect();
    Ok(Reply::ok(&Page { items, next_cursor }))
}

pub(crate) async fn hold_room(
    call: Call,
    Path(room_id): Path<RoomId>,
    body: ErasureReason,
) -> NoContent {
    let accepted = call.send(&body.hold(Held::Room(room_id))).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn release_room(
    call: Call,
    Path(room_id): Path<RoomId>,
    body: ErasureReason,
) -> NoContent {
    let accepted = call.send(&body.lift(Held::Room(room_id))).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn hold_user(
    call: Call,
    Path(user_id): Path<UserId>,
    body: ErasureReason,
) -> NoContent {
    let accepted = call.send(&body.hold(Held::User(user_id))).await?;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn release_user(
    call: Call,
    Path(user_id): Path<UserId>,
    body: ErasureReason,
) -> NoContent {
    let accepted = call.send(&body.lift(Held::User(user_id))).await?;
    Ok(Reply::no_content().at(accepted.position))
}
