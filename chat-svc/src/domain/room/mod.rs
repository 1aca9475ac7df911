//! Rooms: how they come about, change and are archived, and who holds a unique name.
//!
//! Owns what a room is, and who may change it. It must not know who is in it: `member` does, and is asked what the
//! first members of a new room are.

mod decide;
mod evolve;
mod rejection;
#[cfg(test)]
mod tests;

pub use decide::{
    NameChange, NewRoom, archive_by_moderator, archiving, change, create, create_everyone,
    open_direct,
};
pub use evolve::{Name, evolve, evolve_name};
pub use rejection::RoomRejection;

/// People who can be brought in when a room is made, besides its maker.
pub const MAX_FIRST_MEMBERS: usize = 500;
/// People in a direct room besides the one who opens it.
pub const MAX_DIRECT_OTHERS: usize = 19;
