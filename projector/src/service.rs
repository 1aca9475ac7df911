//! The service: one active projector per namespace, others standing by.
//!
//! The projector that commits first is active; the others find their commit fenced and stand by, watching the
//! checkpoint, until it has stood still for a while although the log goes on. There is no lease to lose:
//! a projector that sleeps through its turn finds its next commit fenced.

mod looks;
mod recovery;

use std::time::{Duration, Instant};

use bus::Checkpoint;
use readmodel::{Group, ReadModel, Stops};
use schemas::{Sequence, Timestamp};
use service::{BoxFuture, Deps, Service, Stage};
use telemetry::Shutdown;
use tracing::Instrument as _;

use crate::engine::Engine;
use crate::error::ProjectError;
use crate::metrics::ProjectorMetrics;
use crate::source::{Source, Work};
use crate::views;
use crate::working_set::KEPT;

/// The name under which the projector reports its health.
const COMPONENT: &str = Projector::NAME;
/// The checkpoint is published again this often while nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Pauses between tries after a failure: doubled each time up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(10);
/// Between small batches the projector rests for so many times what the last one took, at most this long:
/// an event that comes alone is projected at once, and when they come in a stream a transaction takes many.
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_millis(20);
/// A batch up to this size is named after its first event.
const NAMED_BATCH: usize = 8;
/// So many seconds after an event its projection is still part of its story.
const RECENT_SECONDS: i64 = 3600;

/// How the projector works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Events applied in one transaction, at most.
    pub batch: usize,
    /// A standby takes over when the checkpoint has not moved for so long although there is more.
    pub take_over_after: Duration,
    /// Documents of one table kept in memory.
    pub kept: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { batch: 4000, take_over_after: Duration::from_secs(3), kept: KEPT }
    }
}

/// The service, ready to run.
pub struct Projector {
    config: Config,
    deps: Deps,
    read_model: ReadModel,
    metrics: ProjectorMetrics,
}

impl Service for Projector {
    const NAME: &'static str = "projector";
    const STAGE: Stage = Stage::Projection;
    type Config = Config;
    /// The read model that is written.
    type Needs = ReadModel;
    type Error = ProjectError;

    /// Nothing is read or written before it runs.
    fn build(
        config: Config,
        read_model: ReadModel,
        deps: Deps,
    ) -> BoxFuture<'static, Result<Self, ProjectError>> {
        let metrics = ProjectorMetrics::register(&deps.metrics);
        deps.health.set(COMPONENT, Err("starting"));
        Box::pin(std::future::ready(Ok(Self { config, deps, read_model, metrics })))
    }

    /// Failures are logged, shown in health and metrics, and tried again: it never ends by itself.
    fn run_until_stopped(self, shutdown: Shutdown) -> BoxFuture<'static, Result<(), ProjectError>> {
        Box::pin(async move {
            self.project(shutdown).await;
            Ok(())
        })
    }
}

/// How a stretch of work ended.
enum End {
    /// Shutdown was asked for.
    Stopped,
    /// Go on at once with the generation that is live now.
    Again,
}

impl Projector {
    async fn project(self, shutdown: Shutdown) {
        let mut pause = FIRST_PAUSE;
        while !shutdown.is_triggered() {
            let started = Instant::now();
            match self.work(&shutdown).await {
                Ok(End::Stopped) => break,
                Ok(End::Again) => continue,
                Err(error) => self.recover(error, &shutdown).await,
            }
            // A projector that has worked for a while was well; the next failure is a new one.
            pause = if started.elapsed() > LAST_PAUSE { FIRST_PAUSE } else { pause };
            tokio::select! {
                () = shutdown.wait() => break,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LAST_PAUSE);
        }
        self.metrics.active.set(0);
        self.deps.health.remove(COMPONENT);
    }

    /// Everything after a sequence. Where the feed cannot be had the log does.
    async fn source(&self, after: Sequence) -> Result<Source, ProjectError> {
        let feed = self.deps.bus.live().await;
        if let Err(error) = &feed {
            tracing::debug!(%error, "the projector goes without the live feed");
        }
        Source::start(&self.deps.log, feed.ok(), after, self.config.batch).await
    }

    /// Applies batch after batch to the live generation.
    async fn work(&self, shutdown: &Shutdown) -> Result<End, ProjectError> {
        let read_model = &self.read_model;
        read_model.refresh().await?;
        let (store, epoch) = (read_model.writer(), self.deps.log.epoch());
        let head = self.deps.log.head().await?;
        let mut engine = Engine::open_for(store, epoch, head).await?.keeping(self.config.kept);
        let mut source = self.source(engine.at()).await?;
        self.metrics.active.set(1);
        // Well as soon as there is proof: nothing to do, or something done. A projection that stands
        // before an unreadable event must not look well at the beginning of every try.
        if head <= engine.at() {
            self.well(&engine);
        }
        self.publish(&engine).await;
        let ended = self.follow(&mut engine, &mut source, shutdown).await;
        // Nothing is being written any more when another projector takes over.
        let settled = engine.settle().await;
        self.publish(&engine).await;
        let end = ended?;
        settled?;
        Ok(end)
    }

    async fn follow(
        &self,
        engine: &mut Engine,
        source: &mut Source,
        shutdown: &Shutdown,
    ) -> Result<End, ProjectError> {
        let mut published = Instant::now();
        loop {
            let work = tokio::select! {
                () = shutdown.wait() => return Ok(End::Stopped),
                work = source.next() => work?,
            };
            let started = Instant::now();
            let (before, stopped) = (engine.checkpoints(), engine.stops().len());
            // Far behind: this batch is written while the next one is projected.
            let catching_up = work.events.len() >= self.config.batch;
            self.apply(engine, &work, catching_up).await?;
            if work.events.iter().any(|event| views::leaves_traces(&event.event)) {
                engine.settle().await?;
                engine.store().scrub().await?;
            }
            for stop in engine.stops().get(stopped..).unwrap_or_default() {
                tracing::error!(
                    event.seq = stop.poison.sequence(),
                    group = stop.group.as_str(),
                    error = %stop,
                    "a group of the read model has stopped; the others go on"
                );
            }
            self.well(engine);
            // Those that go on may be far ahead of the one that was to catch up and could not.
            if engine.stops().len() > stopped && engine.projected() > work.through {
                engine.settle().await?;
                *source = self.source(engine.projected()).await?;
            }
            if engine.checkpoints() != before || published.elapsed() >= HEARTBEAT {
                self.publish(engine).await;
                published = Instant::now();
            }
            if self.read_model.generation() != engine.store().generation() {
                return Ok(End::Again);
            }
            if !catching_up && !work.events.is_empty() {
                rest(started.elapsed()).await;
            }
        }
    }

    /// Well, unless a group has stopped.
    fn well(&self, engine: &Engine) {
        self.metrics.groups(&engine.checkpoints(), engine.stops());
        let reasons: Vec<String> = engine.stops().iter().map(ToString::to_string).collect();
        match reasons.as_slice() {
            [] => self.deps.health.set(COMPONENT, Ok::<(), String>(())),
            reasons => self.deps.health.stuck(COMPONENT, reasons.join("; ")),
        }
    }

    /// Projects a batch and has it written; waits for the writing unless more is known to follow.
    async fn apply(
        &self,
        engine: &mut Engine,
        work: &Work,
        catching_up: bool,
    ) -> Result<(), ProjectError> {
        for event in &work.unreadable {
            let Some(source) = &event.source else { continue };
            self.deps.log.note_unreadable(event.sequence, source);
            if !event.groups.is_empty() {
                continue;
            }
            self.metrics.passed_over.inc();
            let error = telemetry::error_chain(source.as_ref());
            tracing::error!(event.seq = event.sequence, error, "unreadable; not projected anyway");
        }
        if work.events.is_empty() && work.through == engine.projected() {
            engine.settle().await?;
            // Nothing to write, which would fail: whether the read model can be read is to be seen all the same.
            engine.store().checkpoint().await?;
            return Ok(());
        }
        let started = Instant::now();
        let applying = async {
            let applied = engine.stage(&work.events, &work.unreadable, work.through).await?;
            if !catching_up {
                engine.settle().await?;
            }
            Ok::<_, ProjectError>(applied)
        };
        let applied = applying.instrument(span(work)).await?;
        self.metrics.batch(work.events.len(), applied.documents, started.elapsed());
        let age = work.events.last().map_or(0, |last| {
            Timestamp::now().millis().saturating_sub(last.stored_at.millis()).max(0)
        });
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        self.metrics.place(engine.at(), work.head, age.as_secs_f64());
        tracing::debug!(
            event.seq = engine.projected(),
            events = work.events.len(),
            documents = applied.documents,
            duration_ms = started.elapsed().as_millis(),
            "projected"
        );
        Ok(())
    }

    /// Publishes how far the read model is: to this process directly, to others over the bus.
    async fn publish(&self, engine: &Engine) {
        let generation = engine.store().generation().to_owned();
        let checkpoints = engine.checkpoints();
        let mut stops = Stops::default();
        engine.stops().iter().for_each(|stop| stops.set(stop.group, stop.poison.sequence()));
        self.read_model.note_checkpoints(checkpoints, &generation);
        self.read_model.note_stops(stops, &generation);
        let position = self.deps.log.epoch().at(checkpoints.least());
        let name = |group: Group| (group.as_str().to_owned(), checkpoints.get(group));
        let groups = Group::ALL.into_iter().map(name).collect();
        let stop = |group: Group| Some((group.as_str().to_owned(), stops.get(group)?));
        let stopped = Group::ALL.into_iter().filter_map(stop).collect();
        let at = Timestamp::now();
        let checkpoint = Checkpoint { position, groups, stopped, generation, at };
        if let Err(error) = self.deps.bus.publish_checkpoint(&checkpoint).await {
            tracing::debug!(%error, "the checkpoint was not published");
        }
    }
}

/// Leaves the processor to others, and lets events gather for the next batch.
async fn rest(took: Duration) {
    tokio::time::sleep((took * REST).min(LONGEST_REST)).await;
}

/// The span of a batch. It links to the traces its events are of: they are projected together, and later than their
/// requests were answered.
fn span(work: &Work) -> tracing::Span {
    let first = work.events.first().filter(|_| work.events.len() <= NAMED_BATCH);
    let span = tracing::info_span!(
        "project",
        otel.kind = "consumer",
        trace.origin = tracing::field::Empty,
        event.seq = work.through,
        events = work.events.len(),
        event.kind = first.map(|first| first.event.data.type_name()),
    );
    // What is older is projected because the read model is made anew, and not as part of its story.
    let since = Timestamp::now().plus_seconds(-RECENT_SECONDS);
    let recent = work.events.iter().filter(|logged| logged.stored_at > since);
    telemetry::follow(span, recent.filter_map(|logged| logged.event.traceparent.as_ref()))
}
