//! What a process tells about itself: logs, traces, metrics, health; and how it is asked to stop.
//!
//! Owns the global tracing subscriber and the one metrics registry of a process. Must not know any
//! service: every crate registers its own metric families and names its own health components.

mod admin;
mod choice;
mod collector;
mod collector_grpc;
mod collector_http;
mod collector_tls;
mod errors;
mod export;
mod health;
mod init;
mod log_format;
mod log_lines;
mod metrics;
mod options;
mod process;
mod sampler;
mod shutdown;
mod trace;

pub use admin::{AdminAnswer, admin_answer, serve_admin};
pub use choice::InvalidChoice;
pub use collector_tls::{InvalidCaFile, check_ca_file};
pub use errors::error_chain;
pub use health::{Health, Unready};
pub use init::{Guard, InvalidFilter, OWN_TARGETS, check_filter, init};
pub use log_format::LogFormat;
pub use metrics::{Metrics, latency_buckets};
pub use options::{Options, OtlpProtocol};
pub use prometheus_client;
pub use shutdown::Shutdown;
pub use trace::{
    MAX_LINKS, continue_trace, current_or_new_traceparent, current_traceparent, follow,
    new_traceparent, traceparent_of,
};
