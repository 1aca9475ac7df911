//! Loading accounts and names from the log, and writing decisions about them.

use eventlog::{DedupId, EventLog, LaneWrite};
use schemas::commands::CallContext;
use schemas::events::UserState;
use schemas::views::{Account, User};
use schemas::{Actor, Lane, Position, Rejection, UserId};

use crate::call;
use crate::domain::account::{LoadedUser, Name, evolve, evolve_owner};
use crate::domain::{Fact, Loaded};
use crate::failure::Failure;

/// Who a name belongs to, by the last event of its lane.
pub(crate) async fn name(log: &EventLog, lane: Lane) -> Result<Name, Failure> {
    let Some(stored) = log.last(&lane).await? else {
        return Ok(Name { lane, at: 0, owner: None });
    };
    let mut owner = None;
    evolve_owner(&mut owner, stored.event()?.data);
    Ok(Name { lane, at: stored.sequence, owner })
}

/// An account by its id; none when there is no such account.
pub(crate) async fn user(log: &EventLog, id: &UserId) -> Result<Option<LoadedUser>, Failure> {
    let Some(stored) = log.last(&Lane::User(id.clone())).await? else { return Ok(None) };
    let mut user = None;
    evolve(&mut user, stored.event()?.data);
    Ok(user.map(|value| Loaded { at: stored.sequence, value }))
}

/// The account that holds a name.
pub(crate) async fn holder(log: &EventLog, lane: Lane) -> Result<Option<UserId>, Failure> {
    Ok(name(log, lane).await?.owner.and_then(|owner| UserId::parse(&owner).ok()))
}

/// The caller's own account.
pub(crate) async fn caller(log: &EventLog, context: &CallContext) -> Result<LoadedUser, Failure> {
    let id = &call::caller(context)?.user_id;
    user(log, id).await?.ok_or_else(|| Failure::Refused(Rejection::not_found()))
}

/// Writes facts in one atomic step. With an idempotency key a repeat is recognised.
pub(crate) async fn commit(
    log: &EventLog,
    context: &CallContext,
    actor: Actor,
    command: &str,
    facts: Vec<Fact>,
) -> Result<Option<Position>, Failure> {
    if facts.is_empty() {
        return Ok(None);
    }
    let who = actor.to_string();
    let writes = facts
        .into_iter()
        .enumerate()
        .map(|(index, fact)| {
            let event = call::event(actor.clone(), context, fact.data);
            let write = LaneWrite::new(fact.lane, event, fact.expect);
            match &context.idempotency_key {
                None => write,
                Some(key) => {
                    let index = index.to_string();
                    write.dedup(DedupId::of([who.as_str(), command, key.as_str(), index.as_str()]))
                }
            }
        })
        .collect();
    let appended = log.append(writes).await?;
    if appended.duplicate {
        return Err(Failure::Repeat);
    }
    Ok(Some(appended.position))
}

/// An account as its owner and admins see it.
pub(crate) fn shown(user: &UserState) -> Account {
    Account {
        user: User {
            id: user.id.clone(),
            username: user.username.to_string(),
            display_name: user.display_name.to_string(),
            avatar_url: user.avatar_media_id.as_ref().map(|id| format!("/v1/media/{id}")),
            bio: user.bio.as_ref().map(ToString::to_string),
            role: user.role,
            created_at: user.created_at,
        },
        email: user.email.to_string(),
        email_verified: user.email_verified,
        suspended: user.suspended,
        settings: user.settings.clone(),
    }
}
