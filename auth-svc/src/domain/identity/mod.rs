//! Identities at providers of single sign-on: whose they are, and whose they become.
//!
//! Owns who may link an identity and when an account follows of one. It must not know tokens or how a provider is asked (`libs/oidc`).

mod decide;
mod names;
mod rejection;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use decide::{link, linked_with, unlink, way};
pub(crate) use names::candidates;
pub(crate) use rejection::IdentityRejection;
pub(crate) use state::{Arrival, Claims, Linking, Unlinking, Via, Way, identities_after};
