//! Asking a service to carry out a command.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{HeaderMap, Request, RequestErrorKind};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use schemas::TraceParent;
use schemas::commands::{CallContext, Command, Reply};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::Bus;
use crate::local::Typed;
use crate::micro::EndpointStats;

/// How long a call waits when its context names no deadline.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// The header of an answer of a service that took a request and could not deal with it: why.
pub const SERVICE_ERROR: &str = "Nats-Service-Error";
/// The same as a number: 400 for a request that cannot be read, 500 for a service that failed over it.
pub const SERVICE_ERROR_CODE: &str = "Nats-Service-Error-Code";

/// Why there is no answer to a command.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The deadline passed or the connection was lost while waiting. The command may have been, or may
    /// still be, carried out; the same command with the same ids may be sent again.
    #[error("no answer in time; the outcome is not known")]
    Timeout,
    /// No service took the command: none runs, it is full, or NATS cannot be reached. Nothing
    /// was done; try again.
    #[error("no service took the command")]
    NoService,
    /// The service failed over it or answered something that cannot be read: a defect. The
    /// command may have been carried out.
    #[error("the service failed: {0}")]
    Broken(String),
}

/// A [`schemas::commands::Request`] as it is sent: of what the caller keeps.
#[derive(Serialize)]
struct Outgoing<'a, C> {
    context: &'a CallContext,
    command: &'a C,
}

impl Bus {
    /// Sends a command to its service and waits for the answer, as long as the context says (5 s when it
    /// says 0). A service that was started on this very `Bus` (or a clone) is called directly: without NATS,
    /// without JSON, which is why a command is `Clone`. Dropping the future does not stop a command that
    /// is under way.
    ///
    /// # Errors
    /// See [`CallError`]. A refusal by the service is no error but [`Reply::Rejected`].
    pub async fn call<C: Command + Clone + Sync>(
        &self,
        ctx: &CallContext,
        cmd: &C,
    ) -> Result<Reply<C::Output>, CallError> {
        let patience = match ctx.deadline_ms {
            0 => DEFAULT_DEADLINE,
            millis => Duration::from_millis(millis.into()),
        };
        let deadline = Instant::now() + patience;
        match self.inner.local.find::<C>() {
            Some(endpoint) => {
                let runtime = &self.inner.runtime;
                call_here(runtime, endpoint, (ctx.clone(), cmd.clone()), deadline).await
            }
            None => self.call_there(ctx, cmd, deadline).await,
        }
    }

    async fn call_there<C: Command + Sync>(
        &self,
        ctx: &CallContext,
        cmd: &C,
        deadline: Instant,
    ) -> Result<Reply<C::Output>, CallError> {
        let broken = |error: serde_json::Error| CallError::Broken(error.to_string());
        let payload =
            serde_json::to_vec(&Outgoing { context: ctx, command: cmd }).map_err(broken)?;
        let subject = self.inner.namespace.command(C::SERVICE, C::NAME);
        let answer = self.ask(subject, payload.into(), ctx.traceparent.as_ref(), deadline).await?;
        serde_json::from_slice(&answer).map_err(broken)
    }

    /// Sends a command that is encoded; the answer, encoded. Compiled once, not for every command: hence the box.
    fn ask<'a>(
        &'a self,
        subject: String,
        payload: Bytes,
        trace: Option<&'a TraceParent>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Bytes, CallError>> {
        Box::pin(async move {
            let connection = &self.inner.connection;
            if !connection.connected_by(deadline).await {
                return Err(CallError::NoService);
            }
            let generation = connection.state().generation;
            let mut headers = HeaderMap::new();
            if let Some(trace) = trace {
                headers.insert("traceparent", trace.as_str());
            }
            let patience = deadline.saturating_duration_since(Instant::now());
            let request = Request::new().payload(payload).headers(headers).timeout(Some(patience));
            let answer = tokio::select! {
                biased;
                answer = connection.client().send_request(subject, request) => answer,
                () = connection.lost(generation) => return Err(CallError::Timeout),
            };
            let message = answer.map_err(|error| match error.kind() {
                RequestErrorKind::NoResponders => CallError::NoService,
                RequestErrorKind::MaxPayloadExceeded | RequestErrorKind::InvalidSubject => {
                    CallError::Broken(error.to_string())
                }
                _ => CallError::Timeout,
            })?;
            let failure = message.headers.as_ref().and_then(|headers| headers.get(SERVICE_ERROR));
            match failure {
                Some(failure) => Err(CallError::Broken(failure.as_str().to_owned())),
                None => Ok(message.payload),
            }
        })
    }
}

async fn call_here<C: Command>(
    runtime: &Handle,
    endpoint: Typed<C>,
    (ctx, cmd): (CallContext, C),
    deadline: Instant,
) -> Result<Reply<C::Output>, CallError> {
    let Typed { handler, limit, stats } = endpoint;
    let (done, answer) = oneshot::channel();
    let work = Box::pin(async move {
        // A caller who has gone away does not hear of it.
        drop(done.send(handler(ctx, cmd).await));
    });
    run(runtime, work, (limit, stats), deadline).await?;
    match answer.await {
        Ok(Ok(accepted)) => Ok(Reply::Accepted(accepted)),
        Ok(Err(rejection)) => Ok(Reply::Rejected(rejection)),
        Err(unanswered) => Err(CallError::Broken(unanswered.to_string())),
    }
}

/// Runs a handler in a task of its own, so that it is finished even when the caller goes away: as it would be behind
/// NATS. The task is one of the bus's runtime, whose threads serve the connection: on its caller's thread each answer
/// that it waits for would cost a change of threads. Compiled once, not for every command: hence the boxes.
fn run<'a>(
    runtime: &'a Handle,
    work: BoxFuture<'static, ()>,
    (limit, stats): (Arc<Semaphore>, Arc<EndpointStats>),
    deadline: Instant,
) -> BoxFuture<'a, Result<(), CallError>> {
    Box::pin(async move {
        let permit = timeout_at(deadline, limit.acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(CallError::NoService) };
        let noted = Arc::clone(&stats);
        let work = async move {
            let begun = std::time::Instant::now();
            work.await;
            noted.answered(begun.elapsed());
            drop(permit);
        };
        let task = runtime.spawn(work.in_current_span());
        match timeout_at(deadline, task).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failed)) => {
                stats.failed("the handler panicked");
                Err(CallError::Broken(format!("the handler ended early: {failed}")))
            }
            Err(_) => Err(CallError::Timeout),
        }
    })
}
