//! Where codes are counted: a record per account, or per address without one, and one per challenge that says whose it
//! is, in buckets outside the log.

use std::time::Duration;

use decider::Failure;
use eventlog::{EventLog, SecretStore};
use schemas::events::ChallengePurpose;
use schemas::values::Email;
use schemas::{ChallengeId, Digest, NameKey, UserId};
use serde::{Deserialize, Serialize};

use crate::domain::challenge::Codes;
use crate::limit::Limit;
use crate::records::{Records, read_record, write_record};

/// How long records live at least: longer than any answer depends on one.
const LIFETIME: Duration = Duration::from_secs(26 * 3600);

/// Whose codes they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Owner {
    /// An account's.
    Account(UserId),
    /// Those of an address: of one that belongs to no account, and of one that others want to have. By its keyed
    /// hash: the record is no list of addresses.
    Address(Digest),
}

impl Owner {
    /// An address, by itself.
    pub(crate) fn address(names: &NameKey, email: &Email) -> Self {
        Self::Address(names.digest(["codes", &email.as_str().to_lowercase()]))
    }

    fn key(&self) -> &str {
        match self {
            Self::Account(id) => id.as_str(),
            Self::Address(digest) => digest.as_str(),
        }
    }
}

/// Whose a challenge is, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owned {
    pub(crate) owner: Owner,
    pub(crate) purpose: ChallengePurpose,
}

/// The buckets.
pub(crate) struct Challenges {
    owners: SecretStore,
    codes: Records<Codes>,
    lifetime: Duration,
    /// How many codes of a kind an account or address may ask for.
    pub(crate) limit: Option<Limit>,
}

impl Challenges {
    /// The buckets `challenges` and `codes`.
    pub(crate) fn new(log: &EventLog, limit: Option<Limit>) -> Self {
        let lifetime = limit.map_or(LIFETIME, |limit| limit.per.max(LIFETIME));
        let codes = Records::new(log.secrets("codes"), Some(lifetime));
        Self { owners: log.secrets("challenges"), codes, lifetime, limit }
    }

    /// Says whose a new challenge is.
    pub(crate) async fn note(&self, id: &ChallengeId, owned: &Owned) -> Result<(), Failure> {
        self.owners.create(id.as_str(), write_record(owned)?, Some(self.lifetime)).await?;
        Ok(())
    }

    /// Notes where the code of an account goes, which is then known for as long as whose it is. It is not kept among the
    /// account's codes: what a record said before it was changed stays in the server's file, where no erasure finds it.
    pub(crate) async fn note_address(
        &self,
        user: &UserId,
        id: &ChallengeId,
        email: &Email,
    ) -> Result<(), Failure> {
        let (key, value) = (address_key(user, id), email.as_str().to_owned());
        self.owners.create(&key, value, Some(self.lifetime)).await?;
        Ok(())
    }

    /// Where the code of an account went.
    pub(crate) async fn address(
        &self,
        user: &UserId,
        id: &ChallengeId,
    ) -> Result<Option<Email>, Failure> {
        let found = self.owners.get(&address_key(user, id)).await?;
        let text = found.and_then(|(value, _)| String::from_utf8(value.to_vec()).ok());
        Ok(text.and_then(|text| Email::parse(&text).ok()))
    }

    /// Whose a challenge is; none when there never was one, or it was long ago.
    pub(crate) async fn owned(&self, id: &ChallengeId) -> Result<Option<Owned>, Failure> {
        let found = self.owners.get(id.as_str()).await?;
        found.map(|(value, _)| read_record(&value)).transpose()
    }

    /// Changes what is kept of an owner's codes, however many do at the same time.
    pub(crate) async fn change<A>(
        &self,
        owner: &Owner,
        change: impl Fn(&mut Codes) -> A,
    ) -> Result<A, Failure> {
        self.codes.change(owner.key(), change).await
    }

    /// Deletes what is kept of the codes of a person who is erased. Whose a challenge is expires by itself: it says
    /// nothing but an id.
    pub(crate) async fn forget(&self, user: &UserId) -> Result<(), Failure> {
        for key in self.owners.keys(Some(user.as_str())).await? {
            self.owners.delete(&key).await?;
        }
        self.codes.delete(Owner::Account(*user).key()).await
    }
}

/// It begins with whose it is, by which all of an account are found.
fn address_key(user: &UserId, id: &ChallengeId) -> String {
    format!("{user}.{id}")
}
