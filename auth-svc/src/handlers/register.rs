//! Making an account.

use schemas::commands::{CallContext, Register};
use schemas::events::UserState;
use schemas::views::Account;
use schemas::{Actor, Lane, Position, Rejection, UserId};

use crate::accounts::{self, roll_lane, shown};
use crate::auth::{Answer, Auth, Credentials, accepted};
use crate::call;
use crate::domain::account::{self, Registering};
use crate::failure::Failure;

impl Auth {
    /// Stores the password first, then the account: an account never exists without its password, and a
    /// password whose account was refused is deleted again.
    pub(crate) async fn register(
        &self,
        context: &CallContext,
        command: Register,
    ) -> Answer<Account> {
        let checked = self.settle(|| self.names_are_free(context, &command)).await;
        if let Err(rejection) = checked {
            return self.registered_before(context, &command, rejection).await;
        }
        let bcrypt = self.passwords.hash(command.password.expose()).await?;
        let id = call::user_id();
        let written = self.settle(|| self.store_credentials(&id, &bcrypt)).await;
        let outcome = match written {
            Ok(()) => self.settle(|| self.try_register(context, &command, &id)).await,
            Err(rejection) => Err(rejection),
        };
        match outcome {
            Ok((user, position)) => Ok(accepted(position, shown(&user))),
            Err(rejection) => {
                self.drop_orphan(&id).await;
                self.registered_before(context, &command, rejection).await
            }
        }
    }

    async fn registering(
        &self,
        context: &CallContext,
        command: &Register,
    ) -> Result<Registering, Failure> {
        let asker = match command.role {
            None => None,
            Some(_) => accounts::asker_role(&self.log, context).await?,
        };
        let (handle, email, first) = tokio::try_join!(
            accounts::name(&self.log, Lane::handle(command.username.as_str())),
            accounts::name(&self.log, Lane::email(command.email.as_str())),
            accounts::name(&self.log, roll_lane()),
        )?;
        Ok(Registering { handle, email, first, asker })
    }

    /// Refuses what cannot succeed before a quarter of a second of a core is spent on its password.
    async fn names_are_free(
        &self,
        context: &CallContext,
        command: &Register,
    ) -> Result<(), Failure> {
        let state = self.registering(context, command).await?;
        account::register(&state, command, &call::user_id(), &call::now())?;
        Ok(())
    }

    async fn store_credentials(&self, id: &UserId, bcrypt: &str) -> Result<(), Failure> {
        let value = serde_json::to_vec(&Credentials { bcrypt: bcrypt.to_owned() })?;
        self.credentials.create(id.as_str(), value, None).await?;
        Ok(())
    }

    async fn try_register(
        &self,
        context: &CallContext,
        command: &Register,
        id: &UserId,
    ) -> Result<(UserState, Option<Position>), Failure> {
        let state = self.registering(context, command).await?;
        let (user, facts) = account::register(&state, command, id, &call::now())?;
        let actor = match &context.caller {
            Some(caller) => Actor::User(caller.user_id.clone()),
            None => Actor::User(id.clone()),
        };
        let position = accounts::commit(&self.log, context, actor, "register", facts).await?;
        Ok((user, position))
    }

    /// A registration that was refused may be the repeat of one that succeeded: the same request, under
    /// the same idempotency key, by somebody who knows the password.
    async fn registered_before(
        &self,
        context: &CallContext,
        command: &Register,
        rejection: Rejection,
    ) -> Answer<Account> {
        if context.idempotency_key.is_none() {
            return Err(rejection);
        }
        match self.settle(|| self.same_account(command)).await {
            Ok(Some(user)) => {
                let end = self.log.head().await.ok().map(|head| self.log.epoch().at(head));
                Ok(accepted(end, shown(&user)))
            }
            _ => Err(rejection),
        }
    }

    async fn same_account(&self, command: &Register) -> Result<Option<UserState>, Failure> {
        let lane = Lane::handle(command.username.as_str());
        let Some(id) = accounts::holder(&self.log, lane).await? else { return Ok(None) };
        let Some(user) = accounts::user(&self.log, &id).await? else { return Ok(None) };
        if user.value.email != command.email {
            return Ok(None);
        }
        let hash = self.credentials_of(&id).await?.map(|(credentials, _)| credentials.bcrypt);
        let fits = self.passwords.verify(command.password.expose(), hash.as_deref()).await?;
        Ok(fits.then_some(user.value))
    }

    /// Deletes the password of an account that was not made. Where it is not known whether it was
    /// made, the account decides.
    async fn drop_orphan(&self, id: &UserId) {
        if let Ok(None) = accounts::user(&self.log, id).await
            && let Err(error) = self.credentials.delete(id.as_str()).await
        {
            tracing::warn!(user.id = %id, error = %telemetry::error_chain(&error), "a password without an account stays");
        }
    }
}
