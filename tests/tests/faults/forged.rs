//! Events as another build of Tidings would write them, and some that no build would.

use serde_json::{Value, json};

/// CRC-32 (IEEE), as the `digest` attribute has it (docs/adr/0005).
fn crc32(bytes: impl IntoIterator<Item = u8>) -> u32 {
    !bytes.into_iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// A well-formed event of any type, with a digest that fits.
pub(crate) fn event(kind: &str, subject: &str, actor: &str, data: &Value) -> String {
    let id = "evt_06gzvwq7a5stvb4da0yddx62br";
    let data = data.to_string();
    let parts = [id, kind, subject, data.as_str()];
    let digest = crc32(parts.into_iter().flat_map(|part| part.bytes().chain([0])));
    let head = json!({
        "specversion": "1.0", "id": id, "source": "/tidings", "type": kind, "subject": subject,
        "time": "2026-11-21T12:00:00.000Z", "datacontenttype": "application/json", "actor": actor,
        "digest": format!("{digest:08x}"),
    });
    let head = head.to_string();
    // The digest is over the data as written.
    format!("{},\"data\":{data}}}", head.trim_end_matches('}'))
}

/// The same with a digest that does not fit.
pub(crate) fn spoilt(kind: &str, subject: &str, actor: &str, data: &Value) -> String {
    let whole = event(kind, subject, actor, data);
    let at = whole.find("\"digest\":\"").expect("a digest") + "\"digest\":\"".len();
    let (before, after) = whole.split_at(at);
    let other = if after.starts_with('0') { '1' } else { '0' };
    format!("{before}{other}{}", &after[1..])
}

#[test]
fn a_forged_event_reads_as_intended() {
    assert_eq!(crc32(*b"123456789"), 0xcbf4_3926);
    let read = |text: String| schemas::Event::decode(text.as_bytes());
    let actor = "usr_06gzvwq5rsvef8t4nj983j9f7m";
    let unknown = read(event("poll.opened.v1", "poll_1", actor, &json!({"question": "?"})));
    assert!(matches!(unknown, Err(schemas::DecodeError::UnknownType(_))), "{unknown:?}");
    let corrupt = read(spoilt("poll.opened.v1", "poll_1", actor, &json!({"question": "?"})));
    assert!(matches!(corrupt, Err(schemas::DecodeError::Corrupt)), "{corrupt:?}");
}
