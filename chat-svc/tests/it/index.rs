//! The real read model as an index, and how fast posting is with it.

use std::sync::Arc;

use chat_svc::{Marked, MessageIndex};
use readmodel::{Document, MembershipDoc, MessageDoc, ReadModel, ReadModelUrl, RoomDoc};
use schemas::events::RoomState;
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::values::{ClientId, Format, RoomKind};
use schemas::{Epoch, Namespace, Timestamp};
use tempfile::TempDir;

use crate::kit::{World, call, context, fresh, say_as};

async fn read_model(folder: &TempDir) -> ReadModel {
    let url = ReadModelUrl::Sqlite(folder.path().to_owned());
    ReadModel::open(&url, &Namespace::parse("test").unwrap()).await.unwrap()
}

fn message(room: &RoomId, sender: &UserId) -> MessageDoc {
    MessageDoc {
        id: MessageId::from_uuid(fresh()),
        room_id: *room,
        number: 1,
        main_number: 1,
        sender_id: *sender,
        client_id: ClientId::parse("c1").ok(),
        body: "hello".to_owned(),
        format: Format::Plain,
        attachments: Vec::new(),
        files: Vec::new(),
        mentions: Vec::new(),
        mentions_room: None,
        thread_root_id: None,
        thread_number: None,
        reply_count: 0,
        reactions: Vec::new(),
        pinned: 0,
        last_reply_at: None,
        created_at: Timestamp::from_millis(1),
        edited_at: None,
        deleted_at: Some(Timestamp::from_millis(2)),
        posted: 7,
        changed: 9,
        beside: 0,
        archived: 0,
        purged: 0,
        updated: 9,
    }
}

fn room_doc(id: &RoomId) -> RoomDoc {
    let state = RoomState::begun(*id, RoomKind::Group, Timestamp::from_millis(1));
    RoomDoc {
        member_count: 1,
        last_number: 1,
        main_number: 1,
        last_message_number: 1,
        last_activity: 7,
        updated: 9,
        ..RoomDoc::begun(state, 1)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_read_model_answers_as_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let model = read_model(&folder).await;
    let index: &dyn MessageIndex = &model;
    let (epoch, other) = (Epoch::parse("e1").unwrap(), Epoch::parse("e2").unwrap());
    assert_eq!(index.checkpoint(&epoch).await.unwrap(), 0);
    let (room, user) = (RoomId::from_uuid(fresh()), UserId::from_uuid(fresh()));
    let doc = message(&room, &user);
    let id = doc.id;
    let membership = MembershipDoc {
        marker_number: 1,
        marker_main: 1,
        marker_moved: true,
        marker_message_id: Some(id),
        marker_at: 8,
        marker_updated: 8,
        updated: 8,
        ..MembershipDoc::begun(room, user, Timestamp::from_millis(1), 1)
    };
    let room_doc = room_doc(&room);
    let docs = vec![
        Document::Room(std::sync::Arc::new(room_doc)),
        Document::Message(std::sync::Arc::new(doc)),
        Document::Membership(std::sync::Arc::new(membership)),
    ];
    model.writer().commit(0, epoch.at(9), docs).await.unwrap();
    assert_eq!(index.checkpoint(&epoch).await.unwrap(), 9);
    assert_eq!(index.checkpoint(&other).await.unwrap(), 0);
    assert!(index.wait_for(9, crate::kit::PATIENCE).await);
    let found = index.message(&id).await.unwrap().unwrap();
    assert_eq!((found.posted, found.deleted), (7, true));
    let client_id = ClientId::parse("c1").unwrap();
    assert_eq!(index.by_client_id(&room, &user, &client_id).await.unwrap(), Some(7));
    assert_eq!(
        index.by_client_id(&room, &UserId::from_uuid(fresh()), &client_id).await.unwrap(),
        None
    );
    assert_eq!(
        index.marker(&room, &user).await.unwrap(),
        Some(Marked { message: id, posted: 7, moved: true })
    );
    assert_eq!(index.marker(&room, &UserId::from_uuid(fresh())).await.unwrap(), None);
}

/// Not a test of anything but speed: `cargo test -p chat-svc --test it -- --ignored --nocapture posting`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn posting_rate() {
    const POSTS: usize = 20_000;
    const IN_FLIGHT: usize = 256;
    use futures_util::StreamExt;
    let folder = tempfile::tempdir().unwrap();
    let world = World::start().await;
    let instance = world.with_index(Arc::new(read_model(&folder).await)).await;
    let ada = world.register("ada").await;
    let general = world.first.general.unwrap();
    let context = context(&ada);
    let log = world.log.clone();
    drop(world.first);
    for (what, round) in [("first", 0), ("second", 1)] {
        let begun = std::time::Instant::now();
        futures_util::stream::iter(0..POSTS)
            .map(|n| {
                let command =
                    say_as(&general, &format!("c{round}-{n}"), "hello, this is a message");
                let (bus, context) = (instance.bus.clone(), context.clone());
                async move { call(&bus, &context, &command).await.unwrap() }
            })
            .buffer_unordered(IN_FLIGHT)
            .collect::<Vec<_>>()
            .await;
        let rate = POSTS as f64 / begun.elapsed().as_secs_f64();
        println!("{what} {POSTS} posts: {rate:.0}/s");
    }
    let lane = schemas::Lane::Timeline(general);
    let begun = std::time::Instant::now();
    futures_util::stream::iter(0..POSTS)
        .map(|n| {
            let claim = schemas::events::NameClaimed { owner: format!("{n:0>300}") };
            let event = crate::kit::event(claim);
            let write = eventlog::LaneWrite::new(lane, event, eventlog::Expect::Any);
            let log = log.clone();
            async move { log.append(vec![write]).await.unwrap() }
        })
        .buffer_unordered(IN_FLIGHT)
        .collect::<Vec<_>>()
        .await;
    let rate = POSTS as f64 / begun.elapsed().as_secs_f64();
    println!("{POSTS} bare appends: {rate:.0}/s");
}
