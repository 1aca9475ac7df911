//! How many copies the streams of a namespace have, and getting more of them.
//!
//! A stream keeps the copies it was made with: one that a restore has brought from a single server into a cluster has
//! one. Streams get more one after another, and the next when the copies of the last are up to date, so that a large
//! installation is not copied all at once. The server goes on taking writes meanwhile, but for the moment in which the
//! new copies elect their leader, and what waits for an answer then is tried again. None ever loses a copy here.

use std::time::Duration;

use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use schemas::Sequence;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::api::{self, STREAM_NOT_FOUND};
use crate::error::LogError;
use crate::log::EventLog;
use crate::topology::is_ours;

/// How often it is looked how far new copies are.
const LOOK: Duration = Duration::from_millis(200);
/// How long they may come no further.
const STANDSTILL: Duration = Duration::from_secs(120);

/// A stream that has got more copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Its name.
    pub stream: String,
    /// How many it had.
    pub from: usize,
    /// How many it has.
    pub to: usize,
}

#[derive(Deserialize)]
struct Info {
    config: Value,
    cluster: Option<Members>,
}

/// The servers that keep a stream.
#[derive(Deserialize)]
struct Members {
    leader: Option<String>,
    /// Those besides the leader.
    replicas: Option<Vec<Member>>,
    /// Those that are to keep it, as long as they do not yet: until then one may count as up to date that has nothing.
    desired: Option<Value>,
}

#[derive(Deserialize)]
struct Member {
    current: bool,
    #[serde(default)]
    lag: Sequence,
}

impl Info {
    fn copies(&self) -> usize {
        let copies = self.config.get("num_replicas").and_then(Value::as_u64).unwrap_or(1);
        usize::try_from(copies).unwrap_or(1).max(1)
    }

    /// How many of its copies are up to date, and how much the others lack; none without a leader, or while members join.
    fn up_to_date(&self) -> Option<(usize, Sequence)> {
        let members = self.cluster.as_ref().filter(|members| members.desired.is_none())?;
        members.leader.as_deref().filter(|leader| !leader.is_empty())?;
        let others = members.replicas.as_deref().unwrap_or_default();
        let current = 1 + others.iter().filter(|other| other.current).count();
        Some((current, others.iter().map(|other| other.lag).sum()))
    }
}

impl EventLog {
    /// How many copies the log has; 0 while it is not attached.
    #[must_use]
    pub fn copies(&self) -> usize {
        self.inner.attached.read().as_ref().map_or(0, |attached| attached.replicas)
    }

    /// Whether its server belongs to a cluster: only there can a stream have more than one copy.
    #[must_use]
    pub fn is_in_cluster(&self) -> bool {
        self.inner.connection.is_to_cluster()
    }

    /// Returns when a stream was met that has fewer copies than the log, unless they have been raised since.
    pub async fn meets_few_copies(&self) {
        let mut met = self.inner.few_copies.subscribe();
        if met.wait_for(|met| *met).await.is_err() {
            // The log is gone with its streams, and none is met any more.
        }
    }

    /// Takes note of a stream that was made or found.
    pub(crate) fn meet(&self, found: &Config) {
        if found.num_replicas < self.copies() {
            self.inner.few_copies.send_replace(true);
        }
    }

    /// Gives every stream of the namespace so many copies where it has fewer, the log first and one after another;
    /// `told` is called before each. Returns when all copies are up to date, with what was done. Streams that Tidings did
    /// not make are left alone, and none loses a copy.
    ///
    /// # Errors
    /// [`LogError::Refused`]: there are not so many servers, or this user may not do it. [`LogError::Unavailable`]: no
    /// answer, or new copies came no further for two minutes. What has been raised by then stays so; calling it
    /// again goes on.
    pub async fn raise_copies(
        &self,
        copies: usize,
        mut told: impl FnMut(&Raised) + Send,
    ) -> Result<Vec<Raised>, LogError> {
        let mut done = Vec::new();
        for stream in self.streams().await? {
            let Some(info) = self.copies_of(&stream).await? else { continue };
            let raised = Raised { from: info.copies(), to: copies, stream };
            if !is_ours(&info.config) {
                continue;
            }
            if raised.from < copies {
                told(&raised);
                self.set_copies(&raised.stream, info.config, copies).await?;
                self.wait_for_copies(&raised.stream).await?;
                done.push(raised);
            } else if raised.from > 1 {
                // Perhaps another process has just raised it.
                self.wait_for_copies(&raised.stream).await?;
            }
        }
        self.inner.few_copies.send_replace(false);
        // How this process reads and writes depends on it.
        self.attach_to(&self.stream_info().await?.config)?;
        Ok(done)
    }

    async fn copies_of(&self, stream: &str) -> Result<Option<Info>, LogError> {
        let subject = format!("$JS.API.STREAM.INFO.{stream}");
        let answer = self.inner.connection.ask_leader(&subject, &Bytes::new()).await?;
        match api::parse(&answer)? {
            Ok(info) => Ok(Some(info)),
            Err(error) if error.err_code == STREAM_NOT_FOUND => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Nothing of the settings but the copies is changed, whatever the server has written into them.
    async fn set_copies(
        &self,
        stream: &str,
        mut config: Value,
        copies: usize,
    ) -> Result<(), LogError> {
        if let Some(config) = config.as_object_mut() {
            config.insert("num_replicas".to_owned(), json!(copies));
        }
        let subject = format!("$JS.API.STREAM.UPDATE.{stream}");
        let answer = self.inner.connection.ask_leader(&subject, &config.to_string().into()).await?;
        api::parse::<Value>(&answer)?.map(|_| ()).map_err(LogError::from)
    }

    /// Returns when the copies of a stream are up to date.
    pub(crate) async fn wait_for_copies(&self, stream: &str) -> Result<(), LogError> {
        let (mut moved, mut before) = (Instant::now(), None);
        loop {
            let info = match self.copies_of(stream).await {
                Ok(Some(info)) => Some(info),
                Ok(None) => return Ok(()),
                // While the new copies elect their leader none answers.
                Err(LogError::Unavailable(_)) => None,
                Err(error) => return Err(error),
            };
            let now = info.as_ref().and_then(Info::up_to_date);
            if let (Some(info), Some((current, _))) = (&info, now)
                && current >= info.copies()
            {
                return Ok(());
            }
            if now != before {
                (moved, before) = (Instant::now(), now);
            }
            if moved.elapsed() >= STANDSTILL {
                let what = format!("the copies of {stream} come no further");
                return Err(LogError::Unavailable(what.into()));
            }
            sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(replicas: u64, cluster: &Value) -> Info {
        let config = json!({ "name": "X", "num_replicas": replicas });
        serde_json::from_value(json!({ "config": config, "cluster": cluster })).unwrap()
    }

    #[test]
    fn copies_are_up_to_date_once_a_leader_says_so_of_all_of_them() {
        let other = |current, lag| json!({ "name": "n", "current": current, "lag": lag });
        let behind = json!({ "leader": "a", "replicas": [other(true, 0), other(false, 7)] });
        assert_eq!(info(3, &behind).up_to_date(), Some((2, 7)));
        let all = json!({ "leader": "a", "replicas": [other(true, 0), other(true, 0)] });
        assert_eq!(info(3, &all).up_to_date(), Some((3, 0)));
        // nats-server 2.15.1, 140 ms after it was told to make copies of 240 MB: one counts as there and has nothing.
        let desired = json!({ "status": { "type": "membership" } });
        let others = [other(true, 0), other(true, 0)];
        let joining = json!({ "leader": "a", "replicas": others, "desired": desired });
        assert_eq!(info(3, &joining).up_to_date(), None);
        // While it is elected the members that are known say nothing.
        let electing = json!({ "leader": "", "replicas": [other(true, 0)] });
        assert_eq!(info(3, &electing).up_to_date(), None);
        let alone = json!({ "leader": "a" });
        assert_eq!((info(1, &alone).up_to_date(), info(1, &alone).copies()), (Some((1, 0)), 1));
        let single: Info = serde_json::from_value(json!({ "config": {} })).unwrap();
        assert_eq!((single.up_to_date(), single.copies()), (None, 1));
    }
}
