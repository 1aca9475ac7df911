//! Who may do what in which room: every role, every act, every kind of room, and the way out of rooms without an
//! owner.

use reqwest::Method;
use serde_json::{Value, json};
use tests::kit::http::Reply;
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::unique;

everywhere!(
    every_role_may_what_the_table_says,
    direct_rooms_have_no_roles,
    general_is_looked_after_by_the_installations_admins,
    owners_do_not_depose_one_another,
    an_admin_of_the_installation_rescues_a_room,
    an_archived_channel_comes_back_under_a_free_name,
    the_suspended_are_not_brought_in,
    notes_are_a_direct_room_of_one,
);

/// Later than any test runs.
const LATER: &str = "2100-01-01T00:00:00.000Z";

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Owner,
    Admin,
    Member,
    /// An admin an owner has muted.
    MutedAdmin,
    MutedMember,
    Outsider,
}

const EVERYONE: [Who; 6] =
    [Who::Outsider, Who::MutedMember, Who::MutedAdmin, Who::Member, Who::Admin, Who::Owner];

impl Who {
    const fn rank(self) -> u8 {
        match self {
            Self::Outsider => 0,
            Self::Member | Self::MutedMember => 1,
            Self::Admin | Self::MutedAdmin => 2,
            Self::Owner => 3,
        }
    }

    const fn muted(self) -> bool {
        matches!(self, Self::MutedAdmin | Self::MutedMember)
    }
}

/// The room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    kind: &'static str,
    public: bool,
    archived: bool,
}

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Rename,
    Topic,
    Visibility,
    Retention,
    Archive,
    Restore,
    Add,
    AddAdmin,
    /// Gives a member, an admin or another owner a role.
    Role(&'static str, &'static str),
    Mute(&'static str),
    Remove(&'static str),
    Post,
    EditOwn,
    DeleteOwn,
    DeleteOther,
    Read,
    Leave,
}

const ACTS: [Act; 23] = [
    Act::Rename,
    Act::Topic,
    Act::Visibility,
    Act::Retention,
    Act::Restore,
    Act::Add,
    Act::AddAdmin,
    Act::Role("member", "admin"),
    Act::Role("member", "owner"),
    Act::Role("admin", "owner"),
    Act::Role("admin", "member"),
    Act::Role("owner", "member"),
    Act::Mute("member"),
    Act::Mute("admin"),
    Act::Mute("owner"),
    Act::Remove("member"),
    Act::Remove("admin"),
    Act::Remove("owner"),
    Act::Post,
    Act::EditOwn,
    Act::DeleteOther,
    Act::Read,
    Act::Leave,
];
/// These need a room of their own each time, even where they are refused for another reason first.
const LAST: [Act; 2] = [Act::Archive, Act::DeleteOwn];

/// The table: what an attempt is answered with.
fn expected(kind: Kind, who: Who, act: Act) -> u16 {
    let rank = |role: &str| ["", "member", "admin", "owner"].iter().position(|r| *r == role);
    let above = |role: &str| usize::from(who.rank()) > rank(role).unwrap();
    if who == Who::Outsider {
        return match act {
            _ if !kind.public => 404,
            // Nothing to leave.
            Act::Leave => 204,
            _ => 403,
        };
    }
    let may = match act {
        Act::Visibility | Act::Retention | Act::AddAdmin => who.rank() == 3,
        Act::Rename | Act::Topic | Act::Archive | Act::Restore | Act::DeleteOther => {
            who.rank() >= 2
        }
        Act::Add => who.rank() >= if kind.public { 1 } else { 2 },
        Act::Role(of, _) => who.rank() == 3 && above(of),
        Act::Mute(of) | Act::Remove(of) => who.rank() >= 2 && above(of),
        Act::Post | Act::EditOwn | Act::DeleteOwn | Act::Read | Act::Leave => true,
    };
    // What being muted or archived leaves.
    let quiet = matches!(act, Act::DeleteOwn | Act::Read | Act::Leave);
    let archived_takes = quiet || matches!(act, Act::DeleteOther | Act::Archive | Act::Restore);
    match act {
        _ if kind.archived && !archived_takes => 409,
        _ if !may || (who.muted() && !quiet) => 403,
        Act::Add | Act::AddAdmin | Act::Post => 201,
        Act::Archive | Act::Remove(_) | Act::DeleteOwn | Act::DeleteOther | Act::Leave => 204,
        _ => 200,
    }
}

/// Everyone who plays in the table.
struct Cast {
    /// Those who try, in the order of [`EVERYONE`].
    actors: Vec<Person>,
    /// A member, an admin and an owner to whom things are done.
    targets: [(&'static str, Person); 3],
    newcomer: Person,
}

/// A room with the whole cast in it, each of whom has said something.
struct Scene {
    room: String,
    said: Vec<String>,
    other: String,
    before: Value,
}

impl Cast {
    async fn register(place: &Place) -> Self {
        let mut actors = Vec::new();
        for (number, who) in EVERYONE.iter().enumerate() {
            let name = format!("{who:?}").to_lowercase();
            actors.push(Person::register_at(place, number, &name[..name.len().min(7)]).await);
        }
        let target = async |role| (role, Person::register(place, role).await);
        let targets = [target("member").await, target("admin").await, target("owner").await];
        Self { actors, targets, newcomer: Person::register(place, "newcome").await }
    }

    fn actor(&self, who: Who) -> &Person {
        &self.actors[EVERYONE.iter().position(|one| *one == who).unwrap()]
    }

    fn target(&self, role: &str) -> &str {
        &self.targets.iter().find(|(of, _)| *of == role).unwrap().1.id
    }

    async fn set(&self, kind: Kind) -> Scene {
        let owner = self.actor(Who::Owner);
        let inside = || EVERYONE.iter().filter(|who| !matches!(who, Who::Outsider | Who::Owner));
        let mut members: Vec<&str> = inside().map(|who| self.actor(*who).id.as_str()).collect();
        members.extend(self.targets.iter().map(|(_, target)| target.id.as_str()));
        let visibility = if kind.public { "public" } else { "private" };
        let body = json!({"kind": kind.kind, "name": unique("table"), "members": members,
                          "visibility": visibility});
        let room = id_of(&owner.post("/v1/rooms", body).await.ok(201));
        let messages = format!("/v1/rooms/{room}/messages");
        let mut said = Vec::new();
        for who in EVERYONE {
            let message = match who {
                Who::Outsider => String::new(),
                _ => id_of(&self.actor(who).says(&room, "mine").await),
            };
            said.push(message);
        }
        let (_, other) = &self.targets[0];
        let other = id_of(&other.post(&messages, json!({"body": "other"})).await.ok(201));
        let change = async |id: &str, change: Value| {
            owner.patch(&format!("/v1/rooms/{room}/members/{id}"), change).await.ok(200);
        };
        change(self.target("admin"), json!({"role": "admin"})).await;
        change(self.target("owner"), json!({"role": "owner"})).await;
        change(&self.actor(Who::Admin).id, json!({"role": "admin"})).await;
        let muted = json!({"role": "admin", "muted_until": LATER});
        change(&self.actor(Who::MutedAdmin).id, muted).await;
        change(&self.actor(Who::MutedMember).id, json!({"muted_until": LATER})).await;
        if kind.archived {
            assert_eq!(owner.delete(&format!("/v1/rooms/{room}")).await.status, 204);
        }
        let before = self.look(&room).await;
        Scene { room, said, other, before }
    }

    /// Everything an act could change, as the owner who is no actor sees it.
    async fn look(&self, room: &str) -> Value {
        let owner = &self.targets[2].1;
        let mut seen = owner.room(room).await;
        for changing in ["membership", "last_message", "message_count"] {
            seen[changing] = Value::Null;
        }
        let members = items(&owner.get(&format!("/v1/rooms/{room}/members")).await.ok(200));
        let members: Vec<Value> = members
            .iter()
            .map(|one| json!([one["user_id"], one["role"], one["muted_until"]]))
            .collect();
        json!({"room": seen, "members": members})
    }

    async fn attempt(&self, scene: &Scene, who: Who, act: Act) -> Reply {
        let room = format!("/v1/rooms/{}", scene.room);
        let own = &scene.said[EVERYONE.iter().position(|one| *one == who).unwrap()];
        let own = if own.is_empty() { &scene.other } else { own };
        let message = |id: &str| format!("/v1/messages/{id}");
        let member = |role: &str| format!("{room}/members/{}", self.target(role));
        let (method, path, body) = match act {
            Act::Rename => (Method::PATCH, room, json!({"name": unique("renamed")})),
            Act::Topic => (Method::PATCH, room, json!({"topic": "another"})),
            Act::Visibility => (Method::PATCH, room, json!({"visibility": "public"})),
            Act::Retention => (Method::PATCH, room, json!({"retention_days": 30})),
            Act::Archive => (Method::DELETE, room, Value::Null),
            Act::Restore => (Method::PATCH, room, json!({"archived": false})),
            Act::Add | Act::AddAdmin => {
                let role = if act == Act::Add { "member" } else { "admin" };
                let body = json!({"user": self.newcomer.id, "role": role});
                (Method::POST, format!("{room}/members"), body)
            }
            Act::Role(of, role) => (Method::PATCH, member(of), json!({"role": role})),
            Act::Mute(of) => (Method::PATCH, member(of), json!({"muted_until": LATER})),
            Act::Remove(of) => (Method::DELETE, member(of), Value::Null),
            Act::Post => (Method::POST, format!("{room}/messages"), json!({"body": "hi"})),
            Act::EditOwn => (Method::PATCH, message(own), json!({"body": "changed"})),
            Act::DeleteOwn => (Method::DELETE, message(own), Value::Null),
            Act::DeleteOther => (Method::DELETE, message(&scene.other), Value::Null),
            Act::Read => (Method::PUT, format!("{room}/read"), json!({"message_id": scene.other})),
            Act::Leave => (Method::DELETE, format!("{room}/members/me"), Value::Null),
        };
        let ask = self.actor(who).ask(method.as_str(), &path);
        let ask = if body.is_null() { ask } else { ask.json(body) };
        ask.send().await
    }
}

async fn every_role_may_what_the_table_says(place: Place) {
    let cast = Cast::register(&place).await;
    let mut wrong = Vec::new();
    let mut tried = 0;
    let kinds = [
        ("group", false, false),
        ("channel", true, false),
        ("group", false, true),
        ("channel", true, true),
    ];
    for (kind, public, archived) in kinds {
        let kind = Kind { kind, public, archived };
        let mut scene = cast.set(kind).await;
        for act in ACTS.into_iter().chain(LAST) {
            for who in EVERYONE {
                let wanted = expected(kind, who, act);
                let done = (200..300).contains(&wanted);
                if done {
                    assert_eq!(cast.look(&scene.room).await, scene.before, "before {act:?}");
                }
                let reply = cast.attempt(&scene, who, act).await;
                tried += 1;
                if reply.status != wanted {
                    let case = format!("{kind:?} {who:?} {act:?}: {}, not {wanted}", reply.status);
                    wrong.push(format!("{case}: {}", reply.text));
                }
                let changes = !matches!(act, Act::Post | Act::Read | Act::EditOwn);
                if changes && (200..300).contains(&reply.status) {
                    scene = cast.set(kind).await;
                }
            }
        }
        assert_eq!(cast.look(&scene.room).await, scene.before, "{kind:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(tried, 4 * 6 * 25);
}

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

async fn general_is_looked_after_by_the_installations_admins(place: Place) {
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

async fn owners_do_not_depose_one_another(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let member = |who: &Person| format!("/v1/rooms/{room}/members/{}", who.id);
    ada.patch(&member(&bob), json!({"role": "owner"})).await.ok(200);
    let (bobs, adas) = (member(&bob), member(&ada));
    // At once from both sides: neither succeeds.
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
    // Once more changes nothing.
    assert_eq!(admin.put_empty(&owner(&bob.id)).await.status, 204);
    bob.patch(&path, json!({"name": "ours", "visibility": "private"})).await.ok(200);
    let members = items(&bob.get(&format!("{path}/members")).await.ok(200));
    assert!(members.iter().all(|member| member["role"] == "owner"), "{members:?}");
    // The admin has not come in by it.
    admin.get(&path).await.problem(404, "not_found");
    // One who cannot act is of no help.
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

async fn the_suspended_are_not_brought_in(place: Place) {
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
