//! Many at the same moment: one wins, and nothing is left of the others.

use schemas::Code;
use schemas::commands::{
    AdministerUser, CallContext, ChangePassword, ChangeProfile, Command, IssueWsTicket,
    ListSessions, RedeemWsTicket, Refresh,
};
use schemas::values::{NewPassword, Patch, Role, Secret, Username};
use schemas::{Rejection, UserId};
use tokio::task::JoinSet;

use crate::kit::{Kit, PASSWORD, as_caller, ask, keyed, login, refused, registration};

/// Asks all of it at the same time.
async fn at_once<C: Command + Clone + Sync>(
    kit: &Kit,
    calls: impl IntoIterator<Item = (CallContext, C)>,
) -> Vec<Result<C::Output, Rejection>> {
    let mut tasks = JoinSet::new();
    for (context, command) in calls {
        let bus = kit.bus.clone();
        tasks.spawn(async move { ask(&bus, &context, &command).await });
    }
    tasks.join_all().await
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_registration_sent_ten_times_makes_one_account() {
    let kit = Kit::start().await;
    let context = keyed(CallContext::default(), "once");
    let answers = at_once(&kit, (0..10).map(|_| (context.clone(), registration("ada")))).await;
    let ids: std::collections::BTreeSet<UserId> =
        answers.into_iter().map(|answer| answer.unwrap().user.id).collect();
    assert_eq!(ids.len(), 1);
    assert!(kit.login("ada").await.is_ok());
    assert_eq!(kit.log.secrets("credentials").keys(None).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_want_one_username_one_gets_it() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    let (_, bob) = kit.person("bob").await;
    let rename = ChangeProfile {
        display_name: Patch::Keep,
        bio: Patch::Keep,
        avatar_media_id: Patch::Keep,
        username: Some(Username::parse("countess").unwrap()),
        settings: None,
        preferences: None,
    };
    let answers = at_once(&kit, [(ada, rename.clone()), (bob, rename)]).await;
    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(won, 1, "{answers:?}");
    assert!(kit.login("countess").await.is_ok());
    let left = [kit.login("ada").await.is_ok(), kit.login("bob").await.is_ok()];
    assert_eq!(left.iter().filter(|has| **has).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_admins_cannot_put_each_other_out() {
    let kit = Kit::start().await;
    let (ada, as_ada) = kit.person("ada").await;
    let (bob, as_bob) = kit.person("bob").await;
    let role = |of: &UserId, role| AdministerUser {
        user_id: *of,
        role: Some(role),
        suspended: None,
        reason: None,
    };
    let (ada, bob) = (ada.user.user.id, bob.user.user.id);
    for _ in 0..5 {
        kit.call(&as_ada, role(&bob, Role::Admin)).await.unwrap();
        let out =
            [(as_ada.clone(), role(&bob, Role::User)), (as_bob.clone(), role(&ada, Role::User))];
        let answers = at_once(&kit, out).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        // The admin who is left makes ada an admin again.
        if kit.call(&as_ada, role(&ada, Role::Admin)).await.is_err() {
            kit.call(&as_bob, role(&ada, Role::Admin)).await.unwrap();
        }
    }
    // Both step down at the same moment.
    kit.call(&as_ada, role(&bob, Role::Admin)).await.unwrap();
    let down = [(as_ada, role(&ada, Role::User)), (as_bob, role(&bob, Role::User))];
    let answers = at_once(&kit, down).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_suspension_leaves_no_session_of_a_login_under_way() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("boss").await;
    let bob = kit.register("bob").await.unwrap().user.id;
    let suspend =
        |on| AdministerUser { user_id: bob, role: None, suspended: Some(on), reason: None };
    for _ in 0..3 {
        let logins = (0..20).map(|_| (CallContext::default(), login("bob", PASSWORD)));
        let (answers, suspended) =
            tokio::join!(at_once(&kit, logins), kit.call(&admin, suspend(true)));
        suspended.unwrap();
        kit.call(&admin, suspend(false)).await.unwrap();
        for answer in answers {
            match answer {
                Ok(tokens) => assert!(!kit.is_active(&tokens).await),
                Err(no) => assert!(matches!(no.code, Code::Suspended | Code::Unavailable), "{no}"),
            }
        }
        let tokens = kit.login("bob").await.unwrap();
        let listed = kit.call(&as_caller(&tokens), ListSessions {}).await.unwrap();
        assert_eq!(listed.len(), 1);
        kit.call(&admin, suspend(true)).await.unwrap();
        kit.call(&admin, suspend(false)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_password_leaves_no_session_of_a_login_with_the_old_one() {
    let kit = Kit::start().await;
    let (tokens, ada) = kit.person("ada").await;
    let mut passwords = (PASSWORD.to_owned(), "battery staple".to_owned());
    for _ in 0..3 {
        let change = ChangePassword {
            current_password: Some(Secret::new(&passwords.0)),
            code: None,
            new_password: NewPassword::parse(&passwords.1).unwrap(),
        };
        let logins = (0..20).map(|_| (CallContext::default(), login("ada", &passwords.0)));
        let (answers, changed) = tokio::join!(at_once(&kit, logins), kit.call(&ada, change));
        changed.unwrap();
        for answer in answers {
            match answer {
                Ok(tokens) => assert!(!kit.is_active(&tokens).await),
                Err(no) => {
                    assert!(
                        matches!(no.code, Code::InvalidCredentials | Code::Unavailable),
                        "{no}"
                    );
                }
            }
        }
        assert!(kit.is_active(&tokens).await);
        passwords = (passwords.1, passwords.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_with_one_ticket_one_gets_in() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    let ticket = kit.call(&ada, IssueWsTicket {}).await.unwrap().ticket;
    let calls =
        (0..20).map(|_| (CallContext::default(), RedeemWsTicket { ticket: ticket.clone() }));
    let answers = at_once(&kit, calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers.into_iter().filter(Result::is_err) {
        assert_eq!(refused(answer), Code::Unauthenticated);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_logins_is_answered_in_time_or_sent_away() {
    let kit = Kit::start_at_cost(8).await;
    kit.register("ada").await.unwrap();
    let calls = (0..300).map(|_| (CallContext::default(), login("ada", "wrong one")));
    let (mut checked, mut away) = (0, 0);
    for answer in at_once(&kit, calls).await {
        let no = answer.unwrap_err();
        match no.code {
            Code::InvalidCredentials => checked += 1,
            Code::Unavailable | Code::RateLimited => {
                assert!(no.retry_after.is_some());
                away += 1;
            }
            _ => panic!("{no}"),
        }
    }
    // How many of those who wait are reached in time depends on the machine; that some are, and that not all
    // are kept waiting, does not.
    assert!(checked > 0 && away > 0, "{checked} checked, {away} sent away");
}
