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
    /// The caller's other sessions end: who had the old password is out. A wrong present password is refused
    /// whatever the new one is: anything else would be a second way to guess.
    pub(crate) async fn change_password(
        &self,
        context: &CallContext,
        command: ChangePassword,
    ) -> Answer<()> {
        let until = call::password_deadline(context);
        call::caller(context)?;
        self.passwords.has_room(&call::asker(context, ""))?;
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
        let asker = call::asker(context, "");
        let hash = Some(credentials.bcrypt.as_str());
        let fit = self.passwords.verify(&asker, &command.current_password, hash, until).await?;
        if !fit.fits() {
            return Err(invalid_credentials().into());
        }
        let new = command.new_password.expose();
        let bcrypt = self.passwords.hash(&asker, new, until).await?;
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
