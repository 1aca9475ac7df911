//! Identities at providers.

use schemas::events::{IdentitiesState, Identity, IdentityLinked, IdentityUnlinked};
use schemas::values::{ProviderId, ProviderName};
use schemas::{Digest, EventData};

use super::{now, user_id};

pub(super) fn identities(full: bool) -> Vec<EventData> {
    let key = Digest::of(["identity"]);
    let identity =
        Identity { key, provider: ProviderId::parse("works").unwrap(), linked_at: now() };
    let all = |identities| IdentitiesState { user_id: user_id(1), identities };
    vec![
        IdentityLinked {
            key,
            provider_name: ProviderName::parse("The Works").unwrap(),
            new_account: full,
            identities: all(vec![identity.clone()]),
        }
        .into(),
        IdentityUnlinked {
            key,
            provider_name: None,
            identities: all(if full { vec![identity] } else { Vec::new() }),
        }
        .into(),
    ]
}

/// Unlinked from a provider that the configuration names.
pub(super) fn unlinked() -> EventData {
    let identities = IdentitiesState { user_id: user_id(1), identities: Vec::new() };
    let provider_name = Some(ProviderName::parse("The Works").unwrap());
    IdentityUnlinked { key: Digest::of(["identity"]), provider_name, identities }.into()
}
