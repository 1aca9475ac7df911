//! Tracing, metrics, health and error chains.
