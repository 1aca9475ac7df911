//! What admins do to other accounts.

use decider::{Answer, Call, Committed, Failure, Reads, accepted, commit};
use schemas::commands::AdministerUser;
use schemas::events::{SessionEnd, UserState};
use schemas::values::Role;
use schemas::views::Account;
use schemas::{Position, Rejection};

use crate::accounts::{self, shown};
use crate::auth::Auth;
use crate::domain::account::{AccountRejection, Administering, Administrator as _, administer};

impl Auth {
    pub(crate) async fn administer_user(
        &self,
        call: &Call,
        command: AdministerUser,
    ) -> Answer<Account> {
        let (user, mut position) = self.retry(|| self.try_administer(call, &command)).await?;
        if user.suspended && command.suspended == Some(true) {
            let ended = self.retry(|| self.end_all(call, &user)).await?;
            position = ended.or(position);
        }
        Ok(accepted(position, shown(&user)))
    }

    async fn try_administer(
        &self,
        call: &Call,
        command: &AdministerUser,
    ) -> Result<(UserState, Option<Position>), Failure> {
        let admin = accounts::caller(&self.log, call).await?;
        if !admin.is_admin() {
            return Err(AccountRejection::NotAdmin.into());
        }
        let target = accounts::user(&self.log, &command.user_id).await?;
        let target = target.ok_or_else(Rejection::not_found)?;
        let steps_down = target.state.id == admin.state.id && command.role.is_some();
        let another = match steps_down {
            true => self.admins.another(&self.log, &admin.state.id).await?,
            false => None,
        };
        if command.role == Some(Role::Admin) {
            self.admins.note(&command.user_id).await?;
        }
        let state = Administering { admin, target, registry: self.names.admins(), another };
        let (user, facts) = administer(&state, command)?;
        match commit(&self.log, call, facts, &Reads::default()).await? {
            Committed::Before(_) => {
                let now = accounts::user(&self.log, &command.user_id).await?;
                let now = now.ok_or_else(Rejection::not_found)?;
                Ok((now.state, Some(self.log.epoch().at(now.at))))
            }
            committed => Ok((user, committed.position())),
        }
    }

    async fn end_all(&self, call: &Call, user: &UserState) -> Result<Option<Position>, Failure> {
        let ids = self.sessions.list(&user.id).await?;
        self.end(call, &user.id, ids, SessionEnd::Suspended).await
    }
}
