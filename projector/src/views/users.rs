//! People.

use readmodel::{Key, UserDoc};
use schemas::Sequence;
use schemas::events::UserState;
use schemas::ids::UserId;

use super::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(user: &UserId, wants: &mut Wants<'_>) {
    wants.key(Key::User(user.clone()));
}

/// Every event of the lane carries the whole account, so whichever comes first makes the document: the
/// registration may have been erased, or the lane's former events.
pub(super) fn changed(
    user: &UserState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    if let Some(doc) = set.users.change(&user.id)? {
        doc.state = user.clone();
        doc.updated = at;
        return Ok(());
    }
    set.users.put(&user.id, UserDoc { state: user.clone(), registered: at, updated: at });
    Ok(())
}
