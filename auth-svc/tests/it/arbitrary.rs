//! Arbitrary commands, made of arbitrary JSON, through parse, decide, encode and decode, in this process and over
//! NATS: whatever is accepted is read back equal, and nothing else is written.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use schemas::commands::{ChangeProfile, Register};
use schemas::events::UserEvent;
use schemas::values::Patch;
use schemas::{Code, EventData, Lane};
use serde_json::{Value, json};

use crate::kit::{Kit, ask};

const CASES: usize = 150;

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "\\PC{0,70}",
        2 => "[a-z][a-z0-9._-]{1,33}[a-z0-9]",
        1 => "[a-z]{1,20}@[a-zA-Z]{1,10}\\.[a-z]{2,4}",
        1 => proptest::sample::select(vec!["\0", "\r\n", " x ", "\u{feff}a", "e\u{301}", "\u{2028}", ""])
            .prop_map(ToOwned::to_owned),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(20, 60, 3, |inner| {
        prop_oneof![
            2 => proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            3 => proptest::collection::btree_map(texts(), inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A field that may fit, may be absent, or may be anything.
fn field(fits: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![3 => fits.prop_map(Some), 2 => Just(None), 1 => values().prop_map(Some)]
}

fn patch(fits: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Option<Value>> {
    field(prop_oneof![
        fits.prop_map(|value| json!({ "set": value })),
        Just(json!("clear")),
        Just(json!("keep")),
    ])
}

fn text() -> impl Strategy<Value = Value> {
    texts().prop_map(Value::from)
}

fn settings() -> impl Strategy<Value = Value> {
    let object = proptest::collection::btree_map(texts(), values(), 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()));
    (object, 0_usize..20)
        .prop_map(|(object, levels)| (0..levels).fold(object, |inside, _| json!({ "a": inside })))
}

fn profile() -> impl Strategy<Value = Value> {
    let fields = (patch(text()), patch(text()), field(text()), field(settings()));
    fields.prop_map(|(display_name, bio, username, settings)| {
        json!({
            "display_name": display_name.unwrap_or(json!("keep")), "bio": bio.unwrap_or(json!("keep")), "avatar_media_id": "keep",
            "username": username, "settings": settings,
        })
    })
}

fn registration() -> impl Strategy<Value = Value> {
    (text(), text(), field(text())).prop_map(|(username, email, display_name)| {
        json!({
            "username": username, "email": email, "password": "correct horse",
            "display_name": display_name, "role": null,
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_accepted_is_read_back_equal() {
    let kit = Kit::start().await;
    let (_, context) = kit.person("ada").await;
    let id = context.caller.as_ref().unwrap().user_id;
    let buses = [kit.bus.clone(), kit.remote().await];
    let mut runner = TestRunner::deterministic();
    let (profile, registration) = (profile(), registration());
    let mut accepted = 0;
    for (case, bus) in (0..CASES).zip(buses.iter().cycle()) {
        let before = kit.log.head().await.unwrap();
        let json = profile.new_tree(&mut runner).unwrap().current();
        let text = json.to_string();
        let Ok(command) = serde_json::from_str::<ChangeProfile>(&text) else { continue };
        match ask(bus, &context, &command).await {
            Ok(account) => {
                accepted += 1;
                let stored = kit.log.last(&Lane::User(id)).await.unwrap().unwrap();
                let user = match stored.event().unwrap().data {
                    EventData::User(UserEvent::ProfileChanged(changed)) => changed.user,
                    EventData::User(UserEvent::Registered(registered)) => registered.user,
                    other => panic!("{other:?}"),
                };
                if let Some(settings) = &command.settings {
                    assert_eq!(&user.settings, settings.as_object(), "case {case}: {text}");
                }
                if let Patch::Set(name) = &command.display_name {
                    assert_eq!(&user.display_name, name, "case {case}: {text}");
                }
                assert_eq!(account.settings, user.settings, "case {case}: {text}");
            }
            Err(rejection) => {
                let expected = [Code::ValidationFailed, Code::AlreadyExists, Code::PayloadTooLarge];
                assert!(expected.contains(&rejection.code), "case {case}: {rejection:?} {text}");
                assert_eq!(kit.log.head().await.unwrap(), before, "case {case}: {text}");
            }
        }
        let json = registration.new_tree(&mut runner).unwrap().current();
        if let Ok(command) = serde_json::from_value::<Register>(json)
            && let Ok(account) =
                ask(bus, &schemas::commands::CallContext::default(), &command).await
        {
            let lane = Lane::User(account.user.id);
            let Some(EventData::User(UserEvent::Registered(stored))) = kit.last(lane).await else {
                panic!()
            };
            assert_eq!(stored.user.email, command.email);
            assert_eq!(stored.user.username, command.username);
        }
    }
    assert!(accepted > CASES / 10, "{accepted} accepted");
    assert_eq!(kit.log.refused_unreadable(), 0, "everything was refused where it was parsed");
}
