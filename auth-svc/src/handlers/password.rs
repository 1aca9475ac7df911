//! Changing one's own password.

use decider::{Answer, Call, Failure, accepted};
use schemas::commands::ChangePassword;
use schemas::events::{SessionEnd, UserState};
use schemas::{Position, SessionId};

use super::proof::{Proof, Proven};
use crate::auth::{Auth, Credentials, invalid_credentials};
use crate::call::{asker, password_deadline};
use crate::common_passwords::refuse_common;
use crate::records::write_record;

impl Auth {
    /// The caller's other sessions end: a client with the old password is out. A wrong present password is refused
    /// whatever the new one is: anything else would be a second way to guess.
    pub(crate) async fn change_password(&self, call: &Call, command: ChangePassword) -> Answer<()> {
        let ChangePassword { current_password, new_password, code } = &command;
        let proof = Proof {
            pointer: "/current_password",
            password: current_password.as_ref(),
            code: code.as_ref(),
        };
        let proven = self.prove(call, &proof).await?;
        let UserState { username, email, .. } = &proven.user;
        refuse_common("/new_password", new_password, username, email)?;
        let (new, until) = (new_password.expose(), password_deadline(call));
        let bcrypt = self.passwords.hash(&asker(call, ""), new, until).await?;
        let set = self.retry(|| self.store_changed(call, &proven, &bcrypt)).await?;
        let ended = self.retry(|| self.end_others(call)).await?;
        Ok(accepted(ended.or(set), ()))
    }

    /// The password must still be the one that was proven, by its revision; it may have been hashed anew meanwhile.
    async fn store_changed(
        &self,
        call: &Call,
        proven: &Proven,
        bcrypt: &str,
    ) -> Result<Option<Position>, Failure> {
        let user = &proven.user.id;
        let Some((before, _)) = &proven.credentials else {
            return self.replace_password(call, user, bcrypt).await;
        };
        let stored = self.credentials_of(user).await?.ok_or_else(invalid_credentials)?;
        let (now, revision) = stored;
        if now.bcrypt != before.bcrypt {
            return Err(invalid_credentials().into());
        }
        let value = write_record(&Credentials { bcrypt: bcrypt.to_owned() })?;
        self.credentials.update(user.as_str(), value, revision, None).await?;
        self.tell_password_set(call, user).await
    }

    async fn end_others(&self, call: &Call) -> Result<Option<Position>, Failure> {
        let caller = call.caller()?;
        let mut others: Vec<SessionId> = self.sessions.list(&caller.user_id).await?;
        others.retain(|id| *id != caller.session_id);
        self.end(call, &caller.user_id, others, SessionEnd::PasswordChanged).await
    }
}
