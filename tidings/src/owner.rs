//! Whose data folder it is: what root makes in another user's folder, that user's service cannot open.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::{Uid, User, geteuid};

use crate::failure::Failure;

/// Refuses to work as root in a folder that is another user's: generations of the read model, keys and the files of
/// nats-server would be root's, and the service that owns the folder would not start again. Any other user is kept out by the
/// system itself.
///
/// # Errors
/// A wrong call: whose folder it is, and how to call as that user.
pub(crate) fn not_another(folder: &Path) -> Result<(), Failure> {
    // A folder that is not there yet will be ours.
    let Ok(about) = fs::metadata(folder) else { return Ok(()) };
    match refusal(folder, geteuid(), Uid::from_raw(about.uid()), name_of) {
        Some(text) => Err(Failure::wrong_call(text)),
        None => Ok(()),
    }
}

fn refusal(
    folder: &Path,
    own: Uid,
    owner: Uid,
    name_of: fn(Uid) -> Option<String>,
) -> Option<String> {
    if !own.is_root() || owner.is_root() {
        return None;
    }
    let (who, sudo) = name_of(owner).map_or_else(
        || (format!("the user with the number {owner}"), format!("'#{owner}'")),
        |name| (format!("the user {name}"), name),
    );
    Some(format!(
        "the folder {} belongs to {who}, and root would make files in it that they cannot open: \
         sudo -u {sudo} tidings ...",
        folder.display()
    ))
}

fn name_of(user: Uid) -> Option<String> {
    Some(User::from_uid(user).ok()??.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_leaves_the_folders_of_others_alone() {
        let said = |own: u32, owner: u32, name_of| {
            refusal(Path::new("/d"), Uid::from_raw(own), Uid::from_raw(owner), name_of)
        };
        for (own, owner) in [(0, 0), (7, 7), (7, 8), (7, 0)] {
            assert_eq!(said(own, owner, |_| None), None, "{own} {owner}");
        }
        let named = said(0, 7, |_| Some("tidings".to_owned())).unwrap();
        assert!(named.contains("/d belongs to the user tidings,"), "{named}");
        assert!(named.ends_with("sudo -u tidings tidings ..."), "{named}");
        let unnamed = said(0, 10001, |_| None).unwrap();
        assert!(unnamed.contains("the number 10001, "), "{unnamed}");
        assert!(unnamed.ends_with("sudo -u '#10001' tidings ..."), "{unnamed}");
    }
}
