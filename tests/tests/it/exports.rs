//! Copies of people's data: asked for, made, downloaded, and gone.

use std::path::PathBuf;
use std::process::Command;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tests::kit::files::{bytes, fetch, posts, upload};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, id_of};
use tests::kit::{Patience, log, unique, until, until_within};

use crate::codes::{app, code, mails_to};
use crate::erasure::{deleted, done, holding};

with_mails!(
    a_person_gets_a_copy_of_their_data,
    only_who_can_show_who_they_are_gets_one,
    a_password_reset_takes_it_back_from_a_stranger,
);

const ASK: &str = "/v1/users/me/exports";
pub(crate) const READY: &str = "The copy of your data is ready";

/// Asks for an export; its path.
pub(crate) async fn asked(who: &Person) -> String {
    let started = who.post(ASK, json!({"password": who.password})).await.ok(202);
    format!("{ASK}/{}", started["export_id"].as_str().unwrap())
}

/// The export of a path once it is ready.
pub(crate) async fn ready(who: &Person, path: &str) -> Value {
    until_within(Patience::for_("the export is ready").times(3), async || {
        let found = who.get(path).await.ok(200);
        assert_ne!(found["status"], "expired", "{found}");
        (found["status"] == "ready").then_some(found)
    })
    .await
}

/// What a program of another make finds in a zip file: texts, and checksums of what is in folders.
pub(crate) fn unzipped(zip: &[u8]) -> Map<String, Value> {
    const SCRIPT: &str = "import sys, zipfile, json, hashlib
z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None
assert len(set(z.namelist())) == len(z.namelist())
def said(name):
    content = z.read(name)
    return hashlib.sha256(content).hexdigest() if '/' in name else content.decode()
print(json.dumps({name: said(name) for name in z.namelist()}))";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.zip");
    std::fs::write(&path, zip).unwrap();
    let read = Command::new("python3").arg("-c").arg(SCRIPT).arg(&path).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    serde_json::from_slice(&read.stdout).unwrap()
}

/// A JSON file of an export.
fn file(files: &Map<String, Value>, name: &str) -> Value {
    let text = files.get(name).unwrap_or_else(|| panic!("{name} is missing of {:?}", files.keys()));
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

/// The items of a list whose one part this is.
pub(crate) fn list(files: &Map<String, Value>, name: &str) -> Vec<Value> {
    file(files, &format!("{name}-0001.json"))["items"].as_array().unwrap().clone()
}

fn texts<'a>(items: &'a [Value], field: &str) -> Vec<&'a str> {
    items.iter().map(|item| item[field].as_str().unwrap_or_default()).collect()
}

/// What a person has said and done before they ask.
struct Lived {
    ada: Person,
    bob: Person,
    room: String,
    media: Value,
    content: Vec<u8>,
    edited: String,
    theirs: String,
}

async fn lived(place: &Place) -> Lived {
    let ada = Person::register(place, "ada").await;
    let (bob, eve) = (Person::register(place, "bob").await, Person::register(place, "eve").await);
    let settings =
        json!({"bio": "Poetical science.", "settings": {"theme": "dusk", "reason": "mine"}});
    ada.patch("/v1/users/me", settings).await.ok(200);
    let room = ada.group(&[&bob]).await;
    let theirs = id_of(&bob.says(&room, "what bob said stays bob's").await);
    let edited = id_of(&ada.says(&room, "a frist draft").await);
    ada.patch(&format!("/v1/messages/{edited}"), json!({"body": "a first draft"})).await.ok(200);
    let taken_back = id_of(&ada.says(&room, "never said").await);
    ada.delete(&format!("/v1/messages/{taken_back}")).await.ok(204);
    let answer = json!({"body": "an answer", "thread_root_id": theirs});
    ada.post(&format!("/v1/rooms/{room}/messages"), answer).await.ok(201);
    let thumb = format!("/v1/messages/{theirs}/reactions/%F0%9F%91%8D");
    ada.put_empty(&thumb).await.ok(204);
    ada.delete(&thumb).await.ok(204);
    ada.put_empty(&thumb).await.ok(204);
    let heart = format!("/v1/messages/{theirs}/reactions/%E2%9D%A4%EF%B8%8F");
    ada.put_empty(&heart).await.ok(204);
    ada.delete(&heart).await.ok(204);
    let content = bytes(600_000);
    let media = upload(&ada, "notes é.bin", "application/octet-stream", &content).await;
    posts(&ada, &room, "with a file", &[&media]).await;
    let direct = ada.direct(&[&bob]).await;
    ada.says(&direct, "between us").await;
    ada.put_empty(&format!("/v1/users/me/blocks/{}", eve.id)).await.ok(204);
    let reason = json!({"reason": "advertising"});
    ada.post(&format!("/v1/messages/{theirs}/reports"), reason).await.ok(201);
    Lived { ada, bob, room, media, content, edited, theirs }
}

async fn a_person_gets_a_copy_of_their_data(place: Place, folder: PathBuf) {
    let lived = lived(&place).await;
    let ada = &lived.ada;
    let path = asked(ada).await;
    assert_eq!(asked(ada).await, path, "one at a time");
    let export = ready(ada, &path).await;
    assert_eq!(asked(ada).await, path, "as long as it can be downloaded");
    // Another user's answers like none.
    lived.bob.get(&path).await.problem(404, "not_found");
    Stranger::new(&place).get(&path).await.problem(401, "unauthenticated");
    ada.get(&format!("{ASK}/exp_00000000000000000000000000")).await.problem(404, "not_found");
    let url = export["url"].as_str().unwrap();
    let got = fetch(&place, url, &[]).await;
    assert_eq!((got.status, got.header("content-type")), (200, "application/zip"));
    assert_eq!(got.header("cache-control"), "no-store");
    assert!(got.header("content-disposition").starts_with("attachment; "));
    assert_eq!(export["size"].as_u64().unwrap(), u64::try_from(got.bytes.len()).unwrap());
    let part = fetch(&place, url, &[("range", "bytes=5-9")]).await;
    assert_eq!((part.status, &part.bytes[..]), (206, &got.bytes[5..10]));
    // A download that broke off goes on, if it is still the same file.
    let (whole, tag) = (got.bytes.len(), got.header("etag"));
    for (known, status, bytes) in [(tag, 206, whole - 5), ("\"another\"", 200, whole)] {
        let rest = fetch(&place, url, &[("range", "bytes=5-"), ("if-range", known)]).await;
        assert_eq!((rest.status, rest.bytes.len()), (status, bytes), "{known}");
        assert!(rest.bytes == got.bytes[whole - bytes..]);
    }
    for other in [url.replace("signature=", "signature=A"), url.replace("until=", "until=1")] {
        let refused = fetch(&place, &other, &[]).await;
        assert!(matches!(refused.status, 400 | 403), "{} {other}", refused.status);
    }
    let files = unzipped(&got.bytes);
    what_was_said_is_in_it(&lived, &files);
    what_is_of_the_account_is_in_it(&lived, &files);
    every_file_is_described(&place, &files).await;
    let told = until("a mail tells of it", async || {
        let mails = mails_to(&folder, &ada.email).into_iter();
        let told: Vec<_> = mails.filter(|mail| mail.subject == READY).collect();
        (!told.is_empty()).then_some(told)
    });
    let told = told.await;
    assert_eq!(told.len(), 1);
    assert!(told[0].text.contains(&ada.username), "{}", told[0].text);
}

fn what_was_said_is_in_it(lived: &Lived, files: &Map<String, Value>) {
    let messages = list(files, "messages");
    assert_eq!(
        texts(&messages, "body"),
        ["a first draft", "an answer", "with a file", "between us"]
    );
    assert_eq!(
        (&messages[0]["id"], &messages[0]["room_id"]),
        (&json!(lived.edited), &json!(lived.room))
    );
    assert_eq!(messages[0]["former"][0]["body"], "a frist draft");
    assert_eq!(messages[1]["thread_root_id"], json!(lived.theirs));
    assert_eq!(messages[2]["attachments"], json!([lived.media["id"]]));
    let all: String = files.values().filter_map(Value::as_str).collect();
    assert!(!all.contains("what bob said") && !all.contains("never said"));
    let reactions = list(files, "reactions");
    assert_eq!(reactions.len(), 1, "{reactions:?}");
    assert_eq!(
        (&reactions[0]["emoji"], &reactions[0]["message_id"]),
        (&json!("👍"), &json!(lived.theirs))
    );
    let media = list(files, "media");
    assert_eq!((media.len(), &media[0]["filename"]), (1, &json!("notes é.bin")));
    let sum = HEXLOWER.encode(&Sha256::digest(&lived.content));
    assert_eq!(files[media[0]["path"].as_str().unwrap()], json!(sum));
}

fn what_is_of_the_account_is_in_it(lived: &Lived, files: &Map<String, Value>) {
    let account = file(files, "account.json");
    assert_eq!(account["email"], json!(lived.ada.email));
    assert_eq!(
        (&account["bio"], &account["settings"]["theme"]),
        (&json!("Poetical science."), &json!("dusk"))
    );
    let rooms = list(files, "rooms");
    let of = |id: &str| rooms.iter().find(|room| room["id"] == json!(id));
    let group = of(&lived.room).expect("the group");
    assert_eq!(
        (&group["kind"], &group["present"], &group["role"]),
        (&json!("group"), &json!(true), &json!("owner"))
    );
    assert!(group["name"].is_string(), "{group}");
    let direct = rooms.iter().find(|room| room["kind"] == "direct").expect("the direct room");
    assert!(direct["direct_members"].to_string().contains(&lived.bob.username));
    let sessions = list(files, "sessions");
    assert!(!sessions.is_empty() && sessions[0]["created_at"].is_string(), "{sessions:?}");
    assert_eq!(list(files, "blocks").len(), 1);
    let notifications = list(files, "notifications");
    assert!(texts(&notifications, "kind").contains(&"welcome"), "{notifications:?}");
    let history = list(files, "history");
    let kinds = texts(&history, "type");
    for kind in [
        "user.registered.v1",
        "user.profile_changed.v1",
        "session.started.v1",
        "block.added.v1",
        "report.created.v1",
        "media.stored.v1",
        "export.requested.v1",
    ] {
        assert!(kinds.contains(&kind), "{kind} of {kinds:?}");
    }
    let changed = history.iter().find(|event| event["type"] == "user.profile_changed.v1");
    assert_eq!(changed.unwrap()["data"]["user"]["settings"]["reason"], "mine");
}

/// The index lists every JSON file, and says by which published schema it is to be read.
async fn every_file_is_described(place: &Place, files: &Map<String, Value>) {
    let index = file(files, "index.json");
    assert_eq!(index["unreadable"], 0);
    let listed = index["files"].as_array().unwrap();
    let mut paths = texts(listed, "path");
    paths.push("index.json");
    paths.sort_unstable();
    let json = files.keys().map(String::as_str).filter(|name| name.ends_with(".json"));
    let mut there: Vec<&str> = json.collect();
    there.sort_unstable();
    assert_eq!(paths, there);
    for one in listed {
        let path = one["path"].as_str().unwrap();
        if let Some(items) = file(files, path)["items"].as_array() {
            assert_eq!(one["items"].as_u64(), u64::try_from(items.len()).ok(), "{path}");
        }
        let schema = format!("/schemas/{}.json", one["schema"].as_str().unwrap());
        let schema = Stranger::new(place).get(&schema).await.ok(200);
        assert!(schema["properties"].is_object(), "{path}: {schema}");
    }
}

async fn only_who_can_show_who_they_are_gets_one(place: Place, _: PathBuf) {
    let ada = Person::register(&place, "ada").await;
    let password = json!({"password": ada.password});
    let refused = ada.post(ASK, json!({})).await.problem(400, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/password");
    ada.post(ASK, json!({"password": 1})).await.problem(400, "validation_failed");
    ada.post(ASK, json!({"password": ada.password, "all": true}))
        .await
        .problem(400, "validation_failed");
    ada.post(ASK, json!({"password": "no such secret"})).await.problem(401, "invalid_credentials");
    Stranger::new(&place).post(ASK, password.clone()).await.problem(401, "unauthenticated");
    let enrolment = ada.post("/v1/users/me/totp", password.clone()).await.ok(201);
    let secret = enrolment["secret"].as_str().unwrap();
    let confirm = json!({"code": app(secret, -1)});
    ada.post("/v1/users/me/totp/confirm", confirm).await.ok(200);
    ada.post(ASK, password).await.problem(400, "invalid_code");
    let proof = json!({"password": ada.password, "code": app(secret, 0)});
    ada.post(ASK, proof).await.ok(202);
}

async fn a_password_reset_takes_it_back_from_a_stranger(place: Place, folder: PathBuf) {
    // The address was never shown to be theirs: who reads its mail may be another person.
    let ada = Person::register(&place, "ada").await;
    let path = asked(&ada).await;
    let export = ready(&ada, &path).await;
    let url = export["url"].as_str().unwrap();
    assert_eq!(fetch(&place, url, &[]).await.status, 200);
    let stranger = Stranger::new(&place);
    let reset = stranger.post("/v1/password-resets", json!({"email": ada.email})).await.ok(202);
    let digits = code(&folder, &ada.email, "Set a new password", 1).await;
    let confirm = format!("/v1/password-resets/{}/confirm", reset["reset_id"].as_str().unwrap());
    let new = json!({"code": digits, "new_password": "battery staple horse"});
    stranger.post(&confirm, new).await.ok(204);
    until("what was downloaded by the URL is gone", async || {
        let got = fetch(&place, url, &[]).await;
        matches!(got.status, 404 | 410).then_some(())
    })
    .await;
    let ada = Person::login(&place, &ada.username, "battery staple horse").await;
    let over = ada.get(&path).await.ok(200);
    assert_eq!(
        (&over["status"], over.get("url"), over.get("size")),
        (&json!("expired"), None, None)
    );
    let trail = format!("/v1/admin/events?subject={}", path.rsplit('/').next().unwrap());
    let admin = place.admin().await;
    let kinds = until("its file is removed", async || {
        let page = admin.get(&trail).await.ok(200);
        let kinds = page["items"].as_array().unwrap().iter();
        let kinds: Vec<String> =
            kinds.map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        (kinds.len() == 4).then_some(kinds)
    });
    let expected =
        ["export.expired.v1", "export.withdrawn.v1", "export.ready.v1", "export.requested.v1"];
    assert_eq!(kinds.await, expected);
    let again = asked(&ada).await;
    assert_ne!(again, path);
    ready(&ada, &again).await;
}

/// A word that stands in a file as it is, and so in the zip file of an export.
async fn marked(who: &Person) -> String {
    let word = unique("zzexport");
    let content = format!("{word} ").repeat(3_000);
    upload(who, "marked.bin", "application/octet-stream", content.as_bytes()).await;
    word
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_goes_with_its_account() {
    let mut installation = Installation::relaxed(&[]);
    installation.place.found().await;
    let (ada, bob) = (
        Person::register(&installation.place, "ada").await,
        Person::register(&installation.place, "bob").await,
    );
    let words = [marked(&ada).await, marked(&bob).await];
    let path = asked(&ada).await;
    let export = ready(&ada, &path).await;
    // The other one is being made when the account is closed.
    asked(&bob).await;
    let stranger = Stranger::new(&installation.place);
    let erasures = [deleted(&ada).await, deleted(&bob).await];
    for erasure in &erasures {
        done(&stranger, erasure).await;
    }
    let got = fetch(&installation.place, export["url"].as_str().unwrap(), &[]).await;
    assert_eq!(got.status, 404);
    let files = log::open(&installation.nats(), "tidings").await.pieces("media");
    until("nothing is left of either in the store of files", async || {
        let (made, half) = (files.keys("*.export.>").await, files.keys("*.export_draft.>").await);
        (made.ok()?.is_empty() && half.ok()?.is_empty()).then_some(())
    })
    .await;
    installation.verify();
    assert_eq!(installation.process.stop(), 0);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(holding(&installation.data, &words), Vec::new());
}
