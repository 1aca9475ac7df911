//! Black-box tests of `tidings`: every capability over HTTP and WebSocket. What must survive faults is in `tests/faults`.
//!
//! A flow is an async function over a [`Place`](tests::kit::installation::Place). `everywhere!` runs it against one process on SQLite and against
//! separate processes with two gateways on MongoDB; `here!` against the first only.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and a flow is told in one piece"
)]

/// Makes tests of flows, run against one process on SQLite.
macro_rules! here {
    ($($flow:ident),* $(,)?) => {
        mod one_process {
            $(#[tokio::test]
            async fn $flow() {
                let place = tests::kit::lasting::one_process().await;
                Box::pin(super::$flow(place)).await;
            })*
        }
    };
}

/// Makes tests of flows, run in both kinds of installation.
macro_rules! everywhere {
    ($($flow:ident),* $(,)?) => {
        here!($($flow),*);
        mod separate {
            $(#[tokio::test]
            async fn $flow() {
                if let Some(place) = tests::kit::lasting::separate().await {
                    Box::pin(super::$flow(place)).await;
                }
            })*
        }
    };
}

/// Makes tests of flows that are also given the folder of mails, run in both kinds of installation.
macro_rules! with_mails {
    ($($flow:ident),* $(,)?) => {
        mod one_process {
            $(#[tokio::test]
            async fn $flow() {
                let installation = tests::kit::lasting::one_process_installation().await;
                let folder = installation.data.join("mail");
                Box::pin(super::$flow(installation.place.clone(), folder)).await;
            })*
        }
        mod separate {
            $(#[tokio::test]
            async fn $flow() {
                if let Some(separate) = tests::kit::lasting::separate_installation().await {
                    let folder = separate.mail_dir();
                    Box::pin(super::$flow(separate.place.clone(), folder)).await;
                }
            })*
        }
    };
}

mod accounts;
mod admin_reasons;
mod admin_users;
mod admins;
mod answers;
mod answers_alike;
mod audit;
mod bad_input;
mod bans;
mod blocks;
mod check_config;
mod codes;
mod dead_letters;
mod deleted_texts;
mod digests;
mod doors;
mod edits;
mod erasure;
mod erasure_crashes;
mod erasure_in_doubt;
mod examples;
mod exports;
mod exports_resumed;
mod governance;
mod http;
mod identities;
mod increments;
mod invites;
mod key_rotation;
mod limits;
mod lists;
mod live;
mod media;
mod media_origin;
mod media_s3;
mod media_s3_apart;
mod media_s3_faults;
mod media_shown;
mod message_search;
mod messages;
mod metrics;
mod names;
mod notifications;
mod oidc;
mod oidc_forged;
mod operations;
mod operator_calls;
mod own_names;
mod own_writes;
mod pins;
mod posting;
mod preferences;
mod presence;
mod private;
mod purge;
mod rates;
mod reactions;
mod reasons;
mod recent;
mod registration;
mod repeats;
mod reports;
mod request_log;
mod reread;
mod restores;
mod resumed_threads;
mod resumes;
mod retention;
mod rights;
mod rooms;
mod searches;
mod sessions;
mod settings;
mod socket_counts;
mod stories;
mod texts;
mod thread_notices;
mod threads;
mod three_machines;
mod tls;
mod traces;
mod traces_exported;
mod typing;
mod unread;
mod verified;
mod web_sessions;
