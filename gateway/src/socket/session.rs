//! A socket's conversation: whose it is, what the client sends, what that leads to.
//!
//! Everything here runs on the worker thread that owns the connection: reading a frame never waits, and what
//! must wait (authentication, joining, commands) is a task of its own on the same thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::rt;
use actix_web::web::Data;
use schemas::commands::Caller;
use schemas::frames::{CloseCode, FrameId, ServerFrame};
use schemas::{Code, Position, Rejection, UserId};
use serde::Serialize;
use tracing::Instrument;

use super::command_queue::{CommandQueue, PendingCommand};
use super::commands::{Outcome, carry_out_posts, outcome_name};
use super::frames::{Content, Fault, Frame, Hello, Ping, SequenceKey, SocketCommand, parse};
use super::inbound::{Broken, Incoming};
use crate::limits::{Allowance, Stranger, too_much};
use crate::live::{Framed, Outbox, TypingPlace, wire};
use crate::problem::problem;
use crate::state::AppState;

/// Commands of one socket that may be under way or waiting for their turn; more are not read.
const MAX_UNDER_WAY: usize = 64;
/// Frames of a socket before its session is known: one hello, and some pings while it is looked at.
const MAX_UNKNOWN: u32 = 60;
/// Milliseconds after which a client that has asked for far too much may come back.
pub(super) const RATE_LIMITED_MS: u32 = 5_000;
/// RFC 6455, section 7.4.1.
const PROTOCOL_ERROR: u16 = 1002;
const INVALID_PAYLOAD: u16 = 1007;

/// Whose the socket is.
#[derive(Clone)]
pub(super) enum Phase {
    /// Not known yet.
    Stranger,
    /// Authenticating, joining or resuming: nothing is read meanwhile.
    Busy,
    /// A user's, and they receive what happens.
    Present(Rc<Caller>),
}

/// What a socket's tasks share with its conversation.
pub(super) struct Shared {
    pub(super) app: Data<AppState>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) phase: RefCell<Phase>,
    /// The user whose slot is to be given back at the end.
    pub(super) seated: RefCell<Option<UserId>>,
    /// The place of a socket among those of its address that have no session.
    pub(super) stranger: RefCell<Option<Stranger>>,
    /// Where the user is typing, as far as this socket says.
    pub(super) typed_in: RefCell<Vec<TypingPlace>>,
    under_way: Cell<usize>,
    queues: RefCell<HashMap<SequenceKey, CommandQueue>>,
}

/// What a client asked to resume from.
#[derive(Clone, Copy)]
pub(super) enum Resume {
    At(Position),
    /// Not a position of this server: answered like one that is not known.
    Unreadable,
}

impl Resume {
    fn read(text: &str) -> Self {
        Position::parse(text).map_or(Self::Unreadable, Self::At)
    }
}

/// The conversation.
pub(super) struct Session {
    shared: Rc<Shared>,
    /// Frames that came before it was known whose they are.
    unknown: u32,
}

impl Session {
    pub(super) fn new(
        app: Data<AppState>,
        outbox: Arc<Outbox>,
        stranger: Option<Stranger>,
    ) -> Self {
        let shared = Shared {
            app,
            outbox,
            phase: RefCell::new(Phase::Stranger),
            seated: RefCell::new(None),
            stranger: RefCell::new(stranger),
            typed_in: RefCell::default(),
            under_way: Cell::new(0),
            queues: RefCell::new(HashMap::new()),
        };
        Self { shared: Rc::new(shared), unknown: 0 }
    }

    /// The handshake has authenticated the user.
    pub(super) fn welcome(&self, caller: Caller) {
        *self.shared.phase.borrow_mut() = Phase::Busy;
        rt::spawn(Rc::clone(&self.shared).enter(None, caller, None));
    }

    /// Whether the next frame can be taken now.
    pub(super) fn listens(&self) -> bool {
        let busy = matches!(*self.shared.phase.borrow(), Phase::Busy);
        !self.shared.outbox.is_open() || (!busy && self.shared.under_way.get() < MAX_UNDER_WAY)
    }

    /// A message came.
    pub(super) fn incoming(&mut self, message: Incoming) {
        let shared = Rc::clone(&self.shared);
        let outbox = &shared.outbox;
        if let Incoming::Close(code) = message {
            return outbox.peer_closed(code);
        }
        if !outbox.is_open() {
            return;
        }
        outbox.heard();
        let allowance = self.allowance();
        if allowance == Allowance::Exhausted {
            let code = CloseCode::RateLimited;
            return outbox.close(code.code(), code.reason(), Some(RATE_LIMITED_MS));
        }
        let refused = allowance == Allowance::Refused;
        match message {
            Incoming::Text(text) => self.text(&text, refused),
            Incoming::Ping(payload) if !refused => {
                outbox.push(wire::pong(&payload));
            }
            Incoming::Ping(_) | Incoming::Pong => {}
            Incoming::Binary => self.shared.close(CloseCode::BadFrame),
            Incoming::Close(_) => {}
        }
    }

    /// Whether one more frame may be dealt with: by the user's allowance, once they are known.
    fn allowance(&mut self) -> Allowance {
        if let Some(user) = self.shared.seated.borrow().as_ref() {
            return self.shared.app.limits.frame(user);
        }
        self.unknown += 1;
        if self.unknown <= MAX_UNKNOWN { Allowance::Granted } else { Allowance::Exhausted }
    }

    /// Nothing more can be read.
    pub(super) fn broken(&self, broken: Broken) {
        let outbox = &self.shared.outbox;
        match broken {
            Broken::TooLarge => self.shared.close(CloseCode::FrameTooLarge),
            Broken::NotUtf8 => outbox.close(INVALID_PAYLOAD, "text is not UTF-8", None),
            Broken::Protocol => outbox.close(PROTOCOL_ERROR, "against RFC 6455", None),
            Broken::Disconnected => outbox.disconnected(),
        }
    }

    fn text(&self, text: &str, refused: bool) {
        let phase = self.shared.phase.borrow().clone();
        let frame = match (parse(text), phase) {
            (Err(Fault::NotJson), _) | (Err(Fault::Invalid { .. }), Phase::Stranger) => {
                return self.shared.close(CloseCode::BadFrame);
            }
            (Err(Fault::Invalid { id, .. }) | Ok(Frame { id, .. }), _) if refused => {
                let rejection = Rejection::new(Code::RateLimited, "too many frames; wait a moment");
                return self.shared.refuse(id, &rejection.retry_after(1));
            }
            (Err(Fault::Invalid { id, rejection }), _) => {
                return self.shared.refuse(id, &rejection);
            }
            (Ok(frame), Phase::Present(caller)) => return self.frame(frame, &caller),
            (Ok(frame), Phase::Stranger | Phase::Busy) => frame,
        };
        let Frame { id, content: Content::Hello(Hello { token, resume }), .. } = frame else {
            return self.shared.close(CloseCode::BadFrame);
        };
        let Some(token) = token else {
            let rejection = Rejection::new(Code::Unauthenticated, "hello needs a token here");
            self.shared.refuse(id, &rejection);
            return self.shared.close(CloseCode::SessionEnded);
        };
        let resume = resume.as_deref().map(Resume::read);
        rt::spawn(Rc::clone(&self.shared).hello(id, token.0, resume));
        *self.shared.phase.borrow_mut() = Phase::Busy;
    }

    fn frame(&self, frame: Frame, caller: &Rc<Caller>) {
        let shared = &self.shared;
        shared.app.sessions.used(&caller.session_id);
        let Frame { id, name, content } = frame;
        match content {
            Content::Ping(Ping {}) if id.is_none() => {}
            Content::Ping(Ping {}) => shared.answer(&ServerFrame::Pong { id }),
            Content::Resume(from) => {
                shared.begin_resume(id, None, Some(Resume::read(&from.position)), caller);
            }
            Content::Hello(Hello { token, resume }) => {
                let resume = resume.as_deref().map(Resume::read);
                shared.begin_resume(id, token.map(|token| token.0), resume, caller);
            }
            Content::Typing(typing) => shared.typing(id, &typing, caller),
            Content::WatchPresence(watch) => shared.watch_presence(id, watch, caller),
            Content::Presence(presence) => shared.presence(id, presence, caller),
            Content::Command(command) => match shared.charge(&command, caller) {
                Ok(bytes) => {
                    shared.take_command(PendingCommand::new(id, name, command, bytes, caller));
                }
                Err(rejection) => shared.refuse(id, &rejection),
            },
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let hub = &self.shared.app.hub;
        self.shared.outbox.gone();
        hub.forget(self.shared.outbox.id());
        if let Some(user) = self.shared.seated.take() {
            self.shared.stops_typing(&user);
            self.shared.app.presence.leaves(&user, self.shared.outbox.id());
            hub.leave(&user, self.shared.outbox.id());
            self.shared.app.limits.socket_went(&user);
        }
        self.shared.queues.take();
    }
}

impl Shared {
    pub(super) fn close(&self, code: CloseCode) {
        self.outbox.close(code.code(), code.reason(), None);
    }

    pub(super) fn answer(&self, frame: &impl Serialize) {
        self.outbox.push(wire::frame(frame));
    }

    /// Answers a frame that was not carried out, if it wants an answer.
    pub(super) fn declined(&self, id: Option<FrameId>, rejection: &Rejection) {
        if id.is_some() {
            self.refuse(id, rejection);
        }
    }

    /// Tells the client of a frame that cannot be read, that was one too many, or that ends the socket, whether it wants an
    /// answer or not.
    pub(super) fn refuse(&self, id: Option<FrameId>, rejection: &Rejection) {
        let trace = telemetry::current_or_new_traceparent();
        let error = Box::new(problem(rejection, trace.trace_id()));
        self.answer(&ServerFrame::Error { id, error });
    }

    /// Counts what a command may store against what the user may have stored.
    fn charge(&self, command: &SocketCommand, caller: &Caller) -> Result<u64, Rejection> {
        if !self.app.limits.count_bytes() {
            return Ok(0);
        }
        let bytes = command.weight();
        let verdict = self.app.limits.store(&caller.user_id, bytes);
        verdict.as_ref().and_then(too_much).map_or(Ok(bytes), Err)
    }

    /// Has a command carried out, after those before it with the same key.
    fn take_command(self: &Rc<Self>, pending: PendingCommand) {
        self.one_more_under_way();
        let key = pending.command.key();
        let mut queues = self.queues.borrow_mut();
        if let Some(waiting) = queues.get_mut(&key) {
            return waiting.push(pending);
        }
        queues.insert(key.clone(), CommandQueue::default());
        let shared = Rc::clone(self);
        rt::spawn(async move {
            let mut next = vec![pending];
            while !next.is_empty() {
                shared.carry_out(next).await;
                next = shared.next_in(&key);
            }
        });
    }

    /// Has a command carried out, or posts that are all to one room.
    async fn carry_out(&self, commands: Vec<PendingCommand>) {
        let Some(PendingCommand { name, caller, .. }) = commands.first() else { return };
        let caller = Rc::clone(caller);
        let span = tracing::info_span!(
            "frame",
            otel.kind = "server",
            frame.kind = name,
            user.id = %caller.user_id,
        );
        let mut waiting = Vec::with_capacity(commands.len());
        let (mut posts, mut other) = (Vec::new(), None);
        let several = commands.len() > 1;
        for PendingCommand { id, name, command, bytes, begun, .. } in commands {
            waiting.push((id, name, bytes, begun));
            match command {
                SocketCommand::Post(post) if several => posts.push(post),
                command => other = Some(command),
            }
        }
        let outcomes = async {
            match other {
                Some(command) => vec![command.carry_out(&self.app, &caller).await],
                None => carry_out_posts(posts, &self.app, &caller).await,
            }
        };
        let outcomes = outcomes.instrument(span.clone()).await;
        let idle = |outcome: &Result<Outcome, _>| {
            outcome.as_ref().is_ok_and(|outcome| outcome.position.is_none())
        };
        let head = match outcomes.iter().any(idle) {
            true => self.app.where_nothing_was_written().await,
            false => None,
        };
        self.wrote(&caller, &outcomes);
        let _in_span = span.enter();
        for ((id, name, bytes, begun), result) in waiting.into_iter().zip(outcomes) {
            self.note(name, outcome_name(&result), begun);
            self.settle(&caller, bytes, &result);
            match result {
                Ok(outcome) if id.is_some() => {
                    let result = outcome.message.map(Box::new);
                    let position = outcome.position.or(head);
                    self.answer(&ServerFrame::Ok { id, position, result });
                }
                Ok(_) => {}
                Err(rejection) => self.declined(id, &rejection),
            }
            self.one_less_under_way();
        }
    }

    /// What was written last is waited for by the session's reads, before any of it is answered.
    fn wrote(&self, caller: &Caller, outcomes: &[Result<Outcome, Rejection>]) {
        let written =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()?.position.as_ref());
        if let Some(newest) = written.max_by_key(|position| position.sequence) {
            self.app.own_writes.note(&caller.session_id, newest);
        }
    }

    /// What was not stored is given back.
    fn settle(&self, caller: &Caller, bytes: u64, result: &Result<Outcome, Rejection>) {
        match result {
            Ok(Outcome { position: Some(_), .. }) => {}
            // It may have been carried out all the same.
            Err(rejection) if rejection.code.retryable() => {}
            Ok(_) | Err(_) => self.app.limits.not_stored(&caller.user_id, bytes),
        }
    }

    pub(super) fn one_more_under_way(&self) {
        self.under_way.set(self.under_way.get() + 1);
    }

    pub(super) fn one_less_under_way(&self) {
        let before = self.under_way.get();
        self.under_way.set(before.saturating_sub(1));
        if before >= MAX_UNDER_WAY {
            self.outbox.wake();
        }
    }

    fn next_in(&self, key: &SequenceKey) -> Vec<PendingCommand> {
        let mut queues = self.queues.borrow_mut();
        let next = queues.get_mut(key).map(CommandQueue::next).unwrap_or_default();
        if next.is_empty() {
            queues.remove(key);
        }
        next
    }

    fn note(&self, frame: &'static str, outcome: &'static str, begun: Instant) {
        let label = Framed { frame, outcome };
        let seconds = begun.elapsed().as_secs_f64();
        self.app.hub.metrics().frames.get_or_create(&label).observe(seconds);
    }

    /// The connection's task looks again: the user is known now, or frames are read again.
    pub(super) fn settled(&self, phase: Phase) {
        *self.phase.borrow_mut() = phase;
        self.outbox.wake();
    }
}
