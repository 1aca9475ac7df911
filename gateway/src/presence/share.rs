//! What gateways tell each other about people: changes as they happen, answers to questions, and that they are alive.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Bus, BusError, Ephemeral, EphemeralKind};
use schemas::{AreOnline, Timestamp, UserId, WhoIsOnline};
use serde::Serialize;
use serde::de::DeserializeOwned;
use service::ticks;
use telemetry::{Shutdown, error_chain};
use tokio::time::timeout;

use super::table::Turn;
use super::words::{Alive, GatewayId, Message, Says, Word};
use super::{PATIENCE, Presence};

/// How often it is looked what has changed.
const TURN: Duration = Duration::from_millis(200);
/// How often a gateway says that it is alive.
const ALIVE: Duration = Duration::from_secs(5);
/// How often what is to be kept is written, and tried again.
const KEEP: Duration = Duration::from_secs(1);
/// How often others are asked about everybody again: words may be lost.
const REFRESH: Duration = Duration::from_secs(30);
/// People in one message.
const AT_ONCE: usize = 500;
/// How soon a subscription is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells sockets and other gateways who is present, and listens to the others, until asked to stop; then says goodbye.
pub(crate) async fn share(presence: Arc<Presence>, shutdown: Shutdown) {
    tokio::select! {
        () = shutdown.wait() => {}
        () = presence.turns() => {}
        () = presence.is_alive() => {}
        () = presence.keeps() => {}
        () = presence.refreshes() => {}
        () = presence.listens(EphemeralKind::Presence, Presence::hears) => {}
        () = presence.says_who_is_online() => {}
        () = presence.listens(EphemeralKind::Gateway, |presence: &Presence, alive: Alive| presence.knows_alive(&alive)) => {}
    }
    presence.goodbye().await;
}

async fn publish(bus: &Bus, about: Ephemeral<'_>, message: &impl Serialize) {
    if let Err(error) = bus.publish_ephemeral(about, message).await {
        tracing::debug!(error = %error_chain(&error), "other gateways are not told");
    }
}

impl Presence {
    async fn turns(&self) {
        let mut ticks = ticks(TURN);
        loop {
            ticks.tick().await;
            self.blocks_changed().await;
            let words = self.turn();
            for people in words.chunks(AT_ONCE) {
                self.say(Says::Changed { people: people.to_vec() }).await;
            }
        }
    }

    /// Tells sockets what has changed; what others are to be told, if there are any.
    fn turn(&self) -> Vec<Word> {
        let rewatch = self.hub.take_watchers_changed();
        let preferences = self.hub.take_presence_preferences();
        let mut state = self.state.lock();
        for (user, private) in preferences {
            state.table.set_private(&user, private);
        }
        let turn = state.table.turn(Instant::now(), Timestamp::now());
        let Turn { news, words, last_seen, hidden } = turn;
        self.deliver(&mut state, news, |_| false);
        for user in rewatch {
            for socket in state.table.watching(&user) {
                let news = state.table.again(socket);
                self.deliver(&mut state, news, |other| other == socket);
            }
        }
        let alone = state.table.others().next().is_none();
        drop(state);
        self.keep(last_seen.into_iter().map(|(user, at)| (user, Some(at))));
        self.keep(hidden.into_iter().map(|user| (user, None)));
        if alone { Vec::new() } else { words }
    }

    async fn is_alive(&self) {
        let mut ticks = ticks(ALIVE);
        loop {
            self.say_alive(false).await;
            ticks.tick().await;
        }
    }

    async fn say_alive(&self, leaving: bool) {
        let sockets = if leaving { 0 } else { self.own_sockets() };
        let alive = Alive { gateway: self.gateway.clone(), leaving, sockets };
        publish(&self.bus, Ephemeral::Gateway(&self.gateway), &alive).await;
    }

    async fn keeps(&self) {
        let mut ticks = ticks(KEEP);
        loop {
            ticks.tick().await;
            self.keep_noted().await;
        }
    }

    async fn refreshes(&self) {
        loop {
            // Either way it is time.
            let _ = timeout(REFRESH, self.appeared.notified()).await;
            let everybody = {
                let mut state = self.state.lock();
                let concerned = state.table.watching_or_watched();
                state.blocks.retain(&concerned);
                state.table.concerned()
            };
            if !everybody.is_empty() {
                self.ask(everybody).await;
            }
        }
    }

    async fn listens<T: DeserializeOwned>(
        &self,
        kind: EphemeralKind,
        hear: impl Fn(&Self, T) -> Option<Says>,
    ) {
        loop {
            let feed: Result<_, BusError> = self.bus.ephemeral::<T>(kind).await;
            match feed {
                Ok(mut feed) => {
                    while let Some(told) = feed.next().await {
                        if let Some(answer) = hear(self, told) {
                            self.say(answer).await;
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "other gateways are not heard");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Answers those who are no gateways and want to know who has a socket.
    async fn says_who_is_online(&self) {
        loop {
            match self.bus.ephemeral::<WhoIsOnline>(EphemeralKind::Who).await {
                Ok(mut feed) => {
                    while let Some(asked) = feed.next().await {
                        let present = self.state.lock().table.present(&asked.users);
                        let users: Vec<UserId> =
                            present.into_iter().map(|word| word.user).collect();
                        if !users.is_empty() {
                            let answer = AreOnline { question: asked.question, users };
                            publish(&self.bus, Ephemeral::Online, &answer).await;
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "questions are not heard");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Hears a word of another gateway; what is to be answered.
    fn hears(&self, message: Message) -> Option<Says> {
        let Message { gateway, says } = message;
        if gateway == self.gateway {
            return None;
        }
        self.is_known(&gateway);
        match says {
            Says::Changed { people } => self.state.lock().table.heard(&gateway, people),
            Says::Who { question, users } => {
                let people = self.state.lock().table.present(&users);
                return Some(Says::These { to: gateway, question, people });
            }
            Says::These { to, question, people } => {
                if to == self.gateway
                    && let Some(users) = self.questions.users(question)
                {
                    self.state.lock().table.answered(&gateway, &users, people);
                    self.questions.answered(question, &gateway);
                }
            }
        }
        None
    }

    fn knows_alive(&self, alive: &Alive) -> Option<Says> {
        if alive.gateway != self.gateway {
            if alive.leaving {
                self.state.lock().table.goodbye(&alive.gateway, Instant::now());
            } else {
                self.is_known(&alive.gateway);
            }
            let mut state = self.state.lock();
            state.sockets_elsewhere.insert(alive.gateway.clone(), alive.sockets);
        }
        None
    }

    fn is_known(&self, gateway: &GatewayId) {
        if self.state.lock().table.alive(gateway, Instant::now()) {
            self.appeared.notify_one();
        }
    }

    async fn say(&self, says: Says) {
        let message = Message { gateway: self.gateway.clone(), says };
        publish(&self.bus, Ephemeral::Presence, &message).await;
    }

    /// Asks all other gateways who of these people is there, and waits until they have said so, or for a moment.
    pub(super) async fn ask(&self, users: Vec<UserId>) {
        let others: HashSet<GatewayId> = self.state.lock().table.others().cloned().collect();
        if others.is_empty() {
            return;
        }
        let mut asked = Vec::new();
        for users in users.chunks(AT_ONCE) {
            let (question, wait) = self.questions.begin(users.to_vec(), others.clone());
            self.say(Says::Who { question, users: users.to_vec() }).await;
            asked.push((question, wait));
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        for (question, wait) in asked {
            let _ = tokio::time::timeout_at(deadline, wait).await;
            self.questions.end(question);
        }
    }

    /// The gateway stops: its people are about to go elsewhere, or are last seen now.
    async fn goodbye(&self) {
        self.say_alive(true).await;
        let farewell = self.state.lock().table.farewell(Timestamp::now());
        self.keep(farewell.into_iter().map(|(user, at)| (user, Some(at))));
        self.keep_noted().await;
    }
}
