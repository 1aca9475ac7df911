//! Connections of HTTP/1 as clients speak it, where the framework is stricter than clients are.
//!
//! Owns what is done to the bytes of a connection before the framework reads them, and nothing else: no request is
//! answered and none is refused here.

mod framing;
mod head;
mod offers;

pub(crate) use offers::Offers;
