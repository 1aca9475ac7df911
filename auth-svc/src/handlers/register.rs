//! Making an account.

use decider::{Answer, Call, Committed, Failure, Reads, accepted, commit};
use eventlog::SecretError;
use schemas::commands::Register;
use schemas::events::UserState;
use schemas::values::{Role, Secret};
use schemas::views::Account;
use schemas::{Actor, Code, Position, Rejection, UserId};
use tokio::time::Instant;

use crate::accounts::{self, shown};
use crate::auth::{Auth, Credentials};
use crate::call;
use crate::common_passwords::refuse_common;
use crate::domain::account::{LoadedUser, Registering, Registrar, register};
use crate::queue::Asker;
use crate::records::write_record;

/// What the log says before an account is made.
enum Before {
    /// What to decide by.
    Nothing(Box<Registering>),
    /// A try of this very request has made the account already.
    Made(Box<LoadedUser>),
}

/// One registration under way.
struct Registration<'a> {
    call: &'a Call,
    command: &'a Register,
    id: UserId,
    asker: Asker,
    password: Secret,
    until: Instant,
    /// It is the operator's doing.
    by_operator: bool,
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
        self.make_account(self.registration(call, &command, false)).await
    }

    /// Registers an account for the operator, with any role.
    pub(crate) async fn register_by_operator(
        &self,
        call: &Call,
        command: &Register,
    ) -> Answer<Account> {
        self.make_account(self.registration(call, command, true)).await
    }

    fn registration<'a>(
        &self,
        call: &'a Call,
        command: &'a Register,
        by_operator: bool,
    ) -> Registration<'a> {
        Registration {
            call,
            command,
            id: call::account_id(&self.names, call, command),
            asker: call::asker(call, command.username.as_str()),
            password: command.password.clone().into(),
            until: call::password_deadline(call),
            by_operator,
        }
    }

    /// Stores the password first, then the account: an account never exists without its password.
    async fn make_account(&self, it: Registration<'_>) -> Answer<Account> {
        let Register { username, email, password, .. } = it.command;
        refuse_common("/password", password, username, email)?;
        // What cannot succeed is refused before a quarter of a second of a core is spent on its password.
        if let Before::Made(user) = self.retry(|| self.look(&it)).await? {
            return self.made_before(&it, &user).await;
        }
        let bcrypt = self.passwords.hash(&it.asker, it.password.expose(), it.until).await?;
        self.retry(|| self.store_password(&it, &bcrypt)).await?;
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
        let Registration { call, command, id, .. } = it;
        if call.key.is_some()
            && let Some(user) = accounts::user(&self.log, id).await?
        {
            return Ok(Before::Made(Box::new(user)));
        }
        let asker = match (&command.role, &call.caller) {
            (Some(_), Some(caller)) => accounts::user(&self.log, &caller.user_id).await?,
            _ => None,
        };
        let by = match asker {
            _ if it.by_operator => Registrar::Operator,
            Some(asker) => Registrar::Account(asker),
            None => Registrar::Themselves,
        };
        let (handle, email, registry) = tokio::try_join!(
            accounts::name(&self.log, self.names.handle(command.username.as_str())),
            accounts::name(&self.log, self.names.email(command.email.as_str())),
            accounts::name(&self.log, self.names.admins()),
        )?;
        if handle.owner.as_deref() == Some(id.as_str()) {
            // The other try came between the two looks.
            return Err(Failure::Conflict);
        }
        let state = Registering { handle, email, registry, by };
        register(&state, command, id, &call::now())?;
        Ok(Before::Nothing(Box::new(state)))
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
        let (user, facts) = register(&state, it.command, &it.id, &call::now())?;
        if user.role == Role::Admin {
            self.admins.note(&it.id).await?;
        }
        let asker = it.call.caller.as_ref().map(|caller| &caller.user_id);
        let actor = match it.by_operator {
            true => Actor::System,
            false => Actor::User(asker.unwrap_or(&it.id).clone()),
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

    /// Whether the password of a registration belongs to a hash.
    async fn belongs(&self, it: &Registration<'_>, hash: Option<&str>) -> Result<bool, Rejection> {
        let fit = self.passwords.verify(&it.asker, &it.password, hash, it.until).await?;
        Ok(fit.fits())
    }

    /// Deletes the password of an account that was refused. It stays where it is not known whether the
    /// account was made, and under an idempotency key, where another try may rely on it: without an
    /// account it opens nothing.
    async fn drop_orphan(&self, it: &Registration<'_>, rejection: &Rejection) {
        if rejection.code == Code::Unavailable || it.call.key.is_some() {
            return;
        }
        if let Err(error) = self.credentials.delete(it.id.as_str()).await {
            let error = telemetry::error_chain(&error);
            tracing::warn!(user.id = %it.id, error, "a password without an account stays");
        }
    }
}
