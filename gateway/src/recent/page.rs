//! The newest messages of a room, and what events do to them: pure.

use std::collections::VecDeque;

use readmodel::{MessageDoc, MessageMark, RoomDoc, Threads};
use schemas::events::{MessageEvent, MessagePosted, PinEvent, ReactionEvent, RetentionEvent};
use schemas::{EventData, MessageId, Sequence};

/// Messages of a page at most: what one read may ask for, and one more.
const MOST: usize = 201;

/// It cannot be told from the event what the page shows after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stale;

/// The newest messages of a room.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Page {
    /// Oldest first.
    docs: VecDeque<MessageDoc>,
    /// There are no older ones.
    whole: bool,
    /// Whether answers in threads are among them.
    threads: Threads,
    /// How many messages there were in the room, in all and in the main timeline, up to a place of the log.
    numbers: (u64, u64),
    numbered: Sequence,
}

impl Page {
    /// The messages that were loaded, when so many were asked for, after their room was.
    pub(super) fn loaded(
        room: &RoomDoc,
        threads: Threads,
        docs: Vec<MessageDoc>,
        asked: usize,
    ) -> Self {
        let whole = docs.len() < asked;
        let numbers = (room.last_number, room.main_number);
        Self { docs: docs.into(), whole, threads, numbers, numbered: room.updated }
    }

    /// About the bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.docs.iter().map(|doc| MessageMark::of(doc).bytes).sum::<usize>()
    }

    /// The newest so many, or all there are when these are fewer; none when it holds less than that.
    pub(super) fn newest(&self, most: usize) -> Option<Vec<MessageDoc>> {
        let enough = self.whole || self.docs.len() >= most;
        let skipped = self.docs.len().saturating_sub(most);
        enough.then(|| self.docs.range(skipped..).cloned().collect())
    }

    fn doc(&mut self, id: &MessageId) -> Option<&mut MessageDoc> {
        // What changes is new, nearly always.
        self.docs.iter_mut().rev().find(|doc| doc.id == *id)
    }

    /// What the page shows after an event at a place of the log, which it may show already.
    ///
    /// # Errors
    /// [`Stale`]: load it anew.
    pub(super) fn apply(&mut self, at: Sequence, event: &EventData) -> Result<(), Stale> {
        match event {
            EventData::Message(MessageEvent::Posted(posted)) => self.posted(at, posted),
            EventData::Message(MessageEvent::Edited(edited)) => {
                let shown = self.doc(&edited.message.id);
                if let Some(doc) = shown.filter(|doc| doc.deleted_at.is_none() && doc.changed < at)
                {
                    doc.edit(edited, at);
                }
                Ok(())
            }
            EventData::Message(MessageEvent::Deleted(deleted)) => {
                let shown = self.doc(&deleted.message_id);
                if let Some(doc) = shown.filter(|doc| doc.deleted_at.is_none() && doc.changed < at)
                {
                    doc.delete(deleted.deleted_at, at);
                }
                deleted.thread_root_id.as_ref().map_or(Ok(()), |root| self.unanswered(at, root))
            }
            // Who reacted is known to the read model only, and whether the last kind or pin was one too many.
            EventData::Reaction(ReactionEvent::Added(e)) => self.beside(at, &e.message_id),
            EventData::Reaction(ReactionEvent::Removed(e)) => self.beside(at, &e.message_id),
            EventData::Pin(PinEvent::Pinned(e)) => self.beside(at, &e.message_id),
            EventData::Pin(PinEvent::Unpinned(e)) => self.beside(at, &e.message_id),
            // They are on no page any more, and what comes into their places this page does not have. With the text of a
            // deleted message goes what its sender's client called it.
            EventData::Retention(RetentionEvent::Purged(_) | RetentionEvent::TextsRemoved(_)) => {
                Err(Stale)
            }
            EventData::Receipt(_)
            | EventData::Thread(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Audit(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(RetentionEvent::Applied(_))
            | EventData::Block(_)
            | EventData::Prefs(_)
            | EventData::Invite(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Notification(_) => Ok(()),
        }
    }

    /// The reactions or the pin of a message may have changed; one that was deleted has none.
    fn beside(&mut self, at: Sequence, message: &MessageId) -> Result<(), Stale> {
        match self.doc(message) {
            Some(doc) if doc.beside < at && doc.deleted_at.is_none() => Err(Stale),
            Some(_) | None => Ok(()),
        }
    }

    /// An answer was deleted: when the newest that stands was given its root does not say. The answers of a root that
    /// was deleted are counted as well.
    fn unanswered(&mut self, at: Sequence, root: &MessageId) -> Result<(), Stale> {
        match self.doc(root) {
            Some(root) if root.beside < at => Err(Stale),
            Some(_) | None => Ok(()),
        }
    }

    fn posted(&mut self, at: Sequence, posted: &MessagePosted) -> Result<(), Stale> {
        let message = &posted.message;
        if at <= self.numbered {
            return Ok(());
        }
        let repeats = |doc: &MessageDoc| {
            doc.id != message.id
                && doc.sender_id == message.sender_id
                && doc.client_id.is_some()
                && doc.client_id == message.client_id
        };
        // The log should never hold a repeat; what becomes of one is the projection's to say.
        if self.docs.iter().any(repeats) {
            return Err(Stale);
        }
        let main = message.thread_root_id.is_none();
        self.numbers = (self.numbers.0 + 1, self.numbers.1 + u64::from(main));
        self.numbered = at;
        if let Some(root) = message.thread_root_id.as_ref().and_then(|root| self.doc(root))
            && root.beside < at
        {
            root.reply_count += 1;
            root.last_reply_at = Some(message.created_at);
            (root.beside, root.updated) = (at, at);
        }
        if (main || self.threads == Threads::Shown) && self.doc(&message.id).is_none() {
            let (number, main_number) = self.numbers;
            self.docs.push_back(MessageDoc::as_posted(message, number, main_number, at));
            if self.docs.len() > MOST {
                self.docs.pop_front();
                self.whole = false;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use readmodel::Threads;
    use schemas::Event;
    use schemas::values::RoomKind;

    use super::*;
    use crate::live::fixture::{
        answered, deleted, edited, pinned, posted, reacted, room_doc, unanswered,
    };

    /// The page of a room with nothing in it.
    fn empty(threads: Threads) -> Page {
        Page::loaded(&room_doc(RoomKind::Group), threads, Vec::new(), 10)
    }

    fn after(mut page: Page, events: &[(Sequence, Event)]) -> Result<Page, Stale> {
        events.iter().try_for_each(|(at, event)| page.apply(*at, &event.data))?;
        Ok(page)
    }

    /// What the read model would show at the end of a history, loaded at some place in it.
    fn loaded(page: &Page, at: Sequence) -> Page {
        let mut room = room_doc(RoomKind::Group);
        (room.last_number, room.main_number) = page.numbers;
        room.updated = at;
        Page::loaded(&room, page.threads, page.docs.clone().into(), page.docs.len() + 1)
    }

    fn history() -> Vec<(Sequence, Event)> {
        let events = [
            posted(1, 1, 9),
            posted(1, 2, 8),
            answered(1, 3, 8, 1),
            edited(1, 1, 9, 1),
            posted(1, 4, 9),
            answered(1, 5, 9, 1),
            deleted(1, 2, 8, 2),
            edited(1, 2, 8, 2),
            deleted(1, 2, 8, 2),
            answered(1, 6, 9, 4),
            edited(1, 6, 9, 1),
        ];
        (1..).zip(events).collect()
    }

    #[test]
    fn a_page_goes_on_with_what_is_posted_edited_and_deleted() {
        let page = after(empty(Threads::Shown), &history()).unwrap();
        let shown = page.newest(10).unwrap();
        let numbers: Vec<u64> = shown.iter().map(|doc| doc.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        let replies: Vec<u64> = shown.iter().map(|doc| doc.reply_count).collect();
        assert_eq!(replies, [2, 0, 0, 1, 0, 0]);
        let gone = &shown[1];
        assert!(gone.body.is_empty() && gone.deleted_at.is_some() && gone.edited_at.is_none());
        assert_eq!(page.newest(2).unwrap().len(), 2);
        let main = after(empty(Threads::LeftOut), &history()).unwrap();
        let shown = main.newest(10).unwrap();
        assert_eq!(shown.iter().map(|doc| doc.number).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(shown[0].reply_count, 2);
    }

    #[test]
    fn what_a_page_shows_already_changes_it_no_more() {
        let events = history();
        for threads in [Threads::Shown, Threads::LeftOut] {
            let whole = after(empty(threads), &events).unwrap();
            for known in 0..events.len() {
                for read in known..=events.len() {
                    let page = after(empty(threads), &events[..read]).unwrap();
                    let page = loaded(&page, u64::try_from(read).unwrap());
                    let page = after(page, &events[known..]).unwrap();
                    assert_eq!(page.docs, whole.docs, "known {known}, read {read}");
                    assert_eq!(page.numbers, whole.numbers);
                }
            }
        }
    }

    #[test]
    fn what_an_event_does_not_say_is_loaded_anew() {
        let page = after(empty(Threads::Shown), &history()).unwrap();
        for event in [reacted(1, 1, 2, "\u{1f44d}"), pinned(1, 4, 2), unanswered(1, 3, 8, 1)] {
            assert_eq!(page.clone().apply(20, &event.data), Err(Stale));
        }
        // Of a message that is not on it, or gone, it says enough.
        for event in [reacted(1, 99, 2, "\u{1f44d}"), reacted(1, 2, 2, "\u{1f44d}")] {
            assert_eq!(page.clone().apply(20, &event.data), Ok(()));
        }
        // But an answer may be deleted after its root.
        let mut gone = after(page, &[(19, deleted(1, 1, 9, 3))]).unwrap();
        assert_eq!(gone.apply(20, &unanswered(1, 3, 8, 1).data), Err(Stale));
    }

    #[test]
    fn a_page_is_bounded_and_says_when_it_is_too_short() {
        let mut page = empty(Threads::Shown);
        for number in 1..=300 {
            page.apply(number, &posted(1, number, 9).data).unwrap();
        }
        assert_eq!((page.docs.len(), page.whole), (MOST, false));
        assert_eq!(page.newest(MOST).unwrap().first().unwrap().number, 100);
        assert!(page.newest(MOST + 1).is_none());
        let mut few = Page::loaded(&room_doc(RoomKind::Group), Threads::Shown, Vec::new(), 0);
        few.apply(1, &posted(1, 1, 9).data).unwrap();
        assert!(few.newest(2).is_none() && few.newest(1).is_some());
    }
}
