//! Logins.

use schemas::commands::{Login, Refresh};
use schemas::values::Secret;
use schemas::{Code, Rejection};

use crate::http::{Browser, RefreshBy, shape};

/// Characters of a username or an e-mail address.
const MAX_LOGIN: usize = 254;

shape! {
    /// What a user logs in with.
    Credentials {
        /// A username or an e-mail address; white space around it is ignored.
        login: String,
        /// The password.
        password: Secret,
        /// A code of the second factor, once the account has one: six digits of the app, or a recovery code.
        code: Option<Secret>,
        /// Where the refresh token goes: `body`, the default, or `cookie`, for web pages.
        refresh: Option<RefreshBy>,
    }
    /// A refresh token to exchange for new tokens.
    RefreshToken {
        /// The refresh token of the last login or refresh. Without it, the cookie's is used: that wants an allowed
        /// `Origin` and the header `Tidings-Client: 1`.
        refresh_token: Option<Secret>,
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
        Ok(Login { login, password: self.password, code: self.code })
    }
}

impl RefreshToken {
    /// The command for the token that was sent, or else for that of the cookie.
    ///
    /// # Errors
    /// As [`Browser::refresh_token`].
    pub(crate) fn command(self, browser: &Browser) -> Result<Refresh, Rejection> {
        let refresh_token = self.refresh_token.map_or_else(|| browser.refresh_token(), Ok)?;
        Ok(Refresh { refresh_token })
    }
}
