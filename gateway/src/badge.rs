//! The badge: what waits for a user altogether.

use std::collections::HashMap;

use readmodel::{
    ActivityAnchor, ListFrom, MAX_ITEMS, MembershipDoc, ReadStore, RoomDoc, StoreError, Unread,
};
use schemas::values::Notify;
use schemas::views::UnreadSummary;
use schemas::{RoomId, UserId};

/// What waits for a user. Rooms of which they want to hear nothing count by mentions only.
pub(crate) async fn of(store: &dyn ReadStore, user: &UserId) -> Result<UnreadSummary, StoreError> {
    let mut summary = UnreadSummary::default();
    let mut from = ListFrom::Start;
    loop {
        let slice = store.user_rooms(user, &from, MAX_ITEMS).await?;
        let unread = in_rooms(store, &slice.items).await?;
        for (room, member) in &slice.items {
            let unread = unread.get(&room.state.id).copied().unwrap_or_default();
            let counted = match member.notify {
                Notify::All | Notify::Mentions => unread.messages,
                Notify::None => unread.mentions,
            };
            summary.rooms += u64::from(counted > 0);
            summary.unread_count += counted;
            summary.mention_count += unread.mentions;
        }
        let Some((room, member)) = slice.items.last().filter(|_| slice.more) else { break };
        from = ListFrom::After(anchor(room, member));
    }
    summary.threads = store.unread_threads(user).await?;
    summary.notifications = store.inbox(user).await?.unread_count;
    Ok(summary)
}

/// What waits for a user in some of their rooms.
pub(crate) async fn in_rooms(
    store: &dyn ReadStore,
    rooms: &[(RoomDoc, MembershipDoc)],
) -> Result<HashMap<RoomId, Unread>, StoreError> {
    let of: Vec<(&RoomDoc, &MembershipDoc)> = rooms.iter().map(|(r, m)| (r, m)).collect();
    let counted = store.unread(&of).await?;
    let ids = rooms.iter().map(|(room, _)| room.state.id);
    Ok(ids.zip(counted).collect())
}

/// Where the list of a user's rooms goes on after one.
pub(crate) fn anchor(room: &RoomDoc, member: &MembershipDoc) -> ActivityAnchor {
    let room_id = room.state.id;
    ActivityAnchor { pinned: member.pinned, last_activity: room.last_activity, room_id }
}
