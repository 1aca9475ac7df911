//! Exports: what becomes of one that was asked for.
//!
//! Owns how long one is tried and how long its file is kept. It must not know what is in the file (`crate::export`).

use decider::{Expect, Fact};
use schemas::events::{ExportExpired, ExportReady, ExportStage, ExportState};
use schemas::{Lane, Sequence, Timestamp};

/// Seconds that the file of an export can be downloaded for: seven days. One that is not made within as long is given up.
pub const KEPT_SECONDS: i64 = 7 * 24 * 60 * 60;

/// What is to be done with an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It is to be made.
    Make,
    /// Its file is to be removed.
    Remove,
    /// Nothing.
    Nothing,
}

/// What is to be done with an export at a time.
#[must_use]
pub fn due(export: &ExportState, now: Timestamp) -> Due {
    match export.stage {
        ExportStage::Running if export.requested_at.plus_seconds(KEPT_SECONDS) <= now => {
            Due::Remove
        }
        ExportStage::Running => Due::Make,
        ExportStage::Ready if export.is_ready(now) => Due::Nothing,
        ExportStage::Ready | ExportStage::Withdrawn => Due::Remove,
        ExportStage::Expired => Due::Nothing,
    }
}

/// The file was made: it can be downloaded, unless the lane has moved since it was begun.
#[must_use]
pub fn ready(export: &ExportState, at: Sequence, size: u64, now: Timestamp) -> Fact {
    let export = ExportState {
        stage: ExportStage::Ready,
        size: Some(size),
        ready_at: Some(now),
        expires_at: Some(now.plus_seconds(KEPT_SECONDS)),
        ..export.clone()
    };
    Fact::expecting(Expect::At(at), Lane::Exports(export.user_id), ExportReady { export })
}

/// The file is gone.
#[must_use]
pub fn expired(export: &ExportState, at: Sequence) -> Fact {
    let export = ExportState { stage: ExportStage::Expired, ..export.clone() };
    let lane = Lane::Exports(export.user_id);
    Fact::expecting(Expect::At(at), lane, ExportExpired { export })
}

#[cfg(test)]
mod tests {
    use schemas::{EventData, ExportId, UserId};
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(0).plus_seconds(second)
    }

    fn running() -> ExportState {
        ExportState {
            id: ExportId::from_uuid(Uuid::from_u128(1)),
            user_id: UserId::from_uuid(Uuid::from_u128(2)),
            stage: ExportStage::Running,
            requested_at: at(10),
            size: None,
            ready_at: None,
            expires_at: None,
        }
    }

    #[track_caller]
    fn after(fact: &Fact) -> ExportState {
        assert_eq!(fact.expect, Expect::At(7));
        let EventData::Export(event) = &fact.data else { panic!("{:?}", fact.data) };
        event.after().clone()
    }

    #[test]
    fn it_is_made_kept_for_a_week_and_removed() {
        assert_eq!(due(&running(), at(10)), Due::Make);
        let made = after(&ready(&running(), 7, 99, at(100)));
        assert_eq!((made.stage, made.size), (ExportStage::Ready, Some(99)));
        let ends = 100 + KEPT_SECONDS;
        assert_eq!((made.ready_at, made.expires_at), (Some(at(100)), Some(at(ends))));
        assert_eq!(due(&made, at(ends - 1)), Due::Nothing);
        assert_eq!(due(&made, at(ends)), Due::Remove);
        let gone = after(&expired(&made, 7));
        assert_eq!((gone.stage, due(&gone, at(ends))), (ExportStage::Expired, Due::Nothing));
    }

    #[test]
    fn what_cannot_be_made_is_given_up_and_what_is_withdrawn_goes_at_once() {
        assert_eq!(due(&running(), at(9 + KEPT_SECONDS)), Due::Make);
        assert_eq!(due(&running(), at(10 + KEPT_SECONDS)), Due::Remove);
        let withdrawn = ExportState { stage: ExportStage::Withdrawn, ..running() };
        assert_eq!(due(&withdrawn, at(10)), Due::Remove);
    }
}
