//! Putting the service together and serving its commands.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bus::{BusError, ServiceHandle};
use decider::{Answer, Call, accepted};
use schemas::commands::{
    AUTH, AdministerSecondFactor, AdministerUser, BeginProviderLogin, ChangePassword,
    ChangeProfile, CheckUnsubscribe, ConfirmPasswordReset, ConfirmSecondFactor,
    ConfirmVerification, CreateUser, DeleteAccount, EndSessions, EndSessionsOf, EnrolSecondFactor,
    EraseUser, FinishProviderLogin, ForgetSecrets, GetErasure, GetJwks, GetSessionStatus,
    IssueWsTicket, LiftHold, ListHolds, ListIdentities, ListProviders, ListSessions, Login,
    NoteAuditRead, NoteSessionsUsed, PlaceHold, RedeemLoginCode, RedeemWsTicket, Refresh, Register,
    RemoveSecondFactor, RequestAddressChange, RequestExport, RequestPasswordReset,
    RequestVerification, UnlinkIdentity, Unsubscribe,
};
use schemas::{Code, CodeKey, NameKey, Registration, Rejection};
use service::{BoxFuture, Deps, Service, Stage};
use telemetry::{Health, Shutdown};
use tokio::sync::Mutex;

use crate::admins::Admins;
use crate::attempts::Attempts;
use crate::auth::Auth;
use crate::challenges::Challenges;
use crate::holders::Holders;
use crate::keys::Keys;
use crate::limit::Limit;
use crate::metrics::AuthMetrics;
use crate::passwords::Passwords;
use crate::provider_logins::ProviderLogins;
use crate::providers::{ProviderConfig, Providers};
use crate::refresh::RefreshTokens;
use crate::second_factors::SecondFactors;
use crate::sessions::Sessions;
use crate::tokens::Signer;
use crate::turns::Turns;

/// What can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of the signing keys, shared by every copy of this service; made when it is missing.
    pub keys: PathBuf,
    /// bcrypt's cost, 4 to 31; each step doubles the time a password takes.
    pub bcrypt_cost: u32,
    /// How many one-time codes of a kind an account may ask for; none: as many as it likes.
    pub codes: Option<Limit>,
    /// Who may make an account for themselves.
    pub registration: Registration,
    /// The providers of single sign-on.
    pub providers: Vec<ProviderConfig>,
}

/// The keys it needs.
#[derive(Clone)]
pub struct Needs {
    /// The key of the lanes of names; that of the log ([`eventlog::EventLog::note_names`]).
    pub names: NameKey,
    /// The key of one-time codes, the same as the notifier's.
    pub codes: CodeKey,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The keys folder cannot be used.
    #[error("the keys folder {folder} cannot be used")]
    Keys {
        /// The folder that cannot be used.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The hashing threads cannot be started, or the cost is out of range.
    #[error("passwords cannot be hashed")]
    Passwords(#[source] std::io::Error),
    /// The providers of single sign-on cannot be set up.
    #[error("the providers of single sign-on cannot be set up")]
    Providers(#[source] std::io::Error),
    /// The commands cannot be served.
    #[error("the commands of auth-svc cannot be served")]
    Bus(#[from] BusError),
}

/// auth-svc, with its commands served.
pub struct AuthService {
    auth: Arc<Auth>,
    commands: ServiceHandle,
    health: Health,
}

/// How often the keys folder is looked into: a few small files.
const KEYS_EVERY: Duration = Duration::from_secs(1);

impl Service for AuthService {
    const NAME: &'static str = "auth-svc";
    const STAGE: Stage = Stage::Services;
    type Config = Config;
    type Needs = Needs;
    type Error = StartError;

    /// Opens the keys folder, starts the hashing threads and begins to serve the `auth` commands.
    fn build(
        config: Config,
        needs: Needs,
        deps: Deps,
    ) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(start(config, needs, deps))
    }

    fn run_until_stopped(self, shutdown: Shutdown) -> BoxFuture<'static, Result<(), StartError>> {
        Box::pin(self.work(shutdown))
    }
}

async fn start(config: Config, needs: Needs, deps: Deps) -> Result<AuthService, StartError> {
    deps.health.set(AuthService::NAME, Err("starting"));
    let auth = Arc::new(open(config, needs, &deps).await?);
    let commands = serve(&deps.bus, &auth, &auth.metrics.commands).await?;
    deps.health.set(AuthService::NAME, Ok::<(), String>(()));
    Ok(AuthService { auth, commands, health: deps.health })
}

/// Opens the keys folder and starts the hashing threads.
pub(crate) async fn open(config: Config, needs: Needs, deps: &Deps) -> Result<Auth, StartError> {
    let metrics = AuthMetrics::new(&deps.metrics);
    let folder = config.keys.clone();
    let unusable = move |source| StartError::Keys { folder: folder.clone(), source };
    let keys = Keys::open(&config.keys).map_err(&unusable)?;
    let secret = keys.refresh_secret().map_err(&unusable)?;
    let signer = Signer::new(keys, deps.log.namespace()).map_err(&unusable)?;
    let (cost, counted) = (config.bcrypt_cost, metrics.passwords.clone());
    let passwords = tokio::task::spawn_blocking(move || Passwords::start(cost, counted))
        .await
        .map_err(|error| StartError::Passwords(std::io::Error::other(error)))?
        .map_err(StartError::Passwords)?;
    let providers = tokio::task::spawn_blocking(move || Providers::open(config.providers))
        .await
        .map_err(|error| StartError::Providers(std::io::Error::other(error)))?
        .map_err(StartError::Providers)?;
    Ok(Auth {
        passwords,
        providers,
        provider_logins: ProviderLogins::new(&deps.log),
        signer: Arc::new(signer),
        refresh_tokens: RefreshTokens::new(secret),
        sessions: Sessions::new(&deps.log),
        credentials: deps.log.secrets("credentials"),
        tickets: deps.log.secrets("tickets"),
        admins: Admins::new(&deps.log),
        code_key: needs.codes,
        challenges: Challenges::new(&deps.log, config.codes),
        second_factors: SecondFactors::new(&deps.log),
        attempts: Attempts::new(&deps.log),
        holders: Holders::new(),
        log: deps.log.clone(),
        names: needs.names,
        registration: config.registration,
        invited: Mutex::default(),
        profiles: Turns::new(),
        metrics,
    })
}

impl AuthService {
    async fn work(self, shutdown: Shutdown) -> Result<(), StartError> {
        let keeping = tokio::spawn(keep_keys(Arc::clone(&self.auth)));
        shutdown.wait().await;
        self.health.set(Self::NAME, Err("stopping"));
        keeping.abort();
        self.commands.stop().await;
        self.health.remove(Self::NAME);
        Ok(())
    }
}

/// Looks into the keys folder again and again: another copy may have added a key, or the newest be too old.
async fn keep_keys(auth: Arc<Auth>) {
    let mut next = service::ticks(KEYS_EVERY);
    loop {
        next.tick().await;
        let auth = Arc::clone(&auth);
        match tokio::task::spawn_blocking(move || auth.signer.reload()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the keys folder cannot be read"),
            Err(error) => tracing::error!(%error, "looking into the keys folder ended badly"),
        }
    }
}

decider::endpoints! {
    /// Begins to serve the commands about accounts, sessions and tokens.
    fn serve(Auth) = AUTH, "accounts, sessions and tokens";
    Register => register;
    Login => login;
    Refresh => refresh;
    EndSessions => end_sessions;
    EndSessionsOf => end_sessions_of;
    NoteSessionsUsed => note_sessions_used;
    ListSessions => list_sessions;
    GetSessionStatus => session_status;
    GetJwks => jwks;
    IssueWsTicket => issue_ticket;
    RedeemWsTicket => redeem_ticket;
    ChangeProfile => change_profile;
    CheckUnsubscribe => check_unsubscribe;
    Unsubscribe => unsubscribe;
    ChangePassword => change_password;
    CreateUser => create_user;
    AdministerUser => administer_user;
    NoteAuditRead => note_audit_read;
    RequestVerification => request_verification;
    ConfirmVerification => confirm_verification;
    RequestAddressChange => request_address_change;
    RequestPasswordReset => request_password_reset;
    ConfirmPasswordReset => confirm_password_reset;
    EnrolSecondFactor => enrol_second_factor;
    ConfirmSecondFactor => confirm_second_factor;
    RemoveSecondFactor => remove_second_factor;
    AdministerSecondFactor => administer_second_factor;
    ListProviders => list_providers;
    BeginProviderLogin => begin_provider_login;
    FinishProviderLogin => finish_provider_login;
    RedeemLoginCode => redeem_login_code;
    ListIdentities => list_identities;
    UnlinkIdentity => unlink_identity;
    DeleteAccount => delete_account;
    EraseUser => erase_user;
    ForgetSecrets => forget_secrets;
    GetErasure => get_erasure;
    RequestExport => request_export;
    PlaceHold => place_hold;
    LiftHold => lift_hold;
    ListHolds => list_holds;
}

impl Auth {
    async fn jwks(&self, _: &Call, _: GetJwks) -> Answer<serde_json::Value> {
        let signer = Arc::clone(&self.signer);
        let read = tokio::task::spawn_blocking(move || signer.jwks()).await;
        match read {
            Ok(Ok(keys)) => Ok(accepted(None, keys)),
            Ok(Err(error)) => {
                tracing::error!(%error, "the keys folder cannot be read");
                Err(Rejection::new(Code::Unavailable, "the keys cannot be read"))
            }
            Err(_) => Err(Rejection::new(Code::Unavailable, "the keys cannot be read")),
        }
    }
}
