//! Files: where their bytes are kept, and what is found out about them before others see them.
//!
//! **Owns** the contract of a store of files ([`BlobStore`]), the store that needs nothing installed ([`Builtin`]) and the one
//! in a bucket of an S3-compatible store ([`S3`]); the pure rules of uploads: what a file is ([`sniff`]), what is taken out
//! of it ([`Survey`], [`Cleaner`]), a smaller image of it ([`thumbnail`]); and zip files, written as they go ([`Archive`]). **Must not
//! know** who may see a file or what it is attached to.
//!
//! Never a whole file is in memory, but for images of which a smaller one is made.

mod archive;
mod builtin;
mod clean;
mod error;
mod not_an_image;
mod picture;
mod s3;
mod sniff;
mod store;
mod stretch;
mod survey;
mod whole;

pub use archive::{Archive, PausedArchive};
pub use builtin::Builtin;
pub use clean::Cleaner;
pub use error::BlobError;
pub use not_an_image::NotAnImage;
pub use picture::{
    MAX_PIXELS, Picture, PictureError, Size, THUMBNAIL_SIDE, is_picture, thumbnail, thumbnail_type,
};
pub use s3::{BadPlace, Credentials, Probe, S3, S3Place, UntrustedCa};
pub use sniff::{HEAD, Sniffed, is_inert, kind_of, sniff};
pub use store::{Area, Blob, BlobName, BlobStore, Grant, Paused, Period, Upload};
pub use survey::Survey;
pub use whole::{read_up_to, read_whole};
