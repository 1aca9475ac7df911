//! What a resume says of threads whose first message was deleted: what a read says.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of};

everywhere!(a_resume_counts_the_answers_of_deleted_messages);

/// Messages with answers, deleted before or while a client was away, and answers that were deleted.
pub(super) struct Counted {
    bob: Person,
    position: String,
    roots: Vec<String>,
}

impl Counted {
    pub(super) async fn happens(place: &Place) -> Self {
        let ada = Person::register(place, "ada").await;
        let bob = Person::register_at(place, 1, "bob").await;
        let room = ada.group(&[&bob]).await;
        let answers = async |root: &str| {
            let body = json!({"body": "answer", "thread_root_id": root});
            id_of(&ada.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201))
        };
        let deletes = async |id: &str| {
            assert_eq!(ada.delete(&format!("/v1/messages/{id}")).await.status, 204);
        };
        let before = id_of(&ada.says(&room, "deleted before").await);
        let first = answers(&before).await;
        answers(&before).await;
        let meanwhile = id_of(&ada.says(&room, "deleted meanwhile").await);
        answers(&meanwhile).await;
        let quiet = id_of(&ada.says(&room, "deleted, and nothing else").await);
        answers(&quiet).await;
        deletes(&before).await;
        let mut socket = bob.connect().await;
        ada.says(&room, "heard").await;
        socket.event_in(&room, "message.posted").await;
        let position = socket.position.clone();
        drop(socket);
        deletes(&first).await;
        answers(&meanwhile).await;
        deletes(&meanwhile).await;
        deletes(&quiet).await;
        Self { bob, position, roots: vec![before, meanwhile, quiet] }
    }

    /// A resume says of each what a read says.
    pub(super) async fn is_told(&self, gateway: usize) {
        let mut socket = self.bob.at(gateway).resume(&self.position).await;
        let end = |frame: &Value| frame["type"] == "resumed" || frame["type"] == "reset";
        assert_eq!(socket.expect("resumed", end).await["type"], "resumed");
        let frames = socket.all().await;
        for (root, count) in self.roots.iter().zip([1, 2, 1]) {
            let read = self.bob.get(&format!("/v1/messages/{root}")).await.ok(200);
            assert_eq!(read["reply_count"], count, "{read}");
            let of = frames.iter().filter(|frame| frame["data"]["id"] == **root);
            let told: Vec<&Value> = of.collect();
            let [told] = told.as_slice() else { panic!("told once: {frames:#?}") };
            assert_eq!(told["event"], "message.deleted");
            for field in ["reply_count", "last_reply_at", "body", "reactions", "pinned"] {
                assert_eq!(told["data"][field], read[field], "{field}: {told:#}");
            }
        }
    }
}

async fn a_resume_counts_the_answers_of_deleted_messages(place: Place) {
    let story = Counted::happens(&place).await;
    story.is_told(0).await;
    story.is_told(1).await;
}
