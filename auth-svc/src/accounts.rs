//! Loading accounts and names from the log, and showing an account.

use decider::{Call, Entity, Failure, Seen, load};
use eventlog::EventLog;
use schemas::events::{InviteState, UserState};
use schemas::views::Account;
use schemas::{Code, EventData, InviteId, Lane, NameKey, Rejection, UserId};

use crate::domain::account::{Holding, LoadedUser, Name, account_after, holding_after};

/// Accounts, by their lane.
pub(crate) struct Users;

impl Entity for Users {
    type Key = UserId;
    type State = UserState;
    const NAME: &'static str = "user";

    fn lane(key: &UserId) -> Lane {
        Lane::User(*key)
    }

    fn after(event: &EventData) -> Option<UserState> {
        account_after(event)
    }
}

/// Unique names, by their lane.
pub(crate) struct Names;

impl Entity for Names {
    type Key = Lane;
    type State = Holding;
    const NAME: &'static str = "name";

    fn lane(key: &Lane) -> Lane {
        *key
    }

    fn after(event: &EventData) -> Option<Holding> {
        holding_after(event)
    }
}

/// Which account holds a name.
pub(crate) async fn name(log: &EventLog, lane: Lane) -> Result<Name, Failure> {
    let Seen { at, state } = load::<Names>(log, &lane).await?;
    let Holding { owner, held } = state.unwrap_or_default();
    Ok(Name { lane, at, owner, held })
}

/// Invitations to rooms, by their lane. Their rules are chat-svc's; here a place is kept for who registers with one.
pub(crate) struct Invites;

impl Entity for Invites {
    type Key = InviteId;
    type State = InviteState;
    const NAME: &'static str = "invite";

    fn lane(key: &InviteId) -> Lane {
        Lane::Invite(*key)
    }

    fn after(event: &EventData) -> Option<InviteState> {
        if let EventData::Invite(event) = event { Some(event.after().clone()) } else { None }
    }
}

/// The invitation a code is of; none when there is none.
pub(crate) async fn invite(
    log: &EventLog,
    names: &NameKey,
    code: &str,
) -> Result<Option<Seen<InviteState>>, Failure> {
    match names.invite_of(code) {
        None => Ok(None),
        Some(id) => Ok(load::<Invites>(log, &id).await?.known()),
    }
}

/// An account by its id; none when there is no such account.
pub(crate) async fn user(log: &EventLog, id: &UserId) -> Result<Option<LoadedUser>, Failure> {
    Ok(load::<Users>(log, id).await?.known())
}

/// The account that holds a name.
pub(crate) async fn holder(log: &EventLog, lane: &Lane) -> Result<Option<UserId>, Failure> {
    let owner = load::<Names>(log, lane).await?.state.and_then(|holding| holding.owner);
    Ok(owner.and_then(|owner| UserId::parse(&owner).ok()))
}

/// The caller's own account.
pub(crate) async fn caller(log: &EventLog, call: &Call) -> Result<LoadedUser, Failure> {
    let id = &call.caller()?.user_id;
    user(log, id).await?.ok_or_else(|| closed().into())
}

/// How a caller is answered whose account was closed a moment ago: as all whose sessions have ended.
pub(crate) fn closed() -> Rejection {
    Rejection::new(Code::Unauthenticated, "the account was closed")
}

/// An account as its owner and admins see it.
pub(crate) fn shown(user: &UserState) -> Account {
    user.into()
}
