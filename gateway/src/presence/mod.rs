//! Presence: who is online, and who is told.
//!
//! Owns what this gateway knows of its own people and of those its sockets watch (`table`), and what gateways tell each
//! other (`words`, `share`). Must not know HTTP or commands. Nothing of it is in the log; when a person was last seen
//! is kept beside it. No traffic grows with the square of people: a person's change goes to those who watch them, a
//! socket watches 200 at most, and gateways hear one word of each change.

mod blocking;
mod blocks;
mod person;
mod questions;
mod rule;
mod share;
mod table;
mod words;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::Bus;
use bytes::{Bytes, BytesMut};
use eventlog::EventLog;
use parking_lot::Mutex;
use readmodel::ReadModel;
use schemas::values::{Patch, PresenceStatus, StatusText};
use schemas::{Rejection, Timestamp, UserId};
use telemetry::error_chain;
use tokio::sync::Notify;

pub(crate) use share::share;

use blocks::Blocks;
use person::Shown;
use questions::Questions;
use rule::Rule;
use table::{News, SocketId, Table};
use words::GatewayId;

use crate::live::{Hub, Outbox, wire};

/// How long other gateways are waited for before a client is answered.
const PATIENCE: Duration = Duration::from_millis(500);
/// People whose last being seen waits to be kept, at most.
const MAX_UNKEPT: usize = 100_000;

/// What the table and the sockets it tells are together.
#[derive(Default)]
struct State {
    table: Table,
    blocks: Blocks,
    /// How many sockets each other gateway said it has; some of them may be gone.
    sockets_elsewhere: HashMap<GatewayId, u64>,
    /// The sockets that watch others.
    outboxes: HashMap<SocketId, Arc<Outbox>>,
}

/// The presence of people, as one gateway knows it.
pub(crate) struct Presence {
    state: Mutex<State>,
    questions: Questions,
    /// Another gateway has appeared: it is asked about everybody.
    appeared: Notify,
    /// When people were last seen, until it is kept. None: nothing is to be kept of them.
    unkept: Mutex<HashMap<UserId, Option<Timestamp>>>,
    hub: Hub,
    bus: Bus,
    log: EventLog,
    read_model: ReadModel,
    /// This gateway's name.
    gateway: GatewayId,
}

impl Presence {
    /// Knows of no one yet. `gateway` is a name that no other has.
    pub(crate) fn new(
        hub: Hub,
        bus: Bus,
        log: EventLog,
        read_model: ReadModel,
        gateway: String,
    ) -> Self {
        Self {
            state: Mutex::default(),
            questions: Questions::default(),
            appeared: Notify::new(),
            unkept: Mutex::default(),
            hub,
            bus,
            log,
            read_model,
            gateway,
        }
    }

    /// The name of this gateway among the others, new with every start.
    pub(crate) fn gateway(&self) -> &str {
        &self.gateway
    }

    /// How many sockets are open, over all gateways, as they said within the last seconds.
    pub(crate) fn sockets(&self) -> u64 {
        let mut state = self.state.lock();
        let alive: HashSet<GatewayId> = state.table.others().cloned().collect();
        state.sockets_elsewhere.retain(|gateway, _| alive.contains(gateway));
        self.own_sockets() + state.sockets_elsewhere.values().sum::<u64>()
    }

    fn own_sockets(&self) -> u64 {
        u64::try_from(self.hub.sockets()).unwrap_or(u64::MAX)
    }

    /// The users who have a socket here.
    pub(crate) fn people_here(&self) -> Vec<UserId> {
        self.state.lock().table.people_here().cloned().collect()
    }

    /// A socket of a user has joined, who may have turned their presence off.
    pub(crate) fn arrives(self: &Arc<Self>, user: &UserId, socket: SocketId, private: bool) {
        let rooms = self.hub.rooms_that_decide(user);
        let new = self.state.lock().table.arrives(user, socket, private, rooms);
        if new {
            let (presence, user) = (Arc::clone(self), *user);
            tokio::spawn(async move { presence.ask(vec![user]).await });
        }
    }

    /// A socket has gone.
    pub(crate) fn leaves(&self, user: &UserId, socket: SocketId) {
        let mut state = self.state.lock();
        state.outboxes.remove(&socket);
        state.table.leaves(user, socket, Instant::now(), Timestamp::now());
    }

    /// A user says what they are.
    pub(crate) fn set(
        &self,
        user: &UserId,
        socket: SocketId,
        status: PresenceStatus,
        text: Patch<StatusText>,
    ) {
        self.state.lock().table.sets(user, socket, status, text, Timestamp::now());
    }

    /// A socket watches these people from now on and no others, and is told of each of them.
    ///
    /// # Errors
    /// `unavailable` when the log does not say who blocks whom; the former list stands then.
    pub(crate) async fn watch(
        &self,
        user: &UserId,
        outbox: &Arc<Outbox>,
        list: Vec<UserId>,
    ) -> Result<(), Rejection> {
        self.learn_blocks(std::iter::once(user).chain(&list)).await?;
        let socket = outbox.id();
        let (question, unknown) = {
            let mut state = self.state.lock();
            state.outboxes.insert(socket, Arc::clone(outbox));
            state.table.watch(socket, user, list)
        };
        if !unknown.is_empty() {
            self.ask(unknown).await;
        }
        self.look_up(socket).await;
        let mut state = self.state.lock();
        let news = state.table.answer(socket, question);
        self.deliver(&mut state, news, |other| other == socket);
        if !outbox.is_open() {
            // It went while others were asked.
            state.outboxes.remove(&socket);
            state.table.unwatch(socket);
        }
        Ok(())
    }

    /// Finds out when the people on a socket's list who are not there were last seen.
    async fn look_up(&self, socket: SocketId) {
        let absent = self.state.lock().table.absent(socket);
        if absent.is_empty() {
            return;
        }
        let kept = async { self.read_model.side().await?.last_seen(&absent).await };
        match kept.await {
            Ok(kept) => {
                let kept = kept.into_iter().collect();
                self.state.lock().table.looked_up(&absent, &kept);
            }
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), "it is not known when users were last seen");
            }
        }
    }

    /// Gives news to sockets, as far as their users may know. One whose user may not is told `offline` when it `asks`,
    /// and else nothing: that something has changed is news, too.
    fn deliver(&self, state: &mut State, news: Vec<News>, asks: impl Fn(SocketId) -> bool) {
        let mut runs: HashMap<SocketId, BytesMut> = HashMap::new();
        let watchers = news.iter().flat_map(|news| &news.sockets);
        let watchers = watchers.filter_map(|socket| state.table.watcher(*socket));
        let rule = Rule::of(&self.hub, watchers);
        for News { user, shown, last_seen, sockets } in news {
            let told = wire::frame(&shown.frame(&user, last_seen));
            let mut hidden: Option<Bytes> = None;
            for socket in sockets {
                let Some(watcher) = state.table.watcher(socket) else { continue };
                let rooms = || state.table.rooms_there(&user).cloned();
                let may = state.blocks.allow(watcher, &user) && rule.allows(watcher, &user, rooms);
                if !may && !asks(socket) {
                    continue;
                }
                let frame = if may {
                    &told
                } else {
                    hidden.get_or_insert_with(|| wire::frame(&Shown::OFFLINE.frame(&user, None)))
                };
                runs.entry(socket).or_default().extend_from_slice(frame);
            }
        }
        for (socket, run) in runs {
            if let Some(outbox) = state.outboxes.get(&socket) {
                outbox.push(run.freeze());
            }
        }
    }

    /// Notes what is to be kept.
    fn keep(&self, users: impl Iterator<Item = (UserId, Option<Timestamp>)>) {
        let mut unkept = self.unkept.lock();
        for (user, seen) in users {
            if unkept.len() < MAX_UNKEPT || unkept.contains_key(&user) {
                unkept.insert(user, seen);
            }
        }
    }

    /// Keeps what is noted; what cannot be kept now is tried again.
    async fn keep_noted(&self) {
        let noted = std::mem::take(&mut *self.unkept.lock());
        if noted.is_empty() {
            return;
        }
        let all = noted.iter().map(|(user, seen)| (*user, *seen)).collect();
        let kept = async { self.read_model.side().await?.keep_last_seen(all).await };
        if let Err(error) = kept.await {
            tracing::warn!(error = %error_chain(&error), "when users were last seen is not kept yet");
            let mut unkept = self.unkept.lock();
            for (user, seen) in noted {
                unkept.entry(user).or_insert(seen);
            }
        }
    }
}
