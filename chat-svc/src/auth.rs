//! What this service asks auth-svc for, over the bus: it reaches nothing of what that keeps.

use bus::Bus;
use decider::{Failure, unavailable};
use schemas::commands::{CallContext, Caller, Command, ForgetSecrets, ListSessions, Reply};
use schemas::values::Role;
use schemas::views::Session;
use schemas::{SessionId, UserId};

/// auth-svc, from here.
#[derive(Clone)]
pub(crate) struct AuthService {
    bus: Bus,
}

impl AuthService {
    /// The one that is reached over this bus.
    pub(crate) fn on(bus: &Bus) -> Self {
        Self { bus: bus.clone() }
    }

    /// The sessions of a person, as their own client is told of them.
    pub(crate) async fn sessions(&self, user: &UserId) -> Result<Vec<Session>, Failure> {
        // None of theirs is the one that asks.
        let session_id = SessionId::from_uuid(uuid::Uuid::nil());
        let caller = Caller { user_id: *user, session_id, role: Role::User };
        let context = CallContext { caller: Some(caller), ..CallContext::default() };
        self.ask(&context, &ListSessions {}).await
    }

    /// Has it delete what it keeps of a person whose account is closed. To be asked again until it has answered: one
    /// that is not there, or is of an older build and does not know the command, has done nothing.
    pub(crate) async fn forget(&self, user: &UserId) -> Result<(), Failure> {
        let command = ForgetSecrets { user_id: *user };
        self.ask(&CallContext::default(), &command).await
    }

    async fn ask<C: Command + Clone + Sync>(
        &self,
        context: &CallContext,
        command: &C,
    ) -> Result<C::Output, Failure> {
        match self.bus.call(context, command).await {
            Ok(Reply::Accepted(accepted)) => Ok(accepted.result),
            Ok(Reply::Rejected(rejection)) => Err(rejection.into()),
            Err(error) => {
                tracing::debug!(%error, command = C::NAME, "auth-svc gives no answer");
                Err(unavailable("auth-svc gives no answer").into())
            }
        }
    }
}
