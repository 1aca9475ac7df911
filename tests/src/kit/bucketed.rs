//! An installation whose files are in a bucket of an S3-compatible store.

use serde_json::Value;

use crate::kit::installation::{Installation, Place, RELAXED};
use crate::kit::person::id_of;
use crate::kit::s3_server::{Kind, S3Server};
use crate::kit::{Patience, until_within};

/// An installation, and the store of its files.
pub struct Bucketed {
    /// The installation.
    pub installation: Installation,
    /// The store.
    pub store: S3Server,
}

impl Bucketed {
    /// Starts both; none, with a message, where the store is not installed.
    ///
    /// # Panics
    /// When one of them does not come up.
    pub async fn start(kind: Kind, flags: &[&str]) -> Option<Self> {
        let store = S3Server::start(kind).await?;
        let of_store = store.flags();
        let of_store = of_store.iter().map(String::as_str);
        let flags: Vec<&str> = RELAXED.iter().chain(flags).copied().chain(of_store).collect();
        Some(Self { installation: Installation::start(&flags), store })
    }

    /// Where users connect.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.installation.place
    }

    /// Waits until the store holds exactly this.
    pub async fn holds(&self, what: &str, wanted: &[String]) {
        let mut wanted = wanted.to_vec();
        wanted.sort();
        until_within(Patience::for_(what).times(3), async || {
            (self.store.keys().await == wanted).then_some(())
        })
        .await;
    }
}

/// The key of a file in the bucket.
#[must_use]
pub fn key_of(media: &Value) -> String {
    format!("tidings/file/{}", id_of(media))
}
