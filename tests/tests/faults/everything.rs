//! Twenty people do everything that can be done in rooms, at random, by a seed: at two gateways, while sockets are cut.
//! In the end every client holds what REST shows, both gateways show the same, and the read model is what a rebuild makes
//! of the log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tests::kit::person::{Person, id_of, items};
use tests::kit::separate::Separate;
use tests::kit::until;
use tokio::task::JoinHandle;

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::schedule::{Dice, Schedule, by_length};

/// People who are busy at the same time.
const BUSY: usize = 5;
/// Later than any case runs.
const LATER: &str = "2100-01-01T00:00:00.000Z";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_people_do_everything() {
    let mut schedule = Schedule::of("twenty_people_do_everything");
    let separate = Separate::start("sqlite");
    let crew = Crew::gather(&separate.place, 19, 3).await;
    let town = Town::found(&crew).await;
    let habits = Habits { listeners: 12, churn: 40, ..Habits::default() };
    let load = Load::begin(&schedule, &crew, habits).await;
    let busy: Vec<JoinHandle<usize>> = (0..BUSY)
        .map(|number| tokio::spawn(town.clone().live(schedule.dice_of(&format!("busy-{number}")))))
        .collect();
    let posts = by_length(400, 6_000);
    for moment in schedule.moments(by_length(4, 20), 20..posts) {
        load.reaches(moment).await;
        load.cut();
    }
    load.reaches(posts).await;
    town.stop.store(true, Ordering::SeqCst);
    let mut done = 0;
    for one in busy {
        done += one.await.unwrap();
    }
    schedule.say(&format!("{done} other things were done"));
    assert!(done > posts / 4, "{done} other things");
    load.finish(&separate, &schedule).await;
    town.shows_the_same_everywhere().await;
}

/// What the busy ones share: their own rooms, which no judge of posts looks at.
#[derive(Clone)]
struct Town {
    /// Each at both gateways.
    people: Arc<Vec<[Person; 2]>>,
    rooms: Arc<Vec<String>>,
    messages: Arc<Mutex<Vec<(String, String)>>>,
    invites: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl Town {
    async fn found(crew: &Crew) -> Self {
        let owner = &crew.owner;
        let all: Vec<&Person> = crew.people.iter().collect();
        let mut rooms = vec![owner.channel().await.0, owner.channel().await.0];
        rooms.push(owner.group(&all).await);
        rooms.push(owner.direct(&[all[0]]).await);
        let mut messages = Vec::new();
        for room in &rooms {
            messages.push((room.clone(), id_of(&owner.says(room, "welcome").await)));
        }
        let people = [owner].into_iter().chain(&crew.people);
        let people = people.map(|person| [person.at(0), person.at(1)]).collect();
        Self {
            people: Arc::new(people),
            rooms: Arc::new(rooms),
            messages: Arc::new(Mutex::new(messages)),
            invites: Arc::default(),
            stop: Arc::default(),
        }
    }

    /// Does one thing after the other until told to stop; how many were done and not refused.
    async fn live(self, mut dice: Dice) -> usize {
        let mut done = 0;
        while !self.stop.load(Ordering::SeqCst) {
            done += usize::from(self.does_something(&mut dice).await);
        }
        done
    }

    async fn does_something(&self, dice: &mut Dice) -> bool {
        let at = dice.below(2);
        let who = &dice.pick(&self.people)[at];
        let (room, message) = dice.pick(&self.messages.lock().unwrap().clone()).clone();
        let room = if dice.once_in(3) { dice.pick(&self.rooms).clone() } else { room };
        let other = dice.pick(&self.people)[0].clone();
        let (method, path, body) = self.thing(dice, (&room, &message), &other);
        let ask = who.ask(method, &path);
        let reply = match body {
            Some(body) => ask.json(body).once().await,
            None => ask.once().await,
        };
        assert_ne!(reply.status, 500, "{method} {path}: {}", reply.text);
        let good = (200..300).contains(&reply.status);
        if good && method == "POST" && path.ends_with("/messages") {
            let at = reply.json["room_id"].as_str().unwrap_or(&room).to_owned();
            self.messages.lock().unwrap().push((at, id_of(&reply.json)));
        }
        if good && path.ends_with("/invites") {
            let code = reply.json["code"].as_str().expect("a code").to_owned();
            self.invites.lock().unwrap().push(code);
        }
        good
    }

    /// Something that can be done: what is asked for.
    fn thing(&self, dice: &mut Dice, place: (&str, &str), other: &Person) -> Thing {
        match dice.below(36) {
            0..20 => about_message(dice, place, other),
            20..34 => self.about_room(dice, place.0, other),
            34 => {
                let block = format!("/v1/users/me/blocks/{}", other.id);
                (if dice.once_in(2) { "PUT" } else { "DELETE" }, block, None)
            }
            _ => {
                let receipts = json!({"read_receipts": dice.once_in(2), "email": "none"});
                ("PATCH", "/v1/users/me".to_owned(), Some(json!({"preferences": receipts})))
            }
        }
    }

    fn about_room(&self, dice: &mut Dice, room: &str, other: &Person) -> Thing {
        let rooms = |rest: &str| format!("/v1/rooms/{room}{rest}");
        let (member, ban) = (format!("/members/{}", other.id), format!("/bans/{}", other.id));
        let odd = dice.once_in(2);
        match dice.below(13) {
            0 => {
                let settings = json!({"notify": if odd { "none" } else { "all" }, "pinned": odd});
                ("PATCH", rooms("/members/me"), Some(settings))
            }
            1 => ("DELETE", rooms("/members/me"), None),
            2 | 3 => ("PUT", rooms("/members/me"), None),
            4 => ("POST", rooms("/members"), Some(json!({"user": other.id}))),
            5 => ("DELETE", rooms(&member), None),
            6 => {
                let until = if odd { json!(LATER) } else { Value::Null };
                ("PATCH", rooms(&member), Some(json!({"muted_until": until})))
            }
            7 => {
                let role = if odd { "admin" } else { "member" };
                ("PATCH", rooms(&member), Some(json!({"role": role})))
            }
            8 => ("PUT", rooms(&ban), Some(json!({"reason": "noise"}))),
            9 => ("DELETE", rooms(&ban), None),
            10 => ("POST", rooms("/invites"), Some(json!({"max_uses": 3}))),
            11 => {
                let invites = self.invites.lock().unwrap();
                let code = invites.last().cloned().unwrap_or_else(|| "none".to_owned());
                ("POST", format!("/v1/invites/{code}/accept"), Some(json!({})))
            }
            _ => {
                let posting = if odd { "admins" } else { "everyone" };
                ("PATCH", rooms(""), Some(json!({"posting": posting})))
            }
        }
    }

    /// Both gateways show every person the same, once inboxes have settled.
    async fn shows_the_same_everywhere(&self) {
        let mut paths: Vec<String> = ["/v1/rooms?limit=200", "/v1/users/me", "/v1/users/me/unread"]
            .map(str::to_owned)
            .to_vec();
        paths.push("/v1/notifications?limit=200".to_owned());
        for room in self.rooms.iter() {
            for what in
                ["", "/messages", "/messages?threads=false", "/threads", "/pins", "/members"]
            {
                paths.push(format!("/v1/rooms/{room}{what}"));
            }
        }
        for person in self.people.iter() {
            for path in &paths {
                until(&format!("{path} is the same at both gateways"), async || {
                    let shown = [person[0].get(path).await, person[1].get(path).await];
                    let [one, other] = &shown;
                    // A problem names the request.
                    let same = one.status != 200 || one.json == other.json;
                    (one.status == other.status && same).then_some(())
                })
                .await;
            }
            self.pages_are_those_of_the_store(&person[0]).await;
        }
    }

    /// The newest page, which comes from memory, is the end of what the read model has.
    async fn pages_are_those_of_the_store(&self, person: &Person) {
        for room in self.rooms.iter() {
            let page = |query: &str| format!("/v1/rooms/{room}/messages?limit=20{query}");
            let newest = person.get(&page("")).await;
            if newest.status != 200 {
                continue;
            }
            let newest = items(&newest.json);
            let Some(second) = newest.get(1) else { continue };
            let stored = person.get(&page(&format!("&after={}", id_of(&newest[0])))).await.ok(200);
            assert_eq!(items(&stored), newest[1..], "after {second}");
        }
    }
}

/// What is asked for: method, path, body.
type Thing = (&'static str, String, Option<Value>);

fn about_message(dice: &mut Dice, (room, message): (&str, &str), other: &Person) -> Thing {
    let rooms = |rest: &str| format!("/v1/rooms/{room}{rest}");
    let about = |rest: &str| format!("/v1/messages/{message}{rest}");
    let named = format!("look {}", other.at_name());
    let put = if dice.once_in(2) { "PUT" } else { "DELETE" };
    match dice.below(20) {
        0..6 => ("POST", rooms("/messages"), Some(json!({"body": named}))),
        6..10 => {
            let answer = json!({"body": named, "thread_root_id": message});
            ("POST", rooms("/messages"), Some(answer))
        }
        10 => ("PATCH", about(""), Some(json!({"body": format!("{named} again")}))),
        11 => ("DELETE", about(""), None),
        12 | 13 => (put, about("/reactions/%F0%9F%91%8D"), None),
        14 => (put, about("/pin"), None),
        15 => (put, about("/follow"), None),
        16 => ("PUT", about("/thread/read"), Some(json!({"message_id": message}))),
        17 | 18 => ("PUT", rooms("/read"), Some(json!({"message_id": message}))),
        _ => ("POST", about("/reports"), Some(json!({"reason": "noise"}))),
    }
}
