//! Where a request to open a socket leaves HTTP behind.
//!
//! actix hands such a request over with its connection. It goes through the application like any other, so
//! the same table, log and problems apply; but when the answer is 101 the HTTP layer, with its buffers of 16 KiB
//! a connection, is let go and a [`Connection`] takes its place.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_codec::{Encoder, Framed};
use actix_http::body::{BodySize, MessageBody};
use actix_http::h1::{Codec, Message};
use actix_http::{ConnectionType, Request, Response};
use actix_service::{Service, ServiceFactory};
use actix_web::body::to_bytes;
use actix_web::dev::ServiceResponse;
use actix_web::rt;
use actix_web::{Error, HttpResponse};
use bytes::{Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
use tokio::io::AsyncWriteExt;

use super::connection::Connection;
use super::inbound::Inbound;
use super::session::Session;
use crate::http1::Offers;
use crate::listen::Io;
use crate::live::Outbox;

/// How long a peer may take to read the answer to its handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request that wants to become a socket, and its connection.
pub(crate) type Upgrading = (Request, Framed<Offers<Io>, Codec>);

/// What a handshake has opened, on its way out in the extensions of the response.
pub(super) struct Opened {
    pub(super) session: Session,
    pub(super) outbox: Arc<Outbox>,
}

/// Makes the service that opens sockets, one for each worker thread; `app` makes the application.
pub(crate) struct Upgrades<F> {
    app: F,
}

impl<F> Upgrades<F> {
    pub(crate) const fn through(app: F) -> Self {
        Self { app }
    }
}

impl<F, S, B> ServiceFactory<Upgrading> for Upgrades<F>
where
    F: Fn() -> S,
    S: ServiceFactory<Request, Config = (), Response = ServiceResponse<B>, Error = Error> + 'static,
    S::InitError: std::fmt::Debug,
    B: MessageBody + 'static,
{
    type Response = ();
    type Error = Error;
    type Config = ();
    type Service = Opening<S::Service>;
    type InitError = S::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let making = (self.app)().new_service(());
        Box::pin(async move { making.await.map(|app| Opening { app: Rc::new(app) }) })
    }
}

/// Opens sockets through an application.
pub(crate) struct Opening<S> {
    app: Rc<S>,
}

impl<S, B> Service<Upgrading> for Opening<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ();
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<(), Error>>;

    fn poll_ready(
        &self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        self.app.poll_ready(cx)
    }

    fn call(&self, (request, framed): Upgrading) -> Self::Future {
        let app = Rc::clone(&self.app);
        Box::pin(async move {
            let answer = app.call(request).await;
            let response = match answer {
                Ok(response) => response.map_into_boxed_body().into_parts().1,
                Err(error) => error.error_response(),
            };
            answered(framed, response).await;
            Ok(())
        })
    }
}

/// Writes the answer, and lets the socket begin if one was opened.
async fn answered(framed: Framed<Offers<Io>, Codec>, mut response: HttpResponse) {
    let parts = framed.into_parts();
    let ((mut io, unread), mut codec) = (parts.io.into_parts(), parts.codec);
    let opened = response.extensions_mut().remove::<Opened>();
    let is_opened = opened.is_some();
    let Some(answer) = written(response, is_opened, &mut codec).await else { return };
    let sent = tokio::time::timeout(PATIENCE, io.write_all(&answer)).await;
    if !matches!(sent, Ok(Ok(()))) {
        return;
    }
    match opened {
        Some(Opened { session, outbox }) => {
            // What came along with the handshake belongs to the socket.
            let mut inbound = Inbound::default();
            inbound.extend(&parts.read_buf);
            inbound.extend(&unread);
            rt::spawn(Connection::new(io, inbound, session, outbox));
        }
        // Whether the peer has heard is its own affair.
        None => drop(io.shutdown().await),
    }
}

/// An answer as bytes: the head alone when a socket follows it, else everything.
async fn written(response: HttpResponse, is_opened: bool, codec: &mut Codec) -> Option<Bytes> {
    let (head, body) = response.into_parts();
    let mut head: Response<()> = head.into();
    let mut answer = BytesMut::new();
    if is_opened {
        codec.encode(Message::Item((head, BodySize::Stream)), &mut answer).ok()?;
        return Some(answer.freeze());
    }
    let body = to_bytes(body).await.ok()?;
    head.head_mut().set_connection_type(ConnectionType::Close);
    let size = BodySize::Sized(u64::try_from(body.len()).ok()?);
    codec.encode(Message::Item((head, size)), &mut answer).ok()?;
    codec.encode(Message::Chunk(Some(body)), &mut answer).ok()?;
    Some(answer.freeze())
}
