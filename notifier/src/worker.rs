//! Takes events from a channel's queue and has their effects carried out.
//!
//! Deliveries are spread over a few lines by their lane: within a lane they are worked on in order, so a
//! conversation's notifications come as its messages did; a slow one holds up its own line only.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use eventlog::{ConsumerSpec, Delivery, EventLog, LogError, StartAt, WorkQueue};
use futures_util::FutureExt;
use schemas::{DecodeError, Event, Sequence, Timestamp};
use telemetry::{Shutdown, error_chain, follow, traceparent_of};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::channel::{Cause, Channel, ChannelKind, Done, Failed, Outlook};
use crate::config::Retry;
use crate::context::{ContextError, ContextSource};
use crate::keeper::{Keeper, Kept};
use crate::policy::{self, Effect, PolicyContext};
use crate::watch::Watch;

/// Lines of a worker.
const LINES: usize = 16;
/// Deliveries a worker has taken and not answered, at most.
const TAKEN: usize = 64;
/// For so many seconds after an event the log surely remembers the ids of its effects. Well below the
/// duplicate window of 30 s.
const FRESH_SECONDS: i64 = 15;
/// Pause after the queue could not be read, and how long it must be quiet to count as well again.
const PAUSE: Duration = Duration::from_secs(1);

/// A delivery, its place among those taken, and what keeps it from being delivered to another meanwhile.
type Taken = (Delivery, OwnedSemaphorePermit, Kept);

/// One channel at work on its queue.
pub(crate) struct Worker {
    queue: WorkQueue,
    handler: Handler,
}

/// What is needed to deal with one delivery. Clones share it.
#[derive(Clone)]
struct Handler {
    channel: Arc<dyn Channel>,
    contexts: ContextSource,
    retry: Retry,
    watch: Watch,
}

impl Worker {
    /// Opens a channel's queue. It begins with the oldest event: a user who registered before the notifier first ran
    /// is welcomed late rather than never.
    ///
    /// # Errors
    /// The queue cannot be made or opened.
    pub(crate) async fn open(
        channel: Arc<dyn Channel>,
        log: &EventLog,
        contexts: ContextSource,
        retry: Retry,
        watch: &Watch,
    ) -> Result<Self, LogError> {
        let spec = ConsumerSpec {
            start: StartAt::Beginning,
            ack_wait: channel.answer_within(),
            max_deliver: retry.attempts.max(1),
            prefetch: TAKEN,
            gather: channel.kind().gathers(),
            ..ConsumerSpec::new(channel.name(), channel.kind().lanes().to_vec())
        };
        let queue = log.consumer(spec).await?;
        Ok(Self { queue, handler: Handler { channel, contexts, retry, watch: watch.clone() } })
    }

    /// The channel it works for.
    pub(crate) fn channel(&self) -> &'static str {
        self.handler.channel.name()
    }

    /// Works until asked to stop, then answers what it has taken.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut lines = JoinSet::new();
        let mut entrances = Vec::with_capacity(LINES);
        for _ in 0..LINES {
            let (entrance, line) = mpsc::unbounded_channel();
            entrances.push(entrance);
            lines.spawn(work(self.handler.clone(), line, shutdown.clone()));
        }
        let keeper = Keeper::every(self.handler.channel.answer_within() / 3);
        let room = Arc::new(Semaphore::new(TAKEN));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { break };
            let delivery = tokio::select! {
                biased;
                () = shutdown.wait() => break,
                delivery = self.next() => delivery,
            };
            let mut hasher = DefaultHasher::new();
            delivery.stored.lane.hash(&mut hasher);
            let line = usize::try_from(hasher.finish() % 16).unwrap_or_default();
            let kept = keeper.keep(delivery.hold());
            let taken = (delivery, permit, kept);
            if entrances.get(line).is_none_or(|line| line.send(taken).is_err()) {
                self.handler.watch.broken("a line of the notifier has ended");
                break;
            }
        }
        drop(entrances);
        while lines.join_next().await.is_some() {}
    }

    async fn next(&mut self) -> Delivery {
        let mut well = true;
        loop {
            // After a failure silence is the only sign that the queue is open again.
            let next = if well {
                Ok(self.queue.next().await)
            } else {
                tokio::time::timeout(PAUSE, self.queue.next()).await
            };
            match next {
                Ok(Ok(delivery)) => {
                    if !well {
                        self.handler.watch.well();
                    }
                    return delivery;
                }
                Ok(Err(error)) => {
                    let reason = error_chain(&error);
                    tracing::error!(error = reason, "the notifier's queue cannot be read");
                    self.handler.watch.broken(reason);
                    well = false;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(_quiet) => {
                    self.handler.watch.well();
                    well = true;
                }
            }
        }
    }
}

async fn work(handler: Handler, mut line: mpsc::UnboundedReceiver<Taken>, shutdown: Shutdown) {
    while let Some((delivery, permit, kept)) = line.recv().await {
        // A panic over one event must not end the line. The event is then delivered again until the server
        // gives it up and its advisory becomes the dead letter.
        let sequence = delivery.stored.sequence;
        let handled = AssertUnwindSafe(handler.handle(delivery, &shutdown)).catch_unwind().await;
        if handled.is_err() {
            tracing::error!(event.seq = sequence, "handling an event failed badly");
        }
        drop((permit, kept));
    }
}

impl Handler {
    async fn handle(&self, delivery: Delivery, shutdown: &Shutdown) {
        let event = match delivery.stored.event() {
            Ok(event) => event,
            Err(error) => {
                self.contexts.note_unreadable(delivery.stored.sequence, &error);
                return self.park(delivery, "undecodable", &poison(&error)).await;
            }
        };
        // Nearly every event there is: told by its content alone, it costs no more than that.
        let seen = match self.contexts.of(&event.data).await {
            Ok(seen) if self.wanted(&event, delivery.stored.sequence, &seen).is_empty() => {
                return self.answered(delivery.pass().await);
            }
            seen => seen,
        };
        let span = tracing::info_span!(
            "notify",
            otel.kind = "consumer",
            trace.origin = tracing::field::Empty,
            channel = self.channel.name(),
            event.seq = delivery.stored.sequence,
            event.kind = event.data.type_name(),
            attempt = delivery.attempt,
        );
        let span = follow(span, event.traceparent.as_ref());
        let cause = Cause {
            event: event.id,
            sequence: delivery.stored.sequence,
            repeated: delivery.attempt > 1 || delivery.redriven() || is_old(&delivery),
            redriven: delivery.redriven(),
            // What comes of an effect links to where it all began, as the effect does.
            trace: event.traceparent.clone().or_else(|| traceparent_of(&span)),
        };
        let answered = async {
            let done = match self.effects(&event, seen, &cause).await {
                Err(failed) if failed.outlook == Outlook::NoRoom => {
                    // A process that stops meanwhile leaves it unanswered: it comes again.
                    let Some(done) =
                        self.once_there_is_room(&event, &cause, failed, shutdown).await
                    else {
                        return;
                    };
                    done
                }
                done => done,
            };
            match done {
                Ok(()) => self.answered(delivery.ack().await),
                Err(failed) if failed.outlook == Outlook::Hopeless => {
                    self.park(delivery, "refused", &failed.reason).await;
                }
                Err(failed) => self.again(delivery, &failed).await,
            }
        };
        answered.instrument(span).await;
    }

    /// The effects of an event that are this channel's.
    fn wanted(&self, event: &Event, at: Sequence, seen: &PolicyContext) -> Vec<Effect> {
        let own = |effect: &Effect| {
            ChannelKind::of(effect) == self.channel.kind() && !self.channel.passes(effect, at)
        };
        policy::effects(event, at, seen).into_iter().filter(own).collect()
    }

    /// Has all effects of an event carried out that are this channel's.
    async fn effects(
        &self,
        event: &Event,
        seen: Result<PolicyContext, ContextError>,
        cause: &Cause,
    ) -> Result<(), Failed> {
        let seen = seen.map_err(|error| match error {
            ContextError::Log(_) => Failed::for_now(error_chain(&error)),
            ContextError::Unreadable(_) => Failed::for_good(error_chain(&error)),
        })?;
        let name = self.channel.name();
        for effect in self.wanted(event, cause.sequence, &seen) {
            match self.channel.perform(&effect, cause).await {
                Ok(Done::Now) => {
                    tracing::debug!(
                        event.seq = cause.sequence,
                        channel = name,
                        "an effect is done"
                    );
                    self.watch.effect(name, "done");
                }
                Ok(Done::Before) => self.watch.effect(name, "done_before"),
                Err(failed) => {
                    self.watch.effect(name, "failed");
                    return Err(failed);
                }
            }
        }
        Ok(())
    }

    /// Tries the effects of an event until there is room for them; none when the process stops before.
    async fn once_there_is_room(
        &self,
        event: &Event,
        cause: &Cause,
        mut failed: Failed,
        shutdown: &Shutdown,
    ) -> Option<Result<(), Failed>> {
        let channel = self.channel.name();
        tracing::error!(channel, reason = failed.reason, "no room for an effect: it waits");
        let cause = cause.with_repeated(true);
        loop {
            self.watch.no_room(channel, &failed.reason);
            tokio::select! {
                () = shutdown.wait() => return None,
                () = tokio::time::sleep(PAUSE) => {}
            }
            let seen = self.contexts.of(&event.data).await;
            match self.effects(event, seen, &cause).await {
                Err(again) if again.outlook == Outlook::NoRoom => failed = again,
                done => {
                    self.watch.room(channel);
                    return Some(done);
                }
            }
        }
    }

    async fn again(&self, delivery: Delivery, failed: &Failed) {
        let (attempt, reason) = (delivery.attempt, failed.reason.as_str());
        if delivery.last_attempt {
            return self.park(delivery, "exhausted", reason).await;
        }
        let pause = failed.pause(&self.retry, attempt);
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(attempt, reason, pause_ms, "an effect failed and is tried again");
        self.answered(delivery.retry_after(pause, reason).await);
    }

    async fn park(&self, delivery: Delivery, why: &'static str, reason: &str) {
        let channel = self.channel.name();
        let (sequence, attempt) = (delivery.stored.sequence, delivery.attempt);
        tracing::error!(
            channel,
            event.seq = sequence,
            attempt,
            reason,
            "an event is a dead letter"
        );
        match delivery.dead_letter(reason).await {
            Ok(()) => self.watch.dead_letter(channel, why),
            Err(error) => self.answered(Err(error)),
        }
    }

    /// An answer that did not arrive is harmless: the delivery comes again and is recognised.
    fn answered(&self, answer: Result<(), LogError>) {
        if let Err(error) = answer {
            tracing::warn!(error = error_chain(&error), "an answer to the queue was lost");
        }
    }
}

/// Whether the log may have forgotten the ids of what was written right after this event: then a first
/// delivery may be one of a queue that was made anew.
fn is_old(delivery: &Delivery) -> bool {
    let (stored, now) = (delivery.stored.stored_at, Timestamp::now());
    // The time is the server's, and one of the clocks may be wrong: what seems to come from the future is
    // looked up like what is old.
    stored.plus_seconds(FRESH_SECONDS) < now || now.plus_seconds(FRESH_SECONDS) < stored
}

fn poison(error: &DecodeError) -> String {
    match error {
        // The cause may quote what stands in the event.
        DecodeError::Malformed(_) => "not a well-formed event".to_owned(),
        other => other.to_string(),
    }
}
