//! Asking for a copy of one's data, and taking one back. Making it is chat-svc's work: it learns of it from the read
//! model.

use decider::{Answer, Call, Failure, Reads, accepted, commit, fresh_id, load};
use schemas::commands::RequestExport;
use schemas::entities::Exports;
use schemas::{ExportId, Position, UserId};

use super::proof::Proof;
use crate::auth::Auth;
use crate::call::now;
use crate::domain::export::{Asked, request, withdraw};

impl Auth {
    pub(crate) async fn request_export(
        &self,
        call: &Call,
        command: RequestExport,
    ) -> Answer<ExportId> {
        let (password, code) = (command.password.as_ref(), command.code.as_ref());
        let proven = self.prove(call, &Proof { pointer: "/password", password, code }).await?;
        let id = ExportId::from_uuid(fresh_id());
        let (position, id) =
            self.retry(|| self.try_request_export(call, &proven.user.id, &id)).await?;
        Ok(accepted(position, id))
    }

    async fn try_request_export(
        &self,
        call: &Call,
        user: &UserId,
        id: &ExportId,
    ) -> Result<(Option<Position>, ExportId), Failure> {
        let newest = load::<Exports>(&self.log, user).await?;
        match request(&newest, user, id, &now()) {
            Asked::Open(open) => Ok((Some(self.log.epoch().at(newest.at)), open)),
            Asked::New(fact) => {
                // Not under the call's key: its first try may be long gone, and the lane knows what there is.
                let appended = decider::record(&self.log, call, *fact).await?;
                Ok((Some(appended.position), *id))
            }
        }
    }

    /// Takes back what was asked for of an account that is its user's again.
    pub(crate) async fn withdraw_export(
        &self,
        call: &Call,
        user: &UserId,
    ) -> Result<Option<Position>, Failure> {
        let newest = load::<Exports>(&self.log, user).await?;
        let facts = withdraw(&newest).into_iter().collect();
        Ok(commit(&self.log, call, facts, &Reads::default()).await?.position())
    }
}
