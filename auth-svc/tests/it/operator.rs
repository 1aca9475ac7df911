//! The first admin, and what the operator does to accounts.

use auth_svc::{Config, Operator};
use futures_util::future::join_all;
use schemas::commands::{AdministerUser, CallContext};
use schemas::values::{Email, NewPassword, Role, Username};
use schemas::{Actor, Code, Lane, Registration};
use service::Deps;
use telemetry::{Health, Metrics};

use crate::kit::{Kit, PASSWORD, as_caller, login, needs, refused, registration};

async fn operator(kit: &Kit) -> Operator {
    let deps = Deps {
        log: kit.log.clone(),
        bus: kit.remote().await,
        metrics: Metrics::new(),
        health: Health::new(),
    };
    let config = Config {
        keys: kit.keys.path().into(),
        bcrypt_cost: 4,
        codes: None,
        registration: Registration::Open,
        providers: Vec::new(),
    };
    Operator::open(config, needs(), &deps).await.unwrap()
}

fn wanted(name: &str) -> (Username, Email, NewPassword) {
    let email = Email::parse(&format!("{name}@example.org")).unwrap();
    (Username::parse(name).unwrap(), email, NewPassword::parse("made by hand").unwrap())
}

async fn register(kit: &Kit, name: &str, loopback: bool) -> Role {
    let mut command = registration(name);
    command.loopback = loopback;
    kit.call(&CallContext::default(), command).await.unwrap().user.role
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_come_first_one_is_admin() {
    let kit = Kit::start().await;
    let copy = kit.copy().await;
    let all = (0..50).map(|number| {
        let (kit, copy) = (&kit, &copy);
        async move {
            let command = registration(&format!("person{number}"));
            let bus = if number % 2 == 0 { &kit.bus } else { copy };
            crate::kit::ask(bus, &CallContext::default(), &command).await.unwrap().user.role
        }
    });
    let roles = join_all(all).await;
    assert_eq!(roles.iter().filter(|role| **role == Role::Admin).count(), 1, "{roles:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_comes_first_is_no_admin_and_nobody_becomes_first_later() {
    let kit = Kit::start().await;
    assert_eq!(register(&kit, "stranger", false).await, Role::User);
    assert_eq!(register(&kit, "later", true).await, Role::User);
    let operator = operator(&kit).await;
    assert_eq!(operator.promote("later").await.unwrap().user.role, Role::Admin);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_makes_an_admin_beside_a_running_service() {
    let kit = Kit::start().await;
    let operator = operator(&kit).await;
    let (username, email, password) = wanted("chief");
    let chief = operator.create_admin(username, email, password).await.unwrap();
    assert_eq!(chief.user.role, Role::Admin);
    assert_eq!(register(&kit, "stranger", true).await, Role::User, "there is an account already");
    let tokens = kit.call(&CallContext::default(), login("chief", "made by hand")).await.unwrap();
    let command = AdministerUser {
        user_id: tokens.user.user.id,
        role: Some(Role::User),
        suspended: None,
        reason: None,
    };
    assert_eq!(
        refused(kit.call(&as_caller(&tokens), command).await),
        Code::Conflict,
        "the last one"
    );
    let event = kit.log.last(&Lane::User(chief.user.id)).await.unwrap().unwrap().event().unwrap();
    assert_eq!(event.actor, Actor::System);
    let (username, email, password) = wanted("chief");
    let again = operator.create_admin(username, email, password).await;
    assert_eq!(refused(again), Code::AlreadyExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_found_by_name_address_or_id_and_promoted_once() {
    let kit = Kit::start().await;
    kit.register("boss").await.unwrap();
    let operator = operator(&kit).await;
    for (number, how) in ["name", "@name", "address", "id"].iter().enumerate() {
        let account = kit.register(&format!("person{number}")).await.unwrap();
        let who = match *how {
            "name" => account.user.username.clone(),
            "@name" => format!("@{}", account.user.username),
            "address" => account.email.to_uppercase(),
            _ => account.user.id.to_string(),
        };
        assert_eq!(operator.promote(&who).await.unwrap().user.role, Role::Admin, "{how}");
        let head = kit.log.head().await.unwrap();
        assert_eq!(operator.promote(&who).await.unwrap().user.role, Role::Admin);
        assert_eq!(kit.log.head().await.unwrap(), head, "nothing is written twice");
    }
    for unknown in ["", "@", "unknown", "a@b@c", "usr_00000000000000000000000000"] {
        assert_eq!(refused(operator.promote(unknown).await), Code::NotFound, "{unknown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_ends_all_sessions() {
    let kit = Kit::start().await;
    let (one, _) = kit.person("ada").await;
    let other = kit.login("ada").await.unwrap();
    let password = NewPassword::parse("battery staple").unwrap();
    operator(&kit).await.reset_password("ada", &password).await.unwrap();
    assert!(!kit.is_active(&one).await && !kit.is_active(&other).await);
    let old = kit.call(&CallContext::default(), login("ada", PASSWORD)).await;
    assert_eq!(refused(old), Code::InvalidCredentials);
    kit.call(&CallContext::default(), login("ada", "battery staple")).await.unwrap();
}
