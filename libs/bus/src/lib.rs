//! Command request and reply (NATS micro services) and live subscriptions.
