//! Which nats-server to run.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// The oldest server that has what the log needs (atomic batches with message ids).
const AT_LEAST: (u32, u32, u32) = (2, 15, 1);

/// The program to run: the one asked for, else the first that is new enough in `.tools/bin` (beside
/// the build, or below the current folder) and on PATH.
///
/// # Errors
/// None is there, or none is new enough; the text says where was looked.
pub(crate) fn find(asked_for: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(program) = asked_for {
        return match version(program) {
            Ok(found) if found >= AT_LEAST => Ok(program.to_owned()),
            Ok(found) => Err(Failure::wrong_call(too_old(program, found))),
            Err(why) => Err(Failure::wrong_call(format!("{}: {why}", program.display()))),
        };
    }
    let mut seen = Vec::new();
    for program in candidates() {
        match version(&program) {
            Ok(found) if found >= AT_LEAST => return Ok(program),
            Ok(found) => seen.push(too_old(&program, found)),
            Err(why) => seen.push(format!("{}: {why}", program.display())),
        }
    }
    let mut text = String::from(
        "no nats-server found. Run tools/provision, put nats-server 2.15.1 or later on PATH, \
         or name one with --nats-server",
    );
    for line in seen {
        text.push_str("\n  ");
        text.push_str(&line);
    }
    Err(Failure::new(text))
}

fn too_old(program: &Path, found: (u32, u32, u32)) -> String {
    let (major, minor, patch) = found;
    format!("{} is version {major}.{minor}.{patch}, 2.15.1 is needed", program.display())
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(own) = env::current_exe()
        && let Some(target) = own.parent().and_then(Path::parent)
        && let Some(root) = target.parent()
    {
        folders.push(root.join(".tools/bin"));
    }
    folders.push(PathBuf::from(".tools/bin"));
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    folders.into_iter().map(|folder| folder.join("nats-server")).filter(|p| p.is_file()).collect()
}

fn version(program: &Path) -> Result<(u32, u32, u32), String> {
    let answer = Command::new(program)
        .arg("--version")
        .output()
        .map_err(|error| format!("cannot be run: {error}"))?;
    parse(&String::from_utf8_lossy(&answer.stdout)).ok_or_else(|| "tells no version".to_owned())
}

/// Reads `nats-server: v2.15.1`; a pre-release counts as its release.
fn parse(text: &str) -> Option<(u32, u32, u32)> {
    let (_, numbers) = text.split_once(": v")?;
    let numbers = numbers.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse("nats-server: v2.15.1\n"), Some((2, 15, 1)));
        assert_eq!(parse("nats-server: v2.16.0-RC.1"), Some((2, 16, 0)));
        assert_eq!(parse("mongod"), None);
    }

    #[test]
    fn a_program_that_is_not_there_is_a_wrong_call() {
        assert_eq!(find(Some(Path::new("/nowhere/nats-server"))).unwrap_err().code(), 2);
    }
}
