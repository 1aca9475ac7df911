//! One generation's database, and the contract over it.

use async_trait::async_trait;
use mongodb::Database;
use mongodb::bson::{Document, doc};
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::position::Sequence;
use schemas::values::{ClientId, Username};

use super::query::{by_keys, by_words, each, find, int, texts};
use super::writer::Writer;
use super::{counts, inbox, write};
use crate::backend::client_hash;
use crate::docs::{InboxDoc, MembershipDoc, MessageDoc, NotificationDoc, RoomDoc, UserDoc};
use crate::marks::MessageMark;
use crate::store::{
    ActivityAnchor, Anchor, Answer, Bound, Changes, Checkpoint, ListFrom, MAX_CHANGES, MAX_ITEMS,
    MAX_MEMBERSHIPS, NameAnchor, ReadStore, RoomFilter, Slice, Span, Threads, fold,
};
use crate::unread::{Counted, Stretch};

/// A generation in a MongoDB database.
#[derive(Debug)]
pub(super) struct MongoStore {
    pub(super) name: String,
    pub(super) database: Database,
    /// Where it is written which generations are complete.
    pub(super) entries: mongodb::Collection<Document>,
    pub(super) writer: Writer,
}

impl MongoStore {
    pub(super) fn new(
        name: &str,
        database: Database,
        entries: mongodb::Collection<Document>,
    ) -> Self {
        Self { name: name.to_owned(), database, entries, writer: Writer::default() }
    }

    async fn slice<T: super::rows::FromRow>(
        &self,
        filter: Document,
        sort: Document,
        limit: usize,
    ) -> Answer<Slice<T>> {
        let limit = limit.clamp(1, MAX_ITEMS);
        Ok(Slice::cut(find(&self.database, filter, sort, limit + 1).await?, limit))
    }

    async fn changes<T: super::rows::FromRow>(
        &self,
        filter: Document,
        field: &str,
        limit: usize,
    ) -> Answer<Changes<T>> {
        let limit = limit.clamp(1, MAX_CHANGES);
        let found = find(&self.database, filter, doc! { field: 1 }, limit + 1).await?;
        Ok(Changes::cut(found, limit))
    }

    /// Changes in several rooms: found room by room on the index, put in order here.
    async fn changes_in_rooms<T: super::rows::FromRow>(
        &self,
        rooms: &[RoomId],
        field: &str,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<T>> {
        let limit = limit.clamp(1, MAX_CHANGES);
        let filter = doc! { "room_id": { "$in": texts(rooms) }, field: { "$gt": int(after) } };
        let found = find(&self.database, filter, doc! {}, limit + 1).await?;
        Ok(Changes::cut(found, limit))
    }

    /// Messages before a number and from it on, oldest first.
    async fn around(&self, of: Document, anchor: Anchor, limit: usize) -> Answer<Vec<MessageDoc>> {
        let limit = limit.clamp(1, MAX_ITEMS);
        let (before, from) = anchor.spans(limit);
        let with = |bound: Document| {
            let mut filter = of.clone();
            filter.insert("number", bound);
            filter
        };
        let ask = async |span: Option<Span>, side: &str, order: i32| match span {
            Some((number, most)) => {
                let filter = with(doc! { side: int(number) });
                find(&self.database, filter, doc! { "number": order }, most).await
            }
            None => Ok(Vec::new()),
        };
        let (before, from) = (ask(before, "$lt", -1).await?, ask(from, "$gte", 1).await?);
        Ok(Anchor::cut(limit, before, from))
    }
}

#[async_trait]
impl ReadStore for MongoStore {
    fn generation(&self) -> &str {
        &self.name
    }

    async fn checkpoint(&self) -> Answer<Checkpoint> {
        write::checkpoint(&self.database).await
    }

    async fn users(&self, ids: &[UserId]) -> Answer<Vec<UserDoc>> {
        by_keys(&self.database, &texts(ids)).await
    }

    async fn user_by_username(&self, username: &Username) -> Answer<Option<UserDoc>> {
        let filter = doc! { "state.username": username.as_str() };
        Ok(find(&self.database, filter, doc! { "_id": 1 }, 1).await?.pop())
    }

    async fn search_users(
        &self,
        query: &str,
        from: &ListFrom<Username, UserId>,
        limit: usize,
    ) -> Answer<Slice<UserDoc>> {
        let Some(words) = by_words(query) else { return Ok(Slice::cut(Vec::new(), limit)) };
        let mut filter = doc! { "$and": words };
        let sort = match from {
            ListFrom::Start => doc! { "state.username": 1, "_id": 1 },
            ListFrom::After(username) => {
                filter.insert("state.username", doc! { "$gt": username.as_str() });
                doc! { "state.username": 1, "_id": 1 }
            }
            ListFrom::Moved { since, after } => {
                filter.insert("updated", doc! { "$gt": int(*since) });
                filter.insert("_id", doc! { "$gt": after.as_ref().map_or("", UserId::as_str) });
                doc! { "_id": 1 }
            }
        };
        self.slice(filter, sort, limit).await
    }

    async fn list_users(&self, after: Option<&UserId>, limit: usize) -> Answer<Slice<UserDoc>> {
        let filter = doc! { "_id": { "$gt": after.map_or("", UserId::as_str) } };
        self.slice(filter, doc! { "_id": 1 }, limit).await
    }

    async fn user_changes(&self, after: Sequence, limit: usize) -> Answer<Changes<UserDoc>> {
        self.changes(doc! { "updated": { "$gt": int(after) } }, "updated", limit).await
    }

    async fn rooms(&self, ids: &[RoomId]) -> Answer<Vec<RoomDoc>> {
        let found: Vec<RoomDoc> = by_keys(&self.database, &texts(ids)).await?;
        Ok(found.into_iter().filter(|room| room.created).collect())
    }

    async fn public_rooms(
        &self,
        filter: &RoomFilter,
        from: &ListFrom<NameAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<RoomDoc>> {
        // The bound that holds for every text is the index's own: without it the server does not use it.
        let mut filter = match filter {
            RoomFilter::Any => doc! { "_name": { "$gte": "" } },
            RoomFilter::Name(name) => doc! { "_name": { "$eq": fold(name), "$gte": "" } },
            RoomFilter::Words(query) => match by_words(query) {
                Some(words) => doc! { "_name": { "$gte": "" }, "$and": words },
                None => return Ok(Slice::cut(Vec::new(), limit)),
            },
        };
        let sort = match from {
            ListFrom::Start => doc! { "_name": 1, "_id": 1 },
            ListFrom::After(NameAnchor { name, room_id }) => {
                let same = doc! { "_name": name, "_id": { "$gt": room_id.as_str() } };
                filter.insert("$or", vec![doc! { "_name": { "$gt": name } }, same]);
                doc! { "_name": 1, "_id": 1 }
            }
            ListFrom::Moved { since, after } => {
                filter.insert("changed", doc! { "$gt": int(*since) });
                filter.insert("_id", doc! { "$gt": after.as_ref().map_or("", RoomId::as_str) });
                doc! { "_id": 1 }
            }
        };
        self.slice(filter, sort, limit).await
    }

    async fn user_rooms(
        &self,
        user: &UserId,
        from: &ListFrom<ActivityAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<(RoomDoc, MembershipDoc)>> {
        let members = self.memberships_of(user).await?;
        let mut ids =
            doc! { "$in": members.iter().map(|m| m.room_id.to_string()).collect::<Vec<_>>() };
        let mut filter = doc! { "created": true };
        let sort = match from {
            ListFrom::Start => doc! { "last_activity": -1, "_id": -1 },
            ListFrom::After(ActivityAnchor { last_activity, room_id }) => {
                let at = int(*last_activity);
                let same = doc! { "last_activity": at, "_id": { "$lt": room_id.as_str() } };
                filter.insert("$or", vec![doc! { "last_activity": { "$lt": at } }, same]);
                doc! { "last_activity": -1, "_id": -1 }
            }
            ListFrom::Moved { since, after } => {
                filter.insert("last_activity", doc! { "$gt": int(*since) });
                ids.insert("$gt", after.as_ref().map_or("", RoomId::as_str));
                doc! { "_id": 1 }
            }
        };
        filter.insert("_id", ids);
        let rooms: Slice<RoomDoc> = self.slice(filter, sort, limit).await?;
        let mut members: std::collections::HashMap<RoomId, MembershipDoc> =
            members.into_iter().map(|member| (member.room_id.clone(), member)).collect();
        let pair = |room: RoomDoc| Some((members.remove(&room.state.id)?, room));
        let items = rooms.items.into_iter().filter_map(pair).map(|(m, r)| (r, m)).collect();
        Ok(Slice { items, more: rooms.more })
    }

    async fn room_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<RoomDoc>> {
        let filter = doc! {
            "_id": { "$in": texts(rooms) }, "created": true, "changed": { "$gt": int(after) },
        };
        self.changes(filter, "changed", limit).await
    }

    async fn memberships(&self, room: &RoomId, users: &[UserId]) -> Answer<Vec<MembershipDoc>> {
        let keys: Vec<String> = users.iter().map(|user| format!("{room}:{user}")).collect();
        by_keys(&self.database, &keys).await
    }

    async fn memberships_of(&self, user: &UserId) -> Answer<Vec<MembershipDoc>> {
        let filter = doc! { "user_id": user.as_str(), "present": true };
        find(&self.database, filter, doc! { "room_id": 1 }, MAX_MEMBERSHIPS).await
    }

    async fn members(
        &self,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>> {
        self.readers(room, 0, after, limit).await
    }

    async fn readers(
        &self,
        room: &RoomId,
        number: u64,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<MembershipDoc>> {
        let filter = doc! {
            "room_id": room.as_str(), "user_id": { "$gt": after.map_or("", UserId::as_str) },
            "present": true, "_read": { "$gte": int(number) },
        };
        self.slice(filter, doc! { "user_id": 1 }, limit).await
    }

    async fn count(&self, stretches: Vec<Stretch>) -> Answer<Vec<Counted>> {
        counts::count(&self.database, &stretches).await
    }

    async fn newest(&self, rooms: Vec<RoomId>) -> Answer<Vec<MessageDoc>> {
        counts::newest(&self.database, &rooms).await
    }

    async fn membership_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let filter = doc! { "user_id": user.as_str(), "changed": { "$gt": int(after) } };
        self.changes(filter, "changed", limit).await
    }

    async fn member_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let mut changes: Changes<MembershipDoc> =
            self.changes_in_rooms(rooms, "changed", after, limit).await?;
        changes.items.sort_by_key(|member| member.changed);
        Ok(changes)
    }

    async fn marker_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MembershipDoc>> {
        let mut changes: Changes<MembershipDoc> =
            self.changes_in_rooms(rooms, "marker_updated", after, limit).await?;
        changes.items.sort_by_key(|member| member.marker_updated);
        Ok(changes)
    }

    async fn messages(&self, ids: &[MessageId]) -> Answer<Vec<MessageDoc>> {
        by_keys(&self.database, &texts(ids)).await
    }

    async fn message_by_client_id(
        &self,
        room: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Answer<Option<MessageDoc>> {
        let hash = client_hash(room.as_str(), sender.as_str(), client_id.as_str());
        let filter = doc! {
            "_client": { "$eq": hash, "$exists": true }, "room_id": room.as_str(),
            "sender_id": sender.as_str(), "client_id": client_id.as_str(),
        };
        Ok(find(&self.database, filter, doc! {}, 1).await?.pop())
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
            "room_id": { "$in": texts(rooms) }, "updated": { "$gte": int(after) },
            "$or": [{ "posted": { "$ne": int(after) } }, { "updated": { "$gt": int(after) } }],
        };
        let items = most.items.clamp(1, MAX_CHANGES);
        let (mut found, mut bytes) = (Vec::new(), 0);
        let fits = each(&self.database, filter, |message: MessageDoc| {
            let mark = MessageMark::of(&message);
            bytes += mark.bytes;
            found.push(mark);
            found.len() <= items && bytes <= most.bytes
        });
        let complete = fits.await?;
        Ok(Changes { items: found, complete })
    }

    async fn notification(
        &self,
        user: &UserId,
        id: &NotificationId,
    ) -> Answer<Option<NotificationDoc>> {
        let filter = doc! { "_id": id.as_str(), "user_id": user.as_str(), "_listed": true };
        inbox::one(&self.database, user, filter).await
    }

    async fn notifications(
        &self,
        user: &UserId,
        unread_only: bool,
        before: Option<Sequence>,
        limit: usize,
    ) -> Answer<Slice<NotificationDoc>> {
        let limit = limit.clamp(1, MAX_ITEMS);
        inbox::list(&self.database, user, unread_only, before, limit).await
    }

    async fn notification_about(
        &self,
        user: &UserId,
        message: &MessageId,
    ) -> Answer<Option<NotificationDoc>> {
        let about = doc! { "$eq": message.as_str(), "$exists": true };
        let filter = doc! { "message_id": about, "user_id": user.as_str() };
        inbox::one(&self.database, user, filter).await
    }

    async fn people_told_of(&self, message: &MessageId) -> Answer<Vec<UserId>> {
        inbox::people_told_of(&self.database, message).await
    }

    async fn unread_about_room(
        &self,
        user: &UserId,
        room: &RoomId,
    ) -> Answer<Vec<NotificationDoc>> {
        inbox::unread_about_room(&self.database, user, room).await
    }

    async fn rooms_with_unread(&self, user: &UserId) -> Answer<Vec<RoomId>> {
        inbox::rooms_with_unread(&self.database, user).await
    }

    async fn notification_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<NotificationDoc>> {
        let filter = doc! { "user_id": user.as_str(), "updated": { "$gt": int(after) } };
        let found: Changes<NotificationDoc> = self.changes(filter, "updated", limit).await?;
        let items = inbox::with_truth(&self.database, user, found.items).await?;
        Ok(Changes { items, complete: found.complete })
    }

    async fn inbox(&self, user: &UserId) -> Answer<InboxDoc> {
        inbox::whole(&self.database, user).await
    }
}
