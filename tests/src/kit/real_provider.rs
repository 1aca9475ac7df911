//! A provider of OpenID Connect that is not ours: npm's `oidc-provider`, on loopback.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::kit::mail_server::certify;
use crate::kit::root;

/// The provider. Ends when it is dropped.
pub struct RealProvider {
    /// Where it is.
    pub issuer: String,
    /// The same for those who speak no TLS, such as [`crate::kit::browser::Browser`].
    pub plain: String,
    folder: TempDir,
    child: Child,
    _until_closed: ChildStdin,
}

/// Where `tools/provision --tests` puts it, unless a variable says otherwise.
fn packages() -> PathBuf {
    std::env::var_os("TIDINGS_TEST_OIDC").map_or_else(|| root().join(".tools/oidc"), PathBuf::from)
}

fn node() -> PathBuf {
    let own = root().join(".tools/node/bin/node");
    if own.exists() { own } else { PathBuf::from("node") }
}

impl RealProvider {
    /// Starts one; none, with a message, where node or the package is not installed.
    ///
    /// # Panics
    /// It is installed and does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::begin(false)
    }

    /// The same with TLS, of an authority of its own.
    #[must_use]
    pub fn with_tls() -> Option<Self> {
        Self::begin(true)
    }

    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    fn begin(tls: bool) -> Option<Self> {
        if !packages().join("node_modules/oidc-provider").exists() {
            eprintln!("SKIPPED: no oidc-provider (tools/provision --tests)");
            return None;
        }
        let folder = TempDir::new().unwrap();
        let mut command = Command::new(node());
        command.arg(root().join("tests/oidc/provider.mjs")).arg(packages());
        if tls {
            certify(folder.path());
            command.arg(folder.path());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("the provider has started");
        let address = |name: &str| said[name].as_str().expect("an address").to_owned();
        let (issuer, plain) = (address("issuer"), address("plain"));
        let until_closed = child.stdin.take().unwrap();
        Some(Self { issuer, plain, folder, child, _until_closed: until_closed })
    }

    /// The certificate of its authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A file of settings that name it: as `works`, as `trusted`, which links by address, and as `elliptic`, which signs
    /// otherwise.
    ///
    /// # Panics
    /// The file cannot be written.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        settings(
            self.folder.path(),
            &[
                ("works", &self.issuer, "tidings", false),
                ("trusted", &self.issuer, "tidings", true),
                ("elliptic", &self.issuer, "tidings-es", false),
            ],
        )
    }

    /// Says what it is to say of people, by the names they log in under.
    ///
    /// # Panics
    /// It does not answer.
    pub async fn knows(&self, people: Value) {
        let url = format!("{}/test/people", self.plain);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(url).json(&people).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// Gives it new signing keys; the old ones are gone.
    ///
    /// # Panics
    /// It does not answer.
    pub async fn changes_its_keys(&self) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(format!("{}/test/keys", self.plain)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// How often a path of it was asked for.
    ///
    /// # Panics
    /// It does not answer.
    pub async fn asked(&self, path: &str) -> u64 {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{}/test/asked", self.plain)).send().await.unwrap();
        let all: Value = answer.json().await.unwrap();
        all[path].as_u64().unwrap_or_default()
    }
}

impl Drop for RealProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of settings with providers: id, issuer, client, and whether it links by address. The secret of a client follows
/// from its id; every other one is in a file of its own.
///
/// # Panics
/// The file cannot be written.
#[must_use]
pub fn settings(folder: &Path, providers: &[(&str, &str, &str, bool)]) -> PathBuf {
    let mut text = String::new();
    for (number, (id, issuer, client, links)) in providers.iter().enumerate() {
        let secret = secret_of(client);
        let secret = if number % 2 == 0 {
            format!("client_secret = {secret:?}")
        } else {
            let file = folder.join(format!("{id}.secret"));
            std::fs::write(&file, format!("{secret}\n")).unwrap();
            format!("client_secret_file = {file:?}")
        };
        text.push_str(&format!(
            "[[oidc]]\nid = {id:?}\nname = \"The {id}\"\nissuer = {issuer:?}\nclient_id = {client:?}\n{secret}\n\
             link_by_email = {links}\n"
        ));
    }
    let file = folder.join("providers.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// The secret of a client.
#[must_use]
pub fn secret_of(client: &str) -> String {
    format!("secret of {client}: +/%&")
}
