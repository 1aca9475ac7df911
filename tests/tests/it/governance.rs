//! Administration of rooms beyond the table of rights (`rights.rs`): direct rooms, `general`, owners, archived
//! channels, and rooms whose owners cannot act.

use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::unique;

everywhere!(
    direct_rooms_have_no_roles,
    installation_admins_administer_general,
    owners_cannot_demote_one_another,
    an_admin_of_the_installation_rescues_a_room,
    an_archived_channel_comes_back_under_a_free_name,
    suspended_users_cannot_be_added,
    notes_are_a_direct_room_of_one,
);

/// Later than any test runs.
const LATER: &str = "2100-01-01T00:00:00.000Z";

async fn direct_rooms_have_no_roles(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let eve = Person::register(&place, "eve").await;
    let room = ada.direct(&[&bob]).await;
    let path = format!("/v1/rooms/{room}");
    let message = id_of(&bob.says(&room, "hello").await);
    for change in [
        json!({"name": "us"}),
        json!({"topic": "us"}),
        json!({"visibility": "public"}),
        json!({"retention_days": 3}),
        json!({"archived": true}),
        json!({"archived": false}),
    ] {
        ada.patch(&path, change).await.problem(409, "conflict");
    }
    ada.delete(&path).await.problem(409, "conflict");
    ada.post(&format!("{path}/members"), json!({"user": eve.id})).await.problem(409, "conflict");
    for change in [json!({"role": "owner"}), json!({"muted_until": LATER})] {
        let member = format!("{path}/members/{}", bob.id);
        ada.patch(&member, change).await.problem(409, "conflict");
    }
    ada.delete(&format!("{path}/members/{}", bob.id)).await.problem(409, "conflict");
    ada.delete(&format!("/v1/messages/{message}")).await.problem(403, "forbidden");
    eve.patch(&path, json!({"name": "x"})).await.problem(404, "not_found");
    assert_eq!(items(&bob.get(&format!("{path}/members")).await.ok(200)).len(), 2);
}

async fn installation_admins_administer_general(place: Place) {
    let admin = place.admin().await;
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let rooms = items(&ada.get("/v1/rooms?name=general").await.ok(200));
    let path = format!("/v1/rooms/{}", id_of(&rooms[0]));
    let member = format!("{path}/members/{}", bob.id);
    for (who, fixed, mute) in [(&ada, 403, 403), (&admin, 409, 200)] {
        assert_eq!(who.patch(&path, json!({"name": unique("mine")})).await.status, fixed);
        assert_eq!(who.delete(&path).await.status, fixed);
        assert_eq!(who.patch(&member, json!({"role": "admin"})).await.status, fixed);
        assert_eq!(who.patch(&member, json!({"muted_until": LATER})).await.status, mute);
        for refused in [
            who.delete(&member).await,
            who.delete(&format!("{path}/members/me")).await,
            who.post(&format!("{path}/members"), json!({"user": bob.id})).await,
            who.put_empty(&format!("{path}/members/me")).await,
        ] {
            refused.problem(409, "conflict");
        }
    }
    let room = path.trim_start_matches("/v1/rooms/");
    let post = format!("{path}/messages");
    bob.post(&post, json!({"body": "muted"})).await.problem(403, "forbidden");
    assert_eq!(bob.room(room).await["membership"]["muted_until"], LATER);
    admin.patch(&member, json!({"muted_until": null})).await.ok(200);
    bob.says(room, "not any more").await;
    admin
        .put_empty(
            &format!("/v1/admin{path}/owners/{}", bob.id).replace("/v1/admin/v1", "/v1/admin"),
        )
        .await
        .problem(409, "conflict");
}

async fn owners_cannot_demote_one_another(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let member = |who: &Person| format!("/v1/rooms/{room}/members/{}", who.id);
    ada.patch(&member(&bob), json!({"role": "owner"})).await.ok(200);
    let (bobs, adas) = (member(&bob), member(&ada));
    // Both at once: neither succeeds.
    let (one, other) = tokio::join!(
        ada.patch(&bobs, json!({"role": "member"})),
        bob.patch(&adas, json!({"role": "member"})),
    );
    one.problem(403, "forbidden");
    other.problem(403, "forbidden");
    // Stepping down at once, one of the two stays.
    let (one, other) = tokio::join!(
        ada.patch(&adas, json!({"role": "member"})),
        bob.patch(&bobs, json!({"role": "member"})),
    );
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.text, other.text);
    let members = items(&ada.get(&format!("/v1/rooms/{room}/members")).await.ok(200));
    let owners = members.iter().filter(|member| member["role"] == "owner").count();
    assert_eq!(owners, 1, "{members:?}");
}

async fn an_admin_of_the_installation_rescues_a_room(place: Place) {
    let admin = place.admin().await;
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let eve = Person::register(&place, "eve").await;
    let room = ada.group(&[&bob]).await;
    let suspend = json!({"suspended": true});
    admin.patch(&format!("/v1/admin/users/{}", ada.id), suspend).await.ok(200);
    let path = format!("/v1/rooms/{room}");
    bob.patch(&path, json!({"name": "ours"})).await.problem(403, "forbidden");
    let owner = |who: &str| format!("/v1/admin/rooms/{room}/owners/{who}");
    bob.put_empty(&owner(&bob.id)).await.problem(403, "forbidden");
    admin.put_empty(&owner(&eve.id)).await.problem(404, "not_found");
    admin.put_empty(&owner("usr_x")).await.problem(404, "not_found");
    let nowhere = format!("/v1/admin/rooms/{}000000/owners/{}", &room[..room.len() - 6], bob.id);
    admin.put_empty(&nowhere).await.problem(404, "not_found");
    let mut socket = bob.connect().await;
    let done = admin.put_empty(&owner(&bob.id)).await;
    assert_eq!(done.status, 204, "{}", done.text);
    assert!(!done.header("tidings-position").is_empty());
    let told = socket.event_in(&room, "member.changed").await;
    assert_eq!(
        (&told["data"]["user_id"], &told["data"]["role"]),
        (&json!(bob.id), &json!("owner"))
    );
    // A repeat changes nothing.
    assert_eq!(admin.put_empty(&owner(&bob.id)).await.status, 204);
    bob.patch(&path, json!({"name": "ours", "visibility": "private"})).await.ok(200);
    let members = items(&bob.get(&format!("{path}/members")).await.ok(200));
    assert!(members.iter().all(|member| member["role"] == "owner"), "{members:?}");
    // The admin has not become a member by it.
    admin.get(&path).await.problem(404, "not_found");
    // A user who cannot act cannot become the owner.
    let other = bob.group(&[&eve]).await;
    admin.patch(&format!("/v1/admin/users/{}", eve.id), json!({"suspended": true})).await.ok(200);
    let owner = format!("/v1/admin/rooms/{other}/owners/{}", eve.id);
    admin.put_empty(&owner).await.problem(409, "conflict");
    let direct = bob.direct(&[&admin]).await;
    let owner = format!("/v1/admin/rooms/{direct}/owners/{}", bob.id);
    admin.put_empty(&owner).await.problem(409, "conflict");
}

async fn an_archived_channel_comes_back_under_a_free_name(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let (room, name) = ada.channel().await;
    bob.put_empty(&format!("/v1/rooms/{room}/members/me")).await.ok(200);
    let path = format!("/v1/rooms/{room}");
    let mut socket = bob.connect().await;
    let archived = ada.patch(&path, json!({"archived": true})).await.ok(200);
    assert_eq!(archived["archived"], true);
    socket.event_in(&room, "room.archived").await;
    let found = format!("/v1/rooms?name={name}");
    assert!(items(&bob.get(&found).await.ok(200)).is_empty());
    let taken =
        id_of(&bob.post("/v1/rooms", json!({"kind": "channel", "name": name})).await.ok(201));
    let problem = ada.patch(&path, json!({"archived": false})).await.problem(409, "already_exists");
    assert_eq!(problem["errors"][0]["pointer"], "/name");
    assert_eq!(ada.room(&room).await["archived"], true);
    let other = unique("other");
    let back = ada.patch(&path, json!({"archived": false, "name": other})).await.ok(200);
    assert_eq!((&back["archived"], &back["name"]), (&json!(false), &json!(other)));
    let told = socket.event_in(&room, "room.restored").await;
    assert_eq!((&told["data"]["archived"], &told["data"]["name"]), (&json!(false), &json!(other)));
    bob.says(&room, "we are back").await;
    let found = items(&bob.get(&format!("/v1/rooms?name={other}")).await.ok(200));
    assert_eq!(found.iter().map(id_of).collect::<Vec<_>>(), [room.as_str()]);
    assert_ne!(taken, room);
}

async fn suspended_users_cannot_be_added(place: Place) {
    let admin = place.admin().await;
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let eve = Person::register(&place, "eve").await;
    for who in [&bob, &eve] {
        let path = format!("/v1/admin/users/{}", who.id);
        admin.patch(&path, json!({"suspended": true})).await.ok(200);
    }
    let members = format!("/v1/rooms/{room}/members");
    ada.post(&members, json!({"user": eve.id})).await.problem(409, "conflict");
    let bobs = format!("{members}/{}", bob.id);
    ada.patch(&bobs, json!({"role": "owner"})).await.problem(409, "conflict");
    let body = json!({"kind": "group", "name": "us", "members": [admin.id, eve.id]});
    let problem = ada.post("/v1/rooms", body).await.problem(409, "conflict");
    assert_eq!(problem["errors"][0]["pointer"], "/members/1");
    assert_eq!(ada.delete(&bobs).await.status, 204);
}

async fn notes_are_a_direct_room_of_one(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let notes = ada.post("/v1/direct", json!({"members": []})).await.ok(201);
    assert_eq!((&notes["kind"], &notes["member_count"]), (&json!("direct"), &json!(1)));
    for members in [json!([]), json!([ada.id]), json!([ada.at_name()])] {
        let again = ada.post("/v1/direct", json!({"members": members})).await.ok(200);
        assert_eq!(again["id"], notes["id"]);
    }
    ada.says(&id_of(&notes), "milk").await;
}
