//! The fault suite: what must survive when servers die, stall, lose, delay or fill up.
//!
//! Every case has the same shape. A [`crew`] of users with rooms, a [`load`] of resuming clients and writers
//! on it, faults at moments a seeded [`schedule`] chose, and in the end one judge for all: the [`history`] of
//! what every client did and saw, compared with the log and a fresh rebuild. `make test` runs the short variant
//! of every case, `make test-faults` (`TIDINGS_LONG_TESTS=1`) the long one; `TIDINGS_SEED=n` replays choices.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, and a fault is told in one piece"
)]

mod acks;
mod claims;
mod clocks;
mod cluster;
mod crew;
mod damage;
mod doors;
mod everything;
mod forged;
mod full_disk;
mod gateways;
mod history;
mod limits;
mod live;
mod load;
mod mails;
mod memory;
mod metrics;
mod nats_server;
mod poison;
#[cfg(target_os = "linux")]
mod power;
#[cfg(target_os = "linux")]
mod power_loss;
mod projectors;
mod reactions;
mod restores;
mod rights;
mod schedule;
mod services;
mod slow_readers;
mod storage;
mod stores;
mod storms;
mod uploads;
mod versions;
mod world;
