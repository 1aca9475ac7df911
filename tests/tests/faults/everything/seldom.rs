//! What is done seldom: what is only looked at, the inbox and presence, and what those in office do.

use serde_json::{Value, json};

use super::deed::{ADMIN, Deed, EMOJI, People, about, path_of};
use super::known::{Kind, Known, Lesson};
use crate::schedule::Dice;

fn get(who: usize, path: impl Into<String>) -> Deed {
    Deed::of(who, "GET", path.into(), None)
}

/// Something is looked at that no client keeps: it must be answered, whatever happens meanwhile.
pub(super) fn look(dice: &mut Dice, known: &Known) -> Deed {
    let at = known.message(dice, |_, _| true);
    let members = &known.rooms[known.messages[at].room].members;
    let who = known.one_of(dice, members);
    match dice.below(9) {
        0 => get(who, "/v1/search/messages?q=something"),
        1 => get(who, about(known, at, "/history")),
        2 => get(who, about(known, at, "/readers")),
        3 => get(
            who,
            about(known, at, &format!("/reactions/{}", path_of(dice.pick::<&str>(&EMOJI)))),
        ),
        4 => get(who, "/v1/users?query=p"),
        5 => get(who, "/v1/rooms?visibility=public"),
        6 => get(ADMIN, "/v1/admin/events?limit=20"),
        7 => get(ADMIN, "/v1/admin/stats"),
        _ => match known.invites.last() {
            Some((code, _)) => get(who, format!("/v1/invites/{code}")),
            None => get(who, "/v1/sessions"),
        },
    }
}

/// One's inbox, typing, and what one says and wants to know of presence.
pub(super) fn inbox_and_presence(dice: &mut Dice, known: &Known, people: &People) -> Deed {
    let who = known.actor(dice);
    match dice.below(8) {
        0 | 1 => get(who, "/v1/notifications?unread=true").teaches(Lesson::Inbox { who }),
        2..5 => {
            let waiting = known.unread.iter().filter(|(whose, _)| !known.out.contains(whose));
            let waiting: Vec<&(usize, String)> = waiting.collect();
            if waiting.is_empty() {
                return get(who, "/v1/notifications?unread=true").teaches(Lesson::Inbox { who });
            }
            let (whose, entry) = *dice.pick(&waiting);
            Deed::of(*whose, "PUT", format!("/v1/notifications/{entry}/read"), None)
        }
        5 => {
            let room = &known.rooms[known.room(dice)];
            let who = known.one_of(dice, &room.members);
            let typing = json!({"type": "typing", "room_id": room.id, "active": true});
            get(who, "/v1/rooms").frame(typing)
        }
        6 => {
            let status = *dice.pick(&["online", "away", "dnd", "invisible"]);
            get(who, "/v1/users/me").frame(json!({"type": "presence", "status": status}))
        }
        _ => {
            let watched: Vec<&str> = (0..5).map(|_| dice.pick(people).0.as_str()).collect();
            let watch = json!({"type": "watch_presence", "user_ids": watched});
            get(who, "/v1/users/me").frame(watch)
        }
    }
}

/// Reports, and what administrators and those who own something do.
pub(super) fn office(dice: &mut Dice, known: &Known, people: &People, number: usize) -> Deed {
    let reason = json!({"reason": format!("noise {number}")});
    match dice.below(12) {
        0 | 1 => {
            let at = known.message(dice, |_, _| true);
            let reader = known.one_of(dice, &known.rooms[known.messages[at].room].members);
            Deed::of(reader, "POST", about(known, at, "/reports"), Some(reason))
                .teaches(Lesson::Reported)
        }
        2 => {
            let Some(report) = known.reports.last() else { return get(ADMIN, "/v1/admin/reports") };
            let handled = json!({"status": if dice.once_in(2) { "dismissed" } else { "actioned" }});
            Deed::of(ADMIN, "PATCH", format!("/v1/admin/reports/{report}"), Some(handled))
        }
        3 => {
            let who = known.actor(dice);
            let told =
                json!({"user_ids": [people[who].0], "title": "news", "body": format!("{number}")});
            Deed::of(ADMIN, "POST", "/v1/admin/notifications".to_owned(), Some(told))
        }
        4 | 5 => role(dice, known, people),
        6 | 7 => hold(dice, known, reason),
        8 => {
            let Some((code, to)) = known.invites.first() else {
                return get(ADMIN, "/v1/admin/rooms");
            };
            let room = &known.rooms[*to];
            let by = known.one_of(dice, &room.admins);
            Deed::of(by, "DELETE", format!("/v1/rooms/{}/invites/{code}", room.id), None)
                .teaches(Lesson::Revoked { code: code.clone() })
        }
        9 if dice.once_in(2) => {
            let room = known.room(dice);
            let path = format!("/v1/admin/rooms/{}", known.rooms[room].id);
            Deed::of(ADMIN, "DELETE", path, Some(reason))
                .teaches(Lesson::Archived { room, archived: true })
        }
        10 => {
            let own = known.files.iter().filter(|(owner, _)| !known.out.contains(owner));
            let own: Vec<&(usize, String)> = own.collect();
            if own.is_empty() {
                return get(ADMIN, "/v1/admin/users");
            }
            let (owner, file) = *dice.pick(&own);
            Deed::of(*owner, "DELETE", format!("/v1/media/{file}"), None)
                .teaches(Lesson::Removed { file: file.clone() })
        }
        _ => get(ADMIN, "/v1/admin/request-log?limit=20"),
    }
}

/// What a user may do everywhere, or all of a room.
fn role(dice: &mut Dice, known: &Known, people: &People) -> Deed {
    let at = known.room(dice);
    let room = &known.rooms[at];
    if room.kind != Kind::Direct && at != known.general && dice.once_in(2) {
        let who = known.one_of(dice, &room.members);
        let path = format!("/v1/admin/rooms/{}/owners/{}", room.id, people[who].0);
        let lesson = Lesson::Role { room: at, who, admin: true };
        return Deed::of(ADMIN, "PUT", path, None).teaches(lesson);
    }
    let others = (1..people.len()).collect();
    let (who, role) = (known.one_of(dice, &others), *dice.pick(&["moderator", "user"]));
    let path = format!("/v1/admin/users/{}", people[who].0);
    Deed::of(ADMIN, "PATCH", path, Some(json!({"role": role})))
}

/// A room is held, or not any more.
fn hold(dice: &mut Dice, known: &Known, reason: Value) -> Deed {
    let room = &known.rooms[known.room(dice)];
    let method = if dice.once_in(2) { "PUT" } else { "DELETE" };
    Deed::of(ADMIN, method, format!("/v1/admin/holds/rooms/{}", room.id), Some(reason))
}
