//! Where effects go. A channel carries out one kind of effect and knows how to do it effectively once.

use std::time::Duration;

use async_trait::async_trait;
use schemas::ids::EventId;
use schemas::subjects::LaneKind;
use schemas::{Sequence, TraceParent};

use crate::config::Retry;
use crate::policy::Effect;

/// The circumstances of an effect: the event that has it, and how often it was tried.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    /// The event.
    pub(crate) event: EventId,
    /// Where it is in the log.
    pub(crate) sequence: Sequence,
    /// Whether the effect may have been done before: a second delivery, a redriven
    /// dead letter, or a late one.
    pub(crate) repeated: bool,
    /// The trace to go on.
    pub(crate) trace: Option<TraceParent>,
}

/// How an effect went that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// It was carried out.
    Now,
    /// It had been carried out before, or its time has passed; nothing was done.
    Before,
}

/// Why an effect was not carried out. The reason is for operators: no secrets, no addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// Whether and when trying again may help.
    pub(crate) outlook: Outlook,
    /// Why.
    pub(crate) reason: String,
}

/// What becomes of an effect that was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// It is tried again, so and so often.
    Again,
    /// Another process claimed it, and may be dead: it is asked for again when that claim has run out.
    Claimed(Duration),
    /// There is no room for it on a disk: it waits until there is, however long that takes.
    NoRoom,
    /// Trying again is pointless.
    Hopeless,
}

impl Failed {
    /// A later try may succeed.
    pub(crate) fn for_now(reason: impl Into<String>) -> Self {
        Self { outlook: Outlook::Again, reason: reason.into() }
    }

    /// Another process is at it, or died while it was; its claim lives so long.
    pub(crate) fn claimed(lives: Duration, reason: impl Into<String>) -> Self {
        Self { outlook: Outlook::Claimed(lives), reason: reason.into() }
    }

    /// How long to wait after a failed attempt (from 1).
    pub(crate) fn pause(&self, retry: &Retry, attempt: u32) -> Duration {
        match self.outlook {
            // A pause that grows would keep the mail of a process that died for minutes.
            Outlook::Claimed(lives) => lives,
            Outlook::Again | Outlook::NoRoom | Outlook::Hopeless => retry.pause_after(attempt),
        }
    }

    /// It succeeds when there is room on a disk.
    pub(crate) fn for_want_of_room(reason: impl Into<String>) -> Self {
        Self { outlook: Outlook::NoRoom, reason: reason.into() }
    }

    /// No later try can succeed.
    pub(crate) fn for_good(reason: impl Into<String>) -> Self {
        Self { outlook: Outlook::Hopeless, reason: reason.into() }
    }
}

/// Carries out effects of one kind.
#[async_trait]
pub(crate) trait Channel: Send + Sync {
    /// Its name: of its queue on the server, in dead letters and in metrics.
    fn name(&self) -> &'static str;
    /// The lanes whose events can have such effects.
    fn kinds(&self) -> Vec<LaneKind>;
    /// After this time a delivery comes again of which its process has said nothing, because it died. Coming
    /// again while it is still being worked on does no harm.
    fn answer_within(&self) -> Duration;
    /// Whether an effect is its own.
    fn takes(&self, effect: &Effect) -> bool;
    /// Whether an effect of the event at this place in the log certainly changes nothing. Asked of every event
    /// there is, so it answers out of memory.
    fn passes(&self, _effect: &Effect, _at: Sequence) -> bool {
        false
    }
    /// Carries out an effect of its own. Doing it again must be recognised.
    async fn perform(&self, effect: &Effect, cause: &Cause) -> Result<Done, Failed>;
}
