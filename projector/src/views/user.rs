//! Events of accounts. Every one changes the account; a registration also makes memberships.

use readmodel::{Key, UserDoc};
use schemas::Sequence;
use schemas::events::{UserEvent, UserRegistered, UserState};

use super::member;
use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &UserEvent, wants: &mut Wants<'_>) {
    let user = event.user_id();
    wants.key(Key::User(*user));
    for room in wants.everyone_rooms() {
        wants.room(room);
        wants.membership(room, user);
    }
}

/// What an event does to the people.
pub(super) fn apply(
    event: &UserEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        UserEvent::Registered(_)
        | UserEvent::ProfileChanged(_)
        | UserEvent::RoleChanged(_)
        | UserEvent::SuspensionChanged(_)
        | UserEvent::EmailVerified(_)
        | UserEvent::EmailChanged(_)
        | UserEvent::SecondFactorChanged(_)
        | UserEvent::PasswordSet(_)
        | UserEvent::Erased(_) => changed(event.shown(), at, set),
    }
}

/// What an event does to the conversations. They learn of an account by its registration; the types of which nothing
/// here depends are [`OF_PEOPLE_ONLY`].
pub(super) fn apply_to_conversations(
    event: &UserEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    // A room of everyone that the same batch creates later has this user.
    if let Some(everybody) = &mut set.everybody {
        match event.after() {
            Some(user) => everybody.insert(user.id),
            None => everybody.remove(event.user_id()),
        };
    }
    match event {
        UserEvent::Registered(UserRegistered { user }) => join_rooms_of_everyone(user, at, set),
        UserEvent::ProfileChanged(_)
        | UserEvent::RoleChanged(_)
        | UserEvent::SuspensionChanged(_)
        | UserEvent::EmailVerified(_)
        | UserEvent::EmailChanged(_)
        | UserEvent::SecondFactorChanged(_)
        | UserEvent::PasswordSet(_)
        | UserEvent::Erased(_) => Ok(()),
    }
}

/// The types of events after which only the account is another one: where one of these cannot be read, the
/// conversations need not stop. A test holds this list against what [`apply_to_conversations`] does.
pub(super) const OF_PEOPLE_ONLY: [&str; 8] = [
    "user.profile_changed.v1",
    "user.role_changed.v1",
    "user.suspension_changed.v1",
    "user.email_verified.v1",
    "user.email_changed.v1",
    "user.second_factor_changed.v1",
    "user.password_set.v1",
    "user.erased.v1",
];

/// Every event of the lane carries the whole account, so whichever comes first makes the document: the registration
/// may have been erased, or the lane's former events.
fn changed(user: UserState, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    if let Some(doc) = set.users.change(&user.id)? {
        doc.state = user;
        doc.updated = at;
        return Ok(());
    }
    let id = user.id;
    set.users.put(&id, UserDoc { state: user, registered: at, updated: at });
    Ok(())
}

fn join_rooms_of_everyone(
    user: &UserState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    for room in set.site()?.everyone_rooms {
        member::joined_by_rule(&room, &user.id, user.created_at, at, set)?;
    }
    Ok(())
}
