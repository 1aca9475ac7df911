//! One module per kind of command.
//!
//! Owns the order of each: prove who asks, load, decide, write, answer; and secrets that stand beside the log, each written so that
//! a crash in between is completed or harmless. It must not hold a rule: those are in `domain`.

mod admin;
mod audit;
mod challenges;
mod erasure;
mod exports;
mod holds;
mod identities;
mod login;
mod lookup;
mod password;
mod profile;
mod proof;
mod provider_sessions;
mod providers;
mod refresh;
mod register;
mod resets;
mod second_factor;
mod sessions;
mod tickets;
mod unsubscribe;
mod verifications;

pub(crate) use erasure::{Closer, new_erasure};
pub(crate) use register::By;
