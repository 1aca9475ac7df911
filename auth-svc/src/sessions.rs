//! Where sessions live: a record per session and a list per account, in buckets outside the log.
//!
//! A record expires 30 days after its session was last used. The list is an index. An id comes onto it
//! after its record was stored and before a token is given out, and leaves it only once the log says
//! that the session has ended: so ending all sessions of an account misses none, and an end that
//! was interrupted is made again.

use std::time::Duration;

use bytes::Bytes;
use decider::{Failure, unavailable};
use eventlog::{EventLog, SecretError, SecretStore};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use schemas::{SessionId, UserId};
use serde::Serialize;

use crate::domain::session::{Record, surplus};
use crate::records::{read_record, write_record};

/// How long a session lives without being used.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// Tries of a change that others make at the same time.
const TRIES: usize = 32;
/// Records read or deleted at the same time.
const AT_ONCE: usize = 16;

/// The list of an account's sessions as it was read.
#[derive(Default)]
pub(crate) struct Listed {
    /// The oldest first.
    ids: Vec<SessionId>,
    /// Of the list; none where there is no list.
    revision: Option<u64>,
}

/// The buckets.
pub(crate) struct Sessions {
    records: SecretStore,
    lists: SecretStore,
}

fn bytes(value: &impl Serialize) -> Result<Bytes, Failure> {
    Ok(write_record(value)?.into())
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
            Some((value, revision)) => Ok(Some((read_record(&value)?, revision))),
        }
    }

    /// Stores a new session and lists it; answers which sessions of the account are now too many. They
    /// stay listed until they have ended. A list that was read before need not be read again: had it changed, it would
    /// not be written over.
    pub(crate) async fn begin(
        &self,
        id: &SessionId,
        record: &Record,
        read: Option<Listed>,
    ) -> Result<Vec<SessionId>, Failure> {
        self.records.create(id.as_str(), bytes(record)?, Some(LIFETIME)).await?;
        let list = self.change_list(&record.user_id, read, |list| list.push(*id)).await?;
        Ok(surplus(&list).to_vec())
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

    /// An account's list as it is now.
    pub(crate) async fn listed(&self, user: &UserId) -> Result<Listed, Failure> {
        match self.lists.get(user.as_str()).await? {
            None => Ok(Listed::default()),
            Some((value, revision)) => {
                Ok(Listed { ids: read_record(&value)?, revision: Some(revision) })
            }
        }
    }

    /// The ids on an account's list, the oldest first.
    pub(crate) async fn list(&self, user: &UserId) -> Result<Vec<SessionId>, Failure> {
        Ok(self.listed(user).await?.ids)
    }

    /// The records of all listed sessions, the oldest first; none for one that has ended or expired.
    pub(crate) async fn all(
        &self,
        user: &UserId,
    ) -> Result<Vec<(SessionId, Option<Record>)>, Failure> {
        stream::iter(self.list(user).await?)
            .map(|id| async move {
                let record = self.get(&id).await?.map(|(record, _)| record);
                Ok((id, record))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Deletes records, so that no token of theirs is good any more. They stay listed until
    /// [`Sessions::forget`], so that an interrupted end can be repeated.
    pub(crate) async fn delete(&self, ids: &[SessionId]) -> Result<(), Failure> {
        stream::iter(ids.to_vec())
            .map(|id| async move { self.records.delete(id.as_str()).await })
            .buffer_unordered(AT_ONCE)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        Ok(())
    }

    /// Undoes [`Sessions::begin`] of a session that was given to no client.
    pub(crate) async fn discard(&self, id: &SessionId, user: &UserId) -> Result<(), Failure> {
        let id = std::slice::from_ref(id);
        self.delete(id).await?;
        self.forget(user, id).await
    }

    /// Takes ids off an account's list.
    pub(crate) async fn forget(&self, user: &UserId, ids: &[SessionId]) -> Result<(), Failure> {
        self.change_list(user, None, |list| list.retain(|id| !ids.contains(id))).await?;
        Ok(())
    }

    /// Deletes all sessions of a person who is erased, and then the list that leads to them.
    pub(crate) async fn forget_all(&self, user: &UserId) -> Result<(), Failure> {
        self.delete(&self.list(user).await?).await?;
        self.lists.delete(user.as_str()).await?;
        Ok(())
    }

    /// Adds to a list or takes off it, under compare-and-set; answers with the list after it. The first try goes by what
    /// was read before, if anything.
    async fn change_list(
        &self,
        user: &UserId,
        mut read: Option<Listed>,
        change: impl Fn(&mut Vec<SessionId>),
    ) -> Result<Vec<SessionId>, Failure> {
        for _ in 0..TRIES {
            let Listed { mut ids, revision } = match read.take() {
                Some(read) => read,
                None => self.listed(user).await?,
            };
            let before = ids.len();
            change(&mut ids);
            if ids.len() == before {
                return Ok(ids);
            }
            let value = bytes(&ids)?;
            let written = match revision {
                None => self.lists.create(user.as_str(), value, None).await,
                Some(revision) => self.lists.update(user.as_str(), value, revision, None).await,
            };
            match written {
                Err(SecretError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(ids),
            }
        }
        Err(unavailable("too many logins of one account at the same moment").into())
    }
}
