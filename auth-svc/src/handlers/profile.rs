//! Changing one's own account.

use schemas::commands::{CallContext, ChangeProfile};
use schemas::events::UserState;
use schemas::values::{Email, Username};
use schemas::views::Account;
use schemas::{Actor, Lane, Position};

use crate::accounts::{self, shown};
use crate::auth::{Answer, Auth, accepted};
use crate::domain::account::{self, Changing, NameChange};
use crate::failure::Failure;

impl Auth {
    pub(crate) async fn change_profile(
        &self,
        context: &CallContext,
        command: ChangeProfile,
    ) -> Answer<Account> {
        let (user, position) = self.settle(|| self.try_change(context, &command)).await?;
        Ok(accepted(position, shown(&user)))
    }

    async fn try_change(
        &self,
        context: &CallContext,
        command: &ChangeProfile,
    ) -> Result<(UserState, Option<Position>), Failure> {
        let user = accounts::caller(&self.log, context).await?;
        let old = &user.value;
        let handle = match &command.username {
            Some(wanted) if *wanted != old.username => {
                let lane = |name: &Username| self.names.handle(name.as_str());
                Some(self.name_change(lane(&old.username), lane(wanted)).await?)
            }
            _ => None,
        };
        let email = match &command.email {
            Some(wanted) if *wanted != old.email => {
                let lane = |address: &Email| self.names.email(address.as_str());
                Some(self.name_change(lane(&old.email), lane(wanted)).await?)
            }
            _ => None,
        };
        let actor = Actor::User(old.id.clone());
        let state = Changing { user, handle, email };
        let (changed, facts) = account::change_profile(&state, command)?;
        let written = accounts::commit(&self.log, context, actor, "change_profile", facts).await;
        match written {
            // The same change under the same key was made before: this is how the account is now.
            Err(Failure::Repeat) => {
                let now = accounts::caller(&self.log, context).await?;
                Ok((now.value, Some(self.log.epoch().at(now.at))))
            }
            written => Ok((changed, written?)),
        }
    }

    async fn name_change(&self, old: Lane, new: Lane) -> Result<NameChange, Failure> {
        let (old, new) =
            tokio::try_join!(accounts::name(&self.log, old), accounts::name(&self.log, new))?;
        Ok(NameChange { old, new })
    }
}
