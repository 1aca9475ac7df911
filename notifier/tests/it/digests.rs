//! Digests: each entry in one mail, whatever step a notifier dies at.

use std::sync::Arc;
use std::time::Duration;

use bus::{Ephemeral, EphemeralKind};
use eventlog::{Expect, LaneWrite};
use readmodel::{Document, MembershipDoc, MessageDoc, NotificationDoc, RoomDoc, UserDoc};
use schemas::events::{MessageState, NotificationCreated, RoomState, UserRegistered, UserState};
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::preferences::MailAbout;
use schemas::values::{Body, Format, NotificationKind, Role, RoomKind};
use schemas::{AreOnline, Digest, Lane, Preferences, Sequence, Timestamp, WhoIsOnline};
use serde_json::json;
use uuid::Uuid;

use crate::house::{House, Running, event, person};
use crate::server::until;

fn group(id: &RoomId) -> RoomState {
    RoomState::begun(*id, RoomKind::Group, Timestamp::from_millis(1))
}

/// An installation in which Bob has mentioned Ada, who is away, and wants mails at once.
struct Scene {
    house: House,
    ada: UserId,
    room: RoomId,
    message: MessageId,
    /// The event that made the entry in the inbox.
    entry: Sequence,
    docs: Vec<Document>,
}

impl Scene {
    async fn new(email: MailAbout) -> Self {
        let house = House::new().await;
        let preferences = Preferences {
            email,
            email_delay_minutes: 0_u64.try_into().unwrap(),
            ..Preferences::default()
        };
        let ada = UserState { preferences, ..person(1, "ada", Role::User) };
        let bob = person(2, "bob", Role::User);
        let (room, message) =
            (RoomId::from_uuid(Uuid::from_u128(7)), MessageId::from_uuid(Uuid::from_u128(8)));
        for (number, user) in [(1, &ada), (2, &bob)] {
            let registered = event(number, UserRegistered { user: user.clone() });
            let lane = Lane::User(user.id);
            house.log.append(vec![LaneWrite::new(lane, registered, Expect::Empty)]).await.unwrap();
        }
        let said = MessageState {
            id: message,
            room_id: room,
            sender_id: bob.id,
            client_id: None,
            body: Body::parse("a secret").unwrap(),
            format: Format::Plain,
            attachments: Vec::new(),
            files: Vec::new(),
            mentions: vec![ada.id],
            mentions_room: None,
            thread_root_id: None,
            created_at: Timestamp::now(),
        };
        let created = NotificationCreated {
            notification_id: NotificationId::from_uuid(Uuid::from_u128(9)),
            user_id: ada.id,
            kind: NotificationKind::Mention,
            title: None,
            body: None,
            room_id: Some(room),
            message_id: Some(message),
            created_at: Timestamp::now(),
            actor_id: Some(bob.id),
            thread_root_id: None,
            posted: 3,
            caused: 3,
            login: false,
        };
        let write = LaneWrite::new(Lane::Inbox(ada.id), event(3, created.clone()), Expect::Any);
        let entry = house.log.append(vec![write]).await.unwrap().position.sequence;
        let member =
            |user: &UserState| MembershipDoc::begun(room, user.id, Timestamp::from_millis(1), 1);
        let docs = vec![
            Document::Room(Arc::new(RoomDoc::begun(group(&room), 1))),
            Document::User(Arc::new(UserDoc { state: bob.clone(), registered: 2, updated: 2 })),
            Document::Membership(Arc::new(member(&ada))),
            Document::Message(Arc::new(MessageDoc::as_posted(&said, 1, 1, 3))),
            Document::Notification(Arc::new(unread(&created, entry))),
        ];
        Self { house, ada: ada.id, room, message, entry, docs }
    }

    /// The read model gets everything up to the log's end, with these documents in place of others of their kind.
    async fn project(&self, others: Vec<Document>) {
        let head = self.house.log.head().await.unwrap();
        let docs = self.docs.iter().cloned().chain(others).collect();
        let position = self.house.log.epoch().at(head);
        self.house.read_model.writer().commit(0, position, docs).await.unwrap();
    }

    async fn keep(&self, bucket: &'static str, key: &str, value: serde_json::Value) {
        let store = self.house.log.secrets(bucket);
        let bytes = serde_json::to_vec(&value).unwrap();
        match store.get(key).await.unwrap() {
            Some((_, revision)) => store.update(key, bytes, revision, None).await.unwrap(),
            None => {
                // Claims end by themselves.
                let ttl = (bucket == "effects").then_some(Duration::from_secs(1));
                store.create(key, bytes, ttl).await.unwrap()
            }
        };
    }

    async fn kept(&self) -> serde_json::Value {
        let store = self.house.log.secrets("digests");
        let found = store.get(self.ada.as_str()).await.unwrap();
        found.map_or(json!({}), |(bytes, _)| serde_json::from_slice(&bytes).unwrap())
    }

    /// Waits until everything that waits for Ada was told, or is not to be.
    async fn settled(&self) {
        until("nothing waits", async || {
            (self.kept().await["settled"].as_u64() >= Some(self.entry)).then_some(())
        })
        .await;
    }

    /// The mails about what Ada has missed.
    async fn digests(&self) -> Vec<String> {
        let mut mails = self.house.mails().await;
        mails.retain(|mail| mail.contains("List-Unsubscribe"));
        mails
    }

    async fn notifier(&self) -> Running {
        self.house.notifier(None).await
    }
}

fn unread(created: &NotificationCreated, at: Sequence) -> NotificationDoc {
    NotificationDoc {
        id: created.notification_id,
        user_id: created.user_id,
        kind: created.kind,
        title: None,
        body: None,
        actor_id: created.actor_id,
        login: false,
        room_id: created.room_id,
        message_id: created.message_id,
        thread_root_id: None,
        posted: created.posted,
        caused: created.caused,
        removed: false,
        read: false,
        created_at: created.created_at,
        created: at,
        updated: at,
    }
}

#[tokio::test]
async fn who_is_away_gets_one_mail_whichever_step_it_is_interrupted_at() {
    let scene = Scene::new(MailAbout::Mentions).await;
    scene.project(Vec::new()).await;
    let running = scene.notifier().await;
    scene.settled().await;
    running.stop().await;
    let mails = scene.digests().await;
    assert_eq!(mails.len(), 1, "{mails:#?}");
    for part in [
        "To: ada <ada@example.org>",
        "List-Unsubscribe: <http://localhost:8080/v1/unsubscribe/",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "bob mentioned you",
        "MIME-Version: 1.0",
    ] {
        assert!(mails[0].contains(part), "{part}: {}", mails[0]);
    }
    assert!(!mails[0].contains("secret"), "{}", mails[0]);
    let done = scene.kept().await;
    let (ada, entry) = (scene.ada.as_str(), scene.entry);
    let waiting = json!({"first": entry, "since_ms": 0, "last": entry, "settled": 0});
    let mut sending = waiting.clone();
    let decided = Timestamp::now().millis();
    sending["sending"] = json!({"through": entry, "decided_ms": decided, "tries": 0});
    // It was sent and noted in the ledger, and the notifier died before, while or after it decided that.
    for state in [&waiting, &sending] {
        scene.keep("digests", ada, state.clone()).await;
        let running = scene.notifier().await;
        scene.settled().await;
        running.counts("digest_mails", "done_before", 1).await;
        running.stop().await;
    }
    // The delivery of the entry comes again.
    scene.keep("digests", ada, done).await;
    scene.house.forget_queue("digests").await;
    let running = scene.notifier().await;
    running.counts("digests", "done_before", 1).await;
    running.stop().await;
    assert_eq!(scene.digests().await, mails, "it is the very same mail");
}

#[tokio::test]
async fn a_notifier_that_died_while_it_sent_is_followed_by_one_that_does() {
    let scene = Scene::new(MailAbout::Mentions).await;
    scene.project(Vec::new()).await;
    let entry = scene.entry;
    let decided = Timestamp::now().millis();
    let sending = json!({
        "first": entry, "since_ms": 0, "last": entry, "settled": 0,
        "sending": {"through": entry, "decided_ms": decided, "tries": 0},
    });
    scene.keep("digests", scene.ada.as_str(), sending).await;
    // The dead one's claim, which ends after a second.
    let mail = Digest::of(["mail", "digest", scene.ada.as_str(), &entry.to_string()]);
    scene.keep("effects", mail.as_str(), json!({"state": "claimed"})).await;
    let running = scene.notifier().await;
    scene.settled().await;
    running.stop().await;
    assert_eq!(scene.digests().await.len(), 1);
}

#[tokio::test]
async fn who_is_there_has_read_it_or_wants_none_gets_none() {
    let there = Scene::new(MailAbout::All).await;
    there.project(Vec::new()).await;
    let mut feed = there.house.bus.ephemeral::<WhoIsOnline>(EphemeralKind::Who).await.unwrap();
    let (bus, ada) = (there.house.bus.clone(), there.ada);
    let gateway = tokio::spawn(async move {
        while let Some(WhoIsOnline { question, users }) = feed.next().await {
            assert_eq!(users, std::slice::from_ref(&ada));
            let answer = AreOnline { question, users };
            bus.publish_ephemeral(Ephemeral::Online, &answer).await.unwrap();
        }
    });
    let read = Scene::new(MailAbout::All).await;
    let own = MembershipDoc {
        marker_number: 1,
        marker_main: 1,
        marker_moved: true,
        marker_message_id: Some(read.message),
        marker_at: read.entry + 1,
        ..MembershipDoc::begun(read.room, read.ada, Timestamp::from_millis(1), 1)
    };
    read.project(vec![Document::Membership(Arc::new(own))]).await;
    let unwanted = Scene::new(MailAbout::None).await;
    unwanted.project(Vec::new()).await;
    for scene in [&there, &read, &unwanted] {
        let running = scene.notifier().await;
        scene.settled().await;
        running.stop().await;
        assert_eq!(scene.digests().await, Vec::<String>::new());
    }
    gateway.abort();
}
