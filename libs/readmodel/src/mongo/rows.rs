//! Between documents and BSON, and what MongoDB's errors mean.

use std::collections::BTreeSet;

use mongodb::bson::{self, RawDocument, RawDocumentBuf};
use mongodb::error::{
    Error, ErrorKind, RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::query::int;
use crate::backend::{client_hash, public_name};
use crate::docs::{Collection, Doc, MessageDoc, UserDoc};
use crate::store::{Answer, StoreError};
use crate::words;

/// Sorts MongoDB's errors by what can be done about them.
pub(super) fn db_error(error: Error) -> StoreError {
    let passing = matches!(
        error.kind.as_ref(),
        ErrorKind::Io(_)
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. }
    );
    let labels =
        [RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT];
    if passing || labels.iter().any(|label| error.contains_label(label)) {
        StoreError::Unavailable(Box::new(error))
    } else if matches!(error.kind.as_ref(), ErrorKind::Bson(_)) {
        StoreError::Unreadable(error.to_string())
    } else {
        StoreError::Failed(Box::new(error))
    }
}

/// Whether the server refused with this code.
pub(super) fn has_code(error: &Error, code: i32) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Command(refusal) => refusal.code == code,
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => refusal.code == code,
        _ => false,
    }
}

/// What was found is not what was written.
pub(super) fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

/// A document as it is written: its key, itself, and what it is searched by.
#[derive(Default, Serialize)]
struct Row<'a, T> {
    _id: String,
    #[serde(flatten)]
    doc: Option<&'a T>,
    /// The words a person, or a room that anybody may find, is found by.
    #[serde(skip_serializing_if = "Option::is_none")]
    _words: Option<BTreeSet<String>>,
    /// A person's settings as JSON text: BSON has no place for every number and key JSON has.
    #[serde(skip_serializing_if = "Option::is_none")]
    _settings: Option<String>,
    /// The folded name of a room that anybody may find.
    #[serde(skip_serializing_if = "Option::is_none")]
    _name: Option<String>,
    /// Hash of a message's room, sender and client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    _client: Option<i64>,
    /// Whom a message of the main timeline names: ids of people, [`ROOM`] for the whole room.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    _named: Vec<&'a str>,
    /// The main number of a deleted message of the main timeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    _gone: Option<i64>,
    /// The number up to which a member is known to have read.
    #[serde(skip_serializing_if = "Option::is_none")]
    _read: Option<i64>,
    /// An inbox entry that was not taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    _listed: bool,
    /// An inbox entry that was neither read by itself nor taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    _unread: bool,
}

/// Stands for the whole room where ids of people stand.
pub(super) const ROOM: &str = "room";

impl<'a, T: Serialize> Row<'a, T> {
    fn of(id: String, doc: &'a T) -> Self {
        Self {
            _id: id,
            doc: Some(doc),
            _words: None,
            _settings: None,
            _name: None,
            _client: None,
            _named: Vec::new(),
            _gone: None,
            _read: None,
            _listed: false,
            _unread: false,
        }
    }

    fn to_bson(&self) -> Answer<RawDocumentBuf> {
        bson::serialize_to_raw_document_buf(self)
            .map_err(|error| StoreError::Failed(Box::new(error)))
    }
}

/// The hash a message is found by when its sender asks by client id.
fn client_of(message: &MessageDoc) -> Option<i64> {
    let client_id = message.client_id.as_ref()?;
    Some(client_hash(message.room_id.as_str(), message.sender_id.as_str(), client_id.as_str()))
}

/// A document as BSON, with its key.
pub(super) fn to_row(doc: &Doc) -> Answer<RawDocumentBuf> {
    let id = doc.key().to_string();
    match doc {
        Doc::User(user) => {
            let mut plain = user.as_ref().clone();
            let settings = std::mem::take(&mut plain.state.settings);
            let settings = serde_json::to_string(&settings).map_err(unreadable)?;
            let row = Row::of(id, &plain);
            Row { _words: Some(words::of_user(user)), _settings: Some(settings), ..row }.to_bson()
        }
        Doc::Room(room) => {
            let row = Row::of(id, room.as_ref());
            let words = Some(words::of_room(room)).filter(|words| !words.is_empty());
            Row { _name: public_name(room), _words: words, ..row }.to_bson()
        }
        Doc::Message(message) => {
            let row = Row::of(id, message.as_ref());
            let mut named: Vec<&str> = message.people_named().map(|user| user.as_str()).collect();
            named.extend(message.names_room().then_some(ROOM));
            let gone = message.deleted_place().map(int);
            Row { _client: client_of(message), _named: named, _gone: gone, ..row }.to_bson()
        }
        Doc::Membership(doc) => {
            let row = Row::of(id, doc.as_ref());
            Row { _read: Some(int(doc.read_through())), ..row }.to_bson()
        }
        Doc::Notification(doc) => {
            let (_listed, _unread) = (!doc.removed, !doc.removed && !doc.read);
            Row { _listed, _unread, ..Row::of(id, doc.as_ref()) }.to_bson()
        }
        Doc::Inbox(doc) => Row::of(id, doc.as_ref()).to_bson(),
        Doc::Site(doc) => Row::of(id, doc.as_ref()).to_bson(),
    }
}

/// What can be read back from BSON.
pub(super) trait FromRow: Sized + Send {
    /// The collection it lies in.
    const COLLECTION: Collection;
    fn from_row(row: &RawDocument) -> Answer<Self>;
}

fn plain<T: DeserializeOwned>(row: &RawDocument) -> Answer<T> {
    bson::deserialize_from_slice(row.as_bytes()).map_err(unreadable)
}

impl FromRow for UserDoc {
    const COLLECTION: Collection = Collection::Users;
    fn from_row(row: &RawDocument) -> Answer<Self> {
        #[derive(Deserialize)]
        struct Settings {
            _settings: String,
        }
        let mut user: Self = plain(row)?;
        let text = plain::<Settings>(row)?._settings;
        user.state.settings = serde_json::from_str(&text).map_err(unreadable)?;
        Ok(user)
    }
}

macro_rules! from_plain_row {
    ($($doc:ident in $collection:ident),*) => {
        $(impl FromRow for crate::docs::$doc {
            const COLLECTION: Collection = Collection::$collection;
            fn from_row(row: &RawDocument) -> Answer<Self> {
                plain(row)
            }
        })*
    };
}

from_plain_row!(
    RoomDoc in Rooms,
    MembershipDoc in Memberships,
    MessageDoc in Messages,
    NotificationDoc in Notifications,
    InboxDoc in Inboxes,
    SiteDoc in Site
);

/// A document of a collection.
pub(super) fn to_doc(collection: Collection, row: &RawDocument) -> Answer<Doc> {
    Ok(match collection {
        Collection::Users => Doc::User(std::sync::Arc::new(FromRow::from_row(row)?)),
        Collection::Rooms => Doc::Room(std::sync::Arc::new(FromRow::from_row(row)?)),
        Collection::Memberships => Doc::Membership(std::sync::Arc::new(FromRow::from_row(row)?)),
        Collection::Messages => Doc::Message(std::sync::Arc::new(FromRow::from_row(row)?)),
        Collection::Notifications => {
            Doc::Notification(std::sync::Arc::new(FromRow::from_row(row)?))
        }
        Collection::Inboxes => Doc::Inbox(std::sync::Arc::new(FromRow::from_row(row)?)),
        Collection::Site => Doc::Site(std::sync::Arc::new(FromRow::from_row(row)?)),
    })
}
