//! Changing one's own password.

use schemas::commands::{CallContext, ChangePassword};
use schemas::events::SessionEnd;
use schemas::{Position, SessionId};

use crate::accounts;
use crate::auth::{Answer, Auth, Credentials, accepted, invalid_credentials};
use crate::call;
use crate::failure::Failure;

impl Auth {
    /// The caller's other sessions end: whoever had the old password is out.
    pub(crate) async fn change_password(
        &self,
        context: &CallContext,
        command: ChangePassword,
    ) -> Answer<()> {
        let caller = call::caller(context)?;
        let found = self.settle(|| self.credentials_of(&caller.user_id)).await?;
        let hash = found.as_ref().map(|(credentials, _)| credentials.bcrypt.as_str());
        let fits = self.passwords.verify(command.current_password.expose(), hash).await?;
        let Some((_, revision)) = found.filter(|_| fits) else {
            return Err(invalid_credentials());
        };
        let bcrypt = self.passwords.hash(command.new_password.expose()).await?;
        self.settle(|| self.replace_password(context, &bcrypt, revision)).await?;
        let position = self.settle(|| self.end_others(context)).await?;
        Ok(accepted(position, ()))
    }

    async fn replace_password(
        &self,
        context: &CallContext,
        bcrypt: &str,
        revision: u64,
    ) -> Result<(), Failure> {
        let user = accounts::caller(&self.log, context).await?;
        let value = serde_json::to_vec(&Credentials { bcrypt: bcrypt.to_owned() })?;
        let key = user.value.id.as_str();
        match self.credentials.update(key, value, revision, None).await {
            Ok(_) => Ok(()),
            // Somebody else has changed it since the current one was checked.
            Err(eventlog::SecretError::Conflict) => Err(invalid_credentials().into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn end_others(&self, context: &CallContext) -> Result<Option<Position>, Failure> {
        let caller = call::caller(context)?;
        let mut others: Vec<SessionId> = self.sessions.list(&caller.user_id).await?;
        others.retain(|id| *id != caller.session_id);
        self.end(context, &caller.user_id, others, SessionEnd::PasswordChanged).await
    }
}
