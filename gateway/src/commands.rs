//! Sending a command to its service and turning every way it can fail into a [`Rejection`].

use bus::Bus;
use schemas::commands::{Accepted, CallContext, Command, Reply};
use schemas::{Rejection, TraceParent};

use crate::failure;

/// Sends a command and waits for its outcome, as long as the context says. What the service refused is
/// handed on as it is; no answer in time becomes `unavailable`, which may be tried again.
///
/// # Errors
/// The [`Rejection`] to show to the client.
pub(crate) async fn send<C: Command + Clone + Sync>(
    bus: &Bus,
    context: &CallContext,
    command: &C,
) -> Result<Accepted<C::Output>, Rejection> {
    match bus.call(context, command).await {
        Ok(Reply::Accepted(accepted)) => Ok(accepted),
        Ok(Reply::Rejected(rejection)) => Err(rejection),
        Err(error) => Err(failure::call(C::SERVICE, C::NAME, error)),
    }
}

/// The context of a command the gateway gives on its own account, as part of a trace.
#[must_use]
pub(crate) fn own_context(traceparent: Option<TraceParent>) -> CallContext {
    CallContext { traceparent, ..CallContext::default() }
}
