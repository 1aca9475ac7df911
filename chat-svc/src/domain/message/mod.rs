//! Messages and read markers: what may be posted, edited and deleted, and how far a user has read.
//!
//! Owns who may post, edit and delete, and in which words that is refused. It must not know whether a repeat was posted before
//! (`dedup`) or where a message is (`locate`).

mod decide;
mod evolve;
mod mentions;
mod prose;
mod rejection;
#[cfg(test)]
mod tests;

pub use decide::{
    NewMessage, UpTo, added_to, calls_by_right, delete, edit, is_repeat_of, mark_read, may_edit,
    post, posted, thread_root,
};
pub use evolve::{Message, evolve};
pub use mentions::{MAX_NAMED, MAX_READINGS, MAX_WORDS, mentioned};
pub use rejection::MessageRejection;
