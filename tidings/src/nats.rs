//! The private nats-server of `tidings serve`: found, configured, started, watched, started again
//! when it dies, and stopped. Nothing else knows that there is a child process.

mod access;
mod child;
mod conf;
mod find;
mod heal;
mod leftover;
mod logs;
mod supervise;

pub(crate) use find::find;
pub(crate) use heal::heal;
pub(crate) use supervise::{PrivateServer, Start};
