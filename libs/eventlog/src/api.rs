//! Requests to the server: one try, and retries of what may safely be asked again.

use std::pin::pin;
use std::time::Duration;

use async_nats::client::PublishErrorKind;
use async_nats::jetstream::stream::{ConsumerError, ConsumerErrorKind};
use async_nats::{HeaderMap, Message, Request, RequestErrorKind, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::connection::Connection;
use crate::error::LogError;

/// How long one try waits for its answer. A lost connection ends the wait at once.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(3);
/// How long one try of a write waits where several servers must agree. While they have no leader no server answers;
/// the shorter a try, the sooner the next one follows the election.
pub(crate) const ATTEMPT_IN_CLUSTER: Duration = Duration::from_millis(500);
/// How long a request that changes nothing is retried.
const READ_BUDGET: Duration = Duration::from_secs(5);
/// Pause before asking again.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// Code of an answer when there is no leader, the server is starting up, or is overloaded.
pub(crate) const NO_LEADER: u64 = 503;
/// JetStream: there is no message with that sequence, or none on that subject.
pub(crate) const NO_MESSAGE: u64 = 10_037;
/// JetStream: there is no stream of that name, or none that the server has heard of.
pub(crate) const STREAM_NOT_FOUND: u64 = 10_059;

/// Why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// No server took it: it had no effect.
    NotTaken,
    /// The answer did not come: its effect is not known.
    Lost,
    /// Larger than the server takes: it was not sent.
    TooLarge,
}

/// The error part of a JetStream answer.
#[derive(Debug, Deserialize)]
pub(crate) struct ApiError {
    #[serde(default)]
    pub(crate) code: u64,
    #[serde(default)]
    pub(crate) err_code: u64,
    #[serde(default)]
    pub(crate) description: String,
}

impl From<ApiError> for LogError {
    fn from(error: ApiError) -> Self {
        if error.code == NO_LEADER {
            return Self::Unavailable(error.description.into());
        }
        Self::Refused { code: error.err_code, description: error.description }
    }
}

impl Connection {
    /// Sends one request and waits for its answer, until the connection is lost or 3 s have passed.
    pub(crate) async fn ask(
        &self,
        subject: String,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<Message, Unanswered> {
        self.ask_for(ATTEMPT, subject, headers, payload).await
    }

    /// The same, waiting for `patience` instead of 3 s.
    pub(crate) async fn ask_for(
        &self,
        patience: Duration,
        subject: String,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<Message, Unanswered> {
        let link = self.state();
        if !link.connected {
            // A request given to a disconnected client waits in its queue and is sent later.
            return Err(Unanswered::NotTaken);
        }
        let mut request = Request::new().payload(payload).timeout(Some(patience));
        if let Some(headers) = headers {
            request = request.headers(headers);
        }
        tokio::select! {
            biased;
            answer = self.client().send_request(subject, request) => answer.map_err(|error| {
                match error.kind() {
                    RequestErrorKind::NoResponders => Unanswered::NotTaken,
                    RequestErrorKind::MaxPayloadExceeded => Unanswered::TooLarge,
                    _ => Unanswered::Lost,
                }
            }),
            () = self.lost(link.generation) => Err(Unanswered::Lost),
        }
    }

    /// Sends requests over the one connection in their order, without waiting in between, and collects
    /// the answers until the connection is lost or 3 s have passed. What was sent before the connection was
    /// lost may be lost while what was sent after it arrives.
    pub(crate) async fn ask_in_order(
        &self,
        requests: impl ExactSizeIterator<Item = (String, HeaderMap, Bytes)>,
    ) -> Vec<Result<Message, Unanswered>> {
        let link = self.state();
        let mut answers: Vec<Result<Message, Unanswered>> =
            (0..requests.len()).map(|_| Err(Unanswered::NotTaken)).collect();
        let deadline = Instant::now() + ATTEMPT;
        let inbox = self.client().new_inbox();
        let subscribed = match link.connected {
            true => self.client().subscribe(format!("{inbox}.*")).await.ok(),
            false => None,
        };
        let Some(mut incoming) = subscribed else { return answers };
        let mut open: usize = 0;
        for ((index, request), answer) in requests.enumerate().zip(&mut answers) {
            let (subject, headers, payload) = request;
            let reply = format!("{inbox}.{index}");
            let publish =
                self.client().publish_with_reply_and_headers(subject, reply, headers, payload);
            match timeout_at(deadline, publish).await {
                Ok(Ok(())) => {
                    *answer = Err(Unanswered::Lost);
                    open += 1;
                }
                Ok(Err(error)) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                    *answer = Err(Unanswered::TooLarge);
                }
                Ok(Err(_)) | Err(_) => break,
            }
        }
        let mut lost = pin!(self.lost(link.generation));
        while open > 0 {
            let message = tokio::select! {
                biased;
                message = incoming.next() => message,
                () = &mut lost => None,
                () = sleep_until(deadline) => None,
            };
            let Some(message) = message else { break };
            let index = message.subject.rsplit('.').next().and_then(|index| index.parse().ok());
            let answer = index.and_then(|index: usize| answers.get_mut(index));
            if let Some(answer @ Err(Unanswered::Lost)) = answer {
                let refused = message.status == Some(StatusCode::NO_RESPONDERS);
                *answer = if refused { Err(Unanswered::NotTaken) } else { Ok(message) };
                open -= 1;
            }
        }
        answers
    }

    /// Asks something that changes nothing, again and again for up to 5 s while no answer comes.
    pub(crate) fn ask_safely<'a>(
        &'a self,
        subject: &'a str,
        payload: &'a Bytes,
    ) -> BoxFuture<'a, Result<Message, LogError>> {
        Box::pin(self.try_to_ask(subject, payload))
    }

    async fn try_to_ask(&self, subject: &str, payload: &Bytes) -> Result<Message, LogError> {
        let deadline = Instant::now() + READ_BUDGET;
        loop {
            if !self.connected_by(deadline).await {
                return Err(LogError::Unavailable("not connected".into()));
            }
            match self.ask(subject.to_owned(), None, payload.clone()).await {
                Ok(message) => return Ok(message),
                Err(reason) if Instant::now() >= deadline => {
                    return Err(LogError::Unavailable(format!("{reason:?}: {subject}").into()));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// The same of what only a leader answers: again and again while there is none, too.
    pub(crate) async fn ask_leader(
        &self,
        subject: &str,
        payload: &Bytes,
    ) -> Result<Message, LogError> {
        self.ask_while(|error| error.code == NO_LEADER, subject, payload).await
    }

    /// The same about a stream that is there. A server of a cluster that has not heard yet of one that was made a moment
    /// ago says that there is none, and is asked again.
    pub(crate) async fn ask_leader_of(
        &self,
        subject: &str,
        payload: &Bytes,
    ) -> Result<Message, LogError> {
        let unheard =
            |error: &ApiError| error.code == NO_LEADER || error.err_code == STREAM_NOT_FOUND;
        self.ask_while(unheard, subject, payload).await
    }

    async fn ask_while(
        &self,
        too_early: fn(&ApiError) -> bool,
        subject: &str,
        payload: &Bytes,
    ) -> Result<Message, LogError> {
        let deadline = Instant::now() + READ_BUDGET;
        loop {
            let answer = self.ask_safely(subject, payload).await?;
            let early = refusal(&answer)?.is_some_and(|error| too_early(&error));
            if !early || Instant::now() >= deadline {
                return Ok(answer);
            }
            sleep(PAUSE).await;
        }
    }
}

/// Reads a JetStream answer: an error object, or what was asked for.
pub(crate) fn parse<T: DeserializeOwned>(
    message: &Message,
) -> Result<Result<T, ApiError>, LogError> {
    match refusal(message)? {
        Some(error) => Ok(Err(error)),
        None => serde_json::from_slice(&message.payload).map(Ok).map_err(unreadable),
    }
}

/// The error object of a JetStream answer, if it is one.
fn refusal(message: &Message) -> Result<Option<ApiError>, LogError> {
    #[derive(Deserialize)]
    struct Failure {
        error: Option<ApiError>,
    }
    let failure: Failure = serde_json::from_slice(&message.payload).map_err(unreadable)?;
    Ok(failure.error)
}

fn unreadable(error: serde_json::Error) -> LogError {
    LogError::BadAnswer(error.into())
}

/// Why a consumer could not be created: the server refused, or no server was there to create it.
pub(crate) fn consumer_error(error: ConsumerError) -> LogError {
    match error.kind() {
        ConsumerErrorKind::JetStream(refusal) if refusal.code() != 503 => {
            LogError::Refused { code: refusal.error_code().0, description: refusal.to_string() }
        }
        _ => LogError::Unavailable(error.into()),
    }
}
