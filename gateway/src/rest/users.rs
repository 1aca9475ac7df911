//! Users: registration, the caller's own account, finding others.

use schemas::commands::{AdmitRegistered, DropAvatar, JudgeInvite, UseAsAvatar};
use schemas::events::UserState;
use schemas::unicode::sought;
use schemas::values::{Patch, Username};
use schemas::views::{Account, Page, User};
use schemas::{Code, RefusalReason, Rejection, UserId};

use super::paging::{Moving, moving, place, whole};
use crate::cursor::List;
use crate::http::{Call, Created, Done, Limit, NoContent, Path, Query, Reply, shape};
use crate::requests::user::{NewAccount, PasswordChange, ProfileChanges};
use crate::{documents, failure, problem};

/// Characters of a search.
const MAX_QUERY: usize = 100;

shape! {
    /// Which users: exactly one of `username` and `query`.
    UserQuery {
        /// The exact username.
        username: Option<String>,
        /// Words, 1 to 100 characters. Each must begin a word of the username or the display name, ignoring case and
        /// accents.
        query: Option<String>,
        /// How many users: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
}

pub(crate) async fn register(call: Call, body: NewAccount) -> Created<Account> {
    let loopback = call.state.config.listen.is_loopback();
    let Some(code) = body.invite.clone() else {
        let accepted = call.send(&body.command(loopback, false)).await?;
        return Ok(Reply::created(&accepted.result).at(accepted.position));
    };
    let over = judge(&call, &code).await?;
    let accepted = call.send(&body.command(loopback, over)).await?;
    let (account, at) = (accepted.result, accepted.position);
    let admission = AdmitRegistered { code, user_id: account.user.id };
    // The account stands; who is kept out now comes in by the same invitation later, in which a place is theirs.
    let admitted = call.send(&admission).await.map(|admitted| admitted.position);
    Ok(Reply::created(&account).at(admitted.ok().flatten().or(at)))
}

/// Refuses an invitation by which no one comes in. One that is over may have been used up by the first try of this very
/// request, which auth-svc knows: whether it is.
async fn judge(call: &Call, code: &str) -> Result<bool, Rejection> {
    let refused = match call.send(&JudgeInvite { code: code.to_owned() }).await {
        Ok(_) => return Ok(false),
        Err(refused) => refused,
    };
    match refused.code {
        Code::NotFound => {
            let detail = "there is no such invitation";
            let reason = RefusalReason::InvitationUnknown;
            Err(Rejection::field_because(reason, "/invite", "unknown", detail))
        }
        Code::Gone if call.idempotency_key.is_some() => Ok(true),
        Code::Gone => Err(Rejection::field(Code::Gone, "/invite", "gone", refused.detail)),
        _ => Err(refused),
    }
}

pub(crate) async fn me(call: Call) -> Done<Account> {
    let account = state(&call, &call.caller()?.user_id).await?;
    Ok(Reply::ok(&documents::account(&account)))
}

/// A picture is made public before the account shows it, and what it showed before is let go after.
pub(crate) async fn change_me(call: Call, body: ProfileChanges) -> Done<Account> {
    let command = body.command();
    let former = match &command.avatar_media_id {
        Patch::Keep => None,
        Patch::Clear | Patch::Set(_) => {
            let before = call.state.users.one(&call.caller()?.user_id).await?;
            before.and_then(|account| account.avatar_media_id)
        }
    };
    if let Patch::Set(media_id) = &command.avatar_media_id {
        call.send(&UseAsAvatar { media_id: *media_id }).await?;
    }
    let accepted = call.send(&command).await?;
    if let Some(media_id) = former {
        // Where that fails the picture is kept, and no account shows it.
        if let Err(error) = call.send(&DropAvatar { media_id }).await {
            tracing::warn!(error = %error.detail, "a former picture is kept");
        }
    }
    Ok(Reply::ok(&accepted.result).at(accepted.position))
}

pub(crate) async fn change_password(call: Call, body: PasswordChange) -> NoContent {
    let accepted = call.send(&body.command()).await?;
    call.heard(accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn one(call: Call, Path(id): Path<UserId>) -> Done<User> {
    Ok(Reply::ok(&documents::user(&state(&call, &id).await?)))
}

/// Finds users by their exact name, or by words of their names.
pub(crate) async fn find(call: Call, Query(query): Query<UserQuery>) -> Done<Page<User>> {
    match (&query.username, &query.query) {
        (Some(username), None) => by_username(&call, username).await,
        (None, Some(words)) => search(&call, words, query.limit, query.cursor.as_deref()).await,
        _ => Err(problem::bad("give either username or query")),
    }
}

async fn by_username(call: &Call, username: &str) -> Done<Page<User>> {
    let name = username.strip_prefix('@').unwrap_or(username);
    let name = Username::existing(name).map_err(|invalid| {
        Rejection::field(Code::ValidationFailed, "?username", invalid.code, invalid.detail)
    })?;
    let store = call.state.read_model.current();
    let found = store.user_by_username(&name).await.map_err(failure::store)?;
    let items: Vec<User> = found.iter().map(|doc| documents::user(&doc.state)).collect();
    Ok(Reply::ok(&whole(items)))
}

async fn search(call: &Call, words: &str, limit: Limit, cursor: Option<&str>) -> Done<Page<User>> {
    let words = &*self::words(words)?;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["users", words] };
    let place: Option<Moving<Username, UserId>> = place(&list, cursor)?;
    let store = call.state.read_model.current();
    let since = store.checkpoint().await.map_err(failure::store)?.groups.people;
    let ask =
        async |from, limit| store.search_users(words, &from, limit).await.map_err(failure::store);
    let key = |doc: &readmodel::UserDoc| (doc.state.username.clone(), doc.state.id);
    let (items, onward) = moving(place, since, limit.items(), ask, key).await?;
    let items: Vec<User> = items.iter().map(|doc| documents::user(&doc.state)).collect();
    Ok(Reply::ok(&Page { items, next_cursor: onward.and_then(|place| list.cursor(&place)) }))
}

/// The words of a query, 1 to 100 characters.
pub(super) fn words(query: &str) -> Result<String, Rejection> {
    let words = sought(query).to_string();
    if words.is_empty() || words.chars().count() > MAX_QUERY {
        let detail = "must have 1 to 100 characters";
        return Err(Rejection::field(Code::ValidationFailed, "?query", "out_of_range", detail));
    }
    Ok(words)
}

/// An account from the read model, or from the log when it is too new for that.
async fn state(call: &Call, id: &UserId) -> Result<UserState, Rejection> {
    let store = call.state.read_model.current();
    if let Some(doc) = store.user(id).await.map_err(failure::store)? {
        return Ok(doc.state);
    }
    let found = call.state.users.one(id).await?;
    found.map(|state| UserState::clone(&state)).ok_or_else(Rejection::not_found)
}
