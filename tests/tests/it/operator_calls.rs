//! What operators are told before anything is done: calls on the wrong folder, store or port, and logs that lack nothing.

use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::kit::installation::{Installation, RELAXED, command};
use tests::kit::person::{Person, id_of};
use tests::kit::{mongo, unique, until};

#[track_caller]
fn ends(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}{said}",
        String::from_utf8_lossy(&output.stdout)
    );
    said
}

/// Compares, lists and tells from a read model that was never built beside a log that has much.
async fn nothing_to_compare(installation: &Installation, store: &[&str], namespace: &str) {
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let message = id_of(&ada.says(&room, "something").await);
    let folder = TempDir::new().unwrap();
    let other = folder.path().join("other");
    let nats = installation.nats();
    for call in [&["verify"][..], &["retention", "--dry-run"], &["trace", &message]] {
        let mut command = command(call);
        command.args(["--nats-url", &nats, "--namespace", namespace]).args(store);
        let said = ends(&command.arg("--data").arg(&other).output().unwrap(), 2);
        assert!(said.contains("there is no read model at "), "{call:?}: {said}");
        assert!(!said.contains("hunter2"), "{call:?}: {said}");
        assert!(!other.exists(), "{call:?} has made it");
    }
    installation.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_model_that_was_never_built_is_not_called_clean() {
    let installation = Installation::relaxed(&[]);
    Box::pin(nothing_to_compare(&installation, &[], "tidings")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_a_read_model_is_not_called_clean() {
    let Some(url) = mongo::url() else { return };
    let namespace = unique("calls");
    let installation = Installation::relaxed(&["--namespace", &namespace]);
    Box::pin(nothing_to_compare(&installation, &["--read-model", &url], &namespace)).await;
}

/// Only root can: any other user is kept out by the system itself.
#[test]
fn root_makes_nothing_in_the_folder_of_another_user() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("not root: another user's folder CANNOT be made, so this is NOT TRIED");
        return;
    }
    let parent = TempDir::new().unwrap();
    let data = parent.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(54_321), Some(54_321)).unwrap();
    let backup = parent.path().join("backup");
    for call in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["rebuild"],
        &["verify"],
        &["admin", "create", "--username", "chief", "--email", "chief@example.org"],
        &["backup", backup.to_str().unwrap()],
        &["check-config", "--listen", "127.0.0.1:0"],
    ] {
        let said = ends(&command(call).arg("--data").arg(&data).output().unwrap(), 2);
        assert!(said.contains("sudo -u '#54321' tidings"), "{call:?}: {said}");
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0, "{call:?}");
    }
    let rotate = ["keys", "rotate", "--keys", data.to_str().unwrap(), "--data"];
    let said = ends(&command(&rotate).arg(parent.path()).output().unwrap(), 2);
    assert!(said.contains("54321"), "{said}");
}

/// What a start has made in a data folder besides the lock by which it is its own.
fn made(data: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| name.into_string().unwrap());
    names.filter(|name| name != "lock").collect()
}

#[test]
fn a_start_that_clients_could_not_reach_makes_nothing() {
    let folder = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = (taken.local_addr().unwrap().to_string(), taken);
    for (number, (flags, wanted)) in [
        (&["--listen", &taken.0][..], "cannot listen at"),
        (&["--listen", "unix:/no/such/folder/sock"], "/no/such/folder is not there"),
        (
            &["--listen", "127.0.0.1:0", "--tls-cert", "/no/cert", "--tls-key", "/no/key"],
            "/no/cert cannot be read",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let data = folder.path().join(number.to_string());
        let mut call = command(&[&["serve"][..], flags, RELAXED].concat());
        let said = ends(&call.arg("--data").arg(&data).output().unwrap(), 1);
        assert!(said.contains("gateway cannot start: ") && said.contains(wanted), "{said}");
        assert_eq!(made(&data), [""; 0], "{wanted}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_is_not_called_lost() {
    let mut installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let room = ada.group(&[&bob]).await;
    bob.says(&room, "mine").await;
    let id = bob.get("/v1/users/me").await.ok(200)["id"].as_str().unwrap().to_owned();
    let erase = ada.ask("DELETE", &format!("/v1/admin/users/{id}"));
    let erasure = erase.json(json!({"reason": "asked"})).send().await.ok(202);
    let erasure = format!("/v1/erasures/{}", erasure["erasure_id"].as_str().unwrap());
    until("bob is erased", async || {
        (ada.get(&erasure).await.ok(200)["status"] == "done").then_some(())
    })
    .await;
    installation.process.stop();
    let output = installation.operate(&["accept-loss", "--json"]);
    ends(&output, 0);
    let loss: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!loss["holes"].as_array().unwrap().is_empty(), "{loss}");
    assert_eq!(loss["lost"], json!([]), "{loss}");
    let output = installation.operate(&["accept-loss"]);
    ends(&output, 0);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("nothing is lost\nthe log goes on from "), "{text}");
    installation.start_again();
    installation.verify();
}
