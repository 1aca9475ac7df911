//! Hostile input: what an attacker sends to break in, break things or wear them out, and the answer
//! each of it must get.
//!
//! Most cases share one `tidings serve` without limits, each with people and rooms of its own; those about
//! limits start one of their own. After every case the server is looked at (see `aftermath`): it lives, is
//! ready, has not panicked, has logged no secret, and its log holds nothing but events on known lanes.
//! `TIDINGS_LONG_TESTS` (`make test-hostile`) adds the cases that take longer.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and an attack is told in one piece"
)]

/// Makes tests of cases, played in the shared installation.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        mod shared {
            $(#[tokio::test]
            async fn $case() {
                crate::scene::play(super::$case).await;
            })*
        }
    };
}

/// The same for cases that need the machine for themselves, as they measure time or use up memory.
macro_rules! cases_alone {
    ($($case:ident),* $(,)?) => {
        mod alone {
            $(#[tokio::test]
            async fn $case() {
                crate::scene::play_alone(super::$case).await;
            })*
        }
    };
}

mod aftermath;
mod connections;
mod cursors;
mod enumeration;
mod fields;
mod floods;
mod fragments;
mod frames;
mod guessing;
mod headers;
mod ids;
mod json;
mod mentions;
mod offers;
mod origins;
mod outsiders;
mod passwords;
mod races;
mod refreshing;
mod revocation;
mod routes;
mod scene;
mod storm;
mod texts;
mod tokens;
mod unreadable;
mod walk;
mod wire;
