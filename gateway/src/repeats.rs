//! What posts led to, as clients are shown it: new messages as they were written, repeated ones as they are now.
//!
//! chat-svc knows a repeat by the first post in the log; what became of the message since (edits, a deletion,
//! answers) stands in the read model. It is waited for; where it is too far behind, the message is shown as it
//! was posted, with null for what is not known.

use std::collections::HashMap;
use std::time::Duration;

use readmodel::{Group, MessageDoc};
use schemas::commands::MessageOutcome;
use schemas::views::Message;
use schemas::{MessageId, Rejection, Sequence, UserId};
use telemetry::error_chain;

use crate::state::AppState;
use crate::user_directory::Senders;
use crate::{documents, failure, reactions};

/// How long the answer to a repeat waits for the read model.
const PROJECTED_WITHIN: Duration = Duration::from_secs(2);

/// The messages of outcomes, in the same order, as a reader is shown them. `site`: where URLs of files lead to unless that
/// is configured; empty: they are paths.
///
/// # Errors
/// The names of the senders or the reactions cannot be had.
pub(crate) async fn shown(
    (app, reader): (&AppState, &UserId),
    site: &str,
    outcomes: Vec<MessageOutcome>,
) -> Result<Vec<Message>, Rejection> {
    if outcomes.iter().all(|one| one.as_of.is_none()) {
        // Nearly always: none of them was posted before.
        let senders = senders(app, &outcomes).await?;
        let written = |outcome: MessageOutcome| {
            let sender = senders.of(&outcome.message.sender_id).under(site);
            documents::written_message(outcome, sender)
        };
        return Ok(outcomes.into_iter().map(written).collect());
    }
    let mut now = as_they_are(app, &outcomes).await;
    let store = app.read_model.current();
    let shown = reactions::shown(store.as_ref(), reader, now.values()).await;
    let reactions = shown.map_err(failure::store)?;
    let senders = senders(app, &outcomes).await?;
    let epoch = app.log.epoch();
    let view = |outcome: MessageOutcome| {
        let sender = senders.of(&outcome.message.sender_id).under(site);
        match now.remove(&outcome.message.id) {
            Some(doc) => {
                let reactions = reactions.of(&doc.id);
                documents::message(doc, reactions, sender, &epoch)
            }
            None => documents::written_message(outcome, sender),
        }
    };
    Ok(outcomes.into_iter().map(view).collect())
}

/// Those who have sent the messages. A run of posts is one user's, who is looked up once.
async fn senders(app: &AppState, outcomes: &[MessageOutcome]) -> Result<Senders, Rejection> {
    let mut ids: Vec<&UserId> = outcomes.iter().map(|one| &one.message.sender_id).collect();
    ids.dedup();
    app.users.senders(ids).await
}

/// The repeated ones among the messages, as the read model has them once it has got to where they were
/// repeated.
async fn as_they_are(
    app: &AppState,
    outcomes: &[MessageOutcome],
) -> HashMap<MessageId, MessageDoc> {
    let repeated = || outcomes.iter().filter_map(|one| Some((one, one.as_of.as_ref()?)));
    let Some(as_of) = repeated().map(|(_, as_of)| as_of.sequence).max() else {
        return HashMap::new();
    };
    let ids: Vec<MessageId> = repeated().map(|(one, _)| one.message.id).collect();
    let found = if has_projected(app, as_of).await {
        app.read_model.current().messages(&ids).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error_chain(&error), "repeated messages are shown as posted");
            Vec::new()
        })
    } else {
        tracing::warn!(
            event.seq = as_of,
            "the read model lags: repeated messages are shown as posted"
        );
        Vec::new()
    };
    found.into_iter().map(|doc| (doc.id, doc)).collect()
}

async fn has_projected(app: &AppState, as_of: Sequence) -> bool {
    let groups = &[Group::Conversations];
    app.read_model.wait_for_groups(groups, as_of, PROJECTED_WITHIN).await.is_ok()
}
