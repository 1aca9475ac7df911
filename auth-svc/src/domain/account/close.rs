//! Closing an account for good: its names are let go, and the erasure of its person's data begins.

use decider::{Expect, Fact};
use schemas::events::{ErasureBegun, UserErased};
use schemas::values::{Reason, Role};
use schemas::{ErasureId, Lane};

use super::decide::USERNAME_HELD_SECONDS;
use super::{AccountRejection, Administrator as _, LoadedUser, Name};
use crate::domain::Context;

/// What closing an account is decided by.
#[derive(Debug, Clone)]
pub(crate) struct Closing {
    /// The account.
    pub(crate) user: LoadedUser,
    /// Its username.
    pub(crate) handle: Name,
    /// Its address.
    pub(crate) email: Name,
    /// Its identities at providers of single sign-on.
    pub(crate) identities: Vec<Name>,
    /// The lane of the admin registry.
    pub(crate) registry: Lane,
    /// The admin who asks for it; none when its owner or the operator does.
    pub(crate) admin: Option<LoadedUser>,
    /// An admin besides the account; looked up when the account is an admin's.
    pub(crate) another: Option<LoadedUser>,
}

/// The facts. One admin always remains: what is decided is fenced by the lane of the one who does.
pub(crate) fn close(
    state: &Closing,
    id: &ErasureId,
    reason: Option<&Reason>,
    context: &Context,
) -> Result<Vec<Fact>, AccountRejection> {
    let user = &state.user.state;
    if state.admin.as_ref().is_some_and(|admin| !admin.is_admin()) {
        return Err(AccountRejection::NotAdmin);
    }
    let other = state.admin.as_ref().filter(|admin| admin.state.id != user.id);
    let remains = match (other, &state.another) {
        (Some(admin), _) => Some(admin),
        (None, _) if user.role != Role::Admin => None,
        (None, Some(another)) if another.is_admin() => Some(another),
        (None, _) => return Err(AccountRejection::LastAdmin),
    };
    let mut facts: Vec<Fact> =
        remains.map(|admin| admin.require_unchanged(&state.registry)).into_iter().collect();
    let held_until = Some(context.now.plus_seconds(USERNAME_HELD_SECONDS));
    let identities = state.identities.iter().map(|name| (name, None));
    let names = [(&state.handle, held_until), (&state.email, None)];
    for (name, held_until) in names.into_iter().chain(identities) {
        if name.owner.as_deref() == Some(user.id.as_str()) {
            facts.push(name.released_by(&user.id, held_until));
        }
    }
    let begun = ErasureBegun {
        erasure_id: *id,
        user_id: user.id,
        registered_at: user.created_at,
        begun_at: context.now,
        reason: reason.cloned(),
    };
    facts.push(Fact::new(Lane::Erasure(*id), begun));
    let erased = UserErased {
        user_id: user.id,
        erasure_id: *id,
        created_at: user.created_at,
        erased_at: context.now,
    };
    facts.push(Fact::expecting(Expect::At(state.user.at), Lane::User(user.id), erased));
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use decider::Seen;
    use schemas::events::UserState;
    use schemas::{Digest, EventData, Timestamp, UserId};
    use uuid::Uuid;

    use super::*;

    fn account(number: u128, role: Role) -> LoadedUser {
        let id = UserId::from_uuid(Uuid::from_u128(number));
        let state = UserState::erased(id, Timestamp::from_millis(1));
        Seen { at: 7, state: UserState { role, deleted: false, ..state } }
    }

    fn name(lane: Lane, owner: &LoadedUser) -> Name {
        Name { lane, at: 3, owner: Some(owner.state.id.to_string()), held: None }
    }

    fn closing(user: &LoadedUser) -> Closing {
        let digest = |text| Digest::of([text]);
        Closing {
            handle: name(Lane::Handle(digest("handle")), user),
            email: name(Lane::Email(digest("email")), user),
            identities: vec![name(Lane::Identity(digest("identity")), user)],
            user: user.clone(),
            registry: Lane::Handle(digest("registry")),
            admin: None,
            another: None,
        }
    }

    fn closed(state: &Closing) -> Result<Vec<Fact>, AccountRejection> {
        let id = ErasureId::from_uuid(Uuid::from_u128(5));
        close(state, &id, None, &Context { now: Timestamp::from_millis(1_000) })
    }

    #[test]
    fn names_are_let_go_the_username_is_held_back_and_the_erasure_begins() {
        let facts = closed(&closing(&account(1, Role::User))).unwrap();
        let kinds: Vec<&str> = facts.iter().map(|fact| fact.data.type_name()).collect();
        let released = "name.released.v1";
        let expected = [released, released, released, "erasure.begun.v1", "user.erased.v1"];
        assert_eq!(kinds, expected);
        let held: Vec<bool> = facts
            .iter()
            .filter_map(|fact| match &fact.data {
                EventData::Name(schemas::events::NameEvent::Released(released)) => {
                    Some(released.held_until.is_some())
                }
                _ => None,
            })
            .collect();
        assert_eq!(held, [true, false, false]);
    }

    #[test]
    fn one_admin_always_remains_and_is_what_the_act_relies_on() {
        let admin = account(1, Role::Admin);
        let mut state = closing(&admin);
        assert_eq!(closed(&state), Err(AccountRejection::LastAdmin));
        state.another = Some(account(2, Role::Admin));
        assert_eq!(closed(&state).unwrap()[0].data.type_name(), "name.claimed.v1");

        let mut state = closing(&account(3, Role::User));
        state.admin = Some(account(4, Role::User));
        assert_eq!(closed(&state), Err(AccountRejection::NotAdmin));
        state.admin = Some(admin.clone());
        assert_eq!(closed(&state).unwrap()[0].data.type_name(), "name.claimed.v1");

        // An admin who erases themselves by the admins' route is the last one as well.
        let mut state = closing(&admin);
        state.admin = Some(admin);
        assert_eq!(closed(&state), Err(AccountRejection::LastAdmin));
    }
}
