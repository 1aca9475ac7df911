//! `tidings check-config`, as an operator calls it before a start.

use serde_json::Value;
use tempfile::TempDir;
use tests::kit::installation::command;
use tests::kit::s3_server::{ACCESS_KEY, BUCKET, Kind, S3Server, SECRET_KEY};

fn check(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut call = command(&[&["check-config"][..], arguments].concat());
    let output = call.envs(environment.iter().copied()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn it_shows_what_would_run_and_where_that_stands_without_secrets() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("tidings.toml");
    let secret = folder.path().join("mail");
    std::fs::write(&file, "rate_auth = \"7/min\"\nbcrypt_cost = 11\n").unwrap();
    std::fs::write(&secret, "smtp://me:hunter2@mail.example.org:587\n").unwrap();
    let arguments = [
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--bcrypt-cost",
        "10",
        "--nats-url",
        "nats://me:hunter2@127.0.0.1:4222",
        "--data",
        data.to_str().unwrap(),
        "--config",
        file.to_str().unwrap(),
        "--smtp-url-file",
        secret.to_str().unwrap(),
    ];
    let (code, out, err) = check(&arguments, &[("TIDINGS_NAMESPACE", "elsewhere")]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let of = |name: &str| {
        let all = report["settings"].as_array().unwrap();
        let one = all.iter().find(|one| one["setting"] == name);
        one.map(|one| {
            (one["value"].as_str().unwrap().to_owned(), one["from"].as_str().unwrap().to_owned())
        })
    };
    let pair = |value: &str, from: &str| Some((value.to_owned(), from.to_owned()));
    assert_eq!(of("namespace"), pair("elsewhere", "TIDINGS_NAMESPACE"));
    assert_eq!(of("bcrypt_cost"), pair("10", "flag"));
    assert_eq!(of("rate_auth"), pair("7/min", file.to_str().unwrap()));
    assert_eq!(of("rate_frames"), pair("20/s", "default"));
    assert_eq!(of("nats_url"), pair("nats://***@127.0.0.1:4222", "flag"));
    assert_eq!(of("smtp_url"), None);
    assert_eq!(of("smtp_url_file"), pair(secret.to_str().unwrap(), "flag"));
    assert!(!data.exists(), "nothing is made");
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let folder = TempDir::new().unwrap();
    let (file, data) = (folder.path().join("file"), folder.path().join("data"));
    std::fs::write(&file, "short").unwrap();
    let arguments = [
        "--listen",
        "nowhere",
        "--rate-auth",
        "often",
        "--bcrypt-cost",
        "99",
        "--namespace",
        "a.b",
        "--nats-url-file",
        "/no/such/file",
        "--data",
        data.to_str().unwrap(),
    ];
    let (code, _, err) = check(&arguments, &[]);
    assert_eq!(code, Some(2), "{err}");
    for wrong in
        ["listen: ", "rate_auth: ", "bcrypt_cost: ", "namespace: ", "nats_url_file: /no/such/file"]
    {
        assert!(err.contains(wrong), "{wrong}: {err}");
    }
    // What is right by itself and does not fit together, or with what it names.
    for (arguments, wanted) in [
        (vec!["--replicas", "3"], "--replicas above 1"),
        (
            vec!["--listen", "127.0.0.1:45999", "--admin-listen", "127.0.0.1:45999"],
            "listen and admin_listen",
        ),
        (vec!["--listen", "192.0.2.1:80"], "listen: 192.0.2.1:80"),
        (vec!["--name-key", file.to_str().unwrap()], "a key has 32 bytes"),
        (vec!["--smtp-ca-file", file.to_str().unwrap()], "holds no certificate"),
        (vec!["--tls-cert", "/a"], "private key is missing"),
        (vec!["--listen", "unix:/no/such/folder/sock"], "/no/such/folder is not there"),
        (vec!["--nats-server", "/no/such/program"], "nats_server: "),
        (vec!["--config", "/no/such/file"], "/no/such/file cannot be read"),
        (vec!["gateway"], "needs --nats-url"),
    ] {
        let mut all = arguments.clone();
        all.extend(["--data", data.to_str().unwrap()]);
        if !arguments.contains(&"--listen") {
            all.extend(["--listen", "127.0.0.1:0"]);
        }
        let (code, _, err) = check(&all, &[]);
        assert_eq!(code, Some(2), "{arguments:?}: {err}");
        assert!(err.contains(wanted), "{wanted}: {err}");
    }
    // A key that is none is named by its line, whose text may be a secret.
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "bcrypt_cost = 5\nsmtp_passwort = \"hunter2\"\n").unwrap();
    let (code, out, err) =
        check(&["--config", config.to_str().unwrap(), "--data", data.to_str().unwrap()], &[]);
    assert_eq!(code, Some(2), "{err}");
    assert!(
        err.contains("line 2") && !err.contains("hunter2") && !out.contains("hunter2"),
        "{err}"
    );
}

#[test]
fn a_secret_is_said_once_and_the_stronger_place_wins() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let secret = folder.path().join("nats");
    std::fs::write(&secret, "nats://me:hunter2@a:4222").unwrap();
    let base = ["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let twice = ["--nats-url", "nats://b:4222", "--nats-url-file", secret.to_str().unwrap()];
    let (code, _, err) = check(&[&base[..], &twice].concat(), &[]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("only one of them"), "{err}");
    // A file says it by a file, the call in words: that is no contradiction.
    let config = folder.path().join("tidings.toml");
    std::fs::write(&config, format!("nats_url_file = {secret:?}\n")).unwrap();
    let layered = ["--nats-url", "nats://b:4222", "--config", config.to_str().unwrap()];
    let (code, out, err) = check(&[&base[..], &layered].concat(), &[]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("nats://b:4222") && !out.contains("nats_url_file"), "{out}");
}

/// What a check says of a bucket of files: the exit code and stderr. No output ever shows the secret.
fn check_bucket(place: &str, secret: &str, more: &[&str]) -> (Option<i32>, String) {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let mut arguments = vec!["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    arguments.extend(["--blob-store", place, "--s3-access-key", ACCESS_KEY]);
    arguments.extend(more);
    let (code, out, err) = check(&arguments, &[("TIDINGS_S3_SECRET_KEY", secret)]);
    assert!(!out.contains(secret) && !err.contains(secret), "{out}{err}");
    assert!(out.contains(place), "{out}");
    (code, err)
}

#[tokio::test]
async fn a_bucket_of_files_is_asked_whether_it_can_be_used() {
    let Some(mut store) = S3Server::start(Kind::Rclone).await else { return };
    let place = store.place(BUCKET);
    let (code, err) = check_bucket(&place, SECRET_KEY, &[]);
    assert_eq!((code, err.contains("blob_store")), (Some(0), false), "{err}");
    let (code, err) = check_bucket(&place, SECRET_KEY, &["--public-url", "https://chat.test"]);
    assert_eq!((code, err.contains("browsers refuse that")), (Some(0), true), "{err}");
    for (place, secret) in [(store.place("elsewhere"), SECRET_KEY), (place.clone(), "another")] {
        let (code, err) = check_bucket(&place, secret, &[]);
        assert_eq!((code, err.contains("blob_store: ")), (Some(2), true), "{place}: {err}");
    }
    store.stop();
    let (code, err) = check_bucket(&place, SECRET_KEY, &[]);
    assert_eq!((code, err.contains("no connection")), (Some(0), true), "{err}");
    for (place, more, wanted) in [
        ("s3://files?endpoint=nowhere", &[][..], "blob_store: endpoint"),
        ("s3://files", &["--media-max-file", "6GiB"], "media_max_file"),
        ("s3://files", &["--s3-secret-key-file", "/no/such/file"], "only one of them"),
    ] {
        let (code, err) = check_bucket(place, SECRET_KEY, more);
        assert_eq!((code, err.contains(wanted)), (Some(2), true), "{err}");
    }
}

#[tokio::test]
async fn a_bucket_is_reached_by_tls_of_an_authority_of_its_own() {
    let Some(store) = S3Server::start(Kind::RcloneWithTls).await else { return };
    let (place, authority) = (store.place(BUCKET), store.authority());
    let trusted = ["--s3-ca-file", authority.to_str().unwrap()];
    let (code, err) = check_bucket(&place, SECRET_KEY, &trusted);
    assert_eq!((code, err.contains("blob_store")), (Some(0), false), "{err}");
    let (code, err) = check_bucket(&place, SECRET_KEY, &[]);
    assert_eq!((code, err.contains("no TLS")), (Some(2), true), "{err}");
    let (code, err) = check_bucket(&place, SECRET_KEY, &["--s3-ca-file", "/no/such/file"]);
    assert_eq!((code, err.contains("s3_ca_file /no/such/file")), (Some(2), true), "{err}");
}

#[test]
fn a_variable_that_is_empty_is_one_that_is_not_set() {
    let output = command(&["defaults", "--reference"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.split('`').filter(|word| word.starts_with("TIDINGS_"));
    // The program of the tests is said by that variable alone.
    let names: Vec<&str> = names.filter(|name| *name != "TIDINGS_NATS_SERVER").collect();
    assert!(names.len() > 40, "{names:?}");
    let empty: Vec<(&str, &str)> =
        names.iter().chain(&["TIDINGS_CONFIG"]).map(|name| (*name, "")).collect();
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let call = ["--json", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let (code, said, err) = check(&call, &empty);
    assert_eq!(code, Some(0), "{said}{err}");
    let (_, unsaid, _) = check(&call, &[]);
    assert_eq!(said, unsaid);
}

#[test]
fn a_variable_that_is_no_setting_is_named_with_what_may_have_been_meant() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let call = ["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let environment = [
        ("TIDINGS_RETENTON_DAYS", "30"),
        ("TIDINGS_LOGS", ""),
        ("TIDINGS_SERVICE_HOST", "10.0.0.1"),
    ];
    let (code, _, err) = check(&call, &environment);
    assert_eq!(code, Some(0), "{err}");
    let wanted = "warning: TIDINGS_RETENTON_DAYS is no setting; is TIDINGS_RETENTION_DAYS meant?";
    assert!(err.contains(wanted), "{err}");
    assert!(!err.contains("TIDINGS_LOGS") && !err.contains("SERVICE_HOST"), "{err}");
}

#[test]
fn a_unix_socket_is_refused_where_something_else_is_and_warned_of_where_one_is_in_use() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let at = |name: &str| {
        let listen = format!("unix:{}", folder.path().join(name).display());
        let (code, _, err) = check(&["--data", data.to_str().unwrap(), "--listen", &listen], &[]);
        (code, err)
    };
    assert_eq!(at("new.sock").0, Some(0));
    let used = std::os::unix::net::UnixListener::bind(folder.path().join("used.sock")).unwrap();
    let (code, err) = at("used.sock");
    assert_eq!((code, err.contains("used.sock is in use now")), (Some(0), true), "{err}");
    drop(used);
    assert_eq!(at("used.sock"), (Some(0), String::new()));
    std::fs::write(folder.path().join("file"), "kept").unwrap();
    let (code, err) = at("file");
    assert_eq!((code, err.contains("a file that is no socket")), (Some(2), true), "{err}");
}

#[test]
fn a_server_that_does_not_answer_is_warned_of_and_one_of_several_is_enough() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let there = server.local_addr().unwrap().to_string();
    // A port that is never given to who asks for any.
    let away = "127.0.0.1:1";
    let of = |process: &str, flags: &[&str]| {
        let base = [process, "--data", data.to_str().unwrap()];
        let (code, out, err) = check(&[&base[..], flags].concat(), &[]);
        assert_eq!(code, Some(0), "{err}");
        assert!(!err.contains("hunter2"), "{err}");
        (out, err)
    };
    let (nats, none) = (format!("nats://me:hunter2@{there}"), format!("nats://me:hunter2@{away}"));
    let (mail, mongo) =
        (format!("smtp://me:hunter2@{away}"), format!("mongodb://a:hunter2@{away}"));
    let (_, err) = of("projector", &["--nats-url", &format!("{none},{nats}"), "--smtp-url", &mail]);
    assert!(!err.contains("answers now"), "{err}");
    let flags = ["--nats-url", &none, "--smtp-url", &mail, "--read-model", &mongo];
    let (out, err) = of("notifier", &flags);
    for setting in ["nats_url", "read_model", "smtp_url"] {
        let wanted = format!("warning: {setting}: no server answers now: {away}: ");
        assert!(err.contains(&wanted), "{wanted}: {err}");
    }
    // Clients connect to the gateway alone: the others listen nowhere by themselves.
    let listens = |out: &str| {
        let line = out.lines().find(|line| line.starts_with("listen ")).unwrap().to_owned();
        line.split_whitespace().nth(2).unwrap().to_owned()
    };
    assert_eq!(listens(&out), "none");
    let (out, _) = of("gateway", &["--nats-url", &nats]);
    assert_eq!(listens(&out), "127.0.0.1:8080");
}
