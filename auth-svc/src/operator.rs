//! What the operator of an installation does to accounts, from the command line.
//!
//! It writes to the log itself, under the same expectations as the service, beside running copies of it or without
//! any. There is no command for it on the bus: what may send commands, such as a gateway, must not make admins.

use decider::{Call, Failure, Reads, commit};
use futures_util::future::BoxFuture;
use schemas::commands::{CallContext, Command as _, Register};
use schemas::events::{SessionEnd, UserState};
use schemas::values::{Email, NewPassword, Role, Username};
use schemas::views::Account;
use schemas::{ErasureId, Lane, Rejection, UserId};
use service::Deps;

use crate::accounts::{self, shown};
use crate::auth::Auth;
use crate::call::{asker, password_deadline};
use crate::common_passwords::refuse_common;
use crate::domain::account::{NewAccount, promote};
use crate::handlers::{By, Closer, new_erasure};
use crate::service::{Config, Needs, StartError, open};

/// How long a password may take to be hashed, in milliseconds: only the operator waits.
const PATIENCE_MS: u32 = 120_000;

/// A call of the operator's, attributed to the system.
fn call(command: &'static str) -> Call {
    Call::new(command, CallContext { deadline_ms: PATIENCE_MS, ..CallContext::default() })
}

/// The operator's hands. Made by [`Operator::open`].
pub struct Operator {
    auth: Auth,
}

impl Operator {
    /// Opens the keys folder and starts the hashing threads; serves nothing.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(
        config: Config,
        needs: Needs,
        deps: &Deps,
    ) -> BoxFuture<'_, Result<Self, StartError>> {
        // Boxed here, so that its code is generated in this crate and not in each that calls it.
        Box::pin(async move { Ok(Self { auth: open(config, needs, deps).await? }) })
    }

    /// Makes an account that is an admin's.
    ///
    /// # Errors
    /// `already_exists` when the name or the address is taken; `unavailable`.
    pub fn create_admin(
        &self,
        username: Username,
        email: Email,
        password: NewPassword,
    ) -> BoxFuture<'_, Result<Account, Rejection>> {
        let (role, has_password) = (Some(Role::Admin), true);
        let account = NewAccount {
            username,
            email,
            display_name: None,
            role,
            email_verified: false,
            has_password,
        };
        Box::pin(async move {
            let call = call(Register::NAME);
            let made = self.auth.make_account(&call, &account, Some(&password), By::Operator);
            Ok(made.await?.result)
        })
    }

    /// Makes an admin of an account, named by its username, address or id; one that is one already stays so.
    ///
    /// # Errors
    /// `not_found`, `forbidden` when the account is suspended, `unavailable`.
    pub fn promote<'a>(&'a self, who: &'a str) -> BoxFuture<'a, Result<Account, Rejection>> {
        Box::pin(async move {
            let user = self.auth.retry(|| self.try_promote(who)).await?;
            Ok(shown(&user))
        })
    }

    async fn try_promote(&self, who: &str) -> Result<UserState, Failure> {
        let Auth { log, names, admins, .. } = &self.auth;
        let id = self.find(who).await?;
        let user = accounts::user(log, &id).await?.ok_or_else(Rejection::not_found)?;
        let registry = accounts::name(log, names.admins()).await?;
        let (after, facts) = promote(&user, &registry)?;
        admins.note(&id).await?;
        commit(log, &call("promote"), facts, &Reads::default()).await?;
        Ok(after)
    }

    /// Gives an account another password and ends all its sessions.
    ///
    /// # Errors
    /// `not_found`, `validation_failed` for one of the commonest passwords, `unavailable`.
    pub fn reset_password<'a>(
        &'a self,
        who: &'a str,
        password: &'a NewPassword,
    ) -> BoxFuture<'a, Result<Account, Rejection>> {
        Box::pin(self.replace_password(who, password))
    }

    async fn replace_password(
        &self,
        who: &str,
        password: &NewPassword,
    ) -> Result<Account, Rejection> {
        let call = call("reset_password");
        let user = self.auth.retry(|| self.user(who)).await?;
        refuse_common("/password", password, &user.username, &user.email)?;
        let id = user.id;
        let (asker, until) = (asker(&call, id.as_str()), password_deadline(&call));
        let bcrypt = self.auth.passwords.hash(&asker, password.expose(), until).await?;
        self.auth.retry(|| self.auth.replace_password(&call, &id, &bcrypt)).await?;
        let user = self.auth.retry(|| self.end_all(&call, &id)).await?;
        Ok(shown(&user))
    }

    /// Closes an account for good. Its person's data are erased by the running service, or by the next that runs.
    ///
    /// # Errors
    /// `not_found`, `conflict` for the last admin, `unavailable`.
    pub fn erase<'a>(
        &'a self,
        who: &'a str,
    ) -> BoxFuture<'a, Result<(UserId, ErasureId), Rejection>> {
        Box::pin(async move {
            let id = self.auth.retry(|| self.find(who)).await?;
            let call = call("erase");
            let erasure =
                self.auth.close_account(&call, &id, new_erasure(), Closer::Owner).await?.result;
            Ok((id, erasure))
        })
    }

    async fn end_all(&self, call: &Call, id: &UserId) -> Result<UserState, Failure> {
        let sessions = self.auth.sessions.list(id).await?;
        self.auth.end(call, id, sessions, SessionEnd::PasswordChanged).await?;
        let user = accounts::user(&self.auth.log, id).await?.ok_or_else(Rejection::not_found)?;
        Ok(user.state)
    }

    async fn user(&self, who: &str) -> Result<UserState, Failure> {
        let id = self.find(who).await?;
        let user = accounts::user(&self.auth.log, &id).await?.ok_or_else(Rejection::not_found)?;
        Ok(user.state)
    }

    /// The account with this username (with or without `@`), address or id.
    async fn find(&self, who: &str) -> Result<UserId, Failure> {
        let Auth { log, names, .. } = &self.auth;
        let who = who.trim();
        if let Ok(id) = UserId::parse(who)
            && log.last(&Lane::User(id)).await?.is_some()
        {
            return Ok(id);
        }
        let name = who.strip_prefix('@').unwrap_or(who);
        let lane = match name.contains('@') {
            true => Email::parse(name).ok().map(|email| names.email(email.as_str())),
            false => Username::existing(name).ok().map(|name| names.handle(name.as_str())),
        };
        let holder = match lane {
            Some(lane) => accounts::holder(log, &lane).await?,
            None => None,
        };
        holder.ok_or_else(|| Rejection::not_found().into())
    }
}
