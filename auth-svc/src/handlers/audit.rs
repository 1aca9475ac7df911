//! Reading the audit trail with the content of events is an event itself.

use decider::{Answer, Call, Expect, Fact, Failure, accepted, commit_fenced};
use schemas::commands::NoteAuditRead;
use schemas::events::AuditRead;
use schemas::{Lane, Position};

use crate::accounts;
use crate::auth::Auth;
use crate::domain::account::{AccountRejection, Administrator as _};

impl Auth {
    pub(crate) async fn note_audit_read(&self, call: &Call, command: NoteAuditRead) -> Answer<()> {
        let position = self.retry(|| self.try_note(call, &command)).await?;
        Ok(accepted(Some(position), ()))
    }

    async fn try_note(&self, call: &Call, command: &NoteAuditRead) -> Result<Position, Failure> {
        let admin = accounts::caller(&self.log, call).await?;
        if !admin.is_admin() {
            return Err(AccountRejection::NotAdmin.into());
        }
        let user_id = admin.state.id;
        let read = AuditRead { user_id, query: command.query.clone(), before: command.before };
        // An admin who is demoted meanwhile is refused.
        let fence = Expect::Fence { lane: Lane::User(user_id), at: admin.at };
        let fact = Fact::new(Lane::Audit(user_id), read);
        Ok(commit_fenced(&self.log, call, fact, fence).await?.position)
    }
}
