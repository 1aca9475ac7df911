//! Serving commands: a NATS micro service whose endpoints share the work with other copies of it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Message, Subscriber, UnsubscribeError};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use schemas::Rejection;
use schemas::commands::{Accepted, CallContext, Command, Reply, Request};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::call::{SERVICE_ERROR, SERVICE_ERROR_CODE};
use crate::local::{Answering, Handler, Registry, Typed};
use crate::micro::{EndpointStats, Micro};
use crate::{Bus, BusError};

/// Handlers of one service at work at the same time, local and remote calls together; more wait.
pub const MAX_CONCURRENT: usize = 1024;
/// How long `stop` waits for requests that are on their way and for handlers at work.
const DRAIN: Duration = Duration::from_secs(10);

/// More requests than can be between the server and this process at any moment.
const ON_THEIR_WAY: u64 = 64;
/// How long that many are waited for when stopping.
const FAREWELL: Duration = Duration::from_millis(300);

/// An answer, encoded; else the code and the reason of a failure.
type EncodedAnswer = Result<Bytes, (u16, String)>;
/// A handler as other processes reach it, by a command that is encoded. Everything around it is compiled once, not for
/// every command.
type Encoded = Arc<dyn Fn(Bytes) -> BoxFuture<'static, EncodedAnswer> + Send + Sync>;
/// Makes a handler known to the callers of this process, within the limit of its service and with its counts.
type MakeKnown = Box<dyn FnOnce(&Registry, Arc<Semaphore>, Arc<EndpointStats>) + Send>;

/// An endpoint of a service that is not started.
struct Planned {
    key: (&'static str, &'static str),
    encoded: Encoded,
    make_known: MakeKnown,
}

/// An endpoint at work.
#[derive(Clone)]
struct Working {
    bus: Bus,
    key: (&'static str, &'static str),
    encoded: Encoded,
    limit: Arc<Semaphore>,
    stats: Arc<EndpointStats>,
}

/// What every endpoint of a service shares.
#[derive(Clone)]
struct Running {
    bus: Bus,
    queue_group: &'static str,
    limit: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

struct Endpoint {
    key: (&'static str, &'static str),
    stats: Arc<EndpointStats>,
    task: JoinHandle<()>,
}

/// A service being put together. Made by [`Bus::service`].
pub struct ServiceBuilder {
    bus: Bus,
    name: &'static str,
    version: String,
    description: String,
    endpoints: Vec<Planned>,
}

/// A service at work. Dropping it leaves the service running until the process ends.
pub struct ServiceHandle {
    bus: Bus,
    endpoints: Vec<Endpoint>,
    questions: JoinHandle<()>,
    limit: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

impl Bus {
    /// Begins a service: `name` is the `SERVICE` of its commands, `version` a semantic version. Others see it
    /// as `<ns>-<name>`.
    #[must_use]
    pub fn service(
        &self,
        name: &'static str,
        version: impl Into<String>,
        description: impl Into<String>,
    ) -> ServiceBuilder {
        ServiceBuilder {
            bus: self.clone(),
            name,
            version: version.into(),
            description: description.into(),
            endpoints: Vec::new(),
        }
    }
}

impl ServiceBuilder {
    /// Adds the handler of one command. It runs to its end even when the caller has gone; calls of one
    /// service run concurrently, at most [`MAX_CONCURRENT`] at once.
    ///
    /// ```ignore
    /// bus.service(AUTH, env!("CARGO_PKG_VERSION"), "accounts")
    ///     .endpoint::<Register, _, _>(move |ctx, cmd| { let auth = auth.clone(); async move { auth.register(ctx, cmd).await } })
    ///     .start().await?;
    /// ```
    #[must_use]
    pub fn endpoint<C, H, F>(mut self, handler: H) -> Self
    where
        C: Command,
        H: Fn(CallContext, C) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Accepted<C::Output>, Rejection>> + Send + 'static,
    {
        let handler: Handler<C> =
            Arc::new(move |ctx, cmd| -> Answering<C::Output> { Box::pin(handler(ctx, cmd)) });
        let encoded = encoded(Arc::clone(&handler));
        let make_known: MakeKnown = Box::new(
            move |registry: &Registry, limit: Arc<Semaphore>, stats: Arc<EndpointStats>| {
                registry.insert(Typed { handler, limit, stats });
            },
        );
        self.endpoints.push(Planned { key: (C::SERVICE, C::NAME), encoded, make_known });
        self
    }

    /// Starts serving, to other processes and to this one. When it returns, a call from anywhere is served.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] when NATS cannot be reached.
    pub async fn start(self) -> Result<ServiceHandle, BusError> {
        let client = self.bus.inner.connection.client().clone();
        let seen_as = format!("{}-{}", self.bus.namespace(), self.name);
        let mut micro = Micro::new(&client, seen_as, self.version, self.description, self.name);
        let (stop, stopping) = watch::channel(false);
        let limit = Arc::new(Semaphore::new(MAX_CONCURRENT));
        let running = Running {
            bus: self.bus.clone(),
            queue_group: self.name,
            limit: Arc::clone(&limit),
            stopping,
        };
        let mut endpoints = Vec::with_capacity(self.endpoints.len());
        for planned in self.endpoints {
            let endpoint = start(running.clone(), planned).await?;
            micro.add(Arc::clone(&endpoint.stats));
            endpoints.push(endpoint);
        }
        let questions = micro.answer_questions(client).await?;
        self.bus.barrier().await?;
        tracing::info!(service = self.name, endpoints = endpoints.len(), "serving commands");
        Ok(ServiceHandle { bus: self.bus, endpoints, questions, limit, stop })
    }
}

impl ServiceHandle {
    /// Stops taking commands, carries out those that were on their way, and waits up to 10 s for those
    /// at work.
    pub async fn stop(self) {
        self.questions.abort();
        for endpoint in &self.endpoints {
            self.bus.inner.local.remove(endpoint.key);
        }
        self.stop.send_replace(true);
        for endpoint in self.endpoints {
            if endpoint.task.await.is_err() {
                tracing::error!(command = endpoint.key.1, "an endpoint ended early");
            }
        }
        let all = u32::try_from(MAX_CONCURRENT).unwrap_or(u32::MAX);
        if timeout(DRAIN, self.limit.acquire_many(all)).await.is_err() {
            tracing::warn!("commands were still at work when the service stopped");
        }
    }
}

fn encoded<C: Command>(handler: Handler<C>) -> Encoded {
    Arc::new(move |payload: Bytes| -> BoxFuture<'static, EncodedAnswer> {
        Box::pin(carry_out(Arc::clone(&handler), payload))
    })
}

async fn carry_out<C: Command>(handler: Handler<C>, payload: Bytes) -> EncodedAnswer {
    let request: Request<C> = serde_json::from_slice(&payload)
        .map_err(|error| (400, format!("the command cannot be read: {error}")))?;
    let reply = match handler(request.context, request.command).await {
        Ok(accepted) => Reply::Accepted(accepted),
        Err(rejection) => Reply::Rejected(rejection),
    };
    serde_json::to_vec(&reply)
        .map(Bytes::from)
        .map_err(|error| (500, format!("the answer cannot be encoded: {error}")))
}

async fn start(running: Running, planned: Planned) -> Result<Endpoint, BusError> {
    let Running { bus, queue_group, limit, stopping } = running;
    let Planned { key, encoded, make_known } = planned;
    let subject = bus.namespace().command(key.0, key.1);
    let client = bus.inner.connection.client();
    let requests = client
        .queue_subscribe(subject.clone(), queue_group.to_owned())
        .await
        .map_err(|error| BusError::Unavailable(error.into()))?;
    let stats = Arc::new(EndpointStats::new(key.1, subject));
    make_known(&bus.inner.local, Arc::clone(&limit), Arc::clone(&stats));
    let working = Working { bus, key, encoded, limit, stats: Arc::clone(&stats) };
    let task = tokio::spawn(serve(working, requests, stopping));
    Ok(Endpoint { key, stats, task })
}

/// Takes requests, each into a task of its own, until told to stop and then until none is on its way.
async fn serve(working: Working, mut requests: Subscriber, mut stopping: watch::Receiver<bool>) {
    let mut taken: u64 = 0;
    loop {
        let request = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => break,
            request = requests.next() => request,
        };
        let Some(request) = request else { return };
        taken += 1;
        take(request, &working).await;
    }
    if let Err(error) = drain(&mut requests, &working, taken).await {
        tracing::debug!(%error, "draining a stopped endpoint failed");
    }
}

/// Leaves the queue group without losing requests in flight. The client library forgets a subscription slightly too
/// early when it is simply ended. So the server is first told to end it after a few more requests than can be in
/// flight, and those are still served. If fewer come there is hardly any traffic, and simply ending it is good enough.
async fn drain(
    requests: &mut Subscriber,
    working: &Working,
    taken: u64,
) -> Result<(), UnsubscribeError> {
    requests.unsubscribe_after(taken + ON_THEIR_WAY).await?;
    if timeout(FAREWELL, take_all(requests, working)).await.is_ok() {
        return Ok(());
    }
    requests.drain().await?;
    if timeout(DRAIN, take_all(requests, working)).await.is_err() {
        tracing::warn!(command = working.key.1, "an endpoint was not drained in time");
    }
    Ok(())
}

async fn take_all(requests: &mut Subscriber, working: &Working) {
    while let Some(request) = requests.next().await {
        take(request, working).await;
    }
}

async fn take(request: Message, working: &Working) {
    let Ok(permit) = Arc::clone(&working.limit).acquire_owned().await else { return };
    let working = working.clone();
    tokio::spawn(async move {
        answer(request, &working).await;
        drop(permit);
    });
}

async fn answer(request: Message, working: &Working) {
    let begun = Instant::now();
    let (service, command) = working.key;
    // The caller of a handler that panics must get an answer, or it waits for nothing.
    let (payload, reply) = (request.payload, request.reply);
    let work = AssertUnwindSafe(async { (working.encoded)(payload).await }).catch_unwind();
    let response = work.await.unwrap_or_else(|_| Err((500, "the handler panicked".to_owned())));
    working.stats.answered(begun.elapsed());
    let Some(reply) = reply else { return };
    let client = working.bus.inner.connection.client();
    let sent = match response {
        Ok(payload) => client.publish(reply, payload).await,
        Err((code, reason)) => {
            tracing::error!(service, command, reason, "a command failed");
            working.stats.failed(&reason);
            client.publish_with_headers(reply, failure(code, &reason), Bytes::new()).await
        }
    };
    if let Err(error) = sent {
        tracing::warn!(%error, service, command, "an answer was not sent");
    }
}

/// The headers by which the micro protocol tells of a failure.
fn failure(code: u16, reason: &str) -> HeaderMap {
    // A line break in a header would begin another header.
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let reason: String = reason.chars().map(printable).take(200).collect();
    let mut headers = HeaderMap::new();
    headers.insert(SERVICE_ERROR, reason);
    headers.insert(SERVICE_ERROR_CODE, code.to_string());
    headers
}
