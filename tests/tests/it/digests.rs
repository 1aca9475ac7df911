//! Digests: one mail for what people missed, none for what they have read, and a link that ends them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mail_parser::MessageParser;
use serde_json::{Value, json};
use tests::kit::http::raw;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger, id_of};
use tests::kit::{unique, until};

/// A digest, as a program of another make reads it.
struct Digest {
    text: String,
    html: String,
    unsubscribe: String,
    one_click: String,
}

/// The digests to an address, oldest first.
fn digests(folder: &Path, address: &str) -> Vec<Digest> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = files.map(|file| file.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(path).ok()?;
        let mail = MessageParser::default().parse(&bytes)?;
        let to = mail.to()?.first()?.address()?.to_owned();
        let header = |name: &str| Some(mail.header_raw(name)?.trim().to_owned());
        assert!(mail.subject().is_some_and(|subject| !subject.is_empty()));
        let unsubscribe = header("List-Unsubscribe").filter(|_| to == address)?;
        Some(Digest {
            text: mail.body_text(0).unwrap_or_default().into_owned(),
            html: mail.body_html(0).unwrap_or_default().into_owned(),
            unsubscribe: unsubscribe.trim_matches(['<', '>']).to_owned(),
            one_click: header("List-Unsubscribe-Post").unwrap_or_default(),
        })
    };
    paths.into_iter().filter_map(read).collect()
}

/// Waits until there are so many digests to an address.
async fn digests_to(folder: &Path, address: &str, count: usize) -> Vec<Digest> {
    until(&format!("{count} digests to {address}"), async || {
        let found = digests(folder, address);
        assert!(found.len() <= count, "{}", found.last().map_or("", |mail| &mail.text));
        (found.len() == count).then_some(found)
    })
    .await
}

async fn prefers(who: &Person, preferences: Value) {
    who.patch("/v1/users/me", json!({"preferences": preferences})).await.ok(200);
}

/// A moment some seconds from now, so that everything until then is in one mail.
fn in_seconds(seconds: i64) -> String {
    schemas::Timestamp::now().plus_seconds(seconds).to_string()
}

/// A group with a name of its own, and the name.
async fn group(owner: &Person, member: &Person) -> (String, String) {
    let name = unique("place");
    let body = json!({"kind": "group", "name": name, "members": [member.id]});
    (id_of(&owner.post("/v1/rooms", body).await.ok(201)), name)
}

async fn many_messages_are_one_mail_and_what_was_read_or_deleted_none(
    place: Place,
    folder: PathBuf,
) {
    let mails = folder.as_path();
    let ada = Person::register(&place, "Ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let (missed, missed_name) = group(&bob, &ada).await;
    let (read, read_name) = group(&bob, &ada).await;
    let (deleted, deleted_name) = group(&bob, &ada).await;
    let quiet = json!({"email_delay_minutes": 0, "do_not_disturb_until": in_seconds(6)});
    prefers(&ada, quiet).await;
    let named = format!("look {} at this", ada.at_name());
    for _ in 0..3 {
        bob.says(&missed, &named).await;
    }
    let direct = bob.direct(&[&ada]).await;
    bob.says(&direct, "between us").await;
    let root = id_of(&ada.says(&missed, "root").await);
    let answer = json!({"body": "an answer", "thread_root_id": root});
    bob.post(&format!("/v1/rooms/{missed}/messages"), answer).await.ok(201);
    bob.says(&missed, &named).await;
    let seen = id_of(&bob.says(&read, &named).await);
    ada.put(&format!("/v1/rooms/{read}/read"), json!({"message_id": seen})).await.ok(200);
    let gone = id_of(&bob.says(&deleted, &named).await);
    assert_eq!(bob.delete(&format!("/v1/messages/{gone}")).await.status, 204);
    let found = digests_to(mails, &ada.email, 1).await;
    for form in [&found[0].text, &found[0].html] {
        assert!(form.contains(&missed_name) && form.contains("wrote to you"), "{form}");
        assert!(!form.contains(&read_name) && !form.contains(&deleted_name), "{form}");
        assert!(!form.contains("between us") && !form.contains("answered"), "{form}");
    }
    // Those who want all of it are told of answers, too; what was told is told once.
    prefers(&ada, json!({"email": "all"})).await;
    let (other, other_name) = group(&bob, &ada).await;
    let root = id_of(&ada.says(&other, "root").await);
    let answer = json!({"body": "an answer", "thread_root_id": root});
    bob.post(&format!("/v1/rooms/{other}/messages"), answer).await.ok(201);
    let found = digests_to(mails, &ada.email, 2).await;
    assert!(found[1].text.contains("answered in a thread"), "{}", found[1].text);
    assert!(found[1].text.contains(&other_name) && !found[1].text.contains(&missed_name));
}

async fn who_is_online_is_not_mailed(place: Place, folder: PathBuf) {
    let mails = folder.as_path();
    let ada = Person::register(&place, "Ada").await;
    let bob = Person::register(&place, "bob").await;
    prefers(&ada, json!({"email_delay_minutes": 0})).await;
    let (there, there_name) = group(&bob, &ada).await;
    let (away, away_name) = group(&bob, &ada).await;
    let mut socket = ada.at(1).connect().await;
    let named = format!("{} look", ada.at_name());
    bob.says(&there, &named).await;
    socket.event("notification.created").await;
    // What waits is passed over while they are there, which takes a second or two.
    let told = Instant::now();
    until("it is passed over", async || (told.elapsed() > Duration::from_secs(5)).then_some(()))
        .await;
    assert!(digests(mails, &ada.email).is_empty());
    drop(socket);
    let found = until("a mail comes once they are gone", async || {
        bob.says(&away, &named).await;
        digests(mails, &ada.email).pop()
    })
    .await;
    assert!(found.text.contains(&away_name), "{}", found.text);
    assert!(!found.text.contains(&there_name), "{}", found.text);
}

async fn a_link_ends_digests_without_a_session(place: Place, folder: PathBuf) {
    let mails = folder.as_path();
    let ada = Person::register(&place, "Ada").await;
    let bob = Person::register(&place, "bob").await;
    prefers(&ada, json!({"email_delay_minutes": 0})).await;
    let (room, _) = group(&bob, &ada).await;
    bob.says(&room, &format!("{} look", ada.at_name())).await;
    let mail = digests_to(mails, &ada.email, 1).await.remove(0);
    assert_eq!(mail.one_click, "List-Unsubscribe=One-Click");
    let at = mail.unsubscribe.find("/v1/unsubscribe/").expect("the link");
    assert!(mail.unsubscribe.starts_with("http"), "{}", mail.unsubscribe);
    let path = mail.unsubscribe[at..].to_owned();
    assert!(mail.text.contains(&path) && mail.html.replace("&#x2f;", "/").contains(&path));
    let stranger = Stranger::new(&place);
    for _ in 0..2 {
        let page = stranger.get(&path).await;
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").starts_with("text/html"), "{}", page.text);
        assert!(page.text.contains("method=\"post\""), "{}", page.text);
    }
    let email = async || ada.get("/v1/users/me").await.ok(200)["preferences"]["email"].clone();
    assert_eq!(email().await, "mentions", "looking changes nothing");
    let wrong = |token: &str| format!("/v1/unsubscribe/{token}");
    let token = path.trim_start_matches("/v1/unsubscribe/").to_owned();
    let mut forged = token.clone();
    let last = if forged.pop() == Some('0') { '1' } else { '0' };
    forged.push(last);
    for token in ["x", &forged, &token[..26], &format!("{token}0")] {
        stranger.get(&wrong(token)).await.problem(404, "not_found");
        stranger.post(&wrong(token), json!({})).await.problem(404, "not_found");
    }
    // As a mail program does it (RFC 8058), and once more.
    let form = "List-Unsubscribe=One-Click";
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{form}",
        form.len()
    );
    for _ in 0..2 {
        let (status, answer) = raw(place.url(0), request.as_bytes()).await;
        assert_eq!(status, 204, "{answer}");
    }
    until("they get none any more", async || (email().await == "none").then_some(())).await;
    bob.says(&room, &format!("{} again", ada.at_name())).await;
    prefers(&ada, json!({"email": "mentions"})).await;
    let (other, name) = group(&bob, &ada).await;
    until("a mail comes again", async || {
        bob.says(&other, &format!("{} look", ada.at_name())).await;
        let found = digests(mails, &ada.email);
        (found.len() > 1 && found.iter().any(|mail| mail.text.contains(&name))).then_some(())
    })
    .await;
}

with_mails!(
    many_messages_are_one_mail_and_what_was_read_or_deleted_none,
    who_is_online_is_not_mailed,
    a_link_ends_digests_without_a_session,
);
