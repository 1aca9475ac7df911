//! Passwords as keyboards send them, and who may try them how often at once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use schemas::Code;
use schemas::commands::{CallContext, ChangePassword};
use schemas::values::{NewPassword, Secret};

use crate::kit::{Kit, PASSWORD, login, refused, registration};

const COMPOSED: &str = "grüße-éà-12";
const DECOMPOSED: &str = "gru\u{308}ße-e\u{301}a\u{300}-12";

fn change(current: &str, new: &str) -> ChangePassword {
    let new_password = NewPassword::parse(new).unwrap();
    ChangePassword { current_password: Some(Secret::new(current)), new_password, code: None }
}

async fn logs_in(kit: &Kit, name: &str, password: &str) -> Result<(), Code> {
    let answer = kit.call(&CallContext::default(), login(name, password)).await;
    answer.map(drop).map_err(|rejection| rejection.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn however_a_password_is_spelled_it_is_the_same() {
    let kit = Kit::start().await;
    for (name, given) in [("ada", COMPOSED), ("bob", DECOMPOSED)] {
        let mut registration = registration(name);
        registration.password = NewPassword::parse(given).unwrap();
        kit.call(&CallContext::default(), registration).await.unwrap();
        for typed in [COMPOSED, DECOMPOSED] {
            assert_eq!(logs_in(&kit, name, typed).await, Ok(()), "{name}: {typed:?}");
        }
        let other = logs_in(&kit, name, "gruße-éà-12").await;
        assert_eq!(other, Err(Code::InvalidCredentials));
    }
    let (_, carl) = kit.person("carl").await;
    kit.call(&carl, change(PASSWORD, DECOMPOSED)).await.unwrap();
    assert_eq!(logs_in(&kit, "carl", COMPOSED).await, Ok(()));
    kit.call(&carl, change(DECOMPOSED, "correct horse")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_of_the_bytes_as_typed_is_still_good_and_is_made_anew() {
    let kit = Kit::start().await;
    let ada = kit.register("ada").await.unwrap().user.id;
    let store = kit.log.secrets("credentials");
    let (_, revision) = store.get(ada.as_str()).await.unwrap().unwrap();
    let old = serde_json::json!({ "bcrypt": bcrypt::hash(DECOMPOSED, 4).unwrap() }).to_string();
    store.update(ada.as_str(), old.clone(), revision, None).await.unwrap();
    assert_eq!(logs_in(&kit, "ada", COMPOSED).await, Err(Code::InvalidCredentials));
    assert_eq!(logs_in(&kit, "ada", DECOMPOSED).await, Ok(()));
    let (now, _) = store.get(ada.as_str()).await.unwrap().unwrap();
    assert_ne!(now, old.as_bytes(), "it is the hash of the normal form from now on");
    assert_eq!(logs_in(&kit, "ada", COMPOSED).await, Ok(()));
    assert_eq!(logs_in(&kit, "ada", DECOMPOSED).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn spaces_around_a_login_are_not_part_of_it() {
    let kit = Kit::start().await;
    kit.register("ada").await.unwrap();
    for typed in [
        "ada ",
        " ada",
        "Ada\u{a0}",
        "\u{3000}ada\u{2003}\n",
        "\tada@example.org ",
        "ADA@Example.org\u{2028}",
    ] {
        assert_eq!(logs_in(&kit, typed, PASSWORD).await, Ok(()), "{typed:?}");
    }
    let wide = format!("{0}ada{0}", " ".repeat(400));
    assert_eq!(logs_in(&kit, &wide, PASSWORD).await, Ok(()));
    for typed in ["a da", "ada\u{200b}", "ada\u{0}", " ", "", "@ada", "ada@ example.org"] {
        let answer = logs_in(&kit, typed, PASSWORD).await;
        assert_eq!(answer, Err(Code::InvalidCredentials), "{typed:?}");
    }
    // Of a password nothing is taken away.
    assert_eq!(logs_in(&kit, "ada", "correct horse ").await, Err(Code::InvalidCredentials));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_present_password_is_refused_whatever_the_new_one_is() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    for (current, new) in [
        ("wrong one", PASSWORD),
        ("wrong one", "battery staple"),
        ("", PASSWORD),
        ("correct hors", PASSWORD),
        ("correct horse\0", PASSWORD),
    ] {
        let answer = kit.call(&ada, change(current, new)).await;
        assert_eq!(refused(answer), Code::InvalidCredentials, "{current:?} {new:?}");
    }
    assert_eq!(logs_in(&kit, "ada", PASSWORD).await, Ok(()));
    kit.call(&ada, change(PASSWORD, PASSWORD)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tries_a_hundred_at_once_delays_nobody_else() {
    // A hash at this cost takes a tenth of a second or more; a hundred on two threads five seconds.
    let kit = Kit::start_at_cost(11).await;
    kit.register("bob").await.unwrap();
    let (_, mallory) = kit.person("mallory").await;
    let begun = Instant::now();
    logs_in(&kit, "bob", PASSWORD).await.unwrap();
    let alone = begun.elapsed();
    let guesses = (0..100)
        .map(|number| kit.call(&mallory, change(&format!("wrong {number}"), "battery staple")));
    let guessing = join_all(guesses);
    let others = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..5 {
            let begun = Instant::now();
            logs_in(&kit, "bob", PASSWORD).await.unwrap();
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    };
    let (answers, slowest) = futures_util::join!(guessing, others);
    for answer in answers {
        let code = answer.unwrap_err().code;
        let fits = [Code::InvalidCredentials, Code::RateLimited, Code::Unavailable].contains(&code);
        assert!(fits, "{code:?}");
    }
    assert!(slowest < alone * 5 + Duration::from_millis(500), "{slowest:?}, alone {alone:?}");
}
