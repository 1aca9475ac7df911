//! Changing one's own account.

use decider::{Expect, Fact};
use schemas::commands::ChangeProfile;
use schemas::events::{UserProfileChanged, UserState};
use schemas::values::Patch;
use schemas::{Lane, Timestamp, UserId};

use super::{AccountRejection, LoadedUser, Name};
use crate::domain::Context;

/// How long a username that was given up is held back from others: 30 days, in seconds. Addresses are free at once.
pub(crate) const USERNAME_HELD_SECONDS: i64 = 30 * 24 * 60 * 60;

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
    facts.push(Fact::expecting(Expect::At(state.user.at), Lane::User(user.id), changed));
    Ok((user, facts))
}
