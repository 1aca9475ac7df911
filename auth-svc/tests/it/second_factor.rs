//! The second factor, and devices that guess.

use futures_util::future::{join_all, select_all};
use hmac::{Hmac, KeyInit as _, Mac as _};
use schemas::commands::{
    AdministerSecondFactor, CallContext, ChangePassword, ConfirmSecondFactor, EnrolSecondFactor,
    Login, RemoveSecondFactor,
};
use schemas::events::{SessionEvent, UserEvent};
use schemas::values::{NewPassword, Reason, Secret};
use schemas::{Code, EventData, Lane, OneTimeCode, Rejection, Timestamp, UserId};

use crate::kit::{Kit, PASSWORD, login, refused};

/// The code of an app, so many steps from now.
fn code(secret: &Secret, steps: i64) -> String {
    let secret = data_encoding::BASE32_NOPAD.decode(secret.expose().as_bytes()).unwrap();
    let step = u64::try_from(Timestamp::now().millis() / 30_000 + steps).unwrap();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&secret).unwrap();
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0x0f);
    let bytes: [u8; 4] = digest[offset..offset + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000)
}

fn with_code(name: &str, code: &str) -> Login {
    Login { code: Some(Secret::new(code)), ..login(name, PASSWORD) }
}

fn enrolling() -> EnrolSecondFactor {
    EnrolSecondFactor { password: Some(Secret::new(PASSWORD)) }
}

impl Kit {
    async fn logs_in(&self, command: Login) -> Result<(), Code> {
        let answer = self.call(&CallContext::default(), command).await;
        answer.map(drop).map_err(|refused| refused.code)
    }

    async fn confirmed(&self, who: &CallContext, code: &str) -> Result<Vec<Secret>, Rejection> {
        let code = OneTimeCode::parse(code).unwrap();
        self.call(who, ConfirmSecondFactor { code }).await
    }

    /// The secret and the recovery codes; confirmed by the code of the step before.
    async fn enrols(&self, who: &CallContext) -> (Secret, Vec<Secret>) {
        let secret = self.call(who, enrolling()).await.unwrap().secret;
        let recovery = self.confirmed(who, &code(&secret, -1)).await.unwrap();
        (secret, recovery)
    }

    async fn says_on(&self, user: &UserId) -> bool {
        let last = self.last(Lane::User(*user)).await.unwrap();
        last.account().unwrap().second_factor
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_asks_for_a_code_once_it_is_confirmed() {
    let kit = Kit::start().await;
    let (tokens, ada) = kit.person("ada").await;
    let id = &tokens.user.user.id;
    let first = kit.call(&ada, enrolling()).await.unwrap();
    let enrolment = kit.call(&ada, enrolling()).await.unwrap();
    assert_ne!(first.secret, enrolment.secret, "one that is not confirmed is replaced");
    let url = enrolment.otpauth_url.expose();
    assert!(url.starts_with("otpauth://totp/Tidings:ada?secret="), "{url}");
    assert_eq!(kit.logs_in(login("ada", PASSWORD)).await, Ok(()));
    assert_eq!(refused(kit.confirmed(&ada, "000000").await), Code::InvalidCode);
    let confirming = code(&enrolment.secret, -1);
    let recovery = kit.confirmed(&ada, &confirming).await.unwrap();
    assert_eq!(recovery.len(), 10);
    assert!(kit.says_on(id).await);
    assert_eq!(refused(kit.call(&ada, enrolling()).await), Code::Conflict);
    let required = Err(Code::SecondFactorRequired);
    assert_eq!(kit.logs_in(login("ada", PASSWORD)).await, required);
    assert_eq!(kit.logs_in(with_code("ada", "abc")).await, required);
    assert_eq!(kit.logs_in(with_code("ada", &confirming)).await, required, "it was used");
    let wrong = Login { code: None, ..login("ada", "no such secret") };
    assert_eq!(kit.logs_in(wrong).await, Err(Code::InvalidCredentials));
    let now = code(&enrolment.secret, 0);
    assert_eq!(kit.logs_in(with_code("ada", &now)).await, Ok(()));
    assert_eq!(kit.logs_in(with_code("ada", &now)).await, required, "once");
    let spaced = recovery[0].expose().to_uppercase().replace('-', " ");
    assert_eq!(kit.logs_in(with_code("ada", &spaced)).await, Ok(()));
    assert_eq!(kit.logs_in(with_code("ada", recovery[0].expose())).await, required);
    let all = kit.everything().await.concat();
    assert!(!all.contains(enrolment.secret.expose()) && !all.contains(recovery[1].expose()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_present_one_code_one_gets_in_and_five_wrong_ones_bar() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    let (secret, recovery) = kit.enrols(&ada).await;
    let command = with_code("ada", recovery[0].expose());
    let answers = join_all((0..20).map(|_| kit.logs_in(command.clone()))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let barred = kit.logs_in(with_code("ada", &code(&secret, 0))).await;
    assert_eq!(barred, Err(Code::RateLimited), "the others were wrong");
    let missing = kit.logs_in(login("ada", PASSWORD)).await;
    assert_eq!(missing, Err(Code::SecondFactorRequired));
}

/// Of logins under way the first is done and the others have read that no codes are asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_login_under_way_begins_without_a_code_once_it_is_confirmed() {
    let kit = Kit::start_at_cost(8).await;
    let (_, who) = kit.person("ada").await;
    let secret = kit.call(&who, enrolling()).await.unwrap().secret;
    let logins = (0..20).map(|_| Box::pin(kit.logs_in(login("ada", PASSWORD))));
    let (first, _, others) = select_all(logins).await;
    assert_eq!(first, Ok(()));
    let confirm = async { kit.confirmed(&who, &code(&secret, -1)).await.unwrap() };
    let (_, others) = tokio::join!(confirm, join_all(others));
    assert!(others.contains(&Err(Code::SecondFactorRequired)), "{others:?}");
    let mut on = false;
    for sequence in 1..=kit.log.head().await.unwrap() {
        let stored = kit.log.get(sequence).await.unwrap().unwrap();
        let data = stored.event().unwrap().data;
        on |= matches!(data, EventData::User(UserEvent::SecondFactorChanged(_)));
        let begun = matches!(data, EventData::Session(SessionEvent::Started(_)));
        assert!(!(on && begun), "at {sequence}");
    }
    assert!(on);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_the_account_ask_for_it_and_removing_it_ends_that() {
    let kit = Kit::start().await;
    let (tokens, ada) = kit.person("ada").await;
    let (secret, recovery) = kit.enrols(&ada).await;
    let new_password = NewPassword::parse("battery staple").unwrap();
    let change = |code: Option<&str>| ChangePassword {
        current_password: Some(Secret::new(PASSWORD)),
        new_password: new_password.clone(),
        code: code.map(Secret::new),
    };
    assert_eq!(refused(kit.call(&ada, change(None)).await), Code::InvalidCode);
    assert_eq!(refused(kit.call(&ada, change(Some("x"))).await), Code::InvalidCode);
    kit.call(&ada, change(Some(&code(&secret, 0)))).await.unwrap();
    let remove = |code: Option<&str>| RemoveSecondFactor {
        password: Some(Secret::new("battery staple")),
        code: code.map(Secret::new),
    };
    assert_eq!(refused(kit.call(&ada, remove(None)).await), Code::InvalidCode);
    kit.call(&ada, remove(Some(recovery[3].expose()))).await.unwrap();
    assert!(!kit.says_on(&tokens.user.user.id).await);
    assert_eq!(kit.logs_in(login("ada", "battery staple")).await, Ok(()));
    assert_eq!(kit.log.secrets("second_factors").keys(None).await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_removes_it_for_who_is_locked_out_and_says_why() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("chief").await;
    let (tokens, ada) = kit.person("ada").await;
    kit.enrols(&ada).await;
    let id = tokens.user.user.id;
    let reason = Reason::parse("lost their phone").unwrap();
    let remove = AdministerSecondFactor { user_id: id, reason: reason.clone() };
    assert_eq!(refused(kit.call(&ada, remove.clone()).await), Code::Forbidden);
    kit.call(&admin, remove.clone()).await.unwrap();
    let Some(EventData::User(UserEvent::SecondFactorChanged(told))) =
        kit.last(Lane::User(id)).await
    else {
        panic!("the log says so")
    };
    assert_eq!((told.user.second_factor, told.reason), (false, Some(reason)));
    assert!(!kit.is_active(&tokens).await);
    assert_eq!(kit.logs_in(login("ada", PASSWORD)).await, Ok(()));
    let before = kit.log.head().await.unwrap();
    kit.call(&admin, remove).await.unwrap();
    assert_eq!(kit.log.head().await.unwrap(), before, "a repeat tells nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_enrolment_left_untold_is_told_at_the_next_login() {
    let kit = Kit::start().await;
    let (tokens, ada) = kit.person("ada").await;
    let (secret, _) = kit.enrols(&ada).await;
    let id = tokens.user.user.id;
    // As a crash between the secret and its event would leave it.
    let store = kit.log.secrets("second_factors");
    let (record, _) = store.get(id.as_str()).await.unwrap().unwrap();
    let (bob, _) = kit.person("bob").await;
    let bob = bob.user.user.id;
    store.create(bob.as_str(), record, None).await.unwrap();
    assert!(!kit.says_on(&bob).await);
    assert_eq!(kit.logs_in(with_code("bob", &code(&secret, 0))).await, Ok(()));
    assert!(kit.says_on(&bob).await);
}

/// A call of a client somewhere.
fn from(ip: &str, agent: &str) -> CallContext {
    let (ip, user_agent) = (Some(ip.to_owned()), Some(agent.to_owned()));
    CallContext { ip, user_agent, ..CallContext::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_wrong_passwords_only_known_devices_may_try() {
    let kit = Kit::start().await;
    kit.register("ada").await.unwrap();
    let home = from("192.0.2.7", "Firefox/140.0");
    let tokens = kit.call(&home, login("ada", PASSWORD)).await.unwrap();
    for name in ["ada", "absent"] {
        for _ in 0..10 {
            let answer =
                kit.call(&from("203.0.113.9", "curl/8"), login(name, "no such secret")).await;
            assert_eq!(refused(answer), Code::InvalidCredentials, "{name}");
        }
        let answer = kit.call(&from("203.0.113.9", "curl/8"), login(name, PASSWORD)).await;
        let refusal = answer.unwrap_err();
        assert_eq!(refusal.code, Code::RateLimited, "{name}");
        assert!(refusal.retry_after.is_some_and(|seconds| (800..=900).contains(&seconds)));
    }
    let by_address =
        kit.call(&from("203.0.113.9", "curl/8"), login("ada@example.org", PASSWORD)).await;
    assert_eq!(refused(by_address), Code::RateLimited, "one account, whatever it is called");
    for known in [home, from("192.0.2.200", "Firefox/141.5")] {
        assert!(kit.call(&known, login("ada", PASSWORD)).await.is_ok());
    }
    assert!(kit.is_active(&tokens).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_guesses_at_once_ten_are_told_that_they_are_wrong() {
    let kit = Kit::start().await;
    kit.register("ada").await.unwrap();
    for name in ["ada", "absent"] {
        let kit = &kit;
        let guess = |number: u8| async move {
            let device = from(&format!("203.0.{number}.9"), "curl/8");
            refused(kit.call(&device, login(name, "no such secret")).await)
        };
        let answers = join_all((0..50).map(guess)).await;
        let count = |code: Code| answers.iter().filter(|answer| **answer == code).count();
        let counts = (count(Code::InvalidCredentials), count(Code::RateLimited));
        assert_eq!(counts, (10, 40), "{name}: {answers:?}");
    }
    let right = kit.call(&from("203.0.113.9", "curl/8"), login("ada", PASSWORD)).await;
    assert_eq!(refused(right), Code::RateLimited);
}
