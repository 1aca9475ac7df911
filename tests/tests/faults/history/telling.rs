//! What one client was told, against the log.
//!
//! A client keeps a position and reconnects with it. Live it is told every event; after a resume what was
//! missed comes compacted (a message once, with what became of it) and only of rooms its person is in now. So
//! a message counts as told when any frame has shown it, and one that its person can no longer see when the
//! client comes back need not be told at all.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemas::Sequence;

use super::check::Violation;
use super::trace::{Beside, Message, Seen, Told, Trace};
use super::truth::{Fact, Truth};

/// A room and its first members are one batch of at most this many events; who is in it is told of the room.
const ONE_BATCH: Sequence = 256;

/// One socket's part of a trace.
#[derive(Debug)]
struct Stretch<'a> {
    /// Where it begins: the client has everything up to there.
    after: Sequence,
    told: Vec<&'a Told>,
    /// Up to where it was resumed; none when the socket broke before that.
    resumed: Option<Sequence>,
    /// How far it certainly reached.
    reached: Sequence,
}

/// A client's trace, taken apart.
pub(super) struct Listener<'a> {
    trace: &'a Trace,
    truth: &'a Truth,
    stretches: Vec<Stretch<'a>>,
    /// Rooms that had to be loaded anew, and as of where.
    reloads: Vec<(&'a str, Sequence)>,
    finished: Option<Sequence>,
    resets: Vec<&'a str>,
}

impl<'a> Listener<'a> {
    pub(super) fn of(trace: &'a Trace, truth: &'a Truth) -> Self {
        let mut this = Self {
            trace,
            truth,
            stretches: Vec::new(),
            reloads: Vec::new(),
            finished: None,
            resets: Vec::new(),
        };
        let mut ever = false;
        for seen in &trace.seen {
            let last = this.stretches.last_mut();
            match (seen, last) {
                (Seen::Opened { after }, _) => {
                    // The first socket begins at the present: there is nothing to be resumed.
                    let resumed = (!ever).then_some(*after);
                    ever = true;
                    let told = Vec::new();
                    this.stretches.push(Stretch { after: *after, told, resumed, reached: *after });
                }
                (Seen::Told(told), Some(stretch)) => {
                    stretch.reached = stretch.reached.max(told.position);
                    stretch.told.push(told);
                }
                (Seen::Resumed { position, .. }, Some(stretch)) => {
                    stretch.reached = stretch.reached.max(*position);
                    stretch.resumed = Some(*position);
                }
                (Seen::Reload { room, position }, _) => this.reloads.push((room, *position)),
                (Seen::Reset { reason }, _) => this.resets.push(reason),
                (Seen::Finished { position }, _) => this.finished = Some(*position),
                _ => {}
            }
        }
        this
    }

    pub(super) fn judge(&self, violations: &mut Vec<Violation>) {
        let client = || self.trace.name.clone();
        violations.extend(
            self.resets
                .iter()
                .map(|reason| Violation::Reset { client: client(), reason: (*reason).to_owned() }),
        );
        if self.finished.is_none() {
            violations.push(Violation::Unfinished { client: client() });
        }
        self.order(violations);
        self.repetition(violations);
        self.rights(violations);
        self.completeness(violations);
        self.links(violations);
        self.deletions(violations);
        self.markers(violations);
    }

    /// Nothing is told of a message after its deletion.
    fn deletions(&self, violations: &mut Vec<Violation>) {
        let mut gone: HashSet<&str> = HashSet::new();
        for (_, told) in self.all_told() {
            let Some(message) = told.about() else { continue };
            if gone.contains(message) && told.event != "message.deleted" {
                let (client, message) = (self.trace.name.clone(), message.to_owned());
                violations.push(Violation::Revived { client, message, at: told.position });
            } else if told.event == "message.deleted" {
                gone.insert(message);
            }
        }
    }

    /// A read marker is told forwards only.
    fn markers(&self, violations: &mut Vec<Violation>) {
        let posted = self.posted();
        let mut told_last: HashMap<(&str, &str), Sequence> = HashMap::new();
        for (_, told) in self.all_told() {
            if told.event == "member.left" && told.user.as_deref() == Some(&self.trace.user) {
                told_last.retain(|(room, _), _| *room != told.room);
            }
            let (Some(marker), Some(user)) = (&told.marker, &told.user) else { continue };
            let Some((_, place)) = posted.get(marker.as_str()) else { continue };
            let last = told_last.entry((&told.room, user)).or_default();
            if place < last {
                let (client, user) = (self.trace.name.clone(), user.clone());
                violations.push(Violation::Backwards { client, user, at: told.position });
            }
            *last = (*last).max(*place);
        }
    }

    fn all_told(&self) -> impl Iterator<Item = (&Stretch<'a>, &'a Told)> {
        self.stretches.iter().flat_map(|one| one.told.iter().map(move |told| (one, *told)))
    }

    /// Positions ascend. In a resume from documents several events may share a place.
    fn order(&self, violations: &mut Vec<Violation>) {
        for stretch in &self.stretches {
            let mut last = stretch.after;
            for (number, told) in stretch.told.iter().enumerate() {
                let replayed = stretch.resumed.is_none_or(|resumed| told.position <= resumed);
                let follows =
                    told.position > last || (replayed && number > 0 && told.position == last);
                // A new member is told of the room at the place of its creation, which is earlier.
                let introduced = told.event == "room.created";
                if !follows && !introduced {
                    violations.push(Violation::Disordered {
                        client: self.trace.name.clone(),
                        at: told.position,
                        after: last,
                    });
                }
                last = last.max(told.position);
            }
        }
    }

    fn repetition(&self, violations: &mut Vec<Violation>) {
        let mut once = HashSet::new();
        let mut stays: HashMap<&str, Sequence> = HashMap::new();
        for (_, told) in self.all_told() {
            let message = told.message.as_ref().map(|message| message.id.as_str());
            let stay = stays.entry(told.room.as_str()).or_default();
            // A message is posted once, a room is told of once in each stay, everything else once for each
            // place.
            let place = match told.event.as_str() {
                "message.posted" => 0,
                "room.created" => *stay,
                _ => told.position,
            };
            if told.event == "member.joined" && told.user.as_deref() == Some(&self.trace.user) {
                *stay = told.position;
            }
            let key = (told.event.as_str(), &told.room, place, message, told.user.as_deref());
            if !once.insert(key) {
                violations.push(Violation::Repeated {
                    client: self.trace.name.clone(),
                    event: told.event.clone(),
                    at: told.position,
                });
            }
        }
    }

    /// Everything told is in the log, and its user was allowed to be told.
    fn rights(&self, violations: &mut Vec<Violation>) {
        let (user, truth) = (self.trace.user.as_str(), self.truth);
        let posted = self.posted();
        for (_, told) in self.all_told() {
            if let Some(message) = &told.message {
                let known = posted.get(message.id.as_str());
                let elsewhere = told.event == "message.posted" && told.position != message.posted;
                if known != Some(&(told.room.as_str(), message.posted)) || elsewhere {
                    violations.push(Violation::Invented {
                        client: self.trace.name.clone(),
                        event: told.event.clone(),
                        at: told.position,
                    });
                }
            }
            if told.beside.is_some() && !self.has_happened(told) {
                violations.push(Violation::Invented {
                    client: self.trace.name.clone(),
                    event: told.event.clone(),
                    at: told.position,
                });
            }
            let own = told.event.starts_with("member.") && told.user.as_deref() == Some(user);
            let introduced = told.event == "room.created"
                && truth.came_in(&told.room, user, told.position, ONE_BATCH);
            let was_there = told.event != "message.posted"
                || told
                    .message
                    .as_ref()
                    .is_none_or(|message| truth.is_member(&told.room, user, message.posted));
            let may = truth.is_member(&told.room, user, told.position) && was_there;
            if !(may || own || introduced) {
                violations.push(Violation::Leaked {
                    client: self.trace.name.clone(),
                    room: told.room.clone(),
                    at: told.position,
                });
            }
        }
    }

    /// Whether a reaction or a pin was added or taken back just so, and it was news.
    fn has_happened(&self, told: &Told) -> bool {
        let Some(Fact::Beside { room, message, user, what, there, counts: true }) =
            self.truth.facts.get(&told.position)
        else {
            return false;
        };
        let said = Beside { message: message.clone(), what: what.clone(), there: *there };
        *room == told.room
            && told.beside.as_ref() == Some(&said)
            && told.user.as_ref() == Some(user)
    }

    /// Room and place of every message.
    fn posted(&self) -> HashMap<&str, (&str, Sequence)> {
        let mut posted = HashMap::new();
        for (at, fact) in &self.truth.facts {
            if let Fact::Posted { room, message, .. } = fact {
                posted.insert(message.as_str(), (room.as_str(), *at));
            }
        }
        posted
    }

    /// Every message of its person's rooms was shown, and in the end as it is.
    fn completeness(&self, violations: &mut Vec<Violation>) {
        let (Some(begin), Some(end)) = (self.stretches.first(), self.finished) else { return };
        let mut shown: HashMap<&str, (&Told, &Message)> = HashMap::new();
        for (_, told) in self.all_told() {
            if let Some(message) = &told.message {
                shown.insert(message.id.as_str(), (told, message));
            }
        }
        let mut became: BTreeMap<&str, (Sequence, Option<&str>)> = BTreeMap::new();
        for (at, fact) in self.truth.facts.range(begin.after + 1..=end) {
            let (room, message) = match fact {
                Fact::Posted { room, message, body, .. } => {
                    became.insert(message, (*at, Some(body)));
                    (room, message)
                }
                // Nothing changes a deleted message, whatever the log says later.
                Fact::Edited { message, .. } if self.truth.deleted_before(message, *at) => continue,
                Fact::Edited { room, message, body } => {
                    became.insert(message, (*at, Some(body)));
                    (room, message)
                }
                Fact::Deleted { room, message } => {
                    became.insert(message, (*at, None));
                    (room, message)
                }
                Fact::Member { room, user, .. } => {
                    self.membership(*at, room, user, violations);
                    continue;
                }
                _ => continue,
            };
            if self.was_to_be_told(room, *at) && !shown.contains_key(message.as_str()) {
                violations.push(Violation::Gap {
                    client: self.trace.name.clone(),
                    room: room.clone(),
                    at: *at,
                });
            }
        }
        for (message, (at, body)) in became {
            let Some((told, known)) = shown.get(message) else { continue };
            let as_it_is = match body {
                None => told.event == "message.deleted",
                Some(body) => told.event != "message.deleted" && known.body == body,
            };
            if self.was_to_be_told(&told.room, at) && !as_it_is {
                let (client, message) = (self.trace.name.clone(), message.to_owned());
                violations.push(Violation::Stale { client, message });
            }
        }
    }

    /// Membership changes were told, unless several were told as the last of them.
    fn membership(&self, at: Sequence, room: &str, user: &str, violations: &mut Vec<Violation>) {
        let told = self.all_told().any(|(stretch, told)| {
            let compacted = stretch.resumed.is_none_or(|resumed| at <= resumed);
            told.room == room
                && told.event.starts_with("member.")
                && told.user.as_deref() == Some(user)
                && (told.position == at || compacted && told.position > at)
        });
        if self.was_to_be_told(room, at) && !told {
            let client = self.trace.name.clone();
            violations.push(Violation::Gap { client, room: room.to_owned(), at });
        }
    }

    /// Whether an event of a room at a place had to be told to this client.
    fn was_to_be_told(&self, room: &str, at: Sequence) -> bool {
        let (user, truth) = (self.trace.user.as_str(), self.truth);
        let loaded = |(of, position): &(&str, Sequence)| *of == room && at <= *position;
        if !truth.is_member(room, user, at) || self.reloads.iter().any(loaded) {
            return false;
        }
        let Some(first) = self.stretches.iter().position(|one| one.reached >= at) else {
            return true;
        };
        // The resume that had to tell it: this stretch's, or if that broke off, the next one that completed.
        let resumed = self.stretches[first..].iter().find_map(|one| one.resumed);
        match resumed {
            // Live: it went to the members of that moment.
            Some(resumed) if resumed < at => true,
            Some(resumed) => !truth.left_between(room, user, at, resumed),
            None => true,
        }
    }

    /// Live events name the previous event of their lane, so that a client can see a gap.
    fn links(&self, violations: &mut Vec<Violation>) {
        let user = self.trace.user.as_str();
        let begin = self.stretches.first().map_or(0, |one| one.after);
        let mut known: HashSet<(&str, Sequence)> = HashSet::new();
        for (stretch, told) in self.all_told() {
            if told.about().is_none() {
                continue;
            }
            let live = stretch.resumed.is_some_and(|resumed| told.position > resumed);
            let joined = self.truth.joined(&told.room, user, told.position);
            // Everything up to there was told by the resume, compacted: a post as it is now stands for its edits.
            let resumed = stretch.resumed.unwrap_or_default();
            if live
                && let Some(previous) = told.previous
                && previous > begin.max(joined).max(resumed)
                && !known.contains(&(told.room.as_str(), previous))
            {
                violations.push(Violation::Unlinked {
                    client: self.trace.name.clone(),
                    at: told.position,
                    previous,
                });
            }
            known.insert((told.room.as_str(), told.position));
            known.extend(told.message.iter().map(|message| (told.room.as_str(), message.posted)));
        }
    }
}
