//! What admins, and the operator, do to other accounts.

use eventlog::Expect;
use schemas::Lane;
use schemas::commands::AdministerUser;
use schemas::events::{UserRoleChanged, UserState, UserSuspensionChanged};
use schemas::values::Role;

use super::{AccountRejection, LoadedUser, Name};
use crate::domain::Fact;

/// What an admin's act is decided by.
#[derive(Debug, Clone)]
pub(crate) struct Administering {
    /// Who acts, as the log has him now.
    pub(crate) admin: LoadedUser,
    /// The account acted upon.
    pub(crate) target: LoadedUser,
    /// The roll of admins.
    pub(crate) roll: Lane,
    /// An admin besides the one who acts; looked up when he takes his own role away.
    pub(crate) another: Option<LoadedUser>,
}

/// The account after the act, and the facts; none when nothing changes.
pub(crate) fn administer(
    state: &Administering,
    command: &AdministerUser,
) -> Result<(UserState, Vec<Fact>), AccountRejection> {
    let admin = &state.admin.value;
    if !state.admin.is_admin() {
        return Err(AccountRejection::NotAdmin);
    }
    let old = &state.target.value;
    let himself = old.id == admin.id;
    if himself && command.suspended == Some(true) {
        return Err(AccountRejection::NotYourself);
    }
    // One admin always remains: whoever acts on somebody else, or, when he takes his own role away, another.
    // He vouches for it, so that two who act on each other at the same moment cannot both succeed.
    let loses_role = command.role.is_some_and(|role| role != Role::Admin);
    let remains = match &state.another {
        _ if !(himself && loses_role) => &state.admin,
        Some(another) if another.is_admin() => another,
        _ => return Err(AccountRejection::LastAdmin),
    };
    let mut user = old.clone();
    let mut events = Vec::new();
    if let Some(role) = command.role.filter(|role| *role != old.role) {
        user.role = role;
        events.push(UserRoleChanged { user: user.clone() }.into());
    }
    if let Some(suspended) = command.suspended.filter(|suspended| *suspended != old.suspended) {
        user.suspended = suspended;
        events.push(UserSuspensionChanged { user: user.clone() }.into());
    }
    if events.is_empty() {
        return Ok((user, Vec::new()));
    }
    let mut facts = vec![remains.vouches(&state.roll)];
    for (index, data) in events.into_iter().enumerate() {
        // In a batch only the first write to a lane may carry an expectation on it.
        let expect = if index == 0 { Expect::At(state.target.at) } else { Expect::Any };
        facts.push(Fact { lane: Lane::User(user.id.clone()), data, expect });
    }
    Ok((user, facts))
}

/// The account as an admin's by the word of the operator, and the facts; none when it is one already. The roll is
/// claimed with it: from then on no account is the first one.
pub(crate) fn promote(
    user: &LoadedUser,
    roll: &Name,
) -> Result<(UserState, Vec<Fact>), AccountRejection> {
    let mut after = user.value.clone();
    if after.suspended {
        return Err(AccountRejection::Suspended);
    }
    if after.role == Role::Admin {
        return Ok((after, Vec::new()));
    }
    after.role = Role::Admin;
    let data = UserRoleChanged { user: after.clone() }.into();
    let lane = Lane::User(after.id.clone());
    let facts = vec![roll.claimed_by(&after.id), Fact { lane, data, expect: Expect::At(user.at) }];
    Ok((after, facts))
}
