//! The one binary: serve, single services, operator commands.
fn main() {}
