//! An index that reads the log by itself, and can be stopped or broken.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chat_svc::{
    Addition, Following, IndexError, Indexed, IndexedAddition, IndexedText, Marked, Marker,
    MessageIndex,
};
use eventlog::EventLog;
use parking_lot::Mutex;
use readmodel::StoreError;
use schemas::events::{
    MAX_KINDS, MAX_PINS, MemberAdded, MemberEvent, MemberJoined, MemberLeft, MemberRemoved,
    MessageEvent, MessageState, PinEvent, ReactionEvent, ReceiptEvent, ReportEvent, RoomEvent,
    RoomState, ThreadEvent, UserEvent,
};
use schemas::ids::{MessageId, ReportId, RoomId, UserId};
use schemas::values::{ClientId, Emoji};
use schemas::{Epoch, EventData, Sequence};

/// What the read model would say, read from the log when asked, up to where it was stopped.
pub(crate) struct LogIndex {
    log: EventLog,
    known: tokio::sync::Mutex<Known>,
    stopped: Mutex<Option<Sequence>>,
    broken: AtomicBool,
    lookups: AtomicU64,
}

#[derive(Default)]
struct Known {
    through: Sequence,
    messages: HashMap<MessageId, Indexed>,
    clients: HashMap<(RoomId, UserId, ClientId), Sequence>,
    markers: HashMap<(RoomId, UserId), Marked>,
    following: HashMap<(MessageId, UserId), Following>,
    /// The open ones, by whom.
    reports: HashMap<ReportId, UserId>,
    members: HashMap<RoomId, HashSet<UserId>>,
    reactions: HashMap<MessageId, Vec<(UserId, Emoji)>>,
    pins: HashMap<RoomId, Vec<MessageId>>,
    texts: HashMap<MessageId, IndexedText>,
    people: HashSet<UserId>,
    everyone: HashSet<RoomId>,
    /// Direct rooms of two.
    pairs: HashSet<RoomId>,
    writers: HashSet<(RoomId, UserId)>,
}

impl LogIndex {
    pub(crate) fn new(log: EventLog) -> Self {
        Self {
            log,
            known: tokio::sync::Mutex::default(),
            stopped: Mutex::new(None),
            broken: AtomicBool::new(false),
            lookups: AtomicU64::new(0),
        }
    }

    /// As if the database could not be reached.
    pub(crate) fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    /// How often a client id was looked up.
    pub(crate) fn lookups(&self) -> u64 {
        self.lookups.load(Ordering::SeqCst)
    }

    fn check(&self) -> Result<(), IndexError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("broken on purpose".into()).into());
        }
        Ok(())
    }

    /// As if the projector had stopped after what is in the log now.
    pub(crate) async fn stop(&self) {
        let head = self.log.head().await.expect("head");
        *self.stopped.lock() = Some(head);
    }

    pub(crate) fn resume(&self) {
        *self.stopped.lock() = None;
    }

    async fn caught_up(&self) -> tokio::sync::MutexGuard<'_, Known> {
        let mut known = self.known.lock().await;
        let stopped = *self.stopped.lock();
        let head = self.log.head().await.expect("head").min(stopped.unwrap_or(Sequence::MAX));
        for sequence in known.through + 1..=head {
            let Some(stored) = self.log.get(sequence).await.expect("read") else { continue };
            known.learn(sequence, stored.event().expect("event").data);
        }
        known.through = known.through.max(head);
        known
    }
}

impl Known {
    fn thread(&mut self, event: ThreadEvent) {
        let key = (*event.root(), *event.user());
        let before = self.following.remove(&key);
        let mut after = before.unwrap_or(Following { follows: false, marker: None });
        match event {
            ThreadEvent::Followed(_) => after.follows = true,
            ThreadEvent::Unfollowed(_) => after.follows = false,
            ThreadEvent::Read(e) => {
                after.marker = Some(Marker { message: e.message_id, posted: e.posted });
            }
        }
        self.following.insert(key, after);
    }

    fn learn(&mut self, sequence: Sequence, data: EventData) {
        match data {
            EventData::Message(MessageEvent::Posted(e)) => {
                let message = e.message;
                let who = (message.room_id, message.sender_id);
                self.writers.insert(who);
                if let Some(root) = &message.thread_root_id {
                    let marker = Some(Marker { message: message.id, posted: sequence });
                    let follows = Following { follows: true, marker };
                    self.following.insert((*root, who.1), follows);
                }
                if message.thread_root_id.is_none() {
                    let message = message.id;
                    let at = Marked { message, posted: sequence, moved: true };
                    self.markers.insert(who, at);
                }
                let (body, edited_at) = (message.body.to_string(), None);
                self.texts.insert(message.id, IndexedText { body, edited_at });
                self.messages
                    .insert(message.id, Indexed { posted: sequence, ..Indexed::default() });
                if let Some(client_id) = message.client_id {
                    self.clients.entry((who.0, who.1, client_id)).or_insert(sequence);
                }
            }
            EventData::Message(MessageEvent::Edited(e)) => {
                let (body, edited_at) = (e.message.body.to_string(), Some(e.edited_at));
                self.texts.insert(e.message.id, IndexedText { body, edited_at });
            }
            EventData::Reaction(event) => self.learn_reaction(event),
            EventData::Pin(event) => self.learn_pin(event),
            EventData::Message(MessageEvent::Deleted(e)) => {
                let deleted = Indexed { posted: e.posted, deleted: true, ..Indexed::default() };
                self.messages.insert(e.message_id, deleted);
            }
            EventData::User(UserEvent::Registered(e)) => drop(self.people.insert(e.user.id)),
            EventData::Room(RoomEvent::Created(e)) => self.learn_room(&e.room),
            EventData::Member(
                MemberEvent::Joined(MemberJoined { member })
                | MemberEvent::Added(MemberAdded { member })
                | MemberEvent::Left(MemberLeft { member })
                | MemberEvent::Removed(MemberRemoved { member }),
            ) => {
                let members = self.members.entry(member.room_id).or_default();
                if member.present {
                    members.insert(member.user_id);
                } else {
                    members.remove(&member.user_id);
                }
            }
            EventData::Report(event) => self.learn_report(event),
            EventData::Thread(event) => self.thread(event),
            EventData::Receipt(ReceiptEvent::Moved(e)) => {
                let at = Marked { message: e.message_id, posted: e.posted, moved: true };
                self.markers.insert((e.room_id, e.user_id), at);
            }
            _ => {}
        }
    }
}

impl Known {
    fn learn_report(&mut self, event: ReportEvent) {
        match event {
            ReportEvent::Created(e) => drop(self.reports.insert(e.report.id, e.report.reporter_id)),
            ReportEvent::Handled(e) => drop(self.reports.remove(&e.report.id)),
        }
    }

    fn learn_room(&mut self, room: &RoomState) {
        if room.direct_members.len() == 2 {
            self.pairs.insert(room.id);
        }
        if room.everyone {
            self.everyone.insert(room.id);
        }
    }

    fn learn_reaction(&mut self, event: ReactionEvent) {
        match event {
            ReactionEvent::Added(e) => {
                let reactions = self.reactions.entry(e.message_id).or_default();
                let kinds: HashSet<&Emoji> = reactions.iter().map(|(_, emoji)| emoji).collect();
                let fits = kinds.len() < MAX_KINDS || kinds.contains(&e.emoji);
                let reaction = (e.user_id, e.emoji);
                if fits && !reactions.contains(&reaction) {
                    reactions.push(reaction);
                }
            }
            ReactionEvent::Removed(e) => {
                let reactions = self.reactions.entry(e.message_id).or_default();
                reactions.retain(|(user, emoji)| (user, emoji) != (&e.user_id, &e.emoji));
            }
        }
    }

    fn learn_pin(&mut self, event: PinEvent) {
        match event {
            PinEvent::Pinned(e) => {
                let pins = self.pins.entry(e.room_id).or_default();
                if pins.len() < MAX_PINS && !pins.contains(&e.message_id) {
                    pins.push(e.message_id);
                }
            }
            PinEvent::Unpinned(e) => {
                self.pins.entry(e.room_id).or_default().retain(|id| *id != e.message_id);
            }
        }
    }
}

#[async_trait]
impl MessageIndex for LogIndex {
    async fn checkpoint(&self, _epoch: &Epoch) -> Result<Sequence, IndexError> {
        self.check()?;
        Ok(self.caught_up().await.through)
    }

    async fn wait_for(&self, sequence: Sequence, _patience: Duration) -> bool {
        self.caught_up().await.through >= sequence
    }

    async fn message(&self, id: &MessageId) -> Result<Option<Indexed>, IndexError> {
        Ok(self.caught_up().await.messages.get(id).copied())
    }

    async fn by_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<Sequence>, IndexError> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        let key = (*room, *sender, client_id.clone());
        Ok(self.caught_up().await.clients.get(&key).copied())
    }

    async fn member_count(&self, room: &RoomId) -> Result<Option<u64>, IndexError> {
        self.check()?;
        let known = self.caught_up().await;
        let members = match known.everyone.contains(room) {
            true => Some(known.people.len()),
            false => known.members.get(room).map(HashSet::len),
        };
        Ok(members.and_then(|members| u64::try_from(members).ok()))
    }

    async fn addition(&self, addition: &Addition) -> Result<IndexedAddition, IndexError> {
        self.check()?;
        let known = self.caught_up().await;
        Ok(match addition {
            Addition::Reaction(message, user, emoji) => {
                let all = known.reactions.get(message).cloned().unwrap_or_default();
                let there = all.contains(&(*user, emoji.clone()));
                let counted = all.iter().map(|(_, emoji)| emoji.to_string()).collect();
                IndexedAddition { there, counted }
            }
            Addition::Pin(room, message) => {
                let pins = known.pins.get(room).cloned().unwrap_or_default();
                let there = pins.contains(message);
                IndexedAddition { there, counted: pins.iter().map(ToString::to_string).collect() }
            }
        })
    }

    async fn text(&self, id: &MessageId) -> Result<Option<IndexedText>, IndexError> {
        self.check()?;
        Ok(self.caught_up().await.texts.get(id).cloned())
    }

    async fn open_invites(
        &self,
        _room: &RoomId,
        _now: schemas::Timestamp,
        _limit: usize,
    ) -> Result<Vec<schemas::events::InviteState>, IndexError> {
        self.check()?;
        Ok(Vec::new())
    }

    async fn lapsed_bans(
        &self,
        _room: &RoomId,
        _now: schemas::Timestamp,
        _limit: usize,
    ) -> Result<Vec<UserId>, IndexError> {
        self.check()?;
        Ok(Vec::new())
    }

    async fn erased_message(&self, _: &MessageId) -> Result<Option<MessageState>, IndexError> {
        // The log has no holes.
        Ok(None)
    }

    async fn reports_about(&self, _: &UserId) -> Result<Vec<ReportId>, IndexError> {
        // The log keeps no copies.
        Ok(Vec::new())
    }

    async fn forget_person(&self, _: &UserId) -> Result<(), IndexError> {
        Ok(())
    }

    async fn open_reports(&self, user: &UserId) -> Result<u64, IndexError> {
        let open = self.caught_up().await.reports.values().filter(|by| *by == user).count();
        Ok(u64::try_from(open).unwrap_or(u64::MAX))
    }

    async fn following(
        &self,
        root: &MessageId,
        user: &UserId,
    ) -> Result<Option<Following>, IndexError> {
        Ok(self.caught_up().await.following.get(&(*root, *user)).cloned())
    }

    async fn marker(&self, room: &RoomId, user: &UserId) -> Result<Option<Marked>, IndexError> {
        Ok(self.caught_up().await.markers.get(&(*room, *user)).cloned())
    }

    async fn has_written(&self, room: &RoomId, user: &UserId) -> Result<bool, IndexError> {
        self.check()?;
        Ok(self.caught_up().await.writers.contains(&(*room, *user)))
    }

    async fn share_room(&self, one: &UserId, other: &UserId) -> Result<bool, IndexError> {
        self.check()?;
        let known = self.caught_up().await;
        let shared = |(room, members): (&RoomId, &HashSet<UserId>)| {
            !known.pairs.contains(room) && members.contains(one) && members.contains(other)
        };
        Ok(known.members.iter().any(shared))
    }

    async fn open_reports_of(&self, _message: &MessageId) -> Result<u64, IndexError> {
        self.check()?;
        Ok(0)
    }

    async fn rooms(&self, _: Option<&RoomId>, _: usize) -> Result<Vec<RoomState>, IndexError> {
        Ok(Vec::new())
    }

    async fn aged(
        &self,
        _: (&RoomId, u64),
        _: chat_svc::domain::retention::Fate,
        _: schemas::Timestamp,
        _: usize,
    ) -> Result<Vec<chat_svc::domain::retention::Aged>, IndexError> {
        Ok(Vec::new())
    }

    async fn media_taken(&self, _user: &UserId) -> Result<chat_svc::MediaTaken, IndexError> {
        self.check()?;
        Ok(chat_svc::MediaTaken::default())
    }

    async fn media_of(
        &self,
        _user: &UserId,
        _after: Option<&schemas::MediaId>,
        _limit: usize,
    ) -> Result<Vec<schemas::MediaId>, IndexError> {
        self.check()?;
        Ok(Vec::new())
    }

    async fn media_waiting(
        &self,
        _waiting: readmodel::Waiting,
        _before: schemas::Timestamp,
        _limit: usize,
    ) -> Result<Vec<schemas::MediaId>, IndexError> {
        self.check()?;
        Ok(Vec::new())
    }
}
