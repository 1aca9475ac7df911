//! Whether an account has a password.

use decider::{Expect, Fact};
use schemas::Lane;
use schemas::events::{UserPasswordSet, UserState};

use super::LoadedUser;

/// The fact that an account has a password now; none when the log says so.
pub(crate) fn password_set(user: &LoadedUser) -> Option<Fact> {
    if user.state.has_password {
        return None;
    }
    let after = UserState { has_password: true, ..user.state.clone() };
    let lane = Lane::User(after.id);
    Some(Fact::expecting(Expect::At(user.at), lane, UserPasswordSet { user: after }))
}
