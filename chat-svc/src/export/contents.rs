//! What the documents of the read model say of a person, and what is kept beside it.

use std::collections::{HashMap, HashSet};

use blobs::BlobName;
use decider::{Failure, unavailable};
use readmodel::{
    MAX_CHANGES, MAX_ITEMS, MediaDoc, MembershipDoc, ReadModel, RequestFilter, RoomDoc,
};
use schemas::exported::{
    ExportedMedia, ExportedNotification, ExportedPerson, ExportedRequest, ExportedRoom,
};
use schemas::media::MediaStatus;
use schemas::values::Visibility;
use schemas::{MediaId, RoomId, Sequence, UserId};

use super::book::List;
use super::draft::Step;
use super::making::{Making, leading};
use crate::index::IndexError;
use crate::media::store_failed;

/// Documents asked for at once.
const AT_ONCE: usize = 200;

impl Making<'_> {
    /// The account; where it was registered.
    pub(super) async fn account(&mut self) -> Result<Sequence, Failure> {
        let user = &self.export.user_id;
        let found = self.model.current().user(user).await.map_err(IndexError::from)?;
        let doc = found.filter(|doc| !doc.state.deleted);
        let doc = doc.ok_or_else(|| unavailable("the account is not known yet"))?;
        self.book.document("account", &doc.state).await?;
        Ok(doc.registered)
    }

    /// The sessions, of which auth-svc knows.
    pub(super) async fn sessions(&mut self) -> Result<(), Failure> {
        for session in &self.auth.sessions(&self.export.user_id).await? {
            self.book.put(List::Sessions, session).await?;
        }
        Ok(())
    }

    /// The rooms the person is in, and those they were in.
    pub(super) async fn rooms(&mut self) -> Result<(), Failure> {
        let mut after = 0;
        loop {
            let store = self.model.current();
            let user = &self.export.user_id;
            let found = store.membership_changes(user, after, MAX_CHANGES).await;
            let found = found.map_err(IndexError::from)?;
            for some in found.items.chunks(AT_ONCE) {
                self.some_rooms(some).await?;
                self.go_on().await?;
            }
            match found.items.last() {
                Some(last) if !found.complete => after = last.changed,
                Some(_) | None => return Ok(()),
            }
        }
    }

    async fn some_rooms(&mut self, memberships: &[MembershipDoc]) -> Result<(), Failure> {
        let ids: Vec<RoomId> = memberships.iter().map(|one| one.room_id).collect();
        let rooms = self.model.current().rooms(&ids).await.map_err(IndexError::from)?;
        let people = rooms.iter().flat_map(|room| room.state.direct_members.iter().cloned());
        let names = usernames(self.model, people.collect()).await?;
        let rooms: HashMap<&RoomId, &RoomDoc> =
            rooms.iter().map(|room| (&room.state.id, room)).collect();
        for membership in memberships {
            let room = rooms.get(&membership.room_id).filter(|room| room.created);
            if let Some(room) = room {
                self.book.put(List::Rooms, &exported(room, membership, &names)).await?;
            }
        }
        Ok(())
    }

    /// Whom the person blocks.
    pub(super) async fn blocks(&mut self) -> Result<(), Failure> {
        let store = self.model.current();
        let blocked = store.blocked_by(&self.export.user_id).await.map_err(IndexError::from)?;
        let names = usernames(self.model, blocked.iter().cloned().collect()).await?;
        for id in blocked {
            let username = names.get(&id).cloned().unwrap_or_default();
            self.book.put(List::Blocks, &ExportedPerson { id, username }).await?;
        }
        Ok(())
    }

    /// The person's inbox, newest first.
    pub(super) async fn notifications(&mut self) -> Result<(), Failure> {
        let mut before = None;
        loop {
            let store = self.model.current();
            let user = &self.export.user_id;
            let page = store.notifications(user, false, before, AT_ONCE).await;
            let page = page.map_err(IndexError::from)?;
            before = page.items.last().map(|doc| doc.created);
            for doc in page.items {
                let entry = ExportedNotification {
                    id: doc.id,
                    kind: doc.kind,
                    title: doc.title,
                    body: doc.body,
                    actor_id: doc.actor_id,
                    room_id: doc.room_id,
                    message_id: doc.message_id,
                    read: doc.read,
                    created_at: doc.created_at,
                };
                self.book.put(List::Notifications, &entry).await?;
            }
            self.go_on().await?;
            if !page.more || before.is_none() {
                return Ok(());
            }
        }
    }

    /// The person's requests that are still logged, newest first.
    pub(super) async fn requests(&mut self) -> Result<(), Failure> {
        let side = self.model.side().await.map_err(IndexError::from)?;
        let user = Some(self.export.user_id);
        let filter = RequestFilter { user, ..RequestFilter::default() };
        let mut before = None;
        loop {
            let found = side.request_log().requests(&filter, before, AT_ONCE).await;
            let found = found.map_err(IndexError::from)?;
            for row in found.items {
                let request = ExportedRequest {
                    time: row.key.time,
                    method: row.method,
                    path: row.path,
                    status: row.status,
                    ip: row.ip,
                };
                self.book.put(List::Requests, &request).await?;
            }
            self.go_on().await?;
            before = found.next;
            if before.is_none() {
                return Ok(());
            }
        }
    }

    /// The person's files after one, each before what is said of it.
    pub(super) async fn media(&mut self, mut after: Option<MediaId>) -> Result<(), Failure> {
        loop {
            let store = self.model.current();
            let page = store.media_of(&self.export.user_id, after.as_ref(), AT_ONCE).await;
            let page = page.map_err(IndexError::from)?;
            after = page.items.last().map(|doc| doc.state.file.id);
            for doc in &page.items {
                let path = self.bytes(doc).await?;
                self.book.put(List::Media, &medium(doc, path)).await?;
                self.go_on().await?;
                if self.is_to_be_kept() {
                    let after = Some(doc.state.file.id);
                    self.reach(Step::Media { after }).await?;
                }
            }
            if !page.more || after.is_none() {
                return Ok(());
            }
        }
    }

    /// Adds the bytes of a medium; where they are. None where there are none.
    async fn bytes(&mut self, doc: &MediaDoc) -> Result<Option<String>, Failure> {
        let file = &doc.state.file;
        if doc.state.status != MediaStatus::Stored {
            return Ok(None);
        }
        let name = BlobName::File(file.id);
        let store = self.chat.files.store.as_ref();
        let found = store.stat(&name).await.map_err(|error| store_failed(&error))?;
        let Some(blob) = found else { return Ok(None) };
        let path = format!("media/{}/{}", file.id, file.filename);
        let copying = self.book.copy(path.clone(), store, (&name, &blob));
        leading(self.lease, copying).await?;
        Ok(Some(path))
    }
}

/// What users are called.
async fn usernames(
    model: &ReadModel,
    users: HashSet<UserId>,
) -> Result<HashMap<UserId, String>, Failure> {
    let users: Vec<UserId> = users.into_iter().collect();
    let mut names = HashMap::new();
    for some in users.chunks(MAX_ITEMS) {
        let found = model.current().users(some).await.map_err(IndexError::from)?;
        names.extend(found.into_iter().map(|doc| {
            let username = doc.state.username.to_string();
            (doc.state.id, username)
        }));
    }
    Ok(names)
}

/// A room as its person is told of it. What a room is called that they have left is told where anyone may find it.
fn exported(
    room: &RoomDoc,
    membership: &MembershipDoc,
    names: &HashMap<UserId, String>,
) -> ExportedRoom {
    let state = &room.state;
    let known =
        membership.present || (state.visibility == Visibility::Public && !membership.banned);
    let person = |id: &UserId| ExportedPerson {
        id: *id,
        username: names.get(id).cloned().unwrap_or_default(),
    };
    ExportedRoom {
        id: state.id,
        kind: state.kind,
        name: state.name.as_ref().filter(|_| known).map(ToString::to_string),
        topic: state.topic.as_ref().filter(|_| known).map(ToString::to_string),
        visibility: state.visibility,
        direct_members: state.direct_members.iter().map(person).collect(),
        present: membership.present,
        role: membership.role,
        joined_at: membership.joined_at,
        muted_until: membership.muted_until,
        banned: membership.banned,
        notify: membership.notify,
        pinned: membership.pinned,
        read_up_to: membership.marker_message_id.filter(|_| membership.marker_moved),
    }
}

fn medium(doc: &MediaDoc, path: Option<String>) -> ExportedMedia {
    let state = &doc.state;
    ExportedMedia {
        id: state.file.id,
        filename: state.file.filename.clone(),
        content_type: state.file.content_type.clone(),
        size: state.file.size,
        created_at: state.created_at,
        avatar: state.avatar,
        messages: state.uses.iter().map(|used| used.message_id).collect(),
        path,
    }
}
