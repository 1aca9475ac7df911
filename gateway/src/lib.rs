//! REST and WebSocket: the only process clients talk to.
//!
//! A request goes through `http` (trace, limits, authentication, idempotency) to a handler in `rest`, which
//! sends one command or asks the read model one question; the whole URL table is in `routes`. A socket is in
//! `socket`, and the events it receives come from `live`. What clients send over either is read by `requests`. Nothing is decided here: services decide, and the log
//! is the truth.

mod commands;
mod config;
mod cursor;
mod documents;
mod failure;
mod html;
mod http;
mod http1;
mod inbox;
mod limits;
pub mod live;
mod metrics;
mod names;
mod openapi;
mod own_writes;
mod presence;
mod problem;
mod reactions;
mod repeats;
mod requests;
mod rest;
mod routes;
mod sessions;
mod socket;
mod startup;
mod state;
mod typing;
mod unverified;
mod user_directory;

pub use config::{Config, Rate};
pub use http::BadPath;
pub use startup::{Gateway, GatewayError};

/// The OpenAPI document of this API, as it is served and committed.
#[must_use]
pub fn openapi_document() -> serde_json::Value {
    openapi::document(&routes::table())
}
