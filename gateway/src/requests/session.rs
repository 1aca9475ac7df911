//! Logins.

use schemas::commands::{Login, Refresh};
use schemas::values::Secret;
use schemas::{Code, Rejection};

use crate::http::shape;

/// Characters of a username or an e-mail address.
const MAX_LOGIN: usize = 254;

shape! {
    /// What a user logs in with.
    Credentials {
        /// A username or an e-mail address; white space around it is ignored.
        login: String,
        /// The password.
        password: Secret,
    }
    /// A refresh token to exchange for new tokens.
    RefreshToken {
        /// The refresh token of the last login or refresh.
        refresh_token: Secret,
    }
}

impl Credentials {
    /// # Errors
    /// `validation_failed` for a login that is too long.
    pub(crate) fn command(self) -> Result<Login, Rejection> {
        // Keyboards of phones add a space behind a word.
        let login = self.login.trim().to_owned();
        if login.chars().count() > MAX_LOGIN {
            let detail = "must have at most 254 characters";
            return Err(Rejection::field(Code::ValidationFailed, "/login", "too_long", detail));
        }
        Ok(Login { login, password: self.password })
    }
}

impl RefreshToken {
    pub(crate) fn command(self) -> Refresh {
        Refresh { refresh_token: self.refresh_token }
    }
}
