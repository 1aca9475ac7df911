//! Ending the digests of an account, by the link in one of them.

use decider::{Answer, Call, Committed, Failure, Reads, accepted, commit};
use schemas::commands::{CheckUnsubscribe, Unsubscribe};
use schemas::{NameKey, Position, Rejection};

use crate::accounts;
use crate::auth::Auth;
use crate::domain::account::{LoadedUser, unsubscribe};

impl Auth {
    pub(crate) async fn check_unsubscribe(
        &self,
        _: &Call,
        command: CheckUnsubscribe,
    ) -> Answer<()> {
        self.retry(|| self.subscriber(&command.token)).await?;
        Ok(accepted(None, ()))
    }

    pub(crate) async fn unsubscribe(&self, call: &Call, command: Unsubscribe) -> Answer<()> {
        let position = self.retry(|| self.try_unsubscribe(call, &command.token)).await?;
        Ok(accepted(position, ()))
    }

    async fn try_unsubscribe(&self, call: &Call, token: &str) -> Result<Option<Position>, Failure> {
        let user = self.subscriber(token).await?;
        let by_user = call.acting_as_user(&user.state.id);
        let mut reads = Reads::default();
        reads.note(schemas::Lane::User(user.state.id), user.at);
        let committed: Committed = commit(&self.log, &by_user, unsubscribe(&user), &reads).await?;
        Ok(committed.position())
    }

    /// The account a token was made for. Of one that is not it is not said why.
    async fn subscriber(&self, token: &str) -> Result<LoadedUser, Failure> {
        let id = NameKey::unsubscribe_user(token).ok_or_else(Rejection::not_found)?;
        let found = accounts::user(&self.log, &id).await?;
        let user =
            found.filter(|user| self.names.may_unsubscribe(token, &id, user.state.email.as_str()));
        user.ok_or_else(|| Rejection::not_found().into())
    }
}
