//! Changing one's own password.

use decider::{Answer, Call, Failure, accepted};
use schemas::commands::ChangePassword;
use schemas::events::SessionEnd;
use schemas::{Position, SessionId};
use tokio::time::Instant;

use crate::accounts;
use crate::auth::{Auth, Credentials, invalid_credentials};
use crate::call::{asker, password_deadline};
use crate::domain::account::AccountRejection;
use crate::records::write_record;

impl Auth {
    /// The caller's other sessions end: a client with the old password is out. A wrong present password is refused
    /// whatever the new one is: anything else would be a second way to guess.
    pub(crate) async fn change_password(&self, call: &Call, command: ChangePassword) -> Answer<()> {
        let until = password_deadline(call);
        call.caller()?;
        self.passwords.has_room(&asker(call, ""))?;
        self.retry(|| self.try_change_password(call, &command, until)).await?;
        let position = self.retry(|| self.end_others(call)).await?;
        Ok(accepted(position, ()))
    }

    async fn try_change_password(
        &self,
        call: &Call,
        command: &ChangePassword,
        until: Instant,
    ) -> Result<(), Failure> {
        let user = accounts::caller(&self.log, call).await?.state;
        if user.suspended {
            return Err(AccountRejection::Suspended.into());
        }
        let stored = self.credentials_of(&user.id).await?;
        let (credentials, revision) = stored.ok_or_else(invalid_credentials)?;
        let asker = asker(call, "");
        let hash = Some(credentials.bcrypt.as_str());
        let fit = self.passwords.verify(&asker, &command.current_password, hash, until).await?;
        if !fit.fits() {
            return Err(invalid_credentials().into());
        }
        let new = command.new_password.expose();
        let bcrypt = self.passwords.hash(&asker, new, until).await?;
        let value = write_record(&Credentials { bcrypt })?;
        self.credentials.update(user.id.as_str(), value, revision, None).await?;
        Ok(())
    }

    async fn end_others(&self, call: &Call) -> Result<Option<Position>, Failure> {
        let caller = call.caller()?;
        let mut others: Vec<SessionId> = self.sessions.list(&caller.user_id).await?;
        others.retain(|id| *id != caller.session_id);
        self.end(call, &caller.user_id, others, SessionEnd::PasswordChanged).await
    }
}
