//! Making an account.

use decider::{Expect, Fact, Seen};
use schemas::events::{InviteReserved, InviteState, UserRegistered, UserState};
use schemas::values::{DisplayName, Email, Role, Username};
use schemas::{Lane, Preferences, Registration, UserId};

use super::{AccountRejection, Administrator as _, LoadedUser, Name};
use crate::domain::Context;

/// What an account is made with.
#[derive(Debug, Clone)]
pub(crate) struct NewAccount {
    /// The unique name.
    pub(crate) username: Username,
    /// The unique address.
    pub(crate) email: Email,
    /// The name shown; the username when absent.
    pub(crate) display_name: Option<DisplayName>,
    /// What it may do everywhere; what users may when absent.
    pub(crate) role: Option<Role>,
    /// Whether the address is known to be the user's: a provider says so that is asked for it.
    pub(crate) email_verified: bool,
    /// Whether it begins with a password.
    pub(crate) has_password: bool,
}

/// What a registration is decided by.
#[derive(Debug, Clone)]
pub(crate) struct Registering {
    /// The wanted username.
    pub(crate) handle: Name,
    /// The wanted address.
    pub(crate) email: Name,
    /// The admin registry: held since the first account was made. It is claimed together with that one, so that of
    /// two first ones only one becomes admin.
    pub(crate) registry: Name,
    /// Who decides.
    pub(crate) by: Registrar,
}

/// Who decides that an account is made.
#[derive(Debug, Clone)]
pub(crate) enum Registrar {
    /// The user it is for, as far as the installation lets them.
    Themselves(Entrance),
    /// Another account, if it is an admin's.
    Account(LoadedUser),
    /// The operator, who may give every role.
    Operator,
}

/// How a user comes who makes an account for themselves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entrance {
    /// Whether only people on the machine itself can come.
    pub(crate) loopback: bool,
    /// Who may come.
    pub(crate) registration: Registration,
    /// The invitation they bring.
    pub(crate) invite: Option<Seen<InviteState>>,
}

impl Entrance {
    /// The fact that a place is kept for the account in the room of the invitation.
    fn admit(
        &self,
        account: &NewAccount,
        id: &UserId,
        cx: &Context,
    ) -> Result<Option<Fact>, AccountRejection> {
        self.registration.admits(&account.email, self.invite.is_some())?;
        let Some(invite) = &self.invite else { return Ok(None) };
        let after = invite.state.reserved_for(id, cx.now).ok_or(AccountRejection::InviteOver)?;
        let lane = Lane::Invite(after.id);
        let reserved = InviteReserved { invite: after, user_id: *id };
        Ok(Some(Fact::expecting(Expect::At(invite.at), lane, reserved)))
    }
}

/// A new account: the account itself, its two names, for the first one the admin registry, and the place in a room
/// that an invitation gives. The first is an admin's when only people on the machine itself can make it.
pub(crate) fn register(
    state: &Registering,
    account: &NewAccount,
    id: &UserId,
    context: &Context,
) -> Result<(UserState, Vec<Fact>), AccountRejection> {
    let reserved = match &state.by {
        Registrar::Themselves(entrance) => entrance.admit(account, id, context)?,
        Registrar::Account(_) | Registrar::Operator => None,
    };
    if state.handle.owner.is_some() || !state.handle.is_free_for(id, context.now) {
        return Err(AccountRejection::UsernameTaken);
    }
    if state.email.owner.is_some() {
        return Err(AccountRejection::EmailTaken);
    }
    let (role, registered) = role(state, account, id)?;
    let user = UserState {
        id: *id,
        username: account.username.clone(),
        display_name: account.display_name.clone().unwrap_or_else(|| (&account.username).into()),
        email: account.email.clone(),
        email_verified: account.email_verified,
        role,
        suspended: false,
        second_factor: false,
        has_password: account.has_password,
        deleted: false,
        bio: None,
        avatar_media_id: None,
        settings: serde_json::Map::new(),
        preferences: Preferences::default(),
        created_at: context.now,
    };
    let mut facts = vec![state.handle.claimed_by(id), state.email.claimed_by(id)];
    facts.extend(registered);
    facts.extend(reserved);
    facts.push(Fact::new(Lane::User(*id), UserRegistered { user: user.clone() }));
    Ok((user, facts))
}

/// The role of the account, and what the admin registry is told.
fn role(
    state: &Registering,
    account: &NewAccount,
    id: &UserId,
) -> Result<(Role, Option<Fact>), AccountRejection> {
    let first = state.registry.owner.is_none();
    let claimed = || state.registry.claimed_by(id);
    match (&state.by, account.role) {
        (Registrar::Operator, role) => Ok((role.unwrap_or(Role::User), Some(claimed()))),
        (Registrar::Account(asker), role) if asker.is_admin() => {
            let relied_on = asker.require_unchanged(&state.registry.lane);
            Ok((role.unwrap_or(Role::User), Some(relied_on)))
        }
        (Registrar::Account(_), _) => Err(AccountRejection::NotAdmin),
        (Registrar::Themselves(entrance), _) if first && entrance.loopback => {
            Ok((Role::Admin, Some(claimed())))
        }
        (Registrar::Themselves(_), None | Some(Role::User)) => {
            Ok((Role::User, first.then(claimed)))
        }
        (Registrar::Themselves(_), Some(_)) => Err(AccountRejection::RoleNotYours),
    }
}
