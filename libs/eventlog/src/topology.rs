//! The streams Tidings needs on the server: made when absent, checked when present, never taken over.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::jetstream::stream::{
    Config, DiscardPolicy, PersistenceMode, Republish, RetentionPolicy, StorageType,
};
use bytes::Bytes;
use rand::RngExt;
use schemas::{Epoch, Namespace, Sequence};
use serde::Deserialize;
use serde_json::Value;

use crate::api::{self, STREAM_NOT_FOUND};
use crate::connection::Connection;
use crate::error::LogError;
use crate::log::{Attached, EventLog};
use crate::size::LogSize;

/// Marks a stream as ours and says how its messages are written.
const SCHEMA_KEY: &str = "tidings.schema";
const SCHEMA: &str = "1";
/// Names the incarnation of the log.
pub(crate) const EPOCH_KEY: &str = "tidings.epoch";
/// The epochs of the logs this one was made from by a restore or by accepting a loss, oldest first.
const FORMER_KEY: &str = "tidings.former_epochs";
/// So many of them are kept.
const FORMER: usize = 20;
const EPOCH_LEN: usize = 8;
/// Marks a stream to which a restore has not brought everything yet.
const UNFINISHED_KEY: &str = "tidings.restoring";

const STREAM_NAME_IN_USE: u64 = 10_058;

/// What an operator may choose about the log's stream; everything else is fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Copies of the stream in a cluster: 1, 3 or 5. A stream that has more keeps them: a process that
    /// was started without the setting must not take copies away.
    pub replicas: u8,
    /// How long a message id is remembered. Costs 170 bytes of server memory per event written in
    /// that time. At least 20 s, because `append` retries under the same ids for 10 s.
    pub duplicate_window: Duration,
    /// The store refuses to grow beyond this many bytes; none: as large as the disk.
    pub max_bytes: Option<i64>,
    /// Send queued independent appends as one atomic batch. Pays only where the server syncs every
    /// write (`sync_interval: always`), because a batch costs one sync.
    pub group_commit: bool,
}

impl Default for Topology {
    fn default() -> Self {
        Self {
            replicas: 1,
            duplicate_window: Duration::from_secs(30),
            max_bytes: None,
            group_commit: false,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct StreamInfo {
    pub(crate) config: Config,
    pub(crate) state: StreamState,
}

#[derive(Deserialize)]
pub(crate) struct StreamState {
    pub(crate) last_seq: Sequence,
    #[serde(default)]
    pub(crate) bytes: i64,
    pub(crate) messages: u64,
}

impl StreamState {
    pub(crate) fn size(&self) -> LogSize {
        let bytes = u64::try_from(self.bytes).unwrap_or_default();
        LogSize { events: self.messages, bytes, head: self.last_seq }
    }
}

impl EventLog {
    /// Makes the stream `EVENTS_<ns>` or checks the one that is there, and attaches to it. Duplicate window
    /// and size limit of an existing stream are brought to what is asked for, and so are its replicas where
    /// more are asked for than it has.
    /// Any number of processes may call it at the same time, any number of times.
    ///
    /// # Errors
    /// [`LogError::Foreign`] for a stream of that name which Tidings did not make or whose essential
    /// settings differ, [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn ensure_topology(&self, topology: &Topology) -> Result<Epoch, LogError> {
        let mut wanted = events_config(self.namespace(), topology);
        let connection = &self.inner.connection;
        let mut info = ensure_stream(connection, &wanted, differs).await?;
        let copies = info.config.num_replicas;
        if copies > wanted.num_replicas {
            tracing::warn!(copies, asked = wanted.num_replicas, "the log keeps its copies");
            wanted.num_replicas = copies;
        } else if copies < wanted.num_replicas {
            tracing::info!(from = copies, to = wanted.num_replicas, "the log gets more copies");
        }
        if tunable(&info.config) != tunable(&wanted) {
            let mut config = wanted;
            config.metadata.clone_from(&info.config.metadata);
            info = stream_request(connection, "UPDATE", &config).await?.map_err(LogError::from)?;
        }
        let epoch = self.attach_to(&info.config)?;
        self.recall().await?;
        self.prepare_to_look().await;
        if topology.group_commit {
            self.start_group_commit();
        }
        Ok(epoch)
    }

    /// Attaches to the stream without making or changing anything.
    ///
    /// # Errors
    /// [`LogError::NoStream`], [`LogError::Foreign`], [`LogError::Unavailable`].
    pub async fn attach(&self) -> Result<Epoch, LogError> {
        let info = self.stream_info().await?;
        let wanted = events_config(self.namespace(), &Topology::default());
        refuse_foreign(&wanted, &info.config, differs)?;
        let epoch = self.attach_to(&info.config)?;
        self.recall().await?;
        Ok(epoch)
    }

    /// The epoch for an append. After a reconnect the server may be another one, or have lost its data:
    /// then the stream is looked at before anything is written to it.
    pub(crate) async fn epoch_to_write(&self) -> Result<Epoch, LogError> {
        let generation = self.inner.connection.state().generation;
        let epoch = self.attached()?.epoch;
        if self.inner.checked_generation.load(Ordering::Acquire) != generation {
            self.head().await?;
            self.inner.checked_generation.store(generation, Ordering::Release);
        }
        Ok(epoch)
    }

    pub(crate) async fn stream_info(&self) -> Result<StreamInfo, LogError> {
        match info_of(&self.inner.connection, &self.inner.stream).await? {
            Some(info) => {
                *self.inner.size.lock() = Some(info.state.size());
                Ok(info)
            }
            None => Err(LogError::NoStream(self.inner.stream.clone())),
        }
    }

    /// Takes over the epoch of a stream, or finds that it is not the stream it was.
    pub(crate) fn attach_to(&self, config: &Config) -> Result<Epoch, LogError> {
        let foreign = |why: &str| foreign(&config.name, why);
        let epoch = config.metadata.get(EPOCH_KEY).ok_or_else(|| foreign("it has no epoch"))?;
        let epoch = Epoch::parse(epoch).map_err(|_| foreign("its epoch is malformed"))?;
        let mut attached = self.inner.attached.write();
        if attached.as_ref().is_some_and(|known| known.epoch != epoch) {
            return Err(LogError::Replaced);
        }
        let former = former_epochs(&config.metadata).filter_map(|e| Epoch::parse(e).ok()).collect();
        let replicas = config.num_replicas;
        let clustered = replicas > 1 || self.inner.connection.is_to_cluster();
        *attached = Some(Attached { epoch, former, replicas, clustered });
        Ok(epoch)
    }
}

/// A stream of ours as the server reports it, or none.
pub(crate) async fn info_of(
    connection: &Connection,
    stream: &str,
) -> Result<Option<StreamInfo>, LogError> {
    let subject = format!("$JS.API.STREAM.INFO.{stream}");
    let answer = connection.ask_safely(&subject, &Bytes::new()).await?;
    match api::parse(&answer)? {
        Ok(info) => Ok(Some(info)),
        Err(error) if error.err_code == STREAM_NOT_FOUND => Ok(None),
        // No leader yet, or still starting.
        Err(error) if error.code == 503 => Err(LogError::Unavailable(error.description.into())),
        Err(error) => Err(error.into()),
    }
}

/// Makes a stream or checks the one that is there. `differs` says what about an existing one would
/// break a promise.
pub(crate) async fn ensure_stream(
    connection: &Connection,
    wanted: &Config,
    differs: fn(&Config, &Config) -> Option<String>,
) -> Result<StreamInfo, LogError> {
    loop {
        if let Some(info) = info_of(connection, &wanted.name).await? {
            refuse_foreign(wanted, &info.config, differs)?;
            // Its maker may have been killed before it had done so.
            connection.sync_stream(&wanted.name).await?;
            return Ok(info);
        }
        match stream_request(connection, "CREATE", wanted).await? {
            Ok(info) => {
                tracing::info!(nats.stream = wanted.name, "made a stream");
                return Ok(info);
            }
            // Another process created it in the meantime: check that one.
            Err(error) if error.err_code == STREAM_NAME_IN_USE => {}
            // A cluster that is still finding itself.
            Err(error) if error.code == 503 => {
                return Err(LogError::Unavailable(error.description.into()));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

pub(crate) async fn stream_request(
    connection: &Connection,
    verb: &str,
    config: &Config,
) -> Result<Result<StreamInfo, api::ApiError>, LogError> {
    let payload = serde_json::to_vec(config).map_err(|error| LogError::BadAnswer(error.into()))?;
    let subject = format!("$JS.API.STREAM.{verb}.{}", config.name);
    // Making or updating a stream twice with the same settings is the same as once.
    let answer = connection.ask_safely(&subject, &payload.into()).await?;
    let answer = api::parse(&answer)?;
    if answer.is_ok() {
        connection.sync_stream(&config.name).await?;
    }
    Ok(answer)
}

fn refuse_foreign(
    wanted: &Config,
    found: &Config,
    differs: fn(&Config, &Config) -> Option<String>,
) -> Result<(), LogError> {
    if found.metadata.contains_key(UNFINISHED_KEY) {
        let why = "a restore of it was cut short; restore again, into an empty folder or namespace";
        return Err(foreign(&found.name, why));
    }
    if found.metadata.get(SCHEMA_KEY).map(String::as_str) != Some(SCHEMA) {
        return Err(foreign(&found.name, "it was not made by Tidings (metadata tidings.schema=1)"));
    }
    match differs(wanted, found) {
        Some(what) => Err(foreign(&found.name, &format!("its {what} differs"))),
        None => Ok(()),
    }
}

fn foreign(stream: &str, why: &str) -> LogError {
    LogError::Foreign { stream: stream.to_owned(), why: why.to_owned() }
}

/// Whether settings, as the server writes them, are of a stream that Tidings made and that is whole.
pub(crate) fn is_ours(config: &Value) -> bool {
    config.pointer(&format!("/metadata/{SCHEMA_KEY}")).and_then(Value::as_str) == Some(SCHEMA)
}

/// The metadata that marks a stream as made by Tidings.
pub(crate) fn our_metadata() -> HashMap<String, String> {
    HashMap::from([(SCHEMA_KEY.to_owned(), SCHEMA.to_owned())])
}

fn events_config(namespace: &Namespace, topology: &Topology) -> Config {
    let mut metadata = our_metadata();
    metadata.insert(EPOCH_KEY.to_owned(), new_epoch());
    Config {
        name: namespace.events_stream(),
        description: Some("Every event of Tidings; the only truth".to_owned()),
        subjects: vec![namespace.all_events()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        num_replicas: usize::from(topology.replicas.max(1)),
        duplicate_window: topology.duplicate_window,
        max_bytes: topology.max_bytes.unwrap_or(-1),
        max_messages: -1,
        max_messages_per_subject: -1,
        allow_direct: true,
        allow_atomic_publish: true,
        republish: Some(Republish {
            source: namespace.all_events(),
            destination: namespace.all_live(),
            headers_only: false,
        }),
        metadata,
        ..Config::default()
    }
}

/// The settings that may be changed while the log lives.
fn tunable(config: &Config) -> (usize, Duration, i64) {
    (config.num_replicas, config.duplicate_window, config.max_bytes.max(-1))
}

/// The first essential setting in which a stream that keeps the last message of every key differs.
pub(crate) fn bucket_differs(wanted: &Config, found: &Config) -> Option<String> {
    let checks = [
        ("list of subjects", found.subjects == wanted.subjects),
        ("storage", found.storage == StorageType::File),
        ("history", found.max_messages_per_subject == 1),
        ("permission of lifetimes", found.allow_message_ttl || !wanted.allow_message_ttl),
        ("permission to delete", !found.deny_delete),
        ("direct access", found.allow_direct),
        ("republish rule", found.republish.is_none()),
    ];
    checks.iter().find(|(_, fits)| !fits).map(|(what, _)| (*what).to_owned())
}

/// The first essential setting in which a stream differs from what Tidings relies on.
fn differs(wanted: &Config, found: &Config) -> Option<String> {
    let durable = found.persist_mode.is_none_or(|mode| mode == PersistenceMode::Default);
    let forgets = found.max_messages > 0
        || found.max_messages_per_subject > 0
        || !found.max_age.is_zero()
        || found.discard != DiscardPolicy::New;
    let checks = [
        ("list of subjects", found.subjects == wanted.subjects),
        ("retention", found.retention == RetentionPolicy::Limits && !forgets),
        ("storage", found.storage == StorageType::File && durable && !found.no_ack),
        ("republish rule", found.republish == wanted.republish),
        ("direct access", found.allow_direct),
        ("permission of atomic batches", found.allow_atomic_publish),
        ("subject transform", found.subject_transform.is_none()),
        ("source", found.mirror.is_none() && found.sources.as_ref().is_none_or(Vec::is_empty)),
        ("seal", !found.sealed),
    ];
    checks.iter().find(|(_, fits)| !fits).map(|(what, _)| (*what).to_owned())
}

fn former_epochs(metadata: &HashMap<String, String>) -> impl Iterator<Item = &str> {
    metadata.get(FORMER_KEY).into_iter().flat_map(|former| former.split(','))
}

/// Gives a log another epoch: its history is not, or not only, what clients have seen of it.
pub(crate) fn renew(metadata: &mut HashMap<String, String>) {
    let Some(former) = metadata.insert(EPOCH_KEY.to_owned(), new_epoch()) else { return };
    let mut all: Vec<&str> = former_epochs(metadata).chain([former.as_str()]).collect();
    all.drain(..all.len().saturating_sub(FORMER));
    let all = all.join(",");
    metadata.insert(FORMER_KEY.to_owned(), all);
}

/// Makes a stream one that no process takes for ours, until [`release`].
pub(crate) fn hold_back(metadata: &mut HashMap<String, String>) {
    metadata.remove(SCHEMA_KEY);
    metadata.insert(UNFINISHED_KEY.to_owned(), "1".to_owned());
}

/// Makes a stream ours that was held back.
pub(crate) fn release(metadata: &mut HashMap<String, String>) {
    metadata.remove(UNFINISHED_KEY);
    metadata.extend(our_metadata());
}

fn new_epoch() -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    (0..EPOCH_LEN)
        .filter_map(|_| ALPHABET.get(random.random_range(0..ALPHABET.len())))
        .map(|byte| char::from(*byte))
        .collect()
}
