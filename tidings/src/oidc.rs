//! Providers of single sign-on, as a file of settings describes them: `[[oidc]]`.

use std::path::PathBuf;

use auth_svc::{ProviderConfig, check_issuer};
use schemas::values::{ProviderId, ProviderName, Secret};
use serde::Deserialize;

use crate::failure::Failure;

/// Providers that can be named.
const MOST: usize = 20;
/// Bytes of a client's id or secret at most.
const MAX_TEXT: usize = 1_000;

/// A provider, as it was written.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OidcSettings {
    id: String,
    name: String,
    issuer: String,
    client_id: String,
    client_secret: Option<String>,
    client_secret_file: Option<PathBuf>,
    #[serde(default)]
    link_by_email: bool,
}

impl std::fmt::Debug for OidcSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OidcSettings({})", self.id)
    }
}

fn wrong(id: &str, what: &str) -> Failure {
    Failure::wrong_call(format!("oidc `{id}`: {what}"))
}

/// What providers are called: all that is shown of them.
pub(crate) fn ids(all: &[OidcSettings]) -> String {
    all.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(",")
}

/// Checks what was written, but for the files of secrets, which are read by the process that needs them.
///
/// # Errors
/// A wrong call: which provider, and what is wrong.
pub(crate) fn check(all: &[OidcSettings]) -> Result<(), Failure> {
    if all.len() > MOST {
        return Err(Failure::wrong_call("oidc: at most 20 providers"));
    }
    for (number, one) in all.iter().enumerate() {
        if all.iter().take(number).any(|earlier| earlier.id == one.id) {
            return Err(wrong(&one.id, "id: another provider has it"));
        }
        one.described(Secret::new(""))?;
        match (&one.client_secret, &one.client_secret_file) {
            (Some(_), None) | (None, Some(_)) => {}
            _ => return Err(wrong(&one.id, "either client_secret or client_secret_file")),
        }
    }
    Ok(())
}

/// The providers with their secrets.
///
/// # Errors
/// A wrong call: a secret cannot be read, or is empty.
pub(crate) fn providers(all: &[OidcSettings]) -> Result<Vec<ProviderConfig>, Failure> {
    all.iter().map(|one| one.described(one.secret()?)).collect()
}

impl OidcSettings {
    fn described(&self, client_secret: Secret) -> Result<ProviderConfig, Failure> {
        let Self { id, name, issuer, client_id, link_by_email, .. } = self;
        let fits = |text: &str| {
            (1..=MAX_TEXT).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b))
        };
        if !fits(client_id) {
            return Err(wrong(id, "client_id: write what the provider calls this installation"));
        }
        check_issuer(issuer).map_err(|error| wrong(id, &format!("issuer: {error}")))?;
        Ok(ProviderConfig {
            id: ProviderId::parse(id).map_err(|error| wrong(id, &format!("id: {error}")))?,
            name: ProviderName::parse(name)
                .map_err(|error| wrong(id, &format!("name: {error}")))?,
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret,
            link_by_email: *link_by_email,
        })
    }

    fn secret(&self) -> Result<Secret, Failure> {
        let read = |file: &PathBuf| {
            let text = std::fs::read_to_string(file).map_err(|error| {
                let file = file.display();
                wrong(&self.id, &format!("client_secret_file: {file} cannot be read: {error}"))
            })?;
            Ok(text.trim().to_owned())
        };
        let secret = match (&self.client_secret, &self.client_secret_file) {
            (Some(secret), _) => secret.clone(),
            (None, Some(file)) => read(file)?,
            (None, None) => String::new(),
        };
        if secret.is_empty() || secret.len() > MAX_TEXT {
            return Err(wrong(&self.id, "the client secret is empty or too long"));
        }
        Ok(Secret::new(secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKS: &str = "[[oidc]]\nid = \"works\"\nname = \"The Works\"\nissuer = \"https://id.test\"\n\
                         client_id = \"tidings\"\n";

    #[derive(Deserialize)]
    struct File {
        oidc: Vec<OidcSettings>,
    }

    fn read(text: &str) -> Result<Vec<ProviderConfig>, Failure> {
        let all = toml::from_str::<File>(text).map_err(|error| Failure::new(error.to_string()))?;
        check(&all.oidc)?;
        providers(&all.oidc)
    }

    #[test]
    fn providers_have_their_secret_in_the_file_or_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "hush\n").unwrap();
        let beside = WORKS.replace("works", "other");
        let text = format!(
            "{WORKS}client_secret = \"hunter2\"\n{beside}client_secret_file = {file:?}\nlink_by_email = true\n"
        );
        let all = read(&text).unwrap();
        assert_eq!((all[0].client_secret.expose(), all[0].link_by_email), ("hunter2", false));
        assert_eq!((all[1].client_secret.expose(), all[1].link_by_email), ("hush", true));
    }

    #[test]
    fn what_is_wrong_with_a_provider_is_said_without_its_secret() {
        let good = format!("{WORKS}client_secret = \"hunter2\"\n");
        for bad in [
            WORKS.to_owned(),
            format!("{good}client_secret_file = \"x\"\n"),
            format!("{WORKS}client_secret = \"\"\n"),
            format!("{WORKS}client_secret_file = \"/does/not/exist\"\n"),
            format!("{good}{good}"),
            format!("{good}secret = \"hunter2\"\n"),
            good.replace("\"works\"", "\"The Works\""),
            good.replace("The Works", ""),
            good.replace("https://id.test", "http://id.test"),
            good.replace("https://id.test", "id.test"),
            good.replace("\"tidings\"", "\"\""),
        ] {
            let failure = read(&bad).unwrap_err().to_string();
            assert!(!failure.contains("hunter2") || failure.contains("secret ="), "{failure}");
        }
    }
}
