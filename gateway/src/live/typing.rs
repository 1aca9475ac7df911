//! Who is typing where, as far as it is told: pure and bounded.
//!
//! A room tells of a few people at a time, however many type: an entry here is such a place. It is kept for as long as
//! a person is told of at most once, so people who begin and stop all the time cost their room no more than others.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use schemas::{MessageId, RoomId, UserId};

/// How often a user who goes on typing is told of.
const AGAIN: Duration = Duration::from_secs(3);
/// How long after the last word of it a user counts as typing.
const ENDS: Duration = Duration::from_secs(6);
/// How long a check of their rights holds. What changes them ends their typing besides.
const CHECKED: Duration = Duration::from_secs(10);
/// People told of in one room at a time. Clients name three or four and then say "several people".
const PER_ROOM: usize = 5;
/// Places in one room that one user may be typing in: the main timeline and a thread.
const PER_PERSON: usize = 2;
/// Rooms with people typing that are kept at all, some megabytes.
const MAX_ROOMS: usize = 20_000;

/// Where a user is typing: in a room's main timeline, or in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TypingPlace {
    pub(crate) room: RoomId,
    pub(crate) thread: Option<MessageId>,
}

/// Where a user's socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// At this gateway: it tells the others.
    Here,
    /// At another one.
    Elsewhere,
}

/// What a room is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(crate) place: TypingPlace,
    pub(crate) user: UserId,
    pub(crate) active: bool,
    pub(crate) origin: Origin,
}

#[derive(Debug)]
struct Typist {
    user: UserId,
    thread: Option<MessageId>,
    origin: Origin,
    active: bool,
    heard: Instant,
    checked: Instant,
    /// The last time they were told to be typing.
    told: Option<Instant>,
    /// Whether the room takes them for typing.
    shown: bool,
}

impl Typist {
    fn is(&self, user: &UserId, thread: Option<&MessageId>) -> bool {
        self.user == *user && self.thread.as_ref() == thread
    }

    /// What is to be told now.
    fn turn(&mut self, now: Instant) -> Option<bool> {
        if now.saturating_duration_since(self.heard) >= ENDS {
            self.active = false;
        }
        if !self.active {
            return std::mem::take(&mut self.shown).then_some(false);
        }
        let may = self.told.is_none_or(|told| now.saturating_duration_since(told) >= AGAIN);
        let news = !self.shown || self.told.is_none_or(|told| self.heard > told);
        (may && news).then(|| {
            (self.told, self.shown) = (Some(now), true);
            true
        })
    }

    /// Whether their place may be given to another.
    fn is_over(&self, now: Instant) -> bool {
        let told = self.told.is_some_and(|told| now.saturating_duration_since(told) < AGAIN);
        !self.active && !self.shown && !told
    }
}

/// The users who are told to be typing.
#[derive(Debug, Default)]
pub(crate) struct Typists(HashMap<RoomId, Vec<Typist>>);

impl Typists {
    /// A user goes on typing; false when they are not known to be, or whether they may must be asked again.
    pub(crate) fn goes_on(&mut self, user: &UserId, place: &TypingPlace, now: Instant) -> bool {
        let typists = self.0.get_mut(&place.room).into_iter().flatten();
        for typist in typists.filter(|typist| typist.is(user, place.thread.as_ref())) {
            let checked = now.saturating_duration_since(typist.checked) < CHECKED;
            if typist.active && typist.origin == Origin::Here && checked {
                typist.heard = now;
                return true;
            }
        }
        false
    }

    /// A user who may is typing. Where the room tells of enough people already it is not told.
    pub(crate) fn begins(
        &mut self,
        user: &UserId,
        place: &TypingPlace,
        origin: Origin,
        now: Instant,
    ) {
        if self.0.len() >= MAX_ROOMS && !self.0.contains_key(&place.room) {
            return;
        }
        let typists = self.0.entry(place.room).or_default();
        let known = typists.iter_mut().find(|one| one.is(user, place.thread.as_ref()));
        if let Some(typist) = known {
            (typist.active, typist.heard, typist.checked) = (true, now, now);
            if origin == Origin::Here {
                typist.origin = origin;
            }
            return;
        }
        let own = typists.iter().filter(|typist| typist.user == *user).count();
        if typists.len() >= PER_ROOM || own >= PER_PERSON {
            return;
        }
        typists.push(Typist {
            user: *user,
            thread: place.thread,
            origin,
            active: true,
            heard: now,
            checked: now,
            told: None,
            shown: false,
        });
    }

    /// A user has stopped, or has posted what they typed.
    pub(crate) fn ends(&mut self, user: &UserId, room: &RoomId, thread: Option<&MessageId>) {
        let typists = self.0.get_mut(room).into_iter().flatten();
        typists.filter(|typist| typist.is(user, thread)).for_each(|typist| typist.active = false);
    }

    /// What a user may do in a room has changed.
    pub(crate) fn member_changed(&mut self, room: &RoomId, user: &UserId) {
        let typists = self.0.get_mut(room).into_iter().flatten();
        typists.filter(|typist| typist.user == *user).for_each(|typist| typist.active = false);
    }

    /// A room has changed, and with it perhaps what people may do there.
    pub(crate) fn room_changed(&mut self, room: &RoomId) {
        let typists = self.0.get_mut(room).into_iter().flatten();
        typists.for_each(|typist| typist.active = false);
    }

    /// What is to be told now.
    pub(crate) fn turn(&mut self, now: Instant) -> Vec<Telling> {
        let mut tellings = Vec::new();
        self.0.retain(|room, typists| {
            for typist in &mut *typists {
                let Some(active) = typist.turn(now) else { continue };
                let place = TypingPlace { room: *room, thread: typist.thread };
                let (user, origin) = (typist.user, typist.origin);
                tellings.push(Telling { place, user, active, origin });
            }
            typists.retain(|typist| !typist.is_over(now));
            !typists.is_empty()
        });
        tellings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::{message, room, user};

    fn place(number: u64) -> TypingPlace {
        TypingPlace { room: room(number), thread: None }
    }

    /// What is told in each second from the first on, when in each this is done.
    fn told(
        seconds: u64,
        mut act: impl FnMut(u64, &mut Typists, Instant),
    ) -> Vec<(u64, u64, bool)> {
        let (mut typists, begin) = (Typists::default(), Instant::now());
        let mut told = Vec::new();
        for second in 0..seconds {
            let now = begin + Duration::from_secs(second);
            act(second, &mut typists, now);
            for telling in typists.turn(now) {
                let number = (0..100).find(|number| user(*number) == telling.user).unwrap();
                told.push((second, number, telling.active));
            }
        }
        assert!(typists.0.is_empty(), "{typists:?}");
        told
    }

    #[test]
    fn a_typist_is_told_of_every_three_seconds_and_ends_six_after_the_last() {
        let told = told(30, |second, typists, now| {
            if second <= 7 {
                typists.begins(&user(1), &place(1), Origin::Here, now);
            }
        });
        assert_eq!(told, [(0, 1, true), (3, 1, true), (6, 1, true), (9, 1, true), (13, 1, false)]);
        let once = self::told(30, |second, typists, now| {
            if second == 0 {
                typists.begins(&user(1), &place(1), Origin::Here, now);
            }
        });
        assert_eq!(once, [(0, 1, true), (6, 1, false)]);
    }

    #[test]
    fn a_post_ends_it_at_once_and_beginning_again_waits() {
        let told = told(30, |second, typists, now| match second {
            0 | 2 => typists.begins(&user(1), &place(1), Origin::Here, now),
            1 => typists.ends(&user(1), &room(1), None),
            4 => {
                // Elsewhere in the room they have posted nothing.
                typists.ends(&user(1), &room(1), Some(&message(1)));
                typists.ends(&user(2), &room(1), None);
            }
            _ => {}
        });
        assert_eq!(told, [(0, 1, true), (1, 1, false), (3, 1, true), (8, 1, false)]);
    }

    #[test]
    fn what_began_and_ended_between_two_turns_is_not_told() {
        let told = told(5, |second, typists, now| {
            if second == 0 {
                typists.begins(&user(1), &place(1), Origin::Here, now);
                typists.member_changed(&room(1), &user(1));
            }
        });
        assert_eq!(told, []);
    }

    #[test]
    fn a_room_tells_of_few_and_of_others_when_those_have_stopped() {
        let told = told(60, |second, typists, now| {
            for number in 0..50 {
                let typing = if number < 5 { second < 10 } else { second < 20 };
                if typing {
                    typists.begins(&user(number), &place(1), Origin::Here, now);
                }
            }
        });
        let of = |first: u64| told.iter().any(|(_, number, _)| *number == first);
        assert!((0..10).all(of) && !(10..50).any(of), "{told:?}");
        assert!(told.len() < 60, "{}", told.len());
    }

    #[test]
    fn flips_and_made_up_threads_cost_a_room_no_more() {
        let (mut typists, begin) = (Typists::default(), Instant::now());
        let mut told = 0;
        for flip in 0..6_000 {
            let now = begin + Duration::from_millis(flip * 10);
            let thread = Some(message(flip % 1_000));
            let place = TypingPlace { room: room(1), thread };
            typists.begins(&user(1), &place, Origin::Here, now);
            told += typists.turn(now).len();
            typists.ends(&user(1), &room(1), place.thread.as_ref());
            told += typists.turn(now).len();
        }
        // Two places, each told of and taken back once in three seconds, for a minute.
        assert!(told <= 2 * 2 * 60 / 3 + 4, "{told}");
    }

    #[test]
    fn going_on_needs_a_check_now_and_then_and_after_every_change() {
        let (mut typists, begin) = (Typists::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert!(!typists.goes_on(&user(1), &place(1), begin));
        typists.begins(&user(1), &place(1), Origin::Here, begin);
        assert!(typists.goes_on(&user(1), &place(1), at(5)));
        assert!(!typists.goes_on(&user(1), &place(2), at(5)));
        assert!(!typists.goes_on(&user(1), &place(1), at(10)));
        typists.begins(&user(1), &place(1), Origin::Here, at(10));
        typists.room_changed(&room(1));
        assert!(!typists.goes_on(&user(1), &place(1), at(11)));
        typists.begins(&user(2), &place(1), Origin::Elsewhere, at(11));
        assert!(!typists.goes_on(&user(2), &place(1), at(12)), "their own gateway has checked");
    }

    #[test]
    fn rooms_are_bounded() {
        let (mut typists, now) = (Typists::default(), Instant::now());
        for number in 0..30_000 {
            typists.begins(&user(1), &place(number), Origin::Here, now);
        }
        assert_eq!(typists.0.len(), MAX_ROOMS);
    }
}
