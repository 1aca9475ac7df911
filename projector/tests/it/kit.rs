//! Histories to project, and read models to project them into.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use projector::{Engine, Logged};
use readmodel::{Collection, Document, ProjectionStore, ReadModel, ReadModelUrl};
use schemas::events::*;
use schemas::events::{MemberEvent, MessageEvent, ReceiptEvent, RoomEvent, UserEvent};
use schemas::ids::*;
use schemas::values::*;
use schemas::{Actor, Epoch, Event, EventData, Lane, Namespace, Sequence, Timestamp};
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

static NAMES: AtomicU64 = AtomicU64::new(1);

/// A UUID made of a number, so that a failing case is the same when it is run again.
pub(crate) fn uuid(number: u64) -> Uuid {
    Uuid::from_u128((u128::from(number) << 64) | u128::from(number))
}

pub(crate) fn when(number: u64) -> Timestamp {
    Timestamp::from_millis(1_795_255_200_000 + i64::try_from(number).unwrap() * 1000)
}

pub(crate) fn epoch() -> Epoch {
    Epoch::parse("testlog1").unwrap()
}

pub(crate) fn user(number: u64) -> UserId {
    UserId::from_uuid(uuid(number))
}
pub(crate) fn room(number: u64) -> RoomId {
    RoomId::from_uuid(uuid(number))
}
pub(crate) fn message(number: u64) -> MessageId {
    MessageId::from_uuid(uuid(number))
}
pub(crate) fn notification(number: u64) -> NotificationId {
    NotificationId::from_uuid(uuid(number))
}
pub(crate) fn client(name: &str) -> ClientId {
    ClientId::parse(name).unwrap()
}

pub(crate) fn user_state(number: u64, username: &str) -> UserState {
    UserState {
        id: user(number),
        username: Username::parse(username).unwrap(),
        display_name: DisplayName::parse(&format!("Dr. {username}")).unwrap(),
        email: Email::parse(&format!("{username}@example.org")).unwrap(),
        email_verified: false,
        role: Role::User,
        suspended: false,
        second_factor: false,
        has_password: true,
        deleted: false,
        bio: None,
        avatar_media_id: None,
        // Numbers and names a database could stumble over.
        settings: serde_json::from_str(r#"{"$set":{"a.b":18446744073709551615},"f":0.5}"#).unwrap(),
        preferences: schemas::Preferences::default(),
        created_at: when(number),
    }
}

pub(crate) fn room_state(number: u64, name: &str) -> RoomState {
    RoomState {
        name: Some(RoomName::parse(name).unwrap()),
        visibility: Visibility::Public,
        ..RoomState::begun(room(number), RoomKind::Channel, when(number))
    }
}

pub(crate) fn member_state(in_room: u64, who: u64, present: bool) -> MemberState {
    MemberState {
        room_id: room(in_room),
        user_id: user(who),
        role: RoomRole::Member,
        present,
        muted_until: None,
        banned: false,
        ban: None,
        joined_at: when(who),
        blocks: false,
        blocked: false,
    }
}

pub(crate) fn message_state(in_room: u64, id: u64, sender: u64, body: &str) -> MessageState {
    MessageState {
        id: message(id),
        room_id: room(in_room),
        sender_id: user(sender),
        client_id: None,
        body: Body::parse(body).unwrap(),
        format: Format::Plain,
        attachments: vec![],
        files: Vec::new(),
        mentions: vec![],
        mentions_room: None,
        thread_root_id: None,
        created_at: when(id),
    }
}

pub(crate) fn report_state(in_room: u64, by: u64, about: u64, handled: bool) -> ReportState {
    ReportState {
        id: ReportId::from_uuid(uuid::Uuid::from_u128(u128::from(1_000 * by + about))),
        message_id: message(about),
        room_id: room(in_room),
        reporter_id: user(by),
        reason: Reason::parse("spam").unwrap(),
        status: if handled { ReportStatus::Actioned } else { ReportStatus::Open },
        created_at: when(about),
        handled_by: handled.then(|| user(1)),
        note: None,
        handled_at: handled.then(|| when(700)),
    }
}

/// A log in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) events: Vec<Logged>,
}

impl History {
    pub(crate) fn add(&mut self, data: impl Into<EventData>) -> Sequence {
        let sequence = u64::try_from(self.events.len()).unwrap() + 1;
        let event = event(sequence, data);
        self.events.push(Logged { sequence, stored_at: when(sequence), event });
        sequence
    }

    pub(crate) fn register(&mut self, number: u64, username: &str) -> Sequence {
        self.add(UserRegistered { user: user_state(number, username) })
    }

    pub(crate) fn create_room(&mut self, number: u64, name: &str) -> Sequence {
        self.add(RoomCreated { room: room_state(number, name) })
    }

    pub(crate) fn join(&mut self, in_room: u64, who: u64) -> Sequence {
        self.add(MemberJoined { member: member_state(in_room, who, true) })
    }

    pub(crate) fn leave(&mut self, in_room: u64, who: u64) -> Sequence {
        self.add(MemberLeft { member: member_state(in_room, who, false) })
    }

    pub(crate) fn post(&mut self, in_room: u64, id: u64, sender: u64) -> Sequence {
        self.post_with(message_state(in_room, id, sender, &format!("message {id}")))
    }

    pub(crate) fn post_with(&mut self, message: MessageState) -> Sequence {
        self.add(MessagePosted { message, private: false })
    }

    /// Every event says all blocks after it.
    pub(crate) fn block(&mut self, who: u64, blocked: &[u64]) -> Sequence {
        let blocked: Vec<UserId> = blocked.iter().map(|who| user(*who)).collect();
        let blocked_id = blocked.last().cloned().unwrap_or_else(|| user(99));
        let blocks = BlocksState { user_id: user(who), blocked };
        self.add(BlockAdded { blocked_id, blocks })
    }

    pub(crate) fn edit(&mut self, message: MessageState) -> Sequence {
        let edited_at = when(500);
        self.add(MessageEdited { message, posted: 0, edited_at })
    }

    pub(crate) fn delete(&mut self, in_room: u64, id: u64, root: Option<u64>) -> Sequence {
        self.add(MessageDeleted {
            message_id: message(id),
            room_id: room(in_room),
            sender_id: user(1),
            posted: 0,
            thread_root_id: root.map(message),
            created_at: when(id),
            deleted_at: when(600),
            reason: None,
        })
    }

    pub(crate) fn read(&mut self, in_room: u64, who: u64, up_to: u64) -> Sequence {
        self.read_with(in_room, who, up_to, false)
    }

    pub(crate) fn read_with(
        &mut self,
        in_room: u64,
        who: u64,
        up_to: u64,
        private: bool,
    ) -> Sequence {
        self.add(ReadMoved {
            room_id: room(in_room),
            user_id: user(who),
            message_id: message(up_to),
            posted: 0,
            private,
        })
    }

    /// A name of a user is free again, which concerns no document.
    pub(crate) fn release(&mut self, who: u64) -> Sequence {
        self.add(NameReleased { owner: user(who).to_string(), held_until: None })
    }

    pub(crate) fn follow(&mut self, in_room: u64, who: u64, root: u64, on: bool) -> Sequence {
        let (room_id, user_id, thread_root_id) = (room(in_room), user(who), message(root));
        match on {
            true => self.add(ThreadFollowed { room_id, user_id, thread_root_id }),
            false => self.add(ThreadUnfollowed { room_id, user_id, thread_root_id }),
        }
    }

    pub(crate) fn read_thread(&mut self, in_room: u64, by: u64, root: u64, id: u64) -> Sequence {
        self.add(ThreadRead {
            room_id: room(in_room),
            user_id: user(by),
            thread_root_id: message(root),
            message_id: message(id),
            posted: 0,
        })
    }

    pub(crate) fn report(&mut self, in_room: u64, by: u64, id: u64, handled: bool) -> Sequence {
        let report = report_state(in_room, by, id, handled);
        match handled {
            true => self.add(ReportHandled { report }),
            false => self.add(ReportCreated { report }),
        }
    }

    pub(crate) fn notify(&mut self, id: u64, who: u64) -> Sequence {
        self.add(NotificationCreated {
            notification_id: notification(id),
            user_id: user(who),
            kind: NotificationKind::System,
            title: Some("Title".to_owned()),
            body: Some("Text".to_owned()),
            room_id: None,
            message_id: None,
            created_at: when(id),
            actor_id: None,
            thread_root_id: None,
            posted: 0,
            caused: 0,
            login: false,
        })
    }

    /// An entry about a message of room 1.
    pub(crate) fn notify_about(&mut self, id: u64, who: u64, about: u64) -> Sequence {
        self.add(NotificationCreated {
            notification_id: notification(id),
            user_id: user(who),
            kind: NotificationKind::Mention,
            title: None,
            body: None,
            room_id: Some(room(1)),
            message_id: Some(message(about)),
            created_at: when(id),
            actor_id: Some(user(9)),
            thread_root_id: None,
            posted: about,
            caused: about,
            login: false,
        })
    }

    pub(crate) fn remove_notification(&mut self, who: u64, id: u64) -> Sequence {
        self.add(NotificationRemoved {
            user_id: user(who),
            notification_id: notification(id),
            room_id: None,
            message_id: None,
        })
    }

    pub(crate) fn read_notification(&mut self, who: u64, id: Option<u64>) -> Sequence {
        let notification_id = id.map(notification);
        self.add(NotificationsRead { user_id: user(who), notification_id })
    }
}

pub(crate) fn event(number: u64, data: impl Into<EventData>) -> Event {
    Event {
        id: EventId::from_uuid(uuid(number)),
        time: when(number),
        actor: Actor::System,
        causation: None,
        traceparent: None,
        data: data.into(),
    }
}

/// The lane an event of a history belongs to.
pub(crate) fn lane(event: &Event) -> Lane {
    match &event.data {
        EventData::User(UserEvent::Registered(data)) => Lane::User(data.user.id),
        EventData::Room(RoomEvent::Created(data)) => Lane::Room(data.room.id),
        EventData::Member(MemberEvent::Joined(data)) => {
            Lane::Member(data.member.room_id, data.member.user_id)
        }
        EventData::Message(MessageEvent::Posted(data)) => Lane::Timeline(data.message.room_id),
        EventData::Receipt(ReceiptEvent::Moved(data)) => Lane::Receipts(data.room_id),
        other => panic!("no lane for {}", other.type_name()),
    }
}

/// A read model with nothing in it.
pub(crate) struct Place {
    pub(crate) model: ReadModel,
    pub(crate) url: ReadModelUrl,
    pub(crate) namespace: Namespace,
    _folder: Option<TempDir>,
}

impl Place {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = ReadModelUrl::Sqlite(folder.path().join("read"));
        Self::open(url, Some(folder)).await
    }

    pub(crate) async fn mongo(url: &str) -> Self {
        Self::open(ReadModelUrl::Mongo(url.to_owned()), None).await
    }

    async fn open(url: ReadModelUrl, folder: Option<TempDir>) -> Self {
        let name = format!("t{}", NAMES.fetch_add(1, Ordering::Relaxed));
        let namespace = Namespace::parse(&name).unwrap();
        let model = ReadModel::open(&url, &namespace).await.unwrap();
        Self { model, url, namespace, _folder: folder }
    }

    pub(crate) async fn engine(&self) -> Engine {
        Engine::open(self.model.writer(), epoch()).await.unwrap()
    }

    /// Projects a whole history in one batch.
    pub(crate) async fn project(&self, history: &History) {
        let mut engine = self.engine().await;
        let last = history.events.last().map_or(0, |last| last.sequence);
        engine.apply(&history.events, last).await.unwrap();
    }
}

/// Everything a generation holds, by collection and key.
pub(crate) async fn contents(
    store: &Arc<dyn ProjectionStore>,
) -> BTreeMap<(Collection, String), Document> {
    let mut all = BTreeMap::new();
    for collection in Collection::ALL {
        let mut after = None;
        // Small pages, so that walking from page to page is part of every comparison.
        loop {
            let page = store.scan(collection, after, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.key());
            for doc in page {
                let before = all.insert((collection, doc.key().to_string()), doc);
                assert_eq!(before, None, "a key was scanned twice");
            }
        }
    }
    all
}
