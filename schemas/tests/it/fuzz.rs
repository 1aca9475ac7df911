//! Decoding what was made up out of what is real: it never panics, and never accepts what would be
//! written again in another way, because that was misread.
//!
//! Noise alone is refused at the first byte. So these begin with something genuine and change it: a value
//! here, a name there, and for events the checksum again, as any client that can write to a stream can do, too.

use proptest::prelude::*;
use proptest::sample::Index;
use schemas::event::{DecodeError, Event};
use schemas::frames::ClientFrame;
use schemas::ids::{MessageId, ReportId, RoomId, TraceParent, UserId};
use schemas::position::{Epoch, Position};
use schemas::subjects::{Digest, Lane, Namespace};
use schemas::time::Timestamp;
use schemas::values::{ClientId, IdempotencyKey};
use serde_json::{Value, json};

use crate::frames::{frames, rewritten};
use crate::samples;

/// Texts that mean something elsewhere: subjects, headers, databases, terminals, readers of numbers.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(vec![
            "", " ", "*", ">", ".", "..", "a.b", "\0", "\r\n", "$JS.API.>", "usr_", "room_*", "system", "null",
            "2026-11-21T10:00:00.007Z", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00.007+02:00", "-1", "1e400",
            "user.registered.v1", "message.posted.v2", "owner", "OWNER", "direct", "\u{feff}", "\u{202e}",
        ]).prop_map(ToOwned::to_owned),
        2 => "\\PC{0,40}",
        1 => "[a-z]{3,4}_[0-9a-z]{26}",
        1 => "(ab|X){2000}",
    ]
}

pub(crate) fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(words(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// One change to a document.
#[derive(Debug, Clone)]
enum Change {
    /// Puts a value where another was.
    Put(Index, Value),
    /// Takes a field away.
    Drop(Index),
    /// Adds an unknown field.
    Add(Index, String, Value),
    /// Gives a field what another one has.
    Copy(Index, Index),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = any::<Index>;
    let change = prop_oneof![
        4 => (place(), values()).prop_map(|(at, value)| Change::Put(at, value)),
        2 => place().prop_map(Change::Drop),
        1 => (place(), words(), values()).prop_map(|(at, name, value)| Change::Add(at, name, value)),
        2 => (place(), place()).prop_map(|(to, from)| Change::Copy(to, from)),
    ];
    proptest::collection::vec(change, 1..4)
}

/// The pointers of everything in a document but itself.
fn pointers(value: &Value, here: &str, all: &mut Vec<String>) {
    let mut below = |name: &str, value: &Value| {
        let pointer = format!("{here}/{}", name.replace('~', "~0").replace('/', "~1"));
        all.push(pointer.clone());
        pointers(value, &pointer, all);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| below(name, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| below(&n.to_string(), value));
        }
        _ => {}
    }
}

fn apply(document: &mut Value, change: Change) {
    let mut all = Vec::new();
    pointers(document, "", &mut all);
    if all.is_empty() {
        return;
    }
    let pick = |index: &Index| index.get(&all).clone();
    match change {
        Change::Put(at, value) => *document.pointer_mut(&pick(&at)).unwrap() = value,
        Change::Copy(to, from) => {
            let value = document.pointer(&pick(&from)).unwrap().clone();
            *document.pointer_mut(&pick(&to)).unwrap() = value;
        }
        Change::Drop(at) => {
            let pointer = pick(&at);
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            if let Some(Value::Object(fields)) = document.pointer_mut(parent) {
                fields.remove(&name.replace("~1", "/").replace("~0", "~"));
            }
        }
        Change::Add(at, name, value) => {
            let pointer = pick(&at);
            let (parent, _) = pointer.rsplit_once('/').unwrap();
            if let Some(Value::Object(fields)) = document.pointer_mut(parent) {
                fields.entry(name).or_insert(value);
            }
        }
    }
}

/// An event's bytes with the checksum made right again.
fn sealed(event: &Value) -> Vec<u8> {
    let mut event = event.clone();
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let mut hasher = crc32fast::Hasher::new();
    for part in [text("id"), text("type"), text("subject"), event["data"].to_string()] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    if let Some(fields) = event.as_object_mut() {
        fields.insert("digest".to_owned(), json!(format!("{:08x}", hasher.finalize())));
    }
    event.to_string().into_bytes()
}

fn same_moment(one: &str, other: &str) -> bool {
    Timestamp::parse(one).is_ok_and(|one| Timestamp::parse(other) == Ok(one))
}

/// Whether everything that was written again was there before in just the same way. More may have been
/// there: what an older build does not know it passes over. What was missing may have got its default.
fn was_there(written: &Value, before: Option<&Value>) -> Result<(), String> {
    match (written, before) {
        (_, None) => Ok(()),
        (Value::Object(written), Some(Value::Object(before))) => {
            written.iter().try_for_each(|(name, value)| {
                was_there(value, before.get(name)).map_err(|error| format!("{name}: {error}"))
            })
        }
        (Value::Array(written), Some(Value::Array(before))) if written.len() == before.len() => {
            written.iter().zip(before).try_for_each(|(one, other)| was_there(one, Some(other)))
        }
        (written, Some(before)) if written == before => Ok(()),
        // The same moment, written with or without its milliseconds.
        (Value::String(written), Some(Value::String(before))) if same_moment(written, before) => {
            Ok(())
        }
        (written, Some(before)) => Err(format!("{before} was read as {written}")),
    }
}

/// A text with some characters of it changed.
fn bent(text: &str, bends: &[(Index, u8, char)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (at, how, character) in bends {
        if chars.is_empty() {
            break;
        }
        let at = at.index(chars.len());
        match how % 4 {
            0 => chars[at] = *character,
            1 => chars.insert(at, *character),
            2 => drop(chars.remove(at)),
            _ => chars.truncate(at),
        }
    }
    chars.into_iter().collect()
}

fn bends() -> impl Strategy<Value = Vec<(Index, u8, char)>> {
    let character = prop_oneof![
        2 => proptest::sample::select(".*> \r\n\0_-$:ABZaz09é\u{202e}".chars().collect::<Vec<_>>()),
        1 => any::<char>(),
    ];
    proptest::collection::vec((any::<Index>(), any::<u8>(), character), 0..4)
}

/// serde would take the fields of an object in their order.
#[test]
fn an_array_is_no_object() {
    for event in samples::events(false) {
        let mut genuine: Value = serde_json::from_slice(&event.encode().unwrap()).unwrap();
        let fields = |of: &Value| of.as_object().unwrap().values().cloned().collect::<Vec<_>>();
        genuine["data"] = fields(&genuine["data"]).into();
        assert!(matches!(Event::decode(&sealed(&genuine)), Err(DecodeError::Malformed(_))));
    }
    assert!(matches!(Event::decode(b"[]"), Err(DecodeError::Malformed(_))));
}

/// Nor within an event: what is read is what stands there.
#[test]
fn an_array_within_an_event_is_no_object() {
    let mut read = Vec::new();
    for event in samples::events(true) {
        let genuine: Value = serde_json::from_slice(&event.encode().unwrap()).unwrap();
        let objects = objects_in(&genuine["data"], "/data").into_iter();
        // The fields of a variant of an enum are read by serde alone.
        for path in objects.filter(|path| !path.ends_with("/was/registered")) {
            let fields = genuine.pointer(&path).unwrap().as_object().unwrap();
            for array in [vec![], fields.values().cloned().collect::<Vec<_>>()] {
                let mut forged = genuine.clone();
                *forged.pointer_mut(&path).unwrap() = array.into();
                let Ok(event) = Event::decode(&sealed(&forged)) else { continue };
                let written: Value = serde_json::from_slice(&event.encode().unwrap()).unwrap();
                if let Err(error) = was_there(&written["data"], Some(&forged["data"])) {
                    read.push(format!("{}: {path}: {error}", genuine["type"]));
                }
            }
        }
    }
    assert!(read.is_empty(), "{read:#?}");
}

/// Where there are objects within a value.
fn objects_in(value: &Value, path: &str) -> Vec<String> {
    let within: Vec<(String, &Value)> = match value {
        Value::Object(of) => of.iter().map(|(name, of)| (format!("{path}/{name}"), of)).collect(),
        Value::Array(of) => {
            of.iter().enumerate().map(|(at, of)| (format!("{path}/{at}"), of)).collect()
        }
        _ => Vec::new(),
    };
    let here = within.iter().filter(|(_, of)| of.is_object()).map(|(path, _)| path.clone());
    here.chain(within.iter().flat_map(|(path, of)| objects_in(of, path))).collect()
}

proptest! {
    #[test]
    fn an_event_somebody_changed_is_refused_or_read_as_it_stands(
        which in any::<Index>(), full in any::<bool>(), changes in changes(),
    ) {
        let samples = samples::events(full);
        let genuine = which.get(&samples).encode().unwrap();
        let mut event: Value = serde_json::from_slice(&genuine).unwrap();
        for change in changes {
            apply(&mut event, change);
        }
        let Ok(read) = Event::decode(&sealed(&event)) else { return Ok(()) };
        let again = read.encode().unwrap();
        prop_assert_eq!(&Event::decode(&again).unwrap(), &read);
        let again: Value = serde_json::from_slice(&again).unwrap();
        for name in ["id", "type", "time", "actor", "causation", "traceparent", "data"] {
            if let Err(error) = was_there(&again[name], event.get(name)) {
                return Err(TestCaseError::fail(format!("{name}: {error}")));
            }
        }
    }

    #[test]
    fn an_event_without_its_checksum_is_refused(
        which in any::<Index>(), full in any::<bool>(), changes in changes(),
    ) {
        let samples = samples::events(full);
        let genuine = which.get(&samples);
        let mut event: Value = serde_json::from_slice(&genuine.encode().unwrap()).unwrap();
        for change in changes {
            apply(&mut event, change);
        }
        // A CRC-32 is no signature, but an accidental change is found.
        if let Ok(read) = Event::decode(event.to_string().as_bytes()) {
            prop_assert_eq!((&read.id, &read.data), (&genuine.id, &genuine.data));
        }
    }

    #[test]
    fn a_frame_is_refused_or_read_as_it_stands(which in any::<Index>(), changes in changes()) {
        let mut frame = which.get(&frames()).clone();
        for change in changes {
            apply(&mut frame, change);
        }
        let Ok(read) = serde_json::from_str::<ClientFrame>(&frame.to_string()) else { return Ok(()) };
        // A field that is null is one that is not there.
        if let Some(fields) = frame.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        prop_assert_eq!(rewritten(&read), frame);
    }

    #[test]
    fn a_frame_that_names_a_field_twice_is_refused(which in any::<Index>(), field in any::<Index>(), value in values()) {
        let all = frames();
        let frame = which.get(&all);
        let names: Vec<&String> = frame.as_object().unwrap().keys().collect();
        let name = field.get(&names);
        let text = frame.to_string();
        let twice = format!("{},{}:{value}}}", &text[..text.len() - 1], json!(name));
        prop_assert!(serde_json::from_str::<ClientFrame>(&twice).is_err(), "{}", twice);
    }

    #[test]
    fn no_text_makes_a_frame_panic(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = serde_json::from_str::<ClientFrame>(&text);
        let _ = serde_json::from_slice::<ClientFrame>(&bytes);
    }

    #[test]
    fn a_bent_subject_is_no_lane_or_the_lane_it_says(
        which in 0_u8..14, numbers in any::<(u128, u128)>(), live in any::<bool>(), bends in bends(),
    ) {
        let uuid = uuid::Uuid::from_u128;
        let (room, user) = (RoomId::from_uuid(uuid(numbers.0)), UserId::from_uuid(uuid(numbers.1)));
        let digest = Digest::of([room.as_str()]);
        let lane = match which {
            0 => Lane::User(user),
            1 => Lane::Session(user),
            2 => Lane::Inbox(user),
            3 => Lane::Handle(digest),
            4 => Lane::Email(digest),
            5 => Lane::RoomName(digest),
            6 => Lane::Direct(digest),
            7 => Lane::Room(room),
            8 => Lane::Timeline(room),
            9 => Lane::Receipts(room),
            10 => Lane::Threads(user),
            11 => Lane::Report(ReportId::from_uuid(uuid(numbers.0))),
            _ => Lane::Member(room, user),
        };
        let namespace = Namespace::parse("tidings").unwrap();
        let genuine = if live { lane.live_subject(&namespace) } else { lane.subject(&namespace) };
        let bent = bent(&genuine, &bends);
        if let Ok(read) = Lane::parse(&namespace, &bent) {
            prop_assert!([read.subject(&namespace), read.live_subject(&namespace)].contains(&bent), "{:?}", bent);
            prop_assert!(!bent.contains(['*', '>', ' ', '\r', '\n', '\0']), "{:?}", bent);
        }
    }

    #[test]
    fn a_bent_text_is_no_value_or_the_value_it_says(number in any::<u128>(), sequence in any::<u64>(), bends in bends()) {
        let message = MessageId::from_uuid(uuid::Uuid::from_u128(number));
        if let Ok(id) = MessageId::parse(&bent(message.as_str(), &bends)) {
            prop_assert_eq!(id.to_string(), bent(message.as_str(), &bends));
        }
        let position = Epoch::parse("a1b2c3d4").unwrap().at(sequence).to_string();
        if let Ok(read) = Position::parse(&bent(&position, &bends)) {
            prop_assert_eq!(read.to_string(), bent(&position, &bends));
        }
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        if let Ok(read) = TraceParent::parse(&bent(trace, &bends)) {
            prop_assert_eq!(String::from(read), bent(trace, &bends));
        }
        // A moment may be written in several ways, each of which is the same moment.
        if let Ok(read) = Timestamp::parse(&bent("2026-11-21T10:00:00.007Z", &bends)) {
            prop_assert_eq!(Timestamp::parse(&read.to_string()), Ok(read));
        }
        // What names a repeat reaches headers and keys: it is what was sent or nothing.
        for text in [bent("client-1", &bends), bent(trace, &bends)] {
            if let Ok(id) = ClientId::parse(&text) {
                prop_assert_eq!(id.as_str(), text.as_str());
            }
            if let Ok(key) = IdempotencyKey::parse(&text) {
                prop_assert!(key.as_str().bytes().all(|b| (0x21..=0x7e).contains(&b)));
            }
        }
    }
}
