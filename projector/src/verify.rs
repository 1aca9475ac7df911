//! Does the live generation hold what the log says? Every document is compared with a fresh projection.
//!
//! The live generation moves on while it is being compared. A document's `updated` is its version: two
//! documents of the same version must be equal. Those that are found at different versions are looked at
//! again, with the fresh generation brought to exactly the version the live one has.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use eventlog::EventLog;
use futures_util::future::BoxFuture;
use readmodel::{Collection, Doc, Group, Key, ProjectionStore, ReadModel, Want};
use schemas::{Position, Sequence};

use crate::engine::Engine;
use crate::error::{ProjectError, Stop};
use crate::feed::Feed;
use crate::rebuild::{OnProgress, Phase, Progress};

/// Differences described one by one; more are only counted.
const DESCRIBED: usize = 100;
/// Documents that may change while they are being compared.
const MAX_SUSPECTS: usize = 200_000;
/// Times a document that is found changed again is looked at again.
const ROUNDS: usize = 20;
const PAGE: usize = 1000;

/// How a document of the live generation differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DifferenceKind {
    /// It should be there.
    Missing,
    /// It should not be there.
    Unexpected,
    /// These of its fields are wrong.
    Changed(Vec<String>),
}

/// A document that is not what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub collection: Collection,
    /// Its key as text.
    pub key: String,
    /// How it differs.
    pub kind: DifferenceKind,
}

/// How many documents a collection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectionCount {
    /// Which.
    pub collection: Collection,
    /// Documents that were compared.
    pub documents: u64,
    /// Documents that differ.
    pub differing: u64,
}

/// A group of which not everything could be compared: nobody can say what its documents should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified {
    /// Which.
    pub group: Group,
    /// The last event that was compared; the group stands before the next.
    pub through: Sequence,
    /// Why.
    pub reason: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The generation that was compared.
    pub generation: String,
    /// The last position that was compared.
    pub position: Position,
    /// Per collection.
    pub collections: Vec<CollectionCount>,
    /// The first 100 differences.
    pub differences: Vec<Difference>,
    /// What could not be compared, as an event of the log cannot be read or applied.
    pub unverified: Vec<Unverified>,
}

impl Verified {
    /// Whether the live generation is all that the log says.
    #[must_use]
    pub fn clean(&self) -> bool {
        self.matching() && self.unverified.is_empty()
    }

    /// Whether what could be compared is what the log says.
    #[must_use]
    pub fn matching(&self) -> bool {
        self.collections.iter().all(|collection| collection.differing == 0)
    }
}

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
    if checkpoint.marks.most() > head {
        return Err(ProjectError::OtherLog(format!("the log ends at {head}")));
    }
    let engine = Engine::open_for(fresh, log.epoch(), head).await?;
    let feed = Feed::start(log, &engine).await?.tolerant();
    let mut comparison = Comparison { live, engine, feed, report: Report::default() };
    // A group that has stopped is compared where it stands, before the fresh generation goes on to where
    // the others are.
    let marks = checkpoint.marks;
    let places: BTreeSet<Sequence> = Group::ALL.map(|group| marks.get(group)).into();
    for place in places {
        let told = |done| progress(Progress { phase: Phase::Build, done, total: place });
        comparison.feed.advance(&mut comparison.engine, place, None, &told).await?;
        for collection in Collection::ALL {
            if marks.get(collection.group()) == place {
                comparison.walk(collection, progress).await?;
            }
        }
    }
    let position = log.epoch().at(comparison.engine.at());
    let unverified = comparison.look_ahead(head, progress).await?;
    Ok(Verified {
        generation: comparison.live.generation().to_owned(),
        position,
        collections: comparison.report.collections,
        differences: comparison.report.differences,
        unverified,
    })
}

#[derive(Default)]
struct Report {
    collections: Vec<CollectionCount>,
    differences: Vec<Difference>,
    compared: u64,
}

impl Report {
    fn differs(&mut self, key: &Key, kind: DifferenceKind) {
        if let Some(count) = self.collections.last_mut() {
            count.differing += 1;
        }
        if self.differences.len() < DESCRIBED {
            let collection = key.collection();
            self.differences.push(Difference { collection, key: key.to_string(), kind });
        }
    }
}

struct Comparison {
    live: Arc<dyn ProjectionStore>,
    engine: Engine,
    feed: Feed,
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
        let told = |done| progress(Progress { phase: Phase::Build, done, total: head });
        match self.feed.advance(&mut self.engine, head, None, &told).await {
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

    /// Reads the suspects from the live generation and brings the fresh one to the version of each in turn.
    /// Answers with those that have moved on.
    async fn look_again(&mut self, suspects: Vec<Key>) -> Result<Vec<Key>, ProjectError> {
        let group = suspects.first().map_or(Group::Conversations, |key| key.collection().group());
        let passed = self.live.checkpoint().await?.marks.get(group);
        let mut found = Vec::with_capacity(suspects.len());
        for key in suspects {
            let doc = self.live.load(vec![Want::Key(key.clone())]).await?.pop();
            found.push((doc.as_ref().map_or(0, version), key, doc));
        }
        found.sort_by_key(|(updated, ..)| *updated);
        let reached = self.live.checkpoint().await?.marks.get(group);
        let mut again = Vec::new();
        for (updated, key, live) in found {
            if updated > reached {
                // A version the projection has not reached: damaged, and nothing to wait for.
                self.report.differs(&key, DifferenceKind::Changed(vec!["updated".to_owned()]));
                continue;
            }
            self.feed.advance(&mut self.engine, updated, None, &|_| {}).await?;
            let fresh = self.engine.store().load(vec![Want::Key(key.clone())]).await?.pop();
            match judge(live.as_ref(), fresh.as_ref(), passed) {
                Verdict::Right => {}
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
/// at least as far as the live document's version.
fn judge(live: Option<&Doc>, fresh: Option<&Doc>, passed: Sequence) -> Verdict {
    match (live, fresh) {
        (None, None) => Verdict::Right,
        (Some(_), None) => Verdict::Wrong(DifferenceKind::Unexpected),
        (_, Some(fresh)) if version(fresh) > passed.max(live.map_or(0, version)) => {
            Verdict::MovedOn
        }
        (None, Some(_)) => Verdict::Wrong(DifferenceKind::Missing),
        (Some(live), Some(fresh)) if live == fresh => Verdict::Right,
        (Some(live), Some(fresh)) => Verdict::Wrong(DifferenceKind::Changed(fields(live, fresh))),
    }
}

/// The last event that changed a document.
fn version(doc: &Doc) -> Sequence {
    match doc {
        Doc::User(doc) => doc.updated,
        Doc::Room(doc) => doc.updated,
        Doc::Membership(doc) => doc.updated,
        Doc::Message(doc) => doc.updated,
        Doc::Notification(doc) => doc.updated,
        Doc::Inbox(doc) => doc.updated,
        Doc::Site(doc) => doc.updated,
    }
}

/// The names of the fields in which two documents differ; never what is in them.
fn fields(a: &Doc, b: &Doc) -> Vec<String> {
    let object = |doc: &Doc| -> serde_json::Map<String, serde_json::Value> {
        let json = doc.to_json().unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or_default()
    };
    let (a, b) = (object(a), object(b));
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

/// One collection of one generation, page by page.
struct Walk {
    store: Arc<dyn ProjectionStore>,
    collection: Collection,
    page: VecDeque<Doc>,
    after: Option<Key>,
    ended: bool,
}

impl Walk {
    fn new(store: &Arc<dyn ProjectionStore>, collection: Collection) -> Self {
        let store = Arc::clone(store);
        Self { store, collection, page: VecDeque::new(), after: None, ended: false }
    }

    async fn front(&mut self) -> Result<Option<Key>, ProjectError> {
        if self.page.is_empty() && !self.ended {
            let page = self.store.scan(self.collection, self.after.clone(), PAGE).await?;
            self.ended = page.len() < PAGE;
            self.after = page.last().map(Doc::key).or(self.after.take());
            self.page = page.into();
        }
        Ok(self.page.front().map(Doc::key))
    }

    fn take(&mut self, key: &Key) -> Option<Doc> {
        if self.page.front().is_some_and(|doc| doc.key() == *key) {
            self.page.pop_front()
        } else {
            None
        }
    }
}
