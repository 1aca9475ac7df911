//! Verifying an address: the present one of an account, or the one it is to have.

use decider::{Answer, Call, Committed, Failure, Reads, accepted, commit};
use schemas::commands::{
    ConfirmVerification, IssuedCode, RequestAddressChange, RequestVerification,
};
use schemas::events::ChallengePurpose;
use schemas::values::Email;
use schemas::{ChallengeId, Position, RefusalReason, Rejection, Timestamp, UserId};
use tokio::time::{Instant, sleep_until};

use super::challenges::{AcceptedCode, Sending, account, too_many};
use super::proof::Proof;
use super::resets::ANSWERED_AFTER;
use crate::accounts;
use crate::auth::Auth;
use crate::call::no_account;
use crate::challenges::Owner;
use crate::domain::account::{AccountRejection, NameChange, change_email, verify_email};
use crate::domain::challenge::issue;

impl Auth {
    pub(crate) async fn request_verification(
        &self,
        call: &Call,
        _: RequestVerification,
    ) -> Answer<IssuedCode> {
        let (issued, position) = self.retry(|| self.try_verification(call)).await?;
        Ok(accepted(Some(position), issued))
    }

    async fn try_verification(&self, call: &Call) -> Result<(IssuedCode, Position), Failure> {
        let user = accounts::caller(&self.log, call).await?;
        if user.state.suspended {
            return Err(AccountRejection::Suspended.into());
        }
        if user.state.email_verified {
            let detail = "the address is verified already";
            return Err(Rejection::because(RefusalReason::AlreadyVerified, detail).into());
        }
        let sending = Sending::new(ChallengePurpose::Verification, &user.state.email);
        let owner = Owner::Account(user.state.id);
        self.count(&owner, &sending).await?.map_err(too_many)?;
        let position = self.send_code(call, &user, &sending).await?;
        let expires_at = sending.expires_at();
        Ok((IssuedCode { challenge_id: sending.id, expires_at }, position))
    }

    /// The answer does not say whether the address belongs to another account, whose holder is told instead; nor does its
    /// time, although telling two people takes longer than telling one.
    pub(crate) async fn request_address_change(
        &self,
        call: &Call,
        command: RequestAddressChange,
    ) -> Answer<IssuedCode> {
        self.registration.admits_address(&command.email)?;
        let proof = Proof {
            pointer: "/password",
            password: command.password.as_ref(),
            code: command.second_factor.as_ref(),
        };
        self.prove(call, &proof).await?;
        let answered_at = Instant::now() + ANSWERED_AFTER;
        let changed = self.retry(|| self.try_address_change(call, &command.email)).await;
        sleep_until(answered_at).await;
        let (issued, position) = changed?;
        Ok(accepted(position, issued))
    }

    async fn try_address_change(
        &self,
        call: &Call,
        email: &Email,
    ) -> Result<(IssuedCode, Option<Position>), Failure> {
        let user = accounts::caller(&self.log, call).await?;
        let name = accounts::name(&self.log, self.names.email(email.as_str())).await?;
        let taken = !name.is_free_for(&user.state.id, Timestamp::now());
        let sending = Sending { taken, ..Sending::new(ChallengePurpose::AddressChange, email) };
        // The same is looked up when there is none.
        let holder = name.owner.filter(|_| taken).and_then(|owner| UserId::parse(&owner).ok());
        let holder = accounts::user(&self.log, &holder.unwrap_or_else(no_account)).await?;
        let owner = Owner::Account(user.state.id);
        self.count(&owner, &sending).await?.map_err(too_many)?;
        let expires_at = sending.expires_at();
        let issued = IssuedCode { challenge_id: sending.id, expires_at };
        // A stranger's address gets no more mails than its own account may ask for, however many ask.
        if !self.count_at_address(&sending).await? {
            return Ok((issued, None));
        }
        let position = match &holder {
            Some(holder) => self.tell_holder(call, &user, holder, &sending).await?,
            None => self.send_code(call, &user, &sending).await?,
        };
        Ok((issued, Some(position)))
    }

    /// Whether the address may be sent another.
    async fn count_at_address(&self, sending: &Sending<'_>) -> Result<bool, Failure> {
        let owner = Owner::address(&self.names, sending.email);
        let (ask, limit) = (sending.ask(), self.challenges.limit);
        Ok(self.challenges.change(&owner, |codes| issue(codes, &ask, limit)).await?.is_ok())
    }

    pub(crate) async fn confirm_verification(
        &self,
        call: &Call,
        command: ConfirmVerification,
    ) -> Answer<()> {
        let code = self.retry(|| self.try_entering(call, &command)).await?;
        let done = self.retry(|| self.try_verify(call, &command.verification_id, &code)).await;
        let position = self.conclude(&code, done).await?;
        Ok(accepted(position, ()))
    }

    async fn try_entering(
        &self,
        call: &Call,
        command: &ConfirmVerification,
    ) -> Result<AcceptedCode, Failure> {
        let kinds = [ChallengePurpose::Verification, ChallengePurpose::AddressChange];
        let id = &command.verification_id;
        let owner = self.challenge_of(id, &kinds).await?.owner;
        if owner != Owner::Account(call.caller()?.user_id) {
            return Err(Rejection::not_found().into());
        }
        let email = self.enter_code(&owner, id, &command.code).await?;
        self.accept_code(owner, id, email).await
    }

    async fn try_verify(
        &self,
        call: &Call,
        id: &ChallengeId,
        code: &AcceptedCode,
    ) -> Result<Option<Position>, Failure> {
        let user = accounts::user(&self.log, account(&code.owner)?).await?;
        let user = user.ok_or_else(Rejection::not_found)?;
        let purpose = self.challenge_of(id, ALL).await?.purpose;
        let (_, facts) = match purpose {
            ChallengePurpose::AddressChange => {
                // The mode may be another one since the code was asked for.
                self.registration.admits_address(&code.email).map_err(AccountRejection::from)?;
                let names = self.address_names(&user.state.email, &code.email).await?;
                change_email(&user, &names, &code.email)?
            }
            ChallengePurpose::Verification | ChallengePurpose::PasswordReset => {
                verify_email(&user, &code.email)?
            }
        };
        let committed = commit(&self.log, call, facts, &Reads::default()).await?;
        if let Committed::Nothing(_) = committed {
            return Ok(Some(self.log.epoch().at(user.at)));
        }
        Ok(committed.position())
    }

    async fn address_names(&self, old: &Email, new: &Email) -> Result<NameChange, Failure> {
        let lane = |address: &Email| self.names.email(address.as_str());
        self.name_change(lane(old), lane(new)).await
    }
}

const ALL: &[ChallengePurpose] = &[
    ChallengePurpose::Verification,
    ChallengePurpose::AddressChange,
    ChallengePurpose::PasswordReset,
];
