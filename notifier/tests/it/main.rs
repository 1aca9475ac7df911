//! The notifier against a real nats-server and a read model in SQLite.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod digests;
mod house;
mod server;

use std::time::Duration;

use eventlog::{Expect, LaneWrite};
use readmodel::{Document, NotificationDoc};
use schemas::commands::{MarkNotificationsRead, Reply, SendNotification};
use schemas::events::{NotificationCreated, NotificationEvent};
use schemas::ids::UserId;
use schemas::values::{Notice, NotificationKind, Role, Title, UserRef, Username};
use schemas::{Code, Event, EventData, Lane, Sequence};
use uuid::Uuid;

use house::{House, asked_by, event};
use server::{mail_server, until};

#[tokio::test]
async fn a_registration_is_welcomed_and_mailed() {
    let house = House::new().await;
    let running = house.notifier(None).await;
    let (ada, cause) = house.registers(1, "ada", Role::User).await;
    running.counts("inbox", "done", 1).await;
    running.counts("mail", "done", 1).await;
    let entries = house.entries(&ada).await;
    assert_eq!(entries.len(), 1);
    let (_, event, entry) = &entries[0];
    assert_eq!((entry.kind, entry.login), (NotificationKind::Welcome, false));
    assert_eq!((&entry.title, &entry.body), (&None, &None), "names are put in when it is read");
    assert_eq!(event.causation.as_ref(), Some(&cause.id));
    let trace = |event: &Event| event.traceparent.clone().unwrap().trace_id().to_owned();
    assert_eq!(trace(event), trace(&cause));
    let mails = house.mails().await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("To: ada <ada@example.org>"), "{}", mails[0]);
    running.stop().await;
}

#[tokio::test]
async fn an_effect_happens_once_when_the_queue_starts_over() {
    let house = House::new().await;
    let running = house.notifier(None).await;
    let (ada, _) = house.registers(1, "ada", Role::User).await;
    running.counts("inbox", "done", 1).await;
    running.counts("mail", "done", 1).await;
    running.stop().await;
    house.forget_queue("inbox").await;
    house.forget_queue("mail").await;
    let running = house.notifier(None).await;
    running.counts("inbox", "done_before", 1).await;
    running.counts("mail", "done_before", 1).await;
    assert_eq!(house.entries(&ada).await.len(), 1);
    assert_eq!(house.mails().await.len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_redelivery_finds_its_entry_in_the_read_model() {
    let house = House::new().await;
    // A first notifier that died after the effect and before its acknowledgement.
    let spec = eventlog::ConsumerSpec {
        start: eventlog::StartAt::Beginning,
        ..eventlog::ConsumerSpec::new("inbox", vec![schemas::subjects::LaneKind::User])
    };
    let mut queue = house.log.consumer(spec).await.unwrap();
    let (ada, cause) = house.registers(1, "ada", Role::User).await;
    let delivery = queue.next().await.unwrap();
    let seen = notifier::policy::PolicyContext::default();
    let effects = notifier::policy::effects(&cause, 1, &seen);
    let entry = effects
        .into_iter()
        .find_map(|effect| match effect {
            notifier::policy::Effect::Inbox(entry) => Some(entry),
            _ => None,
        })
        .unwrap();
    let write = LaneWrite::new(Lane::Inbox(ada), event(2, entry.clone()), Expect::Any);
    let appended = house.log.append(vec![write]).await.unwrap();
    let sequence = appended.position.sequence;
    let doc = NotificationDoc {
        id: entry.notification_id,
        user_id: ada,
        kind: entry.kind,
        title: entry.title,
        body: entry.body,
        actor_id: None,
        login: false,
        room_id: None,
        message_id: None,
        thread_root_id: None,
        posted: 0,
        caused: 0,
        removed: false,
        read: false,
        created_at: entry.created_at,
        created: sequence,
        updated: sequence,
    };
    let docs = vec![Document::Notification(std::sync::Arc::new(doc))];
    house.read_model.writer().commit(0, appended.position, docs).await.unwrap();
    drop(queue);
    delivery.retry_after(Duration::ZERO, "the test").await.unwrap();

    let running = house.notifier(None).await;
    running.counts("inbox", "done_before", 1).await;
    assert_eq!(house.entries(&ada).await.len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn poison_is_parked_once_and_others_go_on() {
    let house = House::new().await;
    let running = house.notifier(None).await;
    let victim = Lane::User(UserId::from_uuid(Uuid::from_u128(66)));
    let subject = victim.subject(house.log.namespace());
    house.server.publish(&subject, "{\"not\":\"an event\"}").await;
    let (ada, _) = house.registers(1, "ada", Role::User).await;
    running.counts("inbox", "done", 1).await;
    running.counts("mail", "done", 1).await;
    assert_eq!(house.entries(&ada).await.len(), 1);
    let dead = house.log.dead_letters().await.unwrap();
    let letters = until("both channels parked it", async || {
        let letters = dead.list(0, 10).await.unwrap();
        (letters.len() >= 2).then_some(letters)
    })
    .await;
    let mut by: Vec<&str> = letters.iter().map(|letter| letter.consumer.as_str()).collect();
    by.sort_unstable();
    assert_eq!(by, ["inbox", "mail"]);
    for letter in &letters {
        assert_eq!((letter.event, letter.attempts), (1, 1));
        assert_eq!(letter.reason, "not a well-formed event");
    }
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_parked_and_a_redrive_does_it() {
    let house = House::new().await;
    // A port that is not listened on: bound and closed again.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let running = house.notifier(Some(format!("smtp://{closed}"))).await;
    let (ada, _) = house.registers(1, "ada", Role::User).await;
    let dead = house.log.dead_letters().await.unwrap();
    let letter = until("the mail is a dead letter", async || {
        dead.list(0, 10).await.unwrap().into_iter().next()
    })
    .await;
    assert_eq!((letter.consumer.as_str(), letter.attempts), ("mail", 3));
    assert_eq!(letter.reason, "the mail server cannot be reached");
    // The inbox does not wait for the mail server.
    assert_eq!(house.entries(&ada).await.len(), 1);
    running.stop().await;

    let running = house.notifier(None).await;
    assert!(dead.redrive(letter.id).await.unwrap());
    running.counts("mail", "done", 1).await;
    assert_eq!(house.mails().await.len(), 1);
    assert_eq!(dead.list(0, 10).await.unwrap(), []);
    running.stop().await;
}

#[tokio::test]
async fn an_admin_writes_into_inboxes_and_nobody_else_does() {
    let house = House::new().await;
    let running = house.notifier(None).await;
    let (ada, _) = house.registers(1, "ada", Role::Admin).await;
    let (bob, _) = house.registers(2, "bob", Role::User).await;
    let command = SendNotification {
        users: vec![UserRef::Id(bob), UserRef::Id(bob)],
        everyone: false,
        title: Title::parse("Maintenance").unwrap(),
        body: Notice::parse("Tonight.").unwrap(),
    };
    let mut context = asked_by(&ada);
    context.idempotency_key = Some("tonight".to_owned().try_into().unwrap());
    let Reply::Accepted(first) = house.bus.call(&context, &command).await.unwrap() else {
        panic!("refused");
    };
    assert_eq!(first.result.len(), 1);
    let Reply::Accepted(again) = house.bus.call(&context, &command).await.unwrap() else {
        panic!("the repeat was refused");
    };
    assert_eq!(again, first);
    let system = |entries: Vec<(Sequence, Event, NotificationCreated)>| {
        entries.iter().filter(|(.., entry)| entry.kind == NotificationKind::System).count()
    };
    assert_eq!(system(house.entries(&bob).await), 1);
    let Reply::Rejected(refused) = house.bus.call(&asked_by(&bob), &command).await.unwrap() else {
        panic!("an ordinary person may not");
    };
    assert_eq!(refused.code, Code::Forbidden);
    let stranger = UserRef::Name(Username::parse("unknown").unwrap());
    let command = SendNotification { users: vec![stranger], ..command };
    let Reply::Rejected(refused) = house.bus.call(&asked_by(&ada), &command).await.unwrap() else {
        panic!("no user of that name");
    };
    assert_eq!(refused.errors[0].pointer, "/users/0");
    running.stop().await;
}

#[tokio::test]
async fn reading_everything_twice_is_one_event() {
    let house = House::new().await;
    let running = house.notifier(None).await;
    let (ada, _) = house.registers(1, "ada", Role::User).await;
    running.counts("inbox", "done", 1).await;
    let command = MarkNotificationsRead { notification_id: None };
    let context = asked_by(&ada);
    let first = house.bus.call(&context, &command).await.unwrap();
    let second = house.bus.call(&context, &command).await.unwrap();
    assert_eq!(first, second);
    let read = house.events().await.into_iter();
    assert_eq!(
        read.filter(|(_, e)| matches!(e.data, EventData::Notification(NotificationEvent::Read(_))))
            .count(),
        1
    );
    running.stop().await;
}

#[tokio::test]
async fn mail_is_handed_to_the_mail_server() {
    let house = House::new().await;
    let (url, mut mails) = mail_server("250 ok").await;
    let running = house.notifier(Some(url)).await;
    house.registers(1, "ada", Role::User).await;
    running.counts("mail", "done", 1).await;
    let mail = mails.recv().await.unwrap();
    assert!(mail.contains("To: ada <ada@example.org>"), "{mail}");
    assert!(mails.try_recv().is_err(), "it is sent once");
    running.stop().await;
}

#[tokio::test]
async fn what_the_mail_server_refuses_for_good_is_not_tried_again() {
    let house = House::new().await;
    let (url, _mails) = mail_server("550 no such person ada@example.org").await;
    let running = house.notifier(Some(url)).await;
    house.registers(1, "ada", Role::User).await;
    let dead = house.log.dead_letters().await.unwrap();
    let letter = until("the mail is a dead letter", async || {
        dead.list(0, 10).await.unwrap().into_iter().next()
    })
    .await;
    assert_eq!((letter.consumer.as_str(), letter.attempts), ("mail", 1));
    assert_eq!(letter.reason, "the mail server answered 550", "no address is kept in it");
    running.stop().await;
}
