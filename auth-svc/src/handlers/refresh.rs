//! New tokens for an old refresh token.

use eventlog::{Expect, LaneWrite};
use schemas::commands::{CallContext, Refresh};
use schemas::events::{SessionEnd, SessionRefreshed};
use schemas::views::SessionTokens;
use schemas::{Actor, Code, Lane, Position, Rejection, Timestamp};

use crate::accounts;
use crate::auth::{Answer, Auth, accepted};
use crate::call;
use crate::failure::Failure;
use crate::refresh::{Presented, Verdict};
use crate::sessions::Record;

/// Milliseconds between two events that say a session is used.
const TELL_EVERY: i64 = 3_600_000;

fn refused() -> Rejection {
    Rejection::new(Code::Unauthenticated, "the refresh token is not valid")
}

impl Auth {
    /// Rotates; a token that was used before ends its session, but for an immediate retry, which gets the
    /// very token it has missed. Any number of tries at once are safe: one rotates, the others are retries.
    pub(crate) async fn refresh(
        &self,
        context: &CallContext,
        command: Refresh,
    ) -> Answer<SessionTokens> {
        let presented = Presented::parse(command.refresh_token.expose()).ok_or_else(refused)?;
        let (tokens, position) = self.settle(|| self.try_refresh(context, &presented)).await?;
        Ok(accepted(position, tokens))
    }

    async fn try_refresh(
        &self,
        context: &CallContext,
        presented: &Presented,
    ) -> Result<(SessionTokens, Option<Position>), Failure> {
        let id = &presented.session;
        let Some((mut record, revision)) = self.sessions.get(id).await? else {
            return Err(refused().into());
        };
        let now = Timestamp::now();
        let judge = &self.refresh_tokens;
        let verdict =
            judge.judge(presented, &record.salt, record.generation, record.rotated_at, now);
        if verdict == Verdict::Forged {
            return Err(refused().into());
        }
        if verdict == Verdict::Reuse {
            self.metrics.reuse();
            tracing::warn!(session.id = %id, "a used refresh token came again; the session ends");
            let end = SessionEnd::TokenReuse;
            self.end(context, &record.user_id, vec![id.clone()], end).await?;
            return Err(refused().into());
        }
        let user = accounts::user(&self.log, &record.user_id).await?;
        let Some(user) = user.filter(|user| !user.value.suspended) else {
            return Err(refused().into());
        };
        let mut position = None;
        if verdict == Verdict::Rotate {
            record.generation += 1;
            record.rotated_at = now;
            record.last_used_at = now;
            let tell = now.millis() - record.told_at.millis() >= TELL_EVERY;
            if tell {
                record.told_at = now;
            }
            self.sessions.replace(id, &record, revision).await?;
            if tell {
                position = self.tell_refreshed(context, presented, &record).await?;
            }
        }
        Ok((self.tokens(&user, id, &record, now)?, position))
    }

    async fn tell_refreshed(
        &self,
        context: &CallContext,
        presented: &Presented,
        record: &Record,
    ) -> Result<Option<Position>, Failure> {
        let (session_id, user_id) = (presented.session.clone(), record.user_id.clone());
        let lane = Lane::Session(user_id.clone());
        let actor = Actor::User(user_id.clone());
        let data = SessionRefreshed { session_id, user_id };
        let event = call::event(actor, context, data.into());
        // The rotation is done: that the log cannot be told now is no reason to refuse the tokens.
        let told = self.log.append(vec![LaneWrite::new(lane, event, Expect::Any)]).await;
        Ok(told.ok().map(|appended| appended.position))
    }
}
