//! What admins do to other accounts.

use schemas::commands::{AdministerUser, CallContext};
use schemas::events::{SessionEnd, UserState};
use schemas::values::Role;
use schemas::views::Account;
use schemas::{Actor, Position, Rejection};

use crate::accounts::{self, shown};
use crate::auth::{Answer, Auth, accepted};
use crate::domain::account::{AccountRejection, Administering, administer};
use crate::failure::Failure;

impl Auth {
    pub(crate) async fn administer_user(
        &self,
        context: &CallContext,
        command: AdministerUser,
    ) -> Answer<Account> {
        let (user, mut position) = self.settle(|| self.try_administer(context, &command)).await?;
        if user.suspended && command.suspended == Some(true) {
            let ended = self.settle(|| self.end_all(context, &user)).await?;
            position = ended.or(position);
        }
        Ok(accepted(position, shown(&user)))
    }

    async fn try_administer(
        &self,
        context: &CallContext,
        command: &AdministerUser,
    ) -> Result<(UserState, Option<Position>), Failure> {
        let admin = accounts::caller(&self.log, context).await?;
        if !admin.is_admin() {
            return Err(AccountRejection::NotAdmin.into());
        }
        let target = accounts::user(&self.log, &command.user_id).await?;
        let target = target.ok_or_else(Rejection::not_found)?;
        let steps_down = target.value.id == admin.value.id && command.role.is_some();
        let another = match steps_down {
            true => self.admins.another(&self.log, &admin.value.id).await?,
            false => None,
        };
        if command.role == Some(Role::Admin) {
            self.admins.note(&command.user_id).await?;
        }
        let actor = Actor::User(admin.value.id.clone());
        let state = Administering { admin, target, roll: self.names.admins(), another };
        let (user, facts) = administer(&state, command)?;
        let written = accounts::commit(&self.log, context, actor, "administer_user", facts).await;
        match written {
            Err(Failure::Repeat) => {
                let now = accounts::user(&self.log, &command.user_id).await?;
                let now = now.ok_or_else(Rejection::not_found)?;
                Ok((now.value, Some(self.log.epoch().at(now.at))))
            }
            written => Ok((user, written?)),
        }
    }

    async fn end_all(
        &self,
        context: &CallContext,
        user: &UserState,
    ) -> Result<Option<Position>, Failure> {
        let ids = self.sessions.list(&user.id).await?;
        self.end(context, &user.id, ids, SessionEnd::Suspended).await
    }
}
