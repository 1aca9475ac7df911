//! What operators see of the live half.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use telemetry::{Metrics, latency_buckets, prometheus_client};

/// Which close code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Closed {
    /// The code on the wire.
    pub code: u16,
}

/// How a resume was served: `memory`, `read_model`, or the reason of the reset.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Resumed {
    /// From where.
    pub from: &'static str,
}

/// Which type of frame, and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Framed {
    /// `post`, `edit`, ...
    pub frame: &'static str,
    /// `ok` or the error's code.
    pub outcome: &'static str,
}

type Latencies = Family<Framed, Histogram, fn() -> Histogram>;

/// The handles. Clones share them.
#[derive(Debug, Clone)]
pub struct LiveMetrics {
    /// Sockets open now.
    pub sockets: Gauge,
    /// Frames given to sockets' queues.
    pub deliveries: Counter,
    /// Events handed on, of any kind.
    pub events: Counter,
    /// Gaps in the live feed that were filled from the log.
    pub gaps: Counter,
    /// Events read from the log because the feed had lost them.
    pub backfilled: Counter,
    /// Events that could not be read.
    pub undecodable: Counter,
    /// The last event handed on.
    pub position: Gauge,
    /// Events and bytes of the memory of recent events.
    pub remembered: Gauge,
    /// Bytes of the memory of recent events.
    pub remembered_bytes: Gauge,
    /// Frames waiting in all sockets' queues.
    pub queued: Gauge,
    /// Frames waiting in the longest queue.
    pub queued_max: Gauge,
    /// Bytes waiting in all sockets' queues.
    pub queued_bytes: Gauge,
    /// Bytes that resumes under way hold: what they plan to send and the pieces that go out.
    pub resume_bytes: Gauge,
    /// Events that no client was told of because they came after a deletion or would have moved a marker back.
    pub late: Counter,
    /// Sockets closed by the server, by code.
    pub closed: Family<Closed, Counter>,
    /// Resumes, by how they were served.
    pub resumes: Family<Resumed, Counter>,
    /// How often a person's rooms were read from the read model: once when they come here, not when they
    /// comes back.
    pub room_loads: Counter,
    /// From a client's frame to its answer.
    pub frames: Latencies,
    /// From an event's time to its frame in the queues, in seconds.
    pub delivery: Histogram,
}

impl LiveMetrics {
    /// Registers the families of one gateway.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let this = Self {
            sockets: Gauge::default(),
            deliveries: Counter::default(),
            events: Counter::default(),
            gaps: Counter::default(),
            backfilled: Counter::default(),
            undecodable: Counter::default(),
            position: Gauge::default(),
            remembered: Gauge::default(),
            remembered_bytes: Gauge::default(),
            queued: Gauge::default(),
            queued_max: Gauge::default(),
            queued_bytes: Gauge::default(),
            resume_bytes: Gauge::default(),
            late: Counter::default(),
            closed: Family::default(),
            resumes: Family::default(),
            room_loads: Counter::default(),
            frames: Family::new_with_constructor(|| Histogram::new(latency_buckets())),
            delivery: Histogram::new(latency_buckets()),
        };
        let shared = this.clone();
        metrics.register(|registry| shared.register(registry));
        this
    }

    fn register(self, registry: &mut Registry) {
        let live = registry.sub_registry_with_prefix("live");
        live.register("events", "Events handed on", self.events);
        live.register("gaps", "Gaps in the live feed filled from the log", self.gaps);
        live.register("backfilled", "Events the feed had lost", self.backfilled);
        live.register("undecodable", "Events that could not be read", self.undecodable);
        live.register("late", "Events too late to be told", self.late);
        live.register("position", "The last event handed on", self.position);
        live.register("room_loads", "Persons' rooms read", self.room_loads);
        live.register("remembered", "Events in memory for resumes", self.remembered);
        live.register("remembered_bytes", "Bytes of them", self.remembered_bytes);
        live.register("delivery_seconds", "From event to sockets' queues", self.delivery);
        let ws = registry.sub_registry_with_prefix("ws");
        ws.register("sockets", "Sockets open", self.sockets);
        ws.register("deliveries", "Frames given to sockets", self.deliveries);
        ws.register("queued", "Frames waiting in all queues", self.queued);
        ws.register("queued_bytes", "Bytes waiting in all queues", self.queued_bytes);
        ws.register("resume_bytes", "Bytes held by resumes", self.resume_bytes);
        ws.register("queued_max", "Frames in the longest queue", self.queued_max);
        ws.register("closed", "Sockets closed by the server", self.closed);
        ws.register("resumes", "Resumes by how they were served", self.resumes);
        ws.register("frame_seconds", "From a client's frame to its answer", self.frames);
    }

    /// Counts a close by the server.
    pub fn close(&self, code: u16) {
        self.closed.get_or_create(&Closed { code }).inc();
    }

    /// Counts a resume.
    pub fn resume(&self, from: &'static str) {
        self.resumes.get_or_create(&Resumed { from }).inc();
    }
}
