//! Logging in through providers of single sign-on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AUTH, commands};
use crate::codes::Code;
use crate::digest::Digest;
use crate::login_code::CodeChallenge;
use crate::values::{ProviderId, ProviderName, Secret};
use crate::views::{LinkedIdentity, SessionTokens};

/// A provider people may log in through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provider {
    /// What the configuration calls it; stands in paths.
    pub id: ProviderId,
    /// What people call it.
    pub name: ProviderName,
}

/// A login that was begun: where the browser goes, and what it brings back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BegunProviderLogin {
    /// The provider's login page, with the request.
    pub url: String,
    /// What the provider hands back with its answer.
    pub state: Secret,
    /// What the browser keeps meanwhile: an answer that comes from another browser is refused.
    pub browser: Secret,
}

/// What a provider answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderAnswer {
    /// The person has logged in there.
    Code {
        /// What the provider will say more for.
        code: Secret,
        /// Who says they have answered (RFC 9207).
        iss: Option<String>,
    },
    /// They have not; the error of RFC 6749, section 4.1.2.1.
    Error(String),
}

/// What has become of a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderLoginOutcome {
    /// A code that is good for one session, for 60 s.
    Code(Secret),
    /// Nothing.
    Failed(Code),
}

/// A login that has come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FinishedProviderLogin {
    /// Where the browser goes: what the login was begun with.
    pub return_to: String,
    /// With what.
    pub outcome: ProviderLoginOutcome,
}

commands! {
    /// Lists the providers people may log in through.
    AUTH / "list_providers": ListProviders -> Vec<Provider> {}
    /// Begins a login at a provider. Nothing is written into the log.
    AUTH / "begin_provider_login": BeginProviderLogin -> BegunProviderLogin {
        /// The provider.
        provider: ProviderId,
        /// The address of the gateway that the provider answers to.
        redirect_uri: String,
        /// Where the browser goes in the end; the gateway has made sure that it may. At most 2,000 bytes.
        return_to: String,
        /// What the code in the end is exchanged against.
        code_challenge: CodeChallenge,
    }
    /// Takes what a provider answered. Nothing is written into the log: an account is made or linked when the code is
    /// exchanged.
    AUTH / "finish_provider_login": FinishProviderLogin -> FinishedProviderLogin {
        /// The provider.
        provider: ProviderId,
        /// What came with the answer.
        state: Secret,
        /// What the browser has kept.
        browser: Option<Secret>,
        /// The answer.
        answer: ProviderAnswer,
        /// Whether the gateway listens on a loopback address only.
        loopback: bool,
    }
    /// Exchanges the code of a login for a session: makes the account, or links it, if need be.
    AUTH / "redeem_login_code": RedeemLoginCode -> SessionTokens {
        /// The code.
        code: Secret,
        /// What the challenge of the login was made of.
        code_verifier: Secret,
        /// A code of the second factor, if the account has one.
        second_factor: Option<Secret>,
        /// Whether the gateway listens on a loopback address only.
        loopback: bool,
    }
    /// Lists the identities by which the caller's account can be logged in to.
    AUTH / "list_identities": ListIdentities -> Vec<LinkedIdentity> {}
    /// Takes one of them away from the caller's account.
    AUTH / "unlink_identity": UnlinkIdentity -> () {
        /// The key of the identity.
        identity: Digest,
        /// The present password; none when the account has none.
        password: Option<Secret>,
        /// A code of the second factor, if the account has one.
        code: Option<Secret>,
    }
}
