//! What each session wrote last through this gateway, so that what it reads next is not older.

use std::time::Duration;

use foldhash::quality::RandomState;
use moka::sync::Cache;
use readmodel::{Group, ReadModel};
use schemas::{Position, Sequence, SessionId};

use crate::live::Hub;

/// How long a read waits for what its own session wrote; then it gets what there is.
const PATIENCE: Duration = Duration::from_secs(1);
/// Sessions remembered; those that wrote longest ago are forgotten first and read what there is.
const MAX_SESSIONS: u64 = 100_000;
/// A session that has not written for so long reads what there is.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The last write of each session.
pub(crate) struct OwnWrites(Cache<SessionId, Sequence, RandomState>);

impl Default for OwnWrites {
    fn default() -> Self {
        let sessions = Cache::builder().max_capacity(MAX_SESSIONS).time_to_live(REMEMBERED);
        Self(sessions.build_with_hasher(RandomState::default()))
    }
}

impl OwnWrites {
    /// A session wrote something that is in the log at this position.
    pub(crate) fn note(&self, session: &SessionId, position: &Position) {
        if self.0.get(session).is_none_or(|known| known < position.sequence) {
            self.0.insert(*session, position.sequence);
        }
    }

    /// Waits until what a session wrote can be read from these groups of views, and from what the live feed keeps
    /// fresh here; a second at most.
    pub(crate) async fn wait(
        &self,
        session: &SessionId,
        groups: &[Group],
        read_model: &ReadModel,
        hub: &Hub,
    ) {
        let Some(sequence) = self.0.get(session) else { return };
        let projected = read_model.wait_for_groups(groups, sequence, PATIENCE);
        let (_, _) = tokio::join!(projected, hub.reaches(sequence, PATIENCE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::session;
    use schemas::Epoch;

    #[test]
    fn the_newest_write_counts_whichever_is_heard_of_last() {
        let writes = OwnWrites::default();
        let epoch = Epoch::parse("abc").unwrap();
        for sequence in [5, 9, 7] {
            writes.note(&session(1), &epoch.at(sequence));
        }
        assert_eq!(writes.0.get(&session(1)), Some(9));
        assert_eq!(writes.0.get(&session(2)), None);
    }
}
