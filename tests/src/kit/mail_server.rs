//! A mail server that is not ours: `aiosmtpd`, on loopback, with TLS of an authority of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use tempfile::TempDir;

use crate::kit::root;

/// How clients begin to speak TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// At once (`smtps://`).
    AtOnce,
    /// When the server offers it (STARTTLS), without which it takes no mail.
    Started,
}

/// The server. Each mail it took is a file of the folder [`MailServer::mails`]. Ends when it is dropped.
pub struct MailServer {
    folder: TempDir,
    port: u16,
    tls: Tls,
    child: Child,
    _until_closed: ChildStdin,
}

const SCRIPT: &str = r#"
import asyncio, os, ssl, sys, uuid
from aiosmtpd.smtp import SMTP
folder, how = sys.argv[1], sys.argv[2]
class Keep:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("later-") and not os.path.exists(os.path.join(folder, address)):
            open(os.path.join(folder, address), "w").close()
            return "451 come back later"
        if address.startswith("never-") and not os.path.exists(os.path.join(folder, "mended")):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        assert session.ssl is not None or how == "once"
        name = os.path.join(folder, "mails", uuid.uuid4().hex)
        with open(name + ".part", "wb") as file:
            file.write(envelope.original_content)
        os.rename(name + ".part", name + ".eml")
        return "250 OK"
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key"))
async def main():
    started = {} if how == "once" else {"tls_context": context, "require_starttls": True}
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Keep(), hostname="localhost", **started), "127.0.0.1", 0,
        ssl=context if how == "once" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"#;

/// Where `tools/provision --tests` puts Python packages, unless a variable says otherwise.
fn packages() -> PathBuf {
    std::env::var_os("TIDINGS_TEST_PYTHON")
        .map_or_else(|| root().join(".tools/python"), PathBuf::from)
}

impl MailServer {
    /// Starts one; none, with a message, where `aiosmtpd` or `openssl` is not installed.
    ///
    /// # Panics
    /// It is installed and does not start.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    pub fn start(tls: Tls) -> Option<Self> {
        if !packages().join("aiosmtpd").exists() {
            eprintln!("SKIPPED: no aiosmtpd (tools/provision --tests)");
            return None;
        }
        let folder = TempDir::new().unwrap();
        certify(folder.path());
        std::fs::create_dir(folder.path().join("mails")).unwrap();
        let how = if tls == Tls::AtOnce { "once" } else { "started" };
        let mut child = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(folder.path())
            .arg(how)
            .env("PYTHONPATH", packages())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the mail server has started");
        let until_closed = child.stdin.take().unwrap();
        Some(Self { folder, port, tls, child, _until_closed: until_closed })
    }

    /// The file that holds its address, for `--smtp-url-file`.
    ///
    /// # Panics
    /// The file cannot be written.
    #[must_use]
    pub fn url_file(&self) -> PathBuf {
        let scheme = if self.tls == Tls::AtOnce { "smtps" } else { "smtp" };
        let file = self.folder.path().join("url");
        let mut open = std::fs::File::create(&file).unwrap();
        writeln!(open, "{scheme}://127.0.0.1:{}", self.port).unwrap();
        file
    }

    /// The certificate of its authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// From now on it takes mails to addresses that begin with `never-`, which it has refused for good until then.
    ///
    /// # Panics
    /// The folder cannot be written.
    pub fn mends(&self) {
        std::fs::File::create(self.folder.path().join("mended")).unwrap();
    }

    /// The folder of what it took.
    #[must_use]
    pub fn mails(&self) -> PathBuf {
        self.folder.path().join("mails")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority, and a certificate of it for this machine.
pub(crate) fn certify(folder: &Path) {
    let openssl = |arguments: &str| {
        let done = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder)
            .stderr(Stdio::null())
            .status();
        assert!(done.unwrap().success(), "openssl {arguments}");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=mail-test-authority \
         -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
    ));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=localhost"));
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
    );
}
