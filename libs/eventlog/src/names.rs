//! Which key a log's name lanes are made with.
//!
//! With another key every name would be free again and could be registered twice. So the ledger keeps what tells
//! one key from another ([`NameKey::check`]), from before the first event on, and a start with a wrong key,
//! or of a log whose lanes are plain hashes, ends with the reason.

use schemas::{Lane, NameKey};

use crate::error::LogError;
use crate::ledger::{ledger_is_there, log_error};
use crate::log::EventLog;
use crate::secrets::SecretError;

const KEY: &str = "names";

/// What a log says about the key of its name lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamesNoted {
    /// It has no event yet and knows of no key: any key will do.
    Free,
    /// It was begun with a key.
    Keyed,
    /// It has events and knows of no key: it was begun by a build without one, or its ledger is lost.
    Unknown,
}

/// Why a key does not fit a log.
#[derive(Debug, thiserror::Error)]
pub enum NameKeyError {
    /// The log was begun with another key.
    #[error("the names in this log were hashed with another key")]
    OtherKey,
    /// The log has events and knows of no key.
    #[error(
        "this log knows of no name key: it was begun by an older build, whose names are not keyed hashes"
    )]
    Unkeyed,
    /// The log cannot be asked.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl EventLog {
    /// What this log says about the key of its name lanes. Makes nothing.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::NotAttached`], [`LogError::Damaged`].
    pub async fn names_noted(&self) -> Result<NamesNoted, LogError> {
        if self.noted_check().await?.is_some() {
            return Ok(NamesNoted::Keyed);
        }
        Ok(if self.head().await? == 0 { NamesNoted::Free } else { NamesNoted::Unknown })
    }

    /// Makes sure that this is the key the log was begun with. The first key wins; of several processes that
    /// bring different ones to an empty log, the others are refused. To be called before anything is appended.
    /// `witnesses` are name lanes made with `key` that hold an event in nearly every log: a log that has lost its
    /// ledger is known by them.
    ///
    /// # Errors
    /// See [`NameKeyError`].
    pub async fn note_names(&self, key: &NameKey, witnesses: &[Lane]) -> Result<(), NameKeyError> {
        let check = key.check();
        if let Some(noted) = self.noted_check().await? {
            return if noted == check.as_str() { Ok(()) } else { Err(NameKeyError::OtherKey) };
        }
        if self.head().await? > 0 && !self.any_has_events(witnesses).await? {
            // Another process may have begun the log since this one looked.
            return match self.noted_check().await? {
                Some(noted) if noted == check.as_str() => Ok(()),
                Some(_) => Err(NameKeyError::OtherKey),
                None => Err(NameKeyError::Unkeyed),
            };
        }
        match self.ledger().create(KEY, check.as_str().to_owned(), None).await {
            Ok(_) => Ok(()),
            Err(SecretError::Conflict) => match self.noted_check().await? {
                Some(noted) if noted == check.as_str() => Ok(()),
                _ => Err(NameKeyError::OtherKey),
            },
            Err(error) => Err(log_error(error).into()),
        }
    }

    async fn any_has_events(&self, lanes: &[Lane]) -> Result<bool, LogError> {
        for lane in lanes {
            if self.last(lane).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn noted_check(&self) -> Result<Option<String>, LogError> {
        if !ledger_is_there(self).await? {
            return Ok(None);
        }
        let found = self.ledger().get(KEY).await.map_err(log_error)?;
        Ok(found.map(|(value, _)| String::from_utf8_lossy(&value).into_owned()))
    }
}
