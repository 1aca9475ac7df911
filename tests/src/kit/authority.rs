//! An authority of certificates of our own, made by `openssl`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

/// What `openssl ca` is to know, which alone can say from when a certificate holds.
const SETTINGS: &str = "[ca]\ndefault_ca=own\n[own]\ndatabase=ca.index\nnew_certs_dir=.\nserial=ca.next\n\
    default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n";

/// An authority, and a folder for what it issues.
pub struct Authority {
    folder: TempDir,
}

/// The files of a certificate for this machine, and its key.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate (PEM).
    pub cert: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

impl Authority {
    /// Makes one; none, with a message, where there is no `openssl`.
    ///
    /// # Panics
    /// It is there and does not work.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    pub fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
            eprintln!("SKIPPED: no openssl");
            return None;
        }
        let made = Self { folder: TempDir::with_prefix("tidings-test-tls-").unwrap() };
        made.openssl(&format!(
            "req -x509 {KEY} -keyout ca.key -out ca.pem -days 2 -subj /CN=tidings-test-authority \
             -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
        ));
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n";
        std::fs::write(made.path().join("names"), names).unwrap();
        Some(made)
    }

    /// Its own certificate.
    #[must_use]
    pub fn trusted(&self) -> PathBuf {
        self.path().join("ca.pem")
    }

    /// The folder of what it issues.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Issues a certificate for this machine that holds for so many days from now.
    #[must_use]
    pub fn issue(&self, name: &str, days: u32) -> Issued {
        self.ask_for(name);
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {days} \
             -extfile names -out {name}.pem"
        ));
        self.issued(name)
    }

    /// Issues one that held in January of 2020.
    ///
    /// # Panics
    /// The authority's own files cannot be written.
    #[must_use]
    pub fn issue_expired(&self, name: &str) -> Issued {
        self.ask_for(name);
        std::fs::write(self.path().join("ca.index"), "").unwrap();
        std::fs::write(self.path().join("ca.cnf"), SETTINGS).unwrap();
        self.openssl(&format!(
            "ca -batch -notext -create_serial -config ca.cnf -cert ca.pem -keyfile ca.key -in {name}.csr \
             -out {name}.pem -startdate 20200101000000Z -enddate 20200201000000Z -extfile names"
        ));
        self.issued(name)
    }

    fn ask_for(&self, name: &str) {
        self.openssl(&format!("req {KEY} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
    }

    fn issued(&self, name: &str) -> Issued {
        let file = |ending: &str| self.path().join(format!("{name}.{ending}"));
        Issued { cert: file("pem"), key: file("key") }
    }

    fn openssl(&self, arguments: &str) {
        let done = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "openssl {arguments}: {said}");
    }
}

impl Issued {
    /// Puts these in the place of others, as a renewal does: each file at once.
    ///
    /// # Panics
    /// A file cannot be written.
    pub fn replace(&self, others: &Self) {
        for (new, old) in [(&self.key, &others.key), (&self.cert, &others.cert)] {
            let draft = old.with_extension("draft");
            std::fs::copy(new, &draft).unwrap();
            std::fs::rename(&draft, old).unwrap();
        }
    }
}
