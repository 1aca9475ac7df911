//! The port for operators: metrics, and health with reasons. Clients' port has neither.

use std::net::SocketAddr;

use service::Stage;
use telemetry::{Health, Metrics, serve_admin};
use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::supervisor::Supervisor;

/// Serves `/metrics`, `/livez` and `/readyz` at an address until everything else has stopped; where that is.
///
/// # Errors
/// The address is taken or not ours.
pub(crate) async fn serve(
    listen: SocketAddr,
    metrics: Metrics,
    health: Health,
    supervisor: &mut Supervisor,
) -> Result<SocketAddr, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::because(&format!("{listen} cannot be listened on"), &error)
    };
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    // It stops last: as long as anything runs, operators may ask how it is.
    supervisor.run("admin", Stage::Admin, |shutdown| async move {
        serve_admin(listener, metrics, health, shutdown).await;
        Ok(())
    });
    Ok(address)
}
