//! What the rules need to know of an account: auth-svc owns accounts, this is a small shadow of one.

use schemas::values::Role;
use schemas::{EventData, Timestamp, UserId};

/// An account, as far as rooms care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// What he may do everywhere.
    pub role: Role,
    /// May not act.
    pub suspended: bool,
    /// When he registered, which is when he came into the rooms everybody is in.
    pub registered_at: Timestamp,
}

/// What an event on the user lane makes of a person.
pub fn evolve(person: &mut Option<Person>, event: &EventData) {
    let user = match event {
        EventData::UserRegistered(e) => &e.user,
        EventData::UserProfileChanged(e) => &e.user,
        EventData::UserRoleChanged(e) => &e.user,
        EventData::UserSuspensionChanged(e) => &e.user,
        _ => return,
    };
    *person = Some(Person {
        id: user.id.clone(),
        role: user.role,
        suspended: user.suspended,
        registered_at: user.created_at,
    });
}
