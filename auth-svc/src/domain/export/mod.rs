//! Exports: when a copy of a person's data may be asked for, and when it is taken back. Making it is chat-svc's work.
//!
//! Owns that a person has one at a time. It must not know what is in one.

mod decide;
#[cfg(test)]
mod tests;

pub(crate) use decide::{Asked, request, withdraw};
