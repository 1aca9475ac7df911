//! Logging in, refreshing, listing, ending; tickets and keys.

use schemas::commands::{
    CallContext, EndSessions, GetJwks, GetSessionStatus, IssueWsTicket, ListSessions,
    RedeemWsTicket, Refresh, WhichSessions,
};
use schemas::events::{NameClaimed, NameReleased, SessionEvent};
use schemas::values::Secret;
use schemas::views::SessionTokens;
use schemas::{Code, EventData, Lane, Timestamp};

use crate::kit::{Kit, PASSWORD, as_caller, ask, login, names, refused};

fn refresh(tokens: &SessionTokens) -> Refresh {
    Refresh { refresh_token: tokens.refresh_token.clone() }
}

fn anonymous() -> CallContext {
    CallContext::default()
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
        ("unknown", PASSWORD),
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
async fn what_was_looked_up_before_keeps_no_account_from_its_name() {
    let kit = Kit::start().await;
    for _ in 0..2 {
        assert_eq!(refused(kit.login("ada").await), Code::InvalidCredentials);
    }
    let (ada, _) = kit.person("ada").await;
    let bob = kit.register("bob").await.unwrap();
    let again = kit.login("ada").await.unwrap();
    assert_eq!(again.user.user.id, ada.user.user.id);
    // As if the name had been given up long ago: it changes hands.
    let lane = names().handle("ada");
    let released = NameReleased { owner: ada.user.user.id.to_string(), held_until: None };
    kit.write(lane, released.into()).await;
    assert_eq!(refused(kit.login("ada").await), Code::InvalidCredentials);
    kit.write(lane, NameClaimed { owner: bob.user.id.to_string() }.into()).await;
    let other = kit.login("ada").await.unwrap();
    assert_eq!(other.user.user.id, bob.user.id);
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
    assert!(!kit.is_active(&third).await);
    let ended = kit.last(Lane::Session(first.user.user.id)).await;
    assert!(matches!(ended, Some(EventData::Session(SessionEvent::Ended(_)))));
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
    assert!(kit.is_active(&tokens).await);
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
    let one = EndSessions { which: WhichSessions::One(second.session_id) };
    assert_eq!(refused(kit.call(&bob, one.clone()).await), Code::NotFound);
    kit.call(&ada, one).await.unwrap();
    assert!(!kit.is_active(&second).await);
    assert!(kit.is_active(&first).await);
    kit.login("ada").await.unwrap();
    kit.call(&ada, EndSessions { which: WhichSessions::All }).await.unwrap();
    assert!(kit.call(&ada, ListSessions {}).await.unwrap().is_empty());
    assert!(!kit.is_active(&first).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_only_good_for_its_own_account() {
    let kit = Kit::start().await;
    let (ada, _) = kit.person("ada").await;
    let (bob, _) = kit.person("bob").await;
    let mixed = GetSessionStatus { user_id: bob.user.user.id, session_id: ada.session_id };
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

#[tokio::test(flavor = "multi_thread")]
async fn of_more_than_a_hundred_sessions_the_oldest_end() {
    let kit = Kit::start().await;
    let (first, _) = kit.person("ada").await;
    let second = kit.login("ada").await.unwrap();
    let mut last = second.clone();
    for _ in 0..99 {
        last = kit.login("ada").await.unwrap();
    }
    let listed = kit.call(&as_caller(&last), ListSessions {}).await.unwrap();
    assert_eq!(listed.len(), 100);
    assert!(!kit.is_active(&first).await);
    assert!(kit.is_active(&second).await && kit.is_active(&last).await);
    let ended = kit.last(Lane::Session(first.user.user.id)).await;
    assert!(
        matches!(ended, Some(EventData::Session(SessionEvent::Ended(e))) if e.session_ids == [first.session_id])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_told_of_a_use_once_an_hour() {
    let kit = Kit::start().await;
    let (first, _) = kit.person("ada").await;
    let before = kit.log.head().await.unwrap();
    let second = kit.call(&anonymous(), refresh(&first)).await.unwrap();
    assert_eq!(kit.log.head().await.unwrap(), before);
    let records = kit.log.secrets("sessions");
    let key = first.session_id.as_str();
    let (value, revision) = records.get(key).await.unwrap().unwrap();
    let mut record: serde_json::Value = serde_json::from_slice(&value).unwrap();
    record["told_at"] = Timestamp::now().plus_seconds(-3601).to_string().into();
    records.update(key, record.to_string(), revision, None).await.unwrap();
    let third = kit.call(&anonymous(), refresh(&second)).await.unwrap();
    let told = kit.last(Lane::Session(first.user.user.id)).await;
    assert!(matches!(told, Some(EventData::Session(SessionEvent::Refreshed(_)))));
    let head = kit.log.head().await.unwrap();
    assert_eq!(head, before + 1);
    kit.call(&anonymous(), refresh(&third)).await.unwrap();
    assert_eq!(kit.log.head().await.unwrap(), head);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_end_is_told_when_somebody_looks() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    let other = kit.login("ada").await.unwrap();
    // The record is gone and the process ended before it could tell the log.
    kit.log.secrets("sessions").delete(other.session_id.as_str()).await.unwrap();
    assert_eq!(kit.call(&ada, ListSessions {}).await.unwrap().len(), 1);
    let told = kit.last(Lane::Session(other.user.user.id)).await;
    assert!(
        matches!(told, Some(EventData::Session(SessionEvent::Ended(e))) if e.session_ids == [other.session_id])
    );
    let head = kit.log.head().await.unwrap();
    kit.call(&ada, ListSessions {}).await.unwrap();
    assert_eq!(kit.log.head().await.unwrap(), head);
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_the_service_share_sessions_and_keys() {
    let kit = Kit::start().await;
    let copy = kit.copy().await;
    let (tokens, _) = kit.person("ada").await;
    let again = ask(&copy, &anonymous(), &refresh(&tokens)).await.unwrap();
    assert!(kit.call(&anonymous(), refresh(&again)).await.is_ok());
    let keys = kit.call(&anonymous(), GetJwks {}).await.unwrap();
    assert_eq!(ask(&copy, &anonymous(), &GetJwks {}).await.unwrap(), keys);
    // Over NATS one of the two answers.
    let remote = kit.remote().await;
    assert!(ask(&remote, &anonymous(), &login("ada", PASSWORD)).await.is_ok());
    let wrong = ask(&remote, &anonymous(), &login("ada", "wrong one")).await;
    assert_eq!(refused(wrong), Code::InvalidCredentials);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_caller_is_refused_to_nobody() {
    let kit = Kit::start().await;
    let which = WhichSessions::All;
    for code in [
        refused(kit.call(&anonymous(), ListSessions {}).await),
        refused(kit.call(&anonymous(), IssueWsTicket {}).await),
        refused(kit.call(&anonymous(), EndSessions { which }).await),
    ] {
        assert_eq!(code, Code::Unauthenticated);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_away_is_said_so_and_comes_back() {
    let mut kit = Kit::start().await;
    let (tokens, ada) = kit.person("ada").await;
    kit.nats.kill();
    let patient = CallContext { deadline_ms: 25_000, ..anonymous() };
    assert_eq!(refused(kit.call(&patient, login("ada", PASSWORD)).await), Code::Unavailable);
    kit.nats.revive();
    let tokens =
        testbed::until("the log is back", async || kit.call(&patient, refresh(&tokens)).await.ok())
            .await;
    assert!(kit.is_active(&tokens).await);
    assert_eq!(kit.call(&ada, ListSessions {}).await.unwrap().len(), 1);
}
