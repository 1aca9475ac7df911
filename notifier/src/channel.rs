//! Where effects go. A channel carries out one kind of effect and knows how to do it effectively once.

use std::time::Duration;

use async_trait::async_trait;
use schemas::ids::EventId;
use schemas::subjects::LaneKind;
use schemas::{Sequence, TraceParent};

use crate::config::Retry;
use crate::policy::Effect;

/// How long entries may come after the first of several: less than a reader notices.
const ENTRIES_GATHER: Duration = Duration::from_millis(50);
/// How long mails may. Their way is longer than that, and in a storm of logins each event that is fetched by itself
/// would cost the server more than it costs to log in.
const MAILS_GATHER: Duration = Duration::from_millis(250);

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
    /// Whether a dead letter is redriven: what was given up is to be done after all.
    pub(crate) redriven: bool,
    /// The trace it is of.
    pub(crate) trace: Option<TraceParent>,
}

impl Cause {
    /// The same, of an effect that may have been done before, or surely was not.
    pub(crate) fn with_repeated(&self, repeated: bool) -> Self {
        Self { repeated, ..self.clone() }
    }
}

/// The channels there are: which effects are whose, and which events each is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelKind {
    /// Entries of inboxes.
    Inbox,
    /// Mails, each about one event.
    Mail,
    /// Mails about entries that were missed.
    Digests,
}

impl ChannelKind {
    /// The one that carries out an effect.
    pub(crate) const fn of(effect: &Effect) -> Self {
        match effect {
            Effect::Inbox(_)
            | Effect::Notice(_)
            | Effect::Answered(_)
            | Effect::Review(_)
            | Effect::Reading(_) => Self::Inbox,
            Effect::Mail(_) | Effect::ForgetMails(_) => Self::Mail,
            Effect::Missed(_) => Self::Digests,
        }
    }

    /// Its name: of its queue on the server, in dead letters and in metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Mail => "mail",
            Self::Digests => "digests",
        }
    }

    /// How long events that follow others accumulate before they are fetched together.
    pub(crate) const fn gathers(self) -> Duration {
        match self {
            Self::Inbox => ENTRIES_GATHER,
            Self::Mail | Self::Digests => MAILS_GATHER,
        }
    }

    /// The lanes whose events can have its effects. What is on no lane of these it never hears of: a test compares them
    /// with the policy.
    pub(crate) const fn lanes(self) -> &'static [LaneKind] {
        match self {
            Self::Inbox => &[
                LaneKind::User,
                LaneKind::Session,
                LaneKind::Timeline,
                LaneKind::Receipts,
                LaneKind::Threads,
                LaneKind::Member,
            ],
            Self::Mail => &[
                LaneKind::User,
                LaneKind::Challenges,
                LaneKind::Identities,
                LaneKind::Session,
                LaneKind::Erasure,
                LaneKind::Exports,
            ],
            Self::Digests => &[LaneKind::Inbox],
        }
    }
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
    /// What went wrong, as it is logged.
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
    /// Which it is.
    fn kind(&self) -> ChannelKind;
    /// Its name.
    fn name(&self) -> &'static str {
        self.kind().name()
    }
    /// After this time a delivery comes again of which its process has said nothing, because it died. Coming
    /// again while it is still being worked on does no harm.
    fn answer_within(&self) -> Duration;
    /// Whether an effect of the event at this place in the log certainly changes nothing. Asked of every event
    /// there is, so it answers out of memory.
    fn passes(&self, _effect: &Effect, _at: Sequence) -> bool {
        false
    }
    /// Carries out an effect of its own. Doing it again must be recognised.
    async fn perform(&self, effect: &Effect, cause: &Cause) -> Result<Done, Failed>;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use schemas::events::{ChallengeEvent, ChallengeIssued, ChallengePurpose};
    use schemas::{Actor, Event, EventData, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::policy::{MailKind, PolicyContext, effects};

    /// What the kinds of mail are called here. One that is not below is made by no event.
    const fn name(kind: &MailKind) -> &'static str {
        match kind {
            MailKind::Registration => "registration",
            MailKind::Code(_) => "code",
            MailKind::FirstPassword { .. } => "first password",
            MailKind::NewDevice { .. } => "new device",
            MailKind::AddressTaken => "address taken",
            MailKind::AddressChanged { .. } => "address changed",
            MailKind::ExportReady { .. } => "export ready",
            MailKind::IdentityLinked { .. } => "identity linked",
            MailKind::IdentityUnlinked { .. } => "identity unlinked",
            // Made by the channel of digests when it is due.
            MailKind::Digest(_) => "digest",
        }
    }

    const MADE_OF_EVENTS: [&str; 9] = [
        "address changed",
        "address taken",
        "code",
        "export ready",
        "first password",
        "identity linked",
        "identity unlinked",
        "new device",
        "registration",
    ];

    /// Every event there is; one-time codes of every purpose.
    fn events() -> Vec<Event> {
        let mut all = testbed::every_event();
        let issued = |data: &EventData| match data {
            EventData::Challenge(ChallengeEvent::Issued(issued)) => Some(issued.clone()),
            _ => None,
        };
        let codes: Vec<ChallengeIssued> = all.iter().filter_map(issued).collect();
        for code in codes {
            let purpose = ChallengePurpose::PasswordReset;
            all.push(ChallengeIssued { purpose, taken: false, ..code }.into());
        }
        let event = |data| Event {
            id: EventId::from_uuid(Uuid::from_u128(7)),
            time: Timestamp::from_millis(1_795_255_200_000),
            actor: Actor::System,
            causation: None,
            traceparent: None,
            data,
        };
        all.into_iter().map(event).collect()
    }

    /// Every account and every room that an event tells of, with each other and alone.
    fn contexts(events: &[Event]) -> Vec<PolicyContext> {
        let mut contexts = vec![PolicyContext::default()];
        let room = |data: &EventData| match data {
            EventData::Room(event) => Some(Arc::new(event.after().clone())),
            _ => None,
        };
        let rooms: Vec<_> = events.iter().filter_map(|event| room(&event.data)).collect();
        for user in events.iter().filter_map(|event| event.data.account()) {
            let of = |room| PolicyContext { user: Some(user.clone()), room };
            contexts.push(of(None));
            contexts.extend(rooms.iter().map(|room| of(Some(Arc::clone(room)))));
        }
        contexts
    }

    #[test]
    fn a_channel_hears_of_every_event_that_has_an_effect_of_its_own() {
        let (events, mut mails) = (events(), BTreeSet::new());
        let contexts = contexts(&events);
        for event in &events {
            for effect in contexts.iter().flat_map(|context| effects(event, 1, context)) {
                let (kind, family) = (ChannelKind::of(&effect), event.data.family());
                let heard = family.lanes().iter().all(|lane| kind.lanes().contains(lane));
                assert!(heard, "{kind:?} does not hear of {}", event.data.type_name());
                if let Effect::Mail(mail) = effect {
                    mails.insert(name(&mail.kind));
                }
            }
        }
        assert_eq!(mails.into_iter().collect::<Vec<_>>(), MADE_OF_EVENTS);
    }
}
