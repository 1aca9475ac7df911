//! The commands about inboxes: marking as read, and an admin's notification.

mod dead_letters;

use std::sync::Arc;
use std::time::Duration;

use bus::{BusError, ServiceHandle};
use decider::{
    Answer, CommandMetrics, DedupId, Entity, Expect, Fact, Failure, ReadFrom, UserCall, accepted,
    fresh_id, load, record, unavailable,
};
use eventlog::EventLog;
use readmodel::{Group, ReadModel, StoreError};
use schemas::codes::{Code, FieldError, Rejection};
use schemas::commands::{
    ListDeadLetters, MarkNotificationsRead, NOTIFY, RedriveDeadLetter, SendNotification,
};
use schemas::event::EventData;
use schemas::events::{NotificationCreated, NotificationEvent, NotificationsRead};
use schemas::ids::{NotificationId, UserId};
use schemas::values::{NotificationKind, Role, UserRef};
use schemas::{Lane, NameKey, Position, Timestamp};
use service::Deps;
use telemetry::error_chain;

use crate::config::Needs;
use crate::context::Users;

/// Most users one command writes to.
const MAX_USERS: usize = 100;
/// How long the read model is waited for before an entry counts as unknown.
const CATCH_UP: Duration = Duration::from_secs(2);

/// Carries out the commands.
struct NotifyCommands {
    log: EventLog,
    names: NameKey,
    read_model: ReadModel,
    metrics: CommandMetrics,
}

decider::endpoints! {
    /// Begins to serve the commands.
    fn endpoints(NotifyCommands) = NOTIFY, "inboxes and mail";
    MarkNotificationsRead => mark_read;
    SendNotification => send;
    ListDeadLetters => list_dead_letters;
    RedriveDeadLetter => redrive_dead_letter;
}

/// Begins to serve the commands.
pub(crate) async fn serve(needs: &Needs, deps: &Deps) -> Result<ServiceHandle, BusError> {
    let commands = Arc::new(NotifyCommands {
        log: deps.log.clone(),
        names: needs.names.clone(),
        read_model: needs.read_model.clone(),
        metrics: CommandMetrics::new(&deps.metrics, "notifier"),
    });
    endpoints(&deps.bus, &commands, &commands.metrics).await
}

/// Usernames, by their lane; the state is the holder's id, if there is one.
struct Handles;

impl Entity for Handles {
    type Key = Lane;
    type State = Option<UserId>;
    const NAME: &'static str = "handle";

    fn lane(key: &Lane) -> Lane {
        key.clone()
    }

    fn after(event: &EventData) -> Option<Option<UserId>> {
        match event {
            EventData::Name(event) => {
                Some(event.owner().and_then(|owner| UserId::parse(owner).ok()))
            }
            EventData::User(_)
            | EventData::Session(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Prefs(_)
            | EventData::Audit(_)
            | EventData::Invite(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(_)
            | EventData::Message(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Reaction(_)
            | EventData::Pin(_)
            | EventData::Receipt(_)
            | EventData::Thread(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::Notification(_)
            | EventData::Block(_) => None,
        }
    }
}

impl NotifyCommands {
    async fn retry<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Rejection>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        decider::retry(&self.metrics, ReadFrom::Log, |_| attempt()).await
    }

    async fn mark_read(&self, call: &UserCall, command: MarkNotificationsRead) -> Answer<()> {
        let id = command.notification_id.as_ref();
        let position = self.retry(|| self.try_mark_read(call, id)).await?;
        Ok(accepted(position, ()))
    }

    async fn try_mark_read(
        &self,
        call: &UserCall,
        id: Option<&NotificationId>,
    ) -> Result<Option<Position>, Failure> {
        let lane = Lane::Inbox(call.user.clone());
        let Some(last) = self.log.last(&lane).await? else {
            // An inbox nothing was ever put into.
            return if id.is_some() { Err(Rejection::not_found().into()) } else { Ok(None) };
        };
        let seen = self.log.epoch().at(last.sequence);
        let already = match id {
            Some(id) => self.is_read(&call.user, id, &seen).await?,
            None => last.event().is_ok_and(|event| reads_all(&event.data)),
        };
        if already {
            return Ok(Some(seen));
        }
        let read = NotificationsRead { user_id: call.user.clone(), notification_id: id.cloned() };
        let appended = record(&self.log, call, Fact::expecting(Expect::Any, lane, read)).await?;
        Ok(Some(appended.position))
    }

    /// Whether an entry of this user is read; an entry that does not exist is refused.
    async fn is_read(
        &self,
        user: &UserId,
        id: &NotificationId,
        last: &Position,
    ) -> Result<bool, Failure> {
        let look = async || {
            let found = self.read_model.current().notification(user, id).await;
            found.map_err(|error| store_failed(&error))
        };
        if let Some(entry) = look().await? {
            return Ok(entry.read);
        }
        // It may have been shown live before it was projected.
        if self.read_model.wait_for_groups(&[Group::Inbox], last.sequence, CATCH_UP).await.is_err()
        {
            let detail = "the inbox is not up to date yet";
            return Err(Rejection::new(Code::ProjectionLagging, detail).retry_after(1).into());
        }
        let entry = look().await?.ok_or_else(Rejection::not_found)?;
        Ok(entry.read)
    }

    async fn send(
        &self,
        call: &UserCall,
        command: SendNotification,
    ) -> Answer<Vec<NotificationId>> {
        self.retry(|| self.must_be_admin(&call.user)).await?;
        checked(&command)?;
        let users = self.retry(|| self.resolved(&command.users)).await?;
        let now = Timestamp::now();
        let mut ids = Vec::with_capacity(users.len());
        let mut position = None;
        for user_id in users {
            let entry = NotificationCreated {
                notification_id: NotificationId::from_uuid(fresh_id()),
                user_id,
                kind: NotificationKind::System,
                title: Some(command.title.to_string()),
                body: Some(command.body.to_string()),
                room_id: None,
                message_id: None,
                created_at: now,
                actor_id: None,
                thread_root_id: None,
                posted: 0,
                caused: 0,
                login: false,
            };
            let (id, at) = self.retry(|| self.put(call, &entry)).await?;
            ids.push(id);
            position = Some(at);
        }
        Ok(accepted(position, ids))
    }

    /// Puts one entry into an inbox. A repeat under the same `Idempotency-Key` finds the first one.
    async fn put(
        &self,
        call: &UserCall,
        entry: &NotificationCreated,
    ) -> Result<(NotificationId, Position), Failure> {
        let (id, user) = (entry.notification_id.clone(), &entry.user_id);
        let dedup = call.key.as_ref().map(|key| {
            DedupId::of([call.user.as_str(), call.command, key.as_str(), user.as_str()])
        });
        let fact = Fact::expecting(Expect::Any, Lane::Inbox(user.clone()), entry.clone());
        let appended = record(&self.log, call, Fact { dedup, ..fact }).await?;
        if !appended.duplicate {
            return Ok((id, appended.position));
        }
        let sequence = appended.sequences.first().copied().unwrap_or_default();
        if let Some(first) = self.log.get(sequence).await?
            && let EventData::Notification(NotificationEvent::Created(first)) = first.event()?.data
        {
            return Ok((first.notification_id, self.log.epoch().at(sequence)));
        }
        Err(Rejection::new(Code::Conflict, "the key was used for something else").into())
    }

    /// The role in the token may be old: what counts is the account's in the log.
    async fn must_be_admin(&self, user: &UserId) -> Result<(), Failure> {
        match load::<Users>(&self.log, user).await?.state {
            Some(user) if user.role == Role::Admin && !user.suspended => Ok(()),
            _ => Err(Rejection::new(Code::Forbidden, "only an admin may do this").into()),
        }
    }

    /// The users who were named, each once.
    async fn resolved(&self, users: &[UserRef]) -> Result<Vec<UserId>, Failure> {
        let mut found = Vec::with_capacity(users.len());
        let mut unknown = Vec::new();
        for (place, user) in users.iter().enumerate() {
            match self.look_up(user).await? {
                Some(id) if found.contains(&id) => {}
                Some(id) => found.push(id),
                None => unknown.push(FieldError {
                    pointer: format!("/users/{place}"),
                    code: "unknown_user".to_owned(),
                    detail: "there is no such user".to_owned(),
                }),
            }
        }
        if unknown.is_empty() {
            return Ok(found);
        }
        let mut rejection =
            Rejection::new(Code::ValidationFailed, "one of the users does not exist");
        rejection.errors = unknown;
        Err(rejection.into())
    }

    async fn look_up(&self, user: &UserRef) -> Result<Option<UserId>, Failure> {
        Ok(match user {
            UserRef::Id(id) => load::<Users>(&self.log, id).await?.state.map(|user| user.id),
            UserRef::Name(name) => {
                let lane = self.names.handle(name.as_str());
                load::<Handles>(&self.log, &lane).await?.state.flatten()
            }
        })
    }
}

/// Whether an event marks all entries of an inbox as read.
fn reads_all(event: &EventData) -> bool {
    let EventData::Notification(NotificationEvent::Read(read)) = event else { return false };
    read.notification_id.is_none()
}

fn checked(command: &SendNotification) -> Result<(), Rejection> {
    let field = |pointer, code, detail: &str| {
        Err(Rejection::field(Code::ValidationFailed, pointer, code, detail))
    };
    if command.users.is_empty() {
        return field("/users", "too_short", "name at least one user");
    }
    if command.users.len() > MAX_USERS {
        return field("/users", "too_long", "name at most 100 users");
    }
    Ok(())
}

fn store_failed(error: &StoreError) -> Rejection {
    tracing::warn!(error = error_chain(error), "the read model did not answer");
    unavailable("the read model does not answer")
}

#[cfg(test)]
mod tests {
    use schemas::subjects::LaneKind;
    use schemas::values::{Notice, Title};
    use uuid::Uuid;

    use super::*;

    fn command(users: usize) -> SendNotification {
        let user = UserRef::Id(UserId::from_uuid(Uuid::from_u128(1)));
        SendNotification {
            users: vec![user; users],
            title: Title::parse("Maintenance").unwrap(),
            body: Notice::parse("").unwrap(),
        }
    }

    #[track_caller]
    fn refused(command: &SendNotification) -> String {
        checked(command).unwrap_err().errors[0].pointer.clone()
    }

    #[test]
    fn a_notification_is_checked_before_anything_is_written() {
        assert!(checked(&command(1)).is_ok());
        assert_eq!(refused(&command(0)), "/users");
        assert_eq!(refused(&command(101)), "/users");
        for (title, body) in
            [(" ", ""), ("a\r\nb", ""), (&*"ü".repeat(201), ""), ("x", &*"ü".repeat(4001))]
        {
            assert!(Title::parse(title).is_err() || Notice::parse(body).is_err(), "{title}");
        }
    }

    #[test]
    fn every_event_of_a_name_leaves_its_holder_known() {
        for event in testbed::every_event() {
            let of_name = event.family().lanes().contains(&LaneKind::Handle);
            assert_eq!(Handles::after(&event).is_some(), of_name, "{}", event.type_name());
        }
    }
}
