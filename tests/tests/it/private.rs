//! What is kept stays with its owner: files that only their owner can read, and logs without what people write.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tests::kit::installation::Installation;
use tests::kit::person::{Person, Stranger};
use tests::kit::{unique, until};

/// Everything in a folder, itself included, with its mode.
fn everything_in(folder: &Path) -> Vec<(PathBuf, u32)> {
    let (mut open, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(path) = open.pop() {
        // Files of a running store come and go.
        let Ok(about) = std::fs::symlink_metadata(&path) else { continue };
        if about.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(entries.map(|entry| entry.path()));
        }
        found.push((path, about.permissions().mode() & 0o777));
    }
    found
}

#[track_caller]
fn assert_private(folder: &Path) {
    let all = everything_in(folder);
    let open: Vec<String> = all
        .iter()
        .filter(|(_, mode)| mode & 0o077 != 0)
        .map(|(path, mode)| format!("{mode:o} {}", path.display()))
        .collect();
    assert!(open.is_empty(), "{open:#?}");
    assert!(all.len() > 5, "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_their_owners_alone_whatever_was_there_before() {
    let mut installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    ada.says(&room, "written down").await;
    ada.messages(&room).await;
    let mails = installation.data.join("mail");
    until("a mail is written", async || {
        let mut mails = std::fs::read_dir(&mails).into_iter().flatten().flatten();
        mails
            .any(|file| file.path().extension().is_some_and(|ending| ending == "eml"))
            .then_some(())
    })
    .await;
    assert_private(&installation.data);
    let backup = installation.data.parent().unwrap().join("backup");
    let made = installation.operate(&["backup", backup.to_str().unwrap()]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_private(&backup);
    assert!(everything_in(&backup).iter().any(|(path, _)| path.ends_with("stream.tar.s2")));

    assert_eq!(installation.process.stop(), 0);
    for (path, mode) in everything_in(&installation.data) {
        let open = std::fs::Permissions::from_mode(mode | 0o055);
        std::fs::set_permissions(path, open).unwrap();
    }
    installation.start_again();
    assert_private(&installation.data);
    ada.says(&room, "and again").await;
    assert_private(&installation.data);
}

/// A mail server that takes everything; what it was told.
fn mail_server() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let told = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&told);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let told = Arc::clone(&shared);
            std::thread::spawn(move || drop(serve_mail(&stream, &told)));
        }
    });
    (url, told)
}

fn serve_mail(stream: &TcpStream, told: &Mutex<String>) -> std::io::Result<()> {
    let (mut answer, mut letter) = (stream, false);
    answer.write_all(b"220 here\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        told.lock().unwrap().push_str(&format!("{line}\n"));
        let said: &[u8] = match (letter, line.to_ascii_uppercase().as_str()) {
            (true, ".") => b"250 taken\r\n",
            (true, _) => continue,
            (false, "DATA") => b"354 go on\r\n",
            (false, "QUIT") => b"221 bye\r\n",
            (false, _) => b"250 ok\r\n",
        };
        letter = said.starts_with(b"354");
        answer.write_all(said)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loudest_log_says_nothing_of_what_people_say() {
    let (url, told) = mail_server();
    let installation = Installation::relaxed(&["--log", "trace", "--smtp-url", &url]);
    let place = installation.place.clone();
    let ada = place.found().await;
    let bob = Person::register(&place, "bob").await;
    until("the mails went out", async || {
        let told = told.lock().unwrap();
        (told.contains(&ada.email) && told.contains(&bob.email)).then_some(())
    })
    .await;
    let (text, name, bio) = (unique("secret-text"), unique("Secret Name"), unique("secret-bio"));
    let (wrong, settings) = (unique("wrong-password"), unique("secret-setting"));
    let room = ada.group(&[&bob]).await;
    let patch = json!({"display_name": name, "bio": bio, "settings": {"k": settings}});
    ada.patch("/v1/users/me", patch).await.ok(200);
    let mut socket = bob.connect().await;
    ada.says(&room, &text).await;
    socket.event_in(&room, "message.posted").await;
    socket.post(&room, &format!("{text} too")).await;
    ada.messages(&room).await;
    let login = json!({"login": ada.email, "password": wrong});
    Stranger::new(&place).post("/v1/sessions", login).await.problem(401, "invalid_credentials");
    let again = Person::login(&place, &bob.email, &bob.password).await;
    let log = installation.process.stderr();
    assert!(log.contains("\"level\":\"debug\""), "ours is heard");
    for secret in [
        &text,
        &name,
        &bio,
        &wrong,
        &settings,
        &ada.email,
        &bob.email,
        &ada.password,
        &ada.access,
        &ada.refresh,
        &again.access,
        &again.refresh,
    ] {
        let line = log.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None, "{secret}");
    }
}
