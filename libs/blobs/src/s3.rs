//! The store that keeps files in a bucket of an S3-compatible store, to which clients upload and from which they read
//! straight, by URLs that are signed for one file, one use and one time (AWS Signature Version 4).
//!
//! Spoken over HTTP/1.1 by the hyper and rustls that are in the tree. Not `object_store`: it cannot bind the length and the type
//! of an upload, nor how a file is shown, into a signed URL, which is most of what is asked of a store here; what is
//! left besides is seven requests.
//!
//! An object is `<prefix><namespace>/<area>/<medium>`. Every write of one is whole or not there: larger files go up in parts,
//! which are nothing before they are put together.

mod answer;
mod bucket;
mod error;
mod http;
mod place;
mod sign;
mod store;
mod writing;

pub use http::UntrustedCa;
pub use place::{BadPlace, S3Place};
pub use sign::Credentials;
pub use store::{Probe, S3};
