//! What is to be written to one socket: bounded in frames and bytes, never waited for. It is the port through
//! which the live half speaks to a socket, so it stands here and not with the connection.
//!
//! The hub and the socket's own answers put frames in; the connection's task takes them out and writes
//! many in one call. A peer that reads too slowly is closed with a code it
//! can resume after, and what waited for it is freed at once.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;
use schemas::frames::CloseCode;

use super::metrics::LiveMetrics;
use super::wire;

/// Names a socket of this gateway.
pub(crate) type SocketId = u64;

/// Frames that may wait for a peer.
pub(crate) const MAX_FRAMES: usize = 1_024;
/// Bytes that may wait for a peer.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;
/// Bytes at which a queue is as good as empty.
const DRAINED: usize = 16 * 1024;
/// Seconds in which nothing could be written to a peer for whom frames wait.
const STALLED: u16 = 15;
/// Seconds a socket has for its first `hello`.
pub(crate) const HELLO: u16 = 10;
/// Seconds between pings, as `welcome` announces them.
pub(crate) const HEARTBEAT: u16 = 25;
/// Pings a peer may leave unanswered.
const MAX_UNANSWERED: u8 = 2;
/// Seconds a peer that stopped reading has to read the reason it was closed for: until the close is written, and once
/// more until it is answered. What is written lies in the kernel's buffers, and a connection that is closed while the
/// peer still sends (a pong is enough) is reset, which drops what lies there (RFC 9293, 3.10.7.1).
const FAREWELL: u16 = 60;
/// Seconds any other peer has to answer a close it was sent.
const GOODBYE: u16 = 2;

/// Where in its life a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Frames go in and out.
    Open,
    /// Nothing goes in any more; the last frame that goes out is a close.
    Closing,
    /// The close is out; the peer's answer is awaited.
    Said,
    /// Over.
    Over,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// The connection's task, when it waits for frames.
    reader: Option<Waker>,
    /// A replay, when it waits for room.
    writer: Option<Waker>,
    /// The peer has closed.
    peer_closed: bool,
    /// A user is known.
    greeted: bool,
    /// Seconds without one.
    strange: u16,
    /// Seconds in this stage, or without progress in it.
    age: u16,
    /// Seconds the peer has to answer its close.
    patience: u16,
    /// Seconds until the next ping.
    next_ping: u16,
    unanswered: u8,
}

/// A socket as everything but its own connection sees it.
#[derive(Debug)]
pub struct Outbox {
    id: SocketId,
    state: Mutex<State>,
    metrics: Arc<LiveMetrics>,
}

impl Outbox {
    pub(crate) fn new(id: SocketId, metrics: Arc<LiveMetrics>) -> Self {
        metrics.sockets.inc();
        // Sockets that came together are not pinged together.
        let jitter = u16::try_from(id % u64::from(HEARTBEAT)).unwrap_or(0);
        let state = State {
            stage: Stage::Open,
            frames: VecDeque::new(),
            bytes: 0,
            reader: None,
            writer: None,
            peer_closed: false,
            greeted: false,
            strange: 0,
            age: 0,
            patience: GOODBYE,
            next_ping: 1 + jitter,
            unanswered: 0,
        };
        Self { id, state: Mutex::new(state), metrics }
    }

    /// Which socket of this gateway.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.id
    }

    /// Puts a frame in that is of no use later: a peer who reads slowly goes without it.
    pub(crate) fn offer(&self, frame: Bytes) -> bool {
        let crowded = {
            let state = self.state.lock();
            state.frames.len() >= MAX_FRAMES / 4 || state.bytes >= MAX_BYTES / 4
        };
        !crowded && self.push(frame)
    }

    /// Puts a frame in. False when the socket is closing, or is closed now because too much waits for it.
    pub fn push(&self, frame: Bytes) -> bool {
        let mut state = self.state.lock();
        if state.stage != Stage::Open {
            return false;
        }
        if state.frames.len() >= MAX_FRAMES || state.bytes + frame.len() > MAX_BYTES {
            self.end(&mut state, CloseCode::SlowConsumer.code(), CloseCode::SlowConsumer.reason());
            return false;
        }
        if state.frames.is_empty() {
            state.age = 0;
        }
        state.bytes += frame.len();
        state.frames.push_back(frame);
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        true
    }

    /// Closes the socket at once: what waits for it is dropped.
    pub fn close_now(&self, code: CloseCode) {
        let mut state = self.state.lock();
        if state.stage == Stage::Open {
            self.end(&mut state, code.code(), code.reason());
        }
    }

    fn end(&self, state: &mut State, code: u16, reason: &'static str) {
        (state.frames, state.bytes) = (VecDeque::new(), 0);
        self.say_farewell(state, code, reason, None);
    }

    /// Closes the socket after what waits for it. `retry_after_ms`: when to come back.
    pub fn close(&self, code: u16, reason: &str, retry_after_ms: Option<u32>) {
        let mut state = self.state.lock();
        if state.stage == Stage::Open {
            self.say_farewell(&mut state, code, reason, retry_after_ms);
        }
    }

    fn say_farewell(&self, state: &mut State, code: u16, reason: &str, wait: Option<u32>) {
        self.metrics.close(code);
        for frame in wire::farewell(code, reason, wait) {
            state.bytes += frame.len();
            state.frames.push_back(frame);
        }
        if code == CloseCode::SlowConsumer.code() {
            state.patience = FAREWELL;
        }
        state.stage = Stage::Closing;
        state.age = 0;
        wake(state.reader.take());
        wake(state.writer.take());
    }

    /// The peer has sent a close: it is answered, and that is the end.
    pub(crate) fn peer_closed(&self, code: u16) {
        let mut state = self.state.lock();
        state.peer_closed = true;
        match state.stage {
            Stage::Open => {
                state.frames = VecDeque::from([wire::close(code, "")]);
                state.bytes = 0;
                state.stage = Stage::Closing;
                wake(state.writer.take());
            }
            Stage::Said => state.stage = Stage::Over,
            Stage::Closing | Stage::Over => {}
        }
    }

    /// The peer has disconnected without a close.
    pub(crate) fn disconnected(&self) {
        self.state.lock().over();
    }

    /// The connection has gone: nothing will be taken any more.
    pub(crate) fn gone(&self) {
        self.state.lock().over();
        self.metrics.sockets.dec();
    }

    /// Whether frames can be put in.
    pub(crate) fn is_open(&self) -> bool {
        self.state.lock().stage == Stage::Open
    }

    /// The user is known: no `hello` is waited for any more.
    pub(crate) fn greeted(&self) {
        self.state.lock().greeted = true;
    }

    /// The peer has sent something.
    pub(crate) fn heard(&self) {
        self.state.lock().unanswered = 0;
    }

    /// Lets the connection's task look at its state again.
    pub(crate) fn wake(&self) {
        wake(self.state.lock().reader.take());
    }

    /// Takes frames out, about `at_most` bytes of them; false when the socket is over. For the
    /// connection's task only, and only when it has written what it took before.
    pub(crate) fn poll_take(
        &self,
        cx: &Context<'_>,
        into: &mut VecDeque<Bytes>,
        at_most: usize,
    ) -> Poll<bool> {
        let mut state = self.state.lock();
        if state.stage == Stage::Over {
            return Poll::Ready(false);
        }
        if state.frames.is_empty() {
            state.watch(cx);
            return Poll::Pending;
        }
        let mut bytes = 0;
        while bytes < at_most
            && let Some(frame) = state.frames.pop_front()
        {
            bytes += frame.len();
            into.push_back(frame);
        }
        state.taken(bytes);
        Poll::Ready(true)
    }

    /// Whether the socket is over although its connection has not written everything. If not, the
    /// connection's task is woken when it is.
    pub(crate) fn is_over(&self, cx: &Context<'_>) -> bool {
        let mut state = self.state.lock();
        state.watch(cx);
        state.stage == Stage::Over
    }

    /// Waits until nearly all of the queue was taken out; false when the socket closes instead.
    pub(crate) async fn drained(&self) -> bool {
        poll_fn(|cx| {
            let mut state = self.state.lock();
            if state.stage != Stage::Open {
                return Poll::Ready(false);
            }
            if state.bytes <= DRAINED {
                return Poll::Ready(true);
            }
            state.writer = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// A second has passed: heartbeats, and an end to what lasts too long. Answers how many frames and bytes
    /// wait.
    pub(crate) fn tick(&self) -> (usize, usize) {
        let mut state = self.state.lock();
        state.age = state.age.saturating_add(1);
        state.strange = if state.greeted { 0 } else { state.strange.saturating_add(1) };
        let waiting = (state.frames.len(), state.bytes);
        match state.stage {
            Stage::Open if waiting.0 > 0 && state.age >= STALLED => {
                let code = CloseCode::SlowConsumer;
                self.end(&mut state, code.code(), code.reason());
            }
            Stage::Open if state.strange > HELLO => {
                let code = CloseCode::HelloTimeout;
                self.end(&mut state, code.code(), code.reason());
            }
            Stage::Open => state.beat(),
            Stage::Said if state.age >= state.patience => state.over(),
            Stage::Closing if state.age >= FAREWELL => state.over(),
            Stage::Closing | Stage::Said | Stage::Over => {}
        }
        waiting
    }
}

impl State {
    /// The connection's task wants to know of the next change.
    fn watch(&mut self, cx: &Context<'_>) {
        if !self.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
            self.reader = Some(cx.waker().clone());
        }
    }

    fn over(&mut self) {
        self.stage = Stage::Over;
        (self.frames, self.bytes) = (VecDeque::new(), 0);
        wake(self.reader.take());
        wake(self.writer.take());
    }

    fn taken(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.age = 0;
        if bytes > DRAINED {
            // A peer that reads so much is alive, whether or not its own frames are looked at meanwhile.
            self.unanswered = 0;
        }
        if self.frames.is_empty() {
            // An idle socket keeps no room for frames.
            self.frames = VecDeque::new();
            if self.stage == Stage::Closing {
                self.stage = if self.peer_closed { Stage::Over } else { Stage::Said };
            }
        }
        if self.bytes <= DRAINED {
            wake(self.writer.take());
        }
    }

    fn beat(&mut self) {
        self.next_ping = self.next_ping.saturating_sub(1);
        if self.next_ping > 0 || !self.greeted {
            return;
        }
        self.next_ping = HEARTBEAT;
        if self.unanswered >= MAX_UNANSWERED {
            return self.over();
        }
        self.unanswered += 1;
        if self.frames.is_empty() {
            self.age = 0;
        }
        self.frames.push_back(wire::ping(b""));
        wake(self.reader.take());
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests;
