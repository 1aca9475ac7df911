//! Access tokens: JSON Web Tokens (RFC 7519) signed with Ed25519 (`EdDSA`, RFC 8037), good for 15 minutes.
//!
//! Header: `alg` `EdDSA`, `typ` `at+jwt` (RFC 9068), `kid` the key's id in the set of public keys.
//!
//! | claim | what |
//! |---|---|
//! | `iss` | `tidings` |
//! | `aud` | `tidings:<namespace>`, one text |
//! | `sub` | the user id, `usr_...` |
//! | `sid` | the session id, `ses_...` |
//! | `role` | `user`, `moderator` or `admin`: the account's role when the token was made |
//! | `iat`, `nbf` | when it was made and from when it is good, in seconds since the Unix epoch |
//! | `exp` | until when it is good: `iat` + 900 |
//!
//! There is no `jti`: a token is withdrawn by ending its session. The checker of one takes the key from
//! `GetJwks` by its `kid`, accepts `EdDSA` alone, and requires `typ`, `aud`, `nbf` and `exp`.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::RwLock;
use schemas::values::{Role, Secret};
use schemas::{Namespace, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::keys::{Keys, Signing};

/// Seconds an access token is good for.
pub const ACCESS_SECONDS: u32 = 15 * 60;
/// What stands in the header's `typ`.
pub const TOKEN_TYPE: &str = "at+jwt";
/// What stands in `iss`.
pub const ISSUER: &str = "tidings";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it: [`ISSUER`].
    pub iss: String,
    /// Whom it is for: `tidings:<namespace>`.
    pub aud: String,
    /// The account.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// The account's role when it was made.
    pub role: Role,
    /// When it was made, in seconds since the Unix epoch.
    pub iat: i64,
    /// From when it is good.
    pub nbf: i64,
    /// Until when it is good.
    pub exp: i64,
}

struct Current {
    kid: String,
    key: EncodingKey,
}

/// Signs access tokens with the newest key of the folder.
pub(crate) struct Signer {
    keys: Keys,
    audience: String,
    current: RwLock<Current>,
}

impl Signer {
    /// Reads the newest key.
    pub(crate) fn new(keys: Keys, namespace: &Namespace) -> std::io::Result<Self> {
        signing::install();
        let current = newest(&keys.in_force(Timestamp::now())?)?;
        let audience = format!("tidings:{namespace}");
        Ok(Self { keys, audience, current: RwLock::new(current) })
    }

    /// Reads the folder anew, so that a key another copy has added is known; the newest signs from now on.
    pub(crate) fn reload(&self) -> std::io::Result<Vec<Signing>> {
        let all = self.keys.in_force(Timestamp::now())?;
        *self.current.write() = newest(&all)?;
        Ok(all)
    }

    /// A token for a session.
    ///
    /// # Errors
    /// The key cannot sign, which no key of ours causes.
    pub(crate) fn sign(
        &self,
        user: &UserId,
        session: &SessionId,
        role: Role,
        now: Timestamp,
    ) -> Result<Secret, jsonwebtoken::errors::Error> {
        let now = now.millis().div_euclid(1000);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: self.audience.clone(),
            sub: *user,
            sid: *session,
            role,
            iat: now,
            nbf: now,
            exp: now + i64::from(ACCESS_SECONDS),
        };
        let current = self.current.read();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(current.kid.clone());
        jsonwebtoken::encode(&header, &claims, &current.key).map(Secret::new)
    }

    /// The public keys as a JSON Web Key Set (RFC 7517, RFC 8037), after a [`Signer::reload`].
    pub(crate) fn jwks(&self) -> std::io::Result<serde_json::Value> {
        let all = self.reload()?;
        let keys: Vec<serde_json::Value> = all
            .iter()
            .map(|key| {
                serde_json::json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                    "kid": key.kid, "x": BASE64URL_NOPAD.encode(&key.key.public())})
            })
            .collect();
        Ok(serde_json::json!({ "keys": keys }))
    }
}

fn newest(keys: &[Signing]) -> std::io::Result<Current> {
    let last = keys.last();
    let last = last.ok_or_else(|| std::io::Error::other("the keys folder has no signing key"))?;
    Ok(Current { key: last.key.encoding_key(), kid: last.kid.clone() })
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_checks_out_against_the_published_keys() {
        let folder = tempfile::tempdir().unwrap();
        let namespace = Namespace::parse("t").unwrap();
        let signer = Signer::new(Keys::open(folder.path()).unwrap(), &namespace).unwrap();
        let (user, session) =
            (UserId::from_uuid(Uuid::from_u128(1)), SessionId::from_uuid(Uuid::from_u128(2)));
        let token = signer.sign(&user, &session, Role::User, Timestamp::now()).unwrap();
        let jwks = signer.jwks().unwrap();
        let x = jwks.pointer("/keys/0/x").and_then(serde_json::Value::as_str).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&["tidings:t"]);
        let key = DecodingKey::from_ed_components(x).unwrap();
        let read = jsonwebtoken::decode::<Claims>(token.expose(), &key, &validation).unwrap();
        assert_eq!((read.claims.sub, read.claims.sid), (user, session));
        assert_eq!(read.header.typ.as_deref(), Some(TOKEN_TYPE));
    }
}
