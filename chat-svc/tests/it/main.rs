//! chat-svc on a real nats-server: each rule as a caller meets it, and what only a real log can show.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod additions;
mod arbitrary;
mod index;
mod kit;
mod log_index;
mod media;
mod members;
mod mentions;
mod messages;
mod posts;
mod races;
mod repeats;
mod rooms;
mod slow_mode;
mod starting;
