//! What the live half asks of the rest of the gateway, as narrow as it can be.

use schemas::{Event, UserId};

/// Wants to know of accounts and sessions: events of the `user` and `session` lanes, every one, in the
/// order of the log.
pub trait Observer: Send + Sync + 'static {
    /// An event happened.
    fn observe(&self, event: &Event);
    /// Events may have happened that are not known yet: what is remembered is not to be trusted.
    fn cut_off(&self);
}

/// What a resume counts in: each started unit is charged once.
pub const RESUME_UNIT: u64 = 64 * 1024;

/// Charges people for what a resume makes the server send.
pub trait Charge: Send + Sync + 'static {
    /// A resume of this person is about to send so many more bytes: always a whole number of
    /// [`RESUME_UNIT`]s, each counted when the resume begins it. Called before the bytes go out; a resume
    /// that has nothing to send is not charged.
    fn charge(&self, user: &UserId, bytes: u64);
}
