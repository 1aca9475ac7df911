//! What is read of an account when a login comes, before its password is checked.
//!
//! Owns that it is read together: whatever is read by itself costs the server and this process another turn, which in a
//! storm of logins is what keeps the cores from hashing. It must not judge. All of it was read after the login had come,
//! and what of it can change until the session begins is looked at again then, or fenced.

use decider::Failure;
use schemas::values::{Email, Username};
use schemas::{Digest, Lane, UserId};

use crate::attempts::Standing;
use crate::auth::{Auth, Credentials};
use crate::domain::account::LoadedUser;
use crate::sessions::Listed;
use crate::{accounts, call};

/// Longest login that is looked up, in bytes.
const MAX_LOGIN: usize = 254;

/// An account whose password was given.
pub(super) struct Known {
    pub(super) id: UserId,
    pub(super) credentials: Credentials,
    /// Of the credentials.
    pub(super) revision: u64,
    pub(super) user: LoadedUser,
    /// Whether codes of a second factor were asked for.
    pub(super) has_factor: bool,
}

/// What there is about a login.
pub(super) struct Found {
    /// The account, if there is one that has a password.
    pub(super) known: Option<Known>,
    /// How the device stands to it.
    pub(super) standing: Standing,
    /// What wrong passwords are counted under: the account, or the name that no account has. The second is no text that
    /// was typed.
    pub(super) key: String,
    /// The account's sessions.
    pub(super) listed: Listed,
}

impl Auth {
    /// What there is about a login. The same is looked up when there is no account.
    pub(super) async fn find(&self, login: &str, device: &Digest) -> Result<Found, Failure> {
        let name = self.lane_of(login);
        let (holder, read) = match self.holders.guess(&name) {
            None => (accounts::holder(&self.log, &name).await?, None),
            Some(guess) => {
                let (holder, read) = tokio::try_join!(
                    accounts::holder(&self.log, &name),
                    self.read(guess.as_ref(), login, device)
                )?;
                let read = Some(read).filter(|_| holder == guess);
                (holder, read)
            }
        };
        self.holders.note(name, holder.as_ref());
        match read {
            Some(found) => Ok(found),
            None => self.read(holder.as_ref(), login, device).await,
        }
    }

    /// The lane of the name or address that a login is.
    fn lane_of(&self, login: &str) -> Lane {
        let lane = match (login.len() <= MAX_LOGIN, login.contains('@')) {
            (false, _) => None,
            (true, true) => Email::parse(login).ok().map(|email| self.names.email(email.as_str())),
            (true, false) => {
                Username::existing(login).ok().map(|name| self.names.handle(name.as_str()))
            }
        };
        lane.unwrap_or_else(|| self.names.handle("!unknown"))
    }

    /// Everything about the account that holds a name, or about none.
    async fn read(
        &self,
        holder: Option<&UserId>,
        login: &str,
        device: &Digest,
    ) -> Result<Found, Failure> {
        let (id, key) = match holder {
            Some(holder) => (*holder, holder.to_string()),
            None => {
                let typed = self.names.digest(["login", &login.to_lowercase()]);
                (call::no_account(), typed.to_string())
            }
        };
        let (user, credentials, standing, has_factor, listed) = tokio::try_join!(
            accounts::user(&self.log, &id),
            self.credentials_of(&id),
            self.attempts.standing(&key, device),
            self.second_factors.is_on(&id),
            self.sessions.listed(&id),
        )?;
        let known = user.zip(credentials).map(|(user, (credentials, revision))| Known {
            id,
            credentials,
            revision,
            user,
            has_factor,
        });
        Ok(Found { known, standing, key, listed })
    }
}
