//! What admins, and the operator, do to other accounts.

use decider::{Expect, Fact};
use schemas::commands::AdministerUser;
use schemas::events::{UserRoleChanged, UserState, UserSuspensionChanged};
use schemas::values::Role;
use schemas::{EventData, Lane};

use super::{AccountRejection, Administrator as _, LoadedUser, Name};

/// What an admin's act is decided by.
#[derive(Debug, Clone)]
pub(crate) struct Administering {
    /// The admin who acts, as the log has them now.
    pub(crate) admin: LoadedUser,
    /// The account acted upon.
    pub(crate) target: LoadedUser,
    /// The lane of the admin registry.
    pub(crate) registry: Lane,
    /// An admin besides the one who acts; looked up when they take their own role away.
    pub(crate) another: Option<LoadedUser>,
}

/// The account after the act, and the facts; none when nothing changes.
pub(crate) fn administer(
    state: &Administering,
    command: &AdministerUser,
) -> Result<(UserState, Vec<Fact>), AccountRejection> {
    let admin = &state.admin.state;
    if !state.admin.is_admin() {
        return Err(AccountRejection::NotAdmin);
    }
    let old = &state.target.state;
    let own_account = old.id == admin.id;
    if own_account && command.suspended == Some(true) {
        return Err(AccountRejection::NotYourself);
    }
    // One admin always remains: the one who acts, or, when they take their own role away, another. The act is
    // fenced by that admin's lane, so that two who act on each other at the same moment cannot both succeed.
    let loses_role = command.role.is_some_and(|role| role != Role::Admin);
    let remains = match &state.another {
        _ if !(own_account && loses_role) => &state.admin,
        Some(another) if another.is_admin() => another,
        _ => return Err(AccountRejection::LastAdmin),
    };
    let mut user = old.clone();
    let mut events: Vec<EventData> = Vec::new();
    if let Some(role) = command.role.filter(|role| *role != old.role) {
        user.role = role;
        events.push(UserRoleChanged { user: user.clone(), reason: command.reason.clone() }.into());
    }
    if let Some(suspended) = command.suspended.filter(|suspended| *suspended != old.suspended) {
        user.suspended = suspended;
        events.push(
            UserSuspensionChanged { user: user.clone(), reason: command.reason.clone() }.into(),
        );
    }
    if events.is_empty() {
        return Ok((user, Vec::new()));
    }
    let mut facts = vec![remains.require_unchanged(&state.registry)];
    for (index, data) in events.into_iter().enumerate() {
        // In a batch only the first write to a lane may carry an expectation on it.
        let expect = if index == 0 { Expect::At(state.target.at) } else { Expect::Any };
        facts.push(Fact::expecting(expect, Lane::User(user.id), data));
    }
    Ok((user, facts))
}

/// The account as an admin's by the word of the operator, and the facts; none when it is one already. The admin
/// registry is claimed with it: from then on no account is the first one.
pub(crate) fn promote(
    user: &LoadedUser,
    registry: &Name,
) -> Result<(UserState, Vec<Fact>), AccountRejection> {
    let mut after = user.state.clone();
    if after.suspended {
        return Err(AccountRejection::Suspended);
    }
    if after.role == Role::Admin {
        return Ok((after, Vec::new()));
    }
    after.role = Role::Admin;
    let changed = UserRoleChanged { user: after.clone(), reason: None };
    let fact = Fact::expecting(Expect::At(user.at), Lane::User(after.id), changed);
    let facts = vec![registry.claimed_by(&after.id), fact];
    Ok((after, facts))
}
