//! What the rules need to know of an account: auth-svc owns accounts, this is a small shadow of one.

use schemas::preferences::Reach;
use schemas::values::Role;
use schemas::{EventData, MediaId, Timestamp, UserId};

/// An account, as far as rooms care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account's id.
    pub id: UserId,
    /// What they may do everywhere.
    pub role: Role,
    /// Whether their address is verified.
    pub verified: bool,
    /// May not act.
    pub suspended: bool,
    /// Who may write to them in direct rooms.
    pub direct_messages: Reach,
    /// Who may bring them into groups and channels.
    pub added_to_rooms: Reach,
    /// Whether others see how far they have read.
    pub read_receipts: bool,
    /// Their profile picture.
    pub avatar: Option<MediaId>,
    /// When they registered, which is when they joined the rooms every user belongs to.
    pub registered_at: Timestamp,
}

/// What an event on the user lane makes of a person.
pub fn evolve(person: &mut Option<Person>, event: &EventData) {
    let EventData::User(event) = event else { return };
    *person = event.after().map(|user| Person {
        id: user.id,
        role: user.role,
        verified: user.email_verified,
        suspended: user.suspended,
        registered_at: user.created_at,
        direct_messages: user.preferences.direct_messages,
        added_to_rooms: user.preferences.added_to_rooms,
        read_receipts: user.preferences.read_receipts,
        avatar: user.avatar_media_id,
    });
}
