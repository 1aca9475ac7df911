//! What admins do to other accounts.

use eventlog::Expect;
use schemas::Lane;
use schemas::commands::AdministerUser;
use schemas::events::{UserRoleChanged, UserState, UserSuspensionChanged};
use schemas::values::Role;

use super::rejection::AccountRejection;
use super::{Fact, LoadedUser, Name};

/// What an admin's act is decided by.
#[derive(Debug, Clone)]
pub(crate) struct Administering {
    /// Who acts, as the log has him now.
    pub(crate) admin: LoadedUser,
    /// The account acted upon.
    pub(crate) target: LoadedUser,
    /// The roll of admins: every act claims it anew, so that of two admins who take each other's role at
    /// the same moment only one succeeds and one admin always remains.
    pub(crate) roll: Name,
}

/// The account after the act, and the facts; none when nothing changes.
pub(crate) fn administer(
    state: &Administering,
    command: &AdministerUser,
) -> Result<(UserState, Vec<Fact>), AccountRejection> {
    let admin = &state.admin.value;
    if admin.role != Role::Admin || admin.suspended {
        return Err(AccountRejection::NotAdmin);
    }
    let old = &state.target.value;
    let loses_role = command.role.is_some_and(|role| role != Role::Admin);
    if old.id == admin.id && (loses_role || command.suspended == Some(true)) {
        return Err(AccountRejection::NotYourself);
    }
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
    let mut facts = vec![state.roll.claimed_by(&admin.id)];
    for (index, data) in events.into_iter().enumerate() {
        // In a batch only the first write to a lane may carry an expectation on it.
        let expect = if index == 0 { Expect::At(state.target.at) } else { Expect::Any };
        facts.push(Fact { lane: Lane::User(user.id.clone()), data, expect });
    }
    Ok((user, facts))
}
