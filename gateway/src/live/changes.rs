//! What changed since a position, as the steps of a resume: made of the read model's documents when the memory
//! does not reach back that far. Pure.
//!
//! Documents are compacted by nature: a message that was edited three times is told once, with its last text.
//! A message posted since is told at its own place, an older one at its last change; its document is read when
//! its turn comes, and what has changed by then beyond the plan is told there.

use std::collections::HashMap;

use readmodel::{
    FollowerDoc, InboxDoc, MediaDoc, MembershipDoc, MessageMark, NotificationDoc, RoomDoc, UserDoc,
};
use schemas::NotificationId;
use schemas::views::Notification;

use super::frames::{
    Arrivals, Span, media, member, message, notification, prefs, receipt, room, thread, user,
};
use super::plan::Step;

/// The documents that changed.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) messages: Vec<MessageMark>,
    /// The user's own memberships.
    pub(crate) own: Vec<MembershipDoc>,
    pub(crate) members: Vec<MembershipDoc>,
    /// Memberships whose read markers moved.
    pub(crate) markers: Vec<MembershipDoc>,
    /// The user's own memberships of which they changed their settings.
    pub(crate) prefs: Vec<MembershipDoc>,
    /// What the user did to threads themselves.
    pub(crate) followers: Vec<FollowerDoc>,
    pub(crate) rooms: Vec<RoomDoc>,
    pub(crate) notifications: Vec<NotificationDoc>,
    /// The notifications in words.
    pub(crate) entries: HashMap<NotificationId, Notification>,
    pub(crate) inbox: Option<InboxDoc>,
    /// Accounts of users they share a room with, of those who were erased, and their own.
    pub(crate) users: Vec<UserDoc>,
    /// The user's own media.
    pub(crate) media: Vec<MediaDoc>,
}

impl Changed {
    pub(crate) fn count(&self) -> usize {
        self.messages.len()
            + self.own.len()
            + self.members.len()
            + self.markers.len()
            + self.prefs.len()
            + self.followers.len()
            + self.rooms.len()
            + self.notifications.len()
            + self.users.len()
            + self.media.len()
    }

    /// The steps, in no particular order.
    pub(crate) fn steps(&self, span: &Span<'_>) -> Vec<Step> {
        // Named one by one, so that documents which are gathered and not told do not compile.
        let Self {
            messages,
            own,
            members,
            markers,
            prefs,
            followers,
            rooms,
            notifications,
            entries,
            inbox,
            users,
            media: files,
        } = self;
        let arrivals = Arrivals::of(own, span);
        let mut changes = Vec::with_capacity(self.count());
        changes.extend(messages.iter().filter_map(|doc| message::changed(doc, span, &arrivals)));
        changes.extend(own.iter().flat_map(|doc| member::own_changed(doc, span)));
        changes.extend(members.iter().filter_map(|doc| member::changed(doc, span, &arrivals)));
        changes.extend(markers.iter().filter_map(|doc| receipt::changed(doc, span, &arrivals)));
        changes.extend(prefs.iter().filter_map(|doc| prefs::changed(doc, span)));
        changes.extend(followers.iter().flat_map(|doc| thread::changed(doc, span, &arrivals)));
        changes.extend(rooms.iter().filter_map(|doc| room::changed(doc, span, &arrivals)));
        let told = |doc| notification::changed(doc, entries, span);
        changes.extend(notifications.iter().filter_map(told));
        changes.extend(inbox.iter().filter_map(|doc| notification::inbox_changed(doc, span)));
        changes.extend(files.iter().filter_map(|doc| media::changed(doc, span)));
        changes.extend(users.iter().filter_map(|doc| user::changed(doc, span)));
        changes.into_iter().map(Step::from).collect()
    }
}

#[cfg(test)]
mod tests;
