//! Installations that many cases share; each case has users and rooms of its own.

use tokio::sync::OnceCell;

use crate::kit::installation::{Installation, Place};
use crate::kit::mongo;
use crate::kit::separate::Separate;

/// `tidings serve` on SQLite, without limits, with an admin.
pub async fn one_process() -> Place {
    one_process_installation().await.place.clone()
}

/// The same with its folder and process; only to look at.
pub async fn one_process_installation() -> &'static Installation {
    static ONE: OnceCell<Installation> = OnceCell::const_new();
    ONE.get_or_init(|| async {
        let installation = Installation::lasting(super::installation::RELAXED);
        installation.place.found().await;
        installation
    })
    .await
}

/// Separate processes with two gateways on MongoDB, with an admin; none when there is no MongoDB.
pub async fn separate() -> Option<Place> {
    separate_installation().await.map(|separate| separate.place.clone())
}

/// The same with its processes; only to look at.
pub async fn separate_installation() -> Option<&'static Separate> {
    static SEPARATE: OnceCell<Option<Separate>> = OnceCell::const_new();
    let separate = SEPARATE.get_or_init(|| async {
        let separate = Separate::lasting(&mongo::url()?);
        separate.place.found().await;
        Some(separate)
    });
    separate.await.as_ref()
}
