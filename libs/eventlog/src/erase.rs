//! Secure deletion of single events, and what is noted of it beforehand.
//!
//! The service that erases has listed the events in an event of its own before. That list's place and the sequences it names
//! go into the ledger first, then the events are deleted and overwritten: at no time does the log have a hole that
//! the ledger does not explain. Both may be repeated; a repeat finds nothing left to do.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use schemas::{Lane, RoomId, Sequence, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api;
use crate::error::LogError;
use crate::holes::Holes;
use crate::ledger::{ledger_is_there, log_error};
use crate::log::EventLog;
use crate::secrets::SecretError;

/// What the keys of lists begin with in the ledger.
const LISTS: &str = "erased";
/// Events deleted, or lists read, at the same time.
const AT_ONCE: usize = 16;

#[derive(Deserialize)]
struct Info {
    state: Subjects,
}

#[derive(Deserialize)]
struct Subjects {
    #[serde(default)]
    subjects: Option<std::collections::BTreeMap<String, u64>>,
}

impl EventLog {
    /// Notes that events are about to be erased, which the event at `listed` lists.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]: nothing may be deleted yet.
    pub async fn note_erased(
        &self,
        listed: Sequence,
        sequences: &[Sequence],
    ) -> Result<(), LogError> {
        let mut holes = Holes::default();
        sequences.iter().for_each(|sequence| holes.insert(*sequence, *sequence));
        let value =
            serde_json::to_vec(&holes).map_err(|error| LogError::BadAnswer(error.into()))?;
        match self.ledger().create(&format!("{LISTS}.{listed}"), value, None).await {
            // It was noted before.
            Ok(_) | Err(SecretError::Conflict) => {}
            Err(error) => return Err(log_error(error)),
        }
        self.learn_list(listed, holes);
        Ok(())
    }

    /// Deletes events and overwrites them in the store. They must have been [noted](Self::note_erased).
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`]: some may be left; repeat it.
    pub async fn erase(&self, sequences: &[Sequence]) -> Result<(), LogError> {
        stream::iter(sequences.to_vec())
            .map(|sequence| async move { self.erase_one(sequence).await })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn erase_one(&self, sequence: Sequence) -> Result<(), LogError> {
        if !self.is_hole(sequence, sequence) {
            let description = format!("the event {sequence} was not noted to be erased");
            return Err(LogError::Refused { code: 0, description });
        }
        self.wipe(&self.inner.stream, sequence).await
    }

    /// Deletes a message of any stream and overwrites it in the store; one that is gone is as good.
    pub(crate) async fn wipe(&self, stream: &str, sequence: Sequence) -> Result<(), LogError> {
        let connection = &self.inner.connection;
        let subject = format!("$JS.API.STREAM.MSG.DELETE.{stream}");
        let request = json!({ "seq": sequence, "no_erase": false }).to_string().into();
        let answer = connection.ask_safely(&subject, &request).await?;
        let Err(error) = api::parse::<Value>(&answer)? else { return Ok(()) };
        // It is gone already, or something is wrong.
        match connection.leaders_message(stream, &json!({ "seq": sequence })).await? {
            None => Ok(()),
            Some(_) => Err(error.into()),
        }
    }

    /// Where the lists are of which some event lies in this inclusive range.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn lists_within(
        &self,
        from: Sequence,
        to: Sequence,
    ) -> Result<Vec<Sequence>, LogError> {
        self.read_lists().await?;
        let lists = self.inner.lists.read();
        let within = |(_, holes): &(&Sequence, &Holes)| holes.meet(from, to);
        Ok(lists.iter().filter(within).map(|(listed, _)| *listed).collect())
    }

    /// Reads the lists that are not known yet.
    pub(crate) async fn read_lists(&self) -> Result<(), LogError> {
        if !ledger_is_there(self).await? {
            return Ok(());
        }
        let ledger = self.ledger();
        let keys = ledger.keys(Some(LISTS)).await.map_err(log_error)?;
        let unknown = |key: String| {
            let listed: Sequence = key.rsplit('.').next()?.parse().ok()?;
            (!self.inner.lists.read().contains_key(&listed)).then_some((key, listed))
        };
        let unknown: Vec<(String, Sequence)> = keys.into_iter().filter_map(unknown).collect();
        let mut found = stream::iter(unknown)
            .map(|(key, listed)| {
                let ledger = ledger.clone();
                async move {
                    let value = ledger.get(&key).await.map_err(log_error)?;
                    Ok::<_, LogError>((listed, value))
                }
            })
            .buffered(AT_ONCE);
        while let Some((listed, value)) = found.try_next().await? {
            let Some((value, _)) = value else { continue };
            let holes =
                serde_json::from_slice(&value).map_err(|e| LogError::BadAnswer(e.into()))?;
            self.learn_list(listed, holes);
        }
        Ok(())
    }

    /// Forgets the lists that an event after this one would have: the log is a copy that ends before it, and has what they
    /// name.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn forget_lists_after(&self, head: Sequence) -> Result<(), LogError> {
        if !ledger_is_there(self).await? {
            return Ok(());
        }
        let ledger = self.ledger();
        for key in ledger.keys(Some(LISTS)).await.map_err(log_error)? {
            let listed = key.rsplit('.').next().and_then(|listed| listed.parse().ok());
            if listed.is_some_and(|listed: Sequence| listed > head) {
                ledger.delete(&key).await.map_err(log_error)?;
            }
        }
        Ok(())
    }

    fn learn_list(&self, listed: Sequence, holes: Holes) {
        let mut known = self.inner.holes.write();
        holes.ranges().iter().for_each(|(from, to)| known.insert(*from, *to));
        self.inner.lists.write().insert(listed, holes);
    }

    /// The lanes of memberships that have an event: those of a room, of a user, or of both. At most 100,000.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn member_lanes(
        &self,
        room: Option<&RoomId>,
        user: Option<&UserId>,
    ) -> Result<Vec<Lane>, LogError> {
        let filter = self.namespace().member_lanes(room, user);
        let subject = format!("$JS.API.STREAM.INFO.{}", self.inner.stream);
        let request = json!({ "subjects_filter": filter }).to_string().into();
        let answer = self.inner.connection.ask_safely(&subject, &request).await?;
        let info: Info = api::parse(&answer)?.map_err(LogError::from)?;
        let subjects = info.state.subjects.unwrap_or_default().into_keys();
        Ok(subjects.filter_map(|subject| Lane::parse(self.namespace(), &subject).ok()).collect())
    }
}
