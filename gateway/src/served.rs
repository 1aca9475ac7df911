//! How a file is served to browsers, by this server or by a store of files that clients read from.

use blobs::is_inert;
use schemas::events::MediaFile;

/// The type a file is served as.
pub(crate) fn content_type(file: &MediaFile) -> String {
    match file.content_type.as_str() {
        text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        other => other.to_owned(),
    }
}

/// How a browser is to treat a file, and under which name it keeps it.
pub(crate) fn disposition(file: &MediaFile) -> String {
    let kind = if is_inert(&file.content_type) { "inline" } else { "attachment" };
    let name = file.filename.as_str();
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) || c == ' ' { c } else { '_' })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use schemas::MediaId;
    use schemas::media::{ContentType, Filename};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_name_breaks_out_of_no_header() {
        let file = |name: &str, content_type: &str| MediaFile {
            id: MediaId::from_uuid(Uuid::from_u128(1)),
            filename: Filename::parse(name).unwrap(),
            content_type: ContentType::parse(content_type).unwrap(),
            size: 1,
            sha256: None,
            width: None,
            height: None,
            thumbnail: false,
        };
        assert_eq!(
            disposition(&file("a \"b\";é.html", "text/html")),
            "attachment; filename=\"a _b___.html\"; filename*=UTF-8''a%20%22b%22%3B%C3%A9.html"
        );
        assert!(disposition(&file("x", "image/png")).starts_with("inline; "));
    }
}
