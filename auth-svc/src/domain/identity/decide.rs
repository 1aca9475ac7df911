//! Whose an identity is, and whose it becomes.

use decider::{Expect, Fact};
use schemas::events::{
    IdentitiesState, Identity, IdentityLinked, IdentityUnlinked, MAX_IDENTITIES, NameClaimed,
    NameReleased,
};
use schemas::{Lane, Timestamp, UserId};

use super::{Arrival, IdentityRejection, Linking, Unlinking, Via, Way};
use crate::domain::account::Name;

/// Seconds for which an identity that was taken away is not linked to the account again by its address alone.
const UNLINKED_SECONDS: i64 = 30 * 24 * 60 * 60;

/// How a person comes in. An identity that is an account's is that for ever, whatever the provider says of the person's
/// address by now. Otherwise a verified address is required, and one that an account has leads to it only where the
/// provider is trusted that far and the account's user has shown, too, that the address is theirs: else a
/// stranger who registers another's address first would wait for them to come. Nor does it lead there for some time after
/// its user has taken this identity away: a stranger who has it in hand by now would come back by it.
pub(crate) fn way(
    state: &Arrival,
    link_by_email: bool,
    now: Timestamp,
) -> Result<Way, IdentityRejection> {
    if let Some(user) = &state.holder {
        return match user.state.suspended {
            true => Err(IdentityRejection::Suspended),
            false => Ok(Way::Known(Box::new(user.clone()))),
        };
    }
    let email = state.email.as_ref().ok_or(IdentityRejection::NotVerified)?;
    let held = state.identity.held.as_ref().filter(|held| held.until > now);
    let unlinked = |user: &UserId| held.is_some_and(|held| held.by == user.as_str());
    match &state.addressee {
        None if email.owner.is_none() => Ok(Way::New),
        Some(user) if unlinked(&user.state.id) => Err(IdentityRejection::AddressTaken),
        Some(user) if link_by_email && user.state.email_verified => match user.state.suspended {
            true => Err(IdentityRejection::Suspended),
            false => Ok(Way::Linked(Box::new(user.clone()))),
        },
        Some(_) | None => Err(IdentityRejection::AddressTaken),
    }
}

/// The facts that an identity becomes an account's. All of it is refused once anything happens to the account in
/// between: the claim of its address, which it has already, is the fence.
pub(crate) fn link(state: &Linking<'_>, via: &Via<'_>) -> Result<Vec<Fact>, IdentityRejection> {
    let user = &state.user.state.id;
    let fence = Expect::Fence { lane: Lane::User(*user), at: state.user.at };
    let unchanged = NameClaimed { owner: user.to_string() };
    let known = state.identities.state.as_ref();
    let mut identities = known.map(|known| known.identities.clone()).unwrap_or_default();
    if identities.len() >= MAX_IDENTITIES {
        return Err(IdentityRejection::TooMany);
    }
    identities.push(via.identity());
    let linked = via.linked(user, identities, false);
    Ok(vec![
        Fact::expecting(fence, state.email.lane, unchanged),
        state.identity.claimed_by(user),
        Fact::expecting(Expect::At(state.identities.at), Lane::Identities(*user), linked),
    ])
}

/// The facts that the identity an account is made with is the account's.
pub(crate) fn linked_with(identity: &Name, user: &UserId, via: &Via<'_>) -> Vec<Fact> {
    let linked = via.linked(user, vec![via.identity()], true);
    vec![identity.claimed_by(user), Fact::new(Lane::Identities(*user), linked)]
}

/// The facts that an identity is an account's no more. The account keeps a way to log in: a password, or another identity
/// at a provider that people can log in through. All of it is refused once anything happens to the account in between.
pub(crate) fn unlink(
    state: &Unlinking<'_>,
    now: Timestamp,
) -> Result<Vec<Fact>, IdentityRejection> {
    let user = &state.user.state;
    if user.suspended {
        return Err(IdentityRejection::Suspended);
    }
    let known = state.identities.state.as_ref();
    let known = known.map(|known| known.identities.clone()).unwrap_or_default();
    let (gone, left): (Vec<Identity>, Vec<Identity>) =
        known.into_iter().partition(|one| one.key == *state.key);
    let gone = gone.first().ok_or(IdentityRejection::NoSuchIdentity)?;
    let name_of = |one: &Identity| {
        state.providers.iter().find(|(id, _)| **id == one.provider).map(|(_, name)| *name)
    };
    if !user.has_password && !left.iter().any(|one| name_of(one).is_some()) {
        return Err(IdentityRejection::LastWay);
    }
    let fence = Expect::Fence { lane: Lane::User(user.id), at: state.user.at };
    let held_until = Some(now.plus_seconds(UNLINKED_SECONDS));
    let released = NameReleased { owner: user.id.to_string(), held_until };
    let provider_name = name_of(gone).cloned();
    let identities = IdentitiesState { user_id: user.id, identities: left };
    let unlinked = IdentityUnlinked { key: gone.key, provider_name, identities };
    let lane = Lane::Identities(user.id);
    Ok(vec![
        Fact::expecting(fence, Lane::Identity(gone.key), released),
        Fact::expecting(Expect::At(state.identities.at), lane, unlinked),
    ])
}

impl Via<'_> {
    fn identity(&self) -> Identity {
        Identity { key: *self.key, provider: self.provider.clone(), linked_at: self.now }
    }

    fn linked(
        &self,
        user: &UserId,
        identities: Vec<Identity>,
        new_account: bool,
    ) -> IdentityLinked {
        IdentityLinked {
            key: *self.key,
            provider_name: self.name.clone(),
            new_account,
            identities: IdentitiesState { user_id: *user, identities },
        }
    }
}
