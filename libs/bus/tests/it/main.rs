//! The bus against a real nats-server: each case starts its own and ends it.

#[path = "../../../eventlog/tests/it/kit.rs"]
mod kit;

mod calls;
mod feeds;
