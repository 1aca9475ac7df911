//! Legal holds: placed and ended by admins. Erasure, retention and purging ask the lane of a room or user.

use decider::{Answer, Call, Expect, Fact, Failure, Reads, accepted, commit};
use eventlog::SecretError;
use schemas::commands::{LiftHold, ListHolds, PlaceHold};
use schemas::events::{Held, HoldLifted, HoldPlaced, HoldState};
use schemas::values::Reason;
use schemas::{EventData, Lane, Position, Rejection, RoomId, Sequence, Timestamp, UserId};

use crate::accounts;
use crate::auth::Auth;
use crate::domain::account::{AccountRejection, Administrator as _, LoadedUser};

/// The bucket of what was ever held: an index, used and not believed.
const HOLDS: &str = "holds";

fn lane(held: &Held) -> Lane {
    match held {
        Held::Room(id) => Lane::RoomHold(*id),
        Held::User(id) => Lane::UserHold(*id),
    }
}

impl Auth {
    pub(crate) async fn place_hold(&self, call: &Call, command: PlaceHold) -> Answer<()> {
        let PlaceHold { held, reason } = &command;
        let position = self.retry(|| self.try_place(call, held, reason)).await?;
        Ok(accepted(position, ()))
    }

    pub(crate) async fn lift_hold(&self, call: &Call, command: LiftHold) -> Answer<()> {
        let LiftHold { held, reason } = &command;
        let position = self.retry(|| self.try_lift(call, held, reason)).await?;
        Ok(accepted(position, ()))
    }

    pub(crate) async fn list_holds(&self, call: &Call, _: ListHolds) -> Answer<Vec<HoldState>> {
        Ok(accepted(None, self.retry(|| self.try_list_holds(call)).await?))
    }

    async fn acting_admin(&self, call: &Call) -> Result<LoadedUser, Failure> {
        let admin = accounts::caller(&self.log, call).await?;
        if admin.is_admin() { Ok(admin) } else { Err(AccountRejection::NotAdmin.into()) }
    }

    /// The hold in force, and the place of its lane's last event.
    async fn hold(&self, held: &Held) -> Result<(Option<HoldState>, Sequence), Failure> {
        let Some(stored) = self.log.last(&lane(held)).await? else { return Ok((None, 0)) };
        let EventData::Hold(event) = stored.event()?.data else {
            return Err(Rejection::not_found().into());
        };
        Ok((event.in_force().cloned(), stored.sequence))
    }

    async fn try_place(
        &self,
        call: &Call,
        held: &Held,
        reason: &Reason,
    ) -> Result<Option<Position>, Failure> {
        let admin = self.acting_admin(call).await?;
        let exists = match held {
            Held::Room(id) => self.log.last(&Lane::Room(*id)).await?.is_some(),
            Held::User(id) => self.log.last(&Lane::User(*id)).await?.is_some(),
        };
        if !exists {
            return Err(Rejection::not_found().into());
        }
        let (before, at) = self.hold(held).await?;
        if before.is_some() {
            return Ok(Some(self.log.epoch().at(at)));
        }
        match self.log.secrets(HOLDS).create(held.id(), "1", None).await {
            Ok(_) | Err(SecretError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        let hold = HoldState {
            held: held.clone(),
            reason: reason.clone(),
            placed_by: admin.state.id,
            placed_at: Timestamp::now(),
        };
        let fact = Fact::expecting(Expect::At(at), lane(held), HoldPlaced { hold });
        // Both in one batch: chat-svc fences what it purges by the roll of admins, for holds of both kinds.
        let facts = vec![admin.require_unchanged(&self.names.admins()), fact];
        Ok(commit(&self.log, call, facts, &Reads::default()).await?.position())
    }

    async fn try_lift(
        &self,
        call: &Call,
        held: &Held,
        reason: &Reason,
    ) -> Result<Option<Position>, Failure> {
        let admin = self.acting_admin(call).await?;
        let (hold, at) = self.hold(held).await?;
        let Some(hold) = hold else {
            // A repeat finds it lifted; what was never held is not found.
            return if at > 0 {
                Ok(Some(self.log.epoch().at(at)))
            } else {
                Err(Rejection::not_found().into())
            };
        };
        let lifted = HoldLifted {
            hold,
            lifted_by: admin.state.id,
            reason: reason.clone(),
            lifted_at: Timestamp::now(),
        };
        let fact = Fact::expecting(Expect::At(at), lane(held), lifted);
        let facts = vec![admin.require_unchanged(&self.names.admins()), fact];
        Ok(commit(&self.log, call, facts, &Reads::default()).await?.position())
    }

    async fn try_list_holds(&self, call: &Call) -> Result<Vec<HoldState>, Failure> {
        self.acting_admin(call).await?;
        let mut holds = Vec::new();
        for id in self.log.secrets(HOLDS).keys(None).await? {
            let held = match (RoomId::parse(&id), UserId::parse(&id)) {
                (Ok(room), _) => Held::Room(room),
                (Err(_), Ok(user)) => Held::User(user),
                (Err(_), Err(_)) => continue,
            };
            holds.extend(self.hold(&held).await?.0);
        }
        Ok(holds)
    }
}
