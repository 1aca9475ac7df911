//! What the notifier gave up on, as admins see it, and the figures of the installation.

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::mail_server::{MailServer, Tls};
use tests::kit::person::{Person, Stranger, id_of, items};
use tests::kit::{nats, unique, until};

use super::codes::mails_to;

everywhere!(the_figures_follow_what_happens, only_admins_see_letters_and_figures);

const LETTERS: &str = "/v1/admin/dead-letters";

async fn letters(admin: &Person, count: usize) -> Vec<Value> {
    let what = format!("{count} dead letters");
    until(&what, async || {
        let found = items(&admin.ask("GET", LETTERS).once().await.ok(200));
        (found.len() == count).then_some(found)
    })
    .await
}

#[tokio::test]
async fn letters_are_listed_and_redriven_once() {
    let installation = Installation::relaxed(&[]);
    let admin = installation.place.found().await;
    assert_eq!(admin.get(LETTERS).await.ok(200), json!({"items": [], "next_cursor": null}));
    // What a defective program might write: each worker of the notifier that reads timelines gives it up.
    let room = admin.group(&[]).await;
    let subject = format!("tidings.evt.timeline.{room}");
    for _ in 0..2 {
        nats::publish(&installation.nats(), &subject, "{\"specversion\":\"1.0\"}").await;
    }
    let found = letters(&admin, 2).await;
    for letter in &found {
        assert_eq!((&letter["subscriber"], &letter["event_type"]), (&json!("inbox"), &Value::Null));
        assert!(letter["reason"].as_str().unwrap().contains("not a well-formed event"), "{letter}");
        assert!(letter["attempts"].as_u64().unwrap() >= 1, "{letter}");
        assert!(letter["position"].as_str().unwrap().contains(':'), "{letter}");
        assert!(letter["created_at"].as_str().unwrap().ends_with('Z'), "{letter}");
    }
    // Page by page, oldest first.
    let first = admin.ask("GET", &format!("{LETTERS}?limit=1")).once().await.ok(200);
    assert_eq!(items(&first), found[..1].to_vec());
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("{LETTERS}?limit=1&cursor={cursor}");
    let second = admin.ask("GET", &path).once().await.ok(200);
    assert_eq!((items(&second), &second["next_cursor"]), (found[1..].to_vec(), &Value::Null));

    let id = found[0]["id"].as_str().unwrap();
    let path = format!("{LETTERS}/{id}/redrive");
    assert_eq!(admin.post(&path, json!({})).await.ok(202), json!({"id": id}));
    admin.post(&path, json!({})).await.problem(404, "not_found");
    // Its cause is not gone: there is another letter, with another id, of the same event.
    let again = until("it is parked again", async || {
        let found = items(&admin.ask("GET", LETTERS).once().await.ok(200));
        (found.len() == 2 && found[1]["id"] != id && found[0]["id"] != id).then_some(found)
    })
    .await;
    assert_eq!(again[1]["position"], found[0]["position"]);
    // The order to try again, which lies among the letters, is none of them.
    let order = id.parse::<u64>().unwrap() + 2;
    admin.post(&format!("{LETTERS}/{order}/redrive"), json!({})).await.problem(404, "not_found");
}

/// The one letter of a subscriber, once it is there.
async fn letter_of(admin: &Person, subscriber: &str) -> Value {
    until(&format!("a letter of {subscriber}"), async || {
        let found = items(&admin.ask("GET", LETTERS).once().await.ok(200));
        found.into_iter().find(|letter| letter["subscriber"] == subscriber)
    })
    .await
}

/// Names a member in a new group.
async fn says_in(person: &Person, group: &str, member: &Person) {
    let room = json!({"kind": "group", "name": group, "members": [member.id]});
    let room = id_of(&person.post("/v1/rooms", room).await.ok(201));
    person.says(&room, &format!("look {}", member.at_name())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_was_given_up_is_sent_when_it_is_redriven() {
    let Some(server) = MailServer::start(Tls::Started) else { return };
    let (url, authority) = (server.url_file(), server.authority());
    let flags =
        ["--smtp-url-file", url.to_str().unwrap(), "--smtp-ca-file", authority.to_str().unwrap()];
    let installation = Installation::relaxed(&flags);
    let place = &installation.place;
    let (admin, bob) = (place.found().await, Person::register(place, "bob").await);
    let name = unique("ada");
    let address = format!("never-{name}@example.org");
    let body = json!({"username": name, "email": address, "password": "correct horse"});
    Stranger::new(place).post("/v1/users", body).await.ok(201);
    let ada = Person::login(place, &name, "correct horse").await;
    let preferences = json!({"preferences": {"email_delay_minutes": 0}});
    ada.patch("/v1/users/me", preferences).await.ok(200);
    says_in(&bob, "engines", &ada).await;
    let letter = letter_of(&admin, "digests").await;
    assert_eq!(letter["event_type"], "notification.created.v1", "{letter}");
    assert!(letter["reason"].as_str().unwrap().contains("550"), "{letter}");
    assert_eq!(letter["attempts"], 1, "a refusal for good is not tried again: {letter}");
    let redrive = async |letter: &Value| {
        let path = format!("{LETTERS}/{}/redrive", letter["id"].as_str().unwrap());
        admin.post(&path, json!({})).await.ok(202);
    };
    // Its cause is not gone: there is another letter, of the same event.
    redrive(&letter).await;
    let again = until("it is given up again", async || {
        let found = items(&admin.ask("GET", LETTERS).once().await.ok(200));
        let is_new = |one: &Value| one["subscriber"] == "digests" && one["id"] != letter["id"];
        found.into_iter().find(is_new)
    })
    .await;
    assert_eq!(again["position"], letter["position"]);
    server.mends();
    redrive(&again).await;
    let digests = || {
        let mut mails = mails_to(&server.mails(), &address);
        mails.retain(|mail| mail.text.contains("/v1/unsubscribe/"));
        mails
    };
    let sent = until("the digest comes", async || digests().pop()).await;
    assert!(sent.text.contains("bob mentioned you in engines"), "{}", sent.text);
    // The welcome was given up, too, and is sent like it; what comes later is in a mail of its own.
    let welcome = letter_of(&admin, "mail").await;
    redrive(&welcome).await;
    until("the welcome comes", async || {
        (mails_to(&server.mails(), &address).len() == 2).then_some(())
    })
    .await;
    says_in(&bob, "looms", &ada).await;
    let both = until("another digest comes", async || {
        let found = digests();
        (found.len() > 1).then_some(found)
    })
    .await;
    assert_eq!(both.len(), 2, "each once");
    let later = both.iter().find(|mail| mail.text.contains("looms")).unwrap();
    assert!(!later.text.contains("engines"), "{}", later.text);
    assert_eq!(admin.get(LETTERS).await.ok(200), json!({"items": [], "next_cursor": null}));
}

async fn only_admins_see_letters_and_figures(place: Place) {
    let (admin, ada) = (place.admin().await, Person::register(&place, "ada").await);
    for path in [LETTERS, "/v1/admin/stats"] {
        ada.get(path).await.problem(403, "forbidden");
        Stranger::new(&place).get(path).await.problem(401, "unauthenticated");
        admin.get(&format!("{path}?x=1")).await.problem(400, "validation_failed");
    }
    for bad in ["limit=0", "limit=201", "cursor=x"] {
        admin.get(&format!("{LETTERS}?{bad}")).await.problem(400, "validation_failed");
    }
    ada.post(&format!("{LETTERS}/1/redrive"), json!({})).await.problem(403, "forbidden");
    for none in ["0", "01", "-1", "x", "999999999", "18446744073709551615", "18446744073709551616"]
    {
        let path = format!("{LETTERS}/{none}/redrive");
        admin.post(&path, json!({})).await.problem(404, "not_found");
    }
    let path = format!("{LETTERS}/1/redrive");
    admin.post(&path, json!({"id": 1})).await.problem(400, "validation_failed");
}

async fn the_figures_follow_what_happens(place: Place) {
    let admin = place.admin().await;
    let stats = async || admin.get("/v1/admin/stats").await.ok(200);
    let before = stats().await;
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    ada.says(&room, "one more").await;
    let mut sockets = Vec::new();
    for gateway in [0, 1] {
        sockets.push(ada.at(gateway).connect().await);
    }
    let grown = |now: &Value, name: &str, by: u64| {
        now[name].as_u64().unwrap() >= before[name].as_u64().unwrap() + by
    };
    // Other cases run beside this one: figures only grow, but for sockets, of which there are these two at least.
    let now = until("the figures follow", async || {
        let now = stats().await;
        let all = grown(&now, "users", 1)
            && grown(&now, "rooms", 1)
            && grown(&now, "messages", 1)
            && grown(&now, "events", 3)
            && now["sockets"].as_u64().unwrap() >= 2
            && now["active_users_day"].as_u64().unwrap() >= 2;
        all.then_some(now)
    })
    .await;
    assert!(now["store_bytes"].as_u64().unwrap() > 1_000, "{now}");
    assert!(now["position"].as_str().unwrap().contains(':'), "{now}");
    assert!(now["projection_lag_seconds"].as_f64().unwrap() < 60.0, "{now}");
    drop(sockets);
}
