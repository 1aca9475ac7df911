//! Making an account.

use decider::{Answer, Call, Committed, Failure, Reads, accepted, commit};
use eventlog::SecretError;
use schemas::commands::{CreateUser, Register};
use schemas::events::UserState;
use schemas::values::{NewPassword, Role, Secret};
use schemas::views::Account;
use schemas::{Actor, Code, Position, Rejection, UserId};
use tokio::time::Instant;

use crate::accounts::{self, shown};
use crate::auth::{Auth, Credentials};
use crate::call;
use crate::common_passwords::refuse_common;
use crate::domain::account::{
    AccountRejection, Entrance, LoadedUser, NewAccount, Registering, Registrar, register,
};
use crate::queue::Asker;
use crate::records::write_record;

/// What the log says before an account is made.
enum Before {
    /// What to decide by.
    Nothing(Box<Registering>),
    /// A try of this very request has made the account already.
    Made(Box<LoadedUser>),
}

/// Who makes the account.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// Its user.
    Themselves {
        /// They are on the machine itself.
        loopback: bool,
        /// The code of the invitation they bring.
        invite: Option<&'a str>,
        /// It holds no more.
        over: bool,
    },
    /// The admin who calls.
    Admin,
    /// The operator.
    Operator,
}

/// One registration under way.
struct Registration<'a> {
    call: &'a Call,
    account: &'a NewAccount,
    id: UserId,
    asker: Asker,
    /// None for an account that begins without one.
    password: Option<Secret>,
    until: Instant,
    by: By<'a>,
}

fn mismatch() -> Rejection {
    Rejection::new(
        Code::IdempotencyMismatch,
        "the idempotency key was used for another registration",
    )
}

impl Auth {
    /// Registers an account for the caller.
    pub(crate) async fn register(&self, call: &Call, command: Register) -> Answer<Account> {
        let Register { username, email, password, display_name, loopback, invite, invite_over } =
            command;
        let account = NewAccount {
            username,
            email,
            display_name,
            role: None,
            email_verified: false,
            has_password: true,
        };
        let by = By::Themselves { loopback, invite: invite.as_deref(), over: invite_over };
        self.make_account(call, &account, Some(&password), by).await
    }

    /// Makes an account for another user. Without a password they are mailed a code to choose one, which is written
    /// once, however often the request comes.
    pub(crate) async fn create_user(&self, call: &Call, command: CreateUser) -> Answer<Account> {
        let CreateUser { username, email, password, display_name, role } = command;
        let has_password = password.is_some();
        let account =
            NewAccount { username, email, display_name, role, email_verified: false, has_password };
        let mut made = self.make_account(call, &account, password.as_ref(), By::Admin).await?;
        if !has_password {
            let id = &made.result.user.id;
            let sent = self.retry(|| self.mail_first_code(call, id)).await?;
            made.position = sent.or(made.position);
        }
        Ok(made)
    }

    /// Stores the password first, then the account: an account that is said to have one never exists without.
    pub(crate) async fn make_account(
        &self,
        call: &Call,
        account: &NewAccount,
        password: Option<&NewPassword>,
        by: By<'_>,
    ) -> Answer<Account> {
        if let Some(password) = password {
            refuse_common("/password", password, &account.username, &account.email)?;
        }
        let it = Registration {
            call,
            account,
            id: call::account_id(&self.names, call, account),
            asker: call::asker(call, account.username.as_str()),
            password: password.map(|password| password.clone().into()),
            until: call::password_deadline(call),
            by,
        };
        // What cannot succeed is refused before a quarter of a second of a core is spent on its password.
        if let Before::Made(user) = self.retry(|| self.look(&it)).await? {
            return self.made_before(&it, &user).await;
        }
        if let Some(password) = &it.password {
            let bcrypt = self.passwords.hash(&it.asker, password.expose(), it.until).await?;
            self.retry(|| self.store_password(&it, &bcrypt)).await?;
        }
        // Who comes by an invitation writes to its lane: one after the other, or many would wear out their tries.
        let _turn = match by {
            By::Themselves { invite: Some(_), .. } => Some(self.invited.lock().await),
            By::Themselves { invite: None, .. } | By::Admin | By::Operator => None,
        };
        match self.retry(|| self.try_register(&it)).await {
            Ok(Some((user, position))) => Ok(accepted(position, shown(&user))),
            Ok(None) => {
                let before = self.retry(|| self.look(&it)).await?;
                let Before::Made(user) = before else { return Err(mismatch()) };
                self.made_before(&it, &user).await
            }
            Err(rejection) => {
                self.drop_orphan(&it, &rejection).await;
                Err(rejection)
            }
        }
    }

    /// Loads what the decision is made by and refuses what it would refuse.
    async fn look(&self, it: &Registration<'_>) -> Result<Before, Failure> {
        let Registration { call, account, id, .. } = it;
        if call.key.is_some()
            && let Some(user) = accounts::user(&self.log, id).await?
        {
            return Ok(Before::Made(Box::new(user)));
        }
        let by = self.registrar(it).await?;
        let (handle, email, registry) = tokio::try_join!(
            accounts::name(&self.log, self.names.handle(account.username.as_str())),
            accounts::name(&self.log, self.names.email(account.email.as_str())),
            accounts::name(&self.log, self.names.admins()),
        )?;
        if handle.owner.as_deref() == Some(id.as_str()) {
            // The other try came between the two looks.
            return Err(Failure::Conflict);
        }
        let state = Registering { handle, email, registry, by };
        register(&state, account, id, &call::now())?;
        Ok(Before::Nothing(Box::new(state)))
    }

    async fn registrar(&self, it: &Registration<'_>) -> Result<Registrar, Failure> {
        match it.by {
            By::Operator => Ok(Registrar::Operator),
            By::Admin => Ok(Registrar::Account(accounts::caller(&self.log, it.call).await?)),
            By::Themselves { over: true, .. } => Err(AccountRejection::InviteOver.into()),
            By::Themselves { loopback, invite, over: false } => {
                let invite = match invite {
                    None => None,
                    Some(code) => {
                        let found = accounts::invite(&self.log, &self.names, code).await?;
                        Some(found.ok_or(AccountRejection::NoSuchInvite)?)
                    }
                };
                let registration = self.registration.clone();
                Ok(Registrar::Themselves(Entrance { loopback, registration, invite }))
            }
        }
    }

    async fn store_password(&self, it: &Registration<'_>, bcrypt: &str) -> Result<(), Failure> {
        let value = write_record(&Credentials { bcrypt: bcrypt.to_owned() })?;
        match self.credentials.create(it.id.as_str(), value, None).await {
            Err(SecretError::Conflict) if it.call.key.is_some() => {}
            other => return Ok(other.map(drop)?),
        }
        // Another try of this request is under way or was interrupted; the password is there already.
        let (stored, _) = self.credentials_of(&it.id).await?.ok_or(Failure::Conflict)?;
        match self.belongs(it, Some(&stored.bcrypt)).await? {
            true => Ok(()),
            false => Err(mismatch().into()),
        }
    }

    /// None when the log has the same command already.
    async fn try_register(
        &self,
        it: &Registration<'_>,
    ) -> Result<Option<(UserState, Option<Position>)>, Failure> {
        let Before::Nothing(state) = self.look(it).await? else { return Ok(None) };
        let (user, facts) = register(&state, it.account, &it.id, &call::now())?;
        if user.role == Role::Admin {
            self.admins.note(&it.id).await?;
        }
        let asker = it.call.caller.as_ref().map(|caller| &caller.user_id);
        let actor = match it.by {
            By::Operator => Actor::System,
            By::Admin | By::Themselves { .. } => Actor::User(*asker.unwrap_or(&it.id)),
        };
        match commit(&self.log, &it.call.acting_as(actor), facts, &Reads::default()).await? {
            Committed::Before(_) => Ok(None),
            committed => Ok(Some((user, committed.position()))),
        }
    }

    /// A repeat under the same idempotency key finds its first result, when it brings the same password:
    /// a stranger who guesses the key learns nothing.
    async fn made_before(&self, it: &Registration<'_>, user: &LoadedUser) -> Answer<Account> {
        let stored = self.retry(|| self.credentials_of(&it.id)).await?;
        let hash = stored.as_ref().map(|(credentials, _)| credentials.bcrypt.as_str());
        if !self.belongs(it, hash).await? {
            return Err(mismatch());
        }
        Ok(accepted(Some(self.log.epoch().at(user.at)), shown(&user.state)))
    }

    /// Whether the password of a registration belongs to a hash. One without a password is an admin's, whose key no
    /// other can use: its account is the one, whether its user has chosen a password meanwhile or not.
    async fn belongs(&self, it: &Registration<'_>, hash: Option<&str>) -> Result<bool, Rejection> {
        let Some(password) = &it.password else { return Ok(true) };
        let fit = self.passwords.verify(&it.asker, password, hash, it.until).await?;
        Ok(fit.fits())
    }

    /// Deletes the password of an account that was refused. It stays where it is not known whether the
    /// account was made, and under an idempotency key, where another try may rely on it: without an
    /// account it opens nothing.
    async fn drop_orphan(&self, it: &Registration<'_>, rejection: &Rejection) {
        let kept = rejection.code == Code::Unavailable || it.call.key.is_some();
        if kept || it.password.is_none() {
            return;
        }
        if let Err(error) = self.credentials.delete(it.id.as_str()).await {
            let error = telemetry::error_chain(&error);
            tracing::warn!(user.id = %it.id, error, "a password without an account stays");
        }
    }
}
