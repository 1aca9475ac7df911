//! The log against a real nats-server.
