//! What operators do.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tests::kit::installation::{Installation, RELAXED, command};
use tests::kit::person::{Person, Stranger, bodies, id_of};
use tests::kit::{lasting, log, nats, until};

fn answer(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.trim())
        .unwrap_or_else(|_| panic!("not JSON: {text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

#[track_caller]
fn exits(output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn serve_says_where_it_is_and_comes_back_with_everything() {
    let mut installation = Installation::relaxed(&[]);
    let run = installation.run_json();
    assert_eq!(run["http"], installation.place.url(0));
    assert_eq!(run["pid"], installation.process.pid().as_raw());
    assert!(run["nats"].as_str().unwrap().starts_with("nats://"));
    let mode = |path: &str| {
        let path = installation.data.join(path);
        std::fs::metadata(&path)
            .unwrap_or_else(|_| panic!("{}", path.display()))
            .permissions()
            .mode()
    };
    assert_eq!(mode("run.json") & 0o777, 0o600);
    for folder in ["nats", "read", "mail", "keys"] {
        assert!(installation.data.join(folder).is_dir(), "{folder}");
    }
    for file in std::fs::read_dir(installation.data.join("keys")).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "keys are for the owner only");
    }

    // A second one on the same data is refused, and says why.
    let mut second = command(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    let refused = second.arg(&installation.data).output().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("in use"), "{said}");

    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    ada.says(&room, "kept").await;
    let mut socket = ada.connect().await;
    installation.process.signal(Signal::SIGTERM);
    let code = socket.drain().await;
    assert!(code.is_some_and(|code| [1001, 4503].contains(&code)), "{code:?}");
    assert_eq!(installation.process.wait(), 0, "{}", installation.process.stderr_tail());
    assert!(installation.run_json().is_null(), "run.json is there only while it runs");
    let said = installation.process.stderr();
    assert!(said.contains("connected to NATS"), "{said}");
    assert!(!said.contains("WARN") && !said.contains("ERROR"), "it stops as it should: {said}");

    installation.start_again();
    assert_eq!(bodies(&ada.messages(&room).await), ["kept"], "the token is good after a restart");
    let mut socket = ada.resume(&socket.position).await;
    socket.expect("resumed", |frame| frame["type"] == "resumed").await;
    socket.post(&room, "and more").await;
    installation.process.stop();
    installation.verify();
}

#[tokio::test]
async fn the_read_model_is_rebuilt_without_downtime() {
    let installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    for number in 0..50 {
        ada.says(&room, &format!("m{number}")).await;
    }
    let middle = ada.place.newest.lock().unwrap().1.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let reading = tokio::spawn({
        let (ada, room, stop) = (ada.clone(), room.clone(), Arc::clone(&stop));
        async move {
            let mut reads = 0;
            while !stop.load(Ordering::Relaxed) {
                ada.says(&room, "during").await;
                assert!(ada.messages(&room).await.len() > 50);
                reads += 1;
            }
            reads
        }
    });
    let installation = Arc::new(installation);
    let operate = async |arguments: &'static [&'static str]| {
        let installation = Arc::clone(&installation);
        tokio::task::spawn_blocking(move || installation.operate(arguments)).await.unwrap()
    };
    let output = operate(&["rebuild", "--json"]).await;
    exits(&output, 0);
    assert!(answer(&output).is_object());
    exits(&operate(&["verify", "--json"]).await, 0);
    stop.store(true, Ordering::Relaxed);
    assert!(reading.await.unwrap() > 0);

    // The past under another name: fewer messages, and the present is as it was.
    let present = ada.room(&room).await["message_count"].clone();
    let output = installation.operate(&["rebuild", "--json", "--until", &middle]);
    exits(&output, 0);
    assert_eq!(ada.room(&room).await["message_count"], present);
    exits(&installation.operate(&["verify", "--json"]), 0);
    exits(&installation.operate(&["rebuild", "--until", "yesterday"]), 2);
    exits(&installation.operate(&["verify", "--nonsense"]), 2);
    exits(&installation.operate(&["dance"]), 2);
}

#[tokio::test]
async fn a_difference_is_found_and_a_rebuild_mends_it() {
    let mut installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let message = id_of(&ada.says(&room, "tamper-with-me-aaaa").await);
    ada.get(&format!("/v1/messages/{message}")).await.ok(200);
    installation.process.stop();
    exits(&installation.operate(&["verify", "--json"]), 0);
    let mut changed = 0;
    for file in std::fs::read_dir(installation.data.join("read")).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let wanted = b"tamper-with-me-aaaa";
        while let Some(at) = bytes.windows(wanted.len()).position(|part| part == wanted) {
            bytes[at + wanted.len() - 1] = b'b';
            changed += 1;
        }
        std::fs::write(&path, bytes).unwrap();
    }
    assert!(changed > 0, "the body is in a file of the read model");
    let output = installation.operate(&["verify", "--json"]);
    exits(&output, 1);
    assert!(String::from_utf8_lossy(&output.stdout).contains(&message), "it says what differs");
    exits(&installation.operate(&["rebuild", "--json"]), 0);
    exits(&installation.operate(&["verify", "--json"]), 0);
    installation.start_again();
    assert_eq!(bodies(&ada.messages(&room).await), ["tamper-with-me-aaaa"]);

    // The same when the whole read model is thrown away.
    installation.process.stop();
    std::fs::remove_dir_all(installation.data.join("read")).unwrap();
    installation.start_again();
    assert_eq!(bodies(&ada.messages(&room).await), ["tamper-with-me-aaaa"]);
    installation.verify();
}

#[tokio::test]
async fn poison_is_seen_parked_and_redriven() {
    let installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let health = async || Stranger::new(&installation.place).operates("/readyz").await;
    assert_eq!(health().await.status, 200);
    exits(&installation.operate(&["dead-letters", "list", "--json"]), 0);
    let mut socket = ada.connect().await;
    // What a defective or newer program might write.
    let spoilt = ada.group(&[]).await;
    let subject = format!("tidings.evt.timeline.{spoilt}");
    nats::publish(&installation.nats(), &subject, "{\"specversion\":\"1.0\"}").await;
    let letters = until("it is parked", async || {
        let output = installation.operate(&["dead-letters", "list", "--json"]);
        let listed = answer(&output);
        let letters = listed.as_array().or_else(|| listed["items"].as_array())?.clone();
        (!letters.is_empty()).then_some(letters)
    })
    .await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    let letter_id = letters[0]["id"].clone();
    let id = letter_id.to_string();
    let shown = installation.operate(&["dead-letters", "show", &id, "--json"]);
    exits(&shown, 0);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("not a well-formed event"));
    assert!(!installation.operate(&["dead-letters", "show", "999999"]).status.success());
    // The ordered views have stopped and say so; users go on talking.
    let reply = until("not ready", async || Some(health().await).filter(|r| r.status == 503)).await;
    assert!(reply.text.contains("project"), "{}", reply.text);
    let room = ada.post("/v1/rooms", json!({"kind": "group", "name": "all the same"})).await;
    let room = id_of(&room.ok(201));
    socket.post(&room, "still talking").await;
    socket.event_in(&room, "message.posted").await;
    let lagging = ada.ask("GET", &format!("/v1/rooms/{room}"));
    let newest = installation.place.newest.lock().unwrap().1.clone();
    let reply = lagging.header("tidings-min-position", &newest).once().await;
    assert!(!reply.header("retry-after").is_empty());
    reply.problem(503, "projection_lagging");

    exits(&installation.operate(&["dead-letters", "redrive", &id, "--json"]), 0);
    until("it is parked again", async || {
        let listed = answer(&installation.operate(&["dead-letters", "list", "--json"]));
        let letters = listed.as_array().or_else(|| listed["items"].as_array())?.clone();
        letters.first().filter(|letter| letter["id"] != letter_id).map(|_| ())
    })
    .await;
}

/// A gateway without sockets reads hardly any event; other parts of the process do.
#[tokio::test]
async fn an_unreadable_event_is_counted_once_without_any_socket() {
    let installation = Installation::relaxed(&[]);
    let room = installation.place.found().await.group(&[]).await;
    let metrics = async || Stranger::new(&installation.place).operates("/metrics").await.text;
    let before = metrics().await;
    assert!(before.contains("\ntidings_log_unreadable_total 0\n"), "{before}");
    let subject = format!("tidings.evt.timeline.{room}");
    nats::publish(&installation.nats(), &subject, "{\"specversion\":\"1.0\"}").await;
    let after = until("projector and notifier have met it", async || {
        let now = metrics().await;
        let stopped = now.contains("\ntidings_projector_stopped 1\n");
        (stopped && now.contains("\ntidings_notifier_dead_letters_total{")).then_some(now)
    })
    .await;
    assert!(after.contains("\ntidings_log_unreadable_total 1\n"), "{after}");
}

#[tokio::test]
async fn a_running_installation_tells_about_itself() {
    let installation = lasting::one_process_installation().await;
    let stranger = Stranger::new(&installation.place);
    let ada = Person::register(&installation.place, "ada").await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    socket.post(&room, "counted").await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(stranger.ask("GET", path).once().await.status, 200, "{path}");
        assert_eq!(stranger.operates(path).await.status, 200, "{path}");
    }
    // The clients' port has no metrics.
    assert_eq!(stranger.ask("GET", "/metrics").once().await.status, 404);
    let metrics = stranger.operates("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    for family in [
        "process_resident_memory_bytes",
        "tidings_notifier_effects_total",
        "tidings_http",
        "tidings_ws_sockets",
        "lag",
        "append",
    ] {
        assert!(metrics.text.contains(family), "{family} is not in /metrics:\n{}", metrics.text);
    }
    let api = stranger.ask("GET", "/openapi.json").once().await.ok(200);
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(
        api["paths"]["/v1/rooms/{id}/messages"].is_object()
            || api["paths"].as_object().unwrap().len() > 30
    );
    let keys = stranger.ask("GET", "/.well-known/jwks.json").once().await.ok(200);
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
    assert!(key.get("d").is_none(), "the private part stays at home");
    let docs = stranger.ask("GET", "/docs").once().await;
    assert!([200, 301, 302, 308].contains(&docs.status));
}

#[tokio::test]
async fn separate_services_tell_about_themselves() {
    let Some(separate) = lasting::separate_installation().await else { return };
    for name in separate.services.keys() {
        for path in ["/livez", "/readyz", "/metrics"] {
            let (status, text) = separate.tells(name, path).await;
            assert_eq!(status, 200, "{name} {path}: {text}");
        }
    }
}

#[tokio::test]
async fn logs_are_json_and_hold_no_secrets() {
    let installation = lasting::one_process_installation().await;
    let ada = Person::register(&installation.place, "ada").await;
    let eve = Stranger::new(&installation.place);
    let wrong = "a password that is wrong";
    eve.post("/v1/sessions", json!({"login": ada.email, "password": wrong}))
        .await
        .any_problem(401..=401);
    eve.ask("GET", &format!("/v1/users/me?token={}", ada.access))
        .once()
        .await
        .any_problem(400..=401);
    let room = ada.group(&[]).await;
    let said = "what is said is private";
    ada.says(&room, said).await;
    let mut socket = ada.connect().await;
    socket.post(&room, said).await;
    until("the request is logged", async || {
        installation.process.stderr().contains(&ada.id).then_some(())
    })
    .await;
    let text = installation.process.stderr();
    for line in text.lines().filter(|line| !line.is_empty()) {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "not JSON: {line}");
    }
    for secret in [&ada.password, &ada.access, &ada.refresh, wrong, said, &ada.email] {
        assert!(!text.contains(secret), "the log contains {secret}");
    }
}

#[tokio::test]
async fn every_event_is_readable_and_on_a_lane() {
    let installation = lasting::one_process_installation().await;
    let ada = Person::register(&installation.place, "ada").await;
    let namespace = schemas::Namespace::parse("tidings").unwrap();
    let all = log::everything(&installation.nats(), "tidings").await;
    assert!(!all.is_empty());
    for (sequence, subject, bytes) in all {
        assert!(schemas::Lane::parse(&namespace, &subject).is_ok(), "{sequence}: {subject}");
        assert!(schemas::Event::decode(&bytes).is_ok(), "{sequence}");
        assert!(!String::from_utf8_lossy(&bytes).contains(&ada.password));
    }
}

#[tokio::test]
async fn limits_are_flags_and_wrong_ones_are_refused() {
    for (flag, value) in [
        ("--rate-requests", "many"),
        ("--bcrypt-cost", "99"),
        ("--namespace", "a.b"),
        ("--namespace", "*"),
        ("--listen", "nowhere"),
        ("--read-model", "oracle"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(&["serve", flag, value, "--data"]);
        let output = command.arg(folder.path().join("data")).args(&RELAXED[..0]).output().unwrap();
        exits(&output, 2);
        assert!(!output.stderr.is_empty(), "{flag}");
    }
}

#[tokio::test]
async fn a_prepared_server_has_every_stream_that_services_make_by_themselves() {
    let prepare = |url: &str, namespace: &str| {
        let call = ["prepare-nats", "--json", "--nats-url", url, "--namespace", namespace];
        let output = command(&call).output().unwrap();
        exits(&output, 0);
        answer(&output)
    };
    let names = |of: &Value| {
        let names = of["streams"].as_array().unwrap().iter();
        let mut names: Vec<String> =
            names.map(|name| name.as_str().unwrap().replace("fresh", "tidings")).collect();
        names.sort();
        names
    };
    let folder = tempfile::tempdir().unwrap();
    let server = nats::NatsServer::start(folder.path());
    let url = format!("nats://{}", server.address);
    let first = prepare(&url, "fresh");
    assert_eq!(first["made"], first["streams"]);
    let all = names(&first);
    assert!(all.len() > 20, "{all:?}");
    let again = json!({"made": [], "raised": [], "copies": 1, "streams": first["streams"]});
    assert_eq!(prepare(&url, "fresh"), again);

    // What has been used has no other streams; what it has made itself is left as it is.
    let installation = Installation::relaxed(&[]);
    let ada = Person::register(&installation.place, "ada").await;
    let room = ada.group(&[]).await;
    ada.says(&room, "here").await;
    let found = prepare(&installation.nats(), "tidings");
    assert_eq!(names(&found), all);
    assert!(!found["made"].as_array().unwrap().contains(&json!("EVENTS_tidings")));
    // Only a server that is named can be prepared.
    exits(&command(&["prepare-nats"]).output().unwrap(), 2);
}
