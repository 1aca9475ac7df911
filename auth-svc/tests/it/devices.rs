//! Devices that logins come from, and passwords that are hashed anew.

use futures_util::future::join_all;
use schemas::commands::CallContext;
use schemas::events::{NewDevice, SessionEvent};
use schemas::{EventData, Registration};

use crate::kit::{Kit, PASSWORD, ask, login};

fn from(ip: &str, agent: &str) -> CallContext {
    CallContext {
        ip: Some(ip.to_owned()),
        user_agent: Some(agent.to_owned()),
        ..CallContext::default()
    }
}

impl Kit {
    /// The devices that the log calls new, in its order.
    async fn new_devices(&self) -> Vec<NewDevice> {
        let mut found = Vec::new();
        for sequence in 1..=self.log.head().await.unwrap() {
            let event = self.log.get(sequence).await.unwrap().unwrap().event().unwrap();
            if let EventData::Session(SessionEvent::Started(started)) = event.data {
                found.extend(started.new_device);
            }
        }
        found
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_says_whether_its_device_is_new() {
    let kit = Kit::start().await;
    kit.register("ada").await.unwrap();
    let first = from("192.0.2.7", "Firefox/140.0");
    kit.call(&first, login("ada", PASSWORD)).await.unwrap();
    let same = from("192.0.2.200", "Firefox/141.0");
    kit.call(&same, login("ada@example.org", PASSWORD)).await.unwrap();
    assert_eq!(kit.new_devices().await, [], "the first is no news, nor is the same again");
    let wrong = from("198.51.100.1", "curl/8");
    assert!(kit.call(&wrong, login("ada", "wrong password")).await.is_err());
    assert_eq!(kit.new_devices().await, []);
    let other = from("2001:db8::7", "curl/8");
    for _ in 0..2 {
        kit.call(&other, login("ada", PASSWORD)).await.unwrap();
    }
    let told = kit.new_devices().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].user_agent.as_ref().map(ToString::to_string).as_deref(), Some("curl/8"));
    assert_eq!(told[0].ip.map(|ip| ip.to_string()).as_deref(), Some("2001:db8::7"));
    // Another user of the same device.
    kit.register("bob").await.unwrap();
    kit.call(&other, login("bob", PASSWORD)).await.unwrap();
    assert_eq!(kit.new_devices().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_client_calls_itself_it_can_log_in() {
    let kit = Kit::start().await;
    kit.register("ada").await.unwrap();
    kit.call(&from("192.0.2.7", "one"), login("ada", PASSWORD)).await.unwrap();
    for (ip, agent) in [("192.0.2.7", "a\u{202e}b\u{0}"), ("nonsense", ""), ("192.0.2.8", "\n")] {
        kit.call(&from(ip, agent), login("ada", PASSWORD)).await.unwrap();
    }
    kit.call(&CallContext::default(), login("ada", PASSWORD)).await.unwrap();
    assert!(kit.new_devices().await.iter().all(|device| device.user_agent.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_at_once_from_one_new_device_name_it_alike() {
    let kit = Kit::start().await;
    kit.register("ada").await.unwrap();
    kit.call(&from("192.0.2.7", "one"), login("ada", PASSWORD)).await.unwrap();
    let other = from("198.51.100.1", "two");
    let all = (0..8).map(|_| kit.call(&other, login("ada", PASSWORD)));
    assert!(join_all(all).await.into_iter().all(|answer| answer.is_ok()));
    let told = kit.new_devices().await;
    assert!(!told.is_empty() && told.iter().all(|one| one.device == told[0].device), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raised_cost_reaches_each_password_at_its_next_login() {
    let kit = Kit::start().await;
    let ada = kit.register("ada").await.unwrap().user.id;
    let store = kit.log.secrets("credentials");
    let cost = async || {
        let (value, _) = store.get(ada.as_str()).await.unwrap().unwrap();
        let text = String::from_utf8(value.to_vec()).unwrap();
        text.split('$').nth(2).map(ToOwned::to_owned)
    };
    assert_eq!(cost().await.as_deref(), Some("04"));
    let dearer = kit.copy_with(6, Registration::Open).await;
    let wrong = ask(&dearer, &CallContext::default(), &login("ada", "wrong password")).await;
    assert!(wrong.is_err());
    assert_eq!(cost().await.as_deref(), Some("04"), "who does not know it changes nothing");
    let raised = ask(&dearer, &CallContext::default(), &login("ada", PASSWORD)).await.unwrap();
    assert_eq!(cost().await.as_deref(), Some("06"));
    assert!(kit.is_active(&raised).await, "the session lives on");
    let head = kit.log.head().await.unwrap();
    // A copy that is not configured anew yet does not undo it, and the password is good there.
    kit.login("ada").await.unwrap();
    assert_eq!(cost().await.as_deref(), Some("06"));
    assert_eq!(kit.log.head().await.unwrap(), head + 1, "nothing but the login is in the log");
}
