//! What is said of a file: its name, media type and checksum, and how far its upload has come.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::invalid::{InvalidValue, invalid};
use crate::text::{Strict as _, text_serde};
use crate::unicode::{Rule, accept};
use crate::values::{Body, text_value};

/// Characters of a media type.
const MAX_CONTENT_TYPE: usize = 127;
/// Hexadecimal digits of a SHA-256.
const CHECKSUM: usize = 64;

text_value!(
    /// What a user calls a file: 1 to 255 characters on one line, no path and no part of one.
    Filename, |text| {
        let name = accept(text, &Rule::name("filename", 255))?;
        if name.contains(['/', '\\']) || matches!(name.as_str(), "." | "..") {
            return Err(invalid("invalid_format", "filename must be a name and not a path"));
        }
        Ok(name)
    }, seen);

text_value!(
    /// A media type without parameters, like `image/png`: in lower case, at most 127 characters. Parameters are left out.
    ContentType, |text| {
        const BAD: &str = "content_type must be a media type like image/png";
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence.len() > MAX_CONTENT_TYPE {
            return Err(invalid("too_long", "content_type must have at most 127 characters"));
        }
        let token = |part: &str| {
            let inner = |b: u8| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b);
            part.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric()) && part.bytes().all(inner)
        };
        match essence.split_once('/') {
            Some((kind, subtype)) if token(kind) && token(subtype) && kind != "multipart" => Ok(essence),
            _ => Err(invalid("invalid_format", BAD)),
        }
    }, seen);

text_value!(
/// A SHA-256 in 64 hexadecimal digits; upper case is folded.
Checksum, |text| {
    let digits = text.to_ascii_lowercase();
    if digits.len() == CHECKSUM && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(digits)
    } else {
        Err(invalid("invalid_format", "sha256 must be 64 hexadecimal digits"))
    }
});

impl Filename {
    /// What a file is called whose name has left the log.
    #[must_use]
    pub fn erased() -> Self {
        Self("erased".to_owned())
    }
}

impl ContentType {
    /// Bytes of which nothing is known.
    #[must_use]
    pub fn any() -> Self {
        Self("application/octet-stream".to_owned())
    }
}

/// How far a medium has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaStatus {
    /// It may be uploaded.
    Requested,
    /// It is there.
    Stored,
    /// It is no more; its bytes may be there still.
    Removed,
    /// Nothing is left of it.
    Purged,
}

/// Reads the text of a message that may have none because files are attached to it.
pub(crate) fn body_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Body, D::Error> {
    let body = Body::deserialize(deserializer)?;
    if body.is_none() { Ok(body) } else { body.strict().map_err(de::Error::custom) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filename_is_no_path() {
        for good in ["a", "report.pdf", "søren 🦀.tar.gz", "..hidden", "-", "דוח.pdf", "แผน.txt"]
        {
            assert_eq!(Filename::parse(good).map(String::from).as_deref(), Ok(good));
        }
        for bad in
            ["", " ", ".", "..", "../a", "a/b", "a\\b", "/", "a\nb", "a\u{202e}gpj.exe", "\u{0}"]
        {
            assert!(Filename::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Filename::parse(&"x".repeat(256)).is_err());
    }

    #[test]
    fn a_filename_shows_its_true_ending() {
        for hidden in
            ["\u{2066}", "\u{2067}", "\u{2068}", "\u{2069}", "\u{202e}", "\u{200f}", "\u{e000}"]
        {
            let bad = format!("photo{hidden}gpj.exe");
            assert!(Filename::parse(&bad).is_err(), "{}", bad.escape_unicode());
        }
    }

    #[test]
    fn a_media_type_is_kept_without_its_parameters() {
        let parse = |text: &str| ContentType::parse(text).map(String::from).ok();
        assert_eq!(parse("Image/PNG").as_deref(), Some("image/png"));
        assert_eq!(parse("audio/webm;codecs=opus").as_deref(), Some("audio/webm"));
        assert_eq!(parse("image/svg+xml").as_deref(), Some("image/svg+xml"));
        for bad in
            ["", "image", "image/", "/png", "a/b/c", "text/html\r\nx: y", "multipart/mixed", "*/*"]
        {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_checksum_is_64_digits() {
        let digits = "A".repeat(64);
        assert_eq!(Checksum::parse(&digits).unwrap().as_str(), "a".repeat(64));
        assert!(Checksum::parse("abc").is_err());
        assert!(Checksum::parse(&"g".repeat(64)).is_err());
    }
}
