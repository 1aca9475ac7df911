//! Exports. Given these events, then these are the documents, and what is due is found.

use readmodel::*;
use schemas::Sequence;
use schemas::events::*;
use schemas::ids::ExportId;

use crate::kit::*;

fn export_id(number: u64) -> ExportId {
    ExportId::from_uuid(uuid(number))
}

fn export(number: u64, owner: u64, stage: ExportStage) -> ExportState {
    ExportState {
        id: export_id(number),
        user_id: user(owner),
        stage,
        requested_at: when(number),
        size: (stage == ExportStage::Ready).then_some(100),
        ready_at: (stage == ExportStage::Ready).then(|| when(number)),
        expires_at: (stage == ExportStage::Ready).then(|| when(number + 1_000)),
    }
}

impl History {
    fn request_export(&mut self, number: u64, owner: u64) -> Sequence {
        self.add(ExportRequested { export: export(number, owner, ExportStage::Running) })
    }
}

fn numbers_of(docs: &[ExportDoc]) -> Vec<ExportId> {
    docs.iter().map(|doc| doc.state.id).collect()
}

pub(crate) async fn exports_are_kept_and_found_when_they_are_due(place: &Place) {
    let mut history = History::default();
    history.request_export(1, 1);
    let second = history.request_export(2, 2);
    history.request_export(3, 3);
    let ready = history.add(ExportReady { export: export(1, 1, ExportStage::Ready) });
    place.project(&history).await;
    let store = place.model.current();
    let doc = store.export(&export_id(1)).await.unwrap().unwrap();
    assert_eq!(
        (doc.state.stage, doc.state.size, doc.updated),
        (ExportStage::Ready, Some(100), ready)
    );
    assert_eq!(store.export(&export_id(2)).await.unwrap().unwrap().updated, second);
    assert_eq!(store.export(&export_id(9)).await.unwrap(), None);
    // Those that are to be made, the oldest first; those that are ready once their time is over.
    let due = async |at: u64| {
        let found = place.model.current().exports_due(when(at), 10).await.unwrap();
        numbers_of(&found)
    };
    assert!(due(1).await.is_empty());
    assert_eq!(due(10).await, [export_id(2), export_id(3)]);
    assert_eq!(due(1_001).await, [export_id(2), export_id(3), export_id(1)]);
    assert_eq!(store.exports_due(when(10), 1).await.unwrap().len(), 1);
    // What is withdrawn is due at once, what has expired never; a newer one takes the place of the older.
    history.add(ExportWithdrawn { export: export(3, 3, ExportStage::Withdrawn) });
    history.add(ExportExpired { export: export(2, 2, ExportStage::Expired) });
    history.request_export(4, 1);
    place.project(&history).await;
    assert_eq!(due(1_001).await, [export_id(3), export_id(4)]);
    assert_eq!(store.export(&export_id(1)).await.unwrap(), None);
    let expired = store.export(&export_id(2)).await.unwrap().unwrap();
    assert_eq!(expired.state.stage, ExportStage::Expired);
}
