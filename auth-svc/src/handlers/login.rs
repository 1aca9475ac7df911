//! Starting a session.

use data_encoding::HEXLOWER;
use decider::{Answer, Call, Expect, Fact, Failure, accepted, record};
use eventlog::Appended;
use schemas::commands::Login;
use schemas::events::{NewDevice, SessionEnd, SessionStarted};
use schemas::values::{NewPassword, Secret, UserAgent};
use schemas::views::SessionTokens;
use schemas::{Code, Digest, Lane, Position, Rejection, SessionId, Timestamp, UserId};
use tokio::time::Instant;

use super::lookup::{Found, Known};
use super::proof::barred;
use crate::accounts::{self, shown};
use crate::auth::{Auth, Credentials, invalid_credentials};
use crate::call;
use crate::domain::account::{AccountRejection, LoadedUser};
use crate::domain::guessing::device;
use crate::domain::second_factor::Shown;
use crate::domain::session::{Record, Start};
use crate::passwords::Fit;
use crate::queue::Asker;
use crate::sessions::Listed;
use crate::tokens::ACCESS_SECONDS;

/// One login under way.
struct Attempt<'a> {
    password: &'a Secret,
    asker: Asker,
    until: Instant,
}

/// What was read of an account already when its session begins.
pub(crate) struct Prior {
    user: LoadedUser,
    listed: Listed,
}

/// The device of a login, as its user is told of it.
pub(crate) fn seen(call: &Call, device: &Digest) -> NewDevice {
    NewDevice {
        device: *device,
        user_agent: call.user_agent.as_deref().and_then(|agent| UserAgent::parse(agent).ok()),
        ip: call.ip.as_deref().and_then(|ip| ip.parse().ok()),
    }
}

/// The password is right, and is not enough.
fn factor_required() -> Rejection {
    let detail = "the account asks for a code of its second factor";
    Rejection::new(Code::SecondFactorRequired, detail)
}

/// Refuses a device that is turned away for so many seconds.
fn admitted(barred: Option<u32>) -> Result<(), Rejection> {
    barred.map_or(Ok(()), |seconds| Err(guessed_too_often(seconds)))
}

/// Too many wrong passwords were given of late.
fn guessed_too_often(seconds: u32) -> Rejection {
    Rejection::new(Code::RateLimited, "too many wrong passwords").retry_after(seconds)
}

impl Auth {
    /// A login without an account gets the same answer after the same time as one with the wrong password.
    pub(crate) async fn login(&self, call: &Call, command: Login) -> Answer<SessionTokens> {
        // Keyboards of phones add a space behind a word; no name has one at its ends.
        let login = command.login.trim();
        let attempt = Attempt {
            password: &command.password,
            asker: call::stranger(call, login),
            until: call::password_deadline(call),
        };
        self.passwords.has_room(&attempt.asker)?;
        let device = device(call.ip.as_deref(), call.user_agent.as_deref());
        let Found { known, standing, key, listed } =
            self.retry(|| self.find(login, &device)).await?;
        admitted(standing.barred)?;
        let new_device = standing.is_new.then(|| seen(call, &device));
        let hash = known.as_ref().map(|known| known.credentials.bcrypt.as_str());
        let mut fit = self.check(&attempt, hash).await?;
        let known = known.filter(|_| fit.fits());
        let Some(mut known) = known else {
            let barred = self.attempts.failed(&key).await.filter(|_| !standing.is_known);
            return Err(barred.map_or_else(invalid_credentials, guessed_too_often));
        };
        // Of many guesses at once all come this far: what the tenth wrong one has shut is not opened by a later right one.
        if !standing.is_known {
            let standing = self.retry(|| self.attempts.standing(&key, &device)).await?;
            admitted(standing.barred)?;
        }
        known.has_factor = self.second_step_of(&known, command.code.as_ref()).await?;
        // The log refuses a session that is fenced by what has changed; only then is the account read again.
        let mut prior = Some(Prior { user: known.user.clone(), listed });
        let (tokens, position) = loop {
            let begin = || self.begin_known(call, &known, prior.take(), new_device.as_ref());
            match self.retry(begin).await? {
                Some(begun) => break begun,
                // The password was changed while it was checked, or only hashed anew: it is checked again.
                None => (known, fit) = self.known_still(known, &attempt).await?,
            }
        };
        if fit == Fit::AsTyped || self.passwords.is_outdated(&known.credentials.bcrypt) {
            self.hash_anew(&known, &attempt).await;
        }
        self.attempts.succeeded(&known.id, &device, &standing).await;
        self.settle_second_factor(call, &known).await;
        self.settle_password(call, &known).await;
        Ok(accepted(Some(position), tokens))
    }

    /// After the right password, or what stands for it: the second factor, if the account has one; whether it has.
    pub(crate) async fn second_step(
        &self,
        user: &UserId,
        suspended: bool,
        code: Option<&Secret>,
    ) -> Result<bool, Rejection> {
        if suspended {
            return Err(AccountRejection::Suspended.into());
        }
        match self.second_factors.present(user, code).await? {
            Shown::Right => Ok(true),
            Shown::Off => Ok(false),
            Shown::Barred(seconds) => Err(barred(seconds)),
            Shown::Wrong => Err(factor_required()),
        }
    }

    /// The same of a login. No second factor is looked up where account and factor, as they were read together after the
    /// login had come, both say that there is none: what the user enrols since then is told on the account's lane, which
    /// fences the session.
    async fn second_step_of(
        &self,
        known: &Known,
        code: Option<&Secret>,
    ) -> Result<bool, Rejection> {
        let state = &known.user.state;
        match state.suspended || state.second_factor || known.has_factor {
            true => self.second_step(&known.id, state.suspended, code).await,
            false => Ok(false),
        }
    }

    /// Begins the session of a login. What was read before counts once: when the log has refused what it fences, the user
    /// may have enrolled a second factor meanwhile.
    async fn begin_known(
        &self,
        call: &Call,
        known: &Known,
        prior: Option<Prior>,
        new_device: Option<&NewDevice>,
    ) -> Result<Option<(SessionTokens, Position)>, Failure> {
        let again = prior.is_none() && !known.has_factor;
        if again && self.second_factors.is_on(&known.id).await? {
            return Err(factor_required().into());
        }
        self.begin(call, &known.id, prior, Some(known.revision), new_device).await
    }

    /// Where an enrolment or a removal was interrupted the log says something else than is the case: it is told now.
    async fn settle_second_factor(&self, call: &Call, known: &Known) {
        let on = known.has_factor;
        if known.user.state.second_factor == on {
            return;
        }
        let by_user = call.acting_as_user(&known.id);
        let told = self.retry(|| self.tell_second_factor(&by_user, &known.id, on, None)).await;
        if told.is_err() {
            tracing::warn!(user.id = %known.id, "the log could not be told of a second factor");
        }
    }

    /// The same where setting the first password was interrupted.
    async fn settle_password(&self, call: &Call, known: &Known) {
        if known.user.state.has_password {
            return;
        }
        let by_user = call.acting_as_user(&known.id);
        if self.retry(|| self.tell_password_set(&by_user, &known.id)).await.is_err() {
            tracing::warn!(user.id = %known.id, "the log could not be told of a password");
        }
    }

    async fn check(&self, attempt: &Attempt<'_>, hash: Option<&str>) -> Result<Fit, Rejection> {
        self.passwords.verify(&attempt.asker, attempt.password, hash, attempt.until).await
    }

    async fn known_still(
        &self,
        before: Known,
        attempt: &Attempt<'_>,
    ) -> Result<(Known, Fit), Rejection> {
        let stored = self.retry(|| self.credentials_of(&before.id)).await?;
        let Some((credentials, revision)) = stored else { return Err(invalid_credentials()) };
        let fit = self.check(attempt, Some(&credentials.bcrypt)).await?;
        if !fit.fits() {
            return Err(invalid_credentials());
        }
        Ok((Known { credentials, revision, ..before }, fit))
    }

    /// The configured cost has changed since the password was hashed, or it was hashed as typed. A failure
    /// leaves the old hash.
    async fn hash_anew(&self, known: &Known, attempt: &Attempt<'_>) {
        let Ok(password) = NewPassword::parse(attempt.password.expose()) else { return };
        let hashed = self.passwords.hash(&attempt.asker, password.expose(), attempt.until).await;
        let Ok(bcrypt) = hashed else { return };
        if let Ok(value) = serde_json::to_vec(&Credentials { bcrypt }) {
            let _ = self.credentials.update(known.id.as_str(), value, known.revision, None).await;
        }
    }

    /// Stores the session, makes sure that nothing has happened to the password meanwhile, then says so in
    /// the log, fenced by the account: a suspension in between wins. Suspending and changing the password
    /// end the listed sessions afterwards, so one of the two always sees the other. None: the password is not
    /// the one of this revision, which was checked; without a revision, there is one now. What was read already is not
    /// read again: had the account changed since, the log would refuse the session.
    pub(crate) async fn begin(
        &self,
        call: &Call,
        user_id: &UserId,
        prior: Option<Prior>,
        revision: Option<u64>,
        new_device: Option<&NewDevice>,
    ) -> Result<Option<(SessionTokens, Position)>, Failure> {
        let (user, listed) = match prior {
            Some(Prior { user, listed }) => (user, Some(listed)),
            None => {
                let user = accounts::user(&self.log, user_id).await?;
                (user.ok_or_else(invalid_credentials)?, None)
            }
        };
        if user.state.suspended {
            return Err(AccountRejection::Suspended.into());
        }
        let salt: [u8; 16] = rand::random();
        let id = call::session_id();
        let record = Record::begin(Start {
            user_id,
            salt: HEXLOWER.encode(&salt),
            now: Timestamp::now(),
            user_agent: call.user_agent.as_deref(),
            ip: call.ip.as_deref(),
        });
        let surplus = self.sessions.begin(&id, &record, listed).await?;
        let stored = self.credentials_of(user_id).await?;
        if stored.map(|(_, stored)| stored) != revision {
            self.sessions.discard(&id, user_id).await?;
            return Ok(None);
        }
        let appended = match self.tell_started(call, &user, &id, new_device).await {
            Ok(appended) => appended,
            Err(error) => {
                self.sessions.discard(&id, user_id).await?;
                return Err(error);
            }
        };
        self.end_surplus(call, user_id, surplus).await;
        Ok(Some((self.tokens(&user, &id, &record)?, appended.position)))
    }

    async fn tell_started(
        &self,
        call: &Call,
        user: &LoadedUser,
        id: &SessionId,
        new_device: Option<&NewDevice>,
    ) -> Result<Appended, Failure> {
        let user_id = user.state.id;
        let by_user = call.acting_as_user(&user_id);
        let fence = Expect::Fence { lane: Lane::User(user_id), at: user.at };
        let started = SessionStarted { session_id: *id, user_id, new_device: new_device.cloned() };
        record(&self.log, &by_user, Fact::expecting(fence, Lane::Session(user_id), started)).await
    }

    /// The login stands even when older sessions cannot be ended now: the next one tries again.
    async fn end_surplus(&self, call: &Call, user: &UserId, surplus: Vec<SessionId>) {
        if self.end(call, user, surplus, SessionEnd::Logout).await.is_err() {
            tracing::warn!(user.id = %user, "surplus sessions could not be ended");
        }
    }

    /// The tokens of a session's present generation.
    pub(crate) fn tokens(
        &self,
        user: &LoadedUser,
        id: &SessionId,
        record: &Record,
    ) -> Result<SessionTokens, Failure> {
        let signed = self.signer.sign(&record.user_id, id, user.state.role, Timestamp::now());
        let access_token: Secret = signed.map_err(|error| {
            tracing::error!(%error, "an access token could not be signed");
            Rejection::new(Code::Internal, "the token could not be signed")
        })?;
        Ok(SessionTokens {
            session_id: *id,
            access_token,
            token_type: "Bearer".to_owned(),
            expires_in: ACCESS_SECONDS,
            refresh_token: self.refresh_tokens.token(id, &record.salt, record.generation),
            user: shown(&user.state),
        })
    }
}
