//! What events make of a membership. Total: nothing here fails.

use schemas::EventData;
use schemas::events::MemberState;

/// What an event makes of a membership: its lane's events carry the whole state after them.
pub fn evolve(member: &mut Option<MemberState>, event: &EventData) {
    if let EventData::Member(event) = event {
        *member = Some(event.after().clone());
    }
}
