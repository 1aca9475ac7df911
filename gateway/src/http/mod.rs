//! What every request goes through, in order: router, trace, log, limits, authentication, freshness, body,
//! idempotency, handler. A handler gets a [`Call`] and gives an [`Outcome`]; it sees neither actix nor HTTP.

mod answer;
mod call;
mod field_types;
mod fields;
mod forwarded;
mod freshness;
mod groups;
mod head;
mod idempotency;
mod json;
mod origin;
mod outcome;
mod pipeline;
mod request_body;
mod request_context;
mod response;
mod route;
mod router;

pub(crate) use answer::{Answer, Outcome};
pub(crate) use call::Call;
pub(crate) use field_types::Limit;
pub(crate) use fields::{Fields, Shape, shape};
pub(crate) use origin::Origin;
pub(crate) use request_context::RequestContext;
pub(crate) use route::{Access, Meter, Route, Table};
pub use router::BadPath;
pub(crate) use router::{Router, mount, parameters};
