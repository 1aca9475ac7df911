//! Mails are sent while everything that sends them is killed: each arrives, at most one of them twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tests::kit::installation::{Installation, RELAXED};
use tests::kit::{last, unique};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::schedule::{Dice, Schedule, by_length};

/// The ids of the mails each person was sent.
type Mails = Arc<Mutex<HashMap<String, Vec<String>>>>;

/// A slow mail server, and the mails it received.
async fn mail_server(dice: &Dice) -> (String, Mails) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let mails = Mails::default();
    let (given, mut dice) = (Arc::clone(&mails), dice.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let pause = Duration::from_millis(dice.below(400) as u64);
            tokio::spawn(converse(stream, pause, Arc::clone(&given)));
        }
    });
    (url, mails)
}

/// The server's side of RFC 5321, as much of it as a client needs. A mail counts when it was all there: its sender
/// may die before it hears that.
async fn converse(stream: TcpStream, pause: Duration, mails: Mails) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut mail: Option<String> = None;
    let mut answer = "220 mail.example ESMTP";
    loop {
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
        answer = loop {
            let Ok(Some(line)) = lines.next_line().await else { return };
            match (&mut mail, line.split(' ').next().unwrap_or_default()) {
                (Some(text), ".") => {
                    note(text, &mails);
                    mail = None;
                    last(pause).await;
                    break "250 taken";
                }
                (Some(text), _) => {
                    text.push_str(&line);
                    text.push('\n');
                }
                (None, "EHLO") => break "250 mail.example",
                (None, "DATA") => {
                    last(pause).await;
                    mail = Some(String::new());
                    break "354 go on";
                }
                (None, "QUIT") => break "221 bye",
                (None, _) => break "250 ok",
            }
        };
    }
}

fn note(mail: &str, mails: &Mails) {
    let header = |name: &str| mail.lines().find_map(|line| line.strip_prefix(name));
    let to = header("To: ").unwrap_or_default();
    let address = to.rsplit('<').next().unwrap_or_default().trim_end_matches('>').to_owned();
    let id = header("Message-ID: ").unwrap_or_default().to_owned();
    mails.lock().unwrap().entry(address).or_default().push(id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mail_arrives_though_its_senders_die() {
    let mut schedule = Schedule::of("every_mail_arrives_though_its_senders_die");
    for round in 0..by_length(1, 10) {
        let (url, mails) = mail_server(&schedule.dice_of(&format!("mail-{round}"))).await;
        let mut installation = Installation::start(&[RELAXED, &["--smtp-url", &url]].concat());
        let http =
            reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        let mut registered = Vec::new();
        for kill in 0..3 {
            for _ in 0..schedule.dice.within(3..12) {
                let name = unique("m");
                let address = format!("{name}@example.org");
                let body = json!({"username": name, "email": address, "display_name": name,
                                  "password": format!("secret of {name}")});
                let request =
                    http.post(format!("{}/v1/users", installation.place.url(0))).json(&body);
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status().as_u16(), 201);
                registered.push(address);
            }
            last(Duration::from_millis(schedule.dice.below(900) as u64)).await;
            let sent = mails.lock().unwrap().len();
            schedule.say(&format!("kill {kill}: {sent} of {} are out", registered.len()));
            tokio::task::block_in_place(|| {
                installation.process.kill();
                installation.start_again();
            });
        }
        let back = Instant::now();
        let missing = || {
            let mails = mails.lock().unwrap();
            registered.iter().filter(|who| !mails.contains_key(*who)).cloned().collect::<Vec<_>>()
        };
        while !missing().is_empty() {
            assert!(back.elapsed() < Duration::from_secs(180), "no mail to {:?}", missing());
            last(Duration::from_millis(50)).await;
        }
        schedule.say(&format!("all {} are there after {:?}", registered.len(), back.elapsed()));
        // What was taken over is given time to be sent a third time.
        last(by_length(Duration::ZERO, Duration::from_secs(20))).await;
        for (who, ids) in &*mails.lock().unwrap() {
            assert!(ids.len() <= 2 && ids.iter().all(|id| *id == ids[0]), "{who}: {ids:?}");
        }
    }
}
