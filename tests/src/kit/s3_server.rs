//! S3-compatible servers that are not ours, on loopback: `moto`, which answers ranges as it should and takes every
//! signature, and `rclone serve s3`, which checks signatures and keeps files in a folder.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use testbed::free_port;

use crate::kit::files::client;
use crate::kit::mail_server::certify;
use crate::kit::{root, server, until};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PyPI's `moto`.
    Moto,
    /// `rclone serve s3`.
    Rclone,
    /// The same with TLS, of an authority of its own.
    RcloneWithTls,
}

/// The id of the key it is used with.
pub const ACCESS_KEY: &str = "ACCESSKEYID123";
/// The secret of that key.
pub const SECRET_KEY: &str = "SECRET/KEY+123456";
/// The bucket.
pub const BUCKET: &str = "files";

/// The server. Ends when it is dropped.
pub struct S3Server {
    folder: TempDir,
    kind: Kind,
    port: u16,
    child: Option<Child>,
}

/// Where `tools/provision --tests` puts `moto`, unless a variable says otherwise.
fn packages() -> PathBuf {
    std::env::var_os("TIDINGS_TEST_MOTO").map_or_else(|| root().join(".tools/moto"), PathBuf::from)
}

fn rclone() -> PathBuf {
    server("TIDINGS_TEST_RCLONE", "rclone")
}

impl S3Server {
    /// Starts one with an empty bucket; none, with a message, where it is not installed.
    ///
    /// # Panics
    /// It is installed and does not start.
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    pub async fn start(kind: Kind) -> Option<Self> {
        let there = match kind {
            Kind::Moto => packages().join("moto").exists(),
            Kind::Rclone | Kind::RcloneWithTls => rclone().exists(),
        };
        if !there {
            eprintln!("SKIPPED: no {kind:?} (tools/provision --tests)");
            return None;
        }
        let folder = TempDir::with_prefix("tidings-s3-").unwrap();
        if kind == Kind::RcloneWithTls {
            certify(folder.path());
        }
        std::fs::create_dir_all(folder.path().join("buckets").join(BUCKET)).unwrap();
        let mut server = Self { folder, kind, port: free_port(), child: None };
        server.start_again().await;
        if kind == Kind::Moto {
            let made = server.ask("PUT", "").await;
            assert!(made.is_some(), "the bucket is made");
        }
        Some(server)
    }

    /// Starts it again at the same place. What was stored is there still, but with `moto`.
    ///
    /// # Panics
    /// It does not start.
    pub async fn start_again(&mut self) {
        assert!(self.child.is_none(), "it still runs");
        let mut command = match self.kind {
            Kind::Moto => {
                let mut command = Command::new("python3");
                command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p"]);
                command.arg(self.port.to_string()).env("PYTHONPATH", packages());
                command
            }
            Kind::Rclone | Kind::RcloneWithTls => {
                let mut command = Command::new(rclone());
                command.args(["serve", "s3", "--auth-key", &format!("{ACCESS_KEY},{SECRET_KEY}")]);
                command.args(["--addr", &format!("127.0.0.1:{}", self.port), "--config", ""]);
                if self.kind == Kind::RcloneWithTls {
                    command.arg("--cert").arg(self.folder.path().join("server.pem"));
                    command.arg("--key").arg(self.folder.path().join("server.key"));
                }
                command.arg(self.buckets());
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("the server runs"));
        let port = self.port;
        until("the store listens", async || TcpStream::connect(("127.0.0.1", port)).ok()).await;
    }

    /// Ends it without a word.
    ///
    /// # Panics
    /// It did not run.
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let _ = child.kill();
        let _ = child.wait();
    }

    fn buckets(&self) -> PathBuf {
        self.folder.path().join("buckets")
    }

    /// Where it is, as an origin.
    #[must_use]
    pub fn origin(&self) -> String {
        match self.kind {
            Kind::Moto | Kind::Rclone => format!("http://127.0.0.1:{}", self.port),
            Kind::RcloneWithTls => format!("https://localhost:{}", self.port),
        }
    }

    /// What `--blob-store` says of a bucket of it.
    #[must_use]
    pub fn place(&self, bucket: &str) -> String {
        format!("s3://{bucket}?endpoint={}&region=eu-test-1&path_style=true", self.origin())
    }

    /// The file of the certificate of its authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The flags that put files into its bucket. The secret is in a file.
    ///
    /// # Panics
    /// The file cannot be written.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        let secret = self.folder.path().join("secret");
        std::fs::write(&secret, format!("{SECRET_KEY}\n")).unwrap();
        [
            "--blob-store",
            &self.place(BUCKET),
            "--s3-access-key",
            ACCESS_KEY,
            "--s3-secret-key-file",
            &secret.display().to_string(),
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// The keys of what lies in the bucket, in order.
    ///
    /// # Panics
    /// It does not answer.
    pub async fn keys(&self) -> Vec<String> {
        let mut keys = match self.kind {
            Kind::Moto => {
                let list = self.ask("GET", "?list-type=2").await.expect("a list");
                let keys = list.split("<Key>").skip(1);
                keys.filter_map(|rest| rest.split_once('<'))
                    .map(|(key, _)| key.to_owned())
                    .collect()
            }
            Kind::Rclone | Kind::RcloneWithTls => files_below(&self.buckets().join(BUCKET)),
        };
        keys.sort();
        keys
    }

    /// Asks `moto` for something of the bucket, in a way that it takes for signed; the answer's body, if it is a success.
    async fn ask(&self, method: &str, query: &str) -> Option<String> {
        let url = format!("{}/{BUCKET}{query}", self.origin());
        let credential = "Credential=x/20260101/us-east-1/s3/aws4_request";
        let authorization =
            format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0");
        let asked = client().request(method.parse().unwrap(), url);
        let answer = asked.header("authorization", authorization).send().await.unwrap();
        let fine = answer.status().is_success();
        let body = answer.text().await.unwrap();
        fine.then_some(body)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.stop();
        }
    }
}

/// The files below a folder, as paths from there.
fn files_below(folder: &Path) -> Vec<String> {
    let (mut open, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(path) = open.pop() {
        let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
        for entry in entries.map(|entry| entry.path()) {
            if entry.is_dir() {
                open.push(entry);
            } else {
                let key = entry.strip_prefix(folder).unwrap();
                files.push(key.display().to_string());
            }
        }
    }
    files
}
