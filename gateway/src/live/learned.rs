//! What a hub learns from the log at its start: memberships that the read model does not have yet.

use std::time::Duration;

use eventlog::LogError;
use schemas::{Lane, RoomId, Sequence};
use telemetry::error_chain;

use super::hub::Hub;
use super::unprojected::Unprojected;

/// How far the read model may be behind a gateway that starts for its memberships to be made up for from the log:
/// some seconds of reading.
const MAKE_UP_FOR: Sequence = 5_000_000;
/// Events asked of the log at a time, and how long they are waited for.
const BATCH: usize = 1_000;
const WAIT: Duration = Duration::from_secs(1);

impl Hub {
    /// Reads who came and went between what the read model has and the place from which on everything is handed
    /// on. Its views may stand before an event they cannot apply: that must not keep anybody out.
    pub(super) async fn learn_unprojected(&self, begin: Sequence) -> Result<(), LogError> {
        let inner = &self.inner;
        let projected = match inner.read.current().checkpoint().await {
            Ok(checkpoint) if checkpoint.epoch.as_ref() == Some(&inner.epoch) => {
                checkpoint.groups.conversations
            }
            _ => return Ok(()),
        };
        if projected >= begin || begin - projected > MAKE_UP_FOR {
            return Ok(());
        }
        let mut unprojected = Unprojected::after(projected);
        let mut reader = inner.log.read_from(projected).await?;
        while reader.through() < begin {
            for record in reader.next(BATCH, WAIT).await?.records {
                if let Some(lane @ (Lane::Room(_) | Lane::Member(..))) = &record.lane
                    && record.sequence <= begin
                {
                    unprojected.note(record.sequence, lane, record.event().ok().as_ref());
                }
            }
        }
        inner.state.lock().unprojected = unprojected;
        Ok(())
    }

    /// Reads which rooms every user belongs to. One that the read model does not know yet is on the feed.
    pub(super) async fn learn_everyone(&self) {
        match self.inner.rooms_of_everybody().await {
            Ok(rooms) => {
                let mut state = self.inner.state.lock();
                let unprojected: Vec<RoomId> = state.unprojected.everyone().cloned().collect();
                state.everyone.extend(rooms.into_iter().chain(unprojected));
            }
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), "the room of everybody is not known yet");
            }
        }
    }
}
