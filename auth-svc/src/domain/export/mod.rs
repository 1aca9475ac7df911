//! Exports: when a copy of a person's data may be asked for, and when it is taken back. Making it is chat-svc's work.

mod decide;
#[cfg(test)]
mod tests;

pub(crate) use decide::{Asked, request, withdraw};
