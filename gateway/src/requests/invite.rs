//! Invitations.

use schemas::RoomId;
use schemas::commands::CreateInvite;

use crate::http::shape;

shape! {
    /// A new invitation.
    NewInvite {
        /// Seconds after which it ends: 1 to 31,536,000. Defaults to 7 days.
        #[schemars(range(min = 1, max = 31_536_000))]
        expires_in: Option<u32>,
        /// How many people it lets in: 1 to 1,000. Defaults to any number.
        #[schemars(range(min = 1, max = 1_000))]
        max_uses: Option<u32>,
    }
}

impl NewInvite {
    pub(crate) fn command(self, room_id: RoomId) -> CreateInvite {
        let Self { expires_in, max_uses } = self;
        CreateInvite { room_id, expires_in, max_uses }
    }
}
