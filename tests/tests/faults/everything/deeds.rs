//! What can be done by people in a town, and how often.

use serde_json::{Value, json};

use super::deed::{ADMIN, Deed, EMOJI, LATER, People, about, path_of};
use super::known::{Kind, Known, Lesson};
use super::seldom;
use crate::schedule::Dice;

/// No more rooms are made than so many.
const ROOMS: usize = 26;

/// Something, by chance.
pub(super) fn choose(dice: &mut Dice, known: &Known, people: &People, number: usize) -> Deed {
    match dice.below(100) {
        0..22 => post(dice, known, people, number),
        22..33 => answer(dice, known, people, number),
        33..39 => edit(dice, known, people, number),
        39..43 => delete(dice, known),
        43..52 => react(dice, known),
        52..55 => pin(dice, known),
        55..63 => read(dice, known),
        63..70 => thread(dice, known),
        70..73 => own_settings(dice, known),
        73..85 => membership(dice, known, people),
        85..88 => room(dice, known, people, number),
        88..92 => account(dice, known, people, number),
        92..94 => seldom::look(dice, known),
        94..97 => seldom::inbox_and_presence(dice, known, people),
        _ => seldom::office(dice, known, people, number),
    }
}

fn words(dice: &mut Dice, people: &People, number: usize) -> String {
    match dice.below(12) {
        0..4 => format!("{number} look @{}", dice.pick(people).1),
        4 => format!("{number} @room all of you"),
        5 => format!("{number} @{} and @{}", dice.pick(people).1, dice.pick(people).1),
        _ => format!("{number} says something"),
    }
}

fn post(dice: &mut Dice, known: &Known, people: &People, number: usize) -> Deed {
    let at = known.room(dice);
    let room = &known.rooms[at];
    let who = known.one_of(dice, &room.members);
    let mut body = json!({"client_id": format!("c{number}"), "body": words(dice, people, number)});
    if dice.once_in(5) {
        body["format"] = json!("markdown");
    }
    let own = known.files.iter().filter(|(owner, _)| *owner == who);
    let files: Vec<&String> = own.map(|(_, file)| file).collect();
    if !files.is_empty() && dice.once_in(6) {
        body["attachments"] = json!([dice.pick(&files)]);
    }
    let mut frame = body.clone();
    frame["type"] = json!("post");
    frame["room_id"] = json!(room.id);
    Deed::of(who, "POST", format!("/v1/rooms/{}/messages", room.id), Some(body))
        .frame(frame)
        .teaches(Lesson::Posted { room: at, by: who, root: None })
}

fn answer(dice: &mut Dice, known: &Known, people: &People, number: usize) -> Deed {
    // Threads grow when the same messages are answered.
    let (busy, answered) = (dice.once_in(2), known.answered());
    let root = known
        .message(dice, |at, message| message.root.is_none() && (!busy || answered.contains(&at)));
    let message = &known.messages[root];
    let room = &known.rooms[message.room];
    let who = known.one_of(dice, &room.members);
    let body = json!({"client_id": format!("c{number}"), "body": words(dice, people, number),
                      "thread_root_id": message.id});
    let mut frame = body.clone();
    frame["type"] = json!("post");
    frame["room_id"] = json!(room.id);
    Deed::of(who, "POST", format!("/v1/rooms/{}/messages", room.id), Some(body))
        .frame(frame)
        .teaches(Lesson::Posted { room: message.room, by: who, root: Some(root) })
}

fn edit(dice: &mut Dice, known: &Known, people: &People, number: usize) -> Deed {
    let at = known.message(dice, |_, message| {
        let room = &known.rooms[message.room];
        !known.out.contains(&message.by) && room.members.contains(&message.by)
    });
    let body = json!({"body": format!("{} again", words(dice, people, number))});
    let mut frame = body.clone();
    frame["type"] = json!("edit");
    frame["message_id"] = json!(known.messages[at].id);
    let who = known.messages[at].by;
    Deed::of(who, "PATCH", about(known, at, ""), Some(body)).frame(frame)
}

fn delete(dice: &mut Dice, known: &Known) -> Deed {
    let at = known.message(dice, |_, message| !known.out.contains(&message.by));
    let message = &known.messages[at];
    let room = &known.rooms[message.room];
    if dice.once_in(5) {
        let reason = json!({"reason": "it was moderated"});
        let path = format!("/v1/admin/messages/{}", message.id);
        return Deed::of(ADMIN, "DELETE", path, Some(reason)).teaches(Lesson::Gone(at));
    }
    let by_admin = room.kind != Kind::Direct && dice.once_in(3);
    let who = if by_admin { known.one_of(dice, &room.admins) } else { message.by };
    Deed::of(who, "DELETE", about(known, at, ""), None)
        .frame(json!({"type": "delete", "message_id": message.id}))
        .teaches(Lesson::Gone(at))
}

fn react(dice: &mut Dice, known: &Known) -> Deed {
    let at = known.message(dice, |_, _| true);
    let message = &known.messages[at];
    let who = known.one_of(dice, &known.rooms[message.room].members);
    let emoji = *dice.pick(&EMOJI);
    let (method, kind) = if dice.once_in(3) { ("DELETE", "unreact") } else { ("PUT", "react") };
    let path = about(known, at, &format!("/reactions/{}", path_of(emoji)));
    Deed::of(who, method, path, None)
        .frame(json!({"type": kind, "message_id": message.id, "emoji": emoji}))
}

fn pin(dice: &mut Dice, known: &Known) -> Deed {
    let at = known.message(dice, |_, _| true);
    let room = &known.rooms[known.messages[at].room];
    let able = if room.kind == Kind::Public { &room.admins } else { &room.members };
    let who = known.one_of(dice, able);
    let method = if dice.once_in(3) { "DELETE" } else { "PUT" };
    Deed::of(who, method, about(known, at, "/pin"), None)
}

fn read(dice: &mut Dice, known: &Known) -> Deed {
    if dice.once_in(6) {
        let who = known.actor(dice);
        return Deed::of(who, "PUT", "/v1/notifications/read".to_owned(), None);
    }
    let at = known.message(dice, |_, _| true);
    let message = &known.messages[at];
    let room = &known.rooms[message.room];
    let who = known.one_of(dice, &room.members);
    let body = json!({"message_id": message.id});
    let frame = json!({"type": "read", "room_id": room.id, "message_id": message.id});
    Deed::of(who, "PUT", format!("/v1/rooms/{}/read", room.id), Some(body)).frame(frame)
}

fn thread(dice: &mut Dice, known: &Known) -> Deed {
    let at = known.message(dice, |_, message| message.root.is_some());
    let message = &known.messages[at];
    let room = &known.rooms[message.room];
    let (who, root) = (known.one_of(dice, &room.members), message.root.unwrap_or(at));
    match dice.below(5) {
        0 => Deed::of(who, "PUT", about(known, root, "/follow"), None),
        1 => Deed::of(who, "DELETE", about(known, root, "/follow"), None),
        _ => {
            let frame = json!({"type": "read", "room_id": room.id, "message_id": message.id,
                               "thread_root_id": known.messages[root].id});
            let body = json!({"message_id": message.id});
            Deed::of(who, "PUT", about(known, root, "/thread/read"), Some(body)).frame(frame)
        }
    }
}

fn own_settings(dice: &mut Dice, known: &Known) -> Deed {
    let room = &known.rooms[known.room(dice)];
    let path = format!("/v1/rooms/{}/members/me", room.id);
    let who = known.one_of(dice, &room.members);
    if room.kind == Kind::Direct {
        return Deed::of(who, "DELETE", path, None);
    }
    let notify = *dice.pick(&["all", "mentions", "none"]);
    let body = json!({"notify": notify, "pinned": dice.once_in(2)});
    Deed::of(who, "PATCH", path, Some(body))
}

/// Coming, going, and who may do what in a room.
fn membership(dice: &mut Dice, known: &Known, people: &People) -> Deed {
    let at = known.room(dice);
    let room = &known.rooms[at];
    let path = |rest: &str| format!("/v1/rooms/{}{rest}", room.id);
    let by = known.one_of(dice, &room.admins);
    let inside = known.one_of(dice, &room.members);
    let outside = (0..people.len()).filter(|who| !room.members.contains(who)).collect();
    let outside = known.one_of(dice, &outside);
    let (id, odd) = (people[inside].0.as_str(), dice.once_in(2));
    match dice.below(12) {
        0 | 1 if room.kind == Kind::Public => Deed::of(outside, "PUT", path("/members/me"), None)
            .teaches(Lesson::Came { room: at, who: outside }),
        0..4 => Deed::of(by, "POST", path("/members"), Some(json!({"user": people[outside].0})))
            .teaches(Lesson::Came { room: at, who: outside }),
        4 if inside != by => Deed::of(inside, "DELETE", path("/members/me"), None)
            .teaches(Lesson::Went { room: at, who: inside }),
        5 => Deed::of(by, "DELETE", path(&format!("/members/{id}")), None)
            .teaches(Lesson::Went { room: at, who: inside }),
        6 => {
            let until = if odd { json!(LATER) } else { Value::Null };
            let body = json!({"muted_until": until});
            Deed::of(by, "PATCH", path(&format!("/members/{id}")), Some(body))
        }
        7 => {
            let body = json!({"role": if odd { "admin" } else { "member" }});
            Deed::of(by, "PATCH", path(&format!("/members/{id}")), Some(body))
                .teaches(Lesson::Role { room: at, who: inside, admin: odd })
        }
        8 => {
            let until = if odd { json!(LATER) } else { Value::Null };
            let banned = json!({"reason": "noise", "until": until});
            Deed::of(by, "PUT", path(&format!("/bans/{id}")), Some(banned))
                .teaches(Lesson::Banned { room: at, who: inside, banned: true })
        }
        9 => {
            let who = room.banned.first().copied().unwrap_or(inside);
            Deed::of(by, "DELETE", path(&format!("/bans/{}", people[who].0)), None)
                .teaches(Lesson::Banned { room: at, who, banned: false })
        }
        10 => Deed::of(by, "POST", path("/invites"), Some(json!({"max_uses": 3})))
            .teaches(Lesson::Invited { room: at }),
        _ => {
            let Some((code, to)) = known.invites.last() else {
                return Deed::of(by, "GET", path("/invites"), None);
            };
            let body = Some(json!({}));
            Deed::of(outside, "POST", format!("/v1/invites/{code}/accept"), body)
                .teaches(Lesson::Came { room: *to, who: outside })
        }
    }
}

/// Rooms themselves.
fn room(dice: &mut Dice, known: &Known, people: &People, number: usize) -> Deed {
    let at = known.room(dice);
    let room = &known.rooms[at];
    let path = format!("/v1/rooms/{}", room.id);
    let by = known.one_of(dice, &room.admins);
    let change = |body| Deed::of(by, "PATCH", path.clone(), Some(body));
    match dice.below(10) {
        0 => change(json!({"topic": format!("topic {number}")})),
        // The room that everybody is in is known by its name.
        1 if at != known.general => change(json!({"name": format!("room {number}")})),
        2 => change(json!({"posting": if dice.once_in(3) { "admins" } else { "everyone" }})),
        3 => change(json!({"slow_mode_seconds": dice.below(2)})),
        4 if dice.once_in(3) => Deed::of(by, "DELETE", path, None)
            .teaches(Lesson::Archived { room: at, archived: true }),
        5 | 6 => {
            let gone = (0..known.rooms.len()).find(|one| known.rooms[*one].archived);
            let (at, back) = (gone.unwrap_or(at), json!({"archived": false}));
            let by = known.one_of(dice, &known.rooms[at].admins);
            Deed::of(by, "PATCH", format!("/v1/rooms/{}", known.rooms[at].id), Some(back))
                .teaches(Lesson::Archived { room: at, archived: false })
        }
        // Everybody is in it as long as everybody may find it.
        7 if at != known.general => {
            let visibility = if dice.once_in(3) { "private" } else { "public" };
            change(json!({"visibility": visibility}))
        }
        _ => made(dice, known, people, number),
    }
}

/// A room is made, or found: one of two or three people is there once.
fn made(dice: &mut Dice, known: &Known, people: &People, number: usize) -> Deed {
    let who = known.actor(dice);
    let members: Vec<usize> = (0..3).map(|_| known.actor(dice)).collect();
    let ids = |of: &[usize]| of.iter().map(|one| people[*one].0.clone()).collect::<Vec<_>>();
    if dice.once_in(2) || known.rooms.len() >= ROOMS {
        let members = members[..dice.below(3)].to_vec();
        let body = json!({"members": ids(&members)});
        return Deed::of(who, "POST", "/v1/direct".to_owned(), Some(body)).teaches(Lesson::Made {
            kind: Kind::Direct,
            by: who,
            members,
        });
    }
    let public = dice.once_in(2);
    let (kind, visibility) = if public { ("channel", "public") } else { ("group", "private") };
    let name = format!("made {number}");
    let body =
        json!({"kind": kind, "name": name, "visibility": visibility, "members": ids(&members)});
    let kind = if public { Kind::Public } else { Kind::Group };
    Deed::of(who, "POST", "/v1/rooms".to_owned(), Some(body)).teaches(Lesson::Made {
        kind,
        by: who,
        members,
    })
}

/// One's own account.
fn account(dice: &mut Dice, known: &Known, people: &People, number: usize) -> Deed {
    let who = known.actor(dice);
    let me = |body| Deed::of(who, "PATCH", "/v1/users/me".to_owned(), Some(body));
    let refuses = if dice.once_in(8) { "shared_rooms" } else { "everyone" };
    match dice.below(11) {
        0 => me(json!({"display_name": format!("Name {number}")})),
        1 => me(json!({"bio": format!("bio {number}"), "settings": {"number": number}})),
        2 => me(json!({"username": format!("{}n{number}", people[who].1)})),
        3 => me(json!({"preferences": {"read_receipts": dice.once_in(2)}})),
        4 => me(json!({"preferences": {"added_to_rooms": refuses}})),
        5 => me(json!({"preferences": {"direct_messages": refuses}})),
        6 => me(json!({"preferences": {"presence": dice.once_in(2)}})),
        7 => {
            let until = if dice.once_in(2) { json!(LATER) } else { Value::Null };
            me(json!({"preferences": {"do_not_disturb_until": until, "email": "none"}}))
        }
        _ => {
            let other = &people[known.actor(dice)].0;
            let method = if dice.once_in(3) { "PUT" } else { "DELETE" };
            Deed::of(who, method, format!("/v1/users/me/blocks/{other}"), None)
        }
    }
}
