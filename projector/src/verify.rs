//! Does the live generation hold what the log says? Every document is compared with a fresh projection.
//!
//! The live generation moves on while it is being compared. A document's `updated` is its version: two
//! documents of the same version must be equal. Those that are found at different versions are looked at
//! again, with the fresh generation brought to exactly the version the live one has.

mod report;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use eventlog::EventLog;
use futures_util::future::BoxFuture;
use readmodel::{Collection, Document, Group, Key, ProjectionStore, ReadModel, Want};
use schemas::Sequence;

use crate::engine::Engine;
use crate::error::{ProjectError, Stop};
use crate::log_cursor::LogCursor;
use crate::rebuild::{OnProgress, Phase, Progress};
use report::Report;
use walk::{PAGE, Walk};

pub use report::{CollectionCount, Difference, DifferenceKind, Unverified, Verified};

/// Documents that may change while they are being compared.
const MAX_SUSPECTS: usize = 200_000;
/// Times a document that is found changed again is looked at again.
const ROUNDS: usize = 20;

/// Compares the live generation with a fresh projection of the log, both ways, document by document, while
/// it stays in use.
///
/// # Errors
/// [`ProjectError`] when the comparison cannot be made; differences are an answer, not an error.
pub fn verify<'a>(
    log: &'a EventLog,
    read_model: &'a ReadModel,
    progress: OnProgress<'a>,
) -> BoxFuture<'a, Result<Verified, ProjectError>> {
    // Boxed here, so that its code is generated in this crate and not in each that calls it.
    Box::pin(compare_with_a_copy(log, read_model, progress))
}

async fn compare_with_a_copy(
    log: &EventLog,
    read_model: &ReadModel,
    progress: OnProgress<'_>,
) -> Result<Verified, ProjectError> {
    read_model.refresh().await?;
    let live = read_model.writer();
    let fresh = create_copy(read_model).await?;
    let name = fresh.generation().to_owned();
    let verified = compare(log, live, fresh, progress).await;
    read_model.delete(&name).await?;
    verified
}

async fn create_copy(read_model: &ReadModel) -> Result<Arc<dyn ProjectionStore>, ProjectError> {
    let taken: BTreeSet<String> = read_model.generations().await?.into_iter().collect();
    let free = (1..).map(|n| format!("verify-{n}")).find(|name| !taken.contains(name));
    Ok(read_model.create_snapshot(&free.unwrap_or_default()).await?)
}

async fn compare(
    log: &EventLog,
    live: Arc<dyn ProjectionStore>,
    fresh: Arc<dyn ProjectionStore>,
    progress: OnProgress<'_>,
) -> Result<Verified, ProjectError> {
    let checkpoint = live.checkpoint().await?;
    let head = log.head().await?;
    if checkpoint.epoch.as_ref().is_some_and(|epoch| *epoch != log.epoch()) {
        return Err(ProjectError::OtherLog("the live generation is of another epoch".to_owned()));
    }
    if checkpoint.groups.most() > head {
        return Err(ProjectError::OtherLog(format!("the log ends at {head}")));
    }
    let engine = Engine::open_for(fresh, log.epoch(), head).await?;
    let cursor = LogCursor::start(log, &engine).await?.tolerant();
    let (log_of, report) = (log.clone(), Report::default());
    let mut comparison = Comparison { log: log_of, live, engine, cursor, report };
    // A group that has stopped is compared where it stands, before the fresh generation goes on to where
    // the others are.
    let stands = checkpoint.groups;
    let places: BTreeSet<Sequence> = Group::ALL.map(|group| stands.get(group)).into();
    for place in places {
        let on_checkpoint = |done| progress(Progress { phase: Phase::Build, done, total: place });
        comparison.cursor.advance(&mut comparison.engine, place, None, &on_checkpoint).await?;
        for collection in Collection::ALL {
            if stands.get(collection.group()) == place {
                comparison.walk(collection, progress).await?;
            }
        }
    }
    let position = log.epoch().at(comparison.engine.at());
    let unverified = comparison.look_ahead(head, progress).await?;
    let index = comparison.live.check_index().await?;
    Ok(Verified {
        generation: comparison.live.generation().to_owned(),
        position,
        collections: comparison.report.collections,
        differences: comparison.report.differences,
        index,
        unverified,
    })
}

struct Comparison {
    log: EventLog,
    live: Arc<dyn ProjectionStore>,
    engine: Engine,
    cursor: LogCursor,
    report: Report,
}

impl Comparison {
    /// Goes on to the log's end, wherever the live generation is, to see which groups cannot get there: of those
    /// only what lies before can be compared.
    async fn look_ahead(
        &mut self,
        head: Sequence,
        progress: OnProgress<'_>,
    ) -> Result<Vec<Unverified>, ProjectError> {
        let on_checkpoint = |done| progress(Progress { phase: Phase::Build, done, total: head });
        match self.cursor.advance(&mut self.engine, head, None, &on_checkpoint).await {
            // When no group can go on, that is where the end is.
            Ok(()) | Err(ProjectError::Poison(_)) => {}
            Err(error) => return Err(error),
        }
        let unverified = |stop: &Stop| Unverified {
            group: stop.group,
            through: stop.poison.sequence().saturating_sub(1),
            reason: telemetry::error_chain(&stop.poison),
        };
        Ok(self.engine.stops().iter().map(unverified).collect())
    }

    /// Goes through a collection of both generations side by side, then settles what differed.
    async fn walk(
        &mut self,
        collection: Collection,
        progress: OnProgress<'_>,
    ) -> Result<(), ProjectError> {
        self.report.collections.push(CollectionCount { collection, documents: 0, differing: 0 });
        let mut suspects = Vec::new();
        let mut documents = 0;
        let mut live = Walk::new(&self.live, collection);
        let mut fresh = Walk::new(self.engine.store(), collection);
        loop {
            let key = match (live.front().await?, fresh.front().await?) {
                (None, None) => break,
                (Some(key), None) | (None, Some(key)) => key,
                (Some(a), Some(b)) => a.min(b),
            };
            if live.take(&key) != fresh.take(&key) {
                suspects.push(key);
            }
            if suspects.len() > MAX_SUSPECTS {
                let why = format!("more than {MAX_SUSPECTS} {} differ", collection.as_str());
                return Err(ProjectError::Refused(why));
            }
            documents += 1;
            self.report.compared += 1;
            if documents % PAGE as u64 == 0 {
                let done = self.report.compared;
                progress(Progress { phase: Phase::Compare, done, total: done });
            }
        }
        if let Some(count) = self.report.collections.last_mut() {
            count.documents = documents;
        }
        self.settle(suspects).await
    }

    /// Looks again at documents that were found different, until each is known to be right or wrong.
    async fn settle(&mut self, mut suspects: Vec<Key>) -> Result<(), ProjectError> {
        for _ in 0..ROUNDS {
            if suspects.is_empty() {
                return Ok(());
            }
            suspects = self.look_again(suspects).await?;
        }
        for key in suspects {
            // Never twice the same in all the rounds, which only a wrong document can be.
            self.report.differs(&key, DifferenceKind::Changed(vec!["updated".to_owned()]));
        }
        Ok(())
    }

    /// Whether documents differ because of an event that was erased: the index of the audit trail keeps where events
    /// were, and finds nothing there; made anew it has what stands in their place.
    fn was_erased(&self, live: Option<&Document>, fresh: Option<&Document>) -> bool {
        [live, fresh].into_iter().flatten().any(|doc| {
            matches!(doc, Document::Sighting(sighting) if self.log.is_erased(sighting.updated))
        })
    }

    /// Reads the suspects from the live generation and brings the fresh one to the version of each in turn.
    /// Answers with those that have moved on.
    async fn look_again(&mut self, suspects: Vec<Key>) -> Result<Vec<Key>, ProjectError> {
        let group = suspects.first().map_or(Group::Conversations, |key| key.collection().group());
        let passed = self.live.checkpoint().await?.groups.get(group);
        let mut found = Vec::with_capacity(suspects.len());
        for key in suspects {
            let doc = self.live.load(vec![Want::Key(key)]).await?.pop();
            found.push((key, doc));
        }
        let reached = self.live.checkpoint().await?.groups.get(group);
        // One that is not there may have been deleted by any event up to here.
        let version = |doc: &Option<Document>| doc.as_ref().map_or(reached, Document::updated);
        found.sort_by_key(|(_, doc)| version(doc));
        let mut again = Vec::new();
        for (key, live) in found {
            let updated = version(&live);
            if updated > reached {
                // A version the projection has not reached: damaged, and nothing to wait for.
                self.report.differs(&key, DifferenceKind::Changed(vec!["updated".to_owned()]));
                continue;
            }
            self.cursor.advance(&mut self.engine, updated, None, &|_| {}).await?;
            let fresh = self.engine.store().load(vec![Want::Key(key)]).await?.pop();
            match judge(live.as_ref(), fresh.as_ref(), passed, self.engine.at()) {
                Verdict::Right => {}
                Verdict::Wrong(_) if self.was_erased(live.as_ref(), fresh.as_ref()) => {}
                Verdict::MovedOn => again.push(key),
                Verdict::Wrong(kind) => self.report.differs(&key, kind),
            }
        }
        Ok(again)
    }
}

enum Verdict {
    Right,
    /// The fresh generation is past what the live one had projected when it was read.
    MovedOn,
    Wrong(DifferenceKind),
}

/// Judges a live document that was read after the live checkpoint stood at `passed`, by a fresh one that is
/// at least as far as the live document's version, and stands at `fresh_at`.
fn judge(
    live: Option<&Document>,
    fresh: Option<&Document>,
    passed: Sequence,
    fresh_at: Sequence,
) -> Verdict {
    match (live, fresh) {
        (None, None) => Verdict::Right,
        // It may have been deleted since it was read.
        (Some(_), None) if fresh_at > passed => Verdict::MovedOn,
        (Some(_), None) => Verdict::Wrong(DifferenceKind::Unexpected),
        (_, Some(fresh)) if fresh.updated() > passed.max(live.map_or(0, Document::updated)) => {
            Verdict::MovedOn
        }
        (None, Some(_)) => Verdict::Wrong(DifferenceKind::Missing),
        (Some(live), Some(fresh)) if live == fresh => Verdict::Right,
        (Some(live), Some(fresh)) => Verdict::Wrong(DifferenceKind::Changed(fields(live, fresh))),
    }
}

/// The names of the fields in which two documents differ; never what is in them.
fn fields(a: &Document, b: &Document) -> Vec<String> {
    let object = |doc: &Document| -> serde_json::Map<String, serde_json::Value> {
        let json = doc.to_json().unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or_default()
    };
    let (a, b) = (object(a), object(b));
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}
