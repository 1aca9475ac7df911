//! Logging in through a provider that is not ours.

use std::path::Path;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::kit::browser::{Browser, Secret, parameter};
use tests::kit::http::Reply;
use tests::kit::installation::{Installation, Place, RELAXED};
use tests::kit::person::{Person, Stranger};
use tests::kit::real_provider::RealProvider;
use tests::kit::separate::{Separate, Setup};
use tests::kit::{mongo, unique, until};

use super::codes::{app, code, mails_to};

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// An installation that knows a provider.
pub(super) fn with(provider: &RealProvider, flags: &[&str]) -> Installation {
    let settings = provider.settings();
    let config = ["--config", settings.to_str().unwrap()];
    Installation::start(&[RELAXED, &config, flags].concat())
}

/// Exchanges a code.
async fn exchange(place: &Place, at: &str, secret: &Secret, second_factor: Option<&str>) -> Reply {
    let code = parameter(at, "code").unwrap_or_else(|| panic!("{at} has no code"));
    let body =
        json!({"code": code, "code_verifier": secret.verifier, "second_factor": second_factor});
    Stranger::new(place).post("/v1/sessions/oidc", body).await
}

/// Logs in through a provider in a new browser; the session.
pub(super) async fn session(place: &Place, provider: &str, name: &str) -> Value {
    let secret = Secret::of(&unique("secret"));
    let at = Browser::new().log_in(place, provider, &secret, name).await;
    exchange(place, &at, &secret, None).await.ok(201)
}

/// What a login through a provider ends with, when it fails.
pub(super) async fn error(place: &Place, provider: &str, name: &str) -> String {
    let secret = Secret::of(&unique("secret"));
    let at = Browser::new().log_in(place, provider, &secret, name).await;
    parameter(&at, "error").unwrap_or_else(|| panic!("{at} has no error"))
}

/// The account of a session, as it is now.
async fn me(place: &Place, session: &Value) -> Value {
    let token = format!("Bearer {}", text(&session["access_token"]));
    let ask = Stranger::new(place).ask("GET", "/v1/users/me").header("authorization", &token);
    ask.send().await.ok(200)
}

/// Verifies the address of an account.
pub(super) async fn verify(person: &Person, mails: &Path) {
    let asked = person.post("/v1/verifications", json!({"kind": "email"})).await.ok(202);
    let code = code(mails, &person.email, "Verify your email address", 1).await;
    let path = format!("/v1/verifications/{}/confirm", text(&asked["verification_id"]));
    person.post(&path, json!({ "code": code })).await.ok(204);
}

pub(super) fn known(email: &str) -> Value {
    json!({"email": email, "email_verified": true})
}

async fn people_come_and_come_back(place: Place, provider: &RealProvider) {
    let email = format!("{}@works.test", unique("ada"));
    provider
        .knows(json!({"ada": {"email": email, "email_verified": true, "name": "Ada L.",
            "preferred_username": "Ada.Lovelace"}}))
        .await;
    let listed = Stranger::new(&place).get("/v1/oidc").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 3, "{listed}");
    let first = &listed["items"][0];
    assert_eq!((&first["id"], &first["name"]), (&json!("works"), &json!("The works")));
    assert_eq!(first["start_url"], format!("{}/v1/oidc/works/start", place.url(0)));
    let session = session(&place, "works", "ada").await;
    for field in ["session_id", "access_token", "refresh_token"] {
        assert!(session[field].is_string(), "{session}");
    }
    let account = me(&place, &session).await;
    assert_eq!(account["username"], "ada.lovelace");
    assert_eq!((&account["display_name"], &account["email"]), (&json!("Ada L."), &json!(email)));
    let marks = ["email_verified", "has_password"].map(|field| account[field].clone());
    assert_eq!(marks, [json!(true), json!(false)]);
    // Whatever the provider says later: the identity is the account's.
    provider.knows(json!({"ada": {"preferred_username": "other"}})).await;
    let again = self::session(&place, "works", "ada").await;
    assert_eq!(again["user"]["id"], account["id"]);
    let elsewhere = self::session(&place, "trusted", "ada").await;
    assert_eq!(elsewhere["user"]["id"], account["id"], "the same issuer, by another name");
}

#[tokio::test]
async fn people_come_through_a_provider_and_come_back() {
    let Some(provider) = RealProvider::start() else { return };
    let installation = with(&provider, &[]);
    let place = installation.place.clone();
    place.found().await;
    Box::pin(people_come_and_come_back(place.clone(), &provider)).await;
    provider.knows(json!({"eve": known("eve@works.test")})).await;
    let eve = session(&place, "elliptic", "eve").await;
    assert_eq!(eve["user"]["username"], "eve", "signed by ES256; named after the address");
    installation.verify();
}

#[tokio::test]
async fn people_come_to_separate_processes() {
    let (Some(provider), Some(store)) = (RealProvider::start(), mongo::url()) else {
        return;
    };
    let settings: &'static str = provider.settings().to_str().unwrap().to_owned().leak();
    let flags = vec!["--config", settings];
    let separate = Separate::start_with(Setup { flags, ..Setup::on(&store) });
    separate.place.found().await;
    Box::pin(people_come_and_come_back(separate.place.clone(), &provider)).await;
}

#[tokio::test]
async fn a_provider_is_spoken_to_over_tls_if_its_authority_is_known() {
    let Some(provider) = RealProvider::with_tls() else { return };
    provider.knows(json!({"ada": known("ada@works.test")})).await;
    let settings: &'static str = provider.settings().to_str().unwrap().to_owned().leak();
    let with = |environment| {
        let flags = vec!["--config", settings];
        Separate::start_with(Setup {
            flags,
            environment,
            gateways: 1,
            proxied: Vec::new(),
            ..Setup::on("sqlite")
        })
    };
    let strict = with(Vec::new());
    let there = Browser::new().begin(&strict.place, "works", &Secret::of("x"), "/login").await;
    assert_eq!(parameter(&there, "error").as_deref(), Some("unavailable"), "{there}");
    drop(strict);
    let authority = provider.authority().to_str().unwrap().to_owned();
    let trusting = with(vec![("auth-svc", vec![("SSL_CERT_FILE", authority)])]);
    let (mut browser, secret) = (Browser::new(), Secret::of("mine"));
    browser.goes_instead(&provider.issuer, &provider.plain);
    let at = browser.log_in(&trusting.place, "works", &secret, "ada").await;
    let session = exchange(&trusting.place, &at, &secret, None).await.ok(201);
    assert_eq!(session["user"]["username"], "ada");
}

#[tokio::test]
async fn keys_that_are_new_are_asked_for() {
    let Some(provider) = RealProvider::start() else { return };
    let installation = with(&provider, &[]);
    let place = &installation.place;
    provider.knows(json!({"ada": known("ada@works.test")})).await;
    let account = session(place, "works", "ada").await;
    let (described, keys) =
        (provider.asked("/.well-known/openid-configuration").await, provider.asked("/jwks").await);
    session(place, "works", "ada").await;
    assert_eq!(provider.asked("/jwks").await, keys, "they are remembered");
    provider.changes_its_keys().await;
    let again = session(place, "works", "ada").await;
    assert_eq!(again["user"]["id"], account["user"]["id"]);
    assert_eq!(provider.asked("/jwks").await, keys + 1);
    assert_eq!(provider.asked("/.well-known/openid-configuration").await, described);
}

#[tokio::test]
async fn a_code_is_good_once_for_who_asked_for_it() {
    let Some(provider) = RealProvider::start() else { return };
    let installation = with(&provider, &[]);
    let place = &installation.place;
    provider.knows(json!({"ada": known("ada@works.test")})).await;
    let secret = Secret::of("mine");
    let at = Browser::new().log_in(place, "works", &secret, "ada").await;
    assert!(at.starts_with(&format!("{}/login#code=", place.url(0))), "{at}");
    exchange(place, &at, &Secret::of("another's"), None).await.problem(400, "invalid_code");
    let forged = format!("{at}x");
    exchange(place, &forged, &secret, None).await.problem(400, "invalid_code");
    // Of fifty at once one gets the session, and one account is made.
    let all = join_all((0..50).map(|_| exchange(place, &at, &secret, None))).await;
    let came = all.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(came, 1, "{:?}", all.iter().map(|reply| reply.status).collect::<Vec<_>>());
    exchange(place, &at, &secret, None).await.problem(400, "invalid_code");
    // Two browsers of one new person at once make one account.
    provider.knows(json!({"bob": known("bob@works.test")})).await;
    let (one, other) = (Secret::of("one"), Secret::of("other"));
    let first = Browser::new().log_in(place, "works", &one, "bob").await;
    let second = Browser::new().log_in(place, "works", &other, "bob").await;
    let both = [(&first, &one), (&second, &other)];
    let sessions = join_all(both.map(|(at, secret)| exchange(place, at, secret, None))).await;
    let mut ids = Vec::new();
    for (reply, (at, secret)) in sessions.into_iter().zip(both) {
        // Who lost the race is told to try again, with the same code.
        let done =
            if reply.status == 503 { exchange(place, at, secret, None).await } else { reply };
        ids.push(done.ok(201)["user"]["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn an_answer_is_for_the_browser_and_the_login_it_belongs_to() {
    let Some(provider) = RealProvider::start() else { return };
    let installation = with(&provider, &[]);
    let place = &installation.place;
    provider.knows(json!({"ada": known("ada@works.test")})).await;
    let secret = Secret::of("mine");
    let mut browser = Browser::new();
    let begun = async |browser: &mut Browser| {
        let there = browser.begin(place, "works", &secret, "/login").await;
        browser.log_in_there(&there, "ada").await
    };
    let back = begun(&mut browser).await;
    let failed = |shown: tests::kit::browser::Shown| {
        assert_eq!(shown.status, 302, "{}", shown.text);
        parameter(&shown.location.unwrap(), "error").expect("an error")
    };
    // Another browser, another provider's callback, another state: none of them takes the login away.
    assert_eq!(failed(Browser::new().open(&back).await), "gone");
    assert_eq!(failed(browser.open(&back.replace("/works/", "/trusted/")).await), "gone");
    let state = parameter(&back, "state").unwrap();
    assert_eq!(failed(browser.open(&back.replace(&state, "another")).await), "gone");
    let callback = back.split('?').next().unwrap();
    assert_eq!(failed(browser.open(callback).await), "gone");
    assert_eq!(failed(browser.open(&format!("{callback}?state={state}")).await), "gone");
    let shown = browser.open(&back).await;
    let at = shown.location.unwrap();
    assert!(at.contains("#code="), "{at}");
    assert!(shown.cookies[0].contains("Max-Age=0") && shown.cookies[0].contains("HttpOnly"));
    // The answer comes a second time.
    assert_eq!(failed(browser.open(&back).await), "gone");
    exchange(place, &at, &secret, None).await.ok(201);
    // The provider does not know a code of another login, and says of whom an answer is.
    let one = begun(&mut browser).await;
    let used = format!("code={}", parameter(&back, "code").unwrap());
    let code = format!("code={}", parameter(&one, "code").unwrap());
    assert_eq!(failed(browser.open(&one.replace(&code, &used)).await), "invalid_code");
    let two = begun(&mut browser).await;
    let without = two.split("&iss=").next().unwrap();
    assert_eq!(failed(browser.open(without).await), "unauthenticated");
    let there = browser.begin(place, "works", &secret, "/login").await;
    let state = parameter(&there, "state").unwrap();
    let refused = format!("{callback}?error=access_denied&error_description=no&state={state}");
    assert_eq!(failed(browser.open(&refused).await), "forbidden");
}

#[tokio::test]
async fn browsers_are_sent_to_known_places_only() {
    let Some(provider) = RealProvider::start() else { return };
    let installation = with(&provider, &["--allowed-origins", "https://app.test"]);
    let place = &installation.place;
    let (mut browser, secret) = (Browser::new(), Secret::of("mine"));
    let start = format!("{}/v1/oidc/works/start", place.url(0));
    let challenge = format!("code_challenge={}", secret.challenge);
    for bad in [
        String::new(),
        "code_challenge=short".to_owned(),
        format!("{challenge}&return_to=//evil.test"),
        format!("{challenge}&return_to=https://evil.test/"),
        format!("{challenge}&return_to=https://app.test@evil.test/"),
        format!("{challenge}&return_to=/%5Cevil.test"),
        format!("{challenge}&return_to=/a%23b"),
        format!("{challenge}&return_to=javascript:alert(1)"),
        format!("{challenge}&other=1"),
    ] {
        let shown = browser.open(&format!("{start}?{bad}")).await;
        assert_eq!(shown.status, 400, "{bad}: {}", shown.text);
    }
    let unknown = format!("{}/v1/oidc/other/start?{challenge}", place.url(0));
    assert_eq!(browser.open(&unknown).await.status, 404);
    let there = browser.begin(place, "works", &secret, "https://app.test/in?x=1").await;
    assert!(there.starts_with(&format!("{}/auth?", provider.issuer)), "{there}");
    for (name, value) in [("response_type", "code"), ("code_challenge_method", "S256")] {
        assert_eq!(parameter(&there, name).as_deref(), Some(value));
    }
    assert!(parameter(&there, "nonce").unwrap().len() >= 22);
    provider.knows(json!({"ada": known("ada@works.test")})).await;
    let back = browser.log_in_there(&there, "ada").await;
    let at = browser.open(&back).await.location.unwrap();
    assert!(at.starts_with("https://app.test/in?x=1#code="), "{at}");
}

#[tokio::test]
async fn an_address_leads_to_its_account_where_the_provider_is_trusted() {
    let Some(provider) = RealProvider::start() else { return };
    let installation = with(&provider, &[]);
    let (place, mails) = (&installation.place, installation.data.join("mail"));
    let admin = place.found().await;
    let ada = Person::register(place, "ada").await;
    provider
        .knows(json!({
            "ada": known(&ada.email), "unverified": {"email": "u@works.test", "email_verified": false},
            "bare": {"name": "Bare"},
        }))
        .await;
    for name in ["unverified", "bare"] {
        assert_eq!(error(place, "trusted", name).await, "not_verified");
    }
    assert_eq!(error(place, "works", "ada").await, "already_exists");
    assert_eq!(error(place, "trusted", "ada").await, "already_exists", "not verified here");
    verify(&ada, &mails).await;
    assert_eq!(error(place, "works", "ada").await, "already_exists", "not trusted");
    let linked = session(place, "trusted", "ada").await;
    assert_eq!(linked["user"]["id"], ada.id);
    assert_eq!(me(place, &linked).await["has_password"], true);
    let told = until("a mail tells of the link", async || {
        let mut all = mails_to(&mails, &ada.email);
        all.retain(|mail| mail.subject == "Another way to log in");
        (!all.is_empty()).then_some(all)
    });
    let told = told.await;
    assert!(told.len() == 1 && told[0].text.contains("The trusted"), "{}", told[0].text);
    // The identity is linked: the address is not asked for any more, by whichever name.
    assert_eq!(session(place, "works", "ada").await["user"]["id"], ada.id);
    Person::login(place, &ada.username, &ada.password).await;
    let path = format!("/v1/admin/users/{}", ada.id);
    admin.patch(&path, json!({"suspended": true})).await.ok(200);
    assert_eq!(error(place, "trusted", "ada").await, "suspended");
    admin.patch(&path, json!({"suspended": false})).await.ok(200);
    assert_eq!(session(place, "trusted", "ada").await["user"]["id"], ada.id);
    installation.verify();
}

#[tokio::test]
async fn a_second_factor_is_asked_for_here_too() {
    let Some(provider) = RealProvider::start() else { return };
    let installation = with(&provider, &[]);
    let (place, mails) = (&installation.place, installation.data.join("mail"));
    let ada = Person::register(place, "ada").await;
    verify(&ada, &mails).await;
    let enrolment = ada.post("/v1/users/me/totp", json!({"password": ada.password})).await.ok(201);
    let factor = text(&enrolment["secret"]);
    ada.post("/v1/users/me/totp/confirm", json!({"code": app(factor, -1)})).await.ok(200);
    provider.knows(json!({"ada": known(&ada.email)})).await;
    let secret = Secret::of("mine");
    let at = Browser::new().log_in(place, "trusted", &secret, "ada").await;
    let bare = exchange(place, &at, &secret, None).await;
    bare.problem(401, "second_factor_required");
    let wrong = exchange(place, &at, &secret, Some("000000")).await;
    wrong.problem(401, "second_factor_required");
    assert!(
        mails_to(&mails, &ada.email).iter().all(|mail| mail.subject != "Another way to log in"),
        "nothing is linked before"
    );
    let session = exchange(place, &at, &secret, Some(&app(factor, 0))).await.ok(201);
    assert_eq!(session["user"]["id"], ada.id);
    let at = Browser::new().log_in(place, "trusted", &secret, "ada").await;
    exchange(place, &at, &secret, None).await.problem(401, "second_factor_required");
}

#[tokio::test]
async fn taken_names_get_a_variant_and_a_password_can_be_set() {
    let Some(provider) = RealProvider::start() else { return };
    let installation = with(&provider, &[]);
    let (place, mails) = (&installation.place, installation.data.join("mail"));
    let stranger = Stranger::new(place);
    let taken =
        json!({"username": "ada", "email": "ada@x.test", "password": "correct horse staple"});
    stranger.post("/v1/users", taken).await.ok(201);
    let named =
        |email: &str| json!({"email": email, "email_verified": true, "preferred_username": "ADA"});
    provider.knows(json!({"one": named("1@works.test"), "two": named("2@works.test")})).await;
    let one = session(place, "works", "one").await;
    let two = session(place, "works", "two").await;
    assert_eq!(
        (&one["user"]["username"], &two["user"]["username"]),
        (&json!("ada2"), &json!("ada3"))
    );
    // No password opens an account that has none.
    let login = json!({"login": "ada2", "password": "correct horse staple"});
    stranger.post("/v1/sessions", login.clone()).await.problem(401, "invalid_credentials");
    let asked =
        stranger.post("/v1/password-resets", json!({"email": "1@works.test"})).await.ok(202);
    let code = code(&mails, "1@works.test", "Choose a password", 1).await;
    let path = format!("/v1/password-resets/{}/confirm", text(&asked["reset_id"]));
    let reset = json!({"code": code, "new_password": "correct horse staple"});
    stranger.post(&path, reset).await.ok(204);
    let session = stranger.post("/v1/sessions", login).await.ok(201);
    assert_eq!(session["user"]["has_password"], true);
    assert_eq!(self::session(place, "works", "one").await["user"]["id"], one["user"]["id"]);
}

#[tokio::test]
async fn who_may_register_holds_here_too() {
    let Some(provider) = RealProvider::start() else { return };
    provider.knows(json!({"in": known("in@works.test"), "out": known("out@else.test")})).await;
    for (mode, inside) in [("closed", false), ("invite", false), ("domains:works.test", true)] {
        let installation = with(&provider, &["--registration", mode]);
        let place = &installation.place;
        assert_eq!(error(place, "works", "out").await, "forbidden", "{mode}");
        match inside {
            true => assert_eq!(session(place, "works", "in").await["user"]["username"], "in2"),
            false => assert_eq!(error(place, "works", "in").await, "forbidden", "{mode}"),
        }
    }
}
