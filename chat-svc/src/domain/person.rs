//! What the rules need to know of an account: auth-svc owns accounts, this is a small shadow of one.

use schemas::values::Role;
use schemas::{EventData, Timestamp, UserId};

/// An account, as far as rooms care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account's id.
    pub id: UserId,
    /// What they may do everywhere.
    pub role: Role,
    /// May not act.
    pub suspended: bool,
    /// When they registered, which is when they joined the rooms every user belongs to.
    pub registered_at: Timestamp,
}

/// What an event on the user lane makes of a person.
pub fn evolve(person: &mut Option<Person>, event: &EventData) {
    let EventData::User(event) = event else { return };
    *person = event.after().map(|user| Person {
        id: user.id.clone(),
        role: user.role,
        suspended: user.suspended,
        registered_at: user.created_at,
    });
}
