//! The log: JetStream topology, append, load and consume.
