//! Events of notifications: inboxes and their entries.

use readmodel::{InboxDoc, Key, NotificationDoc};
use schemas::Sequence;
use schemas::events::{
    NotificationCreated, NotificationEvent, NotificationRemoved, NotificationsRead,
};
use schemas::ids::UserId;
use schemas::values::NotificationKind;

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &NotificationEvent, wants: &mut Wants<'_>) {
    let (user, id) = match event {
        NotificationEvent::Created(data) => (&data.user_id, Some(&data.notification_id)),
        NotificationEvent::Read(data) => (&data.user_id, data.notification_id.as_ref()),
        NotificationEvent::Removed(data) => (&data.user_id, Some(&data.notification_id)),
    };
    wants.key(Key::Inbox(*user));
    if let Some(id) = id {
        wants.key(Key::Notification(*id));
    }
}

pub(super) fn apply(
    event: &NotificationEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        NotificationEvent::Created(data) => created(data, at, set),
        NotificationEvent::Read(data) => read(data, at, set),
        NotificationEvent::Removed(data) => removed(data, at, set),
    }
}

fn inbox(user: &UserId, set: &WorkingSet) -> Result<InboxDoc, NotLoaded> {
    Ok(set.inboxes.get(user)?.cloned().unwrap_or_else(|| InboxDoc::empty(*user)))
}

/// The notifier gives an entry the same id however often it tries: only the first one counts.
fn created(
    data: &NotificationCreated,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    if set.notifications.get(&data.notification_id)?.is_some() {
        return Ok(());
    }
    let mut inbox = inbox(&data.user_id, set)?;
    inbox.unread_count += 1;
    inbox.updated = at;
    set.inboxes.put(&data.user_id, inbox);
    let doc = NotificationDoc {
        id: data.notification_id,
        user_id: data.user_id,
        kind: data.kind,
        // Older events name people in their titles; what is shown is made when it is read.
        title: data.title.clone().filter(|_| data.kind == NotificationKind::System),
        body: data.body.clone().filter(|_| data.kind == NotificationKind::System),
        actor_id: data.actor_id,
        login: data.login,
        room_id: data.room_id,
        message_id: data.message_id,
        thread_root_id: data.thread_root_id,
        posted: data.posted,
        caused: data.caused,
        removed: false,
        read: false,
        created_at: data.created_at,
        created: at,
        updated: at,
    };
    set.notifications.put(&data.notification_id, doc);
    Ok(())
}

fn is_unread(entry: &NotificationDoc, inbox: &InboxDoc) -> bool {
    !entry.removed && !entry.read && entry.created > inbox.read_all
}

/// A removed entry leaves a tombstone: it is never made again.
fn removed(
    data: &NotificationRemoved,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let mut inbox = inbox(&data.user_id, set)?;
    let Some(entry) = set.notifications.get(&data.notification_id)? else { return Ok(()) };
    if entry.user_id != data.user_id || entry.removed {
        return Ok(());
    }
    if is_unread(entry, &inbox) {
        inbox.unread_count = inbox.unread_count.saturating_sub(1);
        inbox.updated = at;
        set.inboxes.put(&data.user_id, inbox);
    }
    if let Some(entry) = set.notifications.change(&data.notification_id)? {
        entry.removed = true;
        entry.updated = at;
    }
    Ok(())
}

fn read(data: &NotificationsRead, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let mut inbox = inbox(&data.user_id, set)?;
    match &data.notification_id {
        None => {
            inbox.read_all = at;
            inbox.unread_count = 0;
        }
        Some(id) => {
            let unread = set
                .notifications
                .get(id)?
                .is_some_and(|entry| entry.user_id == data.user_id && is_unread(entry, &inbox));
            if !unread {
                return Ok(());
            }
            if let Some(entry) = set.notifications.change(id)? {
                entry.read = true;
                entry.updated = at;
            }
            inbox.unread_count = inbox.unread_count.saturating_sub(1);
        }
    }
    inbox.updated = at;
    set.inboxes.put(&data.user_id, inbox);
    Ok(())
}
