//! Reports of messages, and what moderators do.

use std::sync::Arc;

use decider::{
    Answer, Entity, Fact, Failure, ReadFrom, Reads, Seen, UserCall, accepted, id_from, load,
};
use schemas::commands::{
    Accepted, HandleReport, ModerateMessage, ModerateRoom, ReportMessage, RoomOutcome,
};
use schemas::events::ReportState;
use schemas::ids::{MessageId, ReportId, UserId};
use schemas::{Digest, Lane};

use super::rooms::Outcome as RoomAnswer;
use crate::call::context;
use crate::chat::Chat;
use crate::domain::message::Message;
use crate::domain::person::Person;
use crate::domain::report::{self, ReportRejection};
use crate::domain::room;
use crate::lanes::Reports;

impl Chat {
    pub(crate) async fn report_message(
        &self,
        call: &UserCall,
        cmd: ReportMessage,
    ) -> Answer<ReportState> {
        self.retry(ReadFrom::Cache, |from| self.try_report(call, &cmd, from)).await
    }

    async fn try_report(
        &self,
        call: &UserCall,
        cmd: &ReportMessage,
        from: ReadFrom,
    ) -> Result<Accepted<ReportState>, Failure> {
        let (message, seen) = self.message_in_room(call, &cmd.message_id, from).await?;
        let standing = seen.standing()?;
        let id = report_id(&message.state.id, &call.user);
        let before = load::<Reports>(&self.log, &id).await?;
        let open = self.index.open_reports(&call.user).await?;
        let asked = (id, &cmd.reason, open);
        let fact =
            report::report(&standing, &message, before.state.as_ref(), asked, &context(call))?;
        self.finish_report(call, before, fact, Vec::new()).await
    }

    pub(crate) async fn handle_report(
        &self,
        call: &UserCall,
        cmd: HandleReport,
    ) -> Answer<ReportState> {
        self.retry(ReadFrom::Log, |from| self.try_handle(call, &cmd, from)).await
    }

    async fn try_handle(
        &self,
        call: &UserCall,
        cmd: &HandleReport,
        from: ReadFrom,
    ) -> Result<Accepted<ReportState>, Failure> {
        let person = self.lanes.person(&call.user, from).await?;
        report::moderator(person.state.as_ref())?;
        let before = load::<Reports>(&self.log, &cmd.report_id).await?;
        let becomes = (cmd.status, cmd.note.as_ref());
        let (person, cx) = (person.state.as_ref(), context(call));
        let fact = report::handle(person, before.state.as_ref(), becomes, &cx)?;
        let message = match &before.state {
            Some(report) => self.message(&report.message_id).await?,
            None => None,
        };
        // What a deleted message had is let go with the last report of it.
        let deleted = message.filter(|message| message.deleted && fact.is_some());
        let released = match &deleted {
            Some(message) => self.released(&message.state).await?,
            None => Vec::new(),
        };
        let done = self.finish_report(call, before, fact, released).await?;
        if let Some(message) = deleted {
            self.purge_removed(&message.state.attachments);
        }
        Ok(done)
    }

    /// Writes a report, provided that nothing has happened to it since it was read.
    async fn finish_report(
        &self,
        call: &UserCall,
        before: Seen<Option<ReportState>>,
        fact: Option<Fact>,
        besides: Vec<Fact>,
    ) -> Result<Accepted<ReportState>, Failure> {
        let mut state = before.state;
        let mut reads = Reads::default();
        if let Some(fact) = &fact {
            reads.note(fact.lane, before.at);
            state = <Reports as Entity>::after(&fact.data);
        } else if let Some(state) = &state {
            reads.note(Lane::Report(state.id), before.at);
        }
        let facts = fact.into_iter().chain(besides).collect();
        let committed = self.commit(call, facts, &reads).await?;
        let state = state.ok_or(ReportRejection::NotFound)?;
        Ok(accepted(committed.position(), state))
    }

    pub(crate) async fn moderate_message(
        &self,
        call: &UserCall,
        cmd: ModerateMessage,
    ) -> Answer<()> {
        self.retry(ReadFrom::Log, |from| self.try_moderate_message(call, &cmd, from)).await
    }

    async fn try_moderate_message(
        &self,
        call: &UserCall,
        cmd: &ModerateMessage,
        from: ReadFrom,
    ) -> Result<Accepted<()>, Failure> {
        let person = self.moderator(call, from).await?;
        let found: Option<Message> = self.message(&cmd.message_id).await?;
        let cx = context(call);
        let fact = report::delete(person.state.as_ref(), found.as_ref(), &cmd.reason, &cx)?;
        let (Some(fact), Some(found)) = (fact, found) else {
            return Ok(accepted(Some(self.end().await?), ()));
        };
        // The right is the caller's role, which their account's lane holds.
        let fence = decider::Expect::Fence { lane: Lane::User(call.user), at: person.at };
        let position = self.write_deletion(call, &found, fact, fence).await?;
        Ok(accepted(Some(position), ()))
    }

    pub(crate) async fn moderate_room(
        &self,
        call: &UserCall,
        cmd: ModerateRoom,
    ) -> Answer<RoomOutcome> {
        self.retry(ReadFrom::Log, |from| self.try_moderate_room(call, &cmd, from)).await
    }

    async fn try_moderate_room(
        &self,
        call: &UserCall,
        cmd: &ModerateRoom,
        from: ReadFrom,
    ) -> Result<RoomAnswer, Failure> {
        let person = self.moderator(call, from).await?;
        let before = self.lanes.room(&cmd.room_id, from).await?;
        let mut reads = Reads::default();
        reads.note(Lane::Room(cmd.room_id), before.at);
        reads.note(Lane::User(call.user), person.at);
        let state = before.state.as_ref().ok_or(ReportRejection::NotFound)?;
        let archiving = room::archiving(&cmd.room_id);
        if let Some(name) = room::NameChange::of(state, &archiving, &self.names).released {
            self.name(self.names.room_name(name.as_str()), &mut reads).await?;
        }
        let facts = room::archive_by_moderator(state, cmd.reason.as_ref(), &self.names)?;
        self.finish(call, Some(state), facts, &reads).await
    }

    async fn moderator(
        &self,
        call: &UserCall,
        from: ReadFrom,
    ) -> Result<Arc<Seen<Option<Person>>>, Failure> {
        let person = self.lanes.person(&call.user, from).await?;
        report::moderator(person.state.as_ref())?;
        Ok(person)
    }
}

/// The id of a user's report of a message: a function of both, so that a repeat finds the first.
fn report_id(message: &MessageId, reporter: &UserId) -> ReportId {
    ReportId::from_uuid(id_from(&Digest::of(["report", message.as_str(), reporter.as_str()])))
}
