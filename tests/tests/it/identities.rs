//! The ways to log in to an account through providers: seen by its user, and taken away.

use std::path::Path;

use serde_json::{Value, json};
use tests::kit::http::Reply;
use tests::kit::installation::Place;
use tests::kit::person::{Person, items};
use tests::kit::real_provider::RealProvider;
use tests::kit::{mongo, unique, until};

use super::codes::mails_to;
use super::oidc::{error, known, session, verify, with};

const OWN: &str = "/v1/users/me/identities";

async fn own(who: &Person) -> Vec<Value> {
    let listed = who.get(OWN).await.ok(200);
    assert_eq!(listed["next_cursor"], Value::Null);
    items(&listed)
}

async fn remove(who: &Person, id: &str, body: Value) -> Reply {
    who.ask("DELETE", &format!("{OWN}/{id}")).json(body).send().await
}

async fn identities_are_listed_and_taken_away(
    place: &Place,
    provider: &RealProvider,
    mails: &Path,
) {
    let admin = place.found().await;
    let (ada, bob) = (Person::register(place, "ada").await, Person::register(place, "bob").await);
    provider.knows(json!({"ada": known(&ada.email)})).await;
    assert!(own(&ada).await.is_empty());
    verify(&ada, mails).await;
    session(place, "trusted", "ada").await;
    let listed = own(&ada).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    let one = &listed[0];
    assert_eq!((&one["provider"], &one["name"]), (&json!("trusted"), &json!("The trusted")));
    assert!(one["linked_at"].as_str().unwrap().ends_with('Z'), "{one}");
    let id = one["id"].as_str().unwrap();
    let right = json!({"password": ada.password});
    // It is its user's alone, who has to show that.
    assert!(own(&bob).await.is_empty());
    remove(&bob, id, json!({"password": bob.password})).await.problem(404, "not_found");
    for unknown in ["x", &"0".repeat(32)] {
        remove(&ada, unknown, right.clone()).await.problem(404, "not_found");
    }
    let refused = remove(&ada, id, json!({})).await.problem(400, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/password", "{refused}");
    let wrong = json!({"password": "not it at all"});
    remove(&ada, id, wrong).await.problem(401, "invalid_credentials");
    let more = json!({"password": ada.password, "more": 1});
    remove(&ada, id, more).await.problem(400, "validation_failed");
    assert_eq!(own(&ada).await, listed);
    // Then it is gone, its user is told, and it does not come back by the address that both sides have.
    assert_eq!(remove(&ada, id, right.clone()).await.status, 204);
    assert!(own(&ada).await.is_empty());
    remove(&ada, id, right).await.problem(404, "not_found");
    let told = until("a mail tells that it was removed", async || {
        let mut all = mails_to(mails, &ada.email);
        all.retain(|mail| mail.subject == "A way to log in was removed");
        (!all.is_empty()).then_some(all)
    });
    let told = told.await;
    assert!(told.len() == 1 && told[0].text.contains("The trusted"), "{}", told[0].text);
    let trail = format!("/v1/admin/events?subject={}&type=identity.unlinked.v1", ada.id);
    let events = items(&admin.get(&trail).await.ok(200));
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["actor"], json!(ada.id));
    assert_eq!(events[0]["data"]["provider_name"], "The trusted");
    assert_eq!(error(place, "trusted", "ada").await, "already_exists");
    ada.again().await;
}

async fn the_last_way_to_log_in_stays(place: &Place, provider: &RealProvider) {
    let email = format!("{}@works.test", unique("new"));
    provider.knows(json!({"new": known(&email)})).await;
    let begun = session(place, "works", "new").await;
    let any = place.admin().await;
    let new = any.with_token(begun["access_token"].as_str().unwrap());
    let listed = own(&new).await;
    assert_eq!((listed.len(), &listed[0]["provider"]), (1, &json!("works")));
    let id = listed[0]["id"].as_str().unwrap();
    remove(&new, id, json!({})).await.problem(409, "conflict");
    assert_eq!(own(&new).await, listed);
    let password = json!({"new_password": "correct horse staple"});
    new.post("/v1/users/me/password", password).await.ok(204);
    remove(&new, id, json!({})).await.problem(400, "validation_failed");
    let right = json!({"password": "correct horse staple"});
    assert_eq!(remove(&new, id, right).await.status, 204);
    assert_eq!(error(place, "works", "new").await, "already_exists");
    let username = begun["user"]["username"].as_str().unwrap();
    Person::login(place, username, "correct horse staple").await;
}

#[tokio::test]
async fn a_user_sees_and_removes_ways_to_log_in() {
    let Some(provider) = RealProvider::start() else { return };
    let installation = with(&provider, &[]);
    let (place, mails) = (&installation.place, installation.data.join("mail"));
    Box::pin(identities_are_listed_and_taken_away(place, &provider, &mails)).await;
    Box::pin(the_last_way_to_log_in_stays(place, &provider)).await;
    installation.verify();
}

#[tokio::test]
async fn a_user_sees_and_removes_ways_to_log_in_on_mongodb() {
    let (Some(provider), Some(url)) = (RealProvider::start(), mongo::url()) else { return };
    let namespace =
        unique("ways").to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let flags = ["--read-model", url.as_str(), "--namespace", namespace.as_str()];
    let installation = with(&provider, &flags);
    let (place, mails) = (&installation.place, installation.data.join("mail"));
    Box::pin(identities_are_listed_and_taken_away(place, &provider, &mails)).await;
    Box::pin(the_last_way_to_log_in_stays(place, &provider)).await;
}
