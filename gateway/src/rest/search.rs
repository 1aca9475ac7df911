//! Finding messages by their words.

use readmodel::{MessageSearch, ReadStore, Words, search_messages};
use schemas::values::{MessageHas, UserRef};
use schemas::views::{Message, Page};
use schemas::{Code, Rejection, RoomId, Sequence, Timestamp, UserId};
use serde::Serialize;

use super::paging::place;
use super::{access, shown};
use crate::cursor::List;
use crate::failure;
use crate::http::{Call, Done, Limit, Query, Reply, shape};

/// Characters of a query.
const MAX_QUERY: usize = 500;

shape! {
    /// Which messages to find.
    SearchQuery {
        /// What to look for, 1 to 500 characters: words, all of which must be in the message; `"a phrase"`, words that
        /// follow one another; `begin*`, the beginning of a word. Case and accents make no difference, an emoji is a
        /// word, and any part of a text in Chinese, Japanese, Korean or Thai is found. Punctuation separates words and
        /// is otherwise passed over: there are no operators.
        #[schemars(length(min = 1, max = 500))]
        q: String,
        /// Only messages in this room.
        room: Option<RoomId>,
        /// Only messages by this user: an id, or `@` and the username.
        from: Option<UserRef>,
        /// Only messages posted later than this.
        after: Option<Timestamp>,
        /// Only messages posted earlier than this.
        before: Option<Timestamp>,
        /// Only messages with attached files (`file`), or with a link to a web page in their text (`link`).
        has: Option<MessageHas>,
        /// How many messages: 1 to 200. Defaults to 50.
        #[schemars(with = "Option<u32>", range(min = 1, max = 200))]
        limit: Limit,
        /// `next_cursor` of the previous page.
        cursor: Option<String>,
    }
}

/// A message that was found.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct FoundMessage {
    /// The message.
    pub(crate) message: Message,
    /// The part of its text around the first match, at most 200 of its characters, as HTML: what matched stands in
    /// `<mark>`, everything else is escaped, `…` stands where the text goes on.
    pub(crate) snippet: String,
}

/// Newest first. A page may be short, or empty, and still have a `next_cursor`: at most 20,000 messages are looked at.
pub(crate) async fn messages(
    call: Call,
    Query(query): Query<SearchQuery>,
) -> Done<Page<FoundMessage>> {
    if !(1..=MAX_QUERY).contains(&query.q.chars().count()) {
        let detail = "must have 1 to 500 characters";
        return Err(Rejection::field(Code::ValidationFailed, "?q", "out_of_range", detail));
    }
    let user = &call.caller()?.user_id;
    if let Some(room) = &query.room {
        access::joined(&call, room).await?;
    }
    let (epoch, filters) = (call.epoch(), filters(&query));
    let list = List {
        epoch: &epoch,
        parts: vec!["search", user.as_str(), query.q.as_str(), filters.as_str()],
    };
    let below: Option<Sequence> = place(&list, query.cursor.as_deref())?;
    let store = call.state.read_model.current();
    let Some(search) = search(store.as_ref(), &query, below).await? else {
        return Ok(Reply::ok(&Page { items: Vec::new(), next_cursor: None }));
    };
    let found = search_messages(store.as_ref(), user, &search, query.limit.items()).await;
    let found = found.map_err(failure::store)?;
    let next_cursor = found.onward.and_then(|below| list.cursor(&below));
    let messages = shown::messages(&call, store.as_ref(), found.items).await?;
    let shown =
        |message: Message| FoundMessage { snippet: search.words.snippet(&message.body), message };
    Ok(Reply::ok(&Page { items: messages.into_iter().map(shown).collect(), next_cursor }))
}

/// What makes a search another one than that for the same words.
fn filters(query: &SearchQuery) -> String {
    let from = query.from.as_ref().map(|from| match from {
        UserRef::Id(id) => id.to_string(),
        UserRef::Name(name) => format!("@{name}"),
    });
    let moment = |time: Option<Timestamp>| time.map(|time| time.millis());
    let room = query.room.as_ref().map(RoomId::as_str);
    let has = query.has.map(MessageHas::as_str);
    format!("{room:?} {from:?} {:?} {:?} {has:?}", moment(query.after), moment(query.before))
}

/// What is asked for; none when it is by a user there is not.
async fn search(
    store: &dyn ReadStore,
    query: &SearchQuery,
    below: Option<Sequence>,
) -> Result<Option<MessageSearch>, Rejection> {
    let from: Option<UserId> = match &query.from {
        None => None,
        Some(UserRef::Id(id)) => Some(*id),
        Some(UserRef::Name(name)) => {
            let found = store.user_by_username(name).await.map_err(failure::store)?;
            let Some(user) = found else { return Ok(None) };
            Some(user.state.id)
        }
    };
    Ok(Some(MessageSearch {
        words: Words::parse(&query.q),
        room: query.room,
        from,
        after: query.after,
        before: query.before,
        has: query.has,
        below,
    }))
}
