//! Listing and ending sessions, and saying whether one may be used.

use eventlog::{Expect, LaneWrite};
use schemas::commands::{CallContext, EndSessions, GetSessionStatus, SessionStatus, WhichSessions};
use schemas::events::{SessionEnd, SessionsEnded};
use schemas::values::Role;
use schemas::views::Session;
use schemas::{Actor, Lane, Position, Rejection, SessionId, UserId};

use crate::accounts;
use crate::auth::{Answer, Auth, accepted};
use crate::call;
use crate::failure::Failure;

impl Auth {
    /// Ends sessions of an account: no token of theirs is good any more, and their sockets close.
    pub(crate) async fn end(
        &self,
        context: &CallContext,
        user: &UserId,
        ids: Vec<SessionId>,
        reason: SessionEnd,
    ) -> Result<Option<Position>, Failure> {
        if ids.is_empty() {
            return Ok(None);
        }
        self.sessions.delete(&ids).await?;
        let actor = match &context.caller {
            Some(caller) => Actor::User(caller.user_id.clone()),
            None => Actor::System,
        };
        let data = SessionsEnded { user_id: user.clone(), session_ids: ids.clone(), reason };
        let event = call::event(actor, context, data.into());
        let write = LaneWrite::new(Lane::Session(user.clone()), event, Expect::Any);
        let appended = self.log.append(vec![write]).await?;
        self.sessions.forget(user, &ids).await?;
        Ok(Some(appended.position))
    }

    pub(crate) async fn end_sessions(
        &self,
        context: &CallContext,
        command: EndSessions,
    ) -> Answer<()> {
        let position = self.settle(|| self.try_end(context, &command.which)).await?;
        Ok(accepted(position, ()))
    }

    async fn try_end(
        &self,
        context: &CallContext,
        which: &WhichSessions,
    ) -> Result<Option<Position>, Failure> {
        let caller = call::caller(context)?;
        let ids = match which {
            WhichSessions::Current => vec![caller.session_id.clone()],
            WhichSessions::All => {
                let mut ids = self.sessions.list(&caller.user_id).await?;
                if !ids.contains(&caller.session_id) {
                    ids.push(caller.session_id.clone());
                }
                ids
            }
            WhichSessions::One(id) => {
                if !self.sessions.list(&caller.user_id).await?.contains(id) {
                    return Err(Rejection::not_found().into());
                }
                vec![id.clone()]
            }
        };
        self.end(context, &caller.user_id, ids, SessionEnd::Logout).await
    }

    pub(crate) async fn list_sessions(&self, context: &CallContext) -> Answer<Vec<Session>> {
        let sessions = self.settle(|| self.try_list(context)).await?;
        Ok(accepted(None, sessions))
    }

    async fn try_list(&self, context: &CallContext) -> Result<Vec<Session>, Failure> {
        let caller = call::caller(context)?;
        let (mut sessions, mut gone) = (Vec::new(), Vec::new());
        for (id, record) in self.sessions.all(&caller.user_id).await? {
            match record {
                None => gone.push(id),
                Some(record) => sessions.push(Session {
                    current: id == caller.session_id,
                    session_id: id,
                    created_at: record.created_at,
                    last_used_at: record.last_used_at,
                    user_agent: record.user_agent,
                    ip: record.ip,
                }),
            }
        }
        // Expired, or its end was interrupted before the log was told: then it is told now.
        self.end(context, &caller.user_id, gone, SessionEnd::Logout).await?;
        sessions.reverse();
        Ok(sessions)
    }

    pub(crate) async fn session_status(&self, command: GetSessionStatus) -> Answer<SessionStatus> {
        let status = self.settle(|| self.try_status(&command)).await?;
        Ok(accepted(None, status))
    }

    async fn try_status(&self, command: &GetSessionStatus) -> Result<SessionStatus, Failure> {
        let (record, user) = tokio::try_join!(
            self.sessions.get(&command.session_id),
            accounts::user(&self.log, &command.user_id)
        )?;
        let theirs = record.is_some_and(|(record, _)| record.user_id == command.user_id);
        Ok(match user {
            None => SessionStatus { active: false, role: Role::User },
            Some(user) => {
                SessionStatus { active: theirs && !user.value.suspended, role: user.value.role }
            }
        })
    }
}
