//! Lanes of names are keyed hashes: useless to a reader of the log, and useless without their key.

use std::collections::HashSet;
use std::path::Path;
use std::process::Output;

use schemas::events::NameClaimed;
use schemas::{Actor, Digest, Event, EventId, NameKey, Timestamp};
use serde_json::json;
use tests::kit::installation::{Installation, RELAXED, command};
use tests::kit::nats::NatsServer;
use tests::kit::person::{Person, Stranger, id_of};
use tests::kit::separate::Separate;
use tests::kit::{log, unique};

/// Starts a service that is expected to end at once.
fn tried(arguments: &[&str], data: &Path) -> Output {
    let mut command = command(arguments);
    command.arg("--data").arg(data).args(RELAXED);
    command.output().expect("the command runs")
}

#[track_caller]
fn is_refused(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(why), "{said}");
    assert!(output.stdout.is_empty(), "it never was ready");
}

/// The last words of the subjects of a log.
async fn last_words(nats: &str, namespace: &str) -> HashSet<String> {
    let all = log::everything(nats, namespace).await.into_iter();
    all.filter_map(|(_, subject, _)| subject.rsplit('.').next().map(str::to_owned)).collect()
}

/// Every way in which a name could stand in a subject without a key, among them how older builds did it.
fn plain(words: &[String]) -> Vec<String> {
    let kinds = ["", "handle", "email", "roomname", "direct", "register"];
    let mut all = Vec::new();
    for word in words {
        for kind in kinds {
            let parts: Vec<&str> =
                [kind, word].into_iter().filter(|part| !part.is_empty()).collect();
            all.push(Digest::of(parts).to_string());
        }
        all.push(word.clone());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dictionary_finds_no_name_in_the_log() {
    let installation = Installation::relaxed(&[]);
    let place = &installation.place;
    let ada = place.found().await;
    let bob = Person::register(place, "bob").await;
    let room = unique("secret plans");
    ada.post("/v1/rooms", json!({"kind": "channel", "name": room})).await.ok(201);
    ada.direct(&[&bob]).await;
    // An id that follows from an idempotency key is public, and must not tell the address either.
    let (name, key) = (unique("carl"), "1");
    let email = format!("{name}@example.org");
    let body = json!({"username": name, "email": email, "password": "correct horse"});
    let stranger = Stranger::new(place);
    let request = stranger.ask("POST", "/v1/users").header("idempotency-key", key).json(body);
    let carl = id_of(&request.send().await.ok(201));

    let mut words =
        vec!["general".to_owned(), "!admins".to_owned(), room.to_lowercase(), name, email];
    for person in [&ada, &bob] {
        words.extend([person.username.clone(), person.email.to_lowercase(), person.id.clone()]);
    }
    let mut pair = [ada.id.as_str(), bob.id.as_str()];
    pair.sort_unstable();
    let subjects = last_words(&installation.nats(), "tidings").await;
    let mut guesses = plain(&words);
    guesses.push(Digest::of(pair).to_string());
    for guess in guesses {
        assert!(!subjects.contains(&guess) || guess.starts_with("usr_"), "{guess}");
    }
    // With the key every one of them is found: the guesses are of the right kind.
    let secret = std::fs::read(installation.data.join("keys/names.secret")).unwrap();
    let names = NameKey::new(secret.as_slice().try_into().expect("32 bytes"));
    for kind in ["handle", "email", "roomname"] {
        let found = words
            .iter()
            .filter(|word| subjects.contains(names.digest([kind, word.as_str()]).as_str()));
        assert!(found.count() > 0, "{kind}");
    }
    let plain_id = Digest::of(["register", "anonymous", key, &words[3], &words[4]]);
    assert!(!carl.contains(plain_id.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_key_a_log_is_not_served() {
    let mut installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    installation.process.stop();
    let file = installation.data.join("keys/names.secret");
    let key = std::fs::read(&file).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0"];

    std::fs::remove_file(&file).unwrap();
    is_refused(&tried(&serve, &installation.data), "names.secret is missing");
    assert!(!file.exists(), "none is made in its place");
    std::fs::write(&file, [7; 32]).unwrap();
    is_refused(&tried(&serve, &installation.data), "not the one this log was begun with");
    std::fs::write(&file, &key[..31]).unwrap();
    is_refused(&tried(&serve, &installation.data), "damaged");
    // The operator's commands do no better.
    std::fs::write(&file, [7; 32]).unwrap();
    let create = ["admin", "create", "--username", &ada.username, "--email", "x@example.org"];
    is_refused(&tried(&create, &installation.data), "not the one this log was begun with");

    std::fs::write(&file, &key).unwrap();
    installation.start_again();
    let body = json!({"username": ada.username, "email": "other@example.org", "password": "correct horse"});
    Stranger::new(&installation.place).post("/v1/users", body).await.problem(409, "already_exists");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_separate_service_with_another_key_is_refused() {
    let separate = Separate::start("sqlite");
    separate.place.found().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let (nats, read_model) = (separate.nats_url(), separate.data().join("read"));
    let keys = elsewhere.path().join("keys");
    for (service, why) in
        [("auth-svc", "is missing"), ("chat-svc", "is missing"), ("notifier", "is missing")]
    {
        let arguments = [
            service,
            "--nats-url",
            &nats,
            "--namespace",
            &separate.namespace,
            "--keys",
            keys.to_str().unwrap(),
        ];
        let said = tried(&arguments, separate.data());
        is_refused(&said, why);
    }
    assert!(read_model.is_dir());
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::write(keys.join("names.secret"), [9; 32]).unwrap();
    let arguments = [
        "auth-svc",
        "--nats-url",
        &nats,
        "--namespace",
        &separate.namespace,
        "--keys",
        keys.to_str().unwrap(),
    ];
    is_refused(&tried(&arguments, separate.data()), "not the one this log was begun with");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_plain_hashes_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut nats = NatsServer::start(folder.path());
    let namespace = schemas::Namespace::parse("older").unwrap();
    let connect = eventlog::Connect {
        url: nats.url(),
        client_name: "tests".to_owned(),
        namespace: namespace.clone(),
    };
    let log = eventlog::EventLog::connect(connect).await.unwrap();
    log.ensure_topology(&eventlog::Topology::default()).await.unwrap();
    let event = Event {
        id: EventId::parse("evt_06gzvwq7a5stvb4da0yddx62br").unwrap(),
        time: Timestamp::now(),
        actor: Actor::System,
        causation: None,
        traceparent: None,
        data: NameClaimed { owner: "usr_of_an_older_build".to_owned() }.into(),
    };
    let lane = schemas::Lane::Handle(Digest::of(["handle", "ada"]));
    let write = eventlog::LaneWrite::new(lane, event, eventlog::Expect::Empty);
    log.append(vec![write]).await.unwrap();
    let data = folder.path().join("data");
    let url = nats.url();
    let arguments =
        ["serve", "--listen", "127.0.0.1:0", "--namespace", "older", "--nats-url", &url];
    is_refused(&tried(&arguments, &data), "an older build has begun it");
    assert!(!data.join("keys/names.secret").exists());
    nats.process.stop();
}
