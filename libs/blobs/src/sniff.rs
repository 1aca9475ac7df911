//! What a file is, by its first bytes: what was announced, or it is refused.
//!
//! Types with a well-known beginning must have it, and no other type may have it; of types without one anything goes
//! that is not known to be something else. What nothing says about is a stream of bytes and always downloaded.

use schemas::media::ContentType;

/// So many bytes of its beginning are looked at.
pub const HEAD: usize = 1024;

/// What the beginning of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    /// It is of the announced type, or of one of which nothing is known.
    AsAnnounced,
    /// It is something else.
    Otherwise(&'static str),
    /// It is not what was announced, and nothing that is known.
    NotAnnounced,
}

type Signature = (&'static str, &'static [(usize, &'static [u8])]);

/// What files begin with: bytes at places. The first that fits counts.
const SIGNATURES: &[Signature] = &[
    ("image/png", &[(0, b"\x89PNG\r\n\x1a\n")]),
    ("image/jpeg", &[(0, b"\xff\xd8\xff")]),
    ("image/gif", &[(0, b"GIF87a")]),
    ("image/gif", &[(0, b"GIF89a")]),
    ("image/webp", &[(0, b"RIFF"), (8, b"WEBP")]),
    ("image/avif", &[(4, b"ftypavif")]),
    ("image/avif", &[(4, b"ftypavis")]),
    ("image/heic", &[(4, b"ftypheic")]),
    ("image/heic", &[(4, b"ftypheix")]),
    ("image/heic", &[(4, b"ftypmif1")]),
    ("image/bmp", &[(0, b"BM"), (6, b"\0\0\0\0")]),
    ("image/tiff", &[(0, b"II*\0")]),
    ("image/tiff", &[(0, b"MM\0*")]),
    ("audio/wav", &[(0, b"RIFF"), (8, b"WAVE")]),
    ("video/x-msvideo", &[(0, b"RIFF"), (8, b"AVI ")]),
    ("audio/flac", &[(0, b"fLaC")]),
    ("audio/mpeg", &[(0, b"ID3")]),
    ("audio/midi", &[(0, b"MThd")]),
    ("application/ogg", &[(0, b"OggS")]),
    ("video/webm", &[(0, b"\x1aE\xdf\xa3")]),
    ("video/mp4", &[(4, b"ftyp")]),
    ("application/pdf", &[(0, b"%PDF-")]),
    ("application/zip", &[(0, b"PK\x03\x04")]),
    ("application/zip", &[(0, b"PK\x05\x06")]),
    ("application/gzip", &[(0, b"\x1f\x8b")]),
    ("application/x-xz", &[(0, b"\xfd7zXZ\0")]),
    ("application/zstd", &[(0, b"\x28\xb5\x2f\xfd")]),
    ("application/x-7z-compressed", &[(0, b"7z\xbc\xaf\x27\x1c")]),
    ("application/vnd.rar", &[(0, b"Rar!\x1a\x07")]),
    ("application/x-executable", &[(0, b"\x7fELF")]),
    ("application/vnd.microsoft.portable-executable", &[(0, b"MZ"), (0x3c + 2, b"\0\0")]),
    ("application/wasm", &[(0, b"\0asm")]),
];

/// Other names of what has a signature.
const ALIASES: &[(&str, &[&str])] = &[
    ("image/jpeg", &["image/jpg", "image/pjpeg"]),
    ("image/heic", &["image/heif", "image/avif"]),
    ("image/avif", &["image/heif"]),
    ("image/bmp", &["image/x-ms-bmp"]),
    ("audio/wav", &["audio/x-wav", "audio/wave", "audio/vnd.wave"]),
    ("video/x-msvideo", &["video/avi"]),
    ("audio/flac", &["audio/x-flac"]),
    ("audio/mpeg", &["audio/mp3"]),
    ("application/ogg", &["audio/ogg", "video/ogg", "audio/opus"]),
    ("video/webm", &["audio/webm", "video/x-matroska", "audio/x-matroska"]),
    (
        "video/mp4",
        &[
            "audio/mp4",
            "audio/x-m4a",
            "audio/m4a",
            "audio/aac",
            "video/quicktime",
            "video/3gpp",
            "audio/3gpp",
            "video/x-m4v",
        ],
    ),
    ("application/gzip", &["application/x-gzip", "application/x-tar", "application/x-gtar"]),
    (
        "application/zip",
        &["application/x-zip-compressed", "application/java-archive", "application/epub+zip"],
    ),
    ("application/vnd.rar", &["application/x-rar-compressed"]),
    ("application/x-executable", &["application/x-elf", "application/x-sharedlib"]),
    (
        "application/vnd.microsoft.portable-executable",
        &["application/x-msdownload", "application/x-dosexec"],
    ),
];

/// What texts begin with whose letters are of two bytes, one of which may be 0.
const WIDE: &[&[u8]] = &[b"\xff\xfe", b"\xfe\xff"];

/// Types that may hold a file of any kind.
const ANYTHING: &str = "application/octet-stream";

/// Whether a file that begins so is what was announced.
#[must_use]
pub fn sniff(head: &[u8], announced: &ContentType) -> Sniffed {
    let announced = announced.as_str();
    if announced == ANYTHING {
        return Sniffed::AsAnnounced;
    }
    match known(head) {
        Some(found) if is(found, announced) => Sniffed::AsAnnounced,
        Some(found) => Sniffed::Otherwise(found),
        None if has_signature(announced) => match markup(head) {
            Some(found) => Sniffed::Otherwise(found),
            None => Sniffed::NotAnnounced,
        },
        None => plain(head, announced),
    }
}

/// What has no signature: texts, and types of which nothing is known.
fn plain(head: &[u8], announced: &str) -> Sniffed {
    let is_text = announced.starts_with("text/") || announced.ends_with("json");
    let is_wide = WIDE.iter().any(|mark| head.starts_with(mark));
    if is_text && !is_wide && head.contains(&0) {
        return Sniffed::NotAnnounced;
    }
    // A type that is shown in place must not be a page: a browser may think otherwise about what it is.
    match markup(head) {
        Some(found) if is_shown(announced) && !announced.starts_with("text/") => {
            Sniffed::Otherwise(found)
        }
        _ => Sniffed::AsAnnounced,
    }
}

/// The type a file is cleaned as: what it is where it was announced as bytes of any kind, else what was announced.
#[must_use]
pub fn kind_of(head: &[u8], announced: &ContentType) -> ContentType {
    let found = known(head).filter(|_| announced.as_str() == ANYTHING);
    let found = found.and_then(|found| ContentType::parse(found).ok());
    found.unwrap_or_else(|| announced.clone())
}

/// What a file is made like, where that must be known to find something in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// A TIFF image.
    Tiff,
    /// An MP4 or QuickTime film, or sound alone.
    Film,
    /// A WebM or Matroska film, or sound alone.
    Matroska,
}

/// How a file that was announced as this and begins so is made.
pub(crate) fn container(head: &[u8], announced: &ContentType) -> Option<Container> {
    const FILM: &str = "video/mp4";
    /// What QuickTime began with before films said what they are.
    const OLD: [&[u8]; 6] = [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];
    match known(head) {
        Some("image/tiff") => Some(Container::Tiff),
        Some(FILM) => Some(Container::Film),
        Some("video/webm") => Some(Container::Matroska),
        Some(_) => None,
        None => {
            let begins = head.get(4..8).unwrap_or_default();
            let is_film = is(FILM, announced.as_str()) && OLD.contains(&begins);
            is_film.then_some(Container::Film)
        }
    }
}

fn known(head: &[u8]) -> Option<&'static str> {
    let fits = |(place, bytes): &(usize, &[u8])| {
        head.get(*place..).is_some_and(|rest| rest.starts_with(bytes))
    };
    SIGNATURES.iter().find(|(_, all)| all.iter().all(fits)).map(|(name, _)| *name)
}

fn is(found: &str, announced: &str) -> bool {
    let alias = |(name, others): &(&str, &[&str])| *name == found && others.contains(&announced);
    let container = found == "application/zip"
        && (announced.ends_with("+zip")
            || announced.starts_with("application/vnd.")
            || announced.starts_with("application/x-"));
    found == announced || container || ALIASES.iter().any(alias)
}

fn has_signature(announced: &str) -> bool {
    SIGNATURES.iter().any(|(name, _)| *name == announced)
        // MPEG audio may begin with a frame, whose first bits only are fixed.
        && announced != "audio/mpeg"
}

/// The kind of page a text is, if it is one.
fn markup(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\n', '\r', '\u{c}']);
    let begins = |all: &[&str]| all.iter().any(|tag| text.starts_with(tag));
    if begins(&["<!doctype html", "<html", "<script", "<head", "<body", "<iframe", "<!--"]) {
        return Some("text/html");
    }
    if begins(&["<svg"]) {
        return Some("image/svg+xml");
    }
    begins(&["<?xml", "<!doctype"]).then_some("text/xml")
}

fn is_shown(content_type: &str) -> bool {
    const IMAGES: &[&str] = &[
        "image/png",
        "image/jpeg",
        "image/jpg",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/bmp",
    ];
    IMAGES.contains(&content_type)
        || content_type == "text/plain"
        || content_type.starts_with("audio/")
        || content_type.starts_with("video/")
}

/// Whether a file of this type may be shown in place by a browser: nothing in it acts. Everything else is downloaded.
#[must_use]
pub fn is_inert(content_type: &ContentType) -> bool {
    is_shown(content_type.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(head: &[u8], announced: &str) -> Sniffed {
        sniff(head, &ContentType::parse(announced).unwrap())
    }

    #[test]
    fn what_was_announced_is_what_it_is() {
        for (head, announced) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"\xff\xd8\xff\xe0", "image/jpg"),
            (b"RIFF1234WEBPVP8 ", "image/webp"),
            (
                b"PK\x03\x04",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (b"PK\x03\x04", "application/zip"),
            (b"\0\0\0\x18ftypisom", "video/mp4"),
            (b"\xff\xfb\x90", "audio/mpeg"),
            (b"plain words", "text/plain"),
            (b"\xff\xfew\0i\0d\0e\0", "text/csv"),
            (b"<!doctype html>", "text/html"),
            (b"<!doctype html>", "text/plain"),
            (b"<svg onload=x>", "image/svg+xml"),
            (b"%PDF-1.7", "application/pdf"),
            (b"MZ anything", "application/octet-stream"),
            (b"\x01\x02\x03", "application/x-unheard-of"),
            (b"{}", "application/json"),
        ] {
            assert_eq!(of(head, announced), Sniffed::AsAnnounced, "{announced}");
        }
    }

    #[test]
    fn what_is_something_else_is_told_so() {
        for (head, announced, found) in [
            (&b"<html><script>"[..], "image/png", Sniffed::Otherwise("text/html")),
            (b"  <SVG onload=alert(1)>", "image/jpeg", Sniffed::Otherwise("image/svg+xml")),
            (b"GIF89a/*<script>", "image/png", Sniffed::Otherwise("image/gif")),
            (b"%PDF-1.7", "image/png", Sniffed::Otherwise("application/pdf")),
            (b"\x89PNG\r\n\x1a\n", "text/plain", Sniffed::Otherwise("image/png")),
            (b"\x7fELF", "text/plain", Sniffed::Otherwise("application/x-executable")),
            (b"<script>", "video/x-unheard-of", Sniffed::Otherwise("text/html")),
            (b"words", "image/png", Sniffed::NotAnnounced),
            (b"", "image/png", Sniffed::NotAnnounced),
            (b"a\0b", "text/plain", Sniffed::NotAnnounced),
        ] {
            assert_eq!(of(head, announced), found, "{announced}");
        }
    }

    #[test]
    fn what_acts_is_not_shown_in_place() {
        for acting in [
            "text/html",
            "image/svg+xml",
            "text/xml",
            "application/xml",
            "application/xhtml+xml",
            "application/pdf",
            "application/octet-stream",
            "text/css",
            "application/javascript",
        ] {
            assert!(!is_inert(&ContentType::parse(acting).unwrap()), "{acting}");
        }
        for inert in ["image/png", "image/webp", "video/mp4", "audio/ogg", "text/plain"] {
            assert!(is_inert(&ContentType::parse(inert).unwrap()), "{inert}");
        }
    }
}
