use schemas::events::{MessageEvent, MessageState, ReportEvent, ReportState};
use schemas::ids::ReportId;
use schemas::values::{Format, Patch, Reason, ReportStatus, Role, RoomKind, RoomRole, Visibility};
use schemas::{EventData, Lane};
use uuid::Uuid;

use super::*;
use crate::domain::access::Denied;
use crate::domain::member;
use crate::domain::message::Message;
use crate::domain::testing::*;

fn group() -> World {
    World::with_room(RoomKind::Group, Visibility::Private).having(BOB, RoomRole::Member)
}

fn said() -> Message {
    let state = MessageState {
        id: message_id(1),
        room_id: room_id(1),
        sender_id: user(ADA),
        client_id: None,
        body: body("buy engines"),
        format: Format::Plain,
        attachments: Vec::new(),
        files: Vec::new(),
        mentions: Vec::new(),
        mentions_room: None,
        thread_root_id: None,
        created_at: at(1),
    };
    Message { posted: 10, state, edited_at: None, deleted: false, archived: false, purged: false }
}

fn reason() -> Reason {
    Reason::parse("spam").unwrap()
}

fn id() -> ReportId {
    ReportId::from_uuid(Uuid::from_u128(7))
}

/// A report by Bob, with so many reports of Bob open.
fn reported(
    world: &World,
    message: &Message,
    before: Option<&ReportState>,
    open: u64,
) -> Result<Option<ReportState>, ReportRejection> {
    let standing = world.standing(BOB)?;
    let fact = report(&standing, message, before, (id(), &reason(), open), &cx(BOB))?;
    Ok(fact.map(|fact| match fact.data {
        EventData::Report(ReportEvent::Created(event)) => event.report,
        other => panic!("{other:?}"),
    }))
}

#[test]
fn a_member_reports_a_message_once_while_it_is_open() {
    let world = group();
    let open = reported(&world, &said(), None, 0).unwrap().expect("a report");
    assert_eq!((&open.reporter_id, open.status), (&user(BOB), ReportStatus::Open));
    assert_eq!(reported(&world, &said(), Some(&open), 0), Ok(None));
    let gone = Message { deleted: true, ..said() };
    assert_eq!(reported(&world, &gone, Some(&open), MAX_OPEN), Ok(None), "a repeat is a repeat");
    assert_eq!(reported(&world, &gone, None, 0), Err(ReportRejection::Deleted));
    let purged = Message { purged: true, ..gone };
    assert_eq!(reported(&world, &purged, None, 0), Err(ReportRejection::Purged));
    assert_eq!(reported(&world, &said(), None, MAX_OPEN), Err(ReportRejection::TooMany));
    let handled = ReportState { status: ReportStatus::Dismissed, ..open };
    assert!(reported(&world, &said(), Some(&handled), 0).unwrap().is_some(), "again, later");
}

#[test]
fn the_muted_report_and_outsiders_do_not() {
    let mut world = group();
    let standing = world.standing(ADA).unwrap();
    let target = world.target(BOB).unwrap();
    let command = mute(BOB, Patch::Set(at(101)));
    let (facts, _) = member::change(&standing, &target, &command, &cx(ADA)).unwrap();
    world.apply(facts);
    assert!(reported(&world, &said(), None, 0).unwrap().is_some());
    let outside = World::with_room(RoomKind::Group, Visibility::Private);
    assert_eq!(reported(&outside, &said(), None, 0), Err(Denied::NoSuchRoom.into()));
}

#[test]
fn only_moderators_handle_reports_and_each_once() {
    let mut world = group();
    let open = reported(&world, &said(), None, 0).unwrap().expect("a report");
    let becomes = |world: &World, before: Option<&ReportState>, status, note: Option<&Reason>| {
        handle(world.people.get(&user(ADA)), before, (status, note), &cx(ADA)).map(|fact| {
            fact.map(|fact| match fact.data {
                EventData::Report(ReportEvent::Handled(event)) => event.report,
                other => panic!("{other:?}"),
            })
        })
    };
    let refused = becomes(&world, Some(&open), ReportStatus::Actioned, None);
    assert_eq!(refused, Err(ReportRejection::NotAModerator));
    world.person(ADA, |ada| ada.role = Role::Moderator);
    let (note, other) = (reason(), Reason::parse("not spam").unwrap());
    let handled = becomes(&world, Some(&open), ReportStatus::Actioned, Some(&note));
    let handled = handled.unwrap().expect("handled");
    assert_eq!(
        (handled.handled_by.as_ref(), handled.note.as_ref()),
        (Some(&user(ADA)), Some(&note))
    );
    let again = |status, note| becomes(&world, Some(&handled), status, note);
    assert_eq!(again(ReportStatus::Actioned, Some(&note)), Ok(None));
    assert_eq!(again(ReportStatus::Actioned, Some(&other)), Err(ReportRejection::Handled));
    assert_eq!(again(ReportStatus::Dismissed, None), Err(ReportRejection::Handled));
    assert_eq!(again(ReportStatus::Open, None), Err(ReportRejection::NotHandled));
    let none = becomes(&world, None, ReportStatus::Actioned, None);
    assert_eq!(none, Err(ReportRejection::NotFound));
}

#[test]
fn a_moderator_deletes_messages_of_rooms_they_are_not_in() {
    let mut world = group();
    let deletes = |world: &World, message: Option<&Message>| {
        delete(world.people.get(&user(CYD)), message, &reason(), &cx(CYD))
    };
    assert_eq!(deletes(&world, Some(&said())), Err(ReportRejection::NotAModerator));
    world.person(CYD, |cyd| cyd.role = Role::Moderator);
    let fact = deletes(&world, Some(&said())).unwrap().expect("an event");
    assert_eq!(fact.lane, Lane::Timeline(room_id(1)));
    let EventData::Message(MessageEvent::Deleted(event)) = fact.data else { panic!() };
    assert_eq!(event.reason, Some(reason()));
    assert_eq!(deletes(&world, Some(&Message { deleted: true, ..said() })), Ok(None));
    assert_eq!(deletes(&world, None), Err(ReportRejection::NotFound));
    world.person(CYD, |cyd| cyd.suspended = true);
    assert_eq!(deletes(&world, Some(&said())), Err(Denied::Suspended.into()));
}
