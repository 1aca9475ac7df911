//! What a client calls a frame, to the letter.

use schemas::frames::{FrameId, WrittenNumber};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest text or number a client may call a frame, in bytes.
pub(super) const MAX_ID: usize = 128;

/// The `id` of a frame, where only its text is of interest.
#[derive(Deserialize)]
struct WrittenId<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

/// What a client calls a frame, to the letter; none when it is too long. A number that is no whole number of 64 bits is
/// kept as it was written: the answer repeats it.
pub(super) fn as_written(text: &str, id: FrameId) -> Option<FrameId> {
    match id {
        FrameId::Number(number) if number.is_f64() => {
            let written: WrittenId<'_> = serde_json::from_str(text).ok()?;
            let number = Some(written.id.get()).filter(|number| number.len() <= MAX_ID)?;
            WrittenNumber::parse(number).map(FrameId::Written)
        }
        FrameId::Text(text) if text.len() > MAX_ID => None,
        id => Some(id),
    }
}
