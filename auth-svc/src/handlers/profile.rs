//! Changing one's own account.

use decider::{Answer, Call, Committed, Failure, Reads, accepted, commit};
use schemas::commands::ChangeProfile;
use schemas::events::UserState;
use schemas::values::Username;
use schemas::views::Account;
use schemas::{Lane, Position};

use crate::accounts::{self, shown};
use crate::auth::Auth;
use crate::call;
use crate::domain::account::{self, Changing, NameChange};

impl Auth {
    pub(crate) async fn change_profile(
        &self,
        call: &Call,
        command: ChangeProfile,
    ) -> Answer<Account> {
        let caller = call.caller()?.user_id;
        let _turn = self.profiles.of(caller.as_str()).await;
        let (user, position) = self.retry(|| self.try_change(call, &command)).await?;
        Ok(accepted(position, shown(&user)))
    }

    async fn try_change(
        &self,
        call: &Call,
        command: &ChangeProfile,
    ) -> Result<(UserState, Option<Position>), Failure> {
        let user = accounts::caller(&self.log, call).await?;
        let old = &user.state;
        let handle = match &command.username {
            Some(wanted) if *wanted != old.username => {
                let lane = |name: &Username| self.names.handle(name.as_str());
                Some(self.name_change(lane(&old.username), lane(wanted)).await?)
            }
            _ => None,
        };
        let state = Changing { user, handle };
        let (changed, facts) = account::change_profile(&state, command, &call::now())?;
        match commit(&self.log, call, facts, &Reads::default()).await? {
            // The same change under the same key was made before: this is how the account is now.
            Committed::Before(_) => {
                let now = accounts::caller(&self.log, call).await?;
                Ok((now.state, Some(self.log.epoch().at(now.at))))
            }
            committed => Ok((changed, committed.position())),
        }
    }

    /// A name to give up and one to take, as they are now.
    pub(super) async fn name_change(&self, old: Lane, new: Lane) -> Result<NameChange, Failure> {
        let (old, new) =
            tokio::try_join!(accounts::name(&self.log, old), accounts::name(&self.log, new))?;
        Ok(NameChange { old, new })
    }
}
