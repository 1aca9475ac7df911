//! Black-box tests: what is needed to run the real thing and talk to it as its users do.
//!
//! [`kit`] starts `tidings` as one process or as many, with real servers, and holds a typed client. The flows
//! are in `tests/it`, the faults in `tests/faults`, hostile input in `tests/hostile`.
//!
//! Nothing here knows how Tidings is built inside, excepted the tests that read the log to judge it and those of `architecture`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this crate is all test: it fails by panicking"
)]

pub mod kit;

#[cfg(test)]
mod architecture;
