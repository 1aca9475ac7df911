//! One module per kind of command.

mod admin;
mod login;
mod password;
mod profile;
mod refresh;
mod register;
mod sessions;
mod tickets;
