//! Registering, and changing one's own account.

use decider::{Expect, Fact};
use schemas::commands::{ChangeProfile, Register};
use schemas::events::{UserProfileChanged, UserRegistered, UserState};
use schemas::values::{Patch, Role};
use schemas::{Lane, Preferences, Timestamp, UserId};

use super::{AccountRejection, Administrator as _, LoadedUser, Name};
use crate::domain::Context;

/// How long a username that was given up is held back from others: 30 days, in seconds. Addresses are free at once.
pub(crate) const USERNAME_HELD_SECONDS: i64 = 30 * 24 * 60 * 60;

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
    /// The user it is for.
    Themselves,
    /// Another account, which may give roles if it is an admin's.
    Account(LoadedUser),
    /// The operator, who may give every role.
    Operator,
}

/// A new account: the account itself, its two names, and for the first one the admin registry. The first is an
/// admin's when only people on the machine itself can make it.
pub(crate) fn register(
    state: &Registering,
    command: &Register,
    id: &UserId,
    context: &Context,
) -> Result<(UserState, Vec<Fact>), AccountRejection> {
    if state.handle.owner.is_some() || !state.handle.is_free_for(id, context.now) {
        return Err(AccountRejection::UsernameTaken);
    }
    if state.email.owner.is_some() {
        return Err(AccountRejection::EmailTaken);
    }
    let first = state.registry.owner.is_none();
    let (role, registered) = match (command.role, &state.by) {
        (role, Registrar::Operator) => {
            (role.unwrap_or(Role::User), Some(state.registry.claimed_by(id)))
        }
        _ if first && command.loopback => (Role::Admin, Some(state.registry.claimed_by(id))),
        (None | Some(Role::User), _) => (Role::User, first.then(|| state.registry.claimed_by(id))),
        (Some(role), Registrar::Account(asker)) if asker.is_admin() => {
            (role, Some(asker.require_unchanged(&state.registry.lane)))
        }
        (Some(_), _) => return Err(AccountRejection::RoleNotYours),
    };
    let user = UserState {
        id: id.clone(),
        username: command.username.clone(),
        display_name: command.display_name.clone().unwrap_or_else(|| (&command.username).into()),
        email: command.email.clone(),
        email_verified: false,
        role,
        suspended: false,
        second_factor: false,
        has_password: true,
        bio: None,
        avatar_media_id: None,
        settings: serde_json::Map::new(),
        preferences: Preferences::default(),
        created_at: context.now,
    };
    let mut facts = vec![state.handle.claimed_by(id), state.email.claimed_by(id)];
    facts.extend(registered);
    facts.push(Fact::new(Lane::User(id.clone()), UserRegistered { user: user.clone() }));
    Ok((user, facts))
}

/// What a change of profile is decided by.
#[derive(Debug, Clone)]
pub(crate) struct Changing {
    /// The account.
    pub(crate) user: LoadedUser,
    /// The wanted username, when it is another.
    pub(crate) handle: Option<NameChange>,
}

/// A name to give up and one to take.
#[derive(Debug, Clone)]
pub(crate) struct NameChange {
    /// The present one.
    pub(crate) old: Name,
    /// The wanted one.
    pub(crate) new: Name,
}

impl NameChange {
    /// Gives one up and takes the other. What is given up is free at once.
    pub(super) fn facts(
        &self,
        user: &UserId,
        taken: AccountRejection,
    ) -> Result<Vec<Fact>, AccountRejection> {
        self.moved(user, Timestamp::from_millis(i64::MAX), None).ok_or(taken)
    }

    /// The same at a moment, which counts for what is held back; the old name is held back from others until then.
    fn moved(
        &self,
        user: &UserId,
        now: Timestamp,
        held_until: Option<Timestamp>,
    ) -> Option<Vec<Fact>> {
        if !self.new.is_free_for(user, now) {
            return None;
        }
        if self.old.lane == self.new.lane {
            return Some(Vec::new());
        }
        Some(vec![self.old.released_by(user, held_until), self.new.claimed_by(user)])
    }
}

/// The account after the change, and the facts; none when nothing changes.
pub(crate) fn change_profile(
    state: &Changing,
    command: &ChangeProfile,
    context: &Context,
) -> Result<(UserState, Vec<Fact>), AccountRejection> {
    let old = &state.user.state;
    if old.suspended {
        return Err(AccountRejection::Suspended);
    }
    let mut user = old.clone();
    user.bio = command.bio.clone().apply(user.bio);
    if let Some(preferences) = &command.preferences {
        user.preferences = preferences.apply(&user.preferences);
    }
    user.avatar_media_id = command.avatar_media_id.clone().apply(user.avatar_media_id);
    if let Some(settings) = &command.settings {
        user.settings = settings.as_object().clone();
    }
    let mut facts = Vec::new();
    if let (Some(change), Some(username)) = (&state.handle, &command.username) {
        let held_until = Some(context.now.plus_seconds(USERNAME_HELD_SECONDS));
        let moved = change.moved(&user.id, context.now, held_until);
        facts.extend(moved.ok_or(AccountRejection::UsernameTaken)?);
        user.username = username.clone();
    }
    match &command.display_name {
        Patch::Keep => {}
        Patch::Clear => user.display_name = (&user.username).into(),
        Patch::Set(name) => user.display_name = name.clone(),
    }
    if user == *old {
        return Ok((user, Vec::new()));
    }
    let changed = UserProfileChanged { user: user.clone() };
    facts.push(Fact::expecting(Expect::At(state.user.at), Lane::User(user.id.clone()), changed));
    Ok((user, facts))
}
