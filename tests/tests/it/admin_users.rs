//! Accounts that admins make, find and change.

use std::path::PathBuf;

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger, items};
use tests::kit::{unique, until};

use crate::codes::{code_in, mails_to};

with_mails!(
    an_admin_makes_an_account_with_a_password,
    an_account_without_a_password_chooses_one_by_mail,
    accounts_are_found_and_changed_by_admins,
);

fn wanted(name: &str, more: &Value) -> (String, String, Value) {
    let username = unique(name);
    let email = format!("{username}@example.org");
    let mut body = json!({"username": username, "email": email});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    (username, email, body)
}

async fn an_admin_makes_an_account_with_a_password(place: Place, folder: PathBuf) {
    let (admin, ada) = (place.admin().await, Person::register(&place, "ada").await);
    let more = json!({"password": "battery staple", "role": "moderator", "display_name": "Mo"});
    let (username, email, body) = wanted("mo", &more);
    ada.post("/v1/admin/users", body.clone()).await.problem(403, "forbidden");
    let stranger = Stranger::new(&place);
    stranger.post("/v1/admin/users", body.clone()).await.problem(401, "unauthenticated");
    let made = admin.post("/v1/admin/users", body.clone()).await.ok(201);
    assert_eq!((&made["username"], &made["email"]), (&json!(username), &json!(email)));
    assert_eq!((&made["role"], &made["has_password"]), (&json!("moderator"), &json!(true)));
    assert_eq!((&made["display_name"], &made["email_verified"]), (&json!("Mo"), &json!(false)));
    let taken = admin.post("/v1/admin/users", body).await.problem(409, "already_exists");
    assert_eq!(taken["errors"][0]["pointer"], "/username");
    let (_, _, same) = wanted("other", &json!({"email": email}));
    let taken = admin.post("/v1/admin/users", same).await.problem(409, "already_exists");
    assert_eq!(taken["errors"][0]["pointer"], "/email");
    Person::login(&place, &username, "battery staple").await;
    for (bad, pointer) in [
        (json!({"password": "password123"}), "/password"),
        (json!({"password": "short"}), "/password"),
        (json!({"role": "owner"}), "/role"),
        (json!({"invite": "x"}), "/invite"),
        (json!({"email": "no address"}), "/email"),
        (json!({"username": "admin"}), "/username"),
    ] {
        let (_, _, body) = wanted("bad", &bad);
        let refused = admin.post("/v1/admin/users", body).await;
        let refused = refused.problem(400, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{bad}");
    }
    until("the welcome is there", async || {
        let mails = mails_to(&folder, &email);
        mails.iter().any(|mail| mail.subject.starts_with("Welcome")).then_some(())
    })
    .await;
    let choose = |mail: &crate::codes::Mail| mail.subject == "Choose a password";
    assert!(!mails_to(&folder, &email).iter().any(choose), "there is one already");
}

async fn an_account_without_a_password_chooses_one_by_mail(place: Place, folder: PathBuf) {
    let (admin, stranger) = (place.admin().await, Stranger::new(&place));
    let (username, email, body) = wanted("new", &json!({}));
    let create = admin.ask("POST", "/v1/admin/users").header("idempotency-key", &username);
    let create = create.json(body);
    let made = create.once().await.ok(201);
    assert_eq!((&made["has_password"], &made["role"]), (&json!(false), &json!("user")));
    assert_eq!(create.once().await.ok(201)["id"], made["id"], "a repeat");
    for password in ["", "battery staple"] {
        let login = json!({"login": username, "password": password});
        let refused = stranger.post("/v1/sessions", login).await;
        assert!([400, 401].contains(&refused.status), "{}", refused.text);
    }
    let mail = until("the mail is there", async || {
        let mut mails = mails_to(&folder, &email).into_iter();
        mails.rfind(|mail| mail.subject == "Choose a password")
    })
    .await;
    assert!(mail.text.contains(&username) && mail.html.contains(&username));
    // The mail says which request the code is of.
    let reset = mail.text.split_whitespace().map(|word| word.trim_end_matches('.'));
    let reset = reset.rev().find(|word| word.starts_with("chl_")).expect("the request");
    let path = format!("/v1/password-resets/{reset}/confirm");
    let body = json!({"code": code_in(&mail), "new_password": "battery staple"});
    stranger.post(&path, body).await.ok(204);
    let person = Person::login(&place, &username, "battery staple").await;
    let me = person.get("/v1/users/me").await.ok(200);
    assert_eq!((&me["has_password"], &me["email_verified"]), (&json!(true), &json!(true)));
    let mails = mails_to(&folder, &email).into_iter();
    assert_eq!(mails.filter(|mail| mail.subject == "Choose a password").count(), 1, "one mail");
    // From now on it is asked for.
    let change = json!({"new_password": "correct horse"});
    let refused = person.post("/v1/users/me/password", change).await;
    let refused = refused.problem(400, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/current_password");
}

async fn accounts_are_found_and_changed_by_admins(place: Place, _: PathBuf) {
    // No other test makes accounts whose names begin like this one's.
    let (admin, ada) = (place.admin().await, Person::register(&place, "sought").await);
    let found = async |query: &str| {
        let page = admin.get(&format!("/v1/admin/users?query={}{query}", ada.username)).await;
        items(&page.ok(200)).iter().map(|one| one["id"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(found("").await, [json!(ada.id)]);
    assert_eq!(found("@example.org").await, [json!(ada.id)], "by the address");
    assert_eq!(found("&role=user&suspended=false").await, [json!(ada.id)]);
    assert_eq!(found("&role=admin").await, [] as [Value; 0]);
    let path = format!("/v1/admin/users/{}", ada.id);
    ada.patch(&path, json!({"role": "admin"})).await.problem(403, "forbidden");
    let reasoned = json!({"role": "moderator", "reason": "keeps the peace"});
    assert_eq!(admin.patch(&path, reasoned).await.ok(200)["role"], "moderator");
    assert_eq!(found("&role=moderator").await, [json!(ada.id)]);
    let mut socket = ada.connect().await;
    let suspend = json!({"suspended": true, "reason": "sold engines"});
    assert_eq!(admin.patch(&path, suspend).await.ok(200)["suspended"], true);
    assert_eq!(socket.wait_closed(std::time::Duration::from_secs(1)).await, 4401);
    assert_eq!(found("&suspended=true").await, [json!(ada.id)]);
    let login = json!({"login": ada.username, "password": ada.password});
    Stranger::new(&place).post("/v1/sessions", login).await.problem(403, "suspended");
    for reason in [String::new(), "x".repeat(501), "\u{202e}".to_owned()] {
        let bad = json!({"suspended": false, "reason": reason});
        let refused = admin.patch(&path, bad).await.problem(400, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/reason");
    }
    assert_eq!(admin.patch(&path, json!({"suspended": false})).await.ok(200)["suspended"], false);
    ada.again().await;
}
