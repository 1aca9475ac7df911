//! Registering, changing and administering accounts.

use schemas::commands::{AdministerUser, CallContext, ChangePassword, ChangeProfile};
use schemas::values::{NewPassword, Patch, Role, Secret, Username};
use schemas::{Code, EventData, Lane};

use crate::kit::{Kit, PASSWORD, keyed, login, refused, registration};

fn no_change() -> ChangeProfile {
    ChangeProfile {
        display_name: None,
        bio: Patch::Keep,
        avatar_media_id: Patch::Keep,
        email: None,
        username: None,
        settings: None,
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
async fn no_event_holds_a_password() {
    let kit = Kit::start().await;
    kit.person("ada").await;
    let head = kit.log.head().await.unwrap();
    for sequence in 1..=head {
        let stored = kit.log.get(sequence).await.unwrap().unwrap();
        let text = String::from_utf8(stored.payload.to_vec()).unwrap();
        assert!(!text.contains(PASSWORD) && !text.contains("$2b$"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_gives_roles_and_one_always_remains() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("root").await;
    let (bob, as_bob) = kit.person("bob").await;
    let mut greedy = registration("eve");
    greedy.role = Some(Role::Admin);
    assert_eq!(refused(kit.call(&CallContext::default(), greedy.clone()).await), Code::Forbidden);
    assert_eq!(refused(kit.call(&as_bob, greedy.clone()).await), Code::Forbidden);
    assert_eq!(kit.call(&admin, greedy).await.unwrap().user.role, Role::Admin);
    let promote = |role| AdministerUser {
        user_id: bob.user.user.id.clone(),
        role: Some(role),
        suspended: None,
    };
    assert_eq!(refused(kit.call(&as_bob, promote(Role::Admin)).await), Code::Forbidden);
    let after = kit.call(&admin, promote(Role::Moderator)).await.unwrap();
    assert_eq!(after.user.role, Role::Moderator);
    let own = AdministerUser {
        user_id: admin.caller.clone().unwrap().user_id,
        role: Some(Role::User),
        suspended: None,
    };
    assert_eq!(refused(kit.call(&admin, own).await), Code::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_is_out_everywhere() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("root").await;
    let (bob, _) = kit.person("bob").await;
    let suspend =
        |on| AdministerUser { user_id: bob.user.user.id.clone(), role: None, suspended: Some(on) };
    assert!(kit.call(&admin, suspend(true)).await.unwrap().suspended);
    let ended = kit.last(Lane::Session(bob.user.user.id.clone())).await;
    assert!(matches!(ended, Some(EventData::SessionsEnded(_))));
    assert_eq!(refused(kit.login("bob").await), Code::Forbidden);
    let wrong = kit.call(&CallContext::default(), login("bob", "another one")).await;
    assert_eq!(refused(wrong), Code::InvalidCredentials);
    kit.call(&admin, suspend(false)).await.unwrap();
    assert!(kit.login("bob").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_username_frees_the_old_one() {
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
    assert!(kit.call(&CallContext::default(), next).await.is_ok());
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
    assert_eq!(refused(kit.call(&context, stranger).await), Code::AlreadyExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    let other = kit.login("ada").await.unwrap();
    let change = |current: &str| ChangePassword {
        current_password: Secret::new(current),
        new_password: NewPassword::parse("battery staple").unwrap(),
    };
    assert_eq!(refused(kit.call(&ada, change("wrong one")).await), Code::InvalidCredentials);
    kit.call(&ada, change(PASSWORD)).await.unwrap();
    assert_eq!(refused(kit.login("ada").await), Code::InvalidCredentials);
    assert!(kit.call(&CallContext::default(), login("ada", "battery staple")).await.is_ok());
    let refresh = schemas::commands::Refresh { refresh_token: other.refresh_token };
    let refreshed = kit.call(&CallContext::default(), refresh).await;
    assert_eq!(refused(refreshed), Code::Unauthenticated);
}
