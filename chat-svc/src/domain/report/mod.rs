//! Reports of messages, and what moderators do about messages.
//!
//! Owns who may report what, and what becomes of a report. It must not know who is told of it.

mod decide;
#[cfg(test)]
mod tests;

pub use decide::{MAX_OPEN, ReportRejection, delete, handle, moderator, report};
