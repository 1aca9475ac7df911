//! The keys folder: what signs access tokens and what makes refresh tokens.
//!
//! `signing-<milliseconds>.pk8` are Ed25519 keys (PKCS #8), the newest of which signs; `refresh.secret` is
//! 32 random bytes. All are made on first use, readable by the owner alone. Copies of auth-svc share the
//! folder: a file is written under another name and then linked into place, so none is ever read half
//! written and of two makers one wins. A start with a newest key of over 90 days adds a new one; older keys
//! stay valid until their file is removed.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use schemas::Timestamp;
use sha2::{Digest as _, Sha256};

/// Age in milliseconds after which a start adds a new signing key.
const ROTATE_AFTER: i64 = 90 * 24 * 3600 * 1000;

/// A signing key.
pub(crate) struct Signing {
    /// When it was made, in milliseconds since the Unix epoch.
    made: i64,
    /// Its id: the first 16 hexadecimal digits of the SHA-256 of the public key.
    pub(crate) kid: String,
    /// PKCS #8, DER.
    pub(crate) der: Vec<u8>,
    /// The public key.
    pub(crate) public: [u8; 32],
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    folder: PathBuf,
}

fn random() -> [u8; 32] {
    rand::random()
}

impl Keys {
    /// Opens the folder, making it and a first signing key where they are missing.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let keys = Self { folder: folder.to_owned() };
        let oldest_good = Timestamp::now().millis() - ROTATE_AFTER;
        if keys.signing()?.last().is_none_or(|newest| newest.made < oldest_good) {
            keys.rotate()?;
        }
        Ok(keys)
    }

    /// Every signing key, the newest last.
    pub(crate) fn signing(&self) -> io::Result<Vec<Signing>> {
        let mut names: Vec<PathBuf> = fs::read_dir(&self.folder)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                name.starts_with("signing-") && name.ends_with(".pk8")
            })
            .collect();
        names.sort();
        names.iter().map(|path| read_signing(path)).collect()
    }

    /// Adds a signing key, which signs from now on.
    fn rotate(&self) -> io::Result<()> {
        let key = SigningKey::from_bytes(&random());
        let der = key.to_pkcs8_der().map_err(io::Error::other)?;
        let name = format!("signing-{:015}.pk8", Timestamp::now().millis());
        self.put(&name, der.as_bytes())
    }

    /// What refresh tokens are made with.
    pub(crate) fn refresh_secret(&self) -> io::Result<Vec<u8>> {
        let path = self.folder.join("refresh.secret");
        if !path.exists() {
            self.put("refresh.secret", &random())?;
        }
        let secret = fs::read(&path)?;
        if secret.len() == 32 {
            Ok(secret)
        } else {
            Err(io::Error::other("refresh.secret is damaged"))
        }
    }

    /// Puts a file in place whole, unless it is there already.
    fn put(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let draft = self.folder.join(format!(".draft-{}", BASE64URL_NOPAD.encode(&random())));
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        let linked = fs::hard_link(&draft, self.folder.join(name));
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }
}

fn read_signing(path: &Path) -> io::Result<Signing> {
    let der = fs::read(path)?;
    let key = SigningKey::from_pkcs8_der(&der)
        .map_err(|_| io::Error::other(format!("{} is not a signing key", path.display())))?;
    let public = key.verifying_key().to_bytes();
    let digest = HEXLOWER.encode(&Sha256::digest(public));
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let made = name.trim_start_matches("signing-").parse().unwrap_or(0);
    Ok(Signing { made, kid: digest.get(..16).unwrap_or_default().to_owned(), der, public })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_are_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(&folder.path().join("keys")).unwrap();
        let first = keys.signing().unwrap().pop().unwrap();
        let secret = keys.refresh_secret().unwrap();
        let again = Keys::open(&folder.path().join("keys")).unwrap();
        assert_eq!(again.signing().unwrap().pop().unwrap().kid, first.kid);
        assert_eq!(again.refresh_secret().unwrap(), secret);
        for entry in fs::read_dir(folder.path().join("keys")).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_rotated_key_signs_and_the_old_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        let old = keys.signing().unwrap().pop().unwrap().kid;
        // Names carry milliseconds: a second key of the same one would not be made.
        while keys.signing().unwrap().len() < 2 {
            keys.rotate().unwrap();
        }
        let all: Vec<String> = keys.signing().unwrap().into_iter().map(|key| key.kid).collect();
        assert_eq!(all.first(), Some(&old));
        assert_ne!(all.last(), Some(&old));
    }
}
