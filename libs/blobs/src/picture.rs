//! How large an image is, and a smaller image of it. Blocking, and hungry: for a thread of its own, of which there are few.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use schemas::media::ContentType;

/// Most pixels of an image.
pub const MAX_PIXELS: u64 = 50_000_000;
/// Most pixels of a smaller image in each direction.
pub const THUMBNAIL_SIDE: u32 = 480;
/// Bytes a decoder may take besides the picture itself.
const MAX_ALLOC: u64 = 512 * 1024 * 1024;
/// Bytes of a picture once it is decoded.
const MAX_DECODED: u64 = 256 * 1024 * 1024;
/// Of 100.
const QUALITY: u8 = 80;

/// Why an image is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// It cannot be decoded.
    #[error("the file is not an image of its type")]
    NotAnImage,
    /// It is larger than [`MAX_PIXELS`].
    #[error("the image has more than 50,000,000 pixels")]
    TooLarge,
}

/// Pixels in each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Size {
    /// All of them.
    #[must_use]
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// What is known of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// As it is shown.
    pub size: Size,
    /// The smaller image: a JPEG, or a PNG where the image is transparent.
    pub thumbnail: Vec<u8>,
}

fn format(content_type: &ContentType) -> Option<ImageFormat> {
    match content_type.as_str() {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" | "image/jpg" | "image/pjpeg" => Some(ImageFormat::Jpeg),
        "image/gif" => Some(ImageFormat::Gif),
        "image/webp" => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// The media type of a smaller image, by its first byte.
#[must_use]
pub fn thumbnail_type(head: &[u8]) -> &'static str {
    if head.first() == Some(&0x89) { "image/png" } else { "image/jpeg" }
}

/// Whether of files of this type a smaller image is made.
#[must_use]
pub fn is_picture(content_type: &ContentType) -> bool {
    format(content_type).is_some()
}

fn decoder<'a>(
    bytes: &'a [u8],
    content_type: &ContentType,
) -> Result<impl ImageDecoder + use<'a>, PictureError> {
    let format = format(content_type).ok_or(PictureError::NotAnImage)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    reader.into_decoder().map_err(|_| PictureError::NotAnImage)
}

impl Size {
    /// Of an image, by its beginning. Nothing is decoded.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub fn of(head: &[u8], content_type: &ContentType) -> Result<Self, PictureError> {
        let (width, height) = decoder(head, content_type)?.dimensions();
        let size = Self { width, height };
        if size.pixels() > MAX_PIXELS { Err(PictureError::TooLarge) } else { Ok(size) }
    }
}

/// Decodes an image (of an animation the first picture) and makes it smaller.
///
/// # Errors
/// See [`PictureError`].
pub fn thumbnail(bytes: &[u8], content_type: &ContentType) -> Result<Picture, PictureError> {
    Size::of(bytes, content_type)?;
    let mut decoder = decoder(bytes, content_type)?;
    let turned = decoder.orientation().map_err(|_| PictureError::NotAnImage)?;
    if decoder.total_bytes() > MAX_DECODED {
        return Err(PictureError::TooLarge);
    }
    let image = DynamicImage::from_decoder(decoder).map_err(|_| PictureError::NotAnImage)?;
    let (width, height) = (image.width(), image.height());
    let fits = width <= THUMBNAIL_SIDE && height <= THUMBNAIL_SIDE;
    let mut small = if fits { image } else { image.thumbnail(THUMBNAIL_SIDE, THUMBNAIL_SIDE) };
    let before = (small.width(), small.height());
    small.apply_orientation(turned);
    // On its side where the two have changed places; of a square that does not matter.
    let on_its_side = before != (small.width(), small.height());
    let (width, height) = if on_its_side { (height, width) } else { (width, height) };
    let thumbnail = encoded(&small).map_err(|_| PictureError::NotAnImage)?;
    Ok(Picture { size: Size { width, height }, thumbnail })
}

fn encoded(image: &DynamicImage) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    if image.color().has_alpha() {
        // Eight bits are enough for something small.
        let image = DynamicImage::from(image.to_rgba8());
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    } else {
        let image = image.to_rgb8();
        image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn of(name: &str) -> ContentType {
        ContentType::parse(name).unwrap()
    }

    fn drawn(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        let image = RgbImage::from_fn(width, height, |x, y| {
            Rgb([u8::try_from(x % 256).unwrap(), u8::try_from(y % 256).unwrap(), 90])
        });
        let mut bytes = Vec::new();
        DynamicImage::from(image).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    #[test]
    fn images_of_all_kinds_are_made_smaller() {
        for (name, format) in [
            ("image/png", ImageFormat::Png),
            ("image/jpeg", ImageFormat::Jpeg),
            ("image/gif", ImageFormat::Gif),
            ("image/webp", ImageFormat::WebP),
        ] {
            let picture = thumbnail(&drawn(format, 960, 600), &of(name)).unwrap();
            assert_eq!((picture.size.width, picture.size.height), (960, 600), "{name}");
            let small = image::load_from_memory(&picture.thumbnail).unwrap();
            assert_eq!((small.width(), small.height()), (480, 300), "{name}");
        }
        let little = thumbnail(&drawn(ImageFormat::Png, 20, 10), &of("image/png")).unwrap();
        assert_eq!(thumbnail_type(&little.thumbnail), "image/jpeg");
        let small = image::load_from_memory(&little.thumbnail).unwrap();
        assert_eq!((small.width(), small.height()), (20, 10));
    }

    #[test]
    fn what_is_transparent_stays_so() {
        let image = RgbaImage::from_pixel(8, 8, Rgba([1, 2, 3, 0]));
        let mut bytes = Vec::new();
        DynamicImage::from(image).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        let picture = thumbnail(&bytes, &of("image/png")).unwrap();
        assert_eq!(thumbnail_type(&picture.thumbnail), "image/png");
    }

    #[test]
    fn what_is_no_image_and_what_would_be_too_large_is_refused() {
        let png = drawn(ImageFormat::Png, 10, 10);
        assert_eq!(thumbnail(&png, &of("image/jpeg")), Err(PictureError::NotAnImage));
        assert_eq!(
            thumbnail(b"GIF89a\x01\0\x01\0<script>", &of("image/gif")),
            Err(PictureError::NotAnImage)
        );
        assert_eq!(thumbnail(&png[..40], &of("image/png")), Err(PictureError::NotAnImage));
        // The head of a bomb: a hundred thousand pixels each way, in few bytes.
        let mut bomb = png;
        bomb[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
        let checksum = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(thumbnail(&bomb, &of("image/png")), Err(PictureError::TooLarge));
    }

    /// The checksum of a PNG's chunk.
    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        !crc
    }
}
