//! The reactions to messages, as they are shown to one reader.
//!
//! A message names the first users of each kind by itself. The store is asked only where the reader may be another one,
//! or where one of the first took theirs back and who is shown in their stead must be found out.

use std::collections::{HashMap, HashSet};

use readmodel::{FIRST_USERS, MessageDoc, ReactionKind, ReadStore, StoreError};
use schemas::views::Reaction;
use schemas::{MessageId, ReactionId, UserId};

/// The reactions to some messages.
#[derive(Debug, Default)]
pub(crate) struct Reactions(HashMap<MessageId, Vec<Reaction>>);

impl Reactions {
    /// Those to one of the messages.
    pub(crate) fn of(&self, message: &MessageId) -> Vec<Reaction> {
        self.0.get(message).cloned().unwrap_or_default()
    }
}

/// The reactions to these messages, as a reader is shown them.
///
/// # Errors
/// The store does not answer.
pub(crate) async fn shown(
    store: &dyn ReadStore,
    reader: &UserId,
    messages: impl Iterator<Item = &MessageDoc>,
) -> Result<Reactions, StoreError> {
    let with: Vec<&MessageDoc> = messages.filter(|doc| !doc.reactions.is_empty()).collect();
    let own = own(store, reader, &with).await?;
    let mut shown = HashMap::with_capacity(with.len());
    for doc in with {
        let mut reactions = Vec::with_capacity(doc.reactions.len());
        for kind in &doc.reactions {
            let id = ReactionId::of(reader, &kind.emoji);
            let me = kind.first.contains(reader) || own.contains(&(doc.id, id));
            let users = match kind.lacks_users() {
                true => first_users(store, &doc.id, kind).await?,
                false => kind.first.clone(),
            };
            reactions.push(reaction(kind, users, me));
        }
        shown.insert(doc.id, reactions);
    }
    Ok(Reactions(shown))
}

/// A kind of reactions as a reader is shown it.
pub(crate) fn reaction(kind: &ReactionKind, users: Vec<UserId>, me: bool) -> Reaction {
    Reaction { emoji: kind.emoji.to_string(), count: kind.count, users, me: Some(me) }
}

/// The reader's own reactions, of those that the messages do not name.
async fn own(
    store: &dyn ReadStore,
    reader: &UserId,
    messages: &[&MessageDoc],
) -> Result<HashSet<(MessageId, ReactionId)>, StoreError> {
    let unnamed = |kind: &&ReactionKind| {
        let named = u64::try_from(kind.first.len()).unwrap_or(u64::MAX);
        named < kind.count && !kind.first.contains(reader)
    };
    let keys: Vec<(MessageId, ReactionId)> = messages
        .iter()
        .flat_map(|doc| {
            let kinds = doc.reactions.iter().filter(unnamed);
            kinds.map(|kind| (doc.id, ReactionId::of(reader, &kind.emoji)))
        })
        .collect();
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let found = store.reactions(&keys).await?;
    Ok(found.into_iter().map(|doc| (doc.message_id, doc.id)).collect())
}

async fn first_users(
    store: &dyn ReadStore,
    message: &MessageId,
    kind: &ReactionKind,
) -> Result<Vec<UserId>, StoreError> {
    let found = store.reactions_of_kind(message, &kind.emoji, 0, FIRST_USERS).await?;
    Ok(found.items.into_iter().map(|doc| doc.user_id).collect())
}
