//! A restore: what comes back, and what must not.

use serde_json::json;
use tests::kit::installation::Installation;
use tests::kit::person::{Person, bodies};
use tests::kit::until;

/// What was logged out or changed since the backup does not come back: every session has ended, every secret is
/// new, and the operator is told which passwords are valid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_ends_every_session() {
    let mut installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    ada.says(&room, "kept").await;
    // A session that ends before the backup, and one that continues.
    let phone = bob.again().await;
    let backup = installation.data.parent().unwrap().join("backup");
    let backup = backup.to_str().unwrap();
    let made = tokio::task::block_in_place(|| installation.operate(&["backup", backup]));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    bob.ask("DELETE", "/v1/sessions").once().await.ok(204);
    let changed =
        json!({"current_password": bob.password, "new_password": "another secret of bob"});
    let other = bob.again().await;
    other.post("/v1/users/me/password", changed).await.ok(204);

    installation.process.stop();
    let keys = |name: &str| {
        let folder = std::fs::read_dir(installation.data.join("keys")).unwrap();
        let mut all: Vec<_> =
            folder.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
        all.sort();
        assert!(!all.is_empty(), "{name}");
        all
    };
    let before = keys("before");
    std::fs::rename(&installation.data, installation.data.with_extension("former")).unwrap();
    let restored = tokio::task::block_in_place(|| installation.operate(&["restore", backup]));
    let said = String::from_utf8_lossy(&restored.stdout).into_owned();
    assert!(restored.status.success(), "{said}\n{}", String::from_utf8_lossy(&restored.stderr));
    assert!(
        said.contains("Every session has ended")
            && said.contains("Passwords are those of the backup"),
        "{said}"
    );
    tokio::task::block_in_place(|| installation.start_again());
    *place.newest.lock().unwrap() = (0, String::new());
    let folder = std::fs::read_dir(installation.data.join("keys")).unwrap();
    let anew = |name: &str| ["signing", "refresh", "otp"].iter().any(|made| name.starts_with(made));
    for entry in folder {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let same = before.contains(&std::fs::read(entry.path()).unwrap());
        assert_eq!(same, !anew(&name), "{name}: what makes tokens and codes is new, nothing else");
    }

    for session in [&ada, &bob, &phone, &other] {
        session.ask("GET", "/v1/users/me").once().await.any_problem(401..=401);
        let refresh = json!({"refresh_token": session.refresh});
        session.post("/v1/sessions/refresh", refresh).await.any_problem(401..=401);
    }
    let wrong = json!({"login": bob.username, "password": "another secret of bob"});
    bob.post("/v1/sessions", wrong).await.any_problem(401..=401);
    let bob = bob.again().await;
    until("what was said is there", async || {
        let page = bob.get(&format!("/v1/rooms/{room}/messages")).await;
        (page.status == 200 && bodies(page.json["items"].as_array()?) == ["kept"]).then_some(())
    })
    .await;
    let sessions = bob.get("/v1/sessions").await.ok(200);
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1, "{sessions}");
    tokio::task::block_in_place(|| installation.verify());
}
