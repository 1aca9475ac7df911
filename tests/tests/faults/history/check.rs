//! The judge: compares what was done and seen with what the log says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use schemas::Sequence;

use super::telling::Listener;
use super::truth::{Fact, Truth};
use super::{Act, Operation, Outcome, Trace};

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Acknowledged, and not in the log.
    Lost { act: Act },
    /// Acknowledged at one place, and in the log at another.
    Misplaced { act: Act, told: Sequence, stored: Sequence },
    /// In the log more than once.
    Doubled { act: Act, places: Vec<Sequence> },
    /// Refused for good, and in the log all the same.
    RefusedYetStored { act: Act, at: Sequence },
    /// A message is in the log that no client sent.
    Unasked { at: Sequence },
    /// Stored after an operation that began only after its acknowledgement.
    Overtaken { act: Act, by: Sequence },
    /// A client was not told of something in a room it belonged to.
    Gap { client: String, room: String, at: Sequence },
    /// A client was told the same thing twice.
    Repeated { client: String, event: String, at: Sequence },
    /// A client was told of something later before something earlier.
    Disordered { client: String, at: Sequence, after: Sequence },
    /// A client was told of something in a room its person did not belong to then.
    Leaked { client: String, room: String, at: Sequence },
    /// A client was told of something that is not in the log.
    Invented { client: String, event: String, at: Sequence },
    /// A client's last knowledge of a message is not the message's last state.
    Stale { client: String, message: String },
    /// A client was told something of a message after it was told of its deletion.
    Revived { client: String, message: String, at: Sequence },
    /// A client was told that a read marker went backwards.
    Backwards { client: String, user: String, at: Sequence },
    /// A client's picture is not what its user can read.
    Differs { client: String, room: String, message: String, held: String, read: String },
    /// An event names a former one on its lane that the client was never told of.
    Unlinked { client: String, at: Sequence, previous: Sequence },
    /// A client could not be resumed.
    Reset { client: String, reason: String },
    /// A client never heard the last word.
    Unfinished { client: String },
}

/// Every broken promise.
pub(crate) fn check(operations: &[Operation], traces: &[Trace], truth: &Truth) -> Vec<Violation> {
    let mut violations = Vec::new();
    let stored = Stored::of(truth);
    for operation in operations {
        stored.judge(operation, &mut violations);
    }
    stored.unasked(operations, &mut violations);
    overtaken(operations, &mut violations);
    for trace in traces {
        Listener::of(trace, truth).judge(&mut violations);
    }
    violations
}

/// Where the log has the effect of an operation.
struct Stored<'a> {
    truth: &'a Truth,
    posts: HashMap<(&'a str, &'a str, &'a str), Vec<Sequence>>,
    edits: HashMap<(&'a str, &'a str), Vec<Sequence>>,
    deletions: HashMap<&'a str, Vec<Sequence>>,
    /// By user, message, emoji or pin, and whether it was added.
    beside: HashMap<(&'a str, &'a str, &'a str, bool), Vec<Sequence>>,
    members: BTreeMap<Sequence, (&'a str, &'a str, bool)>,
}

impl<'a> Stored<'a> {
    fn of(truth: &'a Truth) -> Self {
        let mut stored = Self {
            truth,
            posts: HashMap::new(),
            edits: HashMap::new(),
            deletions: HashMap::new(),
            beside: HashMap::new(),
            members: BTreeMap::new(),
        };
        for (at, fact) in &truth.facts {
            match fact {
                Fact::Posted { room, sender, client_id: Some(client_id), .. } => {
                    stored.posts.entry((sender, room, client_id)).or_default().push(*at);
                }
                Fact::Edited { message, body, .. } => {
                    stored.edits.entry((message, body)).or_default().push(*at);
                }
                Fact::Deleted { message, .. } => {
                    stored.deletions.entry(message).or_default().push(*at);
                }
                Fact::Beside { message, user, what, there, .. } => {
                    let key = (user.as_str(), message.as_str(), what.as_str(), *there);
                    stored.beside.entry(key).or_default().push(*at);
                }
                Fact::Member { room, user, present } => {
                    stored.members.insert(*at, (room, user, *present));
                }
                _ => {}
            }
        }
        stored
    }

    fn judge(&self, operation: &Operation, violations: &mut Vec<Violation>) {
        let act = || operation.act.clone();
        let places = match &operation.act {
            Act::Post { room, client_id } => {
                self.posts.get(&(operation.actor.as_str(), room.as_str(), client_id.as_str()))
            }
            Act::Edit { message, body } => self.edits.get(&(message.as_str(), body.as_str())),
            Act::Delete { message } => self.deletions.get(message.as_str()),
            Act::Beside { message, what, there } => {
                let key = (operation.actor.as_str(), message.as_str(), what.as_str(), *there);
                self.beside.get(&key)
            }
            Act::Admit { room, user } => {
                return self.membership(operation, (room, user, true), violations);
            }
            Act::Remove { room, user } => {
                return self.membership(operation, (room, user, false), violations);
            }
        };
        let places = places.cloned().unwrap_or_default();
        // What a message says, or that it is gone: tried twice it may be said twice, and is the same. A reaction is recognised
        // by the log, and after that by what is known of it.
        let repeatable = matches!(operation.act, Act::Edit { .. } | Act::Delete { .. });
        let at_most = if repeatable { operation.tries } else { 1 };
        // What was done by an earlier try is answered with a place after which it can be seen.
        let exact = operation.tries == 1 || matches!(operation.act, Act::Post { .. });
        if places.len() > at_most {
            return violations.push(Violation::Doubled { act: act(), places });
        }
        match (operation.outcome, places.first()) {
            (Outcome::Ok(at), None) if self.is_so(operation, at) => {}
            (Outcome::Ok(_), None) => violations.push(Violation::Lost { act: act() }),
            (Outcome::Ok(told), Some(stored)) if (exact && told != *stored) || told < *stored => {
                violations.push(Violation::Misplaced { act: act(), told, stored: *stored });
            }
            // An edit or a reaction that came after a deletion is in the log and has no effect: refused is what it was.
            (Outcome::Fail, Some(at)) if self.overruled(&operation.act, *at) => {}
            (Outcome::Fail, Some(at)) => {
                violations.push(Violation::RefusedYetStored { act: act(), at: *at });
            }
            (Outcome::Ok(_), Some(_)) | (Outcome::Fail, None) | (Outcome::Unknown, _) => {}
        }
    }

    /// Whether nothing was to be done, as what was asked for was so at the place that was told: a reaction that was
    /// refused, its author being out of the room, is taken back.
    fn is_so(&self, operation: &Operation, at: Sequence) -> bool {
        matches!(&operation.act, Act::Beside { message, what, there }
            if self.truth.is_beside(message, &operation.actor, what, at) == *there)
    }

    /// Whether something in the log has no effect, as its message had been deleted before.
    fn overruled(&self, act: &Act, at: Sequence) -> bool {
        matches!(act, Act::Edit { message, .. } | Act::Beside { message, .. }
            if self.truth.deleted_before(message, at))
    }

    /// Who is in a room may be told so again and again: what counts is what holds at the place that was told.
    fn membership(
        &self,
        operation: &Operation,
        (room, user, present): (&str, &str, bool),
        violations: &mut Vec<Violation>,
    ) {
        if let Outcome::Ok(at) = operation.outcome {
            let exact =
                operation.tries > 1 || self.members.get(&at) == Some(&(room, user, present));
            if !exact || self.truth.is_member(room, user, at) != present {
                violations.push(Violation::Lost { act: operation.act.clone() });
            }
        }
    }

    /// Messages in the rooms of the case that no operation stands for.
    fn unasked(&self, operations: &[Operation], violations: &mut Vec<Violation>) {
        let mut rooms = HashSet::new();
        let mut asked = HashSet::new();
        for operation in operations {
            if let Act::Post { room, client_id } = &operation.act {
                rooms.insert(room.as_str());
                asked.insert((operation.actor.as_str(), room.as_str(), client_id.as_str()));
            }
        }
        for (at, fact) in &self.truth.facts {
            let Fact::Posted { room, sender, client_id, .. } = fact else { continue };
            let id = client_id.as_deref().unwrap_or_default();
            if rooms.contains(room.as_str()) && !asked.contains(&(sender.as_str(), room, id)) {
                violations.push(Violation::Unasked { at: *at });
            }
        }
    }
}

/// What was acknowledged before something else was begun lies before it in the log.
fn overtaken(operations: &[Operation], violations: &mut Vec<Violation>) {
    let mut acknowledged: Vec<(Duration, Sequence, &Operation)> = Vec::new();
    for operation in operations {
        if let (Outcome::Ok(at), Some(ended)) = (operation.outcome, operation.ended) {
            acknowledged.push((ended, at, operation));
        }
    }
    let mut by_begin: Vec<(Duration, Sequence, &Operation)> =
        acknowledged.iter().map(|(_, at, operation)| (operation.begun, *at, *operation)).collect();
    by_begin.sort_by_key(|(begun, ..)| *begun);
    acknowledged.sort_by_key(|(ended, ..)| *ended);
    let mut ended = acknowledged.iter().peekable();
    let mut newest: Option<(Sequence, &Operation)> = None;
    for (begun, at, _) in by_begin {
        while let Some((_, place, operation)) = ended.next_if(|(end, ..)| *end < begun) {
            if newest.is_none_or(|(newest, _)| *place > newest) {
                newest = Some((*place, operation));
            }
        }
        if let Some((place, operation)) = newest
            && place > at
        {
            violations.push(Violation::Overtaken { act: operation.act.clone(), by: at });
        }
    }
}
