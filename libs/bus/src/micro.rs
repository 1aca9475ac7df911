//! What makes a service visible: the NATS micro protocol (`nats micro ls|info|stats`).
//!
//! Answers `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, for all services, for ours by name and by id.
//! <https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md>

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::{Client, Message};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use schemas::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::BusError;

/// What one endpoint is called and how it is doing.
#[derive(Debug)]
pub(crate) struct EndpointStats {
    pub(crate) name: &'static str,
    pub(crate) subject: String,
    requests: AtomicU64,
    errors: AtomicU64,
    nanoseconds: AtomicU64,
    last_error: Mutex<String>,
}

impl EndpointStats {
    pub(crate) fn new(name: &'static str, subject: String) -> Self {
        Self {
            name,
            subject,
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
            last_error: Mutex::new(String::new()),
        }
    }

    /// A command was carried out or rejected, here or for another process.
    pub(crate) fn answered(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(took, Ordering::Relaxed);
    }

    /// A command could not be read, or its handler failed.
    pub(crate) fn failed(&self, reason: &str) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        reason.clone_into(&mut self.last_error.lock());
    }
}

/// A service as others see it.
pub(crate) struct Micro {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) queue_group: &'static str,
    id: String,
    started: Timestamp,
    endpoints: Vec<Arc<EndpointStats>>,
}

impl Micro {
    pub(crate) fn new(
        client: &Client,
        name: String,
        version: String,
        description: String,
        queue_group: &'static str,
    ) -> Self {
        let inbox = client.new_inbox();
        let id = inbox.rsplit('.').next().unwrap_or(&inbox).to_owned();
        let (started, endpoints) = (Timestamp::now(), Vec::new());
        Self { name, version, description, queue_group, id, started, endpoints }
    }

    pub(crate) fn add(&mut self, endpoint: Arc<EndpointStats>) {
        self.endpoints.push(endpoint);
    }

    /// Answers questions about the service until the task is aborted.
    pub(crate) async fn answer_questions(self, client: Client) -> Result<JoinHandle<()>, BusError> {
        let subjects = [
            "$SRV.*".to_owned(),
            format!("$SRV.*.{}", self.name),
            format!("$SRV.*.{}.{}", self.name, self.id),
        ];
        let mut questions = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let subscriber = client.subscribe(subject).await;
            questions.push(subscriber.map_err(|error| BusError::Unavailable(error.into()))?);
        }
        let mut questions = stream::select_all(questions);
        Ok(tokio::spawn(async move {
            while let Some(question) = questions.next().await {
                self.answer(&client, question).await;
            }
        }))
    }

    async fn answer(&self, client: &Client, question: Message) {
        let body = match question.subject.as_str().split('.').nth(1) {
            Some("PING") => self.about("ping"),
            Some("INFO") => self.info(),
            Some("STATS") => self.stats(),
            _ => return,
        };
        let Some(reply) = question.reply else { return };
        if let Err(error) = client.publish(reply, body.to_string().into()).await {
            tracing::debug!(%error, "a question about a service could not be answered");
        }
    }

    fn about(&self, kind: &str) -> Value {
        json!({
            "type": format!("io.nats.micro.v1.{kind}_response"),
            "name": self.name,
            "id": self.id,
            "version": self.version,
            "metadata": {},
        })
    }

    fn info(&self) -> Value {
        let endpoints: Vec<Value> = self.endpoints.iter().map(|e| self.endpoint(e)).collect();
        let mut info = self.about("info");
        info["description"] = json!(self.description);
        info["endpoints"] = json!(endpoints);
        info
    }

    fn stats(&self) -> Value {
        let endpoints: Vec<Value> = self
            .endpoints
            .iter()
            .map(|endpoint| {
                let requests = endpoint.requests.load(Ordering::Relaxed);
                let nanoseconds = endpoint.nanoseconds.load(Ordering::Relaxed);
                let mut stats = self.endpoint(endpoint);
                stats["num_requests"] = json!(requests);
                stats["num_errors"] = json!(endpoint.errors.load(Ordering::Relaxed));
                stats["last_error"] = json!(*endpoint.last_error.lock());
                stats["processing_time"] = json!(nanoseconds);
                stats["average_processing_time"] =
                    json!(nanoseconds.checked_div(requests).unwrap_or(0));
                stats
            })
            .collect();
        let mut stats = self.about("stats");
        stats["started"] = json!(self.started);
        stats["endpoints"] = json!(endpoints);
        stats
    }

    fn endpoint(&self, endpoint: &EndpointStats) -> Value {
        json!({
            "name": endpoint.name,
            "subject": endpoint.subject,
            "queue_group": self.queue_group,
            "metadata": {},
        })
    }
}
