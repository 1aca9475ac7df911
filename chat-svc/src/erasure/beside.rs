//! What is kept of a person beside the log: their secrets, which auth-svc forgets; answers that were kept for repeats, when
//! they were last seen, the copy of their data that they asked for.
//!
//! Everything is found by the id of the person. Their files are another matter (`media.rs`).

use decider::Failure;
use schemas::UserId;

use super::Eraser;

/// Answers kept for repeats; the name of each begins with whose it is.
const ANSWERS: &str = "idempotency";

impl Eraser {
    /// Has deleted and overwritten what is kept of a person beside the log. Without an answer of auth-svc the erasure
    /// goes no further, and is tried again.
    pub(super) async fn forget_beside(&self, user: &UserId) -> Result<(), Failure> {
        self.auth.forget(user).await?;
        let answers = self.chat.log.secrets(ANSWERS);
        for key in answers.keys(Some(user.as_str())).await? {
            answers.delete(&key).await?;
        }
        self.chat.remove_export(user).await?;
        Ok(self.chat.index.forget_person(user).await?)
    }
}
