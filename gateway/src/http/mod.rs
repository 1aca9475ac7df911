//! What every request goes through, in order: router, trace, log, limits, authentication, freshness, body,
//! idempotency, handler.
//!
//! Owns everything about HTTP but the handlers: the table's types, what is read from a request and what is written into
//! a response. It must not know a noun of the chat: handlers (`rest`) and the shapes of what clients send (`requests`)
//! do. A handler is a function whose signature describes its route (`handler`); it sees neither actix nor HTTP.

mod answer;
mod browser;
mod call;
mod changes;
mod description;
mod field_types;
mod fields;
mod files_only;
mod fingerprint;
mod forwarded;
mod freshness;
mod handler;
mod head;
mod idempotency;
mod json;
pub(crate) mod login_cookie;
mod origin;
mod outcome;
mod pipeline;
mod preferences;
mod query_pairs;
mod request_body;
mod request_context;
mod response;
mod route;
mod router;

pub(crate) use answer::{
    Begun, Created, Done, Later, Led, Made, NoContent, Redirected, Reply, Shown,
};
pub(crate) use browser::{Browser, RefreshBy};
pub(crate) use call::Call;
pub(crate) use changes::{Kept, changes, left_out};
pub(crate) use field_types::{Bytes, HttpStatus, Limit, MethodName, PathTemplate, Token, UpTo};
pub(crate) use fields::{Fields, Shape, shape};
pub(crate) use handler::{
    DeadLetterId, Foreign, Handler, LinkToken, Path, Query, Rest, SchemaName, Unread,
};
pub(crate) use head::header;
pub(crate) use json::value as json_value;
pub(crate) use origin::Origin;
pub(crate) use pipeline::Authenticated;
pub(crate) use request_context::RequestContext;
pub(crate) use route::{Access, Meter, Route, Table};
pub use router::BadPath;
pub(crate) use router::{Router, mount};
