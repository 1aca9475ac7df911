//! A socket's connection once the handshake is over: one small task that reads, leads the conversation and
//! writes. It keeps no buffers while nothing happens: what is read goes through one buffer per worker
//! thread, what is written goes from the shared frames to the kernel, many frames in one call.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::inbound::{Broken, Inbound};
use super::session::Session;
use crate::listen::Io;
use crate::live::Outbox;

/// Bytes read at once; the buffer is the worker's, not the socket's.
const READ_AT_ONCE: usize = 16 * 1024;
/// Bytes and frames written at once.
const WRITE_AT_ONCE: usize = 64 * 1024;
const FRAMES_AT_ONCE: usize = 64;
/// Messages read before others get their turn.
const MESSAGES_AT_ONCE: usize = 64;

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_AT_ONCE]);
}

/// The connection has ended.
struct Ended;

pub(super) struct Connection {
    io: Io,
    /// None once what the peer sends makes no sense any more: it is read and thrown away then, so that
    /// the reason reaches the peer before the connection ends.
    inbound: Option<Inbound>,
    session: Session,
    outbox: Arc<Outbox>,
    /// Taken from the outbox; the first may be written in part.
    writing: VecDeque<Bytes>,
}

impl Connection {
    pub(super) fn new(io: Io, inbound: Inbound, session: Session, outbox: Arc<Outbox>) -> Self {
        Self { io, inbound: Some(inbound), session, outbox, writing: VecDeque::new() }
    }

    /// Reads until nothing is left, or the conversation must wait for something.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<(), Ended> {
        for _ in 0..MESSAGES_AT_ONCE {
            if !self.session.listens() {
                return Ok(());
            }
            let next = self.inbound.as_mut().map_or(Ok(None), Inbound::next);
            match next {
                Ok(Some(message)) => self.session.incoming(message),
                Ok(None) => match self.fill(cx) {
                    Poll::Ready(filled) => filled?,
                    Poll::Pending => return Ok(()),
                },
                Err(broken) => {
                    self.session.broken(broken);
                    self.inbound = None;
                }
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                self.session.broken(Broken::Disconnected);
                return Poll::Ready(Err(Ended));
            }
            if let Some(inbound) = &mut self.inbound {
                inbound.extend(buffer.filled());
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Writes until nothing is left, or the peer takes no more.
    fn write(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            if self.writing.is_empty() && ready!(self.flush(cx)).is_err() {
                return Poll::Ready(Ended);
            }
            if self.writing.is_empty()
                && !ready!(self.outbox.poll_take(cx, &mut self.writing, WRITE_AT_ONCE))
            {
                return Poll::Ready(Ended);
            }
            let mut slices = [IoSlice::new(&[]); FRAMES_AT_ONCE];
            let count = self.writing.len().min(FRAMES_AT_ONCE);
            for (slice, frame) in slices.iter_mut().zip(&self.writing) {
                *slice = IoSlice::new(frame);
            }
            let slices = slices.get(..count).unwrap_or_default();
            match Pin::new(&mut self.io).poll_write_vectored(cx, slices) {
                Poll::Ready(Ok(written)) if written > 0 => self.written(written),
                Poll::Ready(_) => return Poll::Ready(Ended),
                Poll::Pending if self.outbox.is_over(cx) => return Poll::Ready(Ended),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Has TLS give on what it holds back; what is plain holds nothing back.
    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(_)) => Poll::Ready(Err(Ended)),
            Poll::Pending if self.outbox.is_over(cx) => Poll::Ready(Err(Ended)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn written(&mut self, mut bytes: usize) {
        while let Some(frame) = self.writing.front_mut() {
            if bytes < frame.len() {
                frame.advance(bytes);
                return;
            }
            bytes -= frame.len();
            self.writing.pop_front();
        }
        // An idle socket keeps no room for frames.
        self.writing = VecDeque::new();
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.read(cx).is_err() {
            return Poll::Ready(());
        }
        this.write(cx).map(|Ended| ())
    }
}
