//! Providers that misbehave: nothing they say makes an account, and nothing they do hurts.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::kit::browser::{Browser, Secret, parameter};
use tests::kit::forged_provider::{ForgedProvider, Manner, Signature};
use tests::kit::installation::{Installation, Place, RELAXED};
use tests::kit::person::Stranger;
use tests::kit::until;
use tokio::time::Instant;

/// An installation that knows a provider; the folder has its settings.
fn with(provider: &ForgedProvider) -> (Installation, TempDir) {
    let folder = TempDir::new().unwrap();
    let settings = provider.settings(folder.path());
    let flags = [RELAXED, &["--config", settings.to_str().unwrap()]].concat();
    (Installation::start(&flags), folder)
}

/// A login, as far as the browser is back from the provider: the forged one has no page.
struct Login {
    browser: Browser,
    secret: Secret,
    callback: String,
    state: String,
    nonce: String,
}

impl Login {
    async fn begin(place: &Place) -> Self {
        let (mut browser, secret) = (Browser::new(), Secret::of("mine"));
        let there = browser.begin(place, "works", &secret, "/login").await;
        let of =
            |name: &str| parameter(&there, name).unwrap_or_else(|| panic!("{name} in {there}"));
        Self {
            callback: of("redirect_uri"),
            state: of("state"),
            nonce: of("nonce"),
            browser,
            secret,
        }
    }

    /// Comes back with a code; the fragment of where the browser goes then.
    async fn come_back(&mut self) -> String {
        let back = format!("{}?code=any&state={}", self.callback, self.state);
        let shown = self.browser.open(&back).await;
        assert_eq!(shown.status, 302, "{}", shown.text);
        shown.location.unwrap().split_once('#').expect("a fragment").1.to_owned()
    }
}

/// What comes of a login with these claims beside the right nonce.
async fn outcome(place: &Place, provider: &ForgedProvider, claims: Value) -> String {
    let mut login = Login::begin(place).await;
    let mut all = json!({ "nonce": login.nonce });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    provider.says(&all);
    login.come_back().await
}

#[tokio::test]
async fn only_what_is_said_to_us_now_is_believed() {
    let provider = ForgedProvider::start().await;
    let (installation, _folder) = with(&provider);
    let place = &installation.place;
    let now = schemas::Timestamp::now().millis() / 1000;
    for (what, claims) in [
        ("another issuer", json!({"iss": "https://evil.test"})),
        ("no issuer", json!({"iss": null})),
        ("a slash more", json!({"iss": format!("{}/", provider.issuer)})),
        ("another audience", json!({"aud": "other"})),
        ("one audience more", json!({"aud": ["tidings", "other"]})),
        ("another party", json!({"azp": "other"})),
        ("another nonce", json!({"nonce": "other"})),
        ("no nonce", json!({"nonce": null})),
        ("an end that is over", json!({"exp": now - 1})),
        ("no end", json!({"exp": null})),
        ("long ago", json!({"iat": now - 3_600})),
        ("to come", json!({"iat": now + 3_600, "exp": now + 7_200})),
        ("no subject", json!({"sub": null})),
        ("an empty subject", json!({"sub": ""})),
        ("a long subject", json!({"sub": "x".repeat(256)})),
    ] {
        let end = outcome(place, &provider, claims).await;
        assert!(
            ["error=unauthenticated", "error=unavailable"].contains(&end.as_str()),
            "{what}: {end}"
        );
    }
    for (what, claims) in [
        ("not verified", json!({"email_verified": false})),
        ("not said", json!({"email_verified": null})),
        ("no address", json!({"email": null})),
        ("no such address", json!({"email": "one at works"})),
    ] {
        assert_eq!(outcome(place, &provider, claims).await, "error=not_verified", "{what}");
    }
    let written = outcome(place, &provider, json!({"email_verified": "true"})).await;
    assert!(written.starts_with("code="), "{written}");
    let found =
        Stranger::new(place).post("/v1/password-resets", json!({"email": "one@works.test"})).await;
    found.ok(202);
    // Nothing was made by all that: the name is free.
    let claims = json!({"preferred_username": "one", "email": "one@works.test"});
    let mut login = Login::begin(place).await;
    let mut all = claims.as_object().unwrap().clone();
    all.insert("nonce".to_owned(), json!(login.nonce));
    provider.says(&Value::Object(all));
    let end = login.come_back().await;
    let code = end.strip_prefix("code=").unwrap_or_else(|| panic!("{end}"));
    let body = json!({"code": code, "code_verifier": login.secret.verifier});
    let session = Stranger::new(place).post("/v1/sessions/oidc", body).await.ok(201);
    assert_eq!(session["user"]["username"], "one");
}

#[tokio::test]
async fn only_the_providers_own_signature_counts() {
    let provider = ForgedProvider::start().await;
    let (installation, _folder) = with(&provider);
    let place = &installation.place;
    for signature in [Signature::Foreign, Signature::None, Signature::Shared] {
        provider.signs(signature);
        assert_eq!(
            outcome(place, &provider, json!({})).await,
            "error=unauthenticated",
            "{signature:?}"
        );
    }
    provider.signs(Signature::Own);
    assert!(outcome(place, &provider, json!({})).await.starts_with("code="));
    let before = provider.asked("/keys");
    provider.signs(Signature::Renewed);
    assert!(outcome(place, &provider, json!({})).await.starts_with("code="));
    assert_eq!(provider.asked("/keys"), before + 1);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_as_it_should_is_unavailable() {
    let provider = ForgedProvider::start().await;
    let foreign = ForgedProvider::start().await;
    let (installation, _folder) = with(&provider);
    let place = &installation.place;
    for manner in [
        Manner::Says(500, "{}".to_owned()),
        Manner::Says(200, "<html>".to_owned()),
        Manner::Says(200, "{}".to_owned()),
        Manner::Says(400, r#"{"error":"invalid_client"}"#.to_owned()),
        Manner::SendsOn(format!("{}/token", foreign.issuer)),
        Manner::Endless,
        Manner::EndlessHead,
        Manner::Silent,
    ] {
        provider.behaves("/token", Some(manner.clone()));
        let begun = Instant::now();
        let end = outcome(place, &provider, json!({})).await;
        assert!(
            ["error=unavailable", "error=unauthenticated"].contains(&end.as_str()),
            "{manner:?}: {end}"
        );
        assert!(begun.elapsed() < Duration::from_secs(10), "{manner:?}: {:?}", begun.elapsed());
    }
    assert_eq!(foreign.asked("/token"), 0, "no redirection is followed");
    provider.behaves("/token", Some(Manner::Says(400, r#"{"error":"invalid_grant"}"#.to_owned())));
    assert_eq!(outcome(place, &provider, json!({})).await, "error=invalid_code");
    provider.behaves("/token", None);
    assert!(outcome(place, &provider, json!({})).await.starts_with("code="));
    Stranger::new(place).get("/livez").await.ok(200);
}

/// Where a login begins, or what it fails with at once.
async fn beginning(place: &Place) -> String {
    let there = Browser::new().begin(place, "works", &Secret::of("x"), "/login").await;
    parameter(&there, "error").unwrap_or(there)
}

#[tokio::test]
async fn a_description_must_be_the_providers_own() {
    const DESCRIPTION: &str = "/.well-known/openid-configuration";
    let provider = ForgedProvider::start().await;
    let (installation, _folder) = with(&provider);
    let place = &installation.place;
    let foreign = ForgedProvider::start().await;
    let fails = async |what: &str| {
        // A failure is remembered for a second.
        until(what, async || (beginning(place).await == "unavailable").then_some(())).await;
        let asked = provider.asked(DESCRIPTION);
        until(what, async || {
            assert_eq!(beginning(place).await, "unavailable", "{what}");
            (provider.asked(DESCRIPTION) > asked).then_some(())
        })
        .await;
    };
    provider.describes_itself(&json!({"issuer": "https://evil.test"}));
    fails("another issuer").await;
    provider.describes_itself(&json!({"authorization_endpoint": "javascript:alert(1)"}));
    fails("no login page").await;
    provider.describes_itself(&json!({"authorization_endpoint": "http://evil.test/login"}));
    fails("a login page without TLS").await;
    provider.describes_itself(&json!({"jwks_uri": "http://evil.test/keys"}));
    fails("keys without TLS").await;
    provider.describes_itself(&json!({}));
    provider
        .behaves(DESCRIPTION, Some(Manner::SendsOn(format!("{}{DESCRIPTION}", foreign.issuer))));
    fails("a redirection").await;
    provider.behaves(DESCRIPTION, Some(Manner::Endless));
    fails("without end").await;
    assert_eq!(foreign.asked(DESCRIPTION), 0);
    provider.behaves(DESCRIPTION, None);
    until("the provider is well again", async || {
        beginning(place).await.starts_with(&provider.issuer).then_some(())
    })
    .await;
    let asked = provider.asked(DESCRIPTION);
    beginning(place).await;
    assert_eq!(provider.asked(DESCRIPTION), asked, "it is remembered");
}

#[tokio::test]
async fn user_information_must_be_about_the_same_person() {
    let provider = ForgedProvider::start().await;
    provider.describes_itself(&json!({"userinfo_endpoint": format!("{}/me", provider.issuer)}));
    let (installation, _folder) = with(&provider);
    let place = &installation.place;
    let about = |subject: &str| {
        json!({"sub": subject, "email": "one@works.test", "email_verified": true}).to_string()
    };
    let bare = json!({"email": null, "email_verified": null});
    provider.behaves("/me", Some(Manner::Says(200, about("2"))));
    assert_eq!(outcome(place, &provider, bare.clone()).await, "error=unauthenticated");
    provider.behaves("/me", Some(Manner::Says(500, "{}".to_owned())));
    assert_eq!(outcome(place, &provider, bare.clone()).await, "error=unavailable");
    provider.behaves("/me", Some(Manner::Says(200, about("1"))));
    assert!(outcome(place, &provider, bare).await.starts_with("code="));
}

#[tokio::test]
async fn settings_of_providers_are_checked_at_the_start() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bad.toml");
    let text = "[[oidc]]\nid = \"works\"\nname = \"Works\"\nissuer = \"http://id.test\"\n\
                client_id = \"tidings\"\nclient_secret = \"hunter2\"\n";
    std::fs::write(&file, text).unwrap();
    let data = folder.path().join("data");
    let mut command =
        tests::kit::installation::command(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    let output = command.arg(&data).arg("--config").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("works") && said.contains("issuer") && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn logins_through_providers_are_limited_per_address() {
    let provider = ForgedProvider::start().await;
    let folder = TempDir::new().unwrap();
    let settings = provider.settings(folder.path());
    let config = settings.to_str().unwrap();
    let installation =
        Installation::start(&["--bcrypt-cost", "4", "--rate-auth", "5/min", "--config", config]);
    let start = format!(
        "{}/v1/oidc/works/start?code_challenge={}",
        installation.place.url(0),
        Secret::of("x").challenge
    );
    let mut browser = Browser::new();
    let mut seen = Vec::new();
    for _ in 0..8 {
        seen.push(browser.open(&start).await.status);
    }
    assert_eq!(seen[..5], [302; 5], "{seen:?}");
    assert!(seen[5..].iter().all(|status| *status == 429), "{seen:?}");
}
