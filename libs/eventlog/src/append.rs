//! Writing to the log.
//!
//! Every message carries an id (`Nats-Msg-Id`), so a try whose answer was lost is simply made again: the
//! server recognises what it has. Nothing here holds a lock while waiting for an answer; any number
//! of tasks append at the same time over the one connection.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::{
    NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_MESSAGE_ID, NATS_ROLLUP,
};
use bytes::Bytes;
use schemas::{Lane, Sequence};
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use crate::api::{PAUSE, Unanswered};
use crate::error::{AppendError, LogError};
use crate::log::EventLog;
use crate::outcome::Outcome;
use crate::prepared::{Prepared, Written, as_sequence};
use crate::traced;
use crate::tries::{BUDGET, Tries};
use crate::write::{Appended, DedupId, Expect, LaneWrite};

/// The server's limit.
const MAX_BATCH: usize = 1000;
/// Room for the headers within the server's limit for a message.
const HEADER_ROOM: usize = 1024;

impl EventLog {
    /// Writes events: one with a single publish, several as one atomic batch (all or none, with
    /// consecutive sequences). In a batch the expectation on a lane must come with the first write to it.
    ///
    /// When the answer is lost it tries again under the same ids for up to 10 s, so an `Ok` is never a
    /// second copy. Dropping the future leaves the outcome unknown.
    ///
    /// # Errors
    /// See [`AppendError`]; only [`AppendError::Unknown`] leaves open whether the events were written.
    pub async fn append(&self, writes: Vec<LaneWrite>) -> Result<Appended, AppendError> {
        let begun = Instant::now();
        let span = traced::append(&writes);
        let mut appending = pin!(self.append_all(&writes).instrument(span));
        let outcome = appending.as_mut().await;
        traced::appended(appending.span(), Some(&outcome));
        self.took(begun);
        outcome
    }

    /// Tells who wants to know how long an append took.
    pub(crate) fn took(&self, begun: Instant) {
        if let Some(observer) = self.inner.appends.get() {
            observer(begun.elapsed());
        }
    }

    async fn append_all(&self, writes: &[LaneWrite]) -> Result<Appended, AppendError> {
        let epoch = match self.epoch_to_write().await {
            Err(LogError::Unavailable(_)) => return Err(AppendError::Unavailable),
            other => other?,
        };
        if self.store_failed() {
            return Err(AppendError::StorageFull);
        }
        let count = writes.len();
        if count > MAX_BATCH {
            return Err(AppendError::TooLarge);
        }
        let prepared: Result<Vec<Prepared>, AppendError> =
            writes.iter().map(|write| self.prepare(write)).collect();
        let mut prepared = prepared?;
        let written = if count > 1 {
            let last = self.write_batch(&prepared).await.map_err(|error| self.noted(error))?;
            Written { last, duplicate: false }
        } else if let Some(single) = prepared.pop() {
            self.write_single(single).await.map_err(|error| self.noted(error))?
        } else {
            return Err(LogError::Refused { code: 0, description: "no events".into() }.into());
        };
        self.note_seen(written.last);
        let first = written.last.saturating_sub(as_sequence(count) - 1);
        Ok(Appended {
            position: epoch.at(written.last),
            sequences: (first..=written.last).collect(),
            duplicate: written.duplicate,
        })
    }

    /// How many events were not written since the start because they would not have been read back as they were
    /// meant: each is a value that should have been refused where it was parsed.
    #[must_use]
    pub fn refused_unreadable(&self) -> u64 {
        self.inner.refused_unreadable.load(Ordering::Relaxed)
    }

    /// A write in the form it is sent in.
    pub(crate) fn prepare(&self, write: &LaneWrite) -> Result<Prepared, AppendError> {
        let namespace = self.namespace();
        let limit = self.inner.connection.client().max_payload().saturating_sub(HEADER_ROOM);
        let payload = write.event.encode().map_err(|error| {
            self.inner.refused_unreadable.fetch_add(1, Ordering::Relaxed);
            AppendError::Unreadable(error)
        })?;
        if payload.len() > limit {
            return Err(AppendError::TooLarge);
        }
        let message_id = match &write.dedup {
            Some(id) => id.as_str().to_owned(),
            None => write.event.id.as_str().to_owned(),
        };
        let expected = match write.expect {
            Expect::Any => None,
            Expect::Empty => Some((None, 0)),
            Expect::At(sequence) => Some((None, sequence)),
            Expect::Fence { lane, at } => Some((Some(lane.subject(namespace)), at)),
        };
        Ok(Prepared {
            subject: write.lane.subject(namespace),
            payload: payload.into(),
            message_id,
            repeatable: write.dedup.is_some(),
            doubtful: false,
            expected,
        })
    }

    /// One single publish, retried while its outcome is not known.
    pub(crate) async fn publish_single(&self, write: &Prepared) -> Result<Written, AppendError> {
        let mut tries = Tries::new();
        loop {
            tries.wait_for_connection(self).await?;
            let (subject, headers) = (write.subject.clone(), Some(write.headers()));
            let (patience, payload) = (tries.patience(self), write.payload.clone());
            let connection = &self.inner.connection;
            let answer = connection.ask_for(patience, subject, headers, payload).await;
            match tries.judge(self, answer)? {
                Some(Outcome::Stored { sequence, duplicate: false }) => {
                    return Ok(Written { last: sequence, duplicate: false });
                }
                Some(Outcome::Stored { sequence, duplicate: true }) => {
                    return Ok(self.repeated(write, sequence).await);
                }
                Some(Outcome::Contended) if tries.contend().await => {}
                Some(Outcome::Refused(AppendError::Conflict) | Outcome::Contended) => {
                    return self.explain_conflict(write, &tries).await;
                }
                Some(Outcome::Refused(error)) => return Err(error),
                Some(Outcome::Later) | None => tries.pause().await?,
            }
        }
    }

    /// The server judges a single's expectation before it looks for its id, so what looks like a conflict
    /// may be a repeat of a write that is in the log already.
    async fn explain_conflict(
        &self,
        write: &Prepared,
        tries: &Tries,
    ) -> Result<Written, AppendError> {
        if !tries.sent && !write.may_be_stored() {
            return Err(AppendError::Conflict);
        }
        match self.find_written_before(write).await {
            Ok(Some(written)) => Ok(written),
            Err(_) if tries.sent || write.doubtful => Err(AppendError::Unknown),
            Ok(None) | Err(_) => Err(AppendError::Conflict),
        }
    }

    /// Where this write is, if the log has it from an earlier try or from another call.
    pub(crate) async fn find_written_before(
        &self,
        write: &Prepared,
    ) -> Result<Option<Written>, LogError> {
        match self.find_id(&write.subject, &write.message_id).await? {
            Some(sequence) => Ok(Some(self.repeated(write, sequence).await)),
            None => Ok(None),
        }
    }

    /// One atomic batch, retried while its outcome is not known; the sequence of its last event.
    pub(crate) async fn write_batch(&self, batch: &[Prepared]) -> Result<Sequence, AppendError> {
        let mut tries = Tries::new();
        loop {
            tries.wait_for_connection(self).await?;
            let answer = self.send_batch(batch, tries.patience(self)).await;
            match tries.judge(self, answer)? {
                Some(Outcome::Stored { sequence, .. }) => return Ok(sequence),
                Some(Outcome::Refused(AppendError::AlreadyCommitted)) if tries.sent => {
                    return self.find_committed(batch).await;
                }
                Some(Outcome::Contended) => return Err(AppendError::Conflict),
                Some(Outcome::Refused(error)) => return Err(error),
                Some(Outcome::Later) | None => tries.pause().await?,
            }
        }
    }

    async fn send_batch(
        &self,
        batch: &[Prepared],
        patience: Duration,
    ) -> Result<async_nats::Message, Unanswered> {
        let connection = &self.inner.connection;
        let client = connection.client();
        // A new name for each try: what an earlier one left behind must not mix in.
        let inbox = client.new_inbox();
        let batch_id = inbox.rsplit('.').next().unwrap_or(&inbox).to_owned();
        let Some((commit, before)) = batch.split_last() else { return Err(Unanswered::NotTaken) };
        if !connection.is_connected() {
            return Err(Unanswered::NotTaken);
        }
        let mut number: u64 = 0;
        for write in before {
            number += 1;
            let headers = write.batch_headers(&batch_id, number);
            // Without its commit a batch has no effect, so a failure here is not an unknown outcome.
            client
                .publish_with_headers(write.subject.clone(), headers, write.payload.clone())
                .await
                .map_err(|_| Unanswered::NotTaken)?;
        }
        let mut headers = commit.batch_headers(&batch_id, number + 1);
        headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        let subject = commit.subject.clone();
        connection.ask_for(patience, subject, Some(headers), commit.payload.clone()).await
    }

    /// The ids of this batch are in the log: from an earlier try of ours, or from another call?
    async fn find_committed(&self, batch: &[Prepared]) -> Result<Sequence, AppendError> {
        let Some(commit) = batch.last() else { return Err(AppendError::AlreadyCommitted) };
        match self.find_id(&commit.subject, &commit.message_id).await {
            Ok(Some(last)) if !self.repeated(commit, last).await.duplicate => Ok(last),
            Ok(_) => Err(AppendError::AlreadyCommitted),
            Err(_) => Err(AppendError::Unknown),
        }
    }

    /// A write whose id the log already had. When it is this very event, from an earlier try of the same
    /// call, it is no duplicate to the caller.
    pub(crate) async fn repeated(&self, write: &Prepared, sequence: Sequence) -> Written {
        let ours = match self.get(sequence).await {
            Ok(Some(stored)) => stored.payload == write.payload,
            _ => false,
        };
        Written { last: sequence, duplicate: !ours }
    }

    /// Where the event with a message id is, if the server remembers one: a publish that is answered when the
    /// id is known and otherwise refused, because it asks for a kind of roll-up that there is not.
    ///
    /// It must be refused before the copies of a cluster are asked to agree. An expected last message id
    /// looks as fit, but is judged only when each copy applies the write, which nats-server 2.15 takes for a
    /// broken disk: all copies of the stream stop for good (`critical write error: last msgid mismatch`).
    async fn find_id(&self, subject: &str, message_id: &str) -> Result<Option<Sequence>, LogError> {
        let deadline = Instant::now() + BUDGET;
        let connection = &self.inner.connection;
        while connection.connected_by(deadline).await && Instant::now() < deadline {
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, message_id);
            headers.insert(NATS_ROLLUP, "never");
            match connection.ask(subject.to_owned(), Some(headers), Bytes::new()).await {
                Ok(answer) => match Outcome::read(&answer) {
                    Outcome::Stored { sequence, duplicate: true } => return Ok(Some(sequence)),
                    Outcome::Later | Outcome::Contended => {}
                    Outcome::Stored { .. } | Outcome::Refused(_) => return Ok(None),
                },
                Err(_) => sleep(PAUSE).await,
            }
        }
        Err(LogError::Unavailable("the duplicate window does not answer".into()))
    }

    /// Where the event of an earlier command is, found by the `DedupId` it was written under, within the
    /// duplicate window. For a batch that was [`AppendError::AlreadyCommitted`] this tells where.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn find_written(
        &self,
        lane: &Lane,
        id: &DedupId,
    ) -> Result<Option<Sequence>, LogError> {
        self.find_id(&lane.subject(self.namespace()), id.as_str()).await
    }
}
