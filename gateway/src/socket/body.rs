//! A socket as the body of the response that opened it.
//!
//! The HTTP layer polls it whenever the connection can be read or written or somebody has woken it. So one
//! task, the connection's own, reads frames, leads the conversation and writes: an idle socket costs no
//! other. What is handed out in one go is written in one call.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

use super::inbound::Inbound;
use super::queue::Outbox;
use super::session::Session;

/// Bytes handed out before the layer below is made to write: as much as its buffer has room for from the
/// beginning. With more it would grow, and keep what it has grown to for as long as the socket lives.
const AT_ONCE: usize = 8 * 1024;
/// Messages read before others get their turn.
const MESSAGES_AT_ONCE: usize = 64;

pub(super) struct SocketBody {
    inbound: Option<Inbound>,
    session: Session,
    outbox: Arc<Outbox>,
    /// Handed out since the layer below was last made to write.
    handed_out: usize,
}

impl SocketBody {
    pub(super) fn new(inbound: Inbound, session: Session, outbox: Arc<Outbox>) -> Self {
        Self { inbound: Some(inbound), session, outbox, handed_out: 0 }
    }

    fn read(&mut self, cx: &mut Context<'_>) {
        for _ in 0..MESSAGES_AT_ONCE {
            if !self.session.listens() {
                return;
            }
            let Some(inbound) = &mut self.inbound else { return };
            match inbound.poll_next(cx) {
                Poll::Ready(Ok(message)) => self.session.incoming(message),
                Poll::Ready(Err(broken)) => {
                    self.session.broken(broken);
                    // Dropped, not kept: what the peer still sends is read and thrown away below, so that
                    // the reason it is told reaches it.
                    self.inbound = None;
                    return;
                }
                Poll::Pending => return,
            }
        }
        cx.waker().wake_by_ref();
    }
}

impl MessageBody for SocketBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if this.handed_out == 0 {
            this.read(cx);
        }
        if this.handed_out >= AT_ONCE {
            this.handed_out = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match this.outbox.poll_frame(cx) {
            Poll::Ready(Some(frame)) => {
                this.handed_out += frame.len();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                this.handed_out = 0;
                Poll::Pending
            }
        }
    }
}
