//! A real MongoDB: one mongod for the whole run, as a replica set of one so that transactions work.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testbed::free_port;

use crate::kit::process::{Process, pause};
use crate::kit::{PATIENCE, server};

struct Mongo {
    url: String,
    _process: Process,
}

/// The connection string of the run's MongoDB; none when there is no mongod here, which is reported and,
/// with `TIDINGS_REQUIRE_MONGODB=1`, is a failure.
///
/// # Panics
/// When there is a mongod and it does not come up.
#[must_use]
pub fn url() -> Option<String> {
    static MONGO: OnceLock<Option<Mongo>> = OnceLock::new();
    let mongo = MONGO.get_or_init(|| {
        if server("TIDINGS_MONGOD", "mongod").exists() {
            return Some(start());
        }
        let required = std::env::var_os("TIDINGS_REQUIRE_MONGODB").is_some();
        assert!(!required, "there is no mongod, and TIDINGS_REQUIRE_MONGODB is set");
        skipped();
        None
    });
    mongo.as_ref().map(|mongo| mongo.url.clone())
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn skipped() {
    eprintln!("NO mongod HERE: THE TESTS AGAINST MONGODB AND SEPARATE PROCESSES ARE SKIPPED");
}

fn start() -> Mongo {
    let folder = TempDir::with_prefix("tidings-mongo-").unwrap().keep();
    let host = format!("127.0.0.1:{}", free_port());
    let process = spawn(&folder, &host, Some(&folder));
    initiate(&host, &process);
    Mongo { url: url_of(&host), _process: process }
}

fn url_of(host: &str) -> String {
    format!("mongodb://{host}/?replicaSet=rs0")
}

fn spawn(folder: &Path, host: &str, left: Option<&Path>) -> Process {
    let port = host.rsplit(':').next().unwrap_or_default();
    let mut command = Command::new(server("TIDINGS_MONGOD", "mongod"));
    command.args(["--replSet", "rs0", "--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"]);
    // Test commands: to have it fail on demand (`configureFailPoint`).
    command.args(["--setParameter", "enableTestCommands=1"]);
    command.args(["--wiredTigerCacheSizeGB", "0.25", "--port", port, "--dbpath"]);
    command.arg(folder).arg("--logpath").arg(folder.join("mongod.log")).arg("--logappend");
    Process::start("mongod", &command, folder, left)
}

/// A mongod of a case's own, to be killed.
pub struct OwnMongo {
    /// Its process.
    pub process: Process,
    host: String,
    folder: TempDir,
}

impl OwnMongo {
    /// Starts one; none when there is no mongod here.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start() -> Option<Self> {
        url()?;
        let folder = TempDir::with_prefix("tidings-mongo-").unwrap();
        let host = format!("127.0.0.1:{}", free_port());
        let process = spawn(folder.path(), &host, None);
        initiate(&host, &process);
        Some(Self { process, host, folder })
    }

    /// Its connection string.
    #[must_use]
    pub fn url(&self) -> String {
        url_of(&self.host)
    }

    /// Ends it as a power cut would, and starts it again on the same files and port.
    pub fn crash_and_return(&mut self) {
        self.process.kill();
        self.process = spawn(self.folder.path(), &self.host, None);
    }

    /// From now on it answers writes as on a full disk; or does no more.
    ///
    /// # Panics
    /// When it does not take the order.
    pub fn disk_is_full(&self, full: bool) {
        const OUT_OF_DISK_SPACE: i32 = 14_031;
        let words = ["insert", "update", "delete", "findAndModify", "bulkWrite"];
        let names: Vec<Vec<u8>> =
            (0..).zip(words).map(|(n, word)| text(&n.to_string(), word)).collect();
        let data = document(&[
            nested("failCommands", 4, &document(&names)),
            number("errorCode", OUT_OF_DISK_SPACE),
        ]);
        let order = document(&[
            text("configureFailPoint", "failCommand"),
            text("mode", if full { "alwaysOn" } else { "off" }),
            nested("data", 3, &data),
            text("$db", "admin"),
        ]);
        let answer = run(&self.host, &order).expect("an answer");
        let done = b"\x01ok\0\0\0\0\0\0\0\xf0\x3f";
        assert!(answer.windows(done.len()).any(|part| part == done), "{answer:?}");
    }
}

fn initiate(host: &str, process: &Process) {
    let member = document(&[number("_id", 0), text("host", host)]);
    let members = document(&[nested("0", 3, &member)]);
    let config = document(&[text("_id", "rs0"), nested("members", 4, &members)]);
    let set_up = document(&[nested("replSetInitiate", 3, &config), text("$db", "admin")]);
    let hello = document(&[number("hello", 1), text("$db", "admin")]);
    let deadline = Instant::now() + PATIENCE;
    let mut asked = false;
    loop {
        assert!(process.runs() && Instant::now() < deadline, "mongod does not come up");
        if !asked {
            asked = run(host, &set_up).is_some();
        } else if let Some(answer) = run(host, &hello) {
            let primary = b"\x08isWritablePrimary\0\x01";
            if answer.windows(primary.len()).any(|part| part == primary) {
                return;
            }
        }
        pause();
    }
}

/// Runs one command over MongoDB's wire protocol (`OP_MSG`); the answer as it came.
fn run(host: &str, command: &[u8]) -> Option<Vec<u8>> {
    const OP_MSG: u32 = 2013;
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let length = u32::try_from(16 + 4 + 1 + command.len()).ok()?;
    let mut message = Vec::new();
    for field in [length, 1, 0, OP_MSG, 0] {
        message.extend_from_slice(&field.to_le_bytes());
    }
    message.push(0);
    message.extend_from_slice(command);
    stream.write_all(&message).ok()?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).ok()?;
    let rest = usize::try_from(u32::from_le_bytes(head)).ok()?.checked_sub(4)?;
    let mut answer = vec![0; rest];
    stream.read_exact(&mut answer).ok()?;
    Some(answer)
}

// BSON, as much of it as two commands need (bsonspec.org).

fn document(elements: &[Vec<u8>]) -> Vec<u8> {
    let body = elements.concat();
    let length = u32::try_from(body.len() + 5).expect("small");
    [&length.to_le_bytes()[..], &body, &[0]].concat()
}

fn nested(name: &str, kind: u8, document: &[u8]) -> Vec<u8> {
    [&[kind], name.as_bytes(), &[0], document].concat()
}

fn number(name: &str, value: i32) -> Vec<u8> {
    [&[0x10], name.as_bytes(), &[0], &value.to_le_bytes()].concat()
}

fn text(name: &str, value: &str) -> Vec<u8> {
    let length = u32::try_from(value.len() + 1).expect("short").to_le_bytes();
    [&[2], name.as_bytes(), &[0], &length[..], value.as_bytes(), &[0]].concat()
}
