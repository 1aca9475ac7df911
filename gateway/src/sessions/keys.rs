//! Access tokens and the keys they are signed with.
//!
//! A token is a JWT (RFC 7519) signed with Ed25519. Which key signed it stands in its `kid`, and keys come
//! from auth-svc only: a key, address or certificate a token brings along is never looked at.
//!
//! A token is verified at its first use and after every fetch of the keys; in between it is remembered (`verified`).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bus::Bus;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use parking_lot::RwLock;
use schemas::commands::{CallContext, Caller, GetJwks};
use schemas::values::Role;
use schemas::{Code, Namespace, Rejection, SessionId, Timestamp, UserId};
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard};

use super::verified::{TokenHash, Verified, VerifiedTokens};
use crate::commands;

/// Clocks of servers may differ by so many seconds.
const LEEWAY: u64 = 5;
/// The `typ` of an access token (RFC 9068).
const TYPE: &str = "at+jwt";
/// Who makes them.
const ISSUER: &str = "tidings";
/// Longer texts are no tokens of ours.
const MAX_TOKEN: usize = 4096;
/// Unknown key ids make the keys be fetched, but not more often than this: any client can invent one. Who brings one
/// waits that long, as the key may be a new one.
const FETCH_EVERY: Duration = Duration::from_millis(500);
/// Milliseconds a fetch may take: a client is waiting.
const FETCH_WITHIN_MS: u32 = 2_000;
/// Keys are fetched anew after this long, so that a withdrawn one stops being good.
const GOOD_FOR: Duration = Duration::from_secs(300);

#[derive(Deserialize)]
struct Claims {
    sub: UserId,
    sid: SessionId,
    role: Role,
    exp: serde_json::Number,
}

struct Known {
    document: serde_json::Value,
    keys: HashMap<String, DecodingKey>,
    /// When they were asked for.
    fetched: Instant,
    /// No two different sets of keys have the same number.
    number: u64,
}

/// The keys, fetched when they are needed.
pub(super) struct Keys {
    bus: Bus,
    validation: Validation,
    known: RwLock<Option<Arc<Known>>>,
    fetches: AtomicU64,
    verified: VerifiedTokens,
    /// Held while fetching: the last attempt.
    attempt: Mutex<Option<Attempt>>,
}

/// A try to fetch the keys.
struct Attempt {
    /// When it began.
    at: Instant,
    /// Why it failed, if it did.
    failed: Option<Rejection>,
}

impl Keys {
    pub(super) fn new(bus: Bus, namespace: &Namespace) -> Self {
        signing::install();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_audience(&[format!("tidings:{namespace}")]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        Self {
            bus,
            validation,
            known: RwLock::new(None),
            fetches: AtomicU64::new(0),
            verified: VerifiedTokens::new(),
            attempt: Mutex::new(None),
        }
    }

    /// Who a token says is asking. A token that was verified with the keys there are is not verified again.
    ///
    /// # Errors
    /// `token_expired` for a token that was good once, `unauthenticated` for any other, `unavailable` when the keys
    /// are not known and auth-svc does not answer.
    pub(super) async fn verify(&self, token: &str) -> Result<Caller, Rejection> {
        if token.len() > MAX_TOKEN {
            return Err(foreign());
        }
        let hash = TokenHash::of(token);
        let Some(verified) = self.verified.get(&hash) else {
            return self.verify_signature(token, hash).await;
        };
        // Asked each time, as keys that are old are fetched anew and may be without the one that signed.
        if self.known(|_| true).await?.number != verified.keys {
            return self.verify_signature(token, hash).await;
        }
        if verified.is_expired(Timestamp::now(), LEEWAY) {
            self.verified.forget(&hash);
            return Err(expired());
        }
        Ok(verified.caller)
    }

    async fn verify_signature(&self, token: &str, hash: TokenHash) -> Result<Caller, Rejection> {
        let header = decode_header(token).map_err(|_| foreign())?;
        let typed = header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE));
        if header.alg != Algorithm::EdDSA || !typed {
            return Err(foreign());
        }
        let id = header.kid.as_deref().ok_or_else(foreign)?;
        let known = self.known(|known| known.keys.contains_key(id)).await?;
        let key = known.keys.get(id).ok_or_else(foreign)?;
        match decode::<Claims>(token, key, &self.validation) {
            Ok(data) => {
                let Claims { sub, sid, role, exp } = data.claims;
                let caller = Caller { user_id: sub, session_id: sid, role };
                // A token whose expiry is no whole number is good, but not remembered.
                if let Some(expires) = exp.as_u64() {
                    let verified = Verified { caller, expires, keys: known.number };
                    self.verified.insert(hash, verified);
                }
                Ok(caller)
            }
            Err(error) => Err(match error.kind() {
                ErrorKind::ExpiredSignature => expired(),
                _ => foreign(),
            }),
        }
    }

    /// The key set as auth-svc gives it, at most half a second old; older while it does not answer.
    pub(super) async fn document(&self) -> Result<serde_json::Value, Rejection> {
        let asked = self.known(|known| known.fetched.elapsed() < FETCH_EVERY).await;
        let kept = || self.known.read().clone();
        let known = asked.or_else(|rejection| kept().ok_or(rejection))?;
        Ok(known.document.clone())
    }

    /// The keys; fetched when they are old or not `enough`. Old ones are better than none: while auth-svc is
    /// away, or another request is just asking it, they are good for a while longer.
    async fn known(&self, enough: impl Fn(&Known) -> bool) -> Result<Arc<Known>, Rejection> {
        let known = self.known.read().clone().filter(|known| enough(known));
        match known {
            Some(known) if known.fetched.elapsed() < GOOD_FOR => Ok(known),
            Some(known) => match self.attempt.try_lock() {
                Ok(attempt) if due(attempt.as_ref()).is_zero() => self.fetch(attempt, enough).await,
                Ok(_) | Err(_) => Ok(known),
            },
            None => self.look(enough).await,
        }
    }

    /// The keys as they are after this question came: of any number of questions at the same time the first has them
    /// fetched for all.
    async fn look(&self, enough: impl Fn(&Known) -> bool) -> Result<Arc<Known>, Rejection> {
        let asked = Instant::now();
        let attempt = self.attempt.lock().await;
        let known = self.known.read().clone();
        if let Some(known) = known.as_ref().filter(|known| enough(known)) {
            return Ok(Arc::clone(known));
        }
        match (attempt.as_ref().filter(|last| last.at >= asked), known) {
            (Some(Attempt { failed: Some(rejection), .. }), _) => return Err(rejection.clone()),
            (Some(_), Some(known)) => return Ok(known),
            (Some(_), None) | (None, _) => {}
        }
        tokio::time::sleep(due(attempt.as_ref())).await;
        self.fetch(attempt, enough).await
    }

    async fn fetch(
        &self,
        mut attempt: MutexGuard<'_, Option<Attempt>>,
        enough: impl Fn(&Known) -> bool,
    ) -> Result<Arc<Known>, Rejection> {
        let at = Instant::now();
        let context = CallContext {
            deadline_ms: FETCH_WITHIN_MS,
            ..commands::own_context(telemetry::current_traceparent())
        };
        let answer = commands::send(&self.bus, &context, &GetJwks {}).await;
        let failed = answer.as_ref().err().cloned();
        *attempt = Some(Attempt { at, failed });
        let known = self.known.read().clone();
        match (answer, known) {
            (Ok(accepted), known) => {
                // The same keys have the same number: what was verified with them stays so.
                let same = known.filter(|known| known.document == accepted.result);
                let number = match same {
                    Some(known) => known.number,
                    None => self.fetches.fetch_add(1, Ordering::Relaxed),
                };
                let known = Arc::new(read(accepted.result, number, at));
                *self.known.write() = Some(Arc::clone(&known));
                Ok(known)
            }
            (Err(_), Some(known)) if enough(&known) => Ok(known),
            (Err(rejection), _) => Err(rejection),
        }
    }
}

/// How long it is until the keys may be fetched again.
fn due(last: Option<&Attempt>) -> Duration {
    last.map_or(Duration::ZERO, |last| FETCH_EVERY.saturating_sub(last.at.elapsed()))
}

/// Keys of other kinds than ours are left aside.
fn read(document: serde_json::Value, number: u64, fetched: Instant) -> Known {
    let mut keys = HashMap::new();
    for jwk in document.get("keys").and_then(|keys| keys.as_array()).into_iter().flatten() {
        let text = |name: &str| jwk.get(name).and_then(|value| value.as_str());
        let ours = text("kty") == Some("OKP") && text("crv") == Some("Ed25519");
        if let (true, Some(id), Some(x)) = (ours, text("kid"), text("x")) {
            match DecodingKey::from_ed_components(x) {
                Ok(key) => drop(keys.insert(id.to_owned(), key)),
                Err(error) => tracing::warn!(key.id = id, error = %error, "an unusable public key"),
            }
        }
    }
    Known { document, keys, fetched, number }
}

fn expired() -> Rejection {
    Rejection::new(Code::TokenExpired, "refresh the access token")
}

fn foreign() -> Rejection {
    Rejection::new(Code::Unauthenticated, "the access token is not valid")
}
