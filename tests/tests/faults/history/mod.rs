//! What clients did and saw, recorded while things break; [`check`] compares it with the log.

mod check;
mod picture;
mod telling;
#[cfg(test)]
mod tests;
mod trace;
mod truth;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use schemas::Sequence;

use check::{Violation, check};
pub(crate) use picture::{Held, Picture, read};
pub(crate) use trace::{Absence, Trace, sequence};
pub(crate) use truth::Truth;

/// An operation of a client. Each can be told apart in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Post under a client id that is used once.
    Post { room: String, client_id: String },
    /// Change a message to a body that is used once.
    Edit { message: String, body: String },
    /// Delete a message.
    Delete { message: String },
    /// React to a message, or pin it, or take that back: what is not so yet.
    Beside { message: String, what: String, there: bool },
    /// Add a member.
    Admit { room: String, user: String },
    /// Remove a member.
    Remove { room: String, user: String },
}

/// The outcome, as far as the client can know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Acknowledged, at this place in the log.
    Ok(Sequence),
    /// Refused for good, and no try before it may have been carried out.
    Fail,
    /// No answer, or one that leaves it open.
    Unknown,
}

/// One operation of a client, all its tries together.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) actor: String,
    pub(crate) act: Act,
    pub(crate) begun: Duration,
    /// None while its last try has no answer.
    pub(crate) ended: Option<Duration>,
    /// How often it was tried; more than once after a try whose outcome is not known.
    pub(crate) tries: usize,
    pub(crate) outcome: Outcome,
}

/// The record of one case. Clones share it.
#[derive(Clone)]
pub(crate) struct History(Arc<Inner>);

struct Inner {
    begun: Instant,
    operations: Mutex<Vec<Operation>>,
    traces: Mutex<Vec<Arc<Mutex<Trace>>>>,
    acknowledged: AtomicUsize,
}

/// An operation that is under way.
pub(crate) struct Doing {
    history: History,
    index: usize,
    tries: usize,
}

impl History {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            begun: Instant::now(),
            operations: Mutex::default(),
            traces: Mutex::default(),
            acknowledged: AtomicUsize::new(0),
        }))
    }

    /// A client begins an operation.
    pub(crate) fn begin(&self, actor: &str, act: Act) -> Doing {
        let begun = self.now();
        let operation = Operation {
            actor: actor.to_owned(),
            act,
            begun,
            ended: None,
            tries: 1,
            outcome: Outcome::Unknown,
        };
        let mut operations = self.0.operations.lock().unwrap();
        operations.push(operation);
        Doing { history: self.clone(), index: operations.len() - 1, tries: 1 }
    }

    /// A user's client, which will record what it sees.
    pub(crate) fn client(&self, name: &str, user: &str) -> Arc<Mutex<Trace>> {
        let trace = Arc::new(Mutex::new(Trace::new(name, user, self.0.begun)));
        self.0.traces.lock().unwrap().push(Arc::clone(&trace));
        trace
    }

    /// How many posts were acknowledged: the progress of the load.
    pub(crate) fn acknowledged(&self) -> usize {
        self.0.acknowledged.load(Ordering::SeqCst)
    }

    /// Time since the record began.
    pub(crate) fn now(&self) -> Duration {
        self.0.begun.elapsed()
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.0.operations.lock().unwrap().clone()
    }

    pub(crate) fn traces(&self) -> Vec<Trace> {
        self.0.traces.lock().unwrap().iter().map(|trace| trace.lock().unwrap().clone()).collect()
    }

    /// The times in which a client was without a socket.
    pub(crate) fn absences(&self) -> Vec<Absence> {
        // Asked again and again while thousands of clients come back: nothing of what they heard is copied.
        let traces = self.0.traces.lock().unwrap();
        traces.iter().flat_map(|trace| trace.lock().unwrap().absences()).collect()
    }

    /// How many operations ended as (ok, fail, unknown).
    pub(crate) fn tally(&self) -> (usize, usize, usize) {
        let operations = self.operations();
        let of =
            |fits: fn(&Outcome) -> bool| operations.iter().filter(|o| fits(&o.outcome)).count();
        (
            of(|outcome| matches!(outcome, Outcome::Ok(_))),
            of(|outcome| *outcome == Outcome::Fail),
            of(|outcome| *outcome == Outcome::Unknown),
        )
    }

    /// Compares everything with the log.
    ///
    /// # Panics
    /// When a promise is broken; the message lists each.
    pub(crate) fn must_agree_with(&self, truth: &Truth) {
        report(&check(&self.operations(), &self.traces(), truth));
    }

    /// Compares what each client made of its events with what its user can read: whole histories of
    /// rooms by person and room, none where the person may not read.
    ///
    /// # Panics
    /// When a client holds anything else; the message lists each difference.
    pub(crate) fn must_equal(&self, readings: &Readings) {
        let mut violations = Vec::new();
        for trace in self.traces() {
            let picture = Picture::of(&trace);
            for ((user, room), history) in readings {
                if *user == trace.user {
                    picture.must_equal(room, history.as_ref(), &mut violations);
                }
            }
        }
        report(&violations);
    }
}

/// Whole histories by person and room, as REST shows them; none where the person may not read.
pub(crate) type Readings = BTreeMap<(String, String), Option<BTreeMap<String, Held>>>;

#[track_caller]
fn report(violations: &[Violation]) {
    let shown: Vec<String> = violations.iter().take(20).map(|v| format!("{v:?}")).collect();
    let count = violations.len();
    assert!(count == 0, "{count} violations, the first of them:\n{}", shown.join("\n"));
}

impl Doing {
    /// A try of it may have been carried out, or not; another will be made.
    pub(crate) const fn doubt(&mut self) {
        self.tries += 1;
    }

    /// It was acknowledged.
    pub(crate) fn ok(self, position: Sequence) {
        let was_post = self.end(Outcome::Ok(position));
        if was_post {
            self.history.0.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// It was refused for good.
    pub(crate) fn refused(self) {
        self.end(if self.tries > 1 { Outcome::Unknown } else { Outcome::Fail });
    }

    /// No answer will ever tell.
    pub(crate) fn given_up(self) {
        self.end(Outcome::Unknown);
    }

    fn end(&self, outcome: Outcome) -> bool {
        let now = self.history.now();
        let mut operations = self.history.0.operations.lock().unwrap();
        let operation = &mut operations[self.index];
        operation.ended = Some(now);
        operation.tries = self.tries;
        operation.outcome = outcome;
        matches!(operation.act, Act::Post { .. })
    }
}
