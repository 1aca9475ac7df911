//! What events make of a membership. Total: nothing here fails.

use schemas::EventData;
use schemas::events::MemberState;

/// What an event makes of a membership: its lane's events carry the whole state after them.
pub fn evolve(member: &mut Option<MemberState>, event: &EventData) {
    let next = match event {
        EventData::MemberJoined(e) => &e.member,
        EventData::MemberAdded(e) => &e.member,
        EventData::MemberLeft(e) => &e.member,
        EventData::MemberRemoved(e) => &e.member,
        EventData::MemberChanged(e) => &e.member,
        _ => return,
    };
    *member = Some(next.clone());
}
