//! Events of invitations: the last one says how an invitation stands.

use readmodel::{InviteDoc, Key};
use schemas::Sequence;
use schemas::events::InviteEvent;

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &InviteEvent, wants: &mut Wants<'_>) {
    match event {
        InviteEvent::Created(_)
        | InviteEvent::Accepted(_)
        | InviteEvent::Reserved(_)
        | InviteEvent::Revoked(_) => {
            wants.key(Key::Invite(event.after().id));
        }
    }
}

pub(super) fn apply(
    event: &InviteEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        InviteEvent::Created(_)
        | InviteEvent::Accepted(_)
        | InviteEvent::Reserved(_)
        | InviteEvent::Revoked(_) => {
            let state = event.after();
            set.invites.get(&state.id)?;
            set.invites.put(&state.id, InviteDoc { state: state.clone(), updated: at });
            Ok(())
        }
    }
}
