//! Signing keys that are replaced while people use what the former ones signed.

use std::process::Output;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger};
use tests::kit::separate::Separate;
use tests::kit::until;

#[track_caller]
fn answer(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Which key signed a token.
fn key_of(token: &str) -> String {
    let header = BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn published(place: &Place, gateway: usize) -> Vec<String> {
    let url = format!("{}/.well-known/jwks.json", place.url(gateway));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let set: Value = client.get(url).send().await.unwrap().json().await.unwrap();
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Logs in until the new key signs; the first session of it.
async fn signed_by(person: &Person, key: &str) -> Person {
    until("the new key signs", async || {
        let session = person.again().await;
        (key_of(&session.access) == key).then_some(session)
    })
    .await
}

/// What holds after each rotation, at every gateway.
async fn all_goes_on(place: &Place, before: &Person, rotated: &Value) -> Person {
    let key = rotated["key_id"].as_str().unwrap();
    assert_eq!(key_of(&before.access), rotated["former_key_id"].as_str().unwrap());
    assert_ne!(key_of(&before.access), key);
    let mut socket = before.connect().await;
    let after = signed_by(before, key).await;
    for gateway in 0..place.urls.len() {
        // The first use of a token of the new key, there: never refused, not even once.
        after.at(gateway).ask("GET", "/v1/users/me").once().await.ok(200);
        before.at(gateway).ask("GET", "/v1/users/me").once().await.ok(200);
        let keys = published(place, gateway).await;
        assert!(keys.iter().any(|one| one == key) && keys.contains(&key_of(&before.access)));
    }
    socket.call(json!({"type": "ping"})).await;
    let refresh = json!({"refresh_token": before.refresh});
    let tokens = Stranger::new(place).post("/v1/sessions/refresh", refresh).await.ok(200);
    assert_eq!(key_of(tokens["access_token"].as_str().unwrap()), key);
    after
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_user_is_logged_out_by_a_rotation() {
    let installation = Installation::relaxed(&[]);
    let place = &installation.place;
    let mut person = Person::register(place, "ada").await;
    for _ in 0..3 {
        let rotated = tokio::task::block_in_place(|| {
            answer(&installation.operate(&["keys", "rotate", "--json"]))
        });
        assert!(rotated["former_until"].is_string(), "{rotated}");
        person = all_goes_on(place, &person, &rotated).await;
    }
    let text = tokio::task::block_in_place(|| installation.operate(&["keys", "rotate"]));
    assert!(String::from_utf8_lossy(&text.stdout).contains("signs from now on"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_of_their_own_learn_new_keys_without_a_restart() {
    let separate = Separate::start("sqlite");
    let place = &separate.place;
    let mut person = Person::register(place, "ada").await;
    for _ in 0..2 {
        let rotated = tokio::task::block_in_place(|| {
            answer(&separate.operate(&["keys", "rotate", "--json"]))
        });
        person = all_goes_on(place, &person, &rotated).await;
    }
}

/// People log in and use their new tokens at once, at both gateways, while keys are replaced under them and strangers
/// invent key ids.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_refused_while_keys_are_replaced() {
    let separate = Separate::start("sqlite");
    let place = &separate.place;
    let person = Person::register(place, "ada").await;
    let forged = {
        let mut parts = person.access.split('.');
        let (_, payload, mac) = (parts.next(), parts.next().unwrap(), parts.next().unwrap());
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "0123456789abcdef"});
        let header = BASE64URL_NOPAD.encode(header.to_string().as_bytes());
        person.with_token(&format!("{header}.{payload}.{mac}"))
    };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let running = || !stop.load(std::sync::atomic::Ordering::Relaxed);
    let users = async {
        let mut keys = std::collections::BTreeSet::new();
        while running() {
            let session = person.again().await;
            keys.insert(key_of(&session.access));
            for gateway in [1, 0] {
                session.at(gateway).ask("GET", "/v1/users/me").once().await.ok(200);
            }
        }
        keys
    };
    let strangers = async {
        while running() {
            let refused = forged.at(1).ask("GET", "/v1/users/me").once().await;
            refused.problem(401, "unauthenticated");
        }
    };
    let rotations = async {
        for _ in 0..3 {
            let rotated = tokio::task::block_in_place(|| {
                answer(&separate.operate(&["keys", "rotate", "--json"]))
            });
            let key = rotated["key_id"].as_str().unwrap().to_owned();
            signed_by(&person, &key).await;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (keys, (), ()) = tokio::join!(users, strangers, rotations);
    assert!(keys.len() >= 2, "{keys:?}");
}

#[test]
fn a_folder_that_is_no_installation_gets_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = tests::kit::installation::command(&["keys", "rotate", "--data"]);
    let output = command.arg(&data).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!data.exists(), "nothing is made");
}

/// A rotation that died half way: the next start and the next rotation are as if it had never begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_died_leaves_an_installation_that_works() {
    let mut installation = Installation::relaxed(&[]);
    let person = Person::register(&installation.place, "ada").await;
    let keys = installation.data.join("keys");
    std::fs::write(keys.join(".draft-abc"), b"half a key").unwrap();
    person.ask("GET", "/v1/users/me").once().await.ok(200);
    installation.process.stop();
    installation.start_again();
    person.ask("GET", "/v1/users/me").once().await.ok(200);
    let rotated = tokio::task::block_in_place(|| {
        answer(&installation.operate(&["keys", "rotate", "--json"]))
    });
    // A rotation beside a server that is down is seen at its start.
    installation.process.stop();
    let again = tokio::task::block_in_place(|| {
        answer(&installation.operate(&["keys", "rotate", "--json"]))
    });
    assert_eq!(again["former_key_id"], rotated["key_id"]);
    installation.start_again();
    person.ask("GET", "/v1/users/me").once().await.ok(200);
    let session = person.again().await;
    assert_eq!(key_of(&session.access), again["key_id"].as_str().unwrap());
}
