//! Closing accounts for good, forgetting what is kept of their people in buckets, and saying how far an erasure is.
//! The rest of an erasure is chat-svc's work, which goes through the log: it finds out what is to be done from the bucket
//! of pending erasures, and asks here for what it cannot reach itself.

use decider::{Answer, Call, Failure, Reads, accepted, commit, fresh_id};
use eventlog::EventLog;
use schemas::commands::{DeleteAccount, EraseUser, ForgetSecrets, GetErasure};
use schemas::events::{ErasureEvent, Removed, SessionEnd, UserEvent};
use schemas::values::{Reason, Role};
use schemas::views::{Erasure, ErasureStatus};
use schemas::{Code, ErasureId, EventData, Lane, Position, RefusalReason, Rejection, UserId};

use super::proof::Proof;
use crate::accounts;
use crate::auth::Auth;
use crate::call::now;
use crate::domain::account::{AccountRejection, Administrator as _, Closing, Name, close};

/// The bucket of erasures that are not done: the id of each, and whose data it is of. It is an index, used and not
/// believed: one without a beginning in the log was never begun.
const PENDING: &str = "erasures";

/// Who closes an account.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Closer<'a> {
    /// Its owner, or the operator.
    Owner,
    /// An admin, who says why.
    Admin(&'a Reason),
}

impl Auth {
    pub(crate) async fn delete_account(
        &self,
        call: &Call,
        command: DeleteAccount,
    ) -> Answer<ErasureId> {
        let (password, code) = (command.password.as_ref(), command.code.as_ref());
        let proven = self.prove(call, &Proof { pointer: "/password", password, code }).await?;
        let id = command.erasure_id.unwrap_or_else(new_erasure);
        let closing = self.close_account(call, &proven.user.id, id, Closer::Owner).await;
        // Another request has closed it since the password was looked at.
        closing.map_err(
            |refused| {
                if refused.code == Code::NotFound { accounts::closed() } else { refused }
            },
        )
    }

    pub(crate) async fn erase_user(&self, call: &Call, command: EraseUser) -> Answer<ErasureId> {
        let id = command.erasure_id.unwrap_or_else(new_erasure);
        self.close_account(call, &command.user_id, id, Closer::Admin(&command.reason)).await
    }

    /// Closes an account and ends its sessions; the erasure goes on by itself.
    pub(crate) async fn close_account(
        &self,
        call: &Call,
        user: &UserId,
        id: ErasureId,
        by: Closer<'_>,
    ) -> Answer<ErasureId> {
        let position = self.retry(|| self.try_close(call, user, &id, by)).await?;
        let ended = self.retry(|| self.end_for_good(call, user)).await?;
        Ok(accepted(ended.or(position), id))
    }

    async fn try_close(
        &self,
        call: &Call,
        user: &UserId,
        id: &ErasureId,
        by: Closer<'_>,
    ) -> Result<Option<Position>, Failure> {
        let (admin, reason) = match by {
            Closer::Owner => (None, None),
            Closer::Admin(reason) => {
                let admin = accounts::caller(&self.log, call).await?;
                if !admin.is_admin() {
                    return Err(AccountRejection::NotAdmin.into());
                }
                (Some(admin), Some(reason))
            }
        };
        let target = accounts::user(&self.log, user).await?.ok_or_else(Rejection::not_found)?;
        let (handle, email) = tokio::try_join!(
            accounts::name(&self.log, self.names.handle(target.state.username.as_str())),
            accounts::name(&self.log, self.names.email(target.state.email.as_str())),
        )?;
        let another = match target.state.role {
            Role::Admin => self.admins.another(&self.log, user).await?,
            Role::User | Role::Moderator => None,
        };
        let registry = self.names.admins();
        let identities = self.identity_names(user).await?;
        let state = Closing { user: target, handle, email, identities, registry, admin, another };
        let facts = close(&state, id, reason, &now())?;
        note_pending(&self.log, id, user).await?;
        Ok(commit(&self.log, call, facts, &Reads::default()).await?.position())
    }

    /// The lanes of the identities by which the account can be logged in to.
    async fn identity_names(&self, user: &UserId) -> Result<Vec<Name>, Failure> {
        let stored = self.log.last(&Lane::Identities(*user)).await?;
        let Some(stored) = stored else { return Ok(Vec::new()) };
        let EventData::Identity(event) = stored.event()?.data else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for identity in &event.after().identities {
            names.push(accounts::name(&self.log, Lane::Identity(identity.key)).await?);
        }
        Ok(names)
    }

    async fn end_for_good(&self, call: &Call, user: &UserId) -> Result<Option<Position>, Failure> {
        let sessions = self.sessions.list(user).await?;
        self.end(call, user, sessions, SessionEnd::AccountDeleted).await
    }

    pub(crate) async fn forget_secrets(&self, _: &Call, command: ForgetSecrets) -> Answer<()> {
        self.retry(|| self.try_forget_secrets(&command.user_id)).await?;
        Ok(accepted(None, ()))
    }

    /// Only what is left of a closed account is deleted, whichever service asks. Each step may be repeated.
    async fn try_forget_secrets(&self, user: &UserId) -> Result<(), Failure> {
        let last = self.log.last(&Lane::User(*user)).await?;
        let last = last.ok_or_else(Rejection::not_found)?;
        let EventData::User(UserEvent::Erased(_)) = last.event()?.data else {
            let reason = RefusalReason::AccountNotClosed;
            return Err(Rejection::because(reason, "the account is not closed").into());
        };
        self.credentials.delete(user.as_str()).await?;
        self.second_factors.forget(user).await?;
        self.challenges.forget(user).await?;
        self.attempts.forget(user).await?;
        self.admins.forget(user).await?;
        self.sessions.forget_all(user).await
    }

    pub(crate) async fn get_erasure(&self, _: &Call, command: GetErasure) -> Answer<Erasure> {
        let found = self.retry(|| self.try_get_erasure(&command.erasure_id)).await?;
        Ok(accepted(None, found))
    }

    async fn try_get_erasure(&self, id: &ErasureId) -> Result<Erasure, Failure> {
        let last = self.log.last(&Lane::Erasure(*id)).await?;
        let last = last.ok_or_else(Rejection::not_found)?;
        let EventData::Erasure(event) = last.event()?.data else {
            return Err(Rejection::not_found().into());
        };
        let (status, removed) = match event {
            ErasureEvent::Begun(_) => (ErasureStatus::Running, Removed::default()),
            ErasureEvent::Listed(listed) => (ErasureStatus::Running, listed.removed),
            ErasureEvent::Completed(completed) => (ErasureStatus::Done, completed.removed),
        };
        Ok(Erasure { status, removed })
    }
}

/// A new id for an erasure.
pub(crate) fn new_erasure() -> ErasureId {
    ErasureId::from_uuid(fresh_id())
}

/// Takes note of an erasure that is about to begin.
async fn note_pending(log: &EventLog, id: &ErasureId, user: &UserId) -> Result<(), Failure> {
    let bucket = log.secrets(PENDING);
    match bucket.create(&format!("pending.{id}"), user.to_string(), None).await {
        // An earlier try of the same call has noted it.
        Ok(_) | Err(eventlog::SecretError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
