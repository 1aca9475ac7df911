//! Listing and ending sessions, and saying whether one may be used.

use decider::{Answer, Call, Expect, Fact, Failure, accepted, record};
use schemas::commands::{
    EndSessions, EndSessionsOf, GetSessionStatus, ListSessions, NoteSessionsUsed, SessionStatus,
    WhichSessions,
};
use schemas::events::{SessionEnd, SessionsEnded};
use schemas::values::{Reason, Role};
use schemas::views::Session;
use schemas::{Code, Lane, Position, Rejection, SessionId, Timestamp, UserId};

use crate::accounts;
use crate::auth::Auth;
use crate::domain::account::{AccountRejection, Administrator as _};
use crate::domain::session::used;

/// Sessions of one note of use.
const MAX_USED: usize = 1_000;

impl Auth {
    /// Ends sessions of an account: no token of theirs is good any more, and their sockets close.
    pub(crate) async fn end(
        &self,
        call: &Call,
        user: &UserId,
        ids: Vec<SessionId>,
        reason: SessionEnd,
    ) -> Result<Option<Position>, Failure> {
        self.end_noted(call, user, ids, (reason, None)).await
    }

    /// The same, with what the admin who ends them says of it.
    async fn end_noted(
        &self,
        call: &Call,
        user: &UserId,
        ids: Vec<SessionId>,
        (reason, note): (SessionEnd, Option<&Reason>),
    ) -> Result<Option<Position>, Failure> {
        if ids.is_empty() {
            return Ok(None);
        }
        self.sessions.delete(&ids).await?;
        let (user_id, session_ids) = (*user, ids.clone());
        let ended = SessionsEnded { user_id, session_ids, reason, note: note.cloned() };
        let fact = Fact::expecting(Expect::Any, Lane::Session(*user), ended);
        let appended = record(&self.log, call, fact).await?;
        self.sessions.forget(user, &ids).await?;
        Ok(Some(appended.position))
    }

    pub(crate) async fn end_sessions(&self, call: &Call, command: EndSessions) -> Answer<()> {
        let position = self.retry(|| self.try_end(call, &command.which)).await?;
        Ok(accepted(position, ()))
    }

    async fn try_end(
        &self,
        call: &Call,
        which: &WhichSessions,
    ) -> Result<Option<Position>, Failure> {
        let caller = call.caller()?;
        let ids = match which {
            WhichSessions::Current => vec![caller.session_id],
            WhichSessions::All => {
                let mut ids = self.sessions.list(&caller.user_id).await?;
                if !ids.contains(&caller.session_id) {
                    ids.push(caller.session_id);
                }
                ids
            }
            WhichSessions::One(id) => {
                if !self.sessions.list(&caller.user_id).await?.contains(id) {
                    return Err(Rejection::not_found().into());
                }
                vec![*id]
            }
        };
        self.end(call, &caller.user_id, ids, SessionEnd::Logout).await
    }

    /// Ends every session of a user, for an admin.
    pub(crate) async fn end_sessions_of(&self, call: &Call, command: EndSessionsOf) -> Answer<()> {
        let position = self.retry(|| self.try_end_of(call, &command)).await?;
        Ok(accepted(position, ()))
    }

    async fn try_end_of(
        &self,
        call: &Call,
        command: &EndSessionsOf,
    ) -> Result<Option<Position>, Failure> {
        let EndSessionsOf { user_id: user, reason } = command;
        if !accounts::caller(&self.log, call).await?.is_admin() {
            return Err(AccountRejection::NotAdmin.into());
        }
        accounts::user(&self.log, user).await?.ok_or_else(Rejection::not_found)?;
        let ids = self.sessions.list(user).await?;
        self.end_noted(call, user, ids, (SessionEnd::Revoked, reason.as_ref())).await
    }

    /// Notes when sessions were used last, each once in some minutes. Of two that say so at the same moment one is
    /// enough, and one that cannot be noted is noted at its next use.
    pub(crate) async fn note_sessions_used(
        &self,
        _: &Call,
        command: NoteSessionsUsed,
    ) -> Answer<()> {
        if command.session_ids.len() > MAX_USED {
            let detail = "at most 1,000 sessions at a time";
            return Err(Rejection::new(Code::ValidationFailed, detail));
        }
        for id in &command.session_ids {
            if let Err(Failure::Rejected(rejection) | Failure::Denied(rejection)) =
                self.try_note_used(id).await
            {
                return Err(rejection);
            }
        }
        Ok(accepted(None, ()))
    }

    async fn try_note_used(&self, id: &SessionId) -> Result<(), Failure> {
        let Some((record, revision)) = self.sessions.get(id).await? else { return Ok(()) };
        match used(record, Timestamp::now()) {
            None => Ok(()),
            Some(record) => self.sessions.replace(id, &record, revision).await,
        }
    }

    pub(crate) async fn list_sessions(&self, call: &Call, _: ListSessions) -> Answer<Vec<Session>> {
        let sessions = self.retry(|| self.try_list(call)).await?;
        Ok(accepted(None, sessions))
    }

    async fn try_list(&self, call: &Call) -> Result<Vec<Session>, Failure> {
        let caller = call.caller()?;
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
        self.end(call, &caller.user_id, gone, SessionEnd::Logout).await?;
        sessions.reverse();
        Ok(sessions)
    }

    pub(crate) async fn session_status(
        &self,
        _: &Call,
        command: GetSessionStatus,
    ) -> Answer<SessionStatus> {
        let status = self.retry(|| self.try_status(&command)).await?;
        Ok(accepted(None, status))
    }

    pub(super) async fn try_status(
        &self,
        command: &GetSessionStatus,
    ) -> Result<SessionStatus, Failure> {
        let (record, user) = tokio::try_join!(
            self.sessions.get(&command.session_id),
            accounts::user(&self.log, &command.user_id)
        )?;
        let theirs = record.is_some_and(|(record, _)| record.user_id == command.user_id);
        Ok(match user {
            None => SessionStatus { active: false, role: Role::User },
            Some(user) => {
                SessionStatus { active: theirs && !user.state.suspended, role: user.state.role }
            }
        })
    }
}
