//! Events of read markers.

use readmodel::MembershipDoc;
use schemas::Sequence;
use schemas::events::{ReadMoved, ReceiptEvent};

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &ReceiptEvent, wants: &mut Wants<'_>) {
    match event {
        ReceiptEvent::Moved(data) => {
            wants.message(&data.message_id);
            wants.membership(&data.room_id, &data.user_id);
        }
    }
}

pub(super) fn apply(
    event: &ReceiptEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        ReceiptEvent::Moved(data) => moved(data, at, set),
    }
}

/// A marker moves to a message of its room, forwards only.
fn moved(data: &ReadMoved, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let (number, main) = match set.messages.get(&data.message_id)? {
        Some(message) if message.room_id == data.room_id => (message.number, message.main_number),
        Some(_) | None => return Ok(()),
    };
    let key = (data.room_id, data.user_id);
    // Where the stay began the marker stands without having been moved: moving it there is news.
    let forwards = |doc: &MembershipDoc| {
        let here = number == doc.marker_number && !doc.marker_moved;
        doc.present && (number > doc.marker_number || here)
    };
    if !set.memberships.get(&key)?.is_some_and(forwards) {
        return Ok(());
    }
    if let Some(member) = set.memberships.change(&key)? {
        member.marker_number = number;
        member.marker_main = main;
        member.marker_moved = true;
        member.marker_message_id = Some(data.message_id);
        member.marker_at = at;
        member.marker_updated = at;
        if !data.private {
            member.receipt_number = number;
            member.receipt_message_id = member.marker_message_id;
            member.receipt_updated = at;
        }
        member.updated = at;
    }
    Ok(())
}
