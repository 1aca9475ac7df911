//! Accounts, credentials, sessions and tokens.
//!
//! Owns the lanes `user`, `session`, `handle` and `email`, and the buckets where secrets live. An account is
//! decided purely (`domain/`) from what the log says about it and its names; uniqueness is an expectation
//! on the lane of a name, so no index can be behind. Secrets (password hashes, session records, tickets) are
//! never events. It must not know rooms, and no other crate knows how a password is kept.
//!
//! Where to read on: `service.rs` (what is served), `handlers/` (one file per kind of command), `domain/` (the
//! rules), `passwords.rs` and `queue.rs` (the hashing threads), `operator.rs` (what the operator's commands do), `tokens.rs` (what an access token says), `refresh.rs` (what
//! a refresh token is), `sessions.rs` and `admins.rs` (what lies outside the log).

mod accounts;
mod admins;
mod attempts;
mod auth;
mod call;
mod challenges;
mod common_passwords;
mod domain;
mod handlers;
mod holders;
mod keys;
mod limit;
mod metrics;
mod operator;
mod passwords;
mod provider_logins;
mod providers;
mod queue;
mod records;
mod refresh;
mod second_factors;
mod service;
mod sessions;
pub mod tokens;
mod turns;

pub use crate::keys::{Rotated, rotate_keys};
pub use crate::limit::Limit;
pub use crate::providers::ProviderConfig;
pub use crate::service::{AuthService, Config, Needs, StartError};
pub use oidc::check_issuer;
pub use operator::Operator;
