//! The table of rights in rooms: every role, every act, every kind of room.

use reqwest::Method;
use serde_json::{Value, json};
use tests::kit::http::Reply;
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::unique;

everywhere!(each_role_may_do_what_the_table_says);

/// Later than any test runs.
const LATER: &str = "2100-01-01T00:00:00.000Z";

/// The role of the user who tries.
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

/// The kind of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    kind: &'static str,
    public: bool,
    archived: bool,
}

/// What the user tries.
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
    React,
    Pin,
    Leave,
}

const ACTS: [Act; 25] = [
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
    Act::React,
    Act::Pin,
    Act::Leave,
];
/// These need a room of their own each time, even where they are refused for another reason first.
const LAST: [Act; 2] = [Act::Archive, Act::DeleteOwn];

/// The table: the status that answers an attempt.
fn expected(kind: Kind, who: Who, act: Act) -> u16 {
    let rank = |role: &str| ["", "member", "admin", "owner"].iter().position(|r| *r == role);
    let above = |role: &str| usize::from(who.rank()) > rank(role).unwrap();
    if who == Who::Outsider {
        return match act {
            _ if !kind.public => 404,
            // Nothing to leave.
            Act::Leave => 204,
            // The room is known, its messages are not.
            Act::EditOwn | Act::DeleteOwn | Act::DeleteOther | Act::React | Act::Pin => 404,
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
        Act::Pin => who.rank() >= if kind.kind == "channel" { 2 } else { 1 },
        Act::Post | Act::EditOwn | Act::DeleteOwn | Act::Read | Act::React | Act::Leave => true,
    };
    // What a muted member or an archived room still allows.
    let quiet = matches!(act, Act::DeleteOwn | Act::Read | Act::Leave);
    let archived_takes = quiet || matches!(act, Act::DeleteOther | Act::Archive | Act::Restore);
    match act {
        _ if kind.archived && !archived_takes => 409,
        _ if !may || (who.muted() && !quiet) => 403,
        Act::Add | Act::AddAdmin | Act::Post => 201,
        Act::Archive | Act::Remove(_) | Act::DeleteOwn | Act::DeleteOther | Act::Leave => 204,
        Act::React | Act::Pin => 204,
        _ => 200,
    }
}

/// The users of the table.
struct Cast {
    /// Those who try, in the order of [`EVERYONE`].
    actors: Vec<Person>,
    /// A member, an admin and an owner that others act on.
    targets: [(&'static str, Person); 3],
    newcomer: Person,
}

/// A room with the whole cast in it, each of whom has posted something.
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
            Act::React => {
                let path = format!("{}/reactions/%F0%9F%91%8D", message(&scene.other));
                (Method::PUT, path, Value::Null)
            }
            Act::Pin => (Method::PUT, format!("{}/pin", message(&scene.other)), Value::Null),
            Act::Leave => (Method::DELETE, format!("{room}/members/me"), Value::Null),
        };
        let ask = self.actor(who).ask(method.as_str(), &path);
        let ask = if body.is_null() { ask } else { ask.json(body) };
        ask.send().await
    }
}

async fn each_role_may_do_what_the_table_says(place: Place) {
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
    assert_eq!(tried, 4 * 6 * 27);
}
