//! Messages as the caller is shown them, whatever list they stand in.

use readmodel::{MessageDoc, ReadStore};
use schemas::Rejection;
use schemas::views::Message;

use crate::http::Call;
use crate::{documents, failure, reactions};

/// Messages as the caller is shown them, in the same order.
///
/// # Errors
/// The read model does not answer, or the names of the senders cannot be had.
pub(super) async fn messages(
    call: &Call,
    store: &dyn ReadStore,
    docs: Vec<MessageDoc>,
) -> Result<Vec<Message>, Rejection> {
    let reader = &call.caller()?.user_id;
    let senders = call.state.users.senders(docs.iter().map(|doc| &doc.sender_id)).await?;
    let reactions = reactions::shown(store, reader, docs.iter()).await.map_err(failure::store)?;
    let epoch = call.epoch();
    let view = |doc: MessageDoc| {
        let (sender, reactions) =
            (senders.of(&doc.sender_id).under(&call.context.site), reactions.of(&doc.id));
        documents::message(doc, reactions, sender, &epoch)
    };
    Ok(docs.into_iter().map(view).collect())
}
