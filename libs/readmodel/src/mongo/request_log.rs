//! The log of requests in `<ns>_side`.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use schemas::{Timestamp, UserId};

use super::kept::{index, partial};
use super::query::texts;
use super::rows::{db_error, int, unreadable};
use crate::answers::{Answer, MAX_ITEMS};
use crate::request_log::{
    FoundRequests, LoggedRequest, RequestFilter, RequestKey, RequestLog, Taking, activity,
};

/// MongoDB's code for an insert of a key that is there already.
const DUPLICATE_KEY: i32 = 11000;

/// The collections.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    rows: Collection<Document>,
    active: Collection<Document>,
    forgotten: Collection<Document>,
}

impl Requests {
    pub(super) fn of(database: &Database) -> Self {
        Self {
            rows: database.collection("requests"),
            active: database.collection("active"),
            forgotten: database.collection("forgotten"),
        }
    }

    /// Makes the indexes that are not there yet.
    pub(super) async fn prepare(&self) -> Answer<()> {
        let sparse = IndexOptions::builder().sparse(true).build();
        let by_user = doc! { "user": 1, "_id": 1 };
        let indexes = vec![
            IndexModel::builder().keys(by_user).options(sparse).build(),
            index(doc! { "path": 1, "_id": 1 }),
            partial(doc! { "status": 1, "_id": 1 }, doc! { "status": { "$gte": 400 } }),
        ];
        self.rows.create_indexes(indexes).await.map_err(db_error)?;
        self.active.create_index(index(doc! { "at": 1 })).await.map_err(db_error)?;
        Ok(())
    }

    /// Which of these users are forgotten.
    async fn forgotten_of(&self, users: &[String]) -> Answer<Vec<String>> {
        let found =
            self.forgotten.find(doc! { "_id": { "$in": users } }).await.map_err(db_error)?;
        let found: Vec<Document> = found.try_collect().await.map_err(db_error)?;
        found.iter().map(|one| Ok(one.get_str("_id").map_err(unreadable)?.to_owned())).collect()
    }

    /// Notes activity; that of users who are forgotten, be it meanwhile, goes again.
    async fn note(&self, active: &[UserId], at: Timestamp) -> Answer<()> {
        if active.is_empty() {
            return Ok(());
        }
        let at = DateTime::from_millis(at.millis());
        let users = texts(active);
        let new = users.iter().map(|user| doc! { "_id": user, "at": at });
        insert(&self.active, new.collect()).await?;
        let later = doc! { "$max": { "at": at } };
        let those = doc! { "_id": { "$in": &users } };
        self.active.update_many(those, later).await.map_err(db_error)?;
        for user in self.forgotten_of(&users).await? {
            self.forget(&user).await?;
        }
        Ok(())
    }

    async fn forget(&self, user: &str) -> Answer<()> {
        self.rows.delete_many(doc! { "user": user }).await.map_err(db_error)?;
        self.active.delete_one(doc! { "_id": user }).await.map_err(db_error)?;
        Ok(())
    }
}

/// A key as 16 bytes that sort as keys do. Times are after 1970.
fn id(key: RequestKey) -> Bson {
    let time = u64::try_from(key.time.millis()).unwrap_or_default();
    let whole = (u128::from(time) << 64) | u128::from(key.draw);
    let bytes = whole.to_be_bytes().to_vec();
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes })
}

fn key(id: Option<&Bson>) -> Answer<RequestKey> {
    let Some(Bson::Binary(Binary { bytes, .. })) = id else {
        return Err(unreadable("a logged request without a key"));
    };
    let bytes: [u8; 16] = bytes.as_slice().try_into().map_err(unreadable)?;
    let whole = u128::from_be_bytes(bytes);
    let time = i64::try_from(whole >> 64).map_err(unreadable)?;
    let draw = u64::try_from(whole & u128::from(u64::MAX)).map_err(unreadable)?;
    Ok(RequestKey { time: Timestamp::from_millis(time), draw })
}

fn to_row(request: &LoggedRequest) -> Document {
    let LoggedRequest { key, method, path, status, took_us, user, ip, trace_id } = request;
    let mut row = doc! {
        "_id": id(*key), "method": method, "path": path, "status": i32::from(*status),
        "took": int(*took_us), "ip": ip, "trace": trace_id,
    };
    if let Some(user) = user {
        row.insert("user", user.as_str());
    }
    row
}

fn from_row(row: &Document) -> Answer<LoggedRequest> {
    let text = |field| row.get_str(field).map(ToOwned::to_owned).map_err(unreadable);
    let user = row.get_str("user").ok().map(UserId::parse).transpose().map_err(unreadable)?;
    Ok(LoggedRequest {
        key: key(row.get("_id"))?,
        method: text("method")?,
        path: text("path")?,
        status: row.get_i32("status").map_err(unreadable)?.try_into().map_err(unreadable)?,
        took_us: row.get_i64("took").map_err(unreadable)?.try_into().map_err(unreadable)?,
        user,
        ip: text("ip")?,
        trace_id: text("trace")?,
    })
}

/// Adds documents; those that are there already stay as they are.
async fn insert(into: &Collection<Document>, new: Vec<Document>) -> Answer<()> {
    match into.insert_many(new).ordered(false).await {
        Ok(_) => Ok(()),
        Err(error) if only_repeats(&error) => Ok(()),
        Err(error) => Err(db_error(error)),
    }
}

/// Whether rows were refused only because they are there already.
fn only_repeats(error: &Error) -> bool {
    let ErrorKind::InsertMany(refused) = error.kind.as_ref() else { return false };
    let errors = refused.write_errors.as_deref().unwrap_or_default();
    refused.write_concern_error.is_none()
        && !errors.is_empty()
        && errors.iter().all(|error| error.code == DUPLICATE_KEY)
}

/// The one condition whose index is gone along, as in SQLite; the others are looked at row by row.
fn narrowest(filter: &RequestFilter) -> Document {
    match filter {
        RequestFilter { user: Some(user), .. } => doc! { "user": user.as_str() },
        RequestFilter { status: Some(status), .. } if *status >= 400 => {
            doc! { "status": i32::from(*status) }
        }
        RequestFilter { path: Some(path), .. } => doc! { "path": path },
        _ => doc! {},
    }
}

#[async_trait]
impl RequestLog for Requests {
    async fn log_requests(&self, rows: Vec<LoggedRequest>) -> Answer<()> {
        if rows.is_empty() {
            return Ok(());
        }
        insert(&self.rows, rows.iter().map(to_row).collect()).await?;
        let (active, at) = activity(&rows);
        self.note(&active, at).await
    }

    async fn requests(
        &self,
        filter: &RequestFilter,
        before: Option<RequestKey>,
        limit: usize,
    ) -> Answer<FoundRequests> {
        let mut range = Document::new();
        let until = filter.until.map(|time| RequestKey { time, draw: 0 });
        if let Some(end) = [before, until].into_iter().flatten().min() {
            range.insert("$lt", id(end));
        }
        if let Some(time) = filter.since {
            range.insert("$gte", id(RequestKey { time, draw: 0 }));
        }
        let mut wanted = narrowest(filter);
        if !range.is_empty() {
            wanted.insert("_id", range);
        }
        let found = self.rows.find(wanted).sort(doc! { "_id": -1 }).await;
        let mut found = found.map_err(db_error)?;
        let mut taking = Taking::new(filter, limit.clamp(1, MAX_ITEMS));
        while let Some(row) = found.try_next().await.map_err(db_error)? {
            if !taking.look_at(from_row(&row)?) {
                return Ok(taking.done(true));
            }
        }
        Ok(taking.done(false))
    }

    async fn forget_requests_of(&self, user: &UserId) -> Answer<()> {
        // First noted, then removed: what is written in between is removed by its writer.
        insert(&self.forgotten, vec![doc! { "_id": user.as_str() }]).await?;
        self.forget(user.as_str()).await
    }

    async fn forget_requests_before(&self, time: Timestamp) -> Answer<()> {
        let old = doc! { "_id": { "$lt": id(RequestKey { time, draw: 0 }) } };
        self.rows.delete_many(old).await.map_err(db_error)?;
        Ok(())
    }

    async fn note_active(&self, users: Vec<UserId>, at: Timestamp) -> Answer<()> {
        self.note(&users, at).await
    }

    async fn active_since(&self, time: Timestamp) -> Answer<u64> {
        let since = doc! { "at": { "$gte": DateTime::from_millis(time.millis()) } };
        self.active.count_documents(since).await.map_err(db_error)
    }
}
