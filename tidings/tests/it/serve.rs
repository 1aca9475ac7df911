//! `tidings serve` from its ready line to its end.

use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::{Signal, kill};

use crate::process::{Running, Serve, eventually, get, greets, nats_server_of, tidings};

#[test]
fn it_says_where_it_listens_and_leaves_nothing_running() {
    let data = tempfile::tempdir().unwrap();
    let mut serve = Serve::start(data.path());
    assert_eq!(serve.ready["ready"], true);
    assert_eq!(serve.ready["namespace"], "tidings");
    assert!(serve.ready["version"].is_string());
    let run = serve.run_json();
    assert_eq!(run["http"], serve.ready["http"]);
    assert_eq!(run["admin"], serve.ready["admin"]);
    let (http, admin) = (run["http"].as_str().unwrap(), run["admin"].as_str().unwrap());
    assert_eq!((get(http, "/metrics"), get(http, "/readyz")), (404, 200));
    assert_eq!((get(admin, "/metrics"), get(admin, "/readyz")), (200, 200));
    assert_eq!(run["pid"], serve.pid());
    assert!(greets(&run["nats"]));
    for file in ["run.json", "nats/nats.conf", "nats/access.json"] {
        let mode = std::fs::metadata(data.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    serve.signal(Signal::SIGTERM);
    assert!(serve.ended().success());
    assert!(!data.path().join("run.json").exists());
    assert_eq!(nats_server_of(data.path()), None);
}

#[test]
fn a_second_one_on_the_same_data_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let first = Serve::start(data.path());
    let second = tidings().args(["serve", "--data"]).arg(data.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let text = String::from_utf8_lossy(&second.stderr);
    assert!(text.contains("in use") && text.contains(&first.pid().to_string()), "{text}");
    assert!(second.stdout.is_empty());
    assert!(greets(&first.run_json()["nats"]));
}

#[test]
fn a_killed_nats_server_is_started_again_at_the_same_address() {
    let data = tempfile::tempdir().unwrap();
    let serve = Serve::start(data.path());
    let run = serve.run_json();
    for _ in 0..2 {
        let before = nats_server_of(data.path()).unwrap();
        kill(before, Signal::SIGKILL).unwrap();
        eventually("another nats-server", || {
            nats_server_of(data.path()).filter(|pid| *pid != before)
        });
        eventually("it takes clients", || greets(&run["nats"]).then_some(()));
    }
    assert_eq!(serve.run_json(), run);
}

#[test]
fn after_kill_9_the_next_one_takes_over_at_the_same_address() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Serve::start(data.path());
    let nats = first.run_json()["nats"].clone();
    first.signal(Signal::SIGKILL);
    assert!(!first.ended().success());
    let second = Serve::start(data.path());
    assert_eq!(second.ready["ready"], true);
    let run = second.run_json();
    assert_eq!(run["pid"], second.pid());
    assert_eq!(run["nats"], nats);
    assert!(greets(&run["nats"]));
}

#[test]
fn ctrl_c_while_it_starts_is_a_clean_end() {
    let data = tempfile::tempdir().unwrap();
    let mut child = tidings()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .spawn()
        .unwrap();
    eventually("the data folder is claimed", || data.path().join("lock").exists().then_some(()));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    let status = eventually("it ends", || child.try_wait().unwrap());
    assert!(status.success(), "{status}");
    assert_eq!(nats_server_of(data.path()), None);
}

#[test]
fn plain_text_beyond_this_machine_is_warned_of() {
    for (flags, warned) in [
        (&["--listen", "0.0.0.0:0"][..], true),
        (&["--listen", "0.0.0.0:0", "--trusted-proxies", "10.0.0.0/8"], false),
        (&["--listen", "127.0.0.1:0"], false),
    ] {
        let data = tempfile::tempdir().unwrap();
        let log = data.path().join("stderr");
        let arguments = [&["serve", "--bcrypt-cost", "4"], flags].concat();
        let serve = Running::start_logging(&arguments, &data.path().join("data"), &log);
        assert_eq!(serve.ready["ready"], true);
        let said = std::fs::read_to_string(&log).unwrap();
        assert_eq!(said.contains("travel as plain text"), warned, "{flags:?}: {said}");
    }
}
