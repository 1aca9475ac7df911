//! Which account held a name when it was last looked up.
//!
//! Owns a guess and nothing else. By it everything about an account is read in the same turn as the lane of the name,
//! which says whether the guess was right; so it may be wrong, and never needs to be told of anything. It must not be
//! believed, and holds no name: lanes of names are keyed hashes.

use std::time::Duration;

use moka::sync::Cache;
use schemas::{Lane, UserId};

/// Names that are remembered, those without an account included (about 200 bytes each): a name must not be known to be
/// held by the time its answer takes.
const NAMES: u64 = 20_000;
/// How long, at most: an account that was erased is not remembered for ever.
const LIFETIME: Duration = Duration::from_secs(600);

/// Guesses by the lane of a name.
pub(crate) struct Holders {
    known: Cache<Lane, Option<UserId>>,
}

impl Holders {
    pub(crate) fn new() -> Self {
        let known = Cache::builder().max_capacity(NAMES).time_to_live(LIFETIME).build();
        Self { known }
    }

    /// The account that held a name, or that none did; none when it was not looked up lately.
    pub(crate) fn guess(&self, name: &Lane) -> Option<Option<UserId>> {
        self.known.get(name)
    }

    /// What a look-up has found.
    pub(crate) fn note(&self, name: Lane, holder: Option<&UserId>) {
        self.known.insert(name, holder.cloned());
    }
}

#[cfg(test)]
mod tests {
    use schemas::Digest;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_name_without_an_account_is_remembered_as_one_with() {
        let (holders, name) = (Holders::new(), |name| Lane::Handle(Digest::of([name])));
        let ada = UserId::from_uuid(Uuid::from_u128(1));
        assert_eq!(holders.guess(&name("ada")), None);
        holders.note(name("ada"), Some(&ada));
        holders.note(name("eve"), None);
        assert_eq!(holders.guess(&name("ada")), Some(Some(ada)));
        assert_eq!(holders.guess(&name("eve")), Some(None));
        holders.note(name("ada"), None);
        assert_eq!(holders.guess(&name("ada")), Some(None));
    }
}
