//! Services as processes of their own.

use nix::sys::signal::Signal;

use crate::process::{Running, Serve};

#[test]
fn each_tells_when_it_is_ready_and_stops_when_asked() {
    let data = tempfile::tempdir().unwrap();
    let serve = Serve::start(data.path());
    let nats = serve.run_json()["nats"].as_str().unwrap().to_owned();
    for service in ["auth-svc", "chat-svc", "projector", "notifier", "gateway"] {
        let mut process =
            Running::start(&[service, "--listen", "127.0.0.1:0", "--nats-url", &nats], data.path());
        assert_eq!(process.ready["ready"], true, "{service}");
        assert_eq!(process.ready["service"], service);
        let http = process.ready["http"].as_str().unwrap().to_owned();
        assert_eq!(crate::process::get(&http, "/livez"), 200, "{service}");
        let admin = process.ready["admin"].as_str().unwrap().to_owned();
        assert_eq!(crate::process::get(&admin, "/metrics"), 200, "{service}");
        assert_eq!(crate::process::get(&admin, "/readyz"), 200, "{service}");
        // What clients connect to is a door of its own.
        assert_eq!(http == admin, service != "gateway", "{service}");
        process.signal(Signal::SIGTERM);
        assert!(process.ended().success(), "{service}");
    }
}

#[test]
fn without_an_address_it_listens_nowhere() {
    let data = tempfile::tempdir().unwrap();
    let serve = Serve::start(data.path());
    let nats = serve.run_json()["nats"].as_str().unwrap().to_owned();
    let process = Running::start(&["projector", "--nats-url", &nats], data.path());
    assert_eq!(process.ready["ready"], true);
    assert!(process.ready["http"].is_null() && process.ready["admin"].is_null());
}

#[test]
fn operators_may_have_an_address_of_their_own() {
    let data = tempfile::tempdir().unwrap();
    let serve = Serve::start(data.path());
    let nats = serve.run_json()["nats"].as_str().unwrap().to_owned();
    let flags = ["projector", "--admin-listen", "127.0.0.1:0", "--nats-url", &nats];
    let process = Running::start(&flags, data.path());
    assert!(process.ready["http"].is_null());
    let admin = process.ready["admin"].as_str().unwrap();
    assert_eq!(crate::process::get(admin, "/metrics"), 200);
}
