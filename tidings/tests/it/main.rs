//! The binary as a script or a person meets it: exit codes, ready line, `run.json`, signals, and a
//! nats-server that dies.

mod calls;
mod process;
mod serve;
