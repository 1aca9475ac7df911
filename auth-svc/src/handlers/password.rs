//! Changing one's own password.

use schemas::commands::{CallContext, ChangePassword};
use schemas::events::SessionEnd;
use schemas::{Position, SessionId};
use tokio::time::Instant;

use crate::accounts;
use crate::auth::{Answer, Auth, Credentials, accepted, invalid_credentials};
use crate::call;
use crate::domain::account::AccountRejection;
use crate::failure::Failure;

impl Auth {
    /// The caller's other sessions end: whoever had the old password is out. A repeat by a client that lost
    /// the answer is told by its new password being the present one.
    pub(crate) async fn change_password(
        &self,
        context: &CallContext,
        command: ChangePassword,
    ) -> Answer<()> {
        let until = call::password_deadline(context);
        self.settle(|| self.try_change_password(context, &command, until)).await?;
        let position = self.settle(|| self.end_others(context)).await?;
        Ok(accepted(position, ()))
    }

    async fn try_change_password(
        &self,
        context: &CallContext,
        command: &ChangePassword,
        until: Instant,
    ) -> Result<(), Failure> {
        let user = accounts::caller(&self.log, context).await?.value;
        if user.suspended {
            return Err(AccountRejection::Suspended.into());
        }
        let stored = self.credentials_of(&user.id).await?;
        let (credentials, revision) = stored.ok_or_else(invalid_credentials)?;
        let (old, new) = (command.current_password.expose(), command.new_password.expose());
        if !self.passwords.verify(old, Some(&credentials.bcrypt), until).await? {
            return match self.passwords.verify(new, Some(&credentials.bcrypt), until).await? {
                true => Ok(()),
                false => Err(invalid_credentials().into()),
            };
        }
        let bcrypt = self.passwords.hash(new, until).await?;
        let value = serde_json::to_vec(&Credentials { bcrypt })?;
        self.credentials.update(user.id.as_str(), value, revision, None).await?;
        Ok(())
    }

    async fn end_others(&self, context: &CallContext) -> Result<Option<Position>, Failure> {
        let caller = call::caller(context)?;
        let mut others: Vec<SessionId> = self.sessions.list(&caller.user_id).await?;
        others.retain(|id| *id != caller.session_id);
        self.end(context, &caller.user_id, others, SessionEnd::PasswordChanged).await
    }
}
