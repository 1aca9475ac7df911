//! Messages in MongoDB.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use mongodb::IndexModel;
use mongodb::bson::{Document as Bson, RawDocumentBuf, doc};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::position::Sequence;
use schemas::values::ClientId;
use serde::Serialize;

use super::archive::{self, Way};
use super::kept::{Kept, index, partial};
use super::query::{find, texts};
use super::rows::{int, row};
use super::store::MongoStore;
use crate::answers::{Answer, Bound, Changes, MAX_CHANGES, MAX_ITEMS};
use crate::documents::{Anchor, MessageDoc, MessageMark, MessageReads, Span, Threads, client_hash};

/// Stands for the whole room where ids of users stand.
pub(super) const ROOM: &str = "room";

/// What a message is searched by.
#[derive(Serialize)]
struct Searched<'a> {
    /// Hash of the message's room, sender and client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    _client: Option<i64>,
    /// Whom a message of the main timeline names: ids of users, [`ROOM`] for the whole room.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    _named: Vec<&'a str>,
    /// The main number of a deleted message of the main timeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    _gone: Option<i64>,
    /// Whom an answer in a thread names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    _named_answer: Vec<&'a str>,
    /// The thread number of a deleted answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    _gone_answer: Option<i64>,
    /// The last event that changed what clients are told of it.
    _told: i64,
}

impl Kept for MessageDoc {
    const APART: &'static [&'static str] = &[archive::ARCHIVE, archive::PURGED];

    fn apart(&self) -> Option<(&'static str, Sequence)> {
        match (self.archived, self.purged) {
            (0, 0) => None,
            (at, 0) => Some((archive::ARCHIVE, at)),
            (_, at) => Some((archive::PURGED, at)),
        }
    }

    fn indexes() -> Vec<IndexModel> {
        vec![
            index(doc! { "room_id": 1, "number": 1 }),
            index(doc! { "room_id": 1, "_told": 1 }),
            index(doc! { "posted": 1, "room_id": 1 }),
            partial(
                doc! { "thread_root_id": 1, "number": 1 },
                doc! { "thread_root_id": { "$exists": true } },
            ),
            partial(
                doc! { "room_id": 1, "_named": 1, "main_number": 1 },
                doc! { "_named": { "$exists": true } },
            ),
            partial(doc! { "room_id": 1, "_gone": 1 }, doc! { "_gone": { "$gt": 0 } }),
            partial(
                doc! { "thread_root_id": 1, "_named_answer": 1, "thread_number": 1 },
                doc! { "_named_answer": { "$exists": true } },
            ),
            partial(
                doc! { "thread_root_id": 1, "_gone_answer": 1 },
                doc! { "_gone_answer": { "$gt": 0 } },
            ),
        ]
    }

    /// The projector recognises a repeated message by it.
    fn index_to_project() -> Option<IndexModel> {
        Some(partial(doc! { "_client": 1 }, doc! { "_client": { "$exists": true } }))
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        let mut named: Vec<&str> = self.people_named().map(UserId::as_str).collect();
        named.extend(self.names_room().then_some(ROOM));
        let client = self.client_id.as_ref();
        let client = client.map(|name| client_hash(&self.room_id, &self.sender_id, name));
        let gone = self.deleted_place().map(int);
        let mut named_answer: Vec<&str> =
            self.people_named_in_thread().map(UserId::as_str).collect();
        named_answer.extend(self.names_room_in_thread().then_some(ROOM));
        let searched = Searched {
            _client: client,
            _named: named,
            _gone: gone,
            _named_answer: named_answer,
            _gone_answer: self.deleted_answer().map(int),
            _told: int(self.told()),
        };
        row(id, self, searched)
    }

    fn is_new(&self, expected: Sequence) -> bool {
        self.posted > expected
    }
}

impl MongoStore {
    /// Messages before a number and from it on, oldest first.
    async fn around(&self, of: Bson, anchor: Anchor, limit: usize) -> Answer<Vec<MessageDoc>> {
        let limit = limit.clamp(1, MAX_ITEMS);
        let (before, from) = anchor.spans(limit);
        let with = |bound: Bson| {
            let mut filter = of.clone();
            filter.insert("number", bound);
            filter
        };
        let ask = async |span: Option<Span>, side: &str, way: Way| match span {
            Some((number, most)) => {
                let filter = with(doc! { side: int(number) });
                archive::by_number(&self.database, filter, way, most).await
            }
            None => Ok(Vec::new()),
        };
        let before = ask(before, "$lt", Way::Down).await?;
        let from = ask(from, "$gte", Way::Up).await?;
        Ok(Anchor::cut(limit, before, from))
    }
}

#[async_trait]
impl MessageReads for MongoStore {
    async fn messages(&self, ids: &[MessageId]) -> Answer<Vec<MessageDoc>> {
        archive::by_ids(&self.database, ids).await
    }

    async fn message_by_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Answer<Option<MessageDoc>> {
        let hash = client_hash(room, sender, client_id);
        let filter = doc! {
            "_client": { "$eq": hash, "$exists": true }, "room_id": room.as_str(),
            "sender_id": sender.as_str(), "client_id": client_id.as_str(),
        };
        archive::one(&self.database, filter).await
    }

    async fn timeline(
        &self,
        room: &RoomId,
        threads: Threads,
        anchor: Anchor,
        limit: usize,
    ) -> Answer<Vec<MessageDoc>> {
        let mut of = doc! { "room_id": room.as_str() };
        if threads == Threads::LeftOut {
            of.insert("thread_root_id", doc! { "$exists": false });
        }
        self.around(of, anchor, limit).await
    }

    async fn at_hand(&self, room: &RoomId, after: u64, limit: usize) -> Answer<Vec<MessageDoc>> {
        let filter = doc! { "room_id": room.as_str(), "number": { "$gt": int(after) } };
        find(&self.database, filter, doc! { "number": 1 }, limit.clamp(1, MAX_ITEMS)).await
    }

    async fn thread(
        &self,
        root: &MessageId,
        anchor: Anchor,
        limit: usize,
    ) -> Answer<Vec<MessageDoc>> {
        let of = doc! { "thread_root_id": { "$eq": root.as_str(), "$exists": true } };
        self.around(of, anchor, limit).await
    }

    async fn message_marks(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        most: Bound,
    ) -> Answer<Changes<MessageMark>> {
        let filter = doc! {
            "room_id": { "$in": texts(rooms) }, "_told": { "$gte": int(after) },
            "$or": [{ "posted": { "$ne": int(after) } }, { "_told": { "$gt": int(after) } }],
        };
        let items = most.items.clamp(1, MAX_CHANGES);
        let (mut found, mut bytes) = (Vec::new(), 0);
        let fits = archive::each(&self.database, filter, |message| {
            let mark = MessageMark::of(&message);
            bytes += mark.bytes;
            found.push(mark);
            found.len() <= items && bytes <= most.bytes
        });
        let complete = fits.await?;
        Ok(Changes { items: found, complete })
    }

    async fn newest(&self, rooms: Vec<RoomId>) -> Answer<Vec<MessageDoc>> {
        let database = &self.database;
        let found = try_join_all(rooms.iter().map(|room| async move {
            let filter = doc! {
                "room_id": room.as_str(), "thread_root_id": { "$exists": false },
                "_gone": { "$exists": false },
            };
            archive::by_number(database, filter, Way::Down, 1).await
        }));
        Ok(found.await?.into_iter().flatten().collect())
    }
}
