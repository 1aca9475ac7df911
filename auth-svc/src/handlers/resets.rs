//! Setting a new password by a code that was mailed.

use std::time::Duration;

use decider::{Answer, Call, Failure, Reads, accepted, commit};
use schemas::commands::{ConfirmPasswordReset, RequestPasswordReset};
use schemas::events::{ChallengeEvent, ChallengePurpose, SessionEnd, UserState};
use schemas::values::Email;
use schemas::{ChallengeId, EventData, Lane, Position, Rejection, UserId};
use tokio::time::sleep_until;

use super::challenges::{AcceptedCode, Sending, account, gone};
use crate::accounts;
use crate::auth::{Auth, Credentials};
use crate::call::{self, no_account, password_deadline};
use crate::challenges::Owner;
use crate::common_passwords::refuse_common;
use crate::domain::account::{password_set, verify_email};
use crate::records::write_record;

/// When a request for a code is answered, counted from its arrival, or from the proof that it asks for. Writing that a mail is to be sent takes longer
/// than writing nothing; both are over by then, so the time of the answer does not say whether there is an account.
pub(super) const ANSWERED_AFTER: Duration = Duration::from_millis(150);

impl Auth {
    pub(crate) async fn request_password_reset(
        &self,
        call: &Call,
        command: RequestPasswordReset,
    ) -> Answer<ChallengeId> {
        let id = self.retry(|| self.try_reset_request(call, &command.email)).await;
        sleep_until(call.deadline_at(0.0) + ANSWERED_AFTER).await;
        Ok(accepted(None, id?))
    }

    /// Counts the request whether there is an account or not; beyond the limit there is no mail and the same answer.
    async fn try_reset_request(&self, call: &Call, email: &Email) -> Result<ChallengeId, Failure> {
        let holder = accounts::holder(&self.log, &self.names.email(email.as_str())).await?;
        let known = holder.unwrap_or_else(no_account);
        let user = accounts::user(&self.log, &known).await?;
        // Letters may be written otherwise than at registration: the mail goes where mails went before.
        let email = user.as_ref().map_or(email, |user| &user.state.email);
        let sending = Sending::new(ChallengePurpose::PasswordReset, email);
        let owner = match holder.filter(|_| user.is_some()) {
            Some(holder) => Owner::Account(holder),
            None => Owner::address(&self.names, email),
        };
        let counted = self.count(&owner, &sending).await?;
        if let (Some(user), Ok(())) = (&user, counted) {
            self.send_code(call, user, &sending).await?;
        }
        Ok(sending.id)
    }

    /// The new password is judged and hashed before the code is used up: a password that is refused costs no code.
    pub(crate) async fn confirm_password_reset(
        &self,
        call: &Call,
        command: ConfirmPasswordReset,
    ) -> Answer<Option<UserId>> {
        let (owner, sent_to) = self.retry(|| self.try_entering_reset(&command)).await?;
        let user_id = *account(&owner)?;
        let user = self.retry(|| accounts::user(&self.log, &user_id)).await?;
        let user = user.filter(|user| user.state.email == sent_to).ok_or_else(gone)?;
        let UserState { username, email, .. } = &user.state;
        refuse_common("/new_password", &command.new_password, username, email)?;
        let asker = call::stranger(call, command.reset_id.as_str());
        let (new, until) = (command.new_password.expose(), password_deadline(call));
        let bcrypt = self.passwords.hash(&asker, new, until).await?;
        let accept = || self.accept_code(owner.clone(), &command.reset_id, sent_to.clone());
        let code = self.retry(accept).await?;
        let by_user = call.acting_as_user(&user_id);
        let done = self.reset(&by_user, &user_id, &code, &bcrypt).await;
        let (position, reclaimed) = self.conclude(&code, done).await?;
        Ok(accepted(position, reclaimed.then_some(user_id)))
    }

    async fn try_entering_reset(
        &self,
        command: &ConfirmPasswordReset,
    ) -> Result<(Owner, Email), Failure> {
        let id = &command.reset_id;
        let owner = self.challenge_of(id, &[ChallengePurpose::PasswordReset]).await?.owner;
        let email = self.enter_code(&owner, id, &command.code).await?;
        Ok((owner, email))
    }

    /// Each step can be done again, and is when the one before it was interrupted: the new password, then what a
    /// stranger who had registered the address may have left behind, then the end of all sessions. Says whether there
    /// may have been such a stranger.
    async fn reset(
        &self,
        call: &Call,
        user: &UserId,
        code: &AcceptedCode,
        bcrypt: &str,
    ) -> Result<(Option<Position>, bool), Rejection> {
        let set = self.retry(|| self.replace_password(call, user, bcrypt)).await?;
        let (verified, reclaimed) = self.retry(|| self.try_reclaim(call, user, code)).await?;
        let ended = self.retry(|| self.end_every(call, user)).await?;
        Ok((ended.or(verified).or(set), reclaimed))
    }

    /// The account's password, whatever it was. Had it none, the log is told that it has one.
    pub(crate) async fn replace_password(
        &self,
        call: &Call,
        id: &UserId,
        bcrypt: &str,
    ) -> Result<Option<Position>, Failure> {
        let value = write_record(&Credentials { bcrypt: bcrypt.to_owned() })?;
        match self.credentials_of(id).await? {
            Some((_, revision)) => {
                self.credentials.update(id.as_str(), value, revision, None).await?
            }
            None => self.credentials.create(id.as_str(), value, None).await?,
        };
        self.tell_password_set(call, id).await
    }

    /// Says in the log that an account has a password, where it says otherwise.
    pub(crate) async fn tell_password_set(
        &self,
        call: &Call,
        id: &UserId,
    ) -> Result<Option<Position>, Failure> {
        let user = accounts::user(&self.log, id).await?.ok_or_else(Rejection::not_found)?;
        let Some(fact) = password_set(&user) else { return Ok(None) };
        Ok(commit(&self.log, call, vec![fact], &Reads::default()).await?.position())
    }

    /// Mails the first code of an account that was made without a password, unless there was one.
    pub(crate) async fn mail_first_code(
        &self,
        call: &Call,
        id: &UserId,
    ) -> Result<Option<Position>, Failure> {
        if self.was_sent_a_code(id).await? {
            return Ok(None);
        }
        let user = accounts::user(&self.log, id).await?.ok_or_else(Rejection::not_found)?;
        let sending = Sending::new(ChallengePurpose::PasswordReset, &user.state.email);
        let counted = self.count(&Owner::Account(*id), &sending).await?;
        match counted {
            Ok(()) => Ok(Some(self.send_code(call, &user, &sending).await?)),
            Err(_) => Ok(None),
        }
    }

    /// Whether a code was sent to an account. That another account asked for its address is none.
    async fn was_sent_a_code(&self, id: &UserId) -> Result<bool, Failure> {
        let last = self.log.last(&Lane::Challenges(*id)).await?;
        let Some(last) = last else { return Ok(false) };
        let EventData::Challenge(ChallengeEvent::Issued(issued)) = last.event()?.data else {
            return Ok(true);
        };
        Ok(!issued.taken)
    }

    /// The address is the user's: they read mail sent there. Was that never shown before, the account may have been
    /// made by another person, whose second factor and export go. Whom that person blocked is forgotten by chat-svc.
    async fn try_reclaim(
        &self,
        call: &Call,
        user: &UserId,
        code: &AcceptedCode,
    ) -> Result<(Option<Position>, bool), Failure> {
        let mut loaded = accounts::user(&self.log, user).await?.ok_or_else(Rejection::not_found)?;
        if loaded.state.email_verified {
            return Ok((None, false));
        }
        self.second_factors.remove(user).await?;
        self.withdraw_export(call, user).await?;
        loaded.state.second_factor = false;
        let (_, facts) = verify_email(&loaded, &code.email)?;
        let committed = commit(&self.log, call, facts, &Reads::default()).await?;
        Ok((committed.position(), true))
    }

    async fn end_every(&self, call: &Call, user: &UserId) -> Result<Option<Position>, Failure> {
        let sessions = self.sessions.list(user).await?;
        self.end(call, user, sessions, SessionEnd::PasswordChanged).await
    }
}
