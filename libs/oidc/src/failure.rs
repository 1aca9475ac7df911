//! Why a provider does not say who a person is.

use std::error::Error;

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{
    ClaimsVerificationError, DiscoveryError, RequestTokenError, StandardErrorResponse,
    UserInfoError,
};

use crate::http::HttpError;

/// Characters of what a provider says that are kept for the log.
const MAX_SAID: usize = 200;

/// Why there is no person. The reasons are for the log: they hold neither codes nor tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The provider does not answer in time, or not as it should, or does not take us for a client. Trying again may help.
    #[error("the provider cannot be used: {0}")]
    Unavailable(String),
    /// The provider does not know the code: it was used, or is not its own.
    #[error("the provider refused the code")]
    CodeRefused,
    /// What the provider says of the person must not be believed.
    #[error("the answer of the provider is not valid: {0}")]
    Invalid(String),
}

impl Failure {
    pub(crate) fn unavailable(what: &str, error: &dyn Error) -> Self {
        Self::Unavailable(format!("{what}: {}", short(&chain(error))))
    }

    pub(crate) fn invalid(what: &str) -> Self {
        Self::Invalid(what.to_owned())
    }
}

impl From<DiscoveryError<HttpError>> for Failure {
    fn from(error: DiscoveryError<HttpError>) -> Self {
        Self::unavailable("its description", &error)
    }
}

impl From<RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>> for Failure {
    fn from(
        error: RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>,
    ) -> Self {
        match &error {
            RequestTokenError::ServerResponse(said) => match said.error() {
                CoreErrorResponseType::InvalidGrant => Self::CodeRefused,
                other => Self::Unavailable(format!(
                    "its token endpoint answers {}",
                    short(other.as_ref())
                )),
            },
            RequestTokenError::Request(_) | RequestTokenError::Parse(..) => {
                Self::unavailable("its token endpoint", &error)
            }
            RequestTokenError::Other(what) => {
                Self::Unavailable(format!("its token endpoint: {}", short(what)))
            }
        }
    }
}

impl From<UserInfoError<HttpError>> for Failure {
    fn from(error: UserInfoError<HttpError>) -> Self {
        match error {
            UserInfoError::ClaimsVerification(wrong) => wrong.into(),
            error => Self::unavailable("its user information", &error),
        }
    }
}

impl From<ClaimsVerificationError> for Failure {
    fn from(error: ClaimsVerificationError) -> Self {
        Self::Invalid(short(&chain(&error)))
    }
}

/// An error and its causes. The library's errors hold what was answered, but do not show it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_SAID).collect()
}
