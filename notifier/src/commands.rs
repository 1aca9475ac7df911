//! The commands about inboxes: marking as read, and an admin's notification.

mod dead_letters;
mod recipients;

use std::sync::Arc;
use std::time::Duration;

use bus::{BusError, ServiceHandle};
use decider::{
    Answer, CommandMetrics, DedupId, Expect, Fact, Failure, ReadFrom, UserCall, accepted, fresh_id,
    load, record, unavailable,
};
use eventlog::EventLog;
use futures_util::{StreamExt, TryStreamExt, stream};
use readmodel::{Group, ReadModel, StoreError};
use schemas::commands::{
    ListDeadLetters, MarkNotificationsRead, NOTIFY, RedriveDeadLetter, SendNotification,
};
use schemas::event::EventData;
use schemas::events::{NotificationCreated, NotificationEvent, NotificationsRead};
use schemas::ids::{NotificationId, UserId};
use schemas::values::{NotificationKind, Role};
use schemas::{Code, Lane, NameKey, Position, RefusalReason, Rejection, Sequence, Timestamp};
use service::Deps;
use telemetry::error_chain;

use crate::context::Users;

/// Most users that one command names.
const MAX_USERS: usize = 100;
/// Entries that are written at the same time.
const AT_ONCE: usize = 32;
/// How long the read model is waited for: before an entry counts as unknown, and before everyone is counted.
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
pub(crate) async fn serve(
    names: NameKey,
    read_model: ReadModel,
    deps: &Deps,
) -> Result<ServiceHandle, BusError> {
    let (log, metrics) = (deps.log.clone(), CommandMetrics::new(&deps.metrics, "notifier"));
    let commands = Arc::new(NotifyCommands { log, names, read_model, metrics });
    endpoints(&deps.bus, &commands, &commands.metrics).await
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
        let lane = Lane::Inbox(call.user);
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
        let read = NotificationsRead { user_id: call.user, notification_id: id.cloned() };
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
        self.caught_up(Group::Inbox, last.sequence).await?;
        let entry = look().await?.ok_or_else(Rejection::not_found)?;
        Ok(entry.read)
    }

    /// Waits until the read model has projected a sequence.
    async fn caught_up(&self, group: Group, sequence: Sequence) -> Result<(), Rejection> {
        let waited = self.read_model.wait_for_groups(&[group], sequence, CATCH_UP).await;
        waited.map_err(|_| {
            let detail = "the read model is not up to date yet";
            Rejection::new(Code::ProjectionLagging, detail).retry_after(1)
        })
    }

    async fn send(
        &self,
        call: &UserCall,
        command: SendNotification,
    ) -> Answer<Vec<NotificationId>> {
        self.retry(|| self.must_be_admin(&call.user)).await?;
        checked(&command)?;
        let users = match command.everyone {
            true => self.retry(|| self.everyone()).await?,
            false => self.retry(|| self.resolved(&command.users)).await?,
        };
        let (command, now) = (&command, Timestamp::now());
        let mut written = stream::iter(users)
            .map(|user| async move {
                let entry = entry(command, user, now);
                self.retry(|| self.put(call, &entry)).await
            })
            .buffered(AT_ONCE);
        let (mut ids, mut position): (Vec<_>, Option<Position>) = (Vec::new(), None);
        while let Some((id, at)) = written.try_next().await? {
            if !command.everyone {
                ids.push(id);
            }
            if position.as_ref().is_none_or(|last| last.sequence < at.sequence) {
                position = Some(at);
            }
        }
        Ok(accepted(position, ids))
    }

    /// Puts one entry into an inbox. A repeat under the same `Idempotency-Key` finds the first one.
    async fn put(
        &self,
        call: &UserCall,
        entry: &NotificationCreated,
    ) -> Result<(NotificationId, Position), Failure> {
        let (id, user) = (entry.notification_id, &entry.user_id);
        let dedup = call.key.as_ref().map(|key| {
            DedupId::of([call.user.as_str(), call.command, key.as_str(), user.as_str()])
        });
        let fact = Fact::expecting(Expect::Any, Lane::Inbox(*user), entry.clone());
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
        Err(Rejection::because(RefusalReason::KeyUsed, "the key was used for something else")
            .into())
    }

    /// The role in the token may be old: what counts is the account's in the log.
    async fn must_be_admin(&self, user: &UserId) -> Result<(), Failure> {
        match load::<Users>(&self.log, user).await?.state {
            Some(user) if user.role == Role::Admin && !user.suspended => Ok(()),
            _ => {
                Err(Rejection::because(RefusalReason::NeedsAdmin, "only an admin may do this")
                    .into())
            }
        }
    }
}

/// Whether an event marks all entries of an inbox as read.
fn reads_all(event: &EventData) -> bool {
    let EventData::Notification(NotificationEvent::Read(read)) = event else { return false };
    read.notification_id.is_none()
}

fn entry(command: &SendNotification, user_id: UserId, now: Timestamp) -> NotificationCreated {
    NotificationCreated {
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
    }
}

fn checked(command: &SendNotification) -> Result<(), Rejection> {
    let field = |pointer, code, detail: &str| {
        Err(Rejection::field(Code::ValidationFailed, pointer, code, detail))
    };
    if command.everyone {
        return match command.users.is_empty() {
            true => Ok(()),
            false => field("/users", "not_allowed", "everyone needs no names"),
        };
    }
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
    use schemas::values::{Notice, Title, UserRef};
    use uuid::Uuid;

    use super::*;

    fn command(users: usize) -> SendNotification {
        let user = UserRef::Id(UserId::from_uuid(Uuid::from_u128(1)));
        SendNotification {
            users: vec![user; users],
            everyone: false,
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
        assert!(checked(&SendNotification { everyone: true, ..command(0) }).is_ok());
        assert_eq!(refused(&SendNotification { everyone: true, ..command(1) }), "/users");
        for (title, body) in
            [(" ", ""), ("a\r\nb", ""), (&*"ü".repeat(201), ""), ("x", &*"ü".repeat(4001))]
        {
            assert!(Title::parse(title).is_err() || Notice::parse(body).is_err(), "{title}");
        }
    }
}
