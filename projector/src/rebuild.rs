//! Building a new generation while the live one serves, and snapshots of the past.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eventlog::EventLog;
use futures_util::future::BoxFuture;
use readmodel::{ProjectionStore, ReadModel};
use schemas::{Position, Sequence, Timestamp};

use crate::engine::Engine;
use crate::error::ProjectError;
use crate::log_cursor::LogCursor;

/// A new generation this close to the log's end is switched to.
const CLOSE: Sequence = 500;
/// Rounds of catching up before the switch is made from farther away; a log that grows faster than it
/// can be projected would otherwise never be switched to.
const ROUNDS: usize = 20;
/// How long the old generation answers after the switch, for readers that have not noticed yet.
const GRACE: Duration = Duration::from_secs(3);

/// A moment or position in the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// Everything the server had stored by this moment.
    Time(Timestamp),
    /// Everything up to and including this position.
    Position(Position),
}

impl Until {
    /// Reads what an operator gave: an RFC 3339 moment or a position (`epoch:sequence`).
    ///
    /// # Errors
    /// [`ProjectError::Refused`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, ProjectError> {
        if let Ok(position) = Position::parse(text) {
            return Ok(Self::Position(position));
        }
        Timestamp::parse(text).map(Self::Time).map_err(|_| {
            ProjectError::Refused("--until wants an RFC 3339 time or a position".to_owned())
        })
    }

    fn snapshot_name(&self) -> String {
        match self {
            Self::Position(position) => format!("until-{}", position.sequence),
            Self::Time(time) => {
                let digits: String =
                    time.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
                format!("until-{}", digits.to_ascii_lowercase())
            }
        }
    }
}

/// What to build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RebuildOptions {
    /// Build a snapshot of the past under a name of its own and leave the live generation alone.
    pub until: Option<Until>,
}

/// What a long operation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Projecting the log into a fresh generation.
    Build,
    /// Projecting what came meanwhile, with the old generation at rest.
    CatchUp,
    /// Comparing documents.
    Compare,
}

/// How far a long operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What the operation is doing.
    pub phase: Phase,
    /// Events or documents dealt with.
    pub done: u64,
    /// Events or documents in all, as far as is known.
    pub total: u64,
}

/// Called with the progress.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The generation's or snapshot's name.
    pub generation: String,
    /// Where an operator finds it: a file or the name of a database.
    pub location: String,
    /// The last position it includes.
    pub position: Position,
    /// Whether it is the live generation now.
    pub switched: bool,
    /// The time from the first event to being in use.
    pub took: Duration,
}

/// Builds the read model from the log's beginning, beside the live generation, and switches to it
/// without interrupting readers; or, with `until`, builds a snapshot of the past. Works while a projector
/// runs, in this process or another.
///
/// # Errors
/// [`ProjectError`]; what was begun is deleted again and the live generation goes on.
pub fn rebuild<'a>(
    log: &'a EventLog,
    read_model: &'a ReadModel,
    options: &'a RebuildOptions,
    progress: OnProgress<'a>,
) -> BoxFuture<'a, Result<Rebuilt, ProjectError>> {
    // Boxed here, so that its code is generated in this crate and not in each that calls it.
    Box::pin(build_anew(log, read_model, options, progress))
}

async fn build_anew(
    log: &EventLog,
    read_model: &ReadModel,
    options: &RebuildOptions,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, ProjectError> {
    read_model.refresh().await?;
    let target = target(log, options.until.as_ref()).await?;
    let store = match &options.until {
        None => read_model.create_generation().await?,
        Some(until) => {
            // A snapshot of the same moment is the same, unless it was cut short.
            read_model.delete(&until.snapshot_name()).await?;
            read_model.create_snapshot(&until.snapshot_name()).await?
        }
    };
    let name = store.generation().to_owned();
    let started = Instant::now();
    let built = match &options.until {
        None => replace_live(log, read_model, store, target, progress).await,
        Some(until) => snapshot(log, store, target, until, progress).await,
    };
    match built {
        Ok((position, in_use)) => Ok(Rebuilt {
            took: in_use.duration_since(started),
            location: read_model.location(&name),
            generation: name,
            position,
            switched: options.until.is_none(),
        }),
        Err(error) => {
            if let Err(error) = read_model.delete(&name).await {
                tracing::warn!(%error, generation = name, "what was begun cannot be deleted");
            }
            Err(error)
        }
    }
}

async fn target(log: &EventLog, until: Option<&Until>) -> Result<Sequence, ProjectError> {
    let head = log.head().await?;
    match until {
        None | Some(Until::Time(_)) => Ok(head),
        Some(Until::Position(position)) if position.epoch != log.epoch() => {
            Err(ProjectError::Refused(format!("the position is not of this log ({})", log.epoch())))
        }
        Some(Until::Position(position)) if position.sequence > head => {
            Err(ProjectError::Refused(format!("the log ends at {}", log.epoch().at(head))))
        }
        Some(Until::Position(position)) => Ok(position.sequence),
    }
}

async fn snapshot(
    log: &EventLog,
    store: Arc<dyn ProjectionStore>,
    target: Sequence,
    until: &Until,
    progress: OnProgress<'_>,
) -> Result<(Position, Instant), ProjectError> {
    let mut engine = Engine::open_for(store, log.epoch(), target).await?;
    let mut cursor = LogCursor::start(log, &engine).await?;
    let time = match until {
        Until::Time(time) => Some(*time),
        Until::Position(_) => None,
    };
    let on_checkpoint = |done| progress(Progress { phase: Phase::Build, done, total: target });
    cursor.advance(&mut engine, target, time, &on_checkpoint).await?;
    engine.store().seal().await?;
    Ok((log.epoch().at(engine.at()), Instant::now()))
}

async fn replace_live(
    log: &EventLog,
    read_model: &ReadModel,
    store: Arc<dyn ProjectionStore>,
    mut target: Sequence,
    progress: OnProgress<'_>,
) -> Result<(Position, Instant), ProjectError> {
    let old = read_model.writer();
    let mut engine = Engine::open_for(store, log.epoch(), target).await?;
    let mut cursor = LogCursor::start(log, &engine).await?;
    for _ in 0..ROUNDS {
        let on_checkpoint = |done| progress(Progress { phase: Phase::Build, done, total: target });
        cursor.advance(&mut engine, target, None, &on_checkpoint).await?;
        target = log.head().await?;
        if target.saturating_sub(engine.at()) <= CLOSE {
            break;
        }
    }
    engine.store().seal().await?;
    let switched = take_over(log, read_model, &old, (&mut engine, &mut cursor), progress).await;
    match switched {
        Ok(true) => {}
        Ok(false) => {
            return Err(ProjectError::Refused("another rebuild was faster".to_owned()));
        }
        Err(error) => {
            // The old generation goes on.
            old.set_retired(false).await?;
            return Err(error);
        }
    }
    let in_use = Instant::now();
    drop(cursor);
    tokio::time::sleep(GRACE).await;
    delete_older(read_model, engine.store().generation()).await;
    Ok((log.epoch().at(engine.at()), in_use))
}

/// Stops the old generation, brings the new one at least as far, and switches: what a client has read
/// from the old one it finds in the new one.
async fn take_over(
    log: &EventLog,
    read_model: &ReadModel,
    old: &Arc<dyn ProjectionStore>,
    (engine, cursor): (&mut Engine, &mut LogCursor),
    progress: OnProgress<'_>,
) -> Result<bool, ProjectError> {
    let last = old.set_retired(true).await?;
    let head = log.head().await?;
    // A generation of another log, or of an end this log has lost, has nothing to catch up with.
    // Of its groups the farthest counts: what any client has read of it must be in the new one.
    let farthest = last.groups.most();
    let same_log = last.epoch.is_none_or(|epoch| epoch == log.epoch()) && farthest <= head;
    let total = if same_log { farthest } else { head };
    let on_checkpoint = |done| progress(Progress { phase: Phase::CatchUp, done, total });
    cursor.advance(engine, total, None, &on_checkpoint).await?;
    Ok(read_model.switch(old.generation(), engine.store().generation()).await?)
}

/// Deletes the generations a new one replaces, and what crashed rebuilds have left.
async fn delete_older(read_model: &ReadModel, live: &str) {
    let older = match read_model.generations_before(live).await {
        Ok(names) => names,
        Err(error) => {
            tracing::warn!(%error, "old generations cannot be listed");
            return;
        }
    };
    for name in &older {
        match read_model.delete(name).await {
            Ok(()) => tracing::info!(generation = name, "old generation deleted"),
            Err(error) => tracing::warn!(%error, generation = name, "cannot be deleted"),
        }
    }
}
