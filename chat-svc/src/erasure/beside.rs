//! What is kept of a person beside the log: secrets, answers that were kept for repeats, when they were last seen, the
//! copy of their data that they asked for.
//!
//! Everything is found by the id of the person. Their files are another matter (`media.rs`).

use decider::{Failure, unavailable};
use schemas::UserId;

use super::Eraser;

/// The buckets with one record a person, under their id.
const OF_A_PERSON: [&str; 6] =
    ["credentials", "second_factors", "codes", "attempts", "devices", "admins"];
/// The sessions, each under its own id, and the list of a person's.
const SESSIONS: &str = "sessions";
const LISTS: &str = "user_sessions";
/// Answers kept for repeats; the name of each begins with whose it is.
const ANSWERS: &str = "idempotency";

impl Eraser {
    /// Deletes and overwrites what is kept of a person beside the log.
    pub(super) async fn forget_beside(&self, user: &UserId) -> Result<(), Failure> {
        let log = &self.chat.log;
        for bucket in OF_A_PERSON {
            log.secrets(bucket).delete(user.as_str()).await?;
        }
        let (sessions, lists) = (log.secrets(SESSIONS), log.secrets(LISTS));
        if let Some((list, _)) = lists.get(user.as_str()).await? {
            let unreadable = |_| unavailable("the list of sessions cannot be read");
            let ids: Vec<String> = serde_json::from_slice(&list).map_err(unreadable)?;
            for id in ids {
                sessions.delete(&id).await?;
            }
            lists.delete(user.as_str()).await?;
        }
        let answers = log.secrets(ANSWERS);
        for key in answers.keys(Some(user.as_str())).await? {
            answers.delete(&key).await?;
        }
        self.chat.remove_export(user).await?;
        Ok(self.chat.index.forget_person(user).await?)
    }
}
