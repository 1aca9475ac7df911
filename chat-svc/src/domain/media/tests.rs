use schemas::commands::RequestMedia;
use schemas::events::{MediaEvent, MediaFile, MediaState};
use schemas::ids::{MediaId, MessageId};
use schemas::media::{Checksum, ContentType, Filename, MediaStatus};
use schemas::{EventData, RoomId};
use uuid::Uuid;

use super::*;
use crate::domain::testing::*;
use decider::Fact;

const MEGABYTE: u64 = 1_000_000;

fn limits() -> Limits {
    Limits { file: 100 * MEGABYTE, person: Some(1_000 * MEGABYTE), installation: None }
}

fn id() -> MediaId {
    MediaId::from_uuid(Uuid::from_u128(1))
}

fn wanted(size: u64) -> RequestMedia {
    RequestMedia {
        filename: Filename::parse("engine.png").unwrap(),
        content_type: ContentType::parse("image/png").unwrap(),
        size,
        sha256: None,
    }
}

fn ask(size: u64, limits: &Limits, taken: Taken) -> Result<MediaState, MediaRejection> {
    request(Some(&person(ADA)), &id(), &wanted(size), (limits, taken), &cx(ADA))
}

/// The medium an event leaves.
#[track_caller]
fn after(fact: Fact, name: &str) -> MediaState {
    assert_eq!(fact.data.type_name(), name);
    let EventData::Media(event) = fact.data else { panic!("{name}") };
    event.after().clone()
}

fn is_stored() -> MediaState {
    let before = ask(4, &limits(), Taken::default()).unwrap();
    let sha256 = Some(Checksum::parse(&"0".repeat(64)).unwrap());
    let file = MediaFile { sha256, thumbnail: true, ..before.file.clone() };
    after(stored(&before, file, at(2)), "media.stored.v1")
}

fn place(n: u128) -> (MessageId, RoomId) {
    (message_id(n), room_id(1))
}

fn attached(media: &MediaState, n: u128) -> MediaState {
    let (message, room) = place(n);
    let (file, fact) = attach(Some(media), 0, (&message, &room), &cx(ADA)).unwrap();
    assert_eq!(file, media.file);
    after(fact, "media.attached.v1")
}

#[test]
fn uploads_are_allowed_within_limits() {
    let granted = ask(100 * MEGABYTE, &limits(), Taken::default()).unwrap();
    assert_eq!((granted.owner_id, granted.status), (user(ADA), MediaStatus::Requested));
    let ask = |size, limits: &Limits, taken| ask(size, limits, taken).map(|_| ());
    assert_eq!(ask(0, &limits(), Taken::default()), Err(MediaRejection::Empty));
    let too_large = ask(100 * MEGABYTE + 1, &limits(), Taken::default());
    assert_eq!(too_large, Err(MediaRejection::TooLarge(100 * MEGABYTE)));
    let much = Taken { person: 999 * MEGABYTE, installation: 0 };
    assert_eq!(ask(MEGABYTE, &limits(), much), Ok(()));
    assert_eq!(
        ask(MEGABYTE + 1, &limits(), much),
        Err(MediaRejection::OverQuota(1_000 * MEGABYTE))
    );
    let small = Limits { installation: Some(10), ..limits() };
    let taken = Taken { person: 0, installation: 8 };
    assert_eq!(ask(3, &small, taken), Err(MediaRejection::NoRoom));
    assert_eq!(
        ask(u64::MAX, &Limits { file: u64::MAX, ..limits() }, much),
        Err(MediaRejection::OverQuota(1_000 * MEGABYTE))
    );
    let mut suspended = person(ADA);
    suspended.suspended = true;
    let refused = request(Some(&suspended), &id(), &wanted(1), (&limits(), much), &cx(ADA));
    assert!(matches!(refused, Err(MediaRejection::Denied(_))));
}

#[test]
fn only_its_owner_completes_and_attaches_it() {
    let before = ask(4, &limits(), Taken::default()).unwrap();
    assert_eq!(complete(Some(&before), &cx(ADA)).map(|(_, done)| done), Ok(false));
    assert_eq!(complete(Some(&before), &cx(BOB)), Err(MediaRejection::NotFound));
    assert_eq!(complete(None, &cx(ADA)), Err(MediaRejection::NotFound));
    let there = is_stored();
    assert_eq!(complete(Some(&there), &cx(ADA)).map(|(_, done)| done), Ok(true));
    let (message, room) = place(1);
    for (media, who) in [(Some(&before), ADA), (Some(&there), BOB), (None, ADA)] {
        let refused = attach(media, 3, (&message, &room), &cx(who)).map(|_| ());
        assert_eq!(refused, Err(MediaRejection::NotAttachable(3)));
    }
    let mut media = there;
    for n in 0..100 {
        media = attached(&media, n);
    }
    let one_more = attach(Some(&media), 0, (&message, &room), &cx(ADA)).map(|_| ());
    assert_eq!(one_more, Err(MediaRejection::TooManyUses(0)));
}

#[test]
fn with_its_last_message_a_medium_goes() {
    let media = attached(&attached(&is_stored(), 1), 2);
    assert_eq!(detach(&media, &message_id(3), false, at(5)), None);
    let media = after(detach(&media, &message_id(1), false, at(5)).unwrap(), "media.detached.v1");
    let gone = after(detach(&media, &message_id(2), false, at(6)).unwrap(), "media.removed.v1");
    assert_eq!((gone.status, gone.changed_at), (MediaStatus::Removed, at(6)));
    assert_eq!(detach(&gone, &message_id(2), false, at(7)), None);
    assert_eq!(complete(Some(&gone), &cx(ADA)), Err(MediaRejection::NotFound));
    let purged = after(purged(&gone, at(8)).unwrap(), "media.purged.v1");
    assert_eq!(super::purged(&purged, at(9)), None);
    assert_eq!(end(&purged, at(9)), None);
}

#[test]
fn a_medium_that_is_over_loses_its_name_and_one_of_an_erased_person_everything() {
    let there = attached(&is_stored(), 1);
    assert!(!is_over(&there) && !there.is_unnamed());
    let gone = after(end(&there, at(5)).unwrap(), "media.removed.v1");
    assert!(is_over(&gone) && !gone.is_unnamed());
    let unnamed = after(unnamed(&gone, at(6)), "media.purged.v1");
    assert!(is_over(&unnamed) && unnamed.is_unnamed() && !unnamed.is_erased());
    assert_eq!((&unnamed.file.filename, &unnamed.file.sha256), (&Filename::erased(), &None));
    assert_eq!((unnamed.file.size, unnamed.stored_at), (there.file.size, there.stored_at));
    let erased = after(erased(&unnamed, at(7)), "media.purged.v1");
    assert!(erased.is_unnamed() && erased.is_erased());
}

#[test]
fn an_open_report_keeps_a_medium() {
    let media = attached(&is_stored(), 1);
    let kept = after(detach(&media, &message_id(1), true, at(5)).unwrap(), "media.detached.v1");
    assert!(kept.uses[0].reported && kept.status == MediaStatus::Stored);
    assert_eq!(detach(&kept, &message_id(1), true, at(6)), None);
    after(detach(&kept, &message_id(1), false, at(7)).unwrap(), "media.removed.v1");
}

#[test]
fn an_owner_removes_what_nothing_needs() {
    let media = is_stored();
    let removed = after(remove(Some(&media), &cx(ADA)).unwrap().unwrap(), "media.removed.v1");
    assert_eq!(remove(Some(&removed), &cx(ADA)), Ok(None));
    assert_eq!(remove(Some(&media), &cx(BOB)), Err(MediaRejection::NotFound));
    assert_eq!(remove(Some(&attached(&media, 1)), &cx(ADA)), Err(MediaRejection::InUse));
    assert!(end(&attached(&media, 1), at(9)).is_some());
}

#[test]
fn a_picture_is_kept_while_it_is_one() {
    let media = is_stored();
    let shown = after(as_avatar(Some(&media), &cx(ADA)).unwrap().unwrap(), "media.attached.v1");
    assert_eq!(as_avatar(Some(&shown), &cx(ADA)), Ok(None));
    assert_eq!(as_avatar(Some(&media), &cx(BOB)), Err(MediaRejection::NotAPicture));
    assert_eq!(remove(Some(&shown), &cx(ADA)), Err(MediaRejection::InUse));
    let both = attached(&shown, 1);
    after(no_avatar(&both, at(9)).unwrap(), "media.detached.v1");
    after(no_avatar(&shown, at(9)).unwrap(), "media.removed.v1");
    assert_eq!(no_avatar(&media, at(9)), None);
    let text = MediaState { file: MediaFile { thumbnail: false, ..media.file.clone() }, ..media };
    assert_eq!(as_avatar(Some(&text), &cx(ADA)), Err(MediaRejection::NotAPicture));
}

/// Every event of a medium leaves it known, or it would vanish.
#[test]
fn every_event_says_how_the_medium_stands() {
    for event in testbed::every_event() {
        if let EventData::Media(event) = event {
            let MediaState { owner_id, .. } = MediaEvent::after(&event);
            assert!(!owner_id.as_str().is_empty());
        }
    }
}
