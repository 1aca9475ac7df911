//! What clients send, parsed: one file per noun, one shape per body, and the command each becomes.
//!
//! Owns the one reading of a client's input. A REST body and a WebSocket frame of the same command are read by the same
//! shape, with the same limits, and every fault is named. It must not know routes, sockets or who is asking. Names and
//! types of fields are the API: a field may be added, nothing else may change.

pub(crate) mod challenge;
pub(crate) mod erasure;
pub(crate) mod export;
pub(crate) mod invite;
pub(crate) mod media;
pub(crate) mod member;
pub(crate) mod message;
pub(crate) mod notification;
pub(crate) mod oidc;
pub(crate) mod pin;
pub(crate) mod reaction;
pub(crate) mod receipt;
pub(crate) mod report;
pub(crate) mod room;
pub(crate) mod second_factor;
pub(crate) mod session;
pub(crate) mod thread;
pub(crate) mod user;

use crate::http::shape;

shape! {
    /// No body, or an empty object.
    Nothing {}
}
