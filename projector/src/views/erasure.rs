//! Events of erasures: what is left of a person's documents is emptied or removed.
//!
//! The content of messages goes with their deletion, which has an event of its own ([`super::message`]). Here goes what
//! a deletion leaves (what the sender's client called a message) and what is a person's alone. All of it is done to
//! documents that are named, whatever stands in them: where the log is read anew, and the person's events are blanks
//! or holes, it comes to the same.

use readmodel::{Key, MembershipDoc};
use schemas::Sequence;
use schemas::events::{BlankEvent, ErasureEvent, ErasureListed};
use schemas::ids::MessageId;
use schemas::values::{Format, Notify};

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

/// The messages among what is listed.
fn messages(listed: &ErasureListed) -> impl Iterator<Item = &MessageId> {
    listed.blanks.iter().filter_map(|blank| match &blank.was {
        BlankEvent::Posted(message) | BlankEvent::Edited { message, .. } => Some(&message.id),
        BlankEvent::Registered { .. } => None,
    })
}

pub(super) fn needs(event: &ErasureEvent, wants: &mut Wants<'_>) {
    let listed = match event {
        ErasureEvent::Listed(listed) => listed,
        ErasureEvent::Begun(_) | ErasureEvent::Completed(_) => return,
    };
    let user = &listed.user_id;
    messages(listed).for_each(|id| wants.message(id));
    listed.threads.iter().for_each(|root| wants.follower(root, user));
    listed.prefs.iter().for_each(|room| wants.membership(room, user));
    listed.invites.iter().for_each(|id| wants.key(Key::Invite(*id)));
    let reports = listed.reports.iter().chain(&listed.reported);
    reports.for_each(|id| wants.key(Key::Report(*id)));
    listed.notifications.iter().for_each(|id| wants.key(Key::Notification(*id)));
    wants.key(Key::Inbox(*user));
    wants.key(Key::Blocks(*user));
    wants.key(Key::Export(*user));
}

/// What goes from the conversations.
pub(super) fn apply_to_conversations(
    event: &ErasureEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let listed = match event {
        ErasureEvent::Listed(listed) => listed,
        ErasureEvent::Begun(_) | ErasureEvent::Completed(_) => return Ok(()),
    };
    let user = &listed.user_id;
    for id in messages(listed) {
        if let Some(message) = set.messages.change(id)? {
            message.client_id = None;
            message.body.clear();
            message.attachments.clear();
            message.format = Format::default();
            message.updated = at;
        }
    }
    for root in &listed.threads {
        set.followers.remove(&(*root, *user))?;
    }
    for room in &listed.prefs {
        if let Some(membership) = set.memberships.change(&(*room, *user))? {
            forget_prefs(membership);
            membership.updated = at;
        }
    }
    for id in &listed.invites {
        set.invites.remove(id)?;
    }
    for id in &listed.reports {
        set.reports.remove(id)?;
    }
    for id in &listed.reported {
        if let Some(report) = set.reports.change(id)? {
            report.message = None;
            report.updated = at;
        }
    }
    Ok(())
}

fn forget_prefs(membership: &mut MembershipDoc) {
    membership.notify = Notify::default();
    membership.pinned = false;
    membership.hidden_at = None;
    membership.prefs_changed = 0;
}

/// The inbox goes as a whole.
pub(super) fn apply_to_inbox(
    event: &ErasureEvent,
    _: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let listed = match event {
        ErasureEvent::Listed(listed) => listed,
        ErasureEvent::Begun(_) | ErasureEvent::Completed(_) => return Ok(()),
    };
    for id in &listed.notifications {
        set.notifications.remove(id)?;
    }
    set.inboxes.remove(&listed.user_id)
}

/// What goes from the people: whom the person blocked, and their export. The account itself changed when it was closed.
pub(super) fn apply_to_people(
    event: &ErasureEvent,
    _: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        ErasureEvent::Listed(listed) => {
            set.blocks.remove(&listed.user_id)?;
            set.exports.remove(&listed.user_id)
        }
        ErasureEvent::Begun(_) | ErasureEvent::Completed(_) => Ok(()),
    }
}
