//! Read markers.

use schemas::Sequence;
use schemas::events::ReadMoved;

use super::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(data: &ReadMoved, wants: &mut Wants<'_>) {
    wants.message(&data.message_id);
    wants.membership(&data.room_id, &data.user_id);
}

/// A marker moves to a message of its room, forwards only.
pub(super) fn moved(data: &ReadMoved, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let number = match set.messages.get(&data.message_id)? {
        Some(message) if message.room_id == data.room_id => message.number,
        _ => return Ok(()),
    };
    let key = (data.room_id.clone(), data.user_id.clone());
    let forwards = |doc: &readmodel::MembershipDoc| doc.present && number > doc.marker_number;
    if !set.memberships.get(&key)?.is_some_and(forwards) {
        return Ok(());
    }
    if let Some(member) = set.memberships.change(&key)? {
        member.marker_number = number;
        member.marker_message_id = Some(data.message_id.clone());
        member.marker_updated = at;
        member.mention_numbers.retain(|mention| *mention > number);
        member.updated = at;
    }
    Ok(())
}
