//! What is taken out of images before others see them: where they were taken, by whose camera, and when.
//!
//! The bytes of the picture itself are not touched; where in a TIFF image or a film such things stand is looked for
//! beforehand (`survey`). Kept is what says how it is to be shown: colours, and which way is
//! up. What follows after the end of an image is not part of it and is left out: such files are two things at once.

mod blanked;
mod gif;
mod heif;
mod items;
mod jpeg;
mod png;
mod webp;

use schemas::media::ContentType;

use crate::not_an_image::NotAnImage;
use crate::stretch::Stretch;

/// Cleans a file piece by piece as it is read.
#[derive(Debug)]
pub enum Cleaner {
    /// Of this type nothing is known to say where it was made.
    Nothing,
    /// A JPEG image.
    Jpeg(jpeg::Jpeg),
    /// A PNG image.
    Png(png::Png),
    /// A WebP image.
    WebP(webp::WebP),
    /// A GIF image.
    Gif(gif::Gif),
    /// A HEIC or AVIF image.
    Heif(heif::Heif),
    /// A file of which it is known where it says too much.
    Blanked(blanked::Blanked),
}

impl Cleaner {
    /// For a file of a type.
    #[must_use]
    pub fn of(content_type: &ContentType) -> Self {
        match content_type.as_str() {
            "image/jpeg" | "image/jpg" | "image/pjpeg" => Self::Jpeg(jpeg::Jpeg::default()),
            "image/png" => Self::Png(png::Png::default()),
            "image/webp" => Self::WebP(webp::WebP::default()),
            "image/gif" => Self::Gif(gif::Gif::default()),
            "image/heic" | "image/heif" | "image/avif" => Self::Heif(heif::Heif::default()),
            _ => Self::Nothing,
        }
    }

    /// For a file of which these parts are to be blanked: in their order, none reaching into another.
    pub(crate) fn blanking(stretches: Vec<Stretch>) -> Self {
        Self::Blanked(blanked::Blanked::new(stretches))
    }

    /// Takes the next bytes; gives what is kept of those that are decided on.
    ///
    /// # Errors
    /// [`NotAnImage`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NotAnImage> {
        match self {
            Self::Nothing => Ok(bytes.to_vec()),
            Self::Jpeg(jpeg) => jpeg.push(bytes),
            Self::Png(png) => png.push(bytes),
            Self::WebP(webp) => webp.push(bytes),
            Self::Gif(gif) => gif.push(bytes),
            Self::Heif(heif) => heif.push(bytes),
            Self::Blanked(blanked) => Ok(blanked.push(bytes)),
        }
    }

    /// The file has ended.
    ///
    /// # Errors
    /// [`NotAnImage`] when the image has not.
    pub fn end(self) -> Result<(), NotAnImage> {
        match self {
            Self::Nothing | Self::Blanked(_) => Ok(()),
            Self::Jpeg(jpeg) => jpeg.end(),
            Self::Png(png) => png.end(),
            Self::WebP(webp) => webp.end(),
            Self::Gif(gif) => gif.end(),
            Self::Heif(heif) => heif.end(),
        }
    }
}

#[cfg(test)]
mod tests;
