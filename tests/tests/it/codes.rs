//! One-time codes and the second factor, from the mail that brings a code to what it does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use mail_parser::MessageParser;
use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::mail_server::{MailServer, Tls};
use tests::kit::person::{Person, Stranger, items};
use tests::kit::{lasting, unique, until};

/// A mail, as a program of another make reads it.
pub(crate) struct Mail {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    message_id: String,
}

/// The mails to an address, read anew.
pub(crate) fn mails_to(folder: &Path, address: &str) -> Vec<Mail> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = files.map(|file| file.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(path).ok()?;
        let mail = MessageParser::default().parse(&bytes)?;
        let to = mail.to()?.first()?.address()?.to_owned();
        assert_eq!(mail.header_raw("MIME-Version").map(str::trim), Some("1.0"));
        (to == address).then(|| Mail {
            subject: mail.subject().unwrap_or_default().to_owned(),
            text: mail.body_text(0).unwrap_or_default().into_owned(),
            html: mail.body_html(0).unwrap_or_default().into_owned(),
            message_id: mail.message_id().unwrap_or_default().to_owned(),
        })
    };
    paths.into_iter().filter_map(read).collect()
}

/// The code of a mail: the same in both of its forms.
pub(crate) fn code_in(mail: &Mail) -> String {
    let digits = |text: &str| {
        let words = text.split(|c: char| !c.is_ascii_digit());
        words.filter(|word| word.len() == 6).map(ToOwned::to_owned).next()
    };
    let code = digits(&mail.text).expect("a code in the text");
    assert!(mail.html.contains(&code) && mail.html.contains("<p>"), "{}", mail.html);
    assert!(mail.message_id.contains('@'));
    code
}

/// The code of the mail with this subject, of which there are to be so many.
pub(super) async fn code(folder: &Path, address: &str, subject: &str, count: usize) -> String {
    let found = until("the mail is there", async || {
        let mails = mails_to(folder, address).into_iter();
        let mut mails: Vec<Mail> = mails.filter(|mail| mail.subject == subject).collect();
        if mails.len() < count { None } else { mails.pop() }
    });
    code_in(&found.await)
}

const VERIFY: &str = "Verify your email address";
const RESET: &str = "Set a new password";
const CHANGE: &str = "Confirm your new email address";

fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn verified(person: &Person) -> bool {
    person.get("/v1/users/me").await.ok(200)["email_verified"] == true
}

async fn an_address_is_verified(place: Place, folder: PathBuf) {
    let ada = Person::register(&place, "Ada").await;
    let bob = Person::register(&place, "bob").await;
    ada.post("/v1/verifications", json!({"kind": "phone"})).await.problem(400, "validation_failed");
    let asked = ada.post("/v1/verifications", json!({"kind": "email"})).await.ok(202);
    assert!(asked["expires_at"].is_string());
    let path = format!("/v1/verifications/{}/confirm", text(&asked["verification_id"]));
    let code = code(&folder, &ada.email, VERIFY, 1).await;
    for bad in ["12345", "1234567", "12345x", " 12345", ""] {
        let refused = ada.post(&path, json!({"code": bad})).await;
        refused.problem(400, "validation_failed");
    }
    for _ in 0..4 {
        ada.post(&path, json!({"code": wrong(&code)})).await.problem(400, "invalid_code");
    }
    bob.post(&path, json!({"code": code})).await.problem(404, "not_found");
    assert!(!verified(&ada).await);
    ada.post(&path, json!({"code": code})).await.ok(204);
    assert!(verified(&ada).await);
    ada.post(&path, json!({"code": code})).await.problem(410, "gone");
    let unknown = "/v1/verifications/chl_00000000000000000000000000/confirm";
    ada.post(unknown, json!({"code": code})).await.problem(404, "not_found");
    ada.post("/v1/verifications", json!({"kind": "email"})).await.problem(409, "conflict");
}

async fn a_forgotten_password_is_replaced(place: Place, folder: PathBuf) {
    let ada = Person::register(&place, "Ada").await;
    let stranger = Stranger::new(&place);
    // The address may have been registered by a person who does not hold it.
    let blocked = [Person::register(&place, "bob").await, Person::register(&place, "cyd").await];
    for other in &blocked {
        ada.put_empty(&format!("/v1/users/me/blocks/{}", other.id)).await.ok(204);
    }
    let mut socket = ada.connect().await;
    let asked = stranger.post("/v1/password-resets", json!({"email": ada.email})).await.ok(202);
    let path = format!("/v1/password-resets/{}/confirm", text(&asked["reset_id"]));
    let code = code(&folder, &ada.email, RESET, 1).await;
    let body = |code: &str, password: &str| json!({"code": code, "new_password": password});
    let refused = stranger.post(&path, body(&code, "password1")).await;
    let refused = refused.problem(400, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/new_password", "{refused}");
    stranger.post(&path, body(&wrong(&code), "battery staple")).await.problem(400, "invalid_code");
    let entered = (0..20).map(|_| stranger.post(&path, body(&code, "battery staple")));
    let answers = join_all(entered).await;
    let won = answers.iter().filter(|answer| answer.status == 204).count();
    assert_eq!(won, 1, "of twenty at once one wins");
    assert_eq!(socket.wait_closed(Duration::from_secs(1)).await, 4401);
    ada.ask("GET", "/v1/users/me").once().await.problem(401, "unauthenticated");
    let login = json!({"login": ada.username, "password": ada.password});
    stranger.post("/v1/sessions", login).await.problem(401, "invalid_credentials");
    let ada = Person::login(&place, &ada.username, "battery staple").await;
    assert!(verified(&ada).await, "they read mail sent there");
    until("the blocks are gone", async || {
        let left = items(&ada.get("/v1/users/me/blocks").await.ok(200));
        left.is_empty().then_some(())
    })
    .await;
    let room = ada.direct(&[&blocked[0]]).await;
    blocked[0].says(&room, "hello").await;
}

async fn no_answer_says_who_has_an_account(place: Place, folder: PathBuf) {
    let ada = Person::register(&place, "Ada").await;
    let stranger = Stranger::new(&place);
    let absent = format!("{}@example.org", unique("absent"));
    let mut shapes = Vec::new();
    for address in [&ada.email, &absent] {
        let asked = stranger.post("/v1/password-resets", json!({"email": address})).await;
        assert_eq!(asked.status, 202);
        let answer = asked.ok(202);
        let fields: Vec<String> = answer.as_object().unwrap().keys().cloned().collect();
        let path = format!("/v1/password-resets/{}/confirm", text(&answer["reset_id"]));
        let mut statuses = Vec::new();
        for number in 0..6 {
            let body = json!({"code": format!("00000{number}"), "new_password": "battery staple"});
            statuses.push(stranger.post(&path, body).await.status);
        }
        shapes.push((fields, statuses));
    }
    assert_eq!(shapes[0], shapes[1]);
    assert_eq!(shapes[0].1, [400, 400, 400, 400, 400, 410]);
    code(&folder, &ada.email, RESET, 1).await;
    assert!(mails_to(&folder, &absent).is_empty());
}

async fn an_address_is_changed_by_who_reads_it(place: Place, folder: PathBuf) {
    let ada = Person::register(&place, "Ada").await;
    let bob = Person::register(&place, "bob").await;
    let new = format!("{}@example.net", unique("new"));
    let body = |email: &str, password: &str| json!({"email": email, "password": password});
    let wrong_password = ada.post("/v1/users/me/email", body(&new, "no such secret")).await;
    wrong_password.problem(401, "invalid_credentials");
    ada.patch("/v1/users/me", json!({"email": new})).await.problem(400, "validation_failed");
    let taken = ada.post("/v1/users/me/email", body(&bob.email, &ada.password)).await.ok(202);
    until("the holder is told", async || {
        let mut told = mails_to(&folder, &bob.email).into_iter();
        told.find(|mail| mail.text.contains("another account")).map(|_| ())
    })
    .await;
    let path = format!("/v1/verifications/{}/confirm", text(&taken["verification_id"]));
    ada.post(&path, json!({"code": "123456"})).await.problem(409, "already_exists");
    let asked = ada.post("/v1/users/me/email", body(&new, &ada.password)).await.ok(202);
    let path = format!("/v1/verifications/{}/confirm", text(&asked["verification_id"]));
    let code = code(&folder, &new, CHANGE, 1).await;
    ada.post(&path, json!({"code": code})).await.ok(204);
    let me = ada.get("/v1/users/me").await.ok(200);
    assert_eq!((&me["email"], &me["email_verified"]), (&json!(new), &json!(true)));
    until("the former address is told", async || {
        let mut told = mails_to(&folder, &ada.email).into_iter();
        told.find(|mail| mail.text.contains(&new)).map(|_| ())
    })
    .await;
    Person::login(&place, &new, &ada.password).await;
}

/// The code of an app at a step from now, as RFC 6238 has it.
pub(super) fn app(secret: &str, steps: i64) -> String {
    let script = "import sys,hmac,base64,struct,time;\
        s=base64.b32decode(sys.argv[1]+'='*(-len(sys.argv[1])%8));\
        d=hmac.new(s,struct.pack('>Q',int(time.time())//30+int(sys.argv[2])),'sha1').digest();\
        o=d[19]&15;print('%06d'%((struct.unpack('>I',d[o:o+4])[0]&0x7fffffff)%10**6))";
    let steps = steps.to_string();
    let said = std::process::Command::new("python3").args(["-c", script, secret, &steps]).output();
    String::from_utf8(said.unwrap().stdout).unwrap().trim().to_owned()
}

async fn a_second_factor_is_asked_for(place: Place, _: PathBuf) {
    let (admin, ada) = (place.admin().await, Person::register(&place, "Ada").await);
    let stranger = Stranger::new(&place);
    let me = ada.get("/v1/users/me").await.ok(200);
    assert_eq!((&me["second_factor"], &me["has_password"]), (&json!(false), &json!(true)));
    let password = json!({"password": ada.password});
    let refused = ada.post("/v1/users/me/totp", json!({"password": "no such secret"})).await;
    refused.problem(401, "invalid_credentials");
    let enrolment = ada.post("/v1/users/me/totp", password.clone()).await.ok(201);
    let secret = text(&enrolment["secret"]).to_owned();
    assert!(text(&enrolment["otpauth_url"]).contains(&secret));
    let confirm = json!({"code": app(&secret, -1)});
    let confirmed = ada.post("/v1/users/me/totp/confirm", confirm).await.ok(200);
    let recovery: Vec<String> = confirmed["recovery_codes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| text(code).to_owned())
        .collect();
    assert_eq!(recovery.len(), 10);
    assert_eq!(ada.get("/v1/users/me").await.ok(200)["second_factor"], true);
    ada.post("/v1/users/me/totp", password.clone()).await.problem(409, "conflict");
    let login =
        |code: Option<&str>| json!({"login": ada.username, "password": ada.password, "code": code});
    let bare = stranger.post("/v1/sessions", login(None)).await;
    bare.problem(401, "second_factor_required");
    stranger.post("/v1/sessions", login(Some(&app(&secret, 1)))).await.ok(201);
    stranger.post("/v1/sessions", login(Some(&recovery[0]))).await.ok(201);
    let again = stranger.post("/v1/sessions", login(Some(&recovery[0]))).await;
    again.problem(401, "second_factor_required");
    let change = json!({"current_password": ada.password, "new_password": "battery staple"});
    ada.post("/v1/users/me/password", change).await.problem(400, "invalid_code");
    let path = format!("/v1/admin/users/{}/totp", ada.id);
    admin.ask("DELETE", &path).json(json!({})).send().await.problem(400, "validation_failed");
    let reason = json!({"reason": "lost their phone"});
    ada.ask("DELETE", &path).json(reason.clone()).send().await.problem(403, "forbidden");
    admin.ask("DELETE", &path).json(reason).send().await.ok(204);
    ada.ask("GET", "/v1/users/me").once().await.problem(401, "unauthenticated");
    let ada = Person::login(&place, &ada.username, &ada.password).await;
    assert_eq!(ada.get("/v1/users/me").await.ok(200)["second_factor"], false);
}

with_mails!(
    an_address_is_verified,
    a_forgotten_password_is_replaced,
    no_answer_says_who_has_an_account,
    an_address_is_changed_by_who_reads_it,
    a_second_factor_is_asked_for,
);

/// Mails arrive over TLS, whose certificate is of an authority of one's own.
async fn mails_arrive_over(tls: Tls) {
    let Some(server) = MailServer::start(tls) else { return };
    let (url, authority) = (server.url_file(), server.authority());
    let flags =
        ["--smtp-url-file", url.to_str().unwrap(), "--smtp-ca-file", authority.to_str().unwrap()];
    let installation = Installation::relaxed(&flags);
    let name = unique("ada");
    let body = json!({"username": name, "email": format!("{name}@example.org"),
                      "password": "correct horse", "display_name": "Ada <b>& \u{1f980}"});
    Stranger::new(&installation.place).post("/v1/users", body).await.ok(201);
    let ada = Person::login(&installation.place, &name, "correct horse").await;
    let asked = ada.post("/v1/verifications", json!({"kind": "email"})).await.ok(202);
    let code = code(&server.mails(), &ada.email, VERIFY, 1).await;
    let path = format!("/v1/verifications/{}/confirm", text(&asked["verification_id"]));
    ada.post(&path, json!({"code": code})).await.ok(204);
    let mails = mails_to(&server.mails(), &ada.email);
    assert_eq!(mails.len(), 2, "a welcome and a code, once each");
    for mail in mails {
        assert!(mail.text.contains("Hello Ada <b>& \u{1f980},"), "{}", mail.text);
        assert!(mail.html.contains("Hello Ada &lt;b&gt;&amp; \u{1f980},"), "{}", mail.html);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_arrive_over_tls() {
    mails_arrive_over(Tls::AtOnce).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_arrive_over_starttls() {
    mails_arrive_over(Tls::Started).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_put_off_comes_again() {
    let Some(server) = MailServer::start(Tls::Started) else { return };
    let (url, authority) = (server.url_file(), server.authority());
    let flags =
        ["--smtp-url-file", url.to_str().unwrap(), "--smtp-ca-file", authority.to_str().unwrap()];
    let installation = Installation::relaxed(&flags);
    let address = format!("later-{}@example.org", unique("ada"));
    let body = json!({"username": unique("ada"), "email": address, "password": "correct horse"});
    Stranger::new(&installation.place).post("/v1/users", body).await.ok(201);
    until("the mail comes the second time", async || {
        (mails_to(&server.mails(), &address).len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn common_passwords_and_ones_own_name_are_refused() {
    let stranger = Stranger::new(&lasting::one_process().await);
    let name = unique("account");
    for bad in
        ["password1", "12345678", "QWERTYUIOP", name.as_str(), &format!("{name}@example.org")]
    {
        let body =
            json!({"username": name, "email": format!("{name}@example.org"), "password": bad});
        let problem = stranger.post("/v1/users", body).await.problem(400, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/password", "{bad}");
    }
}

#[tokio::test]
async fn an_unverified_account_reads_where_that_is_all_it_may() {
    let installation = Installation::relaxed(&["--unverified", "read-only"]);
    let place = &installation.place;
    let ada = Person::register(place, "ada").await;
    let rooms = ada.get("/v1/rooms?kind=public").await;
    assert!(rooms.status < 500);
    ada.post("/v1/rooms", json!({"kind": "group", "name": "Engines"}))
        .await
        .problem(403, "not_verified");
    ada.patch("/v1/users/me", json!({"display_name": "Ada L"})).await.ok(200);
    let bob = Person::register(place, "bob").await;
    let block = format!("/v1/users/me/blocks/{}", bob.id);
    ada.put_empty(&block).await.ok(204);
    ada.delete(&block).await.ok(204);
    // The first account is an admin's, who reads what admins read.
    ada.get("/v1/admin/dead-letters").await.ok(200);
    let asked = ada.post("/v1/verifications", json!({"kind": "email"})).await.ok(202);
    let code = code(&installation.data.join("mail"), &ada.email, VERIFY, 1).await;
    let path = format!("/v1/verifications/{}/confirm", text(&asked["verification_id"]));
    ada.post(&path, json!({"code": code})).await.ok(204);
    until("the gateway has heard of it", async || {
        let made = ada.post("/v1/rooms", json!({"kind": "group", "name": "Engines"})).await;
        (made.status == 201).then_some(())
    })
    .await;
}
