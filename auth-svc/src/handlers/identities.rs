//! The identities of accounts at providers: listing one's own, and taking one away.

use decider::{Answer, Call, Entity, Fact, Failure, Reads, accepted, commit, load};
use schemas::commands::{ListIdentities, UnlinkIdentity};
use schemas::events::IdentitiesState;
use schemas::values::{ProviderId, ProviderName};
use schemas::views::LinkedIdentity;
use schemas::{Digest, EventData, Lane, Position, Rejection, UserId};

use super::proof::Proof;
use crate::accounts;
use crate::auth::Auth;
use crate::call;
use crate::domain::identity::{IdentityRejection, Unlinking, identities_after, unlink};

impl From<IdentityRejection> for Failure {
    fn from(rejection: IdentityRejection) -> Self {
        Rejection::from(rejection).into()
    }
}

/// The identities of accounts, by their lane.
pub(crate) struct Identities;

impl Entity for Identities {
    type Key = UserId;
    type State = IdentitiesState;
    const NAME: &'static str = "identities";

    fn lane(key: &UserId) -> Lane {
        Lane::Identities(*key)
    }

    fn after(event: &EventData) -> Option<IdentitiesState> {
        identities_after(event)
    }
}

impl Auth {
    /// Of the account that asks, oldest first.
    pub(crate) async fn list_identities(
        &self,
        call: &Call,
        _: ListIdentities,
    ) -> Answer<Vec<LinkedIdentity>> {
        let known = self.retry(|| self.own_identities(call)).await?;
        let shown = known.into_iter().flat_map(|known| known.identities).map(|one| {
            let provider = self.providers.get(&one.provider).ok();
            LinkedIdentity {
                id: one.key.to_string(),
                provider: one.provider.to_string(),
                name: provider.map(|provider| provider.name.to_string()),
                linked_at: one.linked_at,
            }
        });
        Ok(accepted(None, shown.collect()))
    }

    async fn own_identities(&self, call: &Call) -> Result<Option<IdentitiesState>, Failure> {
        let user = &call.caller()?.user_id;
        Ok(load::<Identities>(&self.log, user).await?.state)
    }

    /// What would be refused is refused before the password is asked for: a code of the second factor is good once.
    pub(crate) async fn unlink_identity(&self, call: &Call, command: UnlinkIdentity) -> Answer<()> {
        let UnlinkIdentity { identity, password, code } = &command;
        self.retry(|| self.decide_unlinking(call, identity)).await?;
        let (password, code) = (password.as_ref(), code.as_ref());
        self.prove(call, &Proof { pointer: "/password", password, code }).await?;
        let position = self.retry(|| self.try_unlinking(call, identity)).await?;
        Ok(accepted(position, ()))
    }

    async fn try_unlinking(&self, call: &Call, key: &Digest) -> Result<Option<Position>, Failure> {
        let facts = self.decide_unlinking(call, key).await?;
        Ok(commit(&self.log, call, facts, &Reads::default()).await?.position())
    }

    async fn decide_unlinking(&self, call: &Call, key: &Digest) -> Result<Vec<Fact>, Failure> {
        let user = accounts::caller(&self.log, call).await?;
        let identities = load::<Identities>(&self.log, &user.state.id).await?;
        let all = self.providers.all().iter();
        let providers: Vec<(&ProviderId, &ProviderName)> =
            all.map(|one| (&one.id, &one.name)).collect();
        let (user, identities, providers) = (&user, &identities, providers.as_slice());
        let state = Unlinking { user, identities, key, providers };
        Ok(unlink(&state, call::now().now)?)
    }
}
