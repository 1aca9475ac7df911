//! Where sessions live: a record per session and a list per account, in buckets outside the log.
//!
//! A record expires 30 days after its session was last used. The list is an index: an id on it whose record
//! is gone is dropped when somebody looks.

use std::time::Duration;

use bytes::Bytes;
use eventlog::{EventLog, SecretError, SecretStore};
use schemas::{SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// How long a session lives without being used.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// Sessions of one account; the oldest ends when another begins.
pub(crate) const MAX_SESSIONS: usize = 100;
/// Tries of a change that others make at the same time.
const TRIES: usize = 32;

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whose.
    pub(crate) user_id: UserId,
    /// Makes its refresh tokens unlike those of any other.
    pub(crate) salt: String,
    /// Which refresh token is the current one.
    pub(crate) generation: u64,
    /// When that one was given out.
    pub(crate) rotated_at: Timestamp,
    /// When it began.
    pub(crate) created_at: Timestamp,
    /// When it last got tokens.
    pub(crate) last_used_at: Timestamp,
    /// When the log was last told that it is used.
    pub(crate) told_at: Timestamp,
    /// What the client called itself at login.
    pub(crate) user_agent: Option<String>,
    /// Where the login came from.
    pub(crate) ip: Option<String>,
}

/// The buckets.
#[derive(Clone)]
pub(crate) struct Sessions {
    records: SecretStore,
    lists: SecretStore,
}

fn bytes(value: &impl Serialize) -> Result<Bytes, Failure> {
    Ok(serde_json::to_vec(value)?.into())
}

impl Sessions {
    /// The buckets `sessions` and `user_sessions`.
    pub(crate) fn new(log: &EventLog) -> Self {
        Self { records: log.secrets("sessions"), lists: log.secrets("user_sessions") }
    }

    /// A session's record and its revision.
    pub(crate) async fn get(&self, id: &SessionId) -> Result<Option<(Record, u64)>, Failure> {
        match self.records.get(id.as_str()).await? {
            None => Ok(None),
            Some((value, revision)) => Ok(Some((serde_json::from_slice(&value)?, revision))),
        }
    }

    /// Stores a new session and lists it; answers which sessions of the account are now too many.
    pub(crate) async fn begin(
        &self,
        id: &SessionId,
        record: &Record,
    ) -> Result<Vec<SessionId>, Failure> {
        self.records.create(id.as_str(), bytes(record)?, Some(LIFETIME)).await?;
        let mut surplus = Vec::new();
        self.change_list(&record.user_id, |list| {
            list.push(id.clone());
            surplus = list.drain(..list.len().saturating_sub(MAX_SESSIONS)).collect();
        })
        .await?;
        Ok(surplus)
    }

    /// Replaces the record that has this revision; its 30 days begin anew.
    pub(crate) async fn replace(
        &self,
        id: &SessionId,
        record: &Record,
        revision: u64,
    ) -> Result<(), Failure> {
        self.records.update(id.as_str(), bytes(record)?, revision, Some(LIFETIME)).await?;
        Ok(())
    }

    /// The ids on an account's list, the oldest first.
    pub(crate) async fn list(&self, user: &UserId) -> Result<Vec<SessionId>, Failure> {
        match self.lists.get(user.as_str()).await? {
            None => Ok(Vec::new()),
            Some((value, _)) => Ok(serde_json::from_slice(&value)?),
        }
    }

    /// Deletes records, so that no token of theirs is good any more. They stay listed until
    /// [`Sessions::forget`], so that an interrupted end can be repeated.
    pub(crate) async fn delete(&self, ids: &[SessionId]) -> Result<(), Failure> {
        for id in ids {
            self.records.delete(id.as_str()).await?;
        }
        Ok(())
    }

    /// Takes ids off an account's list.
    pub(crate) async fn forget(&self, user: &UserId, ids: &[SessionId]) -> Result<(), Failure> {
        self.change_list(user, |list| list.retain(|listed| !ids.contains(listed))).await
    }

    async fn change_list(
        &self,
        user: &UserId,
        mut change: impl FnMut(&mut Vec<SessionId>),
    ) -> Result<(), Failure> {
        for _ in 0..TRIES {
            let stored = self.lists.get(user.as_str()).await?;
            let mut list: Vec<SessionId> = match &stored {
                None => Vec::new(),
                Some((value, _)) => serde_json::from_slice(value)?,
            };
            let before = list.clone();
            change(&mut list);
            if list == before {
                return Ok(());
            }
            let value = bytes(&list)?;
            let written = match stored {
                None => self.lists.create(user.as_str(), value, None).await,
                Some((_, revision)) => {
                    self.lists.update(user.as_str(), value, revision, None).await
                }
            };
            match written {
                Err(SecretError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
        Err(Failure::Refused(crate::failure::unavailable("too many logins at the same moment")))
    }
}
