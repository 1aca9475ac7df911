//! Live messages lost, late and out of order between NATS and one gateway (item 6).

use std::time::Duration;

use tests::kit::chaos::Fate;
use tests::kit::person::Person;
use tests::kit::separate::Separate;

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::schedule::{Dice, Schedule, by_length};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_live_messages_are_back_filled() {
    let separate = Separate::start("sqlite");
    let place = &separate.place;
    let ada = place.found().await;
    // bob's gateway hears of the log through the proxy.
    let bob = Person::register_at(place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut socket = bob.connect().await;
    ada.says(&room, "m0").await;
    assert_eq!(socket.event_in(&room, "message.posted").await["data"]["body"], "m0");
    let mut wanted = 1;
    // The first of several, one in the middle, several in a row, and the last one, after which it is quiet.
    for pattern in [&[0][..], &[2], &[1, 2, 3], &[5], &[0, 1, 2, 3, 4, 5]] {
        let lost_before = separate.proxy.lost();
        let subject = format!(".live.timeline.{room}");
        let (mut number, lose) = (0, pattern.to_vec());
        separate.proxy.lose(move |of| {
            let here = of.ends_with(&subject);
            let lost = here && lose.contains(&number);
            number += usize::from(here);
            lost
        });
        for number in 0..6 {
            ada.says(&room, &format!("m{}", wanted + number)).await;
        }
        for number in 0..6 {
            let event = socket.event_in(&room, "message.posted").await;
            assert_eq!(event["data"]["body"], format!("m{}", wanted + number), "{pattern:?}");
        }
        assert_eq!(separate.proxy.lost() - lost_before, pattern.len() as u64);
        separate.proxy.heal();
        wanted += 6;
    }
    // The connection breaks altogether.
    for _ in 0..3 {
        separate.proxy.cut();
        ada.says(&room, &format!("m{wanted}")).await;
        let event = socket.event_in(&room, "message.posted").await;
        assert_eq!(event["data"]["body"], format!("m{wanted}"));
        wanted += 1;
    }
    tokio::task::block_in_place(|| separate.verify());
}

/// Whatever the way from NATS to one gateway does to live messages: every client hears everything in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_messages_lost_late_and_overtaken() {
    let schedule = Schedule::of("live_messages_lost_late_and_overtaken");
    let separate = Separate::start("sqlite");
    let crew = Crew::gather(&separate.place, 4, 3).await;
    let habits = Habits { listeners: 6, pause: Duration::from_millis(15), ..Habits::default() };
    let load = Load::begin(&schedule, &crew, habits).await;
    load.goes_on(10).await;
    let mut dice = schedule.dice_of("proxy");
    let live = format!("{}.live.", separate.namespace);
    separate.proxy.decide(move |passing| {
        if !passing.subject.starts_with(&live) {
            return Fate::Pass;
        }
        let millis = |dice: &mut Dice, most| Duration::from_millis(1 + dice.below(most) as u64);
        match dice.below(100) {
            0..5 => Fate::Lose,
            5..15 => Fate::Late(millis(&mut dice, 400)),
            15..18 => Fate::Stall(millis(&mut dice, 300)),
            _ => Fate::Pass,
        }
    });
    let wanted = by_length(12, 400);
    while separate.proxy.lost() < wanted {
        load.goes_on(50).await;
        let (lost, late) = (separate.proxy.lost(), separate.proxy.late());
        schedule.say(&format!("{lost} of {wanted} live messages lost, {late} late"));
    }
    separate.proxy.heal();
    assert!(separate.proxy.late() > wanted / 2, "as many are late as are lost, and more");
    load.goes_on(20).await;
    load.finish(&separate, &schedule).await;
}
