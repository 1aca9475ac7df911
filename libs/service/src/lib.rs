//! What every service is to the process that runs it: what it is given, how it starts, and when it stops.
//!
//! Owns [`Deps`], [`Service`] and [`ticks()`]. It must not know any service, nor what one does: the gateway and the
//! projector, which decide nothing, are services like those on `libs/decider`, so this is a crate beside it and not a
//! part.
//! May change: what all services are given. Must not change: `build` returns when the service is ready to be
//! called, and the caller alone says when it stops.

mod ticks;

use std::error::Error;

use bus::Bus;
use eventlog::EventLog;
pub use futures_util::future::BoxFuture;
use telemetry::{Health, Metrics, Shutdown};
pub use ticks::ticks;

/// What a process shares with each of its services. Clones share everything.
#[derive(Clone)]
pub struct Deps {
    /// The log, attached to its stream.
    pub log: EventLog,
    /// Where commands come from and go to, and where the live feed comes from.
    pub bus: Bus,
    /// The process's metrics; a service registers its own families.
    pub metrics: Metrics,
    /// The process's health; a service reports as the component [`Service::NAME`].
    pub health: Health,
}

/// When a part of a process stops: lower first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Clients' sockets and requests.
    Edge,
    /// What carries out commands and reacts to events.
    Services,
    /// What writes the read model: after the services, so that it has seen everything.
    Projection,
    /// What tells operators how the others are.
    Admin,
}

/// A service. Its futures are boxed, so that their code is generated in its own crate and not in each that runs it.
pub trait Service: Sized + Send + 'static {
    /// Its name: on the command line, in logs and traces, and of its health component.
    const NAME: &'static str;
    /// When it stops.
    const STAGE: Stage;
    /// What an operator can set.
    type Config;
    /// What it needs besides [`Deps`], such as the read model or keys.
    type Needs;
    /// Why it could not start or go on.
    type Error: Error + Send + Sync + 'static;

    /// Starts it: when this returns it can be called. The log must be attached (`EventLog::ensure_topology` or
    /// `attach`) before.
    ///
    /// # Errors
    /// The service's own.
    fn build(
        config: Self::Config,
        needs: Self::Needs,
        deps: Deps,
    ) -> BoxFuture<'static, Result<Self, Self::Error>>;

    /// Serves until asked to stop, then finishes what it has begun (10 s at most).
    ///
    /// # Errors
    /// It ended by itself.
    fn run_until_stopped(self, shutdown: Shutdown) -> BoxFuture<'static, Result<(), Self::Error>>;
}
