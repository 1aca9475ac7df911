//! The golden files of `schemas`: one event of each type, as it lies in logs.

use std::path::Path;

use schemas::{Event, EventData};

/// One event of every type there is. Panics when the files are not there or cannot be read.
#[must_use]
pub fn every_event() -> Vec<EventData> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/golden");
    let files = std::fs::read_dir(folder).expect("the golden files");
    let events: Vec<EventData> = files
        .map(|file| {
            let bytes = std::fs::read(file.expect("a file").path()).expect("its bytes");
            Event::decode(bytes.trim_ascii_end()).expect("an event").data
        })
        .collect();
    assert!(!events.is_empty(), "there are no golden files");
    events
}
