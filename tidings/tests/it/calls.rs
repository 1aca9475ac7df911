//! Wrong calls are told apart from failures: exit code 2, and a text that helps.

use crate::process::tidings;

#[track_caller]
fn refused(arguments: &[&str], helps: &str) {
    let answer = tidings().args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&answer.stderr);
    assert_eq!(answer.status.code(), Some(2), "{arguments:?}: {text}");
    assert!(text.contains(helps), "{arguments:?}: {text}");
    assert!(answer.stdout.is_empty());
}

#[test]
fn wrong_calls_exit_with_2() {
    refused(&[], "Usage");
    refused(&["chat"], "chat-svc");
    refused(&["serve", "--no-such-flag"], "--no-such-flag");
    refused(&["gateway"], "--nats-url");
    refused(&["serve", "--bcrypt-cost", "2"], "bcrypt_cost");
    refused(&["serve", "--rate-auth", "lots"], "rate_auth");
    refused(&["serve", "--config", "/nowhere.toml"], "/nowhere.toml");
    refused(&["serve", "--nats-server", "/bin/true"], "/bin/true");
}

#[test]
fn the_environment_is_read_and_flags_win_over_it() {
    let from_environment =
        tidings().env("TIDINGS_NAMESPACE", "Not Good").arg("serve").output().unwrap();
    assert_eq!(from_environment.status.code(), Some(2));
    let both = tidings()
        .env("TIDINGS_NAMESPACE", "Not Good")
        .args(["serve", "--namespace", "fine", "--sync", "never"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&both.stderr);
    assert!(text.contains("sync") && !text.contains("namespace"), "{text}");
}

#[test]
fn the_defaults_can_be_printed_and_read_back() {
    let printed = tidings().arg("defaults").output().unwrap();
    assert!(printed.status.success());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidings.toml");
    std::fs::write(&file, &printed.stdout).unwrap();
    let answer =
        tidings().args(["serve", "--bcrypt-cost", "1", "--config"]).arg(&file).output().unwrap();
    let text = String::from_utf8_lossy(&answer.stderr);
    assert!(text.contains("bcrypt_cost"), "{text}");
}
