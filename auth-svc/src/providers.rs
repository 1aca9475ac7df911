//! The providers of single sign-on that the configuration names.

use std::io;

use oidc::{Http, InvalidSettings, Settings};
use schemas::Rejection;
use schemas::values::{ProviderId, ProviderName, Secret};

/// A provider, as the configuration describes it.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// What stands in paths.
    pub id: ProviderId,
    /// What people call it.
    pub name: ProviderName,
    /// The URL that names the provider, to the letter.
    pub issuer: String,
    /// What the provider calls this installation.
    pub client_id: String,
    /// What this installation proves that with.
    pub client_secret: Secret,
    /// Whether the provider is trusted to say whose an address is: then a person with the verified address of an account
    /// comes into that account.
    pub link_by_email: bool,
}

/// A provider that can be asked.
pub(crate) struct Provider {
    pub(crate) id: ProviderId,
    pub(crate) name: ProviderName,
    pub(crate) link_by_email: bool,
    pub(crate) client: oidc::Provider,
}

/// All of them, in the order of the configuration.
#[derive(Default)]
pub(crate) struct Providers {
    all: Vec<Provider>,
}

impl Providers {
    /// Sets them up; asks none of them yet. Reads the certificates of authorities.
    ///
    /// # Errors
    /// TLS cannot be set up, or an issuer is none.
    pub(crate) fn open(configs: Vec<ProviderConfig>) -> io::Result<Self> {
        if configs.is_empty() {
            return Ok(Self::default());
        }
        let http = Http::new()?;
        let open = |config: ProviderConfig| {
            let ProviderConfig { id, name, issuer, client_id, client_secret, link_by_email } =
                config;
            let client =
                oidc::Provider::new(Settings { issuer, client_id, client_secret }, http.clone());
            let wrong = |error: InvalidSettings| io::Error::other(format!("{id}: {error}"));
            let client = client.map_err(wrong)?;
            Ok(Provider { id, name, link_by_email, client })
        };
        let all: io::Result<Vec<Provider>> = configs.into_iter().map(open).collect();
        Ok(Self { all: all? })
    }

    pub(crate) fn all(&self) -> &[Provider] {
        &self.all
    }

    /// A provider by its id.
    ///
    /// # Errors
    /// `not_found`.
    pub(crate) fn get(&self, id: &ProviderId) -> Result<&Provider, Rejection> {
        self.all.iter().find(|one| one.id == *id).ok_or_else(Rejection::not_found)
    }
}
