//! Work that goes on beside commands, of which one copy of this service does what there is: by a lease, looked for every
//! second.

use std::time::Duration;

use decider::Failure;
use service::ticks;
use telemetry::Shutdown;

use crate::failure::Reason;
use crate::lease::Lease;

/// How often is looked for what is to be done.
const EVERY: Duration = Duration::from_secs(1);

/// What does some kind of work.
pub(crate) trait Worker: Send + 'static {
    /// What does not go on when a look fails, as the log calls it.
    const WHAT: &'static str;
    /// Does what is to be done, if it has the lease or can take it.
    fn look(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;
    /// By what it leads.
    fn lease(&mut self) -> &mut Lease;
}

/// Works until asked to stop; what is under way then is dropped. Failures are logged, and tried again.
pub(crate) async fn work<W: Worker>(mut worker: W, stop: Shutdown) {
    let mut next = ticks(EVERY);
    loop {
        tokio::select! {
            () = stop.wait() => break,
            _ = next.tick() => {}
        }
        tokio::select! {
            () = stop.wait() => break,
            looked = worker.look() => if let Err(error) = looked {
                tracing::warn!(error = %Reason(&error), "{} do not go on", W::WHAT);
            }
        }
    }
    worker.lease().release().await;
}
