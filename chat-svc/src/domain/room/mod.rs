//! Rooms: how they come about, change and are archived, and who holds a unique name.
//!
//! Owns what a room is, and who may change it. It must not know who is in it: `member` does.

mod decide;
mod evolve;
mod rejection;
#[cfg(test)]
mod tests;

pub use decide::{
    MAX_DIRECT_OTHERS, MAX_FIRST_MEMBERS, NameChange, NewRoom, archive_by_moderator, archiving,
    change, create, create_everyone, open_direct, owners_changed,
};
pub use evolve::{Name, evolve, evolve_name};
pub use rejection::RoomRejection;
