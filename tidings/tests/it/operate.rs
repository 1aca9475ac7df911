//! Operator commands, through a running `serve` and without one.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::process::{Serve, nats_server_of, tidings};

fn operate(data: &Path, arguments: &[&str]) -> Output {
    tidings().args(arguments).arg("--data").arg(data).output().unwrap()
}

#[track_caller]
fn answer(data: &Path, arguments: &[&str]) -> Value {
    let output = operate(data, arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn they_work_beside_a_running_serve_and_after_it() {
    let data = tempfile::tempdir().unwrap();
    let serve = Serve::start(data.path());
    assert_eq!(answer(data.path(), &["verify", "--json"])["clean"], true);
    let rebuilt = answer(data.path(), &["rebuild", "--json"]);
    assert_eq!(rebuilt["switched"], true);
    assert_eq!(
        answer(data.path(), &["dead-letters", "list", "--json"])["items"],
        Value::Array(vec![])
    );
    drop(serve);
    let verified = answer(data.path(), &["verify", "--json"]);
    assert_eq!(verified["clean"], true);
    assert_eq!(verified["generation"], rebuilt["generation"]);
    assert_eq!(
        nats_server_of(data.path()),
        None,
        "a server for its own time ends with the command"
    );
}

#[test]
fn wrong_calls_and_missing_things_are_told_apart() {
    let data = tempfile::tempdir().unwrap();
    let nowhere = data.path().join("nowhere");
    assert_eq!(operate(&nowhere, &["verify"]).status.code(), Some(2));
    drop(Serve::start(data.path()));
    assert_eq!(operate(data.path(), &["rebuild", "--until", "teatime"]).status.code(), Some(2));
    assert_eq!(operate(data.path(), &["dead-letters", "show", "7"]).status.code(), Some(1));
}

#[test]
fn a_backup_brings_the_log_and_the_keys_back_elsewhere() {
    let data = tempfile::tempdir().unwrap();
    let serve = Serve::start(data.path());
    let folder = data.path().join("backup");
    let folder = folder.to_str().unwrap();
    let made = answer(data.path(), &["backup", folder, "--json"]);
    let position = answer(data.path(), &["verify", "--json"])["position"].clone();
    assert_eq!(operate(data.path(), &["restore", folder]).status.code(), Some(2), "not onto a log");
    drop(serve);

    let other = tempfile::tempdir().unwrap();
    let restored = answer(other.path(), &["restore", folder, "--json"]);
    assert_eq!(restored["messages"], made["messages"]);
    for key in made["manifest"]["keys"].as_array().unwrap() {
        let name = key.as_str().unwrap();
        let read = |data: &Path| std::fs::read(data.join("keys").join(name)).unwrap();
        assert_eq!(read(other.path()), read(data.path()), "{name}");
    }
    let serve = Serve::start(other.path());
    assert_eq!(serve.ready["ready"], true);
    let verified = answer(other.path(), &["verify", "--json"]);
    assert_eq!(verified["clean"], true);
    let epoch = |position: &Value| position.as_str().unwrap().split(':').next().unwrap().to_owned();
    assert_ne!(epoch(&verified["position"]), epoch(&position), "what came later is not there");
}

#[test]
fn a_folder_that_is_no_backup_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let empty = data.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let refused = operate(data.path(), &["restore", empty.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
}
