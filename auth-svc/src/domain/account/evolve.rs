//! What events make of an account and of a unique name. Total: nothing here fails.

use schemas::EventData;
use schemas::events::UserState;

/// What an event makes of an account. Every event of its lane carries the whole account after it.
pub(crate) fn evolve(user: &mut Option<UserState>, event: EventData) {
    let after = match event {
        EventData::UserRegistered(data) => data.user,
        EventData::UserProfileChanged(data) => data.user,
        EventData::UserRoleChanged(data) => data.user,
        EventData::UserSuspensionChanged(data) => data.user,
        _ => return,
    };
    *user = Some(after);
}

/// What an event makes of who holds a unique name.
pub(crate) fn evolve_owner(owner: &mut Option<String>, event: EventData) {
    match event {
        EventData::NameClaimed(data) => *owner = Some(data.owner),
        EventData::NameReleased(_) => *owner = None,
        _ => {}
    }
}
