//! Finding members of a room, and accounts for admins.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, items};
use tests::kit::unique;

everywhere!(members_are_found, admins_find_accounts);

fn ids(page: &Value, field: &str) -> Vec<String> {
    items(page).iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

async fn shown_as(place: &Place, name: &str) -> Person {
    let person = Person::register(place, "p").await;
    person.patch("/v1/users/me", json!({"display_name": name})).await.ok(200);
    person
}

async fn members_are_found(place: Place) {
    let word = unique("w");
    let ada = shown_as(&place, &format!("Z\u{e9}lie {word}")).await;
    let bob = shown_as(&place, &format!("Zelda {word}")).await;
    let cyd = shown_as(&place, &format!("Zelig {word}")).await;
    let room = ada.group(&[&bob]).await;
    let path = |query: &str| format!("/v1/rooms/{room}/members?query={query}");
    let found = async |query: &str| ids(&ada.get(&path(query)).await.ok(200), "user_id");
    let mut both = [ada.id.clone(), bob.id.clone()];
    both.sort_unstable();
    assert_eq!(found(&word).await, both);
    assert_eq!(found("ZEL").await, both);
    assert_eq!(found("z%C3%A9lie").await, std::slice::from_ref(&ada.id));
    assert_eq!(found(&format!("@{}", bob.username)).await, std::slice::from_ref(&bob.id));
    assert_eq!(found(&cyd.username).await, Vec::<String>::new());
    let first = ada.get(&format!("{}&limit=1", path("zel"))).await.ok(200);
    let next = first["next_cursor"].as_str().unwrap();
    let second = ada.get(&format!("{}&limit=1&cursor={next}", path("zel"))).await.ok(200);
    let pages = [ids(&first, "user_id"), ids(&second, "user_id")].concat();
    assert_eq!(pages, both);
    ada.get(&format!("{}&cursor={next}", path("other"))).await.problem(400, "validation_failed");
    ada.get(&path("")).await.problem(400, "validation_failed");
    ada.get(&path(&"x".repeat(101))).await.problem(400, "validation_failed");
    cyd.get(&path("zel")).await.problem(404, "not_found");
}

async fn admins_find_accounts(place: Place) {
    let admin = place.admin().await;
    let bob = shown_as(&place, "Bob").await;
    let path = |query: &str| format!("/v1/admin/users?{query}");
    let found = async |query: &str| ids(&admin.get(&path(query)).await.ok(200), "id");
    let only = [bob.id.clone()];
    assert_eq!(found(&format!("query={}", bob.email)).await, only);
    assert_eq!(found(&format!("query={}&role=user&suspended=false", bob.username)).await, only);
    assert_eq!(found(&format!("query={}&role=admin", bob.username)).await, Vec::<String>::new());
    let suspend = json!({"suspended": true});
    admin.patch(&format!("/v1/admin/users/{}", bob.id), suspend).await.ok(200);
    assert_eq!(found(&format!("query={}&suspended=true", bob.email)).await, only);
    assert!(found("role=admin").await.contains(&admin.id));
    // For others an address finds no one.
    let cyd = Person::register(&place, "cyd").await;
    let page = cyd.get(&format!("/v1/users?query={}", cyd.email)).await.ok(200);
    assert_eq!(ids(&page, "id"), Vec::<String>::new());
    for bad in ["role=boss", "suspended=yes", "query=", "x=1"] {
        admin.get(&path(bad)).await.problem(400, "validation_failed");
    }
    cyd.get(&path("role=user")).await.problem(403, "forbidden");
}
