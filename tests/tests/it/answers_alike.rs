//! Answers that must not say whether an address belongs to an account: everything of them is compared, headers included.

use std::collections::BTreeMap;

use serde_json::json;
use tests::kit::http::Reply;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::unique;

everywhere!(
    a_reset_answers_alike_for_addresses_of_accounts_and_others,
    a_change_of_address_answers_alike_whether_it_is_taken,
);

/// What differs from one answer to the next, whatever was asked.
const OF_EACH_ANSWER: [&str; 3] = ["date", "tidings-trace", "ratelimit"];

/// An answer without what differs in any case: its status, headers, and the names of its fields.
fn seen(reply: &Reply) -> (u16, BTreeMap<String, String>, Vec<String>) {
    let named = |name: &str| OF_EACH_ANSWER.contains(&name);
    let kept = reply.headers.iter().filter(|(name, _)| !named(name.as_str()));
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = kept.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
    let fields = reply.json.as_object().map(|fields| fields.keys().cloned().collect());
    (reply.status, headers, fields.unwrap_or_default())
}

async fn a_reset_answers_alike_for_addresses_of_accounts_and_others(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let absent = format!("{}@example.org", unique("absent"));
    let room = ada.group(&[]).await;
    let mut all = Vec::new();
    for address in [&absent, &ada.email, &absent, &ada.email, &absent] {
        let asked = json!({"email": address});
        let reply = Stranger::new(&place).post("/v1/password-resets", asked).await;
        assert!(!reply.header("tidings-position").is_empty(), "every write has one");
        all.push(seen(&reply));
        // Whatever is written meanwhile.
        ada.says(&room, "hm").await;
    }
    assert_eq!(all[0].0, 202);
    assert!(all.iter().all(|one| *one == all[0]), "{all:#?}");
}

async fn a_change_of_address_answers_alike_whether_it_is_taken(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[]).await;
    let free = format!("{}@example.org", unique("free"));
    let mut all = Vec::new();
    for address in [&free, &bob.email] {
        let asked = json!({"email": address, "password": ada.password});
        let reply = ada.post("/v1/users/me/email", asked).await;
        assert!(reply.json["verification_id"].is_string(), "{}", reply.text);
        all.push(seen(&reply));
        ada.says(&room, "hm").await;
    }
    assert_eq!(all[0].0, 202);
    assert_eq!(all[0], all[1]);
}
