//! The second factor of an account: enrolling, confirming, removing.

use data_encoding::{BASE32_NOPAD, Specification};
use decider::{Answer, Call, Expect, Fact, Failure, Reads, accepted, commit};
use schemas::commands::{
    AdministerSecondFactor, ConfirmSecondFactor, EnrolSecondFactor, Enrolment, RemoveSecondFactor,
};
use schemas::events::{SessionEnd, UserSecondFactorChanged, UserState};
use schemas::values::{Reason, Secret};
use schemas::{Code, Lane, Position, RefusalReason, Rejection, UserId};

use super::proof::Proof;
use crate::accounts;
use crate::auth::Auth;
use crate::domain::account::{AccountRejection, Administrator as _, LoadedUser};
use crate::domain::second_factor::Shown;

/// How many recovery codes there are.
const RECOVERY_CODES: usize = 10;
/// Symbols of a recovery code, in two groups: 50 bits. None is mistaken for another.
const SYMBOLS: &str = "23456789abcdefghjkmnpqrstuvwxyz0";

fn enrolled() -> Rejection {
    Rejection::because(RefusalReason::AlreadyEnrolled, "the account has a second factor already")
}

impl Auth {
    pub(crate) async fn enrol_second_factor(
        &self,
        call: &Call,
        command: EnrolSecondFactor,
    ) -> Answer<Enrolment> {
        let user = self.retry(|| accounts::caller(&self.log, call)).await?.state;
        if self.retry(|| self.second_factors.is_on(&user.id)).await? {
            return Err(enrolled());
        }
        let password = command.password.as_ref();
        self.prove(call, &Proof { pointer: "/password", password, code: None }).await?;
        let secret: [u8; 20] = rand::random();
        if !self.retry(|| self.second_factors.enrol(&user.id, &secret)).await? {
            return Err(enrolled());
        }
        let secret = BASE32_NOPAD.encode(&secret);
        let label = format!("Tidings:{}", user.username);
        let link = format!(
            "otpauth://totp/{label}?secret={secret}&issuer=Tidings&algorithm=SHA1&digits=6&period=30"
        );
        let enrolment = Enrolment { secret: Secret::new(secret), otpauth_url: Secret::new(link) };
        Ok(accepted(None, enrolment))
    }

    pub(crate) async fn confirm_second_factor(
        &self,
        call: &Call,
        command: ConfirmSecondFactor,
    ) -> Answer<Vec<Secret>> {
        let user = self.retry(|| accounts::caller(&self.log, call)).await?.state;
        if user.suspended {
            return Err(AccountRejection::Suspended.into());
        }
        let recovery = recovery_codes();
        let code = command.code.expose();
        let confirm = || self.second_factors.confirm(&user.id, code, &recovery);
        match self.retry(confirm).await? {
            Shown::Right => {}
            Shown::Off => {
                let detail = "no second factor waits to be confirmed";
                return Err(Rejection::because(RefusalReason::NotEnrolling, detail));
            }
            Shown::Wrong | Shown::Barred(_) => {
                let detail = "the code is wrong";
                return Err(Rejection::field(Code::InvalidCode, "/code", "invalid_code", detail));
            }
        }
        let position = self.retry(|| self.tell_second_factor(call, &user.id, true, None)).await?;
        Ok(accepted(position, recovery))
    }

    pub(crate) async fn remove_second_factor(
        &self,
        call: &Call,
        command: RemoveSecondFactor,
    ) -> Answer<()> {
        let RemoveSecondFactor { password, code } = &command;
        let (password, code) = (password.as_ref(), code.as_ref());
        let proven = self.prove(call, &Proof { pointer: "/password", password, code }).await?;
        let user = proven.user.id;
        self.retry(|| self.second_factors.remove(&user)).await?;
        let position = self.retry(|| self.tell_second_factor(call, &user, false, None)).await?;
        Ok(accepted(position, ()))
    }

    /// For a user who is locked out: a session of theirs may be in other hands, so all end.
    pub(crate) async fn administer_second_factor(
        &self,
        call: &Call,
        command: AdministerSecondFactor,
    ) -> Answer<()> {
        let AdministerSecondFactor { user_id, reason } = &command;
        let removed = self.retry(|| self.try_removing(call, user_id)).await?;
        if !removed {
            return Ok(accepted(None, ()));
        }
        let told = || self.tell_second_factor(call, user_id, false, Some(reason));
        let told = self.retry(told).await?;
        let ended = self.retry(|| self.end_without_factor(call, user_id)).await?;
        Ok(accepted(ended.or(told), ()))
    }

    /// Whether there is anything to be told: codes were asked for, or the log still says that they are.
    async fn try_removing(&self, call: &Call, user: &UserId) -> Result<bool, Failure> {
        if !accounts::caller(&self.log, call).await?.is_admin() {
            return Err(AccountRejection::NotAdmin.into());
        }
        let target = accounts::user(&self.log, user).await?.ok_or_else(Rejection::not_found)?;
        Ok(self.second_factors.remove(user).await? || target.state.second_factor)
    }

    async fn end_without_factor(
        &self,
        call: &Call,
        user: &UserId,
    ) -> Result<Option<Position>, Failure> {
        let sessions = self.sessions.list(user).await?;
        self.end(call, user, sessions, SessionEnd::SecondFactorRemoved).await
    }

    /// Says in the log whether codes are asked for, where it says otherwise. With a reason it is an admin's act, which
    /// their permission is a fence of.
    pub(crate) async fn tell_second_factor(
        &self,
        call: &Call,
        user: &UserId,
        on: bool,
        reason: Option<&Reason>,
    ) -> Result<Option<Position>, Failure> {
        let user = accounts::user(&self.log, user).await?.ok_or_else(Rejection::not_found)?;
        if user.state.second_factor == on {
            return Ok(None);
        }
        let mut facts = Vec::new();
        if reason.is_some() {
            let admin = accounts::caller(&self.log, call).await?;
            if !admin.is_admin() {
                return Err(AccountRejection::NotAdmin.into());
            }
            facts.push(admin.require_unchanged(&self.names.admins()));
        }
        facts.push(changed(&user, on, reason));
        Ok(commit(&self.log, call, facts, &Reads::default()).await?.position())
    }
}

fn changed(user: &LoadedUser, on: bool, reason: Option<&Reason>) -> Fact {
    let after = UserState { second_factor: on, ..user.state.clone() };
    let lane = Lane::User(after.id);
    let changed = UserSecondFactorChanged { user: after, reason: reason.cloned() };
    Fact::expecting(Expect::At(user.at), lane, changed)
}

fn recovery_codes() -> Vec<Secret> {
    let mut specification = Specification::new();
    specification.symbols.push_str(SYMBOLS);
    // The alphabet is a constant with 32 distinct symbols; a test encodes with it.
    let encoding = specification.encoding().unwrap_or(BASE32_NOPAD);
    let one = || {
        let symbols = encoding.encode(&rand::random::<[u8; 10]>());
        let (first, second) = (symbols.get(..5).unwrap_or_default(), symbols.get(5..10));
        Secret::new(format!("{first}-{}", second.unwrap_or_default()))
    };
    (0..RECOVERY_CODES).map(|_| one()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_are_ten_different_ones_in_plain_symbols() {
        let codes = recovery_codes();
        let mut different: Vec<&str> = codes.iter().map(Secret::expose).collect();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), RECOVERY_CODES);
        for code in different {
            let fits = code.char_indices().all(|(place, symbol)| match place {
                5 => symbol == '-',
                _ => SYMBOLS.contains(symbol),
            });
            assert!(fits && code.len() == 11, "{code}");
        }
    }
}
