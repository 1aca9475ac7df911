//! Starting a session.

use data_encoding::HEXLOWER;
use eventlog::{Expect, LaneWrite};
use schemas::commands::{CallContext, Login};
use schemas::events::{SessionEnd, SessionStarted};
use schemas::values::{Email, Secret, Username};
use schemas::views::SessionTokens;
use schemas::{Actor, Code, Lane, Position, Rejection, SessionId, Timestamp};

use crate::accounts::{self, shown};
use crate::auth::{Answer, Auth, Credentials, accepted, invalid_credentials};
use crate::call;
use crate::domain::LoadedUser;
use crate::domain::rejection::AccountRejection;
use crate::failure::Failure;
use crate::sessions::Record;
use crate::tokens::ACCESS_SECONDS;

/// What is kept of a client's own name, in characters.
const MAX_USER_AGENT: usize = 256;

impl Auth {
    /// Whoever exists and whoever does not get the same answer after the same time.
    pub(crate) async fn login(
        &self,
        context: &CallContext,
        command: Login,
    ) -> Answer<SessionTokens> {
        let found = self.settle(|| self.find(&command.login)).await?;
        let hash = found.as_ref().map(|(_, credentials, _)| credentials.bcrypt.as_str());
        let fits = self.passwords.verify(command.password.expose(), hash).await?;
        let Some((user, credentials, revision)) = found.filter(|_| fits) else {
            return Err(invalid_credentials());
        };
        if user.value.suspended {
            return Err(AccountRejection::Suspended.into());
        }
        if self.passwords.is_outdated(&credentials.bcrypt) {
            self.hash_anew(&user, command.password.expose(), revision).await;
        }
        let id = call::session_id();
        let (tokens, position) = self.settle(|| self.begin(context, &user, &id)).await?;
        Ok(accepted(Some(position), tokens))
    }

    async fn find(&self, login: &str) -> Result<Option<(LoadedUser, Credentials, u64)>, Failure> {
        let lane = match (login.contains('@'), login.len() <= 254) {
            (_, false) => None,
            (true, _) => Email::parse(login).ok().map(|email| Lane::email(email.as_str())),
            (false, _) => Username::parse(login).ok().map(|name| Lane::handle(name.as_str())),
        };
        let Some(lane) = lane else { return Ok(None) };
        let Some(id) = accounts::holder(&self.log, lane).await? else { return Ok(None) };
        let (user, credentials) =
            tokio::try_join!(accounts::user(&self.log, &id), self.credentials_of(&id))?;
        Ok(match (user, credentials) {
            (Some(user), Some((credentials, revision))) => Some((user, credentials, revision)),
            _ => None,
        })
    }

    /// The configured cost has changed since the password was hashed. A failure leaves the old hash.
    async fn hash_anew(&self, user: &LoadedUser, password: &str, revision: u64) {
        let Ok(bcrypt) = self.passwords.hash(password).await else { return };
        if let Ok(value) = serde_json::to_vec(&Credentials { bcrypt }) {
            let key = user.value.id.as_str();
            let _ = self.credentials.update(key, value, revision, None).await;
        }
    }

    /// Stores the session, then says so in the log, fenced by the account: a suspension in between wins.
    async fn begin(
        &self,
        context: &CallContext,
        user: &LoadedUser,
        id: &SessionId,
    ) -> Result<(SessionTokens, Position), Failure> {
        let now = Timestamp::now();
        let salt: [u8; 16] = rand::random();
        let agent = context.user_agent.as_ref();
        let record = Record {
            user_id: user.value.id.clone(),
            salt: HEXLOWER.encode(&salt),
            generation: 0,
            rotated_at: now,
            created_at: now,
            last_used_at: now,
            told_at: now,
            user_agent: agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
            ip: context.ip.clone(),
        };
        let surplus = self.sessions.begin(id, &record).await?;
        let data = SessionStarted { session_id: id.clone(), user_id: record.user_id.clone() };
        let actor = Actor::User(record.user_id.clone());
        let event = call::event(actor, context, data.into());
        let account = Lane::User(record.user_id.clone());
        let expect = Expect::Fence { lane: account, at: user.at };
        let lane = Lane::Session(record.user_id.clone());
        let appended = match self.log.append(vec![LaneWrite::new(lane, event, expect)]).await {
            Ok(appended) => appended,
            Err(error) => {
                self.sessions.delete(std::slice::from_ref(id)).await?;
                self.sessions.forget(&record.user_id, std::slice::from_ref(id)).await?;
                return Err(match error {
                    // The account changed while its owner logged in: he tries again, judged anew.
                    eventlog::AppendError::Conflict => Failure::Refused(
                        Rejection::new(Code::Unavailable, "the account changed meanwhile")
                            .retry_after(1),
                    ),
                    error => error.into(),
                });
            }
        };
        if !surplus.is_empty() {
            self.end(context, &record.user_id, surplus, SessionEnd::Logout).await?;
        }
        Ok((self.tokens(user, id, &record, now)?, appended.position))
    }

    /// The tokens of a session's present generation.
    pub(crate) fn tokens(
        &self,
        user: &LoadedUser,
        id: &SessionId,
        record: &Record,
        now: Timestamp,
    ) -> Result<SessionTokens, Failure> {
        let signed = self.signer.sign(&record.user_id, id, user.value.role, now);
        let access_token: Secret = signed.map_err(|error| {
            tracing::error!(%error, "an access token could not be signed");
            Failure::Refused(Rejection::new(Code::Internal, "the token could not be signed"))
        })?;
        Ok(SessionTokens {
            session_id: id.clone(),
            access_token,
            token_type: "Bearer".to_owned(),
            expires_in: ACCESS_SECONDS,
            refresh_token: self.refresh_tokens.token(id, &record.salt, record.generation),
            user: shown(&user.value),
        })
    }
}
