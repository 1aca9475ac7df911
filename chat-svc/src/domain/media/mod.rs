//! Media: what may be uploaded, what becomes of it, and when nothing needs it any more.
//!
//! Owns the states of a file, its limits and who may use it. It must not know bytes or where they are kept (`libs/blobs`).

mod decide;
mod rejection;
#[cfg(test)]
mod tests;

pub use decide::{
    Limits, Taken, as_avatar, attach, complete, detach, end, erased, is_over, no_avatar, purged,
    remove, request, requested, stored, unnamed,
};
pub use rejection::MediaRejection;
