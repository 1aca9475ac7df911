//! Opaque cursors: where a list goes on. A cursor is good for the list it came from and for nothing else.
//!
//! It holds no secret and gives no right, so it is not signed; a checksum over the list it belongs to and the
//! log's epoch makes sure that a cursor of another list, another log or an invented one is refused
//! and not misread.

use data_encoding::BASE64URL_NOPAD;
use schemas::{Code, Digest, Epoch, Rejection};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longer texts are no cursors of ours.
const MAX_LEN: usize = 1024;
/// Characters of the digest that are kept.
const CHECK_LEN: usize = 12;

/// Names a list: its kind, and whose or what's it is.
#[derive(Debug, Clone)]
pub(crate) struct List<'a> {
    pub(crate) epoch: &'a Epoch,
    /// Every part that makes this list another one than a similar one.
    pub(crate) parts: Vec<&'a str>,
}

impl List<'_> {
    /// The cursor for what comes after `place`.
    pub(crate) fn cursor(&self, place: &impl Serialize) -> Option<String> {
        let place = serde_json::to_string(place).ok()?;
        let sealed = format!("{}{place}", self.check(&place));
        Some(BASE64URL_NOPAD.encode(sealed.as_bytes()))
    }

    /// The place a cursor of this list stands for.
    ///
    /// # Errors
    /// `validation_failed` when it is not a cursor of this list.
    pub(crate) fn place<T: DeserializeOwned>(&self, cursor: &str) -> Result<T, Rejection> {
        self.open(cursor).ok_or_else(|| {
            let detail = "not a cursor of this list";
            Rejection::field(Code::ValidationFailed, "?cursor", "invalid_format", detail)
        })
    }

    fn open<T: DeserializeOwned>(&self, cursor: &str) -> Option<T> {
        if cursor.len() > MAX_LEN {
            return None;
        }
        let sealed = String::from_utf8(BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?).ok()?;
        let (check, place) = sealed.split_at_checked(CHECK_LEN)?;
        if check == self.check(place) { serde_json::from_str(place).ok() } else { None }
    }

    fn check(&self, place: &str) -> String {
        let mut parts = vec!["cursor", self.epoch.as_str()];
        parts.extend(&self.parts);
        parts.push(place);
        Digest::of(parts).as_str().chars().take(CHECK_LEN).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(text: &str) -> Epoch {
        Epoch::parse(text).unwrap()
    }

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let e1 = epoch("e1");
        let list = List { epoch: &e1, parts: vec!["members", "room_1"] };
        let cursor = list.cursor(&("a".to_owned(), 7)).unwrap();
        assert_eq!(list.place::<(String, u64)>(&cursor), Ok(("a".to_owned(), 7)));
        let other = List { epoch: &e1, parts: vec!["members", "room_2"] };
        assert!(other.place::<(String, u64)>(&cursor).is_err());
        let e2 = epoch("e2");
        let elsewhere = List { epoch: &e2, parts: vec!["members", "room_1"] };
        assert!(elsewhere.place::<(String, u64)>(&cursor).is_err());
    }

    #[test]
    fn what_is_tampered_with_or_invented_is_refused() {
        let e1 = epoch("e1");
        let list = List { epoch: &e1, parts: vec!["x"] };
        let cursor = list.cursor(&7_u64).unwrap();
        let tampered = BASE64URL_NOPAD.encode(
            String::from_utf8(BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap())
                .unwrap()
                .replace('7', "8")
                .as_bytes(),
        );
        for bad in ["", "*", "AAAA", "%00", &tampered, &"A".repeat(5000)] {
            assert!(list.place::<u64>(bad).is_err(), "{bad}");
        }
    }
}
