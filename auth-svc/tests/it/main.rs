//! auth-svc against a real nats-server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod accounts;
mod admins;
mod arbitrary;
mod codes;
mod devices;
mod entrances;
mod forgetting;
mod kit;
mod operator;
mod passwords;
mod races;
mod second_factor;
mod sessions;
