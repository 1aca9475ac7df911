//! Who is the first admin, what the operator's commands do, and that an admin always remains.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place, RELAXED, command};
use tests::kit::person::{Person, Stranger};
use tests::kit::process::Process;

#[track_caller]
fn answer(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn admin(data: &Path, arguments: &[&str], stdin: &str) -> Output {
    let mut command = command(&[&["admin"], arguments].concat());
    command.arg("--data").arg(data).args(["--bcrypt-cost", "4"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A wrong call ends before it reads.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

async fn role_of_a_stranger(place: &Place) -> String {
    let person = Person::register(place, "stranger").await;
    person.get("/v1/users/me").await.ok(200)["role"].as_str().unwrap().to_owned()
}

async fn login(place: &Place, login: &str, password: &str) -> (u16, Value) {
    let body = json!({"login": login, "password": password});
    let reply = Stranger::new(place).post("/v1/sessions", body).await;
    (reply.status, reply.json)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_comes_first_from_elsewhere_is_no_admin() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = |listen: &str| {
        let mut command = command(&["serve", "--listen", listen, "--data"]);
        command.arg(&data).args(RELAXED);
        let process = Process::start("serve", &command, folder.path(), None);
        let ready: Value = serde_json::from_str(&process.line()).unwrap();
        (process, Place::new(vec![ready["http"].as_str().unwrap().to_owned()], Vec::new()))
    };
    let (mut process, place) = serve("0.0.0.0:0");
    assert_eq!(role_of_a_stranger(&place).await, "user");
    // The operator creates one beside it.
    let create = ["create", "--username", "chief", "--email", "chief@example.org", "--json"];
    let made = answer(&admin(&data, &create, ""));
    assert_eq!((&made["username"], &made["role"]), (&json!("chief"), &json!("admin")));
    let (status, tokens) = login(&place, "chief", made["password"].as_str().unwrap()).await;
    assert_eq!((status, &tokens["user"]["role"]), (201, &json!("admin")));
    process.stop();
    // Going back to loopback makes no account the first one again.
    let (mut process, place) = serve("127.0.0.1:0");
    assert_eq!(role_of_a_stranger(&place).await, "user");
    process.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_fifty_concurrent_registrations_is_admin() {
    let installation = Installation::relaxed(&[]);
    let place = &installation.place;
    let roles = join_all((0..50).map(|_| role_of_a_stranger(place))).await;
    assert_eq!(roles.iter().filter(|role| *role == "admin").count(), 1, "{roles:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_commands_work_with_a_server_and_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Before anything has ever run here.
    let create = ["create", "--username", "chief", "--email", "Chief@example.org"];
    let output = admin(&data, &create, "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let logged = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{logged}");
    assert!(!logged.contains("lost"), "it has let go of NATS: {logged}");
    let made = said.lines().find_map(|line| line.strip_prefix("password: ")).expect("it is told");
    assert_eq!(made.len(), 20, "{said}");
    assert_eq!(admin(&data, &create, "").status.code(), Some(1), "the name is taken");

    let mut command = command(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(&data).args(RELAXED);
    let mut process = Process::start("serve", &command, folder.path(), None);
    let ready: Value = serde_json::from_str(&process.line()).unwrap();
    let place = Place::new(vec![ready["http"].as_str().unwrap().to_owned()], Vec::new());
    assert_eq!(login(&place, "chief", made).await.0, 201);
    let ada = Person::register(&place, "ada").await;
    assert_eq!(
        ada.get("/v1/users/me").await.ok(200)["role"],
        "user",
        "there is an account already"
    );

    let promoted = answer(&admin(&data, &["promote", &ada.email, "--json"], ""));
    assert_eq!((&promoted["role"], &promoted["password"]), (&json!("admin"), &Value::Null));
    ada.again().await.get("/v1/admin/users").await.ok(200);

    let reset = ["reset-password", &ada.username, "--password-stdin", "--json"];
    for common in ["password", &ada.username] {
        assert_eq!(admin(&data, &reset, common).status.code(), Some(1), "{common}");
    }
    let answered = answer(&admin(&data, &reset, "from standard input\n"));
    assert_eq!(answered["password"], Value::Null, "it is known already");
    ada.ask("GET", "/v1/users/me").once().await.problem(401, "unauthenticated");
    assert_eq!(login(&place, &ada.username, &ada.password).await.0, 401);
    assert_eq!(login(&place, &ada.username, "from standard input").await.0, 201);
    process.stop();

    let answered = answer(&admin(&data, &["reset-password", "@chief", "--json"], ""));
    assert_eq!(answered["password"].as_str().unwrap().len(), 20);
    let stderr = process.stderr();
    assert!(!stderr.contains("from standard input") && !stderr.contains(made), "no log has it");
}

#[test]
fn wrong_calls_are_told_apart_from_failures() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let create = |username: &str, email: &str, stdin: &str| {
        let arguments = ["create", "--username", username, "--email", email, "--password-stdin"];
        admin(&data, &arguments, stdin).status.code()
    };
    for (username, email, stdin) in [
        ("a", "a@example.org", "correct horse"),
        ("a*b", "a@example.org", "correct horse"),
        ("chief", "no address", "correct horse"),
        ("chief", "a@example.org", "short"),
        ("chief", "a@example.org", ""),
        ("chief", "a@example.org", &"x".repeat(5000)),
    ] {
        assert_eq!(create(username, email, stdin), Some(2), "{username} {email} {stdin}");
    }
    assert_eq!(admin(&data, &["create"], "").status.code(), Some(2));
    assert_eq!(admin(&data, &["promote", "ada"], "").status.code(), Some(2), "no data folder");
    assert!(!data.exists(), "a wrong call makes nothing");
    assert_eq!(create("chief", "a@example.org", "correct horse\r\n"), Some(0));
    assert_eq!(create("chief", "b@example.org", "correct horse"), Some(1), "taken");
    assert_eq!(create("other", "A@example.org", "correct horse"), Some(1), "taken");
    assert_eq!(admin(&data, &["promote", "absent"], "").status.code(), Some(1));
    assert_eq!(admin(&data, &["reset-password", "absent"], "").status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_remains_however_two_act_on_each_other() {
    let installation = Installation::relaxed(&[]);
    let place = &installation.place;
    let first = place.found().await;
    let second = Person::register(place, "second").await;
    let acts = [
        json!({"role": "user"}),
        json!({"suspended": true}),
        json!({"role": "moderator", "suspended": true}),
    ];
    for (round, act) in acts.iter().cycle().take(9).enumerate() {
        for person in [&first, &second] {
            tokio::task::block_in_place(|| {
                answer(&installation.operate(&["admin", "promote", &person.username, "--json"]))
            });
        }
        let (one, other) = (first.again().await, second.again().await);
        let path = |of: &Person| format!("/v1/admin/users/{}", of.id);
        let on = |by: &Person, of: &Person| {
            let request = by.ask("PATCH", &path(of)).json(act.clone());
            async move { request.once().await }
        };
        // On each other, or each on themselves.
        let (a, b) = match round % 2 {
            0 => tokio::join!(on(&one, &other), on(&other, &one)),
            _ => tokio::join!(on(&one, &one), on(&other, &other)),
        };
        for reply in [&a, &b] {
            assert!([200, 401, 403, 409].contains(&reply.status), "{}", reply.text);
        }
        assert!(a.status != 200 || b.status != 200, "{round}: {} {}", a.text, b.text);
        let mut admins = 0;
        for person in [&first, &second] {
            let (status, tokens) = login(place, &person.username, &person.password).await;
            let is_admin = status == 201 && tokens["user"]["role"] == "admin";
            admins += usize::from(is_admin);
            if status == 403 {
                // The admin who remains lifts it again, for the next round.
                let chief = if person.id == first.id { &other } else { &one };
                let body = json!({"suspended": false});
                chief.again().await.ask("PATCH", &path(person)).json(body).once().await.ok(200);
            }
        }
        assert!(admins >= 1, "{round}: no admin is left");
    }
}
