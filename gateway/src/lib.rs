//! REST and WebSocket: the only process clients talk to.
//!
//! A request goes through `http` (trace, limits, authentication, idempotency) to a handler in `rest`, which
//! sends one command or asks the read model one question; the whole URL table is in `routes`. A socket is in
//! `socket`, and the events it receives come from `live`. What clients send over either is read by `requests`. Nothing is decided here: services decide, and the log
//! is the truth.
//!
//! It must not know a rule of the chat, nor write the log. Paths, fields and codes are API: they may be added to, not changed.

mod asyncapi;
mod audit;
mod badge;
mod commands;
mod config;
mod cursor;
mod descriptions;
mod documents;
mod door;
mod examples;
mod failure;
mod html;
mod http;
mod http1;
mod inbox;
mod limits;
mod links;
mod listen;
pub mod live;
mod metrics;
mod names;
mod openapi;
mod own_writes;
mod postman;
mod presence;
mod problem;
mod reactions;
mod recent;
mod repeats;
mod request_log;
mod requests;
mod rereading;
mod rest;
mod routes;
mod served;
mod sessions;
mod socket;
mod startup;
mod state;
mod stats;
mod transfer;
mod typing;
mod unverified;
mod uploads;
mod user_directory;

pub use config::{Config, Rate};
pub use door::try_address;
pub use http::BadPath;
pub use listen::{BadCertificate, Certificate, Listen, TlsFiles};
pub use startup::{Gateway, GatewayError, Needs, try_clients_port};

/// The OpenAPI document of this API, as it is served and committed.
#[must_use]
pub fn openapi_document() -> serde_json::Value {
    openapi::document(&routes::table())
}

/// The AsyncAPI document of the socket, as it is served and committed.
#[must_use]
pub fn asyncapi_document() -> serde_json::Value {
    asyncapi::document()
}

/// The Postman collection, as it is served and committed: where a server is reached stands in it as
/// `https://tidings.invalid`.
#[must_use]
pub fn postman_collection() -> serde_json::Value {
    postman::collection(&openapi_document())
}
