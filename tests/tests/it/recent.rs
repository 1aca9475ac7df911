//! The newest page of a room: served from memory it is what the read model shows.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger, id_of, items};
use tests::kit::until;

use crate::erasure::{deleted, done};
use crate::threads::{answers, deletes};

everywhere!(
    the_newest_page_is_what_the_read_model_shows,
    answers_deleted_after_their_root_are_counted_out,
    a_page_in_memory_is_for_members_only,
    how_an_erased_user_wrote_is_on_no_page,
);

/// A row of random choices that is the same in every run.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        // Of a linear congruential generator only the upper half is random.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from((self.0 >> 33) % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// Does something at random to a room and what was said in it. Refusals are part of it: some of it is deleted.
async fn change(who: &Person, room: &str, said: &mut Vec<String>, choices: &mut Choices) {
    let any = said[choices.below(said.len())].clone();
    let message = format!("/v1/messages/{any}");
    let posts = format!("/v1/rooms/{room}/messages");
    match choices.below(9) {
        0 | 1 => said.push(id_of(&who.says(room, "something").await)),
        2 | 3 => {
            let answer = json!({"body": "an answer", "thread_root_id": any});
            let reply = who.post(&posts, answer).await;
            if reply.status == 201 {
                said.push(id_of(&reply.ok(201)));
            }
        }
        4 => drop(who.patch(&message, json!({"body": "edited"})).await),
        5 => drop(who.delete(&message).await),
        6 => drop(who.put_empty(&format!("{message}/reactions/%F0%9F%91%8D")).await),
        7 => drop(who.delete(&format!("{message}/reactions/%F0%9F%91%8D")).await),
        _ => drop(who.put_empty(&format!("{message}/pin")).await),
    }
}

async fn page(who: &Person, path: &str) -> Vec<Value> {
    items(&who.get(path).await.ok(200))
}

/// How many reads of newest pages the first gateway has answered from memory.
async fn hits(place: &Place) -> u64 {
    let figures = Stranger::new(place).operates("/metrics").await;
    let hits = "tidings_recent_pages_total{outcome=\"hit\"} ";
    let line = figures.text.lines().find_map(|line| line.strip_prefix(hits));
    line.map_or(0, |count| count.parse().unwrap())
}

async fn the_newest_page_is_what_the_read_model_shows(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let first = id_of(&ada.says(&room, "first").await);
    let mut said = vec![id_of(&ada.says(&room, "second").await)];
    let before = hits(&place).await;
    let mut choices = Choices(20_261_126);
    for round in 0..60 {
        let who = if choices.below(2) == 0 { &ada } else { &bob };
        change(who, &room, &mut said, &mut choices).await;
        for (limit, threads) in [(20, ""), (5, "&threads=false"), (7, "")] {
            let newest = page(who, &format!("{path}?limit={limit}{threads}")).await;
            let all = page(who, &format!("{path}?after={first}&limit=200{threads}")).await;
            let expected = &all[all.len().saturating_sub(limit)..];
            let newest = &newest[newest.len().saturating_sub(all.len())..];
            assert_eq!(newest, expected, "round {round}, limit {limit}{threads}");
        }
    }
    assert!(hits(&place).await > before + 20, "many of them come from memory");
}

async fn answers_deleted_after_their_root_are_counted_out(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let root = id_of(&ada.says(&room, "asks").await);
    let one = answers(&ada, &room, &root, "one").await;
    let two = answers(&ada, &room, &root, "two").await;
    let counted = async |replies: u64| {
        let alone = ada.get(&format!("/v1/messages/{root}")).await.ok(200);
        let newest = page(&ada, &path).await;
        assert_eq!((&newest[0], &alone["reply_count"]), (&alone, &json!(replies)));
        until("bob's gateway shows the same", async || {
            (page(&bob, &path).await[0] == newest[0]).then_some(())
        })
        .await;
    };
    counted(2).await;
    deletes(&ada, &root).await;
    counted(2).await;
    deletes(&ada, &two).await;
    counted(1).await;
    deletes(&ada, &one).await;
    counted(0).await;
}

async fn a_page_in_memory_is_for_members_only(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let eve = Person::register(&place, "eve").await;
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    ada.says(&room, "hello").await;
    for who in [&ada, &bob] {
        assert_eq!(items(&who.get(&path).await.ok(200)).len(), 1);
        assert_eq!(items(&who.get(&path).await.ok(200)).len(), 1);
    }
    eve.get(&path).await.problem(404, "not_found");
    ada.delete(&format!("/v1/rooms/{room}/members/{}", bob.id)).await;
    ada.says(&room, "without bob").await;
    assert_eq!(items(&ada.get(&path).await.ok(200)).len(), 2);
    // Once, and without waiting for anything: they may see for a moment what they saw before, never what came after.
    let removed = bob.ask("GET", &path).once().await;
    assert!(removed.status == 404 || items(&removed.json).len() == 1, "{}", removed.text);
    until("bob is out", async || (bob.get(&path).await.status == 404).then_some(())).await;
    assert_eq!(items(&ada.get(&path).await.ok(200)).len(), 2);
}

/// With the account goes how a user wrote what is deleted, from the store and from a page that was loaded before.
async fn how_an_erased_user_wrote_is_on_no_page(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let first = id_of(&ada.says(&room, "first").await);
    let post = json!({"body": "*strong*", "format": "markdown", "client_id": "own"});
    bob.post(&path, post).await.ok(201);
    assert_eq!(page(&ada, &path).await[1]["format"], "markdown");
    let erasure = deleted(&bob).await;
    done(&Stranger::new(&place), &erasure).await;
    until("the newest page is that of the store", async || {
        let stored = page(&ada, &format!("{path}?after={first}")).await;
        let newest = page(&ada, &path).await;
        (stored == newest[1..] && stored[0]["format"] == "plain").then_some(())
    })
    .await;
}
