//! Logging in, refreshing, listing, ending; tickets and keys.

use schemas::commands::{
    CallContext, EndSessions, GetJwks, GetSessionStatus, IssueWsTicket, ListSessions,
    RedeemWsTicket, Refresh, WhichSessions,
};
use schemas::values::Secret;
use schemas::views::SessionTokens;
use schemas::{Code, EventData, Lane};

use crate::kit::{Kit, PASSWORD, as_caller, login, refused};

fn refresh(tokens: &SessionTokens) -> Refresh {
    Refresh { refresh_token: tokens.refresh_token.clone() }
}

fn anonymous() -> CallContext {
    CallContext::default()
}

fn status(tokens: &SessionTokens) -> GetSessionStatus {
    GetSessionStatus { user_id: tokens.user.user.id.clone(), session_id: tokens.session_id.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_goes_by_username_or_address_and_failures_look_alike() {
    let kit = Kit::start().await;
    kit.register("ada").await.unwrap();
    for name in ["ada", "ADA", "ada@example.org", "Ada@Example.org"] {
        assert!(kit.call(&anonymous(), login(name, PASSWORD)).await.is_ok(), "{name}");
    }
    let mut answers = Vec::new();
    let long = "x".repeat(300);
    for (name, password) in [
        ("ada", "wrong one"),
        ("nobody", PASSWORD),
        ("no@body.org", PASSWORD),
        ("*", PASSWORD),
        ("!admins", PASSWORD),
        (long.as_str(), PASSWORD),
        ("ada", "correct horse\0"),
        ("ada", &long),
    ] {
        answers.push(kit.call(&anonymous(), login(name, password)).await.unwrap_err());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].code, Code::InvalidCredentials);
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_rotates_and_an_immediate_retry_gets_the_same_token() {
    let kit = Kit::start().await;
    let (first, _) = kit.person("ada").await;
    let second = kit.call(&anonymous(), refresh(&first)).await.unwrap();
    assert_ne!(first.refresh_token, second.refresh_token);
    let retried = kit.call(&anonymous(), refresh(&first)).await.unwrap();
    assert_eq!(second.refresh_token, retried.refresh_token);
    assert!(kit.call(&anonymous(), refresh(&second)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_refresh_token_ends_the_session() {
    let kit = Kit::start().await;
    let (first, _) = kit.person("ada").await;
    let second = kit.call(&anonymous(), refresh(&first)).await.unwrap();
    let third = kit.call(&anonymous(), refresh(&second)).await.unwrap();
    assert_eq!(refused(kit.call(&anonymous(), refresh(&first)).await), Code::Unauthenticated);
    assert_eq!(refused(kit.call(&anonymous(), refresh(&third)).await), Code::Unauthenticated);
    assert!(!kit.call(&anonymous(), status(&third)).await.unwrap().active);
    let ended = kit.last(Lane::Session(first.user.user.id.clone())).await;
    assert!(matches!(ended, Some(EventData::SessionsEnded(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_of_ours_changes_nothing() {
    let kit = Kit::start().await;
    let (tokens, _) = kit.person("ada").await;
    let forged = format!("{}.0.AAAA", tokens.session_id);
    for bad in ["", "x", "ses_*.0.AAAA", forged.as_str(), tokens.access_token.expose()] {
        let command = Refresh { refresh_token: Secret::new(bad) };
        assert_eq!(refused(kit.call(&anonymous(), command).await), Code::Unauthenticated);
    }
    assert!(kit.call(&anonymous(), status(&tokens)).await.unwrap().active);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_one_by_one_or_all() {
    let kit = Kit::start().await;
    let (first, ada) = kit.person("ada").await;
    let second = kit.login("ada").await.unwrap();
    let (_, bob) = kit.person("bob").await;
    let listed = kit.call(&ada, ListSessions {}).await.unwrap();
    let current: Vec<bool> = listed.iter().map(|session| session.current).collect();
    assert_eq!(current, [false, true]);
    let one = EndSessions { which: WhichSessions::One(second.session_id.clone()) };
    assert_eq!(refused(kit.call(&bob, one.clone()).await), Code::NotFound);
    kit.call(&ada, one).await.unwrap();
    assert!(!kit.call(&anonymous(), status(&second)).await.unwrap().active);
    assert!(kit.call(&anonymous(), status(&first)).await.unwrap().active);
    kit.login("ada").await.unwrap();
    kit.call(&ada, EndSessions { which: WhichSessions::All }).await.unwrap();
    assert!(kit.call(&ada, ListSessions {}).await.unwrap().is_empty());
    assert!(!kit.call(&anonymous(), status(&first)).await.unwrap().active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_only_good_for_its_own_account() {
    let kit = Kit::start().await;
    let (ada, _) = kit.person("ada").await;
    let (bob, _) = kit.person("bob").await;
    let mixed =
        GetSessionStatus { user_id: bob.user.user.id.clone(), session_id: ada.session_id.clone() };
    assert!(!kit.call(&anonymous(), mixed).await.unwrap().active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_lets_in_once_and_not_after_logout() {
    let kit = Kit::start().await;
    let (tokens, ada) = kit.person("ada").await;
    let ticket = kit.call(&ada, IssueWsTicket {}).await.unwrap().ticket;
    let redeem = RedeemWsTicket { ticket };
    let caller = kit.call(&anonymous(), redeem.clone()).await.unwrap();
    assert_eq!(Some(caller), as_caller(&tokens).caller);
    assert_eq!(refused(kit.call(&anonymous(), redeem).await), Code::Unauthenticated);
    let ticket = kit.call(&ada, IssueWsTicket {}).await.unwrap().ticket;
    kit.call(&ada, EndSessions { which: WhichSessions::Current }).await.unwrap();
    let redeem = RedeemWsTicket { ticket };
    assert_eq!(refused(kit.call(&anonymous(), redeem).await), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_set_shows_public_keys_only() {
    let kit = Kit::start().await;
    let keys = kit.call(&anonymous(), GetJwks {}).await.unwrap();
    let key = keys.pointer("/keys/0").unwrap().as_object().unwrap();
    assert_eq!(key.get("crv").and_then(|v| v.as_str()), Some("Ed25519"));
    assert!(!key.contains_key("d"));
    assert!(kit.keys.path().join("refresh.secret").exists());
}
