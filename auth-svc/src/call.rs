//! What is particular to calls of this service: who waits for password work and until when, and the ids calls make.

use decider::{Call, fresh_id, id_from};
use schemas::{Digest, NameKey, SessionId, Timestamp, UserId};
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::Context;
use crate::domain::account::NewAccount;
use crate::queue::Asker;

/// Of the time a caller waits, what may pass until their password is hashed or checked; the rest is for
/// writing. A session begun after they have gone would be of no use.
const PASSWORD_SHARE: f64 = 0.8;

/// Until when the password work of a call must be done.
pub(crate) fn password_deadline(call: &Call) -> Instant {
    call.deadline_at(PASSWORD_SHARE)
}

/// Who waits for a password to be hashed or checked: the account, and before it is known, the name that was given
/// and the address it came from (see [`stranger`]).
pub(crate) fn asker(call: &Call, name: &str) -> Asker {
    match &call.caller {
        Some(caller) => Digest::of(["account", caller.user_id.as_str()]),
        None => stranger(call, name),
    }
}

/// The same for a caller who has yet to prove an account: by name and address, so that a stranger cannot keep the
/// holder of a name from logging in.
pub(crate) fn stranger(call: &Call, name: &str) -> Asker {
    Digest::of(["name", &name.to_lowercase(), call.ip.as_deref().unwrap_or_default()])
}

/// What a decision may look at.
pub(crate) fn now() -> Context {
    Context { now: Timestamp::now() }
}

/// The id of the account a call makes. With an idempotency key it follows from the caller, the key and the
/// names, so that a repeat, however late, finds the account its first try has made. Ids are public: like the
/// lanes of names, this one must not let a list of addresses be tested.
pub(crate) fn account_id(names: &NameKey, call: &Call, account: &NewAccount) -> UserId {
    let Some(key) = &call.key else { return UserId::from_uuid(fresh_id()) };
    let asker = call.caller.as_ref().map_or("anonymous", |caller| caller.user_id.as_str());
    let (username, email) = (account.username.as_str(), account.email.as_str());
    let digest = names.digest(["register", asker, key.as_str(), username, email]);
    UserId::from_uuid(id_from(&digest))
}

/// An id no account has: looked up where there is no account, so that it takes as long as for one.
pub(crate) fn no_account() -> UserId {
    UserId::from_uuid(Uuid::nil())
}

/// An id for a new session.
pub(crate) fn session_id() -> SessionId {
    SessionId::from_uuid(fresh_id())
}
