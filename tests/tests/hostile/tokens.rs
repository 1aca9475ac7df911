//! Forged access tokens. Some are signed with the server's very own key, to show that a good signature is
//! not all that is asked for.

use std::path::Path;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, EncodingKey};
use schemas::Timestamp;
use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::lasting;
use tests::kit::person::{Person, Stranger};
use tests::kit::socket::{Socket, handshake};
use tokio::sync::OnceCell;

cases!(
    forged_tokens_are_refused,
    claims_are_checked_under_a_good_signature,
    a_key_of_another_installation_is_refused,
    the_hello_frame_is_as_strict,
    tokens_in_addresses_are_refused,
);

fn now() -> i64 {
    Timestamp::now().millis() / 1_000
}

fn part(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

/// A token with these parts and this signature.
fn token(header: &Value, claims: &Value, signature: &[u8]) -> String {
    format!("{}.{}.{}", part(header), part(claims), BASE64URL_NOPAD.encode(signature))
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

/// A genuine token taken apart: header, claims, signature.
fn parts(person: &Person) -> (Value, Value, Vec<u8>) {
    let mut parts = person.access.split('.');
    let mut next = || parts.next().unwrap();
    let (header, claims) = (decoded(next()), decoded(next()));
    (header, claims, BASE64URL_NOPAD.decode(next().as_bytes()).unwrap())
}

/// A token signed with the key of an installation.
fn signed(data: &Path, header: &Value, claims: &Value) -> String {
    let mut keys: Vec<_> = std::fs::read_dir(data.join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "pk8"))
        .collect();
    keys.sort();
    let der = std::fs::read(keys.last().expect("a signing key")).unwrap();
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_ed_der(&der);
    signing::install();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

/// The HMAC that such a token carries.
fn hashed(algorithm: &str, secret: &[u8], message: &[u8]) -> Vec<u8> {
    macro_rules! hmac {
        ($hash:ty) => {{
            let mut mac = Hmac::<$hash>::new_from_slice(secret).unwrap();
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }};
    }
    match algorithm {
        "HS256" => hmac!(sha2::Sha256),
        "HS384" => hmac!(sha2::Sha384),
        _ => hmac!(sha2::Sha512),
    }
}

async fn refused(place: &Place, bad: &str, code: &str) {
    let stranger = Stranger::new(place);
    let bearer = format!("Bearer {bad}");
    let shown = bad.get(..bad.len().min(400)).unwrap_or_default();
    let reply = stranger.ask("GET", "/v1/users/me").header("authorization", &bearer).once().await;
    assert_eq!((reply.status, reply.json["code"].as_str()), (401, Some(code)), "{shown}");
    assert_eq!(reply.header("www-authenticate"), "Bearer", "{shown}");
    reply.any_problem(401..=401);
    let opened = handshake(place, 0, "/v1/ws", &[("authorization", &bearer)]).await;
    assert_eq!(opened.err(), Some(401), "{shown}");
}

/// The same object with one field set.
fn with(object: &Value, field: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[field] = value;
    object
}

async fn forged_tokens_are_refused(place: Place) {
    let (ada, admin) = (Person::register(&place, "ada").await, place.admin().await);
    let (header, claims, signature) = parts(&ada);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let as_admin = with(&with(&claims, "sub", json!(admin.id)), "role", json!("admin"));
    // No signature at all.
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = with(&header, "alg", json!(none));
        refused(&place, &token(&header, &as_admin, b""), "unauthenticated").await;
        refused(&place, &token(&header, &as_admin, &signature), "unauthenticated").await;
    }
    public_keys_are_no_secrets(&place, &as_admin).await;
    // Another token's signature, parts missing, parts too many, nothing that is a token.
    let for_ever = with(&claims, "exp", json!(9_999_999_999_u64));
    let flipped = |place: usize| {
        let mut signature = signature.clone();
        signature[place] ^= 1;
        signature
    };
    let head_and_claims = &ada.access[..ada.access.rfind('.').unwrap()];
    let admins_signature = &admin.access[admin.access.rfind('.').unwrap()..];
    for bad in [
        token(&header, &as_admin, &signature),
        token(&header, &for_ever, &signature),
        token(&header, &claims, &flipped(0)),
        token(&header, &claims, &flipped(63)),
        token(&header, &claims, &[0; 64]),
        token(&header, &claims, b""),
        format!("{head_and_claims}{admins_signature}"),
        format!("{}.x", ada.access),
        format!("{head_and_claims}."),
        head_and_claims.to_owned(),
        ada.access[..ada.access.len() - 2].to_owned(),
        ada.refresh.clone(),
        ada.session_id.clone(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "null".to_owned(),
        "A".repeat(20_000),
        format!("{}.{}.{}", "A".repeat(1_500), "B".repeat(1_500), "C".repeat(900)),
    ] {
        refused(&place, &bad, "unauthenticated").await;
    }
}

/// The public key, in every form it is known in, is not taken for the secret of a HMAC.
async fn public_keys_are_no_secrets(place: &Place, claims: &Value) {
    let jwks = Stranger::new(place).get("/.well-known/jwks.json").await.ok(200);
    let x = jwks["keys"][0]["x"].as_str().expect("a public key").to_owned();
    assert!(jwks["keys"][0].get("d").is_none(), "the private key is not published");
    let raw = BASE64URL_NOPAD.decode(x.as_bytes()).unwrap();
    let spki =
        [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], &raw[..]]
            .concat();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64.encode(&spki));
    for secret in [raw.as_slice(), x.as_bytes(), pem.as_bytes(), b""] {
        for algorithm in ["HS256", "HS384", "HS512"] {
            let kid = &jwks["keys"][0]["kid"];
            let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": kid});
            let message = format!("{}.{}", part(&header), part(claims));
            let mac = hashed(algorithm, secret, message.as_bytes());
            refused(place, &token(&header, claims, &mac), "unauthenticated").await;
        }
    }
}

/// Claims that are not those of a token of this installation, for this installation, at this time.
fn bad_claims(another: &Person) -> [(&'static str, Value); 15] {
    [
        ("aud", json!("tidings:another")),
        ("aud", json!("tidings")),
        ("aud", json!("")),
        ("aud", json!(["another", "service"])),
        ("aud", Value::Null),
        ("iss", json!("https://evil.example")),
        ("nbf", json!(now() + 60)),
        ("nbf", json!("soon")),
        ("sub", json!("*")),
        ("sub", json!("usr_>")),
        ("sub", json!({"$ne": null})),
        ("sub", json!(another.id)),
        ("sid", json!("$JS.API.STREAM.DELETE.EVENTS_tidings")),
        ("sid", json!(another.session_id)),
        ("role", json!("god")),
    ]
}

/// Claims that no token may lack.
const NEEDED_CLAIMS: [&str; 6] = ["aud", "nbf", "exp", "sub", "sid", "iss"];

/// Headers that name another kind of token, key or algorithm.
fn bad_headers() -> [(&'static str, Value); 9] {
    [
        ("typ", json!("JWT")),
        ("typ", json!("refresh+jwt")),
        ("typ", Value::Null),
        ("kid", Value::Null),
        ("kid", json!("../../etc/passwd")),
        ("kid", json!("' or 1=1 --")),
        ("kid", json!("k".repeat(2_000))),
        ("alg", json!("ES256")),
        ("alg", json!("RS256")),
    ]
}

async fn claims_are_checked_under_a_good_signature(place: Place) {
    let installation = lasting::one_process_installation().await;
    let (ada, admin) = (Person::register(&place, "ada").await, place.admin().await);
    let (header, claims, _) = parts(&ada);
    let forge = |header: &Value, claims: &Value| signed(&installation.data, header, claims);
    let claim = |field: &str, value: Value| forge(&header, &with(&claims, field, value));
    // The forging itself works: a token with no difference is accepted.
    let same = format!("Bearer {}", forge(&header, &claims));
    let stranger = Stranger::new(&place);
    stranger.ask("GET", "/v1/users/me").header("authorization", &same).once().await.ok(200);
    for (field, value) in bad_claims(&admin) {
        refused(&place, &claim(field, value), "unauthenticated").await;
    }
    for field in NEEDED_CLAIMS {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(field);
        refused(&place, &forge(&header, &claims), "unauthenticated").await;
    }
    for (field, value) in bad_headers() {
        refused(&place, &forge(&with(&header, field, value), &claims), "unauthenticated").await;
    }
    for expired in [now() - 60, now() - 6, 0, 1] {
        refused(&place, &claim("exp", json!(expired)), "token_expired").await;
    }
    // A role in a token is what it was when it was made, not what is asked for now.
    let as_admin = format!("Bearer {}", claim("role", json!("admin")));
    let asked = stranger.ask("GET", "/v1/admin/users").header("authorization", &as_admin);
    asked.once().await.problem(403, "forbidden");
}

async fn a_key_of_another_installation_is_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let (header, claims, _) = parts(&ada);
    // Another installation's key, named by its own id, by ours, or brought along.
    let other = another().await;
    let foreign = Stranger::new(&other.place).get("/.well-known/jwks.json").await.ok(200);
    let foreign = &foreign["keys"][0];
    let url = format!("{}/.well-known/jwks.json", other.place.url(0));
    for extra in [
        json!({}),
        json!({"kid": foreign["kid"]}),
        json!({"kid": foreign["kid"], "jku": url}),
        json!({"jku": url}),
        json!({"kid": foreign["kid"], "jwk": foreign}),
        json!({"jwk": foreign}),
        json!({"x5u": url, "x5c": ["AAAA"]}),
        json!({"crit": ["exp"]}),
    ] {
        let mut header = header.clone();
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        refused(&place, &signed(&other.data, &header, &claims), "unauthenticated").await;
    }
    let eve = Person::register(&other.place, "eve").await;
    refused(&place, &eve.access, "unauthenticated").await;
}

/// A second installation, with keys and an epoch of its own.
pub(crate) async fn another() -> &'static Installation {
    static OTHER: OnceCell<Installation> = OnceCell::const_new();
    let make = || async {
        let other = Installation::lasting(tests::kit::installation::RELAXED);
        other.place.found().await;
        other
    };
    OTHER.get_or_init(make).await
}

async fn the_hello_frame_is_as_strict(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let (header, claims, signature) = parts(&ada);
    let none = with(&header, "alg", json!("none"));
    let later = with(&claims, "exp", json!(9_999_999_999_u64));
    for bad in [
        token(&none, &claims, b""),
        token(&header, &later, &signature),
        ada.refresh.clone(),
        String::new(),
        "x".repeat(10_000),
    ] {
        let mut socket = Socket::over(handshake(&place, 0, "/v1/ws", &[]).await.unwrap());
        socket.send(json!({"type": "hello", "id": 1, "token": bad})).await;
        let answer = socket.expect("a refusal", |frame| frame["type"] == "error").await;
        assert_eq!(answer["error"]["code"], "unauthenticated", "{answer}");
        assert_eq!(socket.drain().await, Some(4401));
    }
    // A ticket is used once, and is nothing but a ticket.
    let ticket = ada.post("/v1/ws-tickets", json!({})).await.ok(201);
    let ticket = ticket["ticket"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {ticket}");
    let asked = Stranger::new(&place).ask("GET", "/v1/users/me").header("authorization", &bearer);
    asked.once().await.problem(401, "unauthenticated");
    let path = format!("/v1/ws?ticket={ticket}");
    let tries =
        futures_util::future::join_all((0..8).map(|_| handshake(&place, 0, &path, &[]))).await;
    let opened = tries.iter().filter(|one| one.is_ok()).count();
    assert_eq!(opened, 1, "a ticket lets one in");
    assert!(tries.iter().all(|one| one.is_ok() || one.as_ref().err() == Some(&401)));
}

async fn tokens_in_addresses_are_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    for name in ["token", "access_token", "Access_Token", "refresh_token", "authorization"] {
        let path = format!("/v1/users/me?{name}={}", ada.access);
        let problem = ada.ask("GET", &path).once().await.problem(400, "validation_failed");
        assert!(!problem.to_string().contains(&ada.access), "the token is not repeated");
        // Without a header as well: a token in a URL is not accepted.
        let status = Stranger::new(&place).ask("GET", &path).once().await.status;
        assert!([400, 401].contains(&status), "{name}: {status}");
        let socket = format!("/v1/ws?{name}={}", ada.access);
        assert_eq!(handshake(&place, 0, &socket, &[]).await.err(), Some(400), "{name}");
    }
    let ticket = format!("/v1/ws?ticket={}", ada.access);
    assert_eq!(handshake(&place, 0, &ticket, &[]).await.err(), Some(401));
}
