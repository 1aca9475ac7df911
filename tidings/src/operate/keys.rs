//! `tidings keys`: the keys that sign access tokens.

use std::process::ExitCode;

use auth_svc::{Rotated, rotate_keys};
use serde_json::json;

use crate::cli::Keys;
use crate::config::Config;
use crate::failure::Failure;
use crate::owner;
use crate::terminal::{print, print_json};

/// Adds a signing key to the folder of keys.
///
/// # Errors
/// The folder is not that of an installation, or cannot be written.
pub(crate) fn run(action: Keys, config: &Config) -> Result<ExitCode, Failure> {
    let Keys::Rotate(output) = action;
    owner::not_another(&config.keys)?;
    let folder = config.keys.display();
    let rotated = rotate_keys(&config.keys)
        .map_err(|error| Failure::because(&format!("no key is added to {folder}"), &error))?;
    let Rotated { key_id, former_key_id, former_until } = rotated;
    if output.json {
        print_json(&json!({
            "key_id": key_id,
            "former_key_id": former_key_id,
            "former_until": former_until,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!(
        "{key_id} signs from now on\ntokens of {former_key_id} are accepted until {former_until}\n"
    ))?;
    Ok(ExitCode::SUCCESS)
}
