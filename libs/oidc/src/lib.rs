//! Asking providers of OpenID Connect who a person is: authorization code flow with PKCE, state and nonce (OpenID Connect
//! Core 1.0; RFC 6749, 7636, 9207).
//!
//! Owns discovery and its cache, the exchange of a code, the checks of an identity token, and the HTTP client that
//! speaks to providers. It knows neither accounts nor browsers: auth-svc says what becomes of a person, the gateway
//! sends browsers back and forth. It is the one crate that names `openidconnect`, and `tokio-rustls`.
//!
//! What a provider sends is judged before it is believed: answers are bounded in bytes and time, redirections are not
//! followed, tokens must be signed by a key of the provider's, for us, now, and for this very login.

mod failure;
mod http;
mod issuer;
mod metadata;
mod person;
mod provider;

pub use failure::Failure;
pub use http::Http;
pub use issuer::{InvalidSettings, check_issuer};
pub use person::Person;
pub use provider::{Answer, Begun, Provider, Settings};
