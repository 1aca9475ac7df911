//! The projector and the read model as their users see them: one contract over both backends, generated
//! histories, and the service on a real log.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

/// Cases that are played on both backends, under this attribute: on SQLite each is a test, on MongoDB they share
/// one, so that one server, ended with it, serves them all.
macro_rules! cases {
    (#[$test:meta] $($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[$test]
            async fn $case() {
                super::$case(&crate::kit::Place::sqlite().await).await;
            })*
        }

        #[$test]
        async fn mongodb() {
            let Some(server) = crate::server::mongo().await else { return };
            $({
                eprintln!("mongodb: {}", stringify!($case));
                $case(&crate::kit::Place::mongo(&server.url()).await).await;
            })*
        }
    };
}

mod additions;
mod contract;
mod damage;
mod exports;
mod generated;
mod kit;
mod log;
mod media;
mod members;
mod people;
mod queries;
mod requests;
mod retention;
mod searches;
mod server;
mod service;
mod sightings;
mod stops;
mod unread;
