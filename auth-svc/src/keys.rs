//! The keys folder: what signs access tokens and what makes refresh tokens.
//!
//! `signing-<milliseconds>.pk8` are Ed25519 keys (PKCS #8), the newest of which signs; `refresh.secret` is
//! 32 random bytes. All are made on first use, readable by the owner alone. Copies of auth-svc share the
//! folder: a file is written under another name and then linked into place, so none is ever read half
//! written and of two makers one wins. When the newest key is over 90 days old, or the operator says so
//! (`tidings keys rotate`), a new one is added and signs from then on, as soon as the copies see it; an older one is
//! published for 20 minutes more, which is longer than what it signed is good for. A day later its file goes with the
//! next rotation. Removing a file withdraws its key within minutes.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use schemas::Timestamp;
use sha2::{Digest as _, Sha256};
use signing::SigningKey;

/// Age in milliseconds after which a new signing key is added.
const ROTATE_AFTER: i64 = 90 * 24 * 3600 * 1000;
/// Age in milliseconds of the next key after which a key has nothing left to vouch for: what it signed was
/// good for a quarter of an hour, every copy looks into the folder each second, and clocks differ.
const RETIRED_AFTER: i64 = 20 * 60 * 1000;
/// Age in milliseconds of the next key after which the file of a key is deleted.
const DELETED_AFTER: i64 = 24 * 3600 * 1000;
/// How long in milliseconds until it is said again that no key can be added.
const WARN_EVERY: i64 = 3600 * 1000;
/// Age after which a draft is of a maker that died.
const STALE_DRAFT: Duration = Duration::from_secs(3600);

/// A signing key.
pub(crate) struct Signing {
    /// When it was made, in milliseconds since the Unix epoch.
    made: i64,
    /// Its id: the first 16 hexadecimal digits of the SHA-256 of the public key.
    pub(crate) kid: String,
    /// The key itself.
    pub(crate) key: SigningKey,
    path: PathBuf,
}

/// What a rotation has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The id of the key that signs from now on, as it stands in the `kid` of tokens.
    pub key_id: String,
    /// The id of the one that signed until now.
    pub former_key_id: String,
    /// Until when tokens of that one are accepted.
    pub former_until: Timestamp,
}

/// Adds a signing key to the folder of an installation. Running copies of auth-svc see it within seconds and sign with
/// it, gateways ask for it when they see its first token; tokens of the former key stay good.
///
/// # Errors
/// The folder cannot be read or written, or holds no key: it is not that of an installation.
pub fn rotate_keys(folder: &Path) -> io::Result<Rotated> {
    let keys = Keys::at(folder);
    let none = || io::Error::new(io::ErrorKind::NotFound, "the folder holds no signing key");
    let former = keys.signing()?.pop().ok_or_else(none)?;
    let now = Timestamp::now();
    keys.rotate(now)?;
    keys.tidy(now)?;
    let newest = keys.signing()?.pop().ok_or_else(none)?;
    let former_until = Timestamp::from_millis(newest.made + RETIRED_AFTER);
    Ok(Rotated { key_id: newest.kid, former_key_id: former.kid, former_until })
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    folder: PathBuf,
    /// When it was last said that no key can be added, in milliseconds since the Unix epoch: the folder is looked into
    /// every second.
    warned: Arc<AtomicI64>,
}

fn random() -> [u8; 32] {
    rand::random()
}

impl Keys {
    fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), warned: Arc::default() }
    }

    /// Opens the folder, making it and a first signing key where they are missing.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let keys = Self::at(folder);
        keys.in_force(Timestamp::now())?;
        Ok(keys)
    }

    /// The keys that sign or vouch now, the newest last; adds one when the newest is too old.
    pub(crate) fn in_force(&self, now: Timestamp) -> io::Result<Vec<Signing>> {
        let mut all = self.signing()?;
        let oldest_good = now.millis() - ROTATE_AFTER;
        if all.last().is_none_or(|newest| newest.made < oldest_good) {
            match self.rotate(now) {
                Ok(()) => all = self.signing()?,
                // A folder that cannot be written, such as a mounted secret, is rotated by its owner.
                Err(error) if !all.is_empty() => {
                    if self.warns(now) {
                        tracing::warn!(%error, "no new signing key can be added to the keys folder");
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let retired = now.millis() - RETIRED_AFTER;
        let superseded = all.iter().skip(1).take_while(|next| next.made < retired).count();
        Ok(all.split_off(superseded))
    }

    /// Whether it has to be said now that no key can be added.
    fn warns(&self, now: Timestamp) -> bool {
        let due = |warned: i64| (now.millis() - warned >= WARN_EVERY).then_some(now.millis());
        self.warned.fetch_update(Ordering::Relaxed, Ordering::Relaxed, due).is_ok()
    }

    /// Every signing key, the newest last.
    fn signing(&self) -> io::Result<Vec<Signing>> {
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

    /// Adds a signing key, which signs from now on: whatever a clock says, it is newer than the others.
    fn rotate(&self, now: Timestamp) -> io::Result<()> {
        let key = SigningKey::generate().map_err(io::Error::other)?;
        let newest = self.signing()?.last().map_or(0, |newest| newest.made);
        let name = format!("signing-{:015}.pk8", now.millis().max(newest + 1));
        self.put(&name, key.pkcs8())
    }

    /// Deletes the files of keys that have had nothing to vouch for since long, and drafts whose makers died.
    fn tidy(&self, now: Timestamp) -> io::Result<()> {
        let all = self.signing()?;
        let gone = now.millis() - DELETED_AFTER;
        for (key, next) in all.iter().zip(all.iter().skip(1)) {
            if next.made < gone {
                fs::remove_file(&key.path)?;
            }
        }
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let draft = entry.file_name().to_string_lossy().starts_with(".draft-");
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if draft && age > STALE_DRAFT {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
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
        // What it is called must survive a power loss as what is in it does: a key that is gone ends every session.
        fs::File::open(&self.folder)?.sync_all()?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }
}

fn read_signing(path: &Path) -> io::Result<Signing> {
    let der = fs::read(path)?;
    let key = SigningKey::from_pkcs8(&der)
        .map_err(|_| io::Error::other(format!("{} is not a signing key", path.display())))?;
    let digest = HEXLOWER.encode(&Sha256::digest(key.public()));
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let made = name.trim_start_matches("signing-").parse().unwrap_or(0);
    let kid = digest.get(..16).unwrap_or_default().to_owned();
    Ok(Signing { made, kid, key, path: path.to_owned() })
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

    fn kids(keys: &Keys, now: Timestamp) -> Vec<String> {
        keys.in_force(now).unwrap().into_iter().map(|key| key.kid).collect()
    }

    #[test]
    fn an_old_key_is_followed_by_a_new_one_and_vouches_for_twenty_minutes_more() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        let made = Timestamp::now();
        let first = kids(&keys, made);
        assert_eq!(first.len(), 1);
        let later = made.plus_seconds(91 * 24 * 3600);
        let both = kids(&keys, later);
        assert_eq!((both.len(), both.first()), (2, first.first()));
        assert_eq!(kids(&keys, later.plus_seconds(1199)), both);
        assert_eq!(kids(&keys, later.plus_seconds(1201)), both[1..]);
    }

    #[test]
    fn a_rotation_adds_a_key_and_the_former_one_vouches_on() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        let first = kids(&keys, Timestamp::now());
        let one = rotate_keys(folder.path()).unwrap();
        assert_eq!(Some(&one.former_key_id), first.last());
        let two = rotate_keys(folder.path()).unwrap();
        assert_eq!(two.former_key_id, one.key_id);
        let now = Timestamp::now();
        let wanted = [&one.former_key_id, &one.key_id, &two.key_id].map(Clone::clone);
        assert_eq!(kids(&keys, now), wanted);
        let later = two.former_until.plus_seconds(1);
        assert_eq!(kids(&keys, later), [two.key_id]);
    }

    #[test]
    fn a_clock_that_went_back_does_not_keep_a_new_key_from_signing() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        keys.rotate(Timestamp::now().plus_seconds(3600)).unwrap();
        let rotated = rotate_keys(folder.path()).unwrap();
        assert_eq!(kids(&keys, Timestamp::now()).pop(), Some(rotated.key_id));
    }

    #[test]
    fn what_a_rotation_that_died_leaves_is_no_key_and_the_next_one_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        let before = kids(&keys, Timestamp::now());
        let draft = folder.path().join(".draft-half");
        fs::write(&draft, b"half a key").unwrap();
        assert_eq!(kids(&keys, Timestamp::now()), before);
        let rotated = rotate_keys(folder.path()).unwrap();
        assert!(draft.exists(), "another maker may be at it");
        let file = fs::File::options().write(true).open(&draft).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        file.set_modified(written - STALE_DRAFT * 2).unwrap();
        rotate_keys(folder.path()).unwrap();
        assert!(!draft.exists());
        assert!(kids(&keys, Timestamp::now()).contains(&rotated.key_id));
    }

    #[test]
    fn files_of_keys_that_are_long_over_go() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        let now = Timestamp::now();
        keys.rotate(now.plus_seconds(10)).unwrap();
        keys.tidy(now.plus_seconds(24 * 3600)).unwrap();
        assert_eq!(keys.signing().unwrap().len(), 2);
        keys.tidy(now.plus_seconds(24 * 3600 + 11)).unwrap();
        assert_eq!(keys.signing().unwrap().len(), 1);
    }

    #[test]
    fn a_folder_that_takes_no_key_is_said_once_an_hour() {
        let keys = Keys::at(Path::new("nowhere"));
        let now = Timestamp::now();
        assert!(keys.warns(now));
        assert!(!keys.warns(now) && !keys.warns(now.plus_seconds(3599)));
        assert!(keys.warns(now.plus_seconds(3600)));
    }

    #[test]
    fn a_folder_without_a_key_is_not_rotated() {
        let folder = tempfile::tempdir().unwrap();
        assert!(rotate_keys(folder.path()).is_err());
        assert!(rotate_keys(&folder.path().join("none")).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn copies_that_start_together_agree_on_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let secrets: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let copies: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| Keys::open(path).unwrap().refresh_secret().unwrap()))
                .collect();
            copies.into_iter().map(|copy| copy.join().unwrap()).collect()
        });
        assert!(secrets.iter().all(|secret| secret.as_slice() == secrets[0].as_slice()));
    }

    #[test]
    fn a_damaged_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("signing-1.pk8"), b"nonsense").unwrap();
        let error = Keys::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("signing-1.pk8"), "{error}");
    }
}
