//! A build of `tidings` that is measured.
//!
//! An older build knows fewer flags; it is asked once which it knows.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::outcome::{Outcome, unexpected};

/// Flags that switch off what a benchmark does not measure, with their values. A build that does not know one of them
/// does not have what it switches off either.
const UNHINDERED: [(&str, &str); 5] = [
    ("--rate-requests", "off"),
    ("--rate-frames", "off"),
    ("--rate-auth", "off"),
    ("--rate-bytes", "off"),
    ("--rate-media", "off"),
];
/// Cheap password hashes.
const CHEAP: (&str, &str) = ("--bcrypt-cost", "4");

/// A build, by its program.
#[derive(Debug)]
pub(crate) struct Build {
    program: PathBuf,
    /// What it prints about `serve`.
    help: String,
}

impl Build {
    /// The build whose program this is.
    pub(crate) async fn of(program: PathBuf) -> Outcome<Self> {
        let told = Command::new(&program).args(["serve", "--help"]).output().await;
        let told = told.map_err(|error| unexpected(format!("{}: {error}", program.display())))?;
        Ok(Self { program, help: String::from_utf8_lossy(&told.stdout).into_owned() })
    }

    /// The build under test: `TIDINGS_BIN`, else the release build of this checkout.
    pub(crate) async fn under_test() -> Outcome<Self> {
        let program = std::env::var_os("TIDINGS_BIN").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/tidings"),
            PathBuf::from,
        );
        Self::of(program).await
    }

    /// Its program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Flags that no benchmark goes without, as far as this build knows them: no rate limits, and cheap password hashes
    /// unless `given` says what they cost, as a flag may be given only once.
    pub(crate) fn flags(&self, given: &[&str]) -> Vec<&'static str> {
        let cheap = (!given.contains(&CHEAP.0)).then_some(CHEAP);
        let wanted = UNHINDERED.into_iter().chain(cheap);
        wanted
            .filter(|(flag, _)| self.knows(flag))
            .flat_map(|(flag, value)| [flag, value])
            .collect()
    }

    fn knows(&self, flag: &str) -> bool {
        self.help.split(|c: char| c.is_whitespace() || c == ',').any(|word| word == flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flags_that_a_build_knows_are_given_and_none_twice() {
        let help = "      --rate-auth <RATE>  [env: ..]\n  -c, --bcrypt-cost <COST>\n  --rate-frames-of-old <RATE>";
        let build = Build { program: PathBuf::new(), help: help.to_owned() };
        assert_eq!(build.flags(&[]), ["--rate-auth", "off", "--bcrypt-cost", "4"]);
        assert_eq!(build.flags(&["--bcrypt-cost", "10"]), ["--rate-auth", "off"]);
    }
}
