//! What a user sees of their sessions, the mail about a new device, and sessions that an admin ends.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, items};
use tests::kit::until;

use crate::codes::{Mail, mails_to};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const NEW_DEVICE: &str = "Your account was used from a new device";
const AT_ONCE: Duration = Duration::from_secs(1);

with_mails!(
    a_session_says_where_it_comes_from,
    sessions_are_listed_page_by_page,
    a_login_from_a_new_device_is_told_of_once,
    an_admin_ends_the_sessions_of_a_user,
);

async fn log_in(place: &Place, person: &Person, agent: &str) -> Value {
    let body = json!({"login": person.username, "password": person.password});
    let ask = Stranger::new(place).ask("POST", "/v1/sessions").header("user-agent", agent);
    ask.json(body).send().await.ok(201)
}

async fn a_session_says_where_it_comes_from(place: Place, _: PathBuf) {
    let ada = Person::register(&place, "ada").await;
    let browser = log_in(&place, &ada, FIREFOX).await;
    let listed = items(&ada.get("/v1/sessions").await.ok(200));
    assert_eq!(listed.len(), 2);
    for one in &listed {
        let mut names: Vec<&str> = one.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let wanted = ["created_at", "current", "ip", "last_used_at", "session_id", "user_agent"];
        assert_eq!(names, wanted, "{one}");
        assert_eq!(one["ip"], "127.0.0.1");
        assert_eq!(one["created_at"], one["last_used_at"], "it has just begun");
        assert_eq!(one["current"], one["session_id"] == ada.session_id.as_str());
    }
    let of = |id: &Value| listed.iter().find(|one| one["session_id"] == *id).unwrap();
    assert_eq!(of(&browser["session_id"])["user_agent"], FIREFOX);
    assert_eq!(of(&json!(ada.session_id))["user_agent"], "tidings-tests");
    // New tokens are a use.
    let refresh = json!({"refresh_token": browser["refresh_token"]});
    Stranger::new(&place).post("/v1/sessions/refresh", refresh).await.ok(200);
    let listed = items(&ada.get("/v1/sessions").await.ok(200));
    let used = listed.iter().find(|one| one["session_id"] == browser["session_id"]).unwrap();
    let time = |name: &str| used[name].as_str().unwrap().to_owned();
    assert!(time("last_used_at") > time("created_at"), "{used}");
}

async fn sessions_are_listed_page_by_page(place: Place, _: PathBuf) {
    let ada = Person::register(&place, "ada").await;
    let mut wanted = vec![json!(ada.session_id)];
    for _ in 0..4 {
        wanted.insert(0, log_in(&place, &ada, FIREFOX).await["session_id"].clone());
    }
    for limit in [1, 2, 5, 200] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = ada.get(&format!("/v1/sessions?limit={limit}{cursor}")).await.ok(200);
            let listed = items(&page);
            assert!(listed.len() <= limit, "{page}");
            found.extend(listed.iter().map(|one| one["session_id"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, wanted, "limit {limit}");
    }
    for wrong in ["limit=0", "limit=201", "cursor=x", "page=2"] {
        let refused = ada.get(&format!("/v1/sessions?{wrong}")).await;
        refused.problem(400, "validation_failed");
    }
}

fn told_of_devices(folder: &std::path::Path, person: &Person) -> Vec<Mail> {
    let mails = mails_to(folder, &person.email).into_iter();
    mails.filter(|mail| mail.subject == NEW_DEVICE).collect()
}

async fn a_login_from_a_new_device_is_told_of_once(place: Place, folder: PathBuf) {
    // The first login of a fresh account is no news.
    let ada = Person::register(&place, "ada").await;
    for _ in 0..2 {
        log_in(&place, &ada, FIREFOX).await;
    }
    let mail = until("the mail is there", async || told_of_devices(&folder, &ada).pop()).await;
    for form in [&mail.text, &mail.html] {
        for part in [ada.username.as_str(), "Firefox", "127.0.0.1", "UTC", "change your password"] {
            assert!(form.contains(part), "{part} in {form}");
        }
    }
    // Wrong passwords from elsewhere are none, and another version of the same browser is the same device.
    let wrong = json!({"login": ada.username, "password": "no such secret"});
    let guess = Stranger::new(&place).ask("POST", "/v1/sessions").header("user-agent", "curl/8.0");
    guess.json(wrong).send().await.problem(401, "invalid_credentials");
    log_in(&place, &ada, &FIREFOX.replace("140", "141")).await;
    // A mail that is caused later comes after what these would have caused.
    ada.post("/v1/verifications", json!({"kind": "email"})).await.ok(202);
    until("a later mail is there", async || {
        let mails = mails_to(&folder, &ada.email);
        mails.iter().any(|mail| mail.subject == "Verify your email address").then_some(())
    })
    .await;
    assert_eq!(told_of_devices(&folder, &ada).len(), 1);
}

/// Behind a proxy the address of a session is the client's, and another network is another device.
#[tokio::test]
async fn an_address_behind_a_trusted_proxy_is_the_clients() {
    let installation = Installation::relaxed(&["--trusted-proxies", "127.0.0.1"]);
    let (place, folder) = (&installation.place, installation.data.join("mail"));
    let ada = Person::register(place, "ada").await;
    let from = async |address: &str| {
        let body = json!({"login": ada.username, "password": ada.password});
        let ask = Stranger::new(place).ask("POST", "/v1/sessions");
        let ask = ask.header("x-forwarded-for", &format!("6.6.6.6, {address}"));
        ask.json(body).send().await.ok(201)
    };
    for address in ["203.0.113.9", "203.0.113.77", "2001:db8:1:2::3", "2001:db8:1:9::4"] {
        let session = from(address).await["session_id"].clone();
        let listed = items(&ada.get("/v1/sessions").await.ok(200));
        let one = listed.iter().find(|one| one["session_id"] == session).unwrap();
        assert_eq!(one["ip"], address);
    }
    let told = until("both networks are told of", async || {
        let told = told_of_devices(&folder, &ada);
        (told.len() >= 2).then_some(told)
    })
    .await;
    let names = |address: &str| told.iter().filter(|mail| mail.text.contains(address)).count();
    let counts = ["203.0.113.9", "203.0.113.77", "2001:db8:1:2::3", "2001:db8:1:9::4", "6.6.6.6"];
    assert_eq!(counts.map(names), [1, 0, 1, 0, 0], "one mail for each network");
}

async fn an_admin_ends_the_sessions_of_a_user(place: Place, _: PathBuf) {
    let (admin, ada) = (place.admin().await, Person::register(&place, "ada").await);
    let bob = Person::register(&place, "bob").await;
    let laptop = ada.again().await;
    let mut sockets = [ada.connect().await, laptop.at(1).connect().await];
    let mut other = bob.connect().await;
    let path = format!("/v1/admin/users/{}/sessions", ada.id);
    bob.delete(&path).await.problem(403, "forbidden");
    ada.delete(&path).await.problem(403, "forbidden");
    Stranger::new(&place).ask("DELETE", &path).send().await.problem(401, "unauthenticated");
    let unknown = "/v1/admin/users/usr_00000000000000000000000000/sessions";
    admin.delete(unknown).await.problem(404, "not_found");
    let query = admin.delete(&format!("{path}?all=true")).await;
    query.problem(400, "validation_failed");
    admin.delete(&path).await.ok(204);
    for socket in &mut sockets {
        assert_eq!(socket.wait_closed(AT_ONCE).await, 4401);
    }
    for session in [&ada, &laptop.at(1)] {
        session.ask("GET", "/v1/users/me").once().await.problem(401, "unauthenticated");
        let refresh = json!({"refresh_token": session.refresh});
        let answer = Stranger::new(&place).post("/v1/sessions/refresh", refresh).await;
        answer.problem(401, "unauthenticated");
    }
    admin.delete(&path).await.ok(204);
    other.call(json!({"type": "ping"})).await;
    assert_eq!(items(&ada.again().await.get("/v1/sessions").await.ok(200)).len(), 1);
}
