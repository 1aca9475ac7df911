//! Whose access token is good.

use std::sync::atomic::Ordering;

use data_encoding::BASE64URL_NOPAD;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, Header};
use reqwest::Method;
use schemas::values::Role;
use serde_json::{Value, json};
use testbed::until;

use crate::kit::{Kit, problem, session};

async fn code(kit: &Kit, token: &str) -> String {
    let request = kit.request(Method::GET, "/v1/rooms").bearer_auth(token);
    let response = request.send().await.unwrap();
    if response.status() == 200 {
        return "ok".to_owned();
    }
    problem(response).await.1
}

fn with(name: &str, value: &Value) -> Value {
    let mut claims = Kit::claims(1);
    claims[name] = value.clone();
    claims
}

#[tokio::test]
async fn only_tokens_of_auth_svc_for_this_namespace_and_this_moment_are_good() {
    let kit = Kit::start().await;
    let header = Kit::header();
    let now = schemas::Timestamp::now().millis() / 1000;
    assert_eq!(code(&kit, &kit.token(1)).await, "ok");
    let expired = kit.sign(&header, &with("exp", &json!(now - 10)));
    assert_eq!(code(&kit, &expired).await, "token_expired");
    for bad in [
        with("aud", &json!("tidings:other")),
        with("iss", &json!("another")),
        with("nbf", &json!(now + 60)),
        with("sub", &json!("usr_*")),
        with("role", &json!("god")),
        with("exp", &Value::Null),
        with("aud", &Value::Null),
    ] {
        assert_eq!(code(&kit, &kit.sign(&header, &bad)).await, "unauthenticated", "{bad}");
    }
    let change = |change: fn(&mut Header)| {
        let mut header = Kit::header();
        change(&mut header);
        kit.sign(&header, &Kit::claims(1))
    };
    for bad in [
        change(|header| header.typ = Some("JWT".into())),
        change(|header| header.typ = None),
        change(|header| header.kid = None),
        change(|header| header.kid = Some("other".into())),
        "x".repeat(10_000),
        "a.b.c".to_owned(),
        kit.token(1).replace('.', "..").clone(),
    ] {
        assert_eq!(code(&kit, &bad).await, "unauthenticated", "{bad}");
    }
}

#[tokio::test]
async fn other_algorithms_and_keys_that_come_along_are_never_used() {
    let kit = Kit::start().await;
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0Iiwia2lkIjoidGVzdC1rZXkifQ";
    let signed = kit.token(1);
    let payload = signed.split('.').nth(1).unwrap();
    assert_eq!(code(&kit, &format!("{none}.{payload}.")).await, "unauthenticated");
    // The public key as the secret of an HMAC.
    let keys: Value = kit.get("/.well-known/jwks.json", 1).await.json().await.unwrap();
    let mut header = Header::new(Algorithm::HS256);
    (header.typ, header.kid) = (Some("at+jwt".into()), Some("test-key".into()));
    let parts = [json!(header), Kit::claims(1)]
        .map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
    let secret = keys["keys"][0]["x"].as_str().unwrap().as_bytes();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(parts.join(".").as_bytes());
    let mac = BASE64URL_NOPAD.encode(&mac.finalize().into_bytes());
    let confused = format!("{}.{mac}", parts.join("."));
    assert_eq!(code(&kit, &confused).await, "unauthenticated");
    // Another key, offered in the header.
    let other = signing::SigningKey::generate().unwrap();
    let x = BASE64URL_NOPAD.encode(&other.public());
    let mut header = Kit::header();
    header.jku = Some("https://evil.example/keys".into());
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": "EdDSA"});
    header.jwk = serde_json::from_value(jwk).ok();
    assert!(header.jwk.is_some());
    let foreign = jsonwebtoken::encode(&header, &Kit::claims(1), &other.encoding_key()).unwrap();
    assert_eq!(code(&kit, &foreign).await, "unauthenticated");
}

#[tokio::test]
async fn invented_key_ids_do_not_make_the_gateway_ask_each_time() {
    let kit = Kit::start().await;
    let invented = (0..20).map(|number| {
        let mut header = Kit::header();
        header.kid = Some(format!("invented-{number}"));
        kit.sign(&header, &Kit::claims(1))
    });
    let invented: Vec<String> = invented.collect();
    let answers = join_all(invented.iter().map(|token| code(&kit, token))).await;
    assert!(answers.iter().all(|code| code == "unauthenticated"), "{answers:?}");
    let asked = kit.script.keys_asked.load(Ordering::Relaxed);
    assert!(asked <= 3, "asked {asked} times");
}

#[tokio::test]
async fn auth_svc_is_told_once_which_sessions_were_used() {
    let kit = Kit::start().await;
    for _ in 0..3 {
        assert_eq!(code(&kit, &kit.token(1)).await, "ok");
    }
    assert_eq!(code(&kit, "a.b.c").await, "unauthenticated");
    let told = || kit.script.used.lock().unwrap().clone();
    until("it is told", async || told().contains(&session(1)).then_some(())).await;
    assert_eq!(code(&kit, &kit.token(1)).await, "ok");
    assert_eq!(code(&kit, &kit.token(2)).await, "ok");
    until("it is told of the next", async || told().contains(&session(2)).then_some(())).await;
    assert_eq!(told(), [session(1), session(2)]);
}

#[tokio::test]
async fn an_ended_session_is_dead_whether_its_end_was_seen_or_not() {
    let kit = Kit::start().await;
    assert_eq!(code(&kit, &kit.token(1)).await, "ok");
    kit.end_session(1).await;
    let dead = async || (code(&kit, &kit.token(1)).await == "unauthenticated").then_some(());
    until("the gateway has heard of the end", dead).await;
    // A session this gateway has never heard of, which ended before.
    kit.script.ended.lock().unwrap().insert(session(2));
    assert_eq!(code(&kit, &kit.token(2)).await, "unauthenticated");
    assert_eq!(code(&kit, &kit.token(3)).await, "ok");
}

/// Tokens are remembered once they were verified: each of these is used before and after.
#[tokio::test]
async fn a_token_that_was_used_ends_with_its_time_and_its_session() {
    let kit = Kit::start().await;
    let now = schemas::Timestamp::now().millis() / 1000;
    // Five seconds of leeway: good for two more.
    let short = kit.sign(&Kit::header(), &with("exp", &json!(now - 3)));
    assert_eq!(code(&kit, &short).await, "ok");
    let expired = async || (code(&kit, &short).await == "token_expired").then_some(());
    until("the token has expired", expired).await;
    let token = kit.token(2);
    assert_eq!(code(&kit, &token).await, "ok");
    assert_eq!(code(&kit, &token).await, "ok");
    kit.end_session(2).await;
    let ended = async || (code(&kit, &token).await == "unauthenticated").then_some(());
    until("the gateway has heard of the end", ended).await;
}

#[tokio::test]
async fn a_token_that_was_used_obeys_a_new_role_and_a_suspension() {
    let kit = Kit::start().await;
    let token = kit.token(1);
    let admin_route = async || {
        let request = kit.request(Method::GET, "/v1/admin/users").bearer_auth(&token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((code(&kit, &token).await.as_str(), admin_route().await), ("ok", 403));
    kit.change_role(1, Role::Admin).await;
    let admin = async || (admin_route().await == 200).then_some(());
    until("the gateway has heard of the role", admin).await;
    kit.suspend(1).await;
    let suspended = async || (code(&kit, &token).await == "unauthenticated").then_some(());
    until("the gateway has heard of the suspension", suspended).await;
}

#[tokio::test]
async fn a_forged_token_is_refused_each_time_also_beside_the_one_it_was_made_of() {
    let kit = Kit::start().await;
    let token = kit.token(1);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{signed}.{other}{}", &signature[1..]);
    assert_eq!(code(&kit, &forged).await, "unauthenticated");
    assert_eq!(code(&kit, &token).await, "ok");
    assert_eq!(code(&kit, &forged).await, "unauthenticated");
    // Another's claims under the signature of one that is remembered.
    let other = kit.token(2);
    let payload = other.split('.').nth(1).unwrap();
    let header = token.split('.').next().unwrap();
    let mixed = format!("{header}.{payload}.{signature}");
    assert_eq!(code(&kit, &mixed).await, "unauthenticated");
    assert_eq!(code(&kit, &token).await, "ok");
}
