//! Events of media.

use schemas::event::EventData;
use schemas::events::{
    MediaAttached, MediaDetached, MediaFile, MediaPurged, MediaRemoved, MediaRequested, MediaState,
    MediaStored, MediaUse,
};
use schemas::ids::{MediaId, MessageId, RoomId};
use schemas::media::{Checksum, ContentType, Filename, MediaStatus};

use super::{now, user_id, uuid};

pub(super) fn media(full: bool) -> MediaState {
    MediaState {
        file: MediaFile {
            id: MediaId::from_uuid(uuid(2)),
            filename: Filename::parse("engine.png").unwrap(),
            content_type: ContentType::parse("image/png").unwrap(),
            size: 4_096,
            sha256: full.then(|| Checksum::parse(&"0a".repeat(32)).unwrap()),
            width: full.then_some(640),
            height: full.then_some(480),
            thumbnail: full,
        },
        owner_id: user_id(1),
        status: if full { MediaStatus::Stored } else { MediaStatus::Requested },
        uses: if full { vec![media_use()] } else { Vec::new() },
        avatar: full,
        created_at: now(),
        stored_at: full.then(now),
        changed_at: now(),
    }
}

fn media_use() -> MediaUse {
    MediaUse {
        message_id: MessageId::from_uuid(uuid(5)),
        room_id: RoomId::from_uuid(uuid(3)),
        reported: true,
    }
}

pub(super) fn all_of_media(full: bool) -> Vec<EventData> {
    vec![
        MediaRequested { media: media(full) }.into(),
        MediaStored { media: media(full) }.into(),
        MediaAttached { media: media(full) }.into(),
        MediaDetached { media: media(full) }.into(),
        MediaRemoved { media: media(full) }.into(),
        MediaPurged { media: media(full) }.into(),
    ]
}
