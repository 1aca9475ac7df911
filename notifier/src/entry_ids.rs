//! Ids of entries and of their events, made of what they are about: the same cause always makes the same.

use schemas::events::NotificationCreated;
use schemas::ids::EventId;
use schemas::{Digest, Timestamp};
use uuid::Builder;

/// The id of the event that puts a notification into an inbox: a function of the notification.
#[must_use]
pub(crate) fn inbox_event_id(created: &NotificationCreated) -> EventId {
    EventId::from_uuid(derived(created.created_at, &["inbox", created.notification_id.as_str()]))
}

/// A UUID of version 7 whose random part is a digest.
pub(crate) fn derived(time: Timestamp, parts: &[&str]) -> uuid::Uuid {
    let digest = Digest::of(parts.iter().copied());
    let mut random = [0; 10];
    for (byte, digits) in random.iter_mut().zip(digest.as_str().as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
    }
    let millis = u64::try_from(time.millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}
