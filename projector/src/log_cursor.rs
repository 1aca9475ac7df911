//! A cursor over the log that brings a generation exactly to a place.

use std::collections::VecDeque;

use eventlog::EventLog;
use schemas::{Sequence, Timestamp};

use crate::engine::Engine;
use crate::error::ProjectError;
use crate::source::{Source, Unreadable};
use crate::views::Logged;

/// Events applied in one transaction when no reader waits for any of them: the more, the fewer times a page
/// of an index that is hit all over is written; the fewer, the sooner reading, projecting and writing
/// are all at work.
const BATCH: usize = 8_000;

/// The log from where an engine stands, taken in pieces of any size.
pub(crate) struct LogCursor {
    source: Source,
    rest: VecDeque<Logged>,
    unreadable: VecDeque<Unreadable>,
    through: Sequence,
    /// Whether it goes on with the other groups when one has stopped.
    tolerant: bool,
}

impl LogCursor {
    /// Begins after the engine's checkpoint.
    pub(crate) async fn start(log: &EventLog, engine: &Engine) -> Result<Self, ProjectError> {
        let source = Source::start(log, None, engine.at(), BATCH).await?;
        let (rest, unreadable) = (VecDeque::new(), VecDeque::new());
        Ok(Self { source, rest, unreadable, through: engine.at(), tolerant: false })
    }

    /// The same, except that it goes on when a group stops.
    pub(crate) fn tolerant(self) -> Self {
        Self { tolerant: true, ..self }
    }

    /// Applies everything up to and including a sequence, and nothing after it; stops earlier, before
    /// the first event stored after `until`. `on_checkpoint` is called with each checkpoint. Waits while the log has
    /// not got that far.
    pub(crate) async fn advance(
        &mut self,
        engine: &mut Engine,
        target: Sequence,
        until: Option<Timestamp>,
        on_checkpoint: &(dyn Fn(Sequence) + Send + Sync),
    ) -> Result<(), ProjectError> {
        let advanced = self.stage(engine, target, until, on_checkpoint).await;
        // Whatever happened: nothing is being written when this answers.
        let settled = engine.settle().await;
        advanced.and(settled)?;
        on_checkpoint(engine.at());
        Ok(())
    }

    async fn stage(
        &mut self,
        engine: &mut Engine,
        target: Sequence,
        until: Option<Timestamp>,
        on_checkpoint: &(dyn Fn(Sequence) + Send + Sync),
    ) -> Result<(), ProjectError> {
        while engine.projected() < target {
            if self.rest.is_empty() && self.through <= engine.projected() {
                self.refill().await?;
            }
            let allowed = |event: &Logged| {
                event.sequence <= target && until.is_none_or(|until| event.stored_at <= until)
            };
            let cut = self.rest.iter().position(|event| !allowed(event));
            let rest = self.rest.split_off(cut.unwrap_or(self.rest.len()));
            let events = Vec::from(std::mem::replace(&mut self.rest, rest));
            let too_late = self.rest.front().is_some_and(|event| event.sequence <= target);
            let through = match (cut, too_late) {
                (Some(_), true) => events.last().map_or(engine.projected(), |last| last.sequence),
                (Some(_), false) => target,
                (None, _) => self.through.min(target),
            };
            if through > engine.projected() {
                let later = self.unreadable.partition_point(|event| event.sequence <= through);
                let later = self.unreadable.split_off(later);
                let unreadable = Vec::from(std::mem::replace(&mut self.unreadable, later));
                engine.stage(&events, &unreadable, through).await?;
                on_checkpoint(engine.at());
                if !self.tolerant
                    && let Some(stop) = engine.stops().first()
                {
                    return Err(stop.poison.clone().into());
                }
            }
            if too_late {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn refill(&mut self) -> Result<(), ProjectError> {
        let work = self.source.next().await?;
        self.rest = work.events.into();
        self.through = work.through;
        self.unreadable = work.unreadable.into();
        Ok(())
    }
}
