//! Media: what may be uploaded, what becomes of it, and when nothing needs it any more.

mod decide;
mod rejection;
#[cfg(test)]
mod tests;

pub use decide::{
    Limits, Taken, as_avatar, attach, complete, detach, end, erased, no_avatar, purged, remove,
    request, requested, stored,
};
pub use rejection::MediaRejection;
