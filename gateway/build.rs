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
    if dist.join("index.html").is_file() {
        for path in files(dist)? {
            println!("cargo::rerun-if-changed={}", path.display());
            // A copy: the next build of the app may replace the file before the compiler reads it.
            let copy = out.join(format!("web-{}", list.lines().count()));
            fs::copy(&path, &copy)?;
            let name = path.strip_prefix(dist)?.to_string_lossy().replace('\\', "/");
            let bytes = format!("include_bytes!({:?})", copy.display().to_string());
            writeln!(list, "    ({name:?}, {bytes}),")?;
        }
    }
    list.push_str("]\n");
    fs::write(out.join("web.rs"), list)?;
    Ok(())
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
