//! What makes a post unrepeatable, and the name it goes by in memory.

use eventlog::DedupId;
use schemas::Digest;
use schemas::ids::{RoomId, UserId};
use schemas::values::ClientId;

/// What makes a post unrepeatable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) room: RoomId,
    pub(crate) sender: UserId,
    pub(crate) client_id: ClientId,
    /// The name it goes by in memory.
    pub(super) name: Digest,
}

impl Claim {
    pub(crate) fn new(room: RoomId, sender: UserId, client_id: ClientId) -> Self {
        let name = name_of(&room, &sender, &client_id);
        Self { room, sender, client_id, name }
    }

    /// The id the log recognises it by.
    pub(crate) fn dedup(&self) -> DedupId {
        DedupId::of([self.sender.as_str(), "post", self.room.as_str(), self.client_id.as_str()])
    }
}

/// The name of a claim in memory.
pub(super) fn name_of(room: &RoomId, sender: &UserId, client_id: &ClientId) -> Digest {
    Digest::of([room.as_str(), sender.as_str(), client_id.as_str()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_different_scopes_never_meet() {
        let claim = |room: u128, user: u128, id: &str| {
            let room = RoomId::from_uuid(uuid::Uuid::from_u128(room));
            let sender = UserId::from_uuid(uuid::Uuid::from_u128(user));
            Claim::new(room, sender, ClientId::parse(id).unwrap())
        };
        let all = [claim(1, 1, "a"), claim(2, 1, "a"), claim(1, 2, "a"), claim(1, 1, "b")];
        for (i, one) in all.iter().enumerate() {
            for other in all.iter().skip(i + 1) {
                assert_ne!(one.name, other.name);
                assert_ne!(one.dedup(), other.dedup());
            }
        }
    }
}
