//! Cursors that were tampered with, belong elsewhere or were made up; and pages without end.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use tests::kit::installation::Place;
use tests::kit::person::Person;

use crate::aftermath::UNSPEAKABLE;
use crate::tokens::another;

cases!(cursors_of_others_are_refused, every_list_ends);

fn cursor(page: &Value) -> String {
    page["next_cursor"].as_str().unwrap_or_else(|| panic!("no cursor in {page}")).to_owned()
}

async fn cursors_of_others_are_refused(place: Place) {
    let (ada, eve) = (Person::register(&place, "ada").await, Person::register(&place, "eve").await);
    let (one, other) = (ada.group(&[&eve]).await, ada.group(&[&eve]).await);
    for room in [&one, &other] {
        for _ in 0..3 {
            ada.says(room, UNSPEAKABLE).await;
        }
    }
    let page = |room: &str, limit: u32| format!("/v1/rooms/{room}/messages?limit={limit}");
    let history = cursor(&ada.get(&page(&one, 1)).await.ok(200));
    let rooms = cursor(&ada.get("/v1/rooms?limit=1").await.ok(200));
    let members = cursor(&ada.get(&format!("/v1/rooms/{one}/members?limit=1")).await.ok(200));
    let admin = place.admin().await;
    let users = cursor(&admin.get("/v1/admin/users?limit=1").await.ok(200));
    // Each is good where it came from.
    ada.get(&format!("{}&cursor={history}", page(&one, 1))).await.ok(200);
    // And nowhere else: another list, another room, another user, another installation.
    for (list, foreign) in [
        (page(&other, 1), &history),
        (page(&one, 1), &rooms),
        (page(&one, 1), &members),
        ("/v1/rooms?limit=1".to_owned(), &history),
        ("/v1/rooms?limit=1".to_owned(), &users),
        ("/v1/notifications?limit=1".to_owned(), &rooms),
        (format!("/v1/rooms/{other}/members?limit=1"), &members),
    ] {
        let reply = ada.get(&format!("{list}&cursor={foreign}")).await;
        let problem = reply.problem(400, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "?cursor");
    }
    eve.get(&format!("/v1/rooms?limit=1&cursor={rooms}")).await.problem(400, "validation_failed");
    let elsewhere = another().await.place.admin().await;
    let list = "/v1/admin/users?limit=1";
    elsewhere.get(&format!("{list}&cursor={users}")).await.problem(400, "validation_failed");

    let bytes = BASE64URL_NOPAD.decode(history.as_bytes()).unwrap();
    for place in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        let tampered = BASE64URL_NOPAD.encode(&bytes);
        let reply = ada.get(&format!("{}&cursor={tampered}", page(&one, 1))).await;
        reply.problem(400, "validation_failed");
    }
    let invented = BASE64URL_NOPAD.encode(br#"000000000000{"Before":18446744073709551615}"#);
    for bad in [
        "",
        "*",
        "AAAA",
        "null",
        "0",
        "..",
        "%00",
        "%0d%0a",
        &invented,
        &"A".repeat(9_000),
        &history[1..],
        &format!("{history}="),
    ] {
        let reply = ada.get(&format!("{}&cursor={bad}", page(&one, 1))).await;
        reply.any_problem(400..=414);
    }
}

async fn every_list_ends(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let admin = place.admin().await;
    for (person, list) in [
        (&ada, format!("/v1/rooms/{room}/messages")),
        (&ada, format!("/v1/rooms/{room}/members")),
        (&ada, "/v1/rooms".to_owned()),
        (&ada, "/v1/notifications".to_owned()),
        (&ada, "/v1/users?query=a".to_owned()),
        (&admin, "/v1/admin/users".to_owned()),
    ] {
        let with = if list.contains('?') { '&' } else { '?' };
        for bad in [
            "1e9",
            "1000000000",
            "201",
            "0",
            "-1",
            "1.5",
            "",
            "+5",
            "0x10",
            "NaN",
            "99999999999999999999",
            "٣",
            "5%00",
            "5&limit=6",
        ] {
            let reply = person.get(&format!("{list}{with}limit={bad}")).await;
            reply.problem(400, "validation_failed");
        }
        let page = person.get(&format!("{list}{with}limit=200")).await.ok(200);
        assert!(page["items"].as_array().unwrap().len() <= 200);
    }
}
