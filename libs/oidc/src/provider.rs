//! One provider: what is known of it, how a login begins there and ends.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use openidconnect::core::{
    CoreClient, CoreClientAuthMethod, CoreIdToken, CoreJwsSigningAlgorithm, CoreResponseType,
    CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError,
    ClientId, ClientSecret, CsrfToken, IssuerUrl, JsonWebKeySet, JwsSigningAlgorithm as _, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    SignatureVerificationError, SubjectIdentifier,
};
use schemas::values::Secret;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use crate::failure::Failure;
use crate::http::{Asking, Http, is_this_machine};
use crate::issuer::{InvalidSettings, parsed};
use crate::metadata::{Client, Metadata};
use crate::person::Person;

/// How long what a provider says of itself is good. Keys that are missing are asked for at once.
const FRESH: Duration = Duration::from_secs(3600);
/// After a failure it is not asked again for so long: those who wait behind one another get the same answer.
const AGAIN: Duration = Duration::from_secs(1);
/// Logins that may be finished at one provider at the same time, and how long one waits for its turn.
const AT_ONCE: usize = 32;
const TURN: Duration = Duration::from_secs(2);
/// Longest subject (OpenID Connect Core, section 2).
const MAX_SUBJECT: usize = 255;
/// Seconds between the clocks of a provider and ours that are forgiven, and how old an identity token may be.
const SKEW: i64 = 300;
const MAX_AGE: i64 = 900;

/// What Tidings is to a provider.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The URL that names the provider; its description lies below it.
    pub issuer: String,
    /// What the provider calls this installation.
    pub client_id: String,
    /// What this installation proves that with.
    pub client_secret: Secret,
}

/// What a provider says of itself, its keys included.
struct Known {
    metadata: Metadata,
    at: Instant,
}

/// What was found out last.
#[derive(Default)]
struct Cache {
    known: Option<Arc<Known>>,
    failed: Option<(Instant, Failure)>,
}

/// A provider.
pub struct Provider {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: ClientSecret,
    asking: Asking,
    cache: Mutex<Cache>,
    turns: Semaphore,
}

/// A login that was begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// What the answer must bring along; 128 random bits.
    pub state: Secret,
    /// What the identity token must hold.
    pub nonce: Secret,
    /// What the code is exchanged with.
    pub verifier: Secret,
}

/// What a browser brings back from a provider, and what was kept since it went there.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The code.
    pub code: &'a str,
    /// Who says they have answered (RFC 9207).
    pub iss: Option<&'a str>,
    /// The address it came to.
    pub redirect_uri: &'a str,
    /// [`Begun::nonce`].
    pub nonce: &'a Secret,
    /// [`Begun::verifier`].
    pub verifier: &'a Secret,
}

impl Provider {
    /// A provider that was not asked for anything yet.
    ///
    /// # Errors
    /// [`InvalidSettings`].
    pub fn new(settings: Settings, http: Http) -> Result<Self, InvalidSettings> {
        let Settings { issuer, client_id, client_secret } = settings;
        let (issuer, plain) = parsed(issuer)?;
        Ok(Self {
            issuer,
            client_id: ClientId::new(client_id),
            client_secret: ClientSecret::new(client_secret.expose().to_owned()),
            asking: Asking { http, plain },
            cache: Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
        })
    }

    /// Who the provider is, to the letter.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Begins a login, to which the provider is to answer at an address of ours.
    ///
    /// # Errors
    /// [`Failure::Unavailable`].
    pub fn begin<'a>(&'a self, redirect_uri: &'a str) -> BoxFuture<'a, Result<Begun, Failure>> {
        Box::pin(self.begun(redirect_uri))
    }

    async fn begun(&self, redirect_uri: &str) -> Result<Begun, Failure> {
        let known = self.known().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client(&known);
        let request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .set_redirect_uri(Cow::Owned(redirect(redirect_uri)?));
        let (url, state, nonce) = request.url();
        Ok(Begun {
            url: url.into(),
            state: Secret::new(state.into_secret()),
            nonce: Secret::new(nonce.secret().as_str()),
            verifier: Secret::new(verifier.into_secret()),
        })
    }

    /// Finishes a login: who the person is that the provider has sent back.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn finish<'a>(&'a self, answer: &'a Answer<'a>) -> BoxFuture<'a, Result<Person, Failure>> {
        Box::pin(self.finished(answer))
    }

    async fn finished(&self, answer: &Answer<'_>) -> Result<Person, Failure> {
        let _turn = self.turn().await?;
        let known = self.known().await?;
        self.check_issuer(&known, answer.iss)?;
        let client = self.client(&known);
        let request = client
            .exchange_code(AuthorizationCode::new(answer.code.to_owned()))
            .map_err(|error| Failure::unavailable("its token endpoint", &error))?
            .set_pkce_verifier(PkceCodeVerifier::new(answer.verifier.expose().to_owned()))
            .set_redirect_uri(Cow::Owned(redirect(answer.redirect_uri)?));
        let tokens: CoreTokenResponse = request.request_async(&self.asking).await?;
        let token = tokens.extra_fields().id_token();
        let token = token.ok_or_else(|| Failure::invalid("there is no identity token"))?;
        let nonce = Nonce::new(answer.nonce.expose().to_owned());
        let person = match self.person(&client, &known, token, &nonce) {
            Err(error) if is_about_keys(&error) => {
                let known = self.with_new_keys(&known).await?;
                self.person(&self.client(&known), &known, token, &nonce)?
            }
            person => person?,
        };
        if person.subject.is_empty() || person.subject.len() > MAX_SUBJECT {
            return Err(Failure::invalid("the subject is not of 1 to 255 bytes"));
        }
        self.completed(&client, tokens.access_token(), person).await
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Failure> {
        let turn = timeout(TURN, self.turns.acquire()).await;
        let busy = || Failure::Unavailable("too many logins wait for it".to_owned());
        turn.map_err(|_| busy())?.map_err(|_| busy())
    }

    /// An answer of another provider must not be taken for one of this one (RFC 9207).
    fn check_issuer(&self, known: &Known, iss: Option<&str>) -> Result<(), Failure> {
        let extra = known.metadata.additional_metadata();
        match iss {
            Some(iss) if iss == self.issuer.as_str() => Ok(()),
            None if !extra.authorization_response_iss_parameter_supported => Ok(()),
            Some(_) | None => Err(Failure::invalid("the answer is of another issuer")),
        }
    }

    /// Checks an identity token, and says who it is about.
    fn person(
        &self,
        client: &Client,
        known: &Known,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<Person, ClaimsVerificationError> {
        // What is signed with the secret that both sides have, or not at all, is not signed by the provider.
        let offered = known.metadata.id_token_signing_alg_values_supported().iter();
        let signed = |one: &&CoreJwsSigningAlgorithm| {
            !one.uses_shared_secret() && **one != CoreJwsSigningAlgorithm::None
        };
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(offered.filter(signed).cloned())
            .set_issue_time_verifier_fn(|issued| {
                let age = schemas::Timestamp::now().millis() / 1000 - issued.timestamp();
                let timely = (-SKEW..=MAX_AGE).contains(&age);
                timely.then_some(()).ok_or_else(|| format!("it was issued {age} s ago"))
            });
        let claims = token.claims(&verifier, nonce)?;
        if claims.authorized_party().is_some_and(|party| *party != self.client_id) {
            let what = "it was issued to another client".to_owned();
            return Err(ClaimsVerificationError::InvalidAudience(what));
        }
        Ok(Person::of(claims))
    }

    /// The person with what only the user information says: many providers keep addresses out of identity tokens.
    async fn completed(
        &self,
        client: &Client,
        token: &AccessToken,
        person: Person,
    ) -> Result<Person, Failure> {
        if person.email.is_some() || client.user_info_url().is_none() {
            return Ok(person);
        }
        // The library writes it into a header, and would panic over what fits into none.
        if token.secret().is_empty() || !token.secret().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Failure::invalid("the access token is none"));
        }
        let subject = SubjectIdentifier::new(person.subject.as_str().into());
        let request = client
            .user_info(token.clone(), Some(subject))
            .map_err(|error| Failure::unavailable("its user information", &error))?;
        let claims: CoreUserInfoClaims = request.request_async(&self.asking).await?;
        Ok(person.completed(&claims))
    }

    /// What the provider says of itself. When it cannot be asked again, what it said before holds.
    async fn known(&self) -> Result<Arc<Known>, Failure> {
        let mut cache = self.cache.lock().await;
        let failed = cache.failed.as_ref().filter(|(at, _)| at.elapsed() < AGAIN);
        match (&cache.known, failed) {
            (Some(known), None) if known.at.elapsed() < FRESH => return Ok(Arc::clone(known)),
            (Some(known), Some(_)) => return Ok(Arc::clone(known)),
            (None, Some((_, failure))) => return Err(failure.clone()),
            (_, None) => {}
        }
        match self.discover().await {
            Ok(metadata) => {
                let known = Arc::new(Known { metadata, at: Instant::now() });
                *cache = Cache { known: Some(Arc::clone(&known)), failed: None };
                Ok(known)
            }
            Err(failure) => {
                tracing::warn!(oidc.issuer = self.issuer(), %failure, "a provider cannot be asked");
                cache.failed = Some((Instant::now(), failure.clone()));
                cache.known.as_ref().map(Arc::clone).ok_or(failure)
            }
        }
    }

    async fn discover(&self) -> Result<Metadata, Failure> {
        let metadata = Metadata::discover_async(self.issuer.clone(), &self.asking).await?;
        // Browsers are sent there.
        let url = metadata.authorization_endpoint().url();
        let there = url.host_str().is_some_and(is_this_machine);
        match url.scheme() {
            "https" => Ok(metadata),
            "http" if self.asking.plain && there => Ok(metadata),
            _ => Err(Failure::Unavailable("its login page is not https".to_owned())),
        }
    }

    /// The same with the keys it has now, unless another has asked for them meanwhile.
    async fn with_new_keys(&self, seen: &Arc<Known>) -> Result<Arc<Known>, Failure> {
        let mut cache = self.cache.lock().await;
        if let Some(known) = cache.known.as_ref().filter(|known| !Arc::ptr_eq(known, seen)) {
            return Ok(Arc::clone(known));
        }
        let uri = seen.metadata.jwks_uri();
        let keys = JsonWebKeySet::fetch_async(uri, &self.asking).await?;
        let metadata = seen.metadata.clone().set_jwks(keys);
        let known = Arc::new(Known { metadata, at: seen.at });
        cache.known = Some(Arc::clone(&known));
        Ok(known)
    }

    fn client(&self, known: &Known) -> Client {
        let (id, secret) = (self.client_id.clone(), self.client_secret.clone());
        let client = CoreClient::from_provider_metadata(known.metadata.clone(), id, Some(secret));
        let methods = known.metadata.token_endpoint_auth_methods_supported();
        let by_post = methods.is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        client.set_auth_type(if by_post { AuthType::RequestBody } else { AuthType::BasicAuth })
    }
}

fn redirect(uri: &str) -> Result<RedirectUrl, Failure> {
    let parsed = RedirectUrl::new(uri.to_owned());
    parsed.map_err(|error| Failure::unavailable("our own address", &error))
}

/// The provider may have other keys by now.
fn is_about_keys(error: &ClaimsVerificationError) -> bool {
    matches!(
        error,
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey
                | SignatureVerificationError::CryptoError(_)
                | SignatureVerificationError::AmbiguousKeyId(_)
        )
    )
}
