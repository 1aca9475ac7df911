//! Serving commands: a NATS micro service, visible to `nats micro ls|info|stats`.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::service::{self, ServiceExt};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use schemas::Rejection;
use schemas::commands::{Accepted, CallContext, Command, Reply};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::call::Incoming;
use crate::local::{Answering, Handler, Typed};
use crate::{Bus, BusError};

/// Handlers of one service at work at the same time, local and remote calls together; more wait.
pub const MAX_CONCURRENT: usize = 1024;
/// How long `stop` waits for handlers at work.
const DRAIN: Duration = Duration::from_secs(10);

/// What makes one endpoint, once the service is there.
type Start = Box<
    dyn FnOnce(Running) -> Pin<Box<dyn Future<Output = Result<Endpoint, BusError>> + Send>> + Send,
>;

/// What every endpoint of a service shares.
#[derive(Clone)]
struct Running {
    bus: Bus,
    service: Arc<service::Service>,
    limit: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

struct Endpoint {
    key: (&'static str, &'static str),
    task: tokio::task::JoinHandle<()>,
}

/// A service being put together. Made by [`Bus::service`].
pub struct ServiceBuilder {
    bus: Bus,
    name: &'static str,
    version: String,
    description: String,
    endpoints: Vec<Start>,
}

/// A service at work. Dropping it leaves the service running until the process ends.
pub struct ServiceHandle {
    bus: Bus,
    endpoints: Vec<Endpoint>,
    service: Arc<service::Service>,
    limit: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

impl Bus {
    /// Begins a service: `name` is the `SERVICE` of its commands, `version` a semantic version.
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
    /// Adds the handler of one command. It runs to its end even when the asker has gone; calls of one
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
        self.endpoints.push(Box::new(move |running| Box::pin(start::<C>(running, handler))));
        self
    }

    /// Starts serving, to other processes and to this one.
    ///
    /// # Errors
    /// [`BusError::Service`] when the name or version is not acceptable or NATS cannot be reached.
    pub async fn start(self) -> Result<ServiceHandle, BusError> {
        let client = self.bus.inner.connection.client();
        let service = client
            .service_builder()
            .description(&self.description)
            .queue_group(self.name)
            .start(format!("{}-{}", self.bus.namespace(), self.name), &self.version)
            .await
            .map_err(|source| BusError::Service { name: self.name.to_owned(), source })?;
        let (stop, stopping) = watch::channel(false);
        let limit = Arc::new(Semaphore::new(MAX_CONCURRENT));
        let service = Arc::new(service);
        let running = Running {
            bus: self.bus.clone(),
            service: Arc::clone(&service),
            limit: Arc::clone(&limit),
            stopping,
        };
        let mut endpoints = Vec::with_capacity(self.endpoints.len());
        for start in self.endpoints {
            endpoints.push(start(running.clone()).await?);
        }
        // The subscriptions are at the server when this comes back: a call right after `start` is served.
        self.bus.barrier().await?;
        tracing::info!(service = self.name, endpoints = endpoints.len(), "serving commands");
        Ok(ServiceHandle { bus: self.bus, endpoints, service, limit, stop })
    }
}

impl ServiceHandle {
    /// Stops taking commands, then waits up to 10 s for those at work.
    pub async fn stop(self) {
        for endpoint in &self.endpoints {
            self.bus.inner.local.remove(endpoint.key);
        }
        self.stop.send_replace(true);
        for endpoint in self.endpoints {
            if endpoint.task.await.is_err() {
                tracing::error!(endpoint = endpoint.key.1, "an endpoint ended early");
            }
        }
        let all = u32::try_from(MAX_CONCURRENT).unwrap_or(u32::MAX);
        if timeout(DRAIN, self.limit.acquire_many(all)).await.is_err() {
            tracing::warn!("commands were still at work when the service stopped");
        }
        if let Some(service) = Arc::into_inner(self.service)
            && let Err(error) = service.stop().await
        {
            tracing::warn!(error, "the service did not stop cleanly");
        }
    }
}

async fn start<C: Command>(running: Running, handler: Handler<C>) -> Result<Endpoint, BusError> {
    let Running { bus, service, limit, stopping } = running;
    let requests = service
        .endpoint_builder()
        .name(C::NAME)
        .add(bus.namespace().command(C::SERVICE, C::NAME))
        .await
        .map_err(|source| BusError::Service { name: C::SERVICE.to_owned(), source })?;
    let typed = Typed { handler, limit };
    bus.inner.local.insert(typed.clone());
    let task = tokio::spawn(serve(requests, typed, stopping));
    Ok(Endpoint { key: (C::SERVICE, C::NAME), task })
}

/// Takes requests, each into a task of its own.
async fn serve<C: Command>(
    mut requests: service::endpoint::Endpoint,
    typed: Typed<C>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let Ok(permit) = Arc::clone(&typed.limit).acquire_owned().await else { return };
        let request = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => break,
            request = requests.next() => request,
        };
        let Some(request) = request else { return };
        let handler = Arc::clone(&typed.handler);
        tokio::spawn(async move {
            answer::<C>(&request, &handler).await;
            drop(permit);
        });
    }
    if let Err(error) = requests.stop().await {
        tracing::debug!(%error, "unsubscribing a stopped endpoint failed");
    }
    // What the server had already sent here would otherwise be lost to its asker.
    while let Some(Some(request)) = requests.next().now_or_never() {
        answer::<C>(&request, &typed.handler).await;
    }
}

async fn answer<C: Command>(request: &service::Request, handler: &Handler<C>) {
    let response = match serde_json::from_slice::<Incoming<C>>(&request.message.payload) {
        Ok(incoming) => carry_out(handler, incoming).await,
        Err(error) => Err(failure(400, &format!("the command cannot be read: {error}"))),
    };
    if let Err(failure) = &response {
        tracing::error!(
            service = C::SERVICE,
            command = C::NAME,
            reason = failure.status,
            "command failed"
        );
    }
    if let Err(error) = request.respond(response).await {
        tracing::warn!(%error, service = C::SERVICE, command = C::NAME, "the answer could not be sent");
    }
}

async fn carry_out<C: Command>(
    handler: &Handler<C>,
    incoming: Incoming<C>,
) -> Result<Bytes, service::error::Error> {
    // A handler that panics must be answered for, or its asker waits for nothing.
    let answering = AssertUnwindSafe(async { handler(incoming.context, incoming.command).await });
    let reply = match answering.catch_unwind().await {
        Ok(Ok(accepted)) => Reply::Accepted(accepted),
        Ok(Err(rejection)) => Reply::Rejected(rejection),
        Err(_) => return Err(failure(500, "the handler panicked")),
    };
    match serde_json::to_vec(&reply) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(failure(500, &format!("the answer cannot be encoded: {error}"))),
    }
}

fn failure(code: usize, status: &str) -> service::error::Error {
    // The status travels in a header, where a line break would be another header.
    let status = status.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    service::error::Error { status, code }
}
