//! Media. Given these events, then these are the documents, and what media take is counted.

use std::sync::Arc;

use projector::{Engine, Logged};
use readmodel::*;
use schemas::events::*;
use schemas::ids::MediaId;
use schemas::media::*;
use schemas::{EventData, Sequence};

use crate::kit::*;

fn medium(number: u64) -> MediaId {
    MediaId::from_uuid(uuid(number))
}

fn media_state(number: u64, owner: u64, status: MediaStatus) -> MediaState {
    MediaState {
        file: MediaFile {
            id: medium(number),
            filename: Filename::parse("a.txt").unwrap(),
            content_type: ContentType::parse("text/plain").unwrap(),
            size: 100 * number,
            sha256: None,
            width: None,
            height: None,
            thumbnail: false,
        },
        owner_id: user(owner),
        status,
        uses: Vec::new(),
        avatar: false,
        created_at: when(number),
        stored_at: (status == MediaStatus::Stored).then(|| when(number)),
        changed_at: when(number),
    }
}

impl History {
    fn request_media(&mut self, number: u64, owner: u64) -> Sequence {
        self.add(MediaRequested { media: media_state(number, owner, MediaStatus::Requested) })
    }

    fn store_media(&mut self, number: u64, owner: u64) -> Sequence {
        self.add(MediaStored { media: media_state(number, owner, MediaStatus::Stored) })
    }

    fn remove_media(&mut self, number: u64, owner: u64) -> Sequence {
        let stored = media_state(number, owner, MediaStatus::Stored);
        self.add(MediaRemoved { media: MediaState { status: MediaStatus::Removed, ..stored } })
    }
}

fn numbers_of(docs: &[MediaDoc]) -> Vec<MediaId> {
    docs.iter().map(|doc| doc.state.file.id).collect()
}

pub(crate) async fn media_are_kept_and_counted(place: &Place) {
    let mut history = History::default();
    for number in 1..=4 {
        history.request_media(number, if number == 4 { 2 } else { 1 });
    }
    let first = history.store_media(1, 1);
    let second = history.store_media(2, 1);
    let mut attached = media_state(2, 1, MediaStatus::Stored);
    attached.uses.push(MediaUse { message_id: message(1), room_id: room(1), reported: false });
    let last = history.add(MediaAttached { media: attached });
    place.project(&history).await;
    let store = place.model.current();
    let doc = store.media(&medium(2)).await.unwrap().unwrap();
    assert_eq!((doc.told, doc.updated, doc.state.uses.len()), (second, last, 1));
    assert_eq!(store.media(&medium(9)).await.unwrap(), None);
    let usage = store.media_usage(&user(1)).await.unwrap().unwrap();
    assert_eq!((usage.bytes, usage.files), (600, 3));
    assert_eq!(store.media_bytes().await.unwrap(), 1_000);
    // Theirs, page by page, and what they are told of.
    let page = store.media_of(&user(1), None, 2).await.unwrap();
    assert_eq!((numbers_of(&page.items), page.more), (vec![medium(1), medium(2)], true));
    let page = store.media_of(&user(1), Some(&medium(2)), 2).await.unwrap();
    assert_eq!((numbers_of(&page.items), page.more), (vec![medium(3)], false));
    let changes = store.media_changes(&user(1), 0, 10).await.unwrap();
    assert_eq!((numbers_of(&changes.items), changes.complete), (vec![medium(1), medium(2)], true));
    let changes = store.media_changes(&user(1), first, 10).await.unwrap();
    assert_eq!(numbers_of(&changes.items), [medium(2)]);
    assert!(store.media_changes(&user(2), 0, 10).await.unwrap().items.is_empty());
    // What waits for something, for so long.
    let waiting = async |what: Waiting, before: u64| {
        numbers_of(&store.media_waiting(what, when(before), 10).await.unwrap())
    };
    assert_eq!(waiting(Waiting::Upload, 9).await, [medium(3), medium(4)]);
    assert_eq!(waiting(Waiting::Upload, 4).await, [medium(3)]);
    assert_eq!(waiting(Waiting::Use, 9).await, [medium(1)]);
    assert!(waiting(Waiting::Purge, 9).await.is_empty());
}

pub(crate) async fn media_that_end_take_nothing(place: &Place) {
    let mut history = History::default();
    for number in 1..=2 {
        history.request_media(number, number);
        history.store_media(number, number);
    }
    let removed = history.remove_media(1, 1);
    place.project(&history).await;
    let store = place.model.current();
    let before = store.media(&medium(1)).await.unwrap().unwrap();
    assert_eq!((before.state.status, before.told), (MediaStatus::Removed, removed));
    let waiting = store.media_waiting(Waiting::Purge, when(9), 10).await.unwrap();
    assert_eq!(numbers_of(&waiting), [medium(1)]);
    assert_eq!(store.media_usage(&user(1)).await.unwrap(), None);
    assert_eq!(store.media_bytes().await.unwrap(), 200);
    let seen = history.events.len();
    history.add(MediaPurged {
        media: MediaState { status: MediaStatus::Purged, ..before.state.clone() },
    });
    let mut engine = place.engine().await;
    engine.apply(&history.events[seen..], history.events.len() as u64).await.unwrap();
    let store = place.model.current();
    assert!(store.media_waiting(Waiting::Purge, when(9), 10).await.unwrap().is_empty());
    assert!(store.media_of(&user(1), None, 10).await.unwrap().items.is_empty());
    assert_eq!(store.media_bytes().await.unwrap(), 200);
    // Who was away hears that it is gone.
    let changes = store.media_changes(&user(1), 0, 10).await.unwrap();
    assert_eq!(numbers_of(&changes.items), [medium(1)]);
}

/// As a replay finds a file's events when its name has left the log: some without the name, others not at all.
fn unnamed(logged: &mut Logged, id: &MediaId, last: Sequence) -> bool {
    let EventData::Media(event) = &mut logged.event.data else { return true };
    if event.after().file.id != *id || logged.sequence == last {
        return true;
    }
    match event {
        MediaEvent::Requested(MediaRequested { media })
        | MediaEvent::Stored(MediaStored { media })
        | MediaEvent::Removed(MediaRemoved { media }) => {
            *media = media.clone().without_name();
            true
        }
        MediaEvent::Attached(_) | MediaEvent::Detached(_) | MediaEvent::Purged(_) => false,
    }
}

pub(crate) async fn names_that_left_the_log_make_no_difference_to_a_replay(place: &Place) {
    let mut history = History::default();
    history.register(1, "ada");
    for number in 1..=2 {
        history.request_media(number, 1);
        history.store_media(number, 1);
    }
    let mut attached = media_state(1, 1, MediaStatus::Stored);
    attached.uses.push(MediaUse { message_id: message(1), room_id: room(1), reported: false });
    history.add(MediaAttached { media: attached });
    let removed = history.remove_media(1, 1);
    let mut media = media_state(1, 1, MediaStatus::Stored);
    media.status = MediaStatus::Purged;
    history.add(MediaPurged { media: media.clone() });
    let last = history.add(MediaPurged { media: media.without_name() });
    place.project(&history).await;
    let doc = place.model.current().media(&medium(1)).await.unwrap().unwrap();
    assert_eq!((doc.told, doc.updated), (removed, last), "who was away hears that it is gone");
    assert_eq!(doc.state.file.filename, Filename::erased());
    let usage = place.model.current().media_usage(&user(1)).await.unwrap().unwrap();
    assert_eq!((usage.bytes, usage.files, usage.updated), (200, 1, removed));
    let mut replay = history.clone();
    replay.events.retain_mut(|logged| unnamed(logged, &medium(1), last));
    assert_eq!(replay.events.len() + 2, history.events.len());
    let copy = place.model.create_generation().await.unwrap();
    let mut engine = Engine::open(Arc::clone(&copy), epoch()).await.unwrap();
    engine.apply(&replay.events, last).await.unwrap();
    let (mut fresh, mut live) = (contents(&copy).await, contents(&place.model.writer()).await);
    // Of events that are gone the audit trail's index is made from what the list says of them.
    for contents in [&mut fresh, &mut live] {
        contents.retain(|(collection, _), _| *collection != Collection::Sightings);
    }
    assert_eq!(fresh, live);
}
