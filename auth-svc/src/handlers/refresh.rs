//! New tokens for an old refresh token.

use decider::{Answer, Call, Expect, Fact, Failure, accepted, record};
use schemas::commands::Refresh;
use schemas::events::{SessionEnd, SessionRefreshed};
use schemas::views::SessionTokens;
use schemas::{Code, Lane, Position, Rejection, Timestamp};

use crate::accounts;
use crate::auth::Auth;
use crate::domain::session::{Record, Verdict, judge, rotate};
use crate::refresh::Presented;

fn refused() -> Rejection {
    Rejection::new(Code::Unauthenticated, "the refresh token is not valid")
}

impl Auth {
    /// Rotates; a token that was used before ends its session, but for an immediate retry, which gets the
    /// very token it has missed. Any number of tries at once are safe: one rotates, the others are retries.
    pub(crate) async fn refresh(&self, call: &Call, command: Refresh) -> Answer<SessionTokens> {
        let presented = Presented::parse(command.refresh_token.expose()).ok_or_else(refused)?;
        let (tokens, position) = self.retry(|| self.try_refresh(call, &presented)).await?;
        Ok(accepted(position, tokens))
    }

    async fn try_refresh(
        &self,
        call: &Call,
        presented: &Presented,
    ) -> Result<(SessionTokens, Option<Position>), Failure> {
        let id = &presented.session;
        let stored = self.sessions.get(id).await?;
        let ours =
            stored.filter(|(record, _)| self.refresh_tokens.is_genuine(presented, &record.salt));
        let (record, revision) = ours.ok_or_else(refused)?;
        let now = Timestamp::now();
        let verdict = judge(&record, presented.generation, now);
        match verdict {
            Verdict::Unknown => return Err(refused().into()),
            Verdict::Reuse => {
                self.metrics.reuse();
                tracing::warn!(session.id = %id, "a used refresh token came again; the session ends");
                let end = SessionEnd::TokenReuse;
                self.end(call, &record.user_id, vec![*id], end).await?;
                return Err(refused().into());
            }
            Verdict::Rotate | Verdict::Retry => {}
        }
        let user = accounts::user(&self.log, &record.user_id).await?;
        let user = user.filter(|user| !user.state.suspended).ok_or_else(refused)?;
        if verdict == Verdict::Retry {
            return Ok((self.tokens(&user, id, &record)?, None));
        }
        let (next, tell) = rotate(&record, now);
        self.sessions.replace(id, &next, revision).await?;
        let position = match tell {
            true => self.tell_refreshed(call, presented, &next).await,
            false => None,
        };
        Ok((self.tokens(&user, id, &next)?, position))
    }

    /// The rotation is done: that the log cannot be told now is no reason to refuse the tokens.
    async fn tell_refreshed(
        &self,
        call: &Call,
        presented: &Presented,
        session: &Record,
    ) -> Option<Position> {
        let (session_id, user_id) = (presented.session, session.user_id);
        let lane = Lane::Session(user_id);
        let by_user = call.acting_as_user(&user_id);
        let refreshed = SessionRefreshed { session_id, user_id };
        let fact = Fact::expecting(Expect::Any, lane, refreshed);
        match record(&self.log, &by_user, fact).await {
            Ok(appended) => Some(appended.position),
            Err(_logged) => {
                tracing::warn!(session.id = %presented.session, "a refresh was not written");
                None
            }
        }
    }
}
