//! What waits to be told by mail: pure.
//!
//! A user who is told of something while they are away gets one mail for all of it, after the delay they prefer. What
//! waits for them is a stretch of their inbox, named by places of the log, so that each entry is in one mail and a mail
//! that was interrupted is the same when it is done again.

use schemas::events::{NotificationEvent, UserState};
use schemas::preferences::MailAbout;
use schemas::values::NotificationKind;
use schemas::{Sequence, Timestamp, TraceParent, UserId};
use serde::{Deserialize, Serialize};

/// Seconds after which an entry is told by no mail any more, if none was planned until then: longer than any delay.
const TOO_OLD: i64 = 2 * 24 * 3600;
/// Most traces that are kept of what waits for a user: a mail may tell of hundreds of entries.
const MAX_TRACES: usize = 8;
/// Mails of a user that were given up and can be sent after all: beyond so many the oldest are forgotten.
const MOST_GIVEN_UP: usize = 16;

/// What waits for a user, as it is kept until it is told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// The first entry that waits, by the event that made it, and when that was.
    pub(crate) first: Sequence,
    pub(crate) since_ms: i64,
    /// The last one.
    pub(crate) last: Sequence,
    /// The mail that is being sent: the last entry it tells of, when it was decided, and how often it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sending: Option<Sending>,
    /// Every entry up to here was told, or is not to be.
    pub(crate) settled: Sequence,
    /// Mails that were given up, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) given_up: Vec<GivenUp>,
    /// The sampled traces of entries that wait, by the entry: the first so many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) traces: Vec<(Sequence, TraceParent)>,
}

/// A mail that was given up: the first entry it would have told of, and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GivenUp {
    pub(crate) first: Sequence,
    pub(crate) through: Sequence,
}

/// A mail on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sending {
    pub(crate) through: Sequence,
    pub(crate) decided_ms: i64,
    pub(crate) tries: u32,
    /// The first entry it tells of, for one that was given up before. None: the first that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<Sequence>,
}

/// What is to be done about what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is told by no mail.
    PassOver,
    /// It is looked at again then.
    Later(Timestamp),
    /// It is told now, unless the user is there.
    Due,
}

impl Waiting {
    /// Whether an entry waits.
    const fn waits(&self) -> bool {
        self.last > self.settled
    }

    /// Whether something is to be done: an entry waits, or a mail is on its way.
    pub(crate) const fn is_open(&self) -> bool {
        self.waits() || self.sending.is_some()
    }

    /// With one more entry; none when it is known already.
    pub(crate) fn with(&self, entry: Sequence, created_at: Timestamp) -> Option<Self> {
        if entry <= self.last || entry <= self.settled {
            return None;
        }
        let mut after = self.clone();
        after.last = entry;
        if !self.waits() {
            (after.first, after.since_ms) = (entry, created_at.millis());
        }
        Some(after)
    }

    /// With the trace of an entry, if that is sampled.
    pub(crate) fn traced(mut self, entry: Sequence, trace: Option<&TraceParent>) -> Self {
        let sampled = trace.filter(|trace| trace.is_sampled());
        if let Some(trace) = sampled.filter(|_| self.traces.len() < MAX_TRACES) {
            self.traces.push((entry, trace.clone()));
        }
        self
    }

    /// The traces a mail links to that tells of everything up to a place.
    pub(crate) fn traces_of(&self, through: Sequence) -> impl Iterator<Item = &TraceParent> {
        self.traces.iter().filter(move |(entry, _)| *entry <= through).map(|(_, trace)| trace)
    }

    /// With everything up to a place told, or passed over; what came since waits from now on.
    pub(crate) fn settled(&self, through: Sequence, now: Timestamp) -> Self {
        let mut after = self.clone();
        (after.settled, after.sending) = (self.settled.max(through), None);
        after.traces.retain(|(entry, _)| *entry > through);
        if after.waits() {
            (after.first, after.since_ms) = (after.settled + 1, now.millis());
        }
        after
    }

    /// With the mail that was on its way given up.
    pub(crate) fn given_up(&self, sending: &Sending, now: Timestamp) -> Self {
        let (first, through) = (sending.first.unwrap_or(self.first), sending.through);
        let mut after = self.settled(through, now);
        after.given_up.retain(|one| one.through != through);
        after.given_up.push(GivenUp { first, through });
        let surplus = after.given_up.len().saturating_sub(MOST_GIVEN_UP);
        after.given_up.drain(..surplus);
        after
    }

    /// With the mail on its way after all whose last entry this is; none while another one is. Where it is not known any
    /// more what it told of, it tells of that entry.
    pub(crate) fn once_more(&self, through: Sequence, now: Timestamp) -> Option<Self> {
        if self.sending.is_some() {
            return None;
        }
        let known = self.given_up.iter().find(|one| one.through == through);
        let first = Some(known.map_or(through, |one| one.first));
        let mut after = self.clone();
        after.given_up.retain(|one| one.through != through);
        after.sending = Some(Sending { through, decided_ms: now.millis(), tries: 0, first });
        Some(after)
    }

    /// With a mail decided that tells of everything so far.
    pub(crate) fn sending(&self, now: Timestamp) -> (Self, Sending) {
        let decided_ms = now.millis();
        let sending = Sending { through: self.last, decided_ms, tries: 0, first: None };
        (Self { sending: Some(sending), ..self.clone() }, sending)
    }

    /// What is to be done, by what its user prefers; none: the account is gone.
    pub(crate) fn judge(&self, user: Option<&UserState>, now: Timestamp) -> Verdict {
        let Some(user) = user.filter(|user| !user.suspended) else { return Verdict::PassOver };
        let preferences = &user.preferences;
        if preferences.email == MailAbout::None {
            return Verdict::PassOver;
        }
        let delay = i64::from(preferences.email_delay_minutes.minutes()) * 60;
        let due = Timestamp::from_millis(self.since_ms).plus_seconds(delay);
        let quiet = preferences.do_not_disturb_until.filter(|until| *until > due);
        let due = quiet.unwrap_or(due);
        if due > now { Verdict::Later(due) } else { Verdict::Due }
    }
}

/// An entry in an inbox that a digest may tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Whose inbox.
    pub user_id: UserId,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What of an event a digest may tell of. Whether it does is decided when it is due.
pub(crate) fn missed(event: &NotificationEvent) -> Option<Missed> {
    let NotificationEvent::Created(created) = event else { return None };
    is_told(created.kind)
        .then_some(Missed { user_id: created.user_id, created_at: created.created_at })
}

/// Whether an entry is so old that no mail is planned for it: the queue began anew.
pub(crate) fn is_too_old(created_at: Timestamp, now: Timestamp) -> bool {
    created_at.plus_seconds(TOO_OLD) < now
}

/// Whether entries of a kind are told by mail at all.
pub(crate) const fn is_told(kind: NotificationKind) -> bool {
    wants(MailAbout::All, kind)
}

/// Whether a user who prefers this is told of entries of a kind.
pub(crate) const fn wants(about: MailAbout, kind: NotificationKind) -> bool {
    match kind {
        NotificationKind::Mention | NotificationKind::DirectMessage => {
            matches!(about, MailAbout::All | MailAbout::Mentions)
        }
        NotificationKind::ThreadReply => matches!(about, MailAbout::All),
        NotificationKind::Welcome | NotificationKind::Invite | NotificationKind::System => false,
    }
}

/// One line of a digest: who did what, and where. What was said is not in it: that would outlive its deletion.
pub(crate) fn line(kind: NotificationKind, who: &str, room: Option<&str>) -> String {
    let place = room.map(|room| format!(" in {room}")).unwrap_or_default();
    match kind {
        NotificationKind::DirectMessage => format!("{who} wrote to you{place}."),
        NotificationKind::ThreadReply => {
            format!("{who} answered in a thread you follow{place}.")
        }
        NotificationKind::Mention
        | NotificationKind::Welcome
        | NotificationKind::Invite
        | NotificationKind::System => format!("{who} mentioned you{place}."),
    }
}

#[cfg(test)]
mod tests {
    use schemas::Preferences;
    use schemas::values::{DisplayName, Email, Role, Username};

    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * MINUTE)
    }

    fn user(preferences: Preferences) -> UserState {
        UserState {
            id: UserId::from_uuid(uuid::Uuid::from_u128(1)),
            username: Username::parse("ada").unwrap(),
            display_name: DisplayName::parse("Ada").unwrap(),
            email: Email::parse("ada@example.org").unwrap(),
            email_verified: true,
            role: Role::User,
            suspended: false,
            second_factor: false,
            has_password: true,
            bio: None,
            avatar_media_id: None,
            settings: serde_json::Map::new(),
            preferences,
            created_at: at(0),
            deleted: false,
        }
    }

    /// Entries at these places, each a minute after the other.
    fn waiting(entries: &[Sequence]) -> Waiting {
        (0..).zip(entries).fold(Waiting::default(), |waiting, (minute, entry)| {
            waiting.with(*entry, at(minute)).unwrap()
        })
    }

    #[test]
    fn the_first_entry_begins_the_delay_and_each_counts_once() {
        let waiting = waiting(&[5, 7, 9]);
        assert_eq!((waiting.first, waiting.since_ms, waiting.last), (5, 0, 9));
        assert_eq!(waiting.with(7, at(9)), None);
        let told = waiting.sending(at(15)).0.settled(9, at(16));
        assert!(
            !told.is_open() && told.with(9, at(17)).is_none() && told.with(3, at(17)).is_none()
        );
        let again = told.with(12, at(20)).unwrap();
        assert_eq!((again.first, again.since_ms, again.last), (12, 20 * MINUTE, 12));
    }

    #[test]
    fn what_comes_while_a_mail_is_sent_waits_for_the_next() {
        let sending = waiting(&[5, 7]).sending(at(15)).0.with(9, at(16)).unwrap();
        assert_eq!(sending.sending.as_ref().unwrap().through, 7);
        let after = sending.settled(7, at(17));
        assert!(after.is_open() && after.sending.is_none());
        assert_eq!((after.first, after.since_ms, after.last), (8, 17 * MINUTE, 9));
    }

    #[test]
    fn what_was_given_up_is_sent_after_all_and_nothing_else_with_it() {
        let (waiting, first_mail) = waiting(&[5, 7]).sending(at(15));
        let lost = waiting.given_up(&first_mail, at(16));
        assert!(!lost.is_open());
        // A later mail tells of what came since, and is told.
        let later = lost.with(9, at(20)).unwrap();
        assert_eq!(later.first, 9);
        let (later, _) = later.sending(at(21));
        assert_eq!(later.once_more(7, at(21)), None, "one at a time");
        let told = later.settled(9, at(22));
        let again = told.once_more(7, at(30)).unwrap();
        let sending = again.sending.unwrap();
        assert_eq!((sending.first, sending.through, sending.tries), (Some(5), 7, 0));
        assert!(again.is_open() && again.given_up.is_empty());
        // What comes meanwhile waits for its own mail.
        let more = again.with(12, at(31)).unwrap();
        assert_eq!((more.first, more.sending.as_ref()), (12, again.sending.as_ref()));
        let done = more.settled(7, at(32));
        assert!(done.is_open() && done.sending.is_none() && done.first > 9);
        // Given up again it is known by the same entries.
        let lost_again = again.given_up(&sending, at(31));
        assert_eq!(lost_again.given_up, [GivenUp { first: 5, through: 7 }]);
        assert!(!lost_again.is_open());
        // Long forgotten: the entry that names it is left.
        let unknown = Waiting::default().once_more(7, at(40)).unwrap();
        assert_eq!(unknown.sending.unwrap().first, Some(7));
    }

    #[test]
    fn only_so_many_mails_are_remembered_as_given_up() {
        let mut waiting = Waiting::default();
        for entry in 1..=40 {
            let (next, sending) = waiting.with(entry, at(1)).unwrap().sending(at(2));
            waiting = next.given_up(&sending, at(3));
        }
        assert_eq!(waiting.given_up.len(), MOST_GIVEN_UP);
        assert_eq!(waiting.given_up[0], GivenUp { first: 25, through: 25 });
    }

    #[test]
    fn a_digest_is_due_when_its_user_prefers_it() {
        let waiting = waiting(&[5]);
        let judge = |preferences, minutes| waiting.judge(Some(&user(preferences)), at(minutes));
        assert_eq!(judge(Preferences::default(), 14), Verdict::Later(at(15)));
        assert_eq!(judge(Preferences::default(), 15), Verdict::Due);
        let quiet = Preferences { do_not_disturb_until: Some(at(60)), ..Preferences::default() };
        assert_eq!(judge(quiet.clone(), 15), Verdict::Later(at(60)));
        assert_eq!(judge(quiet, 60), Verdict::Due);
        let none = Preferences { email: MailAbout::None, ..Preferences::default() };
        assert_eq!(judge(none, 15), Verdict::PassOver);
        assert_eq!(waiting.judge(None, at(15)), Verdict::PassOver);
        let suspended = UserState { suspended: true, ..user(Preferences::default()) };
        assert_eq!(waiting.judge(Some(&suspended), at(15)), Verdict::PassOver);
    }

    #[test]
    fn which_kinds_are_told_is_what_the_user_prefers() {
        use NotificationKind::{DirectMessage, Invite, Mention, System, ThreadReply, Welcome};
        for (kind, all, mentions) in [
            (Mention, true, true),
            (DirectMessage, true, true),
            (ThreadReply, true, false),
            (Welcome, false, false),
            (Invite, false, false),
            (System, false, false),
        ] {
            assert_eq!(
                (wants(MailAbout::All, kind), wants(MailAbout::Mentions, kind)),
                (all, mentions)
            );
            assert!(!wants(MailAbout::None, kind));
        }
    }

    fn trace(flags: &str) -> TraceParent {
        let text = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        TraceParent::parse(&text).unwrap()
    }

    #[test]
    fn a_mail_knows_the_sampled_traces_of_what_it_tells() {
        let waiting = waiting(&[5]).traced(5, Some(&trace("01"))).with(7, at(1)).unwrap();
        let waiting = waiting.traced(7, Some(&trace("00"))).with(9, at(2)).unwrap();
        let waiting = waiting.traced(9, Some(&trace("03")));
        assert_eq!(waiting.traces_of(8).collect::<Vec<_>>(), [&trace("01")]);
        assert_eq!(waiting.traces_of(9).count(), 2);
        assert_eq!(waiting.settled(7, at(3)).traces, [(9, trace("03"))]);
        assert!(waiting.settled(9, at(3)).traces.is_empty());
        let many = (0..100).fold(waiting, |waiting, _| waiting.traced(9, Some(&trace("01"))));
        assert_eq!(many.traces.len(), MAX_TRACES);
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let traced = waiting(&[5]).traced(5, Some(&trace("01")));
        let (sent, sending) = waiting(&[5]).sending(at(3));
        let lost = sent.given_up(&sending, at(4));
        let again = lost.once_more(5, at(5)).unwrap();
        for waiting in [Waiting::default(), waiting(&[5]), sent, lost, again, traced] {
            let bytes = serde_json::to_vec(&waiting).unwrap();
            assert_eq!(serde_json::from_slice::<Waiting>(&bytes).unwrap(), waiting);
        }
    }
}
