//! What the REST API does, by resource. A handler parses its input, sends one command or asks one question,
//! and shapes the answer; everything else has been done before it is called.
//!
//! Owns nothing but that: what a route takes and gives is its signature. It must not know actix or HTTP (`http`), nor limits of
//! values (`requests`).

pub(crate) mod access;
pub(crate) mod admin;
pub(crate) mod bans;
pub(crate) mod blocks;
pub(crate) mod challenges;
pub(crate) mod dead_letters;
pub(crate) mod erasures;
pub(crate) mod events;
pub(crate) mod exports;
pub(crate) mod history;
pub(crate) mod identities;
pub(crate) mod invites;
pub(crate) mod media;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod notifications;
pub(crate) mod oidc;
pub(crate) mod paging;
pub(crate) mod pins;
pub(crate) mod reactions;
pub(crate) mod reports;
pub(crate) mod request_log;
pub(crate) mod rooms;
pub(crate) mod search;
pub(crate) mod second_factor;
pub(crate) mod sessions;
pub(crate) mod shown;
pub(crate) mod site;
pub(crate) mod texts;
pub(crate) mod threads;
pub(crate) mod unsubscribe;
pub(crate) mod users;
pub(crate) mod web;
