//! The commands about inboxes: marking as read, and an admin's notification.

use std::time::Duration;

use bus::{BusError, ServiceHandle};
use eventlog::{AppendError, Appended, DedupId, EventLog, Expect, LaneWrite, LogError, Stored};
use readmodel::{Group, ReadModel, StoreError};
use schemas::codes::{Code, FieldError, Rejection};
use schemas::commands::{
    Accepted, CallContext, Caller, MarkNotificationsRead, NOTIFY, SendNotification,
};
use schemas::event::EventData;
use schemas::events::{
    NameEvent, NotificationCreated, NotificationEvent, NotificationsRead, UserState,
};
use schemas::ids::{EventId, NotificationId, UserId};
use schemas::values::{NotificationKind, Role, UserRef};
use schemas::{Actor, Event, Lane, NameKey, Position, Timestamp};
use telemetry::error_chain;
use uuid::Uuid;

use crate::Deps;
use crate::cast::person_after;

/// Most people one command writes to.
const MAX_USERS: usize = 100;
/// How long the read model is waited for before an entry counts as unknown.
const CATCH_UP: Duration = Duration::from_secs(2);

type Answer<T> = Result<Accepted<T>, Rejection>;

/// Begins to serve the commands.
pub(crate) async fn serve(deps: &Deps) -> Result<ServiceHandle, BusError> {
    let desk = Desk {
        log: deps.log.clone(),
        names: deps.names.clone(),
        read_model: deps.read_model.clone(),
    };
    let other = desk.clone();
    deps.bus
        .service(NOTIFY, env!("CARGO_PKG_VERSION"), "inboxes and mail")
        .endpoint::<MarkNotificationsRead, _, _>(move |context, command| {
            let desk = desk.clone();
            async move { desk.mark_read(&context, command).await }
        })
        .endpoint::<SendNotification, _, _>(move |context, command| {
            let desk = other.clone();
            async move { desk.send(&context, command).await }
        })
        .start()
        .await
}

#[derive(Clone)]
struct Desk {
    log: EventLog,
    names: NameKey,
    read_model: ReadModel,
}

impl Desk {
    async fn mark_read(&self, context: &CallContext, command: MarkNotificationsRead) -> Answer<()> {
        let user = &caller(context)?.user_id;
        let lane = Lane::Inbox(user.clone());
        let Some(last) = self.log.last(&lane).await.map_err(|error| log_failed(&error))? else {
            // An inbox nothing was ever put into.
            return match command.notification_id {
                Some(_) => Err(Rejection::not_found()),
                None => Ok(Accepted { position: None, result: () }),
            };
        };
        let seen = self.log.epoch().at(last.sequence);
        let all_read = last.event().is_ok_and(|event| {
            matches!(event.data, EventData::Notification(NotificationEvent::Read(read)) if read.notification_id.is_none())
        });
        let already = match &command.notification_id {
            Some(id) => self.is_read(user, id, &seen).await?,
            None => all_read,
        };
        if already {
            return Ok(Accepted { position: Some(seen), result: () });
        }
        let data =
            NotificationsRead { user_id: user.clone(), notification_id: command.notification_id };
        let event = fresh(context, Actor::User(user.clone()), data);
        let appended = self.append(LaneWrite::new(lane, event, Expect::Any)).await?;
        Ok(Accepted { position: Some(appended.position), result: () })
    }

    /// Whether an entry of this person is read; an entry nobody knows of is refused.
    async fn is_read(
        &self,
        user: &UserId,
        id: &NotificationId,
        last: &Position,
    ) -> Result<bool, Rejection> {
        let look = async || self.read_model.current().notification(user, id).await;
        if let Some(entry) = look().await.map_err(|error| store_failed(&error))? {
            return Ok(entry.read);
        }
        // It may have been shown live before it was projected.
        if self.read_model.wait_for_groups(&[Group::Inbox], last.sequence, CATCH_UP).await.is_err()
        {
            let detail = "the inbox is not up to date yet";
            return Err(Rejection::new(Code::ProjectionLagging, detail).retry_after(1));
        }
        match look().await.map_err(|error| store_failed(&error))? {
            Some(entry) => Ok(entry.read),
            None => Err(Rejection::not_found()),
        }
    }

    async fn send(
        &self,
        context: &CallContext,
        command: SendNotification,
    ) -> Answer<Vec<NotificationId>> {
        let admin = caller(context)?;
        self.must_be_admin(&admin.user_id).await?;
        checked(&command)?;
        let users = self.resolved(&command.users).await?;
        let now = Timestamp::now();
        let mut ids = Vec::with_capacity(users.len());
        let mut position = None;
        for user in users {
            let entry = NotificationCreated {
                notification_id: NotificationId::from_uuid(fresh_uuid()),
                user_id: user,
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
            let (id, at) = self.put(context, &admin.user_id, entry).await?;
            ids.push(id);
            position = Some(at);
        }
        Ok(Accepted { position, result: ids })
    }

    /// Puts one entry into an inbox. A repeat under the same `Idempotency-Key` finds the first one.
    async fn put(
        &self,
        context: &CallContext,
        admin: &UserId,
        entry: NotificationCreated,
    ) -> Result<(NotificationId, Position), Rejection> {
        let (id, lane) = (entry.notification_id.clone(), Lane::Inbox(entry.user_id.clone()));
        let dedup = context.idempotency_key.as_ref().map(|key| {
            let (admin, user) = (admin.as_str(), entry.user_id.as_str());
            DedupId::of([admin, "send_notification", key.as_str(), user])
        });
        let event = fresh(context, Actor::User(admin.clone()), entry);
        let mut write = LaneWrite::new(lane, event, Expect::Any);
        write.dedup = dedup;
        let appended = self.append(write).await?;
        if !appended.duplicate {
            return Ok((id, appended.position));
        }
        let sequence = appended.sequences.first().copied().unwrap_or_default();
        let first = self.log.get(sequence).await.map_err(|error| log_failed(&error))?;
        match readable(first)? {
            Some(EventData::Notification(NotificationEvent::Created(first))) => {
                Ok((first.notification_id, self.log.epoch().at(sequence)))
            }
            _ => Err(Rejection::new(Code::Conflict, "the key was used for something else")),
        }
    }

    /// The role in the token may be old: what counts is the account's in the log.
    async fn must_be_admin(&self, user: &UserId) -> Result<(), Rejection> {
        match self.person(user).await? {
            Some(person) if person.role == Role::Admin && !person.suspended => Ok(()),
            _ => Err(Rejection::new(Code::Forbidden, "only an admin may do this")),
        }
    }

    async fn person(&self, user: &UserId) -> Result<Option<UserState>, Rejection> {
        let lane = Lane::User(user.clone());
        let stored = self.log.last(&lane).await.map_err(|error| log_failed(&error))?;
        Ok(readable(stored)?.and_then(person_after))
    }

    /// The people who were named, each once.
    async fn resolved(&self, users: &[UserRef]) -> Result<Vec<UserId>, Rejection> {
        let mut found = Vec::with_capacity(users.len());
        let mut unknown = Vec::new();
        for (place, user) in users.iter().enumerate() {
            let id = match user {
                UserRef::Id(id) => self.person(id).await?.map(|person| person.id),
                UserRef::Name(name) => self.holder(name.as_str()).await?,
            };
            match id {
                Some(id) if found.contains(&id) => {}
                Some(id) => found.push(id),
                None => unknown.push(FieldError {
                    pointer: format!("/users/{place}"),
                    code: "unknown_user".to_owned(),
                    detail: "there is no such person".to_owned(),
                }),
            }
        }
        if unknown.is_empty() {
            return Ok(found);
        }
        let mut rejection = Rejection::new(Code::ValidationFailed, "somebody is not known");
        rejection.errors = unknown;
        Err(rejection)
    }

    /// Who holds a username.
    async fn holder(&self, name: &str) -> Result<Option<UserId>, Rejection> {
        let lane = self.names.handle(name);
        let stored = self.log.last(&lane).await.map_err(|error| log_failed(&error))?;
        match readable(stored)? {
            Some(EventData::Name(NameEvent::Claimed(claimed))) => {
                Ok(UserId::parse(&claimed.owner).ok())
            }
            _ => Ok(None),
        }
    }

    async fn append(&self, write: LaneWrite) -> Result<Appended, Rejection> {
        self.log.append(vec![write]).await.map_err(|error| {
            tracing::warn!(error = error_chain(&error), "an inbox event was not appended");
            match error {
                AppendError::Unreadable(_) => Rejection::unstorable(),
                AppendError::TooLarge => Rejection::new(Code::PayloadTooLarge, "too large"),
                AppendError::StorageFull => unavailable("the store is full"),
                _ => unavailable("the log does not answer"),
            }
        })
    }
}

fn caller(context: &CallContext) -> Result<&Caller, Rejection> {
    let missing = || Rejection::new(Code::Unauthenticated, "log in first");
    context.caller.as_ref().ok_or_else(missing)
}

fn fresh_uuid() -> Uuid {
    #[expect(clippy::disallowed_methods, reason = "the edge of this service is where ids are made")]
    Uuid::now_v7()
}

fn fresh(context: &CallContext, actor: Actor, data: impl Into<EventData>) -> Event {
    Event {
        id: EventId::from_uuid(fresh_uuid()),
        time: Timestamp::now(),
        actor,
        causation: None,
        traceparent: context.traceparent.clone(),
        data: data.into(),
    }
}

fn checked(command: &SendNotification) -> Result<(), Rejection> {
    let field = |pointer, code, detail: &str| {
        Err(Rejection::field(Code::ValidationFailed, pointer, code, detail))
    };
    if command.users.is_empty() {
        return field("/users", "too_short", "name at least one person");
    }
    if command.users.len() > MAX_USERS {
        return field("/users", "too_long", "name at most 100 people");
    }
    Ok(())
}

/// What a stored event says. One that cannot be read is not taken for none: what it is about is not known at
/// the moment, to this build.
fn readable(stored: Option<Stored>) -> Result<Option<EventData>, Rejection> {
    let Some(stored) = stored else { return Ok(None) };
    stored.event().map(|event| Some(event.data)).map_err(|error| {
        tracing::error!(
            error = error_chain(&error),
            event.seq = stored.sequence,
            "an event cannot be read"
        );
        unavailable("the newest state of this cannot be read at the moment")
    })
}

fn unavailable(detail: &str) -> Rejection {
    Rejection::new(Code::Unavailable, detail).retry_after(1)
}

fn log_failed(error: &LogError) -> Rejection {
    tracing::warn!(error = error_chain(error), "the log did not answer");
    unavailable("the log does not answer")
}

fn store_failed(error: &StoreError) -> Rejection {
    tracing::warn!(error = error_chain(error), "the read model did not answer");
    unavailable("the read model does not answer")
}

#[cfg(test)]
mod tests {
    use schemas::values::{Notice, Title};

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
}
