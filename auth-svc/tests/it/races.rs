//! Many at the same moment: one wins, and nothing is left of the others.

use schemas::Code;
use schemas::commands::{CallContext, Refresh};
use schemas::values::Role;
use tokio::task::JoinSet;

use crate::kit::{Kit, registration};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_registrations_of_one_name_one_wins() {
    let kit = Kit::start().await;
    let mut tries = JoinSet::new();
    for number in 0..50 {
        let (bus, mut command) = (kit.bus.clone(), registration("ada"));
        command.email = registration(&format!("ada{number}")).email;
        tries.spawn(async move { bus.call(&CallContext::default(), &command).await.unwrap() });
    }
    let mut won = 0;
    while let Some(reply) = tries.join_next().await {
        match reply.unwrap() {
            schemas::commands::Reply::Accepted(_) => won += 1,
            schemas::commands::Reply::Rejected(no) => {
                assert!(matches!(no.code, Code::AlreadyExists | Code::Unavailable), "{no}");
            }
        }
    }
    assert_eq!(won, 1);
    assert_eq!(kit.log.secrets("credentials").keys(None).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_first_accounts_one_is_admin() {
    let kit = Kit::start().await;
    let mut tries = JoinSet::new();
    for number in 0..8 {
        let (bus, command) = (kit.bus.clone(), registration(&format!("first{number}")));
        tries.spawn(async move { bus.call(&CallContext::default(), &command).await.unwrap() });
    }
    let mut admins = 0;
    while let Some(reply) = tries.join_next().await {
        if let schemas::commands::Reply::Accepted(accepted) = reply.unwrap() {
            admins += usize::from(accepted.result.user.role == Role::Admin);
        }
    }
    assert_eq!(admins, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_refreshes_at_once_agree_on_one_token() {
    let kit = Kit::start().await;
    let (tokens, _) = kit.person("ada").await;
    let mut tries = JoinSet::new();
    for _ in 0..20 {
        let (bus, refresh_token) = (kit.bus.clone(), tokens.refresh_token.clone());
        tries.spawn(async move {
            bus.call(&CallContext::default(), &Refresh { refresh_token }).await.unwrap()
        });
    }
    let mut given = Vec::new();
    while let Some(reply) = tries.join_next().await {
        if let schemas::commands::Reply::Accepted(accepted) = reply.unwrap() {
            given.push(accepted.result.refresh_token.expose().to_owned());
        }
    }
    assert_eq!(given.len(), 20);
    given.dedup();
    assert_eq!(given.len(), 1);
}
