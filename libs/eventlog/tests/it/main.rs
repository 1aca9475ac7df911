//! The log against a real nats-server: each case starts its own and ends it.

mod append;
mod group;
mod kit;
mod outages;
mod reading;
mod secrets;
mod topology;
mod work;
