//! The library that lies to a program about the time and the disk (`tests/preload/faults.rs`), compiled when
//! it is first wanted. The programs under test are the real ones; nothing in them knows of it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::kit::root;

/// A variable of a program's environment.
pub type Variable = (&'static str, String);

struct Library {
    path: PathBuf,
    _folder: TempDir,
}

/// The compiled library.
///
/// # Panics
/// When there is no `rustc`, which the build of these tests needs anyway.
fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let folder = TempDir::with_prefix("tidings-preload-").unwrap();
        let path = folder.path().join("libfaults.so");
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args([
            "--edition",
            "2024",
            "--crate-type",
            "cdylib",
            "-O",
            "-C",
            "panic=abort",
            "-o",
        ]);
        rustc.arg(&path).arg(root().join("tests/preload/faults.rs"));
        let built = rustc.output().expect("rustc runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Library { path, _folder: folder }
    });
    &library.path
}

/// The environment of a program whose wall clock is wrong: `+3600`, `-3600` (seconds) or `frozen`.
#[must_use]
pub fn clock(wrong: &str) -> Vec<Variable> {
    vec![("LD_PRELOAD", library().display().to_string()), ("FAULT_CLOCK", wrong.to_owned())]
}

/// A disk that can be full: for files whose path contains a text.
pub struct Disk {
    flag: TempDir,
    of: String,
}

impl Disk {
    /// A disk with room, for files whose path contains this.
    #[must_use]
    pub fn below(of: &str) -> Self {
        Self { flag: TempDir::with_prefix("tidings-disk-").unwrap(), of: of.to_owned() }
    }

    /// The environment of a program that writes to it.
    #[must_use]
    pub fn environment(&self) -> Vec<Variable> {
        vec![
            ("LD_PRELOAD", library().display().to_string()),
            ("FAULT_DISK", self.flag.path().join("full").display().to_string()),
            ("FAULT_DISK_OF", self.of.clone()),
        ]
    }

    /// From now on nothing can be written.
    pub fn fill(&self) {
        std::fs::write(self.flag.path().join("full"), "").unwrap();
    }

    /// There is room again.
    pub fn clear(&self) {
        std::fs::remove_file(self.flag.path().join("full")).unwrap();
    }
}
