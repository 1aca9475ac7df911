//! What is no image although it says so.

/// A file says that it is an image and is not made like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file is not a whole image of its type")]
pub struct NotAnImage;
