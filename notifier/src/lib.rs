//! Events to notifications and mail, off the path of any request.
//!
//! Owns the inboxes (`evt.inbox.<user>`) and the mails that are sent. [`policy`] says, purely, which
//! effects an event has; a channel carries out one kind of effect. Each channel follows the log with
//! a durable queue of its own, so a mail server that is down delays no inbox. An effect that fails is tried
//! again with growing pauses; what cannot be done becomes a dead letter with the reason and can be redriven.
//! It must not know how a message is stored or shown, and no effect may contain what a message says: that
//! would outlive the message's deletion.

mod channel;
mod commands;
mod config;
mod context;
mod digest;
mod digest_lines;
mod digests;
mod entry_ids;
mod inbox;
mod keeper;
mod later;
mod ledger;
mod mail;
mod mail_effect;
mod mail_templates;
mod notices;
mod online;
mod open;
pub mod policy;
mod reader;
mod reading;
mod service;
mod threads;
mod watch;
mod worker;

pub use crate::service::{Notifier, StartError};
pub use config::{Config, Needs, Retry, Site};
