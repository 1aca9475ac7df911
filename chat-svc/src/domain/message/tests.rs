use proptest::prelude::*;
use schemas::events::{
    MediaFile, MessageDeleted, MessageEdited, MessageEvent, MessagePosted, MessageState,
};
use schemas::ids::MediaId;
use schemas::media::{ContentType, Filename};
use schemas::values::{
    Body, ClientId, Format, Patch, Role, RoomKind, RoomMention, RoomRole, Visibility,
};
use schemas::{Code, EventData, Rejection};
use uuid::Uuid;

use super::*;
use crate::domain::access::Denied;
use crate::domain::member;
use crate::domain::testing::*;
use decider::Fact;

fn channel() -> World {
    World::with_room(RoomKind::Channel, Visibility::Public)
        .having(BOB, RoomRole::Member)
        .having(CYD, RoomRole::Admin)
}

impl World {
    fn post(&self, n: u128, id: u128) -> Result<MessageState, MessageRejection> {
        let (id, command) = (message_id(id), say("hello"));
        let new = NewMessage {
            id: &id,
            command: &command,
            client_id: None,
            mentions: vec![user(CYD)],
            mentions_room: None,
            files: vec![],
        };
        post(&self.standing(n)?, new, &cx(n))
    }

    /// The same with a message.
    pub(crate) fn saying(mut self, n: u128, id: u128) -> Self {
        let state = self.post(n, id).unwrap();
        self.apply(vec![posted(state, false)]);
        self
    }

    fn edit(&self, n: u128, id: u128) -> Result<Fact, MessageRejection> {
        let message = &self.messages[&message_id(id)];
        edit(
            &self.standing(n)?,
            message,
            &body("changed"),
            (vec![], Some(RoomMention::Room)),
            &cx(n),
        )
    }

    fn delete(&self, n: u128, id: u128) -> Result<Option<Fact>, MessageRejection> {
        delete(&self.standing(n)?, &self.messages[&message_id(id)], &cx(n))
    }
}

#[test]
fn members_post_and_others_do_not() {
    let world = channel();
    let state = world.post(BOB, 1).unwrap();
    assert_eq!((state.sender_id, state.mentions), (user(BOB), vec![user(CYD)]));
    assert_eq!(state.created_at, at(100));
    refused(world.post(4, 1), Denied::NotAMember.into());
    let private = World::with_room(RoomKind::Group, Visibility::Private);
    refused(private.post(BOB, 1), Denied::NoSuchRoom.into());
    refused(World::new().post(BOB, 1), Denied::NoSuchRoom.into());
    assert!(World::with_everyone().post(BOB, 1).is_ok());
    refused(World::with_everyone().post(STRANGER, 1), Denied::NoSuchCaller.into());
}

#[test]
fn the_muted_the_suspended_and_archived_rooms_are_silent() {
    let mut world = channel();
    let standing = world.standing(ADA).unwrap();
    let target = world.target(BOB).unwrap();
    let command = mute(BOB, Patch::Set(at(101)));
    let (facts, _) = member::change(&standing, &target, &command, &cx(ADA)).unwrap();
    world.apply(facts);
    refused(world.post(BOB, 1), Denied::Muted(at(101)).into());
    world.person(CYD, |cyd| cyd.suspended = true);
    refused(world.post(CYD, 1), Denied::Suspended.into());
    let facts = world.archive(ADA).unwrap();
    world.apply(facts);
    refused(world.post(ADA, 1), Denied::Archived.into());
}

#[test]
fn a_message_has_a_text_or_files() {
    let world = channel();
    let file = MediaFile {
        id: MediaId::from_uuid(Uuid::from_u128(1)),
        filename: Filename::parse("engine.png").unwrap(),
        content_type: ContentType::parse("image/png").unwrap(),
        size: 7,
        sha256: None,
        width: None,
        height: None,
        thumbnail: false,
    };
    let id = message_id(1);
    let command = schemas::commands::PostMessage { body: Body::none(), ..say("x") };
    let with = |files: Vec<MediaFile>| NewMessage {
        id: &id,
        command: &command,
        client_id: None,
        mentions: vec![],
        mentions_room: None,
        files,
    };
    let standing = world.standing(BOB).unwrap();
    refused(post(&standing, with(vec![]), &cx(BOB)), MessageRejection::NothingToSee);
    let rejection = Rejection::from(MessageRejection::NothingToSee);
    assert_eq!(rejection.code, Code::ValidationFailed);
    assert_eq!(rejection.errors[0].pointer, "/body");
    let posted = post(&standing, with(vec![file.clone()]), &cx(BOB)).unwrap();
    assert_eq!((posted.attachments, posted.files), (vec![file.id], vec![file]));
}

#[test]
fn threads_are_one_deep_and_stay_in_their_room() {
    let world = channel().saying(BOB, 1);
    let standing = world.standing(CYD).unwrap();
    let root = world.messages[&message_id(1)].clone();
    assert_eq!(thread_root(&standing, Some(&root)), Ok(()));
    refused(thread_root(&standing, None), MessageRejection::NoSuchThread);
    let mut answer = root.clone();
    answer.state.thread_root_id = Some(message_id(9));
    refused(thread_root(&standing, Some(&answer)), MessageRejection::NestedThread);
    let mut elsewhere = root.clone();
    elsewhere.state.room_id = room_id(2);
    refused(thread_root(&standing, Some(&elsewhere)), MessageRejection::NoSuchThread);
    let deleted = Message { deleted: true, ..root };
    refused(thread_root(&standing, Some(&deleted)), MessageRejection::Deleted);
}

#[test]
fn the_muted_take_back_their_own_only() {
    let mut world = channel().saying(BOB, 1).saying(CYD, 2);
    if let Some(cyd) = world.members.get_mut(&user(CYD)) {
        cyd.muted_until = Some(at(500));
    }
    refused(world.delete(CYD, 1), Denied::Muted(at(500)).into());
    refused(world.edit(CYD, 2), Denied::Muted(at(500)).into());
    assert!(world.delete(CYD, 2).unwrap().is_some());
    // What a moderator of the installation may is not given by the room.
    world.person(CYD, |cyd| cyd.role = Role::Moderator);
    assert!(world.delete(CYD, 1).unwrap().is_some());
}

#[test]
fn a_repeat_says_the_same_in_every_respect() {
    let world = channel();
    let first = world.post(BOB, 1).unwrap();
    let same = say("hello");
    assert!(is_repeat_of(&first, &same));
    let media = MediaId::from_uuid(Uuid::from_u128(1));
    let others = [
        say("Hello"),
        say("hello "),
        schemas::commands::PostMessage { format: Format::Markdown, ..same.clone() },
        schemas::commands::PostMessage { attachments: vec![media], ..same.clone() },
        schemas::commands::PostMessage { thread_root_id: Some(message_id(9)), ..same.clone() },
    ];
    for other in &others {
        assert!(!is_repeat_of(&first, other), "{other:?}");
    }
    // What the client calls it is not what it says.
    let named = ClientId::parse("c1").ok();
    assert!(is_repeat_of(&first, &schemas::commands::PostMessage { client_id: named, ..same }));
}

#[test]
fn an_edit_carries_the_whole_message_and_is_its_authors_alone() {
    let world = channel().saying(BOB, 1);
    let EventData::Message(MessageEvent::Edited(edited)) = world.edit(BOB, 1).unwrap().data else {
        panic!("no edit")
    };
    let before = &world.messages[&message_id(1)];
    assert_eq!(edited.posted, before.posted);
    let expected = MessageState {
        body: body("changed"),
        mentions: vec![],
        mentions_room: Some(RoomMention::Room),
        ..before.state.clone()
    };
    assert_eq!(edited.message, expected);
    refused(world.edit(ADA, 1), MessageRejection::NotTheAuthor);
    refused(world.edit(4, 1), Denied::NotAMember.into());
}

#[test]
fn admins_of_the_room_call_it_whatever_its_size() {
    let mut world = channel();
    assert!([ADA, CYD].iter().all(|n| calls_by_right(&world.standing(*n).unwrap())));
    assert!(!calls_by_right(&world.standing(BOB).unwrap()));
    world.person(BOB, |person| person.role = Role::Admin);
    assert!(!calls_by_right(&world.standing(BOB).unwrap()));
}

#[test]
fn a_room_of_everybody_is_called_by_admins_of_the_installation() {
    let mut world = World::with_everyone();
    for (role, calls) in [(Role::User, false), (Role::Moderator, false), (Role::Admin, true)] {
        world.person(BOB, |person| person.role = role);
        assert_eq!(calls_by_right(&world.standing(BOB).unwrap()), calls, "{role:?}");
    }
}

#[test]
fn authors_admins_and_moderators_in_the_room_delete() {
    let mut world = channel().having(5, RoomRole::Member).saying(BOB, 1).saying(ADA, 2);
    world.person(6, |person| person.role = Role::Moderator);
    for who in [BOB, CYD, ADA] {
        assert!(world.delete(who, 1).unwrap().is_some());
    }
    assert!(world.delete(CYD, 2).unwrap().is_some());
    refused(world.delete(5, 1), MessageRejection::NotYours);
    refused(world.delete(6, 1), Denied::NotAMember.into());
    world.person(5, |person| person.role = Role::Moderator);
    assert!(world.delete(5, 1).unwrap().is_some());
}

#[test]
fn what_is_deleted_is_neither_edited_nor_deleted_again() {
    let mut world = channel().saying(BOB, 1);
    let fact = world.delete(BOB, 1).unwrap();
    world.apply(fact.into_iter().collect());
    refused(world.edit(BOB, 1), MessageRejection::Deleted);
    assert_eq!(world.delete(BOB, 1), Ok(None));
}

#[test]
fn of_what_is_purged_nothing_is_left_for_all_who_could_read_it() {
    let mut world = channel().saying(BOB, 1);
    let message = world.messages.get_mut(&message_id(1)).unwrap();
    (message.deleted, message.purged) = (true, true);
    for who in [ADA, BOB, CYD] {
        refused(world.edit(who, 1), MessageRejection::Purged);
        refused(world.delete(who, 1), MessageRejection::Purged);
    }
}

#[test]
fn what_is_archived_is_deleted_and_not_edited() {
    let mut world = channel().saying(BOB, 1);
    world.messages.get_mut(&message_id(1)).unwrap().archived = true;
    refused(world.edit(BOB, 1), MessageRejection::Archived);
    refused(world.edit(ADA, 1), MessageRejection::NotTheAuthor);
    let root = world.messages.get(&message_id(1));
    assert_eq!(thread_root(&world.standing(CYD).unwrap(), root), Ok(()));
    let fact = world.delete(CYD, 1).unwrap();
    world.apply(fact.into_iter().collect());
    refused(world.edit(BOB, 1), MessageRejection::Deleted);
}

#[test]
fn a_marker_moves_forwards_only_and_in_its_room() {
    let world = channel().saying(BOB, 1);
    let standing = world.standing(CYD).unwrap();
    let (here, there, id) = (room_id(1), room_id(2), message_id(1));
    let up_to = UpTo { message_id: &id, room_id: &here, posted: 7 };
    assert!(mark_read(&standing, &up_to, 6, &cx(CYD)).unwrap().is_some());
    assert_eq!(mark_read(&standing, &up_to, 7, &cx(CYD)), Ok(None));
    let elsewhere = UpTo { room_id: &there, ..up_to };
    refused(mark_read(&standing, &elsewhere, 0, &cx(CYD)), MessageRejection::NoSuchMessage);
    let outside = world.standing(4).unwrap();
    refused(mark_read(&outside, &up_to, 0, &cx(4)), Denied::NotAMember.into());
}

fn states() -> impl Strategy<Value = EventData> {
    let state = (0u128..3, 1u128..3, "[a-c]").prop_map(|(id, sender, text)| MessageState {
        id: message_id(id),
        room_id: room_id(1),
        sender_id: user(sender),
        client_id: None,
        body: body(&text),
        format: Format::Plain,
        attachments: vec![],
        files: Vec::new(),
        mentions: vec![],
        mentions_room: None,
        thread_root_id: None,
        created_at: at(1),
    });
    (0..3, state).prop_map(|(kind, message)| match kind {
        0 => MessagePosted { message, private: false }.into(),
        1 => MessageEdited { message, posted: 1, edited_at: at(2) }.into(),
        _ => EventData::from(MessageDeleted {
            message_id: message.id,
            room_id: message.room_id,
            sender_id: message.sender_id,
            posted: 1,
            thread_root_id: None,
            created_at: at(1),
            deleted_at: at(3),
            reason: None,
        }),
    })
}

proptest! {
    #[test]
    fn evolving_is_total_and_a_deletion_is_final(
        events in prop::collection::vec(states(), 0..30),
    ) {
        let mut message = None;
        let mut frozen: Option<Message> = None;
        for (sequence, event) in (1..).zip(&events) {
            evolve(&mut message, sequence, event);
            if let Some(frozen) = &frozen {
                prop_assert_eq!(Some(frozen), message.as_ref());
            }
            frozen = message.clone().filter(|message| message.deleted);
        }
    }
}
