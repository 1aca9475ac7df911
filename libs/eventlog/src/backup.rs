//! Copies of whole streams: the server's own snapshot format, the one `nats stream backup` writes.
//!
//! A snapshot is consistent in itself and is taken while writers go on. What belongs to a namespace is
//! several streams; the log is copied first, so that everything an event refers to (a password's
//! hash, a dead letter) is in a copy taken later.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::{Message, RequestErrorKind, StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use schemas::{Epoch, Position, Sequence};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use crate::api::{self, PAUSE, STREAM_NOT_FOUND};
use crate::connection::Connection;
use crate::error::LogError;
use crate::log::EventLog;
use crate::topology::{EPOCH_KEY, hold_back, renew};

/// Bytes per message of a copy; far below what a server takes.
const CHUNK: usize = 256 * 1024;
/// How long the server may be silent in the middle of a copy.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it may take until every server of a cluster knows where another takes the parts of a copy; the server that
/// does gives up when none came for five seconds.
const KNOWN_WITHIN: Duration = Duration::from_secs(4);
/// How long the server may take to bring a whole stream into being at the end of a restore.
pub(crate) const LAST_ANSWER: Duration = Duration::from_secs(600);

/// What a stream was when it was copied; kept beside the copy, needed to restore it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The stream's settings, as the server writes them.
    pub config: Value,
    /// Its counts and sequences.
    pub state: Value,
}

impl Snapshot {
    /// The stream's name.
    #[must_use]
    pub fn stream(&self) -> &str {
        self.config.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Gives the log another epoch: what it held beyond this copy is not there any more, so its positions
    /// must not be taken for those that clients remember.
    pub fn renew_epoch(&mut self) {
        self.change_metadata(renew);
    }

    /// How many copies the stream had.
    #[must_use]
    pub fn copies(&self) -> usize {
        let copies = self.config.get("num_replicas").and_then(Value::as_u64).unwrap_or(1);
        usize::try_from(copies).unwrap_or(1)
    }

    /// Makes the restored stream one with a single copy, which every server takes; it is given more once it is whole
    /// ([`EventLog::raise_copies`]).
    pub fn with_one_copy(&mut self) {
        if let Some(config) = self.config.as_object_mut() {
            config.insert("num_replicas".to_owned(), json!(1));
        }
    }

    /// Makes the restored stream one that no process takes for its log before more has been brought to it and
    /// [`EventLog::complete_restore`] was called: a restore that is cut short in between is seen.
    pub fn hold_back(&mut self) {
        self.change_metadata(hold_back);
    }

    fn change_metadata(&mut self, change: fn(&mut HashMap<String, String>)) {
        let metadata = self.config.get("metadata").cloned().unwrap_or_default();
        let Ok(mut metadata) = serde_json::from_value(metadata) else { return };
        change(&mut metadata);
        if let Some(config) = self.config.as_object_mut() {
            config.insert("metadata".to_owned(), json!(metadata));
        }
    }

    /// The sequence of its last message; the copy may have later ones, too, as writers were not held up.
    #[must_use]
    pub fn last(&self) -> Sequence {
        self.state.get("last_seq").and_then(Value::as_u64).unwrap_or_default()
    }

    /// Where the log ended, of a copy of a log.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        let epoch = self.config.get("metadata")?.get(EPOCH_KEY)?.as_str()?;
        Some(Position { epoch: Epoch::parse(epoch).ok()?, sequence: self.last() })
    }

    /// How many messages it had.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.state.get("messages").and_then(Value::as_u64).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Names {
    total: usize,
    streams: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RestoreOpened {
    deliver_subject: String,
}

impl EventLog {
    /// The streams that belong to this namespace, the log first. Needs no attached log.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn streams(&self) -> Result<Vec<String>, LogError> {
        let mut names = Vec::new();
        loop {
            let page = json!({ "offset": names.len() }).to_string();
            let answer =
                self.inner.connection.ask_safely("$JS.API.STREAM.NAMES", &page.into()).await?;
            let page: Names = api::parse(&answer)??;
            let found = page.streams.unwrap_or_default();
            let done = found.is_empty() || names.len() + found.len() >= page.total;
            names.extend(found);
            if done {
                return Ok(belonging(self.namespace().as_str(), &names));
            }
        }
    }

    /// Copies a stream with its consumers into `sink`, calling `progress` with the bytes so far.
    /// Writers are not held up.
    ///
    /// # Errors
    /// The server refuses, falls silent for 30 s, or the sink cannot be written; the copy is then
    /// worthless.
    pub async fn snapshot(
        &self,
        stream: &str,
        sink: &mut (dyn AsyncWrite + Unpin + Send),
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<Snapshot, LogError> {
        let connection = &self.inner.connection;
        let inbox = connection.client().new_inbox();
        let mut chunks = connection.client().subscribe(inbox.clone()).await.map_err(unavailable)?;
        let order = json!({
            "deliver_subject": inbox, "no_consumers": false, "jsck": true, "chunk_size": CHUNK,
        });
        let subject = format!("$JS.API.STREAM.SNAPSHOT.{stream}");
        let answer = ask_slowly(connection, subject, order.to_string().into(), LAST_ANSWER).await?;
        let snapshot = api::parse::<Snapshot>(&answer)??;
        let mut copied = 0;
        while let Some(chunk) = next_chunk(connection, &mut chunks).await? {
            sink.write_all(&chunk).await.map_err(unavailable)?;
            copied += u64::try_from(chunk.len()).unwrap_or_default();
            progress(copied);
        }
        sink.flush().await.map_err(unavailable)?;
        Ok(snapshot)
    }

    /// Makes a stream from a copy, calling `progress` with the bytes so far. The stream must not
    /// exist.
    ///
    /// # Errors
    /// The server refuses (the stream exists, the copy is damaged), falls silent, or the source
    /// cannot be read; the stream then does not exist.
    pub async fn restore(
        &self,
        snapshot: &Snapshot,
        source: &mut (dyn AsyncRead + Unpin + Send),
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), LogError> {
        let connection = &self.inner.connection;
        let order = serde_json::to_vec(snapshot).map_err(bad)?;
        let subject = format!("$JS.API.STREAM.RESTORE.{}", snapshot.stream());
        let answer = ask_slowly(connection, subject, order.into(), SILENCE).await?;
        let opened = api::parse::<RestoreOpened>(&answer)??;
        let mut copied = 0;
        loop {
            let chunk = read_chunk(source).await?;
            let last = chunk.is_empty();
            copied += u64::try_from(chunk.len()).unwrap_or_default();
            let wait = if last { LAST_ANSWER } else { SILENCE };
            let answer = hand_over(connection, &opened.deliver_subject, chunk, wait).await?;
            if !answer.payload.is_empty() {
                api::parse::<Value>(&answer)??;
            }
            if last {
                return Ok(());
            }
            progress(copied);
        }
    }

    /// Deletes a stream that [`Self::restore`] may have made, though its end was not heard. That there is none is no error.
    ///
    /// # Errors
    /// The server refuses, or does not answer.
    pub async fn undo_restore(&self, stream: &str) -> Result<(), LogError> {
        let subject = format!("$JS.API.STREAM.DELETE.{stream}");
        let answer = self.inner.connection.ask_safely(&subject, &Bytes::new()).await?;
        match api::parse::<Value>(&answer)? {
            Err(error) if error.err_code != STREAM_NOT_FOUND => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Which of a server's streams are a namespace's. A bucket `KV_a_b_c` is `a`'s unless there is a
/// namespace `a_b`: the longest one that fits owns it.
fn belonging(namespace: &str, names: &[String]) -> Vec<String> {
    // Its own streams are its own without a log, too: the log alone may have been deleted.
    let logs = names.iter().filter_map(|name| name.strip_prefix("EVENTS_"));
    let namespaces: Vec<&str> = logs.chain([namespace]).collect();
    let owner = |name: &str| {
        let rest = name.strip_prefix("KV_").or_else(|| name.strip_prefix("OBJ_"))?;
        let fits = |ns: &&&str| rest.strip_prefix(**ns).is_some_and(|rest| rest.starts_with('_'));
        namespaces.iter().filter(fits).max_by_key(|ns| ns.len()).copied()
    };
    let log = format!("EVENTS_{namespace}");
    let dead = format!("DEAD_LETTERS_{namespace}");
    let mut own: Vec<String> = names
        .iter()
        .filter(|name| **name == log || **name == dead || owner(name) == Some(namespace))
        .cloned()
        .collect();
    own.sort_by_key(|name| (*name != log, name.clone()));
    own
}

/// The next part of a copy; none at its end. The server sends on when a part is acknowledged.
async fn next_chunk(
    connection: &Connection,
    chunks: &mut Subscriber,
) -> Result<Option<Bytes>, LogError> {
    let silent = || LogError::Unavailable("the server fell silent in the middle of a copy".into());
    let message =
        timeout(SILENCE, chunks.next()).await.map_err(|_| silent())?.ok_or_else(silent)?;
    if let Some(status) = message.status
        && status != StatusCode::OK
        && status.as_u16() != 204
    {
        let description = message.description.unwrap_or_default();
        return Err(LogError::Refused { code: status.as_u16().into(), description });
    }
    if message.payload.is_empty() {
        return Ok(None);
    }
    if let Some(reply) = message.reply {
        connection.client().publish(reply, Bytes::new()).await.map_err(unavailable)?;
    }
    Ok(Some(message.payload))
}

async fn read_chunk(source: &mut (dyn AsyncRead + Unpin + Send)) -> Result<Bytes, LogError> {
    let mut chunk = Vec::with_capacity(CHUNK);
    let limit = u64::try_from(CHUNK).unwrap_or_default();
    source.take(limit).read_to_end(&mut chunk).await.map_err(unavailable)?;
    Ok(chunk.into())
}

/// One try with a wait of its own: a copy is not begun twice by an impatient client.
pub(crate) async fn ask_slowly(
    connection: &Connection,
    subject: String,
    payload: Bytes,
    wait: Duration,
) -> Result<Message, LogError> {
    let request = async_nats::Request::new().payload(payload).timeout(Some(wait));
    connection.client().send_request(subject, request).await.map_err(unavailable)
}

/// Hands a part of a copy to the server that restores it. In a cluster that may be another than this connection's, which
/// hears a moment later than the caller where parts are taken: what no server took is sent again.
async fn hand_over(
    connection: &Connection,
    subject: &str,
    chunk: Bytes,
    wait: Duration,
) -> Result<Message, LogError> {
    let deadline = Instant::now() + KNOWN_WITHIN;
    loop {
        let request = async_nats::Request::new().payload(chunk.clone()).timeout(Some(wait));
        match connection.client().send_request(subject.to_owned(), request).await {
            Ok(answer) => return Ok(answer),
            Err(error)
                if error.kind() == RequestErrorKind::NoResponders && Instant::now() < deadline =>
            {
                sleep(PAUSE).await;
            }
            Err(error) => return Err(unavailable(error)),
        }
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> LogError {
    LogError::Unavailable(error.into())
}

fn bad(error: serde_json::Error) -> LogError {
    LogError::BadAnswer(error.into())
}

#[cfg(test)]
mod tests {
    use super::belonging;

    #[test]
    fn a_namespace_owns_its_streams_and_not_those_of_a_longer_name() {
        let names: Vec<String> = [
            "KV_a_secrets",
            "KV_a_b_secrets",
            "EVENTS_a_b",
            "DEAD_LETTERS_a",
            "EVENTS_a",
            "OBJ_a_media",
            "KV_other",
        ]
        .map(str::to_owned)
        .into();
        assert_eq!(
            belonging("a", &names),
            ["EVENTS_a", "DEAD_LETTERS_a", "KV_a_secrets", "OBJ_a_media"]
        );
        assert_eq!(belonging("a_b", &names), ["EVENTS_a_b", "KV_a_b_secrets"]);
        let left: Vec<String> = names.iter().filter(|name| *name != "EVENTS_a").cloned().collect();
        assert_eq!(belonging("a", &left), ["DEAD_LETTERS_a", "KV_a_secrets", "OBJ_a_media"]);
    }
}
