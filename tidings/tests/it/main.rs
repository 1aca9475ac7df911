//! The binary as a script or a person meets it: exit codes, ready line, `run.json`, signals, and a
//! nats-server that dies.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls;
mod operate;
mod process;
mod serve;
mod single;
