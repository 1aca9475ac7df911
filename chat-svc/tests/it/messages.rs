//! Mentions, threads, edits, deletions and read markers.

use schemas::commands::{DeleteMessage, EditMessage, MarkRead, PostMessage, RemoveMember};
use schemas::events::ReceiptEvent;
use schemas::ids::{MediaId, MessageId};
use schemas::values::{Body, RoomKind, RoomMention};
use schemas::{Code, EventData, Lane, Rejection, RoomId};

use crate::kit::{World, call, context, fresh, keyed, say};

fn edit(id: &MessageId, text: &str) -> EditMessage {
    EditMessage { message_id: *id, body: Body::parse(text).unwrap() }
}

fn delete(id: &MessageId) -> DeleteMessage {
    DeleteMessage { message_id: *id }
}

fn read(room: &RoomId, id: &MessageId) -> MarkRead {
    MarkRead { room_id: *room, message_id: *id, thread_root_id: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_a_mention_when_it_is_a_members() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let cyd = world.register("cyd").await;
    world.register("eve").await;
    let room = world.create(&ada, RoomKind::Group, "us", &[&bob, &cyd]).await.id;
    let said = world.say(&ada, &room, "@bob, @CYD. @eve @unknown x@bob @bob").await.message;
    assert_eq!((said.mentions, said.mentions_room), (vec![bob, cyd], None));
    let said = world.say(&bob, &room, "@room look").await;
    assert_eq!(
        (said.message.mentions_room, said.message.mentions),
        (Some(RoomMention::Room), vec![])
    );
    let edited = world.call(&bob, &edit(&said.message.id, "@ada look")).await.unwrap().result;
    assert_eq!((edited.message.mentions, edited.message.mentions_room), (vec![ada], None));
    let general = world.first.general.unwrap();
    let said = world.say(&ada, &general, "@eve @bob").await.message;
    assert_eq!(said.mentions.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_and_attachments_are_checked() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    let other = world.create(&ada, RoomKind::Group, "them", &[]).await.id;
    let root = world.say(&ada, &room, "root").await.message.id;
    let answer = |room: &RoomId, root: &MessageId| PostMessage {
        thread_root_id: Some(*root),
        ..say(room, "answer")
    };
    let first = world.call(&ada, &answer(&room, &root)).await.unwrap().result.message;
    assert_eq!(first.thread_root_id, Some(root));
    let nowhere = MessageId::from_uuid(crate::kit::fresh());
    for bad in [answer(&room, &first.id), answer(&other, &root), answer(&room, &nowhere)] {
        let refused = world.call(&ada, &bad).await.unwrap_err();
        assert_eq!(refused.code, Code::ValidationFailed);
        assert_eq!(refused.errors[0].pointer, "/thread_root_id");
    }
    let media = MediaId::from_uuid(crate::kit::fresh());
    let with_file = PostMessage { attachments: vec![media], ..say(&room, "file") };
    let refused = world.call(&ada, &with_file).await.unwrap_err();
    assert_eq!(
        (refused.code, refused.errors[0].pointer.as_str()),
        (Code::ValidationFailed, "/attachments/0")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_deletions_find_the_message_wherever_it_is() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let room = world.create(&ada, RoomKind::Channel, "lobby", &[&bob]).await.id;
    let said = world.say(&bob, &room, "frist").await;
    // A process that came later knows of the message by the index alone.
    let other = world.another().await;
    let edited = call(&other.bus, &context(&bob), &edit(&said.message.id, "first")).await.unwrap();
    assert_eq!(edited.result.message.body.as_str(), "first");
    assert_eq!(edited.result.posted, said.posted);
    assert!(edited.result.edited_at.is_some() && edited.position.unwrap() != said.posted);
    let refused = world.call(&ada, &edit(&said.message.id, "mine")).await.unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    let gone = call(&other.bus, &context(&ada), &delete(&said.message.id)).await.unwrap();
    crate::kit::until("the deletion is known everywhere", async || {
        let outcome = world.call(&bob, &edit(&said.message.id, "again")).await;
        outcome.err().filter(|refused| refused.code == Code::Conflict)
    })
    .await;
    let again = world.call(&ada, &delete(&said.message.id)).await.unwrap();
    let types = world.types_on(&Lane::Timeline(room)).await;
    assert_eq!(&types[..3], ["message.posted.v1", "message.edited.v1", "message.deleted.v1"]);
    assert_eq!(types.iter().filter(|name| **name == "message.deleted.v1").count(), 1);
    // What was done before is told with a place from which on it can be read.
    assert!(again.position.unwrap().sequence >= gone.position.unwrap().sequence);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_one_may_not_see_does_not_exist() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let room = world.create(&ada, RoomKind::Group, "us", &[&bob]).await.id;
    let secret = world.say(&bob, &room, "secret").await.message.id;
    let remove = RemoveMember { room_id: room, user_id: bob };
    world.call(&ada, &remove).await.unwrap();
    let nowhere = MessageId::from_uuid(crate::kit::fresh());
    for id in [&secret, &nowhere] {
        let edited = world.call(&bob, &edit(id, "x")).await.unwrap_err();
        let deleted = world.call(&bob, &delete(id)).await.unwrap_err();
        let marked = world.call(&bob, &read(&room, id)).await.unwrap_err();
        let expected = Rejection::not_found();
        assert_eq!([edited, deleted, marked], std::array::from_fn(|_| expected.clone()));
    }
    let marked = world.call(&ada, &read(&room, &nowhere)).await.unwrap_err();
    assert_eq!(marked, Rejection::not_found());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_with_a_key_is_made_once() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let general = world.first.general.unwrap();
    let said = world.say(&ada, &general, "one").await.message.id;
    let (bus, context) = (&world.first.bus, keyed(&ada, "k"));
    let first = call(bus, &context, &edit(&said, "two")).await.unwrap();
    let again = call(bus, &context, &edit(&said, "two")).await.unwrap();
    assert_eq!(first, again);
    let types = world.types_on(&Lane::Timeline(general)).await;
    assert_eq!(types, ["message.posted.v1", "message.edited.v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_marker_never_goes_back() {
    let world = World::start().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let room = world.create(&ada, RoomKind::Group, "us", &[&bob]).await.id;
    let other = world.create(&ada, RoomKind::Group, "them", &[&bob]).await.id;
    let one = world.say(&ada, &room, "one").await;
    let two = world.say(&ada, &room, "two").await;
    let elsewhere = world.say(&ada, &other, "elsewhere").await;
    let first = world.call(&bob, &read(&room, &two.message.id)).await.unwrap();
    assert!(first.position.is_some());
    assert_eq!(first.result.posted, two.posted.sequence);
    let third = world.another().await;
    for bus in [&world.first.bus, &third.bus] {
        let back = call(bus, &context(&bob), &read(&room, &one.message.id)).await.unwrap();
        assert_eq!((back.position, back.result), (None, first.result.clone()));
    }
    let wrong = world.call(&bob, &read(&room, &elsewhere.message.id)).await.unwrap_err();
    assert_eq!(wrong.code, Code::NotFound);
    let moved = world.events().await;
    let moved = moved
        .iter()
        .filter(|(_, _, data)| matches!(data, EventData::Receipt(ReceiptEvent::Moved(_))));
    assert_eq!(moved.count(), 1);
    // The author of a message has read it.
    let own = world.call(&ada, &read(&room, &two.message.id)).await.unwrap();
    assert_eq!(own.position, None);
    // Also when a marker was remembered before: a post of one's own is further.
    let three = world.say(&bob, &room, "three").await;
    let back = world.call(&bob, &read(&room, &two.message.id)).await.unwrap();
    assert_eq!((back.position, back.result.message_id), (None, three.message.id));
}

/// A process that remembers nothing, beside an index that stands: what the log says since is read there.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_an_index_does_not_know_is_told_from_one_that_there_is_not() {
    let world = World::start().await;
    let ada = world.register("ada").await;
    let room = world.create(&ada, RoomKind::Group, "us", &[]).await.id;
    world.index.stop().await;
    let kept = world.say(&ada, &room, "one").await.message.id;
    let gone = world.say(&ada, &room, "two").await.message.id;
    world.call(&ada, &delete(&gone)).await.unwrap();
    let other = world.another().await;
    call(&other.bus, &context(&ada), &delete(&gone)).await.unwrap();
    let deletions = async || {
        let types = world.types_on(&Lane::Timeline(room)).await;
        types.iter().filter(|name| **name == "message.deleted.v1").count()
    };
    assert_eq!(deletions().await, 1, "it is known that it was deleted");
    let third = world.another().await;
    let deleted = call(&third.bus, &context(&ada), &delete(&kept)).await.unwrap();
    assert!(deleted.position.is_some());
    assert_eq!(deletions().await, 2);
    let unknown = MessageId::from_uuid(fresh());
    for bus in [&other.bus, &third.bus, &world.first.bus] {
        let refused = call(bus, &context(&ada), &delete(&unknown)).await.unwrap_err();
        assert_eq!(refused.code, Code::NotFound);
    }
    let types = world.types_on(&Lane::Timeline(room)).await;
    let expected = ["message.posted.v1", "message.posted.v1", "message.deleted.v1"];
    assert_eq!((&types[..3], types[3..].to_vec()), (&expected[..], vec!["message.deleted.v1"]));
}
