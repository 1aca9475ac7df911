//! Reports of messages, and what moderators do about messages.

mod decide;
#[cfg(test)]
mod tests;

pub use decide::{MAX_OPEN, ReportRejection, delete, handle, moderator, report};
