//! Which blocks of the log may hold what is asked for, newest first.

use std::collections::VecDeque;
use std::sync::Arc;

use readmodel::{Answer, ReadStore, Term};
use schemas::events::AuditQuery;

/// Blocks asked for at once.
const AT_ONCE: usize = 200;
/// Questions of one page: beyond that it is short.
const MAX_QUESTIONS: u32 = 200;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// This block.
    Block(u64),
    /// Nothing: what is asked for is in no earlier block.
    End,
    /// It took too long to find one; there may be one before `end`.
    Tired {
        /// The block that was looked for last.
        end: u64,
    },
}

/// Blocks in which all of what is asked for occurs.
pub(super) struct Candidates {
    store: Arc<dyn ReadStore>,
    lists: Vec<List>,
    /// A block besides those of the lists.
    beside: Option<u64>,
    first: u64,
    end: u64,
    questions: u32,
}

/// The blocks of one term, newest first.
struct List {
    term: Term,
    known: VecDeque<u64>,
    /// There are none after those that are known.
    whole: bool,
}

impl Candidates {
    /// Those from `first` on and before `end`, and the block `beside` if it is among these.
    pub(super) fn new(
        store: Arc<dyn ReadStore>,
        query: &AuditQuery,
        beside: Option<u64>,
        (first, end): (u64, u64),
    ) -> Self {
        let actor = query.actor.as_ref().map(|actor| Term::actor(actor.as_str()));
        let kind = query.kind.as_ref().map(|kind| Term::kind(kind.as_str()));
        let subject = query.subject.as_ref().map(|subject| Term::subject(subject.as_str()));
        let mut terms: Vec<Term> = [actor, kind, subject].into_iter().flatten().collect();
        if terms.is_empty() {
            terms.push(Term::everything());
        }
        let list = |term| List { term, known: VecDeque::new(), whole: false };
        let lists = terms.into_iter().map(list).collect();
        let beside = beside.filter(|block| *block >= first);
        Self { store, lists, beside, first, end, questions: 0 }
    }

    /// The next block.
    pub(super) async fn next(&mut self) -> Answer<Next> {
        let beside = self.beside.filter(|block| *block < self.end);
        let listed = self.listed().await?;
        let next = match (listed, beside) {
            (Next::Block(block), Some(beside)) => Next::Block(block.max(beside)),
            (Next::End, Some(beside)) => Next::Block(beside),
            (Next::Tired { end }, Some(beside)) if beside >= end => Next::Block(beside),
            (listed, _) => listed,
        };
        if let Next::Block(block) = next {
            self.end = block;
        }
        Ok(next)
    }

    /// The newest block before the end that is in every list.
    async fn listed(&mut self) -> Answer<Next> {
        let mut end = self.end;
        loop {
            let mut block = None;
            for place in 0..self.lists.len() {
                if self.questions >= MAX_QUESTIONS {
                    return Ok(Next::Tired { end });
                }
                let Some(found) = self.before(place, end).await? else { return Ok(Next::End) };
                if block.is_some_and(|block| found < block) {
                    // Not in the lists before: from there on again.
                    block = None;
                    end = found + 1;
                    break;
                }
                (block, end) = (Some(found), found + 1);
            }
            if let Some(block) = block {
                return Ok(Next::Block(block));
            }
        }
    }

    /// The newest block of a list before `end`.
    async fn before(&mut self, place: usize, end: u64) -> Answer<Option<u64>> {
        let Some(list) = self.lists.get_mut(place) else { return Ok(None) };
        while list.known.front().is_some_and(|block| *block >= end) {
            list.known.pop_front();
        }
        if list.known.is_empty() && !list.whole {
            self.questions += 1;
            let found = self.store.sightings(&list.term, self.first, end, AT_ONCE).await?;
            list.whole = !found.more;
            list.known = found.items.into();
        }
        Ok(list.known.front().copied())
    }
}
