//! What was found out about a request on its way, for its response and its line in the log.

use std::sync::Arc;

use parking_lot::Mutex;
use schemas::{Rejection, UserId};

use crate::limits::{Verdict, too_much};

/// What is known of a request by the time it is answered.
#[derive(Default)]
pub(super) struct RequestOutcome {
    /// Who sent it, once that is known.
    pub(super) user: Option<UserId>,
    /// What each limit says that applies to the request as such.
    verdicts: Vec<Verdict>,
    /// What the limit of what is stored says, once something was to be stored.
    pub(super) stored: Stored,
}

/// Shared with the handler, which is what stores something.
pub(super) type Stored = Arc<Mutex<Option<Verdict>>>;

impl RequestOutcome {
    /// Notes what limits say.
    ///
    /// # Errors
    /// `rate_limited` when one of them is used up.
    pub(super) fn count(&mut self, verdicts: Vec<Verdict>) -> Result<(), Rejection> {
        let refusal = verdicts.iter().find_map(too_much);
        self.verdicts.extend(verdicts);
        refusal.map_or(Ok(()), Err)
    }

    /// What each limit says that applies to the request as such.
    pub(super) fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }
}
