//! What the notifier tells about itself: metrics and health.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use telemetry::{Health, Metrics};

/// The component the notifier reports its health as, and its name.
pub(crate) const COMPONENT: &str = "notifier";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    channel: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfChannel {
    channel: &'static str,
}

/// Counts what happens to effects and says whether the queues can be read. Clones share it.
#[derive(Clone)]
pub(crate) struct Watch {
    health: Health,
    effects: Family<Outcome, Counter>,
    dead_letters: Family<Outcome, Counter>,
    waiting: Family<OfChannel, Gauge>,
}

impl Watch {
    pub(crate) fn new(metrics: &Metrics, health: &Health) -> Self {
        health.set(COMPONENT, Err("starting"));
        let (effects, dead_letters, waiting) = metrics.register(|registry| {
            let effects = Family::<Outcome, Counter>::default();
            let help = "Effects of events by channel: done, done before, failed and tried again";
            registry.register("notifier_effects", help, effects.clone());
            let dead_letters = Family::<Outcome, Counter>::default();
            let help = "Events the notifier gave up on, by channel and why";
            registry.register("notifier_dead_letters", help, dead_letters.clone());
            let waiting = Family::<OfChannel, Gauge>::default();
            let help = "Events being worked on or waiting to be tried again, by channel; all copies say the same";
            registry.register("notifier_waiting", help, waiting.clone());
            (effects, dead_letters, waiting)
        });
        Self { health: health.clone(), effects, dead_letters, waiting }
    }

    pub(crate) fn effect(&self, channel: &'static str, outcome: &'static str) {
        self.effects.get_or_create(&Outcome { channel, outcome }).inc();
    }

    pub(crate) fn waiting(&self, channel: &'static str, events: u64) {
        let gauge = self.waiting.get_or_create(&OfChannel { channel });
        gauge.set(i64::try_from(events).unwrap_or(i64::MAX));
    }

    pub(crate) fn dead_letter(&self, channel: &'static str, why: &'static str) {
        self.dead_letters.get_or_create(&Outcome { channel, outcome: why }).inc();
    }

    /// A channel waits for room on a disk.
    pub(crate) fn no_room(&self, channel: &'static str, reason: &str) {
        self.health.set(channel, Err(format!("there is no room: {reason}")));
    }

    /// A channel has found room again.
    pub(crate) fn room(&self, channel: &'static str) {
        self.health.remove(channel);
    }

    pub(crate) fn well(&self) {
        self.health.set(COMPONENT, Ok::<(), String>(()));
    }

    pub(crate) fn broken(&self, reason: impl Into<String>) {
        self.health.set(COMPONENT, Err(reason));
    }
}
