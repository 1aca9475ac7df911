//! People: registration, one's own account, finding others.

use schemas::commands::{ChangePassword, ChangeProfile, Register};
use schemas::events::UserState;
use schemas::unicode::sought;
use schemas::values::{Bio, DisplayName, Email, NewPassword, Patch, Secret, Username};
use schemas::views::{Page, User};
use schemas::{Code, MediaId, Rejection, Settings, UserId};
use serde_json::{Map, Value};

use super::paging::{Moving, moving, place, whole};
use crate::cursor::List;
use crate::http::{Answer, Call, Limit, Outcome, shape};
use crate::{documents, failure, problem};

/// Characters of a search.
const MAX_QUERY: usize = 100;

shape! {
    /// A new account.
    NewAccount {
        /// `[a-z0-9]([a-z0-9._-]{1,30}[a-z0-9])`, upper case is folded; not one of the reserved names.
        username: Username,
        /// The unique address.
        email: Email,
        /// 8 to 72 bytes.
        #[schemars(with = "String")]
        password: NewPassword,
        /// The name shown; the username when absent.
        display_name: Option<DisplayName>,
    }
    /// Changes of one's own account. What is absent stays; null empties an optional field.
    ProfileChanges {
        /// The name shown.
        display_name: Option<DisplayName>,
        /// The picture.
        #[schemars(with = "Option<MediaId>")]
        avatar_media_id: Patch<MediaId>,
        /// What one says of oneself.
        #[schemars(with = "Option<Bio>")]
        bio: Patch<Bio>,
        /// The unique address.
        email: Option<Email>,
        /// The unique name.
        username: Option<Username>,
        /// Client settings, replaced as a whole: an object of at most 16 KiB as JSON and 16 levels.
        #[schemars(with = "Option<Map<String, Value>>")]
        settings: Option<Settings>,
    }
    /// A new password.
    PasswordChange {
        /// The present one.
        current_password: Secret,
        /// 8 to 72 bytes.
        #[schemars(with = "String")]
        new_password: NewPassword,
    }
    /// Whom to find: exactly one of `username` and `query`.
    UserQuery {
        /// Exactly this name.
        username: Option<String>,
        /// Words, 1 to 100 characters: each must be the beginning of a word of the username or the name shown,
        /// without regard to case and accents.
        query: Option<String>,
        /// How many items: 1 to 200, 50 when absent.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the former page.
        cursor: Option<String>,
    }
}

pub(crate) async fn register(call: Call) -> Outcome {
    let NewAccount { username, email, password, display_name } = call.body()?;
    let loopback = call.state.config.listen.ip().to_canonical().is_loopback();
    let command = Register { username, email, password, display_name, role: None, loopback };
    let accepted = call.send(&command).await?;
    Ok(Answer::created(&accepted.result).at(accepted.position))
}

pub(crate) async fn me(call: Call) -> Outcome {
    let account = state(&call, &call.caller()?.user_id).await?;
    Ok(Answer::ok(&documents::account(&account)))
}

pub(crate) async fn change_me(call: Call) -> Outcome {
    let body: ProfileChanges = call.body()?;
    let command = ChangeProfile {
        display_name: body.display_name,
        bio: body.bio,
        avatar_media_id: body.avatar_media_id,
        email: body.email,
        username: body.username,
        settings: body.settings,
    };
    let accepted = call.send(&command).await?;
    Ok(Answer::ok(&accepted.result).at(accepted.position))
}

pub(crate) async fn change_password(call: Call) -> Outcome {
    let PasswordChange { current_password, new_password } = call.body()?;
    let accepted = call.send(&ChangePassword { current_password, new_password }).await?;
    call.heard(accepted.position.as_ref()).await;
    Ok(Answer::nothing().at(accepted.position))
}

pub(crate) async fn one(call: Call) -> Outcome {
    let id: UserId = call.id("user_id")?;
    Ok(Answer::ok(&documents::user(&state(&call, &id).await?)))
}

/// Finds people by their exact name, or by words of their names.
pub(crate) async fn find(call: Call) -> Outcome {
    let query: UserQuery = call.query()?;
    match (&query.username, &query.query) {
        (Some(username), None) => by_username(&call, username).await,
        (None, Some(words)) => search(&call, words, query.limit, query.cursor.as_deref()).await,
        _ => Err(problem::bad("give either username or query")),
    }
}

async fn by_username(call: &Call, username: &str) -> Outcome {
    let name = username.strip_prefix('@').unwrap_or(username);
    let name = Username::existing(name).map_err(|invalid| {
        Rejection::field(Code::ValidationFailed, "?username", invalid.code, invalid.detail)
    })?;
    let store = call.state.read_model.current();
    let found = store.user_by_username(&name).await.map_err(failure::store)?;
    let items: Vec<User> = found.iter().map(|doc| documents::user(&doc.state)).collect();
    Ok(Answer::ok(&whole(items)))
}

async fn search(call: &Call, words: &str, limit: Limit, cursor: Option<&str>) -> Outcome {
    let words = &*sought(words);
    if words.is_empty() || words.chars().count() > MAX_QUERY {
        let detail = "must have 1 to 100 characters";
        return Err(Rejection::field(Code::ValidationFailed, "?query", "out_of_range", detail));
    }
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["users", words] };
    let place: Option<Moving<Username, UserId>> = place(&list, cursor)?;
    let store = call.state.read_model.current();
    let since = store.checkpoint().await.map_err(failure::store)?.marks.people;
    let ask =
        async |from, limit| store.search_users(words, &from, limit).await.map_err(failure::store);
    let key = |doc: &readmodel::UserDoc| (doc.state.username.clone(), doc.state.id.clone());
    let (items, onward) = moving(place, since, limit.items(), ask, key).await?;
    let items: Vec<User> = items.iter().map(|doc| documents::user(&doc.state)).collect();
    Ok(Answer::ok(&Page { items, next_cursor: onward.and_then(|place| list.cursor(&place)) }))
}

/// An account from the read model, or from the log when it is too new for that.
async fn state(call: &Call, id: &UserId) -> Result<UserState, Rejection> {
    let store = call.state.read_model.current();
    if let Some(doc) = store.user(id).await.map_err(failure::store)? {
        return Ok(doc.state);
    }
    let found = call.state.people.one(id).await?;
    found.map(|state| UserState::clone(&state)).ok_or_else(Rejection::not_found)
}
