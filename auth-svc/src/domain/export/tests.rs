use decider::{Expect, Fact, Seen};
use schemas::events::{ExportStage, ExportState};
use schemas::{EventData, ExportId, Lane, Timestamp, UserId};
use uuid::Uuid;

use super::decide::Newest;
use super::{Asked, request, withdraw};
use crate::domain::Context;

const NOW: i64 = 1_000_000;

fn user() -> UserId {
    UserId::from_uuid(Uuid::from_u128(1))
}

fn id(number: u128) -> ExportId {
    ExportId::from_uuid(Uuid::from_u128(number))
}

/// The newest export, whose file can be downloaded until some time after now.
fn newest(stage: ExportStage, after_now: i64) -> Newest {
    let state = ExportState {
        id: id(1),
        user_id: user(),
        stage,
        requested_at: Timestamp::from_millis(0),
        size: Some(10),
        ready_at: Some(Timestamp::from_millis(1)),
        expires_at: Some(Timestamp::from_millis(NOW + after_now)),
    };
    Seen { at: 7, state: Some(state) }
}

fn asked(newest: &Newest) -> Asked {
    request(newest, &user(), &id(2), &Context { now: Timestamp::from_millis(NOW) })
}

#[track_caller]
fn is_new(newest: &Newest) {
    let Asked::New(fact) = asked(newest) else { panic!("the former one") };
    let Fact { lane, data, expect, .. } = *fact;
    assert_eq!((lane, expect), (Lane::Exports(user()), Expect::At(newest.at)));
    let EventData::Export(event) = &data else { panic!("{data:?}") };
    let export = event.after();
    assert_eq!((&export.id, export.stage), (&id(2), ExportStage::Running));
    assert_eq!((export.size, export.ready_at, export.expires_at), (None, None, None));
}

#[test]
fn one_is_made_at_a_time() {
    is_new(&Seen { at: 0, state: None });
    let open = || Asked::Open(id(1));
    assert_eq!(asked(&newest(ExportStage::Running, -1)), open());
    assert_eq!(asked(&newest(ExportStage::Ready, 1)), open());
}

#[test]
fn another_is_made_once_the_former_cannot_be_downloaded() {
    // Its file may still be there: it goes before the new one is made.
    is_new(&newest(ExportStage::Ready, 0));
    is_new(&newest(ExportStage::Withdrawn, 1));
    is_new(&newest(ExportStage::Expired, 1));
}

#[test]
fn what_is_open_is_withdrawn_once() {
    for stage in [ExportStage::Running, ExportStage::Ready] {
        let fact = withdraw(&newest(stage, 1)).unwrap();
        assert_eq!(fact.expect, Expect::At(7));
        let EventData::Export(event) = &fact.data else { panic!("{:?}", fact.data) };
        assert_eq!(event.after().stage, ExportStage::Withdrawn);
    }
    assert_eq!(withdraw(&newest(ExportStage::Withdrawn, 1)), None);
    assert_eq!(withdraw(&newest(ExportStage::Expired, 1)), None);
    assert_eq!(withdraw(&Seen { at: 0, state: None }), None);
}
