//! The services by name: on the command line, in logs and traces.

use clap::Subcommand;

/// A service that can run as its own process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum ServiceName {
    /// Run only the gateway: REST and WebSocket
    Gateway,
    /// Run only the account service
    AuthSvc,
    /// Run only the room and message service
    ChatSvc,
    /// Run only the projector
    Projector,
    /// Run only the notifier
    Notifier,
}

impl ServiceName {
    /// As it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::AuthSvc => "auth-svc",
            Self::ChatSvc => "chat-svc",
            Self::Projector => "projector",
            Self::Notifier => "notifier",
        }
    }
}
