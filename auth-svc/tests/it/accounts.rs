//! Registering, changing and administering accounts.

use schemas::commands::{AdministerUser, CallContext, ChangePassword, ChangeProfile};
use schemas::events::{SessionEnd, SessionEvent};
use schemas::values::{NewPassword, Patch, Role, Secret, Username};
use schemas::views::SessionTokens;
use schemas::{Actor, Code, EventData, Lane, TraceParent, UserId};

use crate::kit::{Kit, PASSWORD, ask, creation, keyed, login, refused, registration};

fn no_change() -> ChangeProfile {
    ChangeProfile {
        display_name: Patch::Keep,
        bio: Patch::Keep,
        avatar_media_id: Patch::Keep,
        username: None,
        settings: None,
        preferences: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_unique_whatever_their_case_and_the_first_account_is_admin() {
    let kit = Kit::start().await;
    assert_eq!(kit.register("ada").await.unwrap().user.role, Role::Admin);
    assert_eq!(kit.register("bob").await.unwrap().user.role, Role::User);
    let taken = kit.register("ADA").await.unwrap_err();
    assert_eq!((taken.code, taken.errors[0].pointer.as_str()), (Code::AlreadyExists, "/username"));
    let mut other = registration("carol");
    other.email = registration("bob").email;
    let taken = kit.call(&CallContext::default(), other).await.unwrap_err();
    assert_eq!((taken.code, taken.errors[0].pointer.as_str()), (Code::AlreadyExists, "/email"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_holds_a_secret() {
    let kit = Kit::start().await;
    kit.person("ada").await;
    let (tokens, _) = kit.person("bob").await;
    for text in kit.everything().await {
        let secrets =
            [PASSWORD, "$2b$", tokens.refresh_token.expose(), tokens.access_token.expose()];
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_gives_roles_and_one_always_remains() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("boss").await;
    let (bob, as_bob) = kit.person("bob").await;
    let greedy = creation("eve", Some(PASSWORD), Some(Role::Admin));
    let anonymous = kit.call(&CallContext::default(), greedy.clone()).await;
    assert_eq!(refused(anonymous), Code::Unauthenticated);
    assert_eq!(refused(kit.call(&as_bob, greedy.clone()).await), Code::Forbidden);
    assert_eq!(kit.call(&admin, greedy).await.unwrap().user.role, Role::Admin);
    let promote = |role| AdministerUser {
        user_id: bob.user.user.id,
        role: Some(role),
        suspended: None,
        reason: None,
    };
    assert_eq!(refused(kit.call(&as_bob, promote(Role::Admin)).await), Code::Forbidden);
    let after = kit.call(&admin, promote(Role::Moderator)).await.unwrap();
    assert_eq!(after.user.role, Role::Moderator);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_keeps_the_role_and_nobody_suspends_himself() {
    let kit = Kit::start().await;
    let (root, admin) = kit.person("boss").await;
    let (bob, as_bob) = kit.person("bob").await;
    let role = |of: &SessionTokens, role| AdministerUser {
        user_id: of.user.user.id,
        role: Some(role),
        suspended: None,
        reason: None,
    };
    let suspend = AdministerUser { suspended: Some(true), ..role(&root, Role::Admin) };
    assert_eq!(refused(kit.call(&admin, suspend).await), Code::Conflict);
    assert_eq!(refused(kit.call(&admin, role(&root, Role::User)).await), Code::Conflict);
    kit.call(&admin, role(&bob, Role::Admin)).await.unwrap();
    kit.call(&admin, role(&root, Role::User)).await.unwrap();
    // The token still says admin; the log does not.
    assert_eq!(refused(kit.call(&admin, role(&root, Role::Admin)).await), Code::Forbidden);
    let greedy = creation("eve", Some(PASSWORD), None);
    assert_eq!(refused(kit.call(&admin, greedy).await), Code::Forbidden);
    assert_eq!(refused(kit.call(&as_bob, role(&bob, Role::User)).await), Code::Conflict);
    let unknown = AdministerUser {
        user_id: UserId::parse("usr_00000000000000000000000000").unwrap(),
        role: Some(Role::User),
        suspended: None,
        reason: None,
    };
    assert_eq!(refused(kit.call(&as_bob, unknown).await), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_is_out_everywhere() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("boss").await;
    let (bob, _) = kit.person("bob").await;
    let suspend = |on| AdministerUser {
        user_id: bob.user.user.id,
        role: None,
        suspended: Some(on),
        reason: None,
    };
    assert!(kit.call(&admin, suspend(true)).await.unwrap().suspended);
    let ended = kit.last(Lane::Session(bob.user.user.id)).await;
    assert!(matches!(ended, Some(EventData::Session(SessionEvent::Ended(_)))));
    assert_eq!(refused(kit.login("bob").await), Code::Suspended);
    let wrong = kit.call(&CallContext::default(), login("bob", "another one")).await;
    assert_eq!(refused(wrong), Code::InvalidCredentials);
    kit.call(&admin, suspend(false)).await.unwrap();
    assert!(kit.login("bob").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_username_holds_the_old_one_back() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    kit.register("bob").await.unwrap();
    let rename = |name: &str| ChangeProfile {
        username: Some(Username::parse(name).unwrap()),
        ..no_change()
    };
    assert_eq!(refused(kit.call(&ada, rename("bob")).await), Code::AlreadyExists);
    let renamed = kit.call(&keyed(ada.clone(), "k1"), rename("countess")).await.unwrap();
    assert_eq!(renamed.user.username, "countess");
    assert!(kit.login("countess").await.is_ok());
    assert_eq!(refused(kit.login("ada").await), Code::InvalidCredentials);
    let mut next = registration("ada");
    next.email = registration("another").email;
    let refusal = kit.call(&CallContext::default(), next).await;
    assert_eq!(refused(refusal), Code::AlreadyExists);
    assert_eq!(kit.call(&ada, rename("ada")).await.unwrap().user.username, "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_registration_finds_its_first_result() {
    let kit = Kit::start().await;
    let context = keyed(CallContext::default(), "once");
    let first = kit.call(&context, registration("ada")).await.unwrap();
    let again = kit.call(&context, registration("ada")).await.unwrap();
    assert_eq!(first.user.id, again.user.id);
    let mut stranger = registration("ada");
    stranger.password = NewPassword::parse("wrong password").unwrap();
    assert_eq!(refused(kit.call(&context, stranger).await), Code::IdempotencyMismatch);
    let other_key = keyed(CallContext::default(), "twice");
    let answer = kit.call(&other_key, registration("ada")).await;
    assert_eq!(refused(answer), Code::AlreadyExists);
    assert_eq!(kit.log.secrets("credentials").keys(None).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_registration_is_finished_by_its_repeat() {
    let kit = Kit::start().await;
    let context = keyed(CallContext::default(), "once");
    let id = kit.call(&context, registration("ada")).await.unwrap().user.id;
    // What a first try leaves that ended between the password and the account, on a log of its own.
    let other = Kit::start().await;
    let credentials = kit.log.secrets("credentials");
    let (value, _) = credentials.get(id.as_str()).await.unwrap().unwrap();
    other.log.secrets("credentials").create(id.as_str(), value, None).await.unwrap();
    let mut stranger = registration("ada");
    stranger.password = NewPassword::parse("wrong password").unwrap();
    assert_eq!(refused(other.call(&context, stranger).await), Code::IdempotencyMismatch);
    assert_eq!(other.call(&context, registration("ada")).await.unwrap().user.id, id);
    assert!(other.login("ada").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_tells_whose_doing_it_was_and_in_which_trace() {
    let kit = Kit::start().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traceparent = Some(TraceParent::parse(trace).unwrap());
    let context = CallContext { traceparent, ..CallContext::default() };
    let ada = ask(&kit.remote().await, &context, &registration("ada")).await.unwrap();
    let stored = kit.log.last(&Lane::User(ada.user.id)).await.unwrap().unwrap();
    let event = stored.event().unwrap();
    assert_eq!(event.actor, Actor::User(ada.user.id));
    assert_eq!(event.traceparent, context.traceparent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    let other = kit.login("ada").await.unwrap();
    let change = |current: &str| ChangePassword {
        current_password: Some(Secret::new(current)),
        code: None,
        new_password: NewPassword::parse("battery staple").unwrap(),
    };
    assert_eq!(refused(kit.call(&ada, change("wrong one")).await), Code::InvalidCredentials);
    kit.call(&ada, change(PASSWORD)).await.unwrap();
    let ended = kit.last(Lane::Session(other.user.user.id)).await;
    assert!(
        matches!(ended, Some(EventData::Session(SessionEvent::Ended(e))) if e.reason == SessionEnd::PasswordChanged)
    );
    let again = kit.call(&ada, change(PASSWORD)).await;
    assert_eq!(refused(again), Code::InvalidCredentials, "the present one is another now");
    assert_eq!(refused(kit.login("ada").await), Code::InvalidCredentials);
    assert!(kit.call(&CallContext::default(), login("ada", "battery staple")).await.is_ok());
    let refresh = schemas::commands::Refresh { refresh_token: other.refresh_token };
    let refreshed = kit.call(&CallContext::default(), refresh).await;
    assert_eq!(refused(refreshed), Code::Unauthenticated);
}
