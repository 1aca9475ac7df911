//! Whether a start may go on with the log it finds: it must be the read model's, and all there.

use std::time::Duration;

use eventlog::{EventLog, LogError};
use readmodel::ReadModel;

use crate::failure::Failure;

/// How long a log that is shorter than it should be may take to become what it was: the new leader of a
/// cluster may not have applied yet what was agreed.
const SETTLING: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

const WAYS_OUT: &str = "restore a backup, or go on without what is lost: `tidings accept-loss` \
                        (docs/OPERATING.md, Damage)";

/// Refuses a log that the read model was not built from, before anything is made. A log that is gone is
/// not replaced by an empty one.
///
/// # Errors
/// The log is gone, or is another one than the read model's; or it cannot be read.
pub(crate) async fn same_log(log: &EventLog, read_model: &ReadModel) -> Result<(), Failure> {
    let known = checkpoint(read_model).await?;
    let Some(epoch) = known.epoch.filter(|_| known.sequence > 0) else { return Ok(()) };
    match log.attach().await {
        Err(LogError::NoStream(stream)) => Err(Failure::new(format!(
            "the log is gone: there is no stream {stream}, but the read model was built from {} of \
             its events. Restore a backup; to begin anew, delete the read model",
            known.sequence
        ))),
        Ok(_) if !log.descends_from(&epoch) => Err(Failure::new(format!(
            "the read model was built from another log ({epoch}, not {}). Restore the right backup; \
             to go on with this log, delete the read model",
            log.epoch()
        ))),
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::because("the log cannot be read", &error)),
    }
}

/// Refuses a log that is less than it was.
///
/// # Errors
/// Its end is lost, or events are missing; or it cannot be read.
pub(crate) async fn all_there(log: &EventLog, read_model: &ReadModel) -> Result<(), Failure> {
    let damaged = |error: LogError| match error {
        LogError::Damaged(_) => Failure::new(format!("{error}; {WAYS_OUT}")),
        error => Failure::because("the log cannot be read", &error),
    };
    let known = checkpoint(read_model).await?;
    let deadline = tokio::time::Instant::now() + SETTLING;
    loop {
        let head = log.head().await.map_err(damaged)?;
        if known.epoch.as_ref() != Some(&log.epoch()) || known.sequence <= head {
            return Ok(());
        }
        if tokio::time::Instant::now() >= deadline {
            let why = format!("it ends at {head}, but the read model has {}", known.sequence);
            return Err(damaged(LogError::Damaged(why)));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn checkpoint(read_model: &ReadModel) -> Result<readmodel::Checkpoint, Failure> {
    let checkpoint = read_model.writer().checkpoint().await;
    checkpoint.map_err(|error| Failure::because("the read model cannot be read", &error))
}
