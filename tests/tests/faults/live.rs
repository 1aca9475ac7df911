//! Live messages lost, late and out of order between NATS and one gateway (item 6).

use tests::kit::person::Person;
use tests::kit::separate::Separate;

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
