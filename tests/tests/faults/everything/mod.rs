//! Twenty people do everything that people can do, at random, by a seed: over REST and on sockets, at two gateways, while
//! sockets are cut, clients go away and come back, and services are killed.
//!
//! In the end the read model is what a rebuild makes of the log, and what every client made of its frames, its resumes and
//! what it was told to load is what REST shows its user. Which client does what with which is chosen before anything of
//! a round is begun and from answers of the rounds before, so that a seed plays it again; what happens at once in a round
//! is not bound to an order.

mod client;
mod deed;
mod deeds;
mod door;
mod facts;
mod known;
mod picture;
mod room;
mod seldom;
mod shown;
mod thread;
mod town;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tests::kit::last;
use tests::kit::person::Person;
use tests::kit::separate::{Separate, Setup};
use tokio::time::Instant;

use crate::schedule::{Dice, Schedule, by_length, long};
use deed::Deed;
use facts::{Difference, differences};
use shown::Reader;
use town::Town;

/// What happens at once.
const AT_ONCE: usize = 6;
/// How long frames and documents may be on their way after the last thing was done.
const SETTLED: Duration = Duration::from_secs(30);
/// Differences that are told.
const TOLD: usize = 12;
/// Who is suspended for a while, who erases their account, and who asks for a copy of their data.
const SUSPENDED: usize = 5;
const ERASED: usize = 19;
const EXPORTER: usize = 3;

/// A day of retention is a second here: old messages are purged, or archived. Gateways remember so little that who was
/// away for long is resumed out of the read model.
const fn flags(purges: bool) -> [&'static str; 10] {
    let retention = if purges { "purge" } else { "archive" };
    [
        "--unverified",
        "everything",
        "--memory",
        "4MiB",
        "--retention-day",
        "1s",
        "--retention-interval",
        "200ms",
        "--retention",
        retention,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_people_do_everything() {
    let mut schedule = Schedule::of("twenty_people_do_everything");
    let purges = schedule.dice.once_in(2);
    let setup = Setup { flags: flags(purges).to_vec(), ..Setup::on("sqlite") };
    let mut separate = Separate::start_with(setup);
    tokio::task::block_in_place(|| separate.run("chat-svc-1"));
    let mut town = Town::found(&separate).await;
    Box::pin(live(&mut town, &mut separate, &mut schedule)).await;
    let (done, all) = (town.done, town.journal.len());
    schedule.say(&format!("{done} of {all} things were done; old messages are purged: {purges}"));
    assert!(done > all * 6 / 10, "{done} of {all} things were done");
    town.gathers();
    town.ends_holds().await;
    town.erasure_ends().await;
    let judged = Box::pin(judged(&town)).await;
    let Judged { facts, unsure, different } = judged;
    schedule.say(&format!("{facts} facts were compared, clients cannot know {unsure} others"));
    tokio::task::block_in_place(|| separate.verify());
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(unsure < facts / 10, "clients that know too little prove nothing");
}

/// Rounds of things that are done at once, with what happens once among them.
async fn live(town: &mut Town, separate: &mut Separate, schedule: &mut Schedule) {
    let rounds = by_length(160, 2_400);
    let mut dice = schedule.dice_of("town");
    let kills = kills(&mut dice, rounds);
    for round in 0..rounds {
        let at_once = 1 + dice.below(AT_ONCE);
        let doing: Vec<_> = (0..at_once).map(|_| town.begins_something(&mut dice)).collect();
        town.moves_clients(&mut dice);
        for (_, name) in kills.iter().filter(|(at, _)| *at == round) {
            schedule.say(&format!("round {round}: kills {name}"));
            tokio::task::block_in_place(|| {
                separate.kill(name);
                separate.run(name);
            });
        }
        for (deed, number, task) in doing {
            let answer = task.await.expect("it is done");
            town.learns(&deed, number, &answer);
        }
        once(town, round * 20 / rounds, round * 20 % rounds < 20).await;
    }
}

/// Which service is killed in which round: each of two gateways and two chat-svc in turn.
fn kills(dice: &mut Dice, rounds: usize) -> Vec<(usize, &'static str)> {
    let names = ["gateway-1", "chat-svc", "gateway-0", "chat-svc-1"];
    let times = if long() { 5 } else { 1 };
    let all = names.iter().cycle().take(names.len() * times).copied();
    let part = rounds / (names.len() * times + 1);
    all.enumerate()
        .map(|(number, name)| (part * (number + 1) - dice.below(part / 2), name))
        .collect()
}

/// What happens once, in a twentieth of the rounds.
async fn once(town: &mut Town, twentieth: usize, begins: bool) {
    if !begins {
        return;
    }
    let admin = |path: String, body: Value| Deed::of(0, "PATCH", path, Some(body));
    let user = format!("/v1/admin/users/{}", town.names[SUSPENDED].0);
    let forgetful = format!("/v1/rooms/{}", town.known.rooms[town.forgetful].id);
    let owner = 2;
    match twentieth {
        4 => {
            let asks = town.people[EXPORTER].lock().unwrap().password.clone();
            let path = "/v1/users/me/exports".to_owned();
            let deed = Deed::of(EXPORTER, "POST", path, Some(json!({"password": asks})));
            town.does_well(deed).await;
        }
        6 => {
            town.known.out.insert(SUSPENDED);
            town.does_well(admin(user, json!({"suspended": true, "reason": "noise"}))).await;
        }
        9 => {
            town.does_well(admin(user, json!({"suspended": false}))).await;
            let before = town.people[SUSPENDED].lock().unwrap().clone();
            let again = logged_in(&before).await;
            *town.people[SUSPENDED].lock().unwrap() = again;
            town.known.out.remove(&SUSPENDED);
            town.gathers();
        }
        11 => {
            let password = town.people[ERASED].lock().unwrap().password.clone();
            let body = Some(json!({"password": password}));
            town.known.out.insert(ERASED);
            let deed = Deed::of(ERASED, "DELETE", "/v1/users/me".to_owned(), body);
            let begun = town.does_well(deed).await;
            town.erasure = facts::text(&begun["erasure_id"]);
        }
        14 | 15 => {
            let days = if twentieth == 14 { 1 } else { 36_500 };
            let body = json!({"retention_days": days, "archived": false});
            town.does_well(Deed::of(owner, "PATCH", forgetful, Some(body))).await;
        }
        _ => {}
    }
}

/// A new session, by the address: the name may be another one by now.
async fn logged_in(person: &Person) -> Person {
    Person::login_at(&person.place, 0, &person.email, &person.password).await
}

/// What came of comparing what clients hold with what REST shows.
#[derive(Default)]
struct Judged {
    /// How many facts were compared, and how many were not as clients cannot know them.
    facts: usize,
    unsure: usize,
    /// What clients hold otherwise, told with what was done last about it.
    different: Vec<String>,
}

/// Compares until clients hold what REST shows, or everything had the time to settle.
async fn judged(town: &Town) -> Judged {
    let deadline = Instant::now() + SETTLED;
    let mut open: BTreeSet<usize> = (0..town.clients.len()).collect();
    let mut judged = Judged::default();
    loop {
        judged.different.clear();
        for client in open.clone() {
            let found = compared(town, client).await;
            if found.different.is_empty() {
                open.remove(&client);
                judged.facts += found.facts;
                judged.unsure += found.unsure;
            }
            judged.different.extend(found.different);
        }
        if open.is_empty() || Instant::now() > deadline {
            return judged;
        }
        last(Duration::from_millis(300)).await;
    }
}

async fn compared(town: &Town, number: usize) -> Judged {
    let client = &town.clients[number];
    // Of an account that was erased there is no session any more.
    if client.who == ERASED {
        return Judged::default();
    }
    let token = town.people[client.who].lock().unwrap().access.clone();
    let (since, door) = (town.door.newest().1, &town.door);
    let reader = Reader { door, token: &token, gateway: number, since: &since };
    let also: Vec<String> = town.known.rooms.iter().map(|room| room.id.clone()).collect();
    let shown = reader.facts(&also).await;
    let blocked = reader.blocked().await;
    let picture = client.picture.lock().unwrap();
    let (mut held, mut unsure) = picture.facts(&blocked);
    // Who does not know all threads takes the list of them for what the badge counts.
    if unsure.remove("badge threads") {
        held.insert("badge threads".to_owned(), json!(shown::threads_waiting(&shown)));
    }
    // Names of users whom the client does not meet are not known to it.
    let unsure: BTreeSet<String> = unsure
        .into_iter()
        .chain(
            held.keys()
                .filter(|key| key.starts_with("user "))
                .filter(|key| !shown.contains_key(*key))
                .cloned(),
        )
        .collect();
    let odd = picture.odd().iter().map(|odd| format!("{}: {odd}", client.name));
    let found = differences(&held, &shown, &unsure);
    let told = found.iter().take(TOLD).map(|one| {
        let mut told = format!("{}: {one}", client.name);
        for entry in last_of(town, one) {
            let _ = write!(told, "\n    done  {entry}");
        }
        for heard in picture.heard_of(&one.key) {
            let _ = write!(told, "\n    heard {heard}");
        }
        told
    });
    let unsure = held.keys().filter(|key| unsure.contains(*key)).count();
    Judged { facts: held.len() - unsure, unsure, different: odd.chain(told).collect() }
}

/// The last things that were done about what differs.
fn last_of(town: &Town, difference: &Difference) -> Vec<String> {
    let about = difference.key.rsplit(' ').next().unwrap_or_default();
    let of = town.journal.iter().rev().filter(|entry| entry.is_about(about));
    let mut of: Vec<String> = of.take(8).map(ToString::to_string).collect();
    of.reverse();
    of
}
