//! What every request goes through, in order: trace, log, limits, authentication, freshness, body,
//! idempotency, handler. A handler gets a [`Call`] and gives an [`Outcome`]; it sees neither actix nor HTTP.

mod arrival;
mod call;
mod field_types;
mod fields;
mod forwarded;
mod groups;
mod idempotency;
mod intake;
mod json;
mod origin;
mod pipeline;
mod route;
mod router;
mod seal;

pub(crate) use arrival::Arrival;
pub(crate) use call::{Answer, Call, Outcome};
pub(crate) use field_types::Limit;
pub(crate) use fields::{Fields, Shape, shape};
pub(crate) use origin::Origin;
use pipeline::serve;
pub(crate) use route::{Access, Meter, Route, Table};
pub(crate) use router::mount;
