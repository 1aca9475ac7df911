//! Events as they lie in logs out there. A file in `golden/` is kept for ever: it must decode and encode
//! to the same bytes. A new event type or version gets its files with `UPDATE=1`; a file that exists is
//! never rewritten.

use std::collections::BTreeSet;
use std::path::PathBuf;

use schemas::event::{Event, EventData};

use crate::samples;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"))
}

#[test]
fn every_golden_event_decodes_and_encodes_to_the_same_bytes() {
    let mut types = BTreeSet::new();
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let text = bytes.strip_suffix(b"\n").unwrap();
        let event = Event::decode(text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let again = event.encode().unwrap();
        assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(text), "{path:?}");
        types.insert(event.data.type_name());
    }
    let known: BTreeSet<&str> = EventData::types().collect();
    assert_eq!(types, known, "every event type has a golden file");
}

#[test]
fn samples_are_the_golden_events() {
    for (full, suffix) in [(true, ""), (false, ".minimal")] {
        let events = samples::events(full);
        assert_eq!(events.len(), EventData::types().count(), "a sample of every type");
        for event in events {
            is_kept(&event, suffix);
        }
    }
    for (what, event) in samples::variants() {
        is_kept(&event, &format!(".{what}"));
    }
}

#[track_caller]
fn is_kept(event: &Event, suffix: &str) {
    let path = folder().join(format!("{}{suffix}.json", event.data.type_name()));
    let mut bytes = event.encode().unwrap();
    bytes.push(b'\n');
    if std::env::var_os("UPDATE").is_some() && !path.exists() {
        std::fs::write(&path, &bytes).unwrap();
    }
    let kept = std::fs::read(&path).ok().and_then(|kept| String::from_utf8(kept).ok());
    assert!(kept.is_some(), "UPDATE=1 writes {path:?}");
    let (kept, made) = (kept.unwrap(), String::from_utf8(bytes).unwrap());
    assert_eq!(made, kept, "{path:?} is what is stored out there: make a new version");
}

#[test]
fn an_event_is_a_cloud_event() {
    for event in samples::events(true) {
        let json: serde_json::Value = serde_json::from_slice(&event.encode().unwrap()).unwrap();
        assert_eq!(json["specversion"], "1.0");
        assert_eq!(json["datacontenttype"], "application/json");
        for attribute in ["id", "source", "type", "subject", "time", "actor", "causation"] {
            assert!(json[attribute].is_string(), "{attribute} of {json}");
        }
        // CloudEvents attribute names are lower-case letters and digits.
        for name in json.as_object().unwrap().keys() {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{name}");
        }
    }
}
