//! What must be true of a server whatever was sent to it.

use schemas::{Event, Lane, Namespace};
use tests::kit::installation::Installation;
use tests::kit::person::{Person, Stranger};
use tests::kit::{log, until};

/// More resident memory than this, in MiB, is no longer sane for a debug build with a few hundred accounts.
const MEMORY: u64 = 1_024;
/// The namespace of an installation that was told none.
const NAMESPACE: &str = "tidings";
/// What the test kit's passwords begin with: in a log, each of them would show.
const PASSWORDS: &str = "secret of ";
/// Put into bodies, names and the like: neither may be logged.
pub(crate) const UNSPEAKABLE: &str = "unspeakable";

/// Checks a server that was attacked.
pub(crate) async fn check(installation: &Installation) {
    assert!(
        installation.process.runs(),
        "the server died:\n{}",
        installation.process.stderr_tail()
    );
    // It may have been busy: it recovers by itself.
    let stranger = Stranger::new(&installation.place);
    until("the server is ready", async || {
        (stranger.ask("GET", "/readyz").once().await.status == 200).then_some(())
    })
    .await;
    let resident = resident_mib(installation.process.pid().as_raw());
    assert!(resident < MEMORY, "the server holds {resident} MiB");
    read_log(installation);
    let namespace = Namespace::parse(NAMESPACE).unwrap();
    for (sequence, subject, bytes) in log::everything(&installation.nats(), NAMESPACE).await {
        let lane = Lane::parse(&namespace, &subject);
        assert!(lane.is_ok(), "event {sequence} lies on {subject:?}");
        let event =
            Event::decode(&bytes).unwrap_or_else(|error| panic!("event {sequence}: {error}"));
        assert_eq!(event.encode().ok(), Some(bytes), "event {sequence} is read as another");
    }
}

/// How many events of the log this user has caused.
pub(crate) async fn events_of(installation: &Installation, person: &Person) -> usize {
    let all = log::events(&installation.nats(), NAMESPACE).await;
    all.iter().filter(|(_, event)| event.actor.to_string() == person.id).count()
}

/// What a process keeps in memory.
pub(crate) fn resident_mib(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

fn read_log(installation: &Installation) {
    let nats = installation.nats();
    let password = nats.split('@').next().and_then(|login| login.rsplit(':').next());
    let password = password.filter(|_| nats.contains('@')).unwrap_or("no password");
    read_lines(&installation.process.stderr(), password);
}

/// Checks what a process has logged: no panic, nothing that must not be there. `password`: of its NATS.
pub(crate) fn read_lines(text: &str, password: &str) {
    for line in text.lines() {
        assert!(!line.contains("panicked"), "the server panicked: {line}");
        for secret in [PASSWORDS, UNSPEAKABLE, "@example.org", "Bearer ", password] {
            assert!(!line.contains(secret), "{secret:?} was logged: {line}");
        }
        assert!(!has_access_token(line), "an access token was logged: {line}");
        assert!(!has_refresh_token(line), "a refresh token was logged: {line}");
    }
}

/// Every JSON Web Token begins with the base64 of `{"`, and has a dot after its header.
fn has_access_token(line: &str) -> bool {
    line.match_indices("eyJ").any(|(place, _)| {
        let rest = &line[place..];
        let header = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
        header.is_some_and(|end| end > 10 && rest[end..].starts_with('.'))
    })
}

/// A refresh token is a session's id, a number and a code, with dots between them.
fn has_refresh_token(line: &str) -> bool {
    line.match_indices("ses_").any(|(place, _)| {
        let rest = &line[place..];
        let end = rest.find('.').unwrap_or(rest.len());
        let id = rest[4..end].bytes().all(|b| b.is_ascii_alphanumeric());
        id && rest[end..].chars().nth(1).is_some_and(|c| c.is_ascii_digit())
    })
}

#[test]
fn tokens_are_recognised_in_a_line() {
    assert!(has_access_token(r#"{"token":"eyJhbGciOiJFZERTQSJ9.eyJ"}"#));
    assert!(!has_access_token(r#"{"trace":"eyJ0"}"#));
    assert!(has_refresh_token(r#"{"x":"ses_01K3Z.0.AbCd"}"#));
    assert!(!has_refresh_token(r#"{"session.id":"ses_01K3Z"}"#));
}
