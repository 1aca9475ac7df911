//! Mails people get: ending those they do not want.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AUTH, commands};

commands! {
    /// Says whether a token of a digest's unsubscribe link is good, and changes nothing.
    AUTH / "check_unsubscribe": CheckUnsubscribe -> () {
        /// The token.
        token: String,
    }
    /// Ends the digests of the account that a token was made for. Needs no session: the token is the right.
    AUTH / "unsubscribe": Unsubscribe -> () {
        /// The token.
        token: String,
    }
}
