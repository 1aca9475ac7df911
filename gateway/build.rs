//! Embeds the web app, if it has been built (`tools/web build` writes `web/app/dist`). Without it the gateway
//! compiles all the same, and `/` introduces the API.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let dist = Path::new("../web/app/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut list = String::from("[\n");
    let mut digest = FNV_OFFSET;
    if dist.join("index.html").is_file() {
        for path in files(dist)? {
            println!("cargo::rerun-if-changed={}", path.display());
            // A copy: the next build of the app may replace the file before the compiler reads it.
            let copy = out.join(format!("web-{}", list.lines().count()));
            fs::copy(&path, &copy)?;
            digest = digested(digest, &fs::read(&copy)?);
            let name = path.strip_prefix(dist)?.to_string_lossy().replace('\\', "/");
            let bytes = format!("include_bytes!({:?})", copy.display().to_string());
            writeln!(list, "    ({name:?}, {bytes}),")?;
        }
    }
    list.push_str("]\n");
    fs::write(out.join("web.rs"), list)?;
    println!("cargo::rustc-env=TIDINGS_APP={digest:016x}");
    Ok(())
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// Goes on with an FNV-1a digest: which app this is, not that no one has changed it.
fn digested(before: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(before, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// Every file of a folder and of those in it, by name.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
