use super::*;
use crate::live::fixture::{room, user};
use schemas::values::ShownStatus::{Away, Dnd, Offline, Online};

/// Two gateways that hear each other at once, and a clock.
struct World {
    gateways: Vec<Table>,
    begin: Instant,
    now: Duration,
    /// What was to be kept, in order.
    kept: Vec<(UserId, i64)>,
    hidden: Vec<UserId>,
    /// What sockets were told.
    told: Vec<(SocketId, UserId, schemas::values::ShownStatus)>,
}

impl World {
    fn of(count: usize) -> Self {
        let (now, begin) = (Duration::ZERO, Instant::now());
        let gateways = (0..count).map(|_| Table::default()).collect();
        let mut world =
            Self { gateways, begin, now, kept: Vec::new(), hidden: Vec::new(), told: Vec::new() };
        world.alive(0..count);
        world
    }

    fn instant(&self) -> Instant {
        self.begin + self.now
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.now.as_millis()).unwrap())
    }

    fn alive(&mut self, which: std::ops::Range<usize>) {
        let now = self.instant();
        for from in which {
            for (to, table) in self.gateways.iter_mut().enumerate() {
                if to != from {
                    table.alive(&from.to_string(), now);
                }
            }
        }
    }

    fn arrives(&mut self, at: usize, who: u64, socket: SocketId) {
        self.gateways[at].arrives(&user(who), socket, false, vec![room(1)]);
        self.asks(at, &[user(who)]);
    }

    fn asks(&mut self, at: usize, users: &[UserId]) {
        for other in (0..self.gateways.len()).filter(|other| *other != at) {
            let words = self.gateways[other].present(users);
            self.gateways[at].answered(&other.to_string(), users, words);
        }
    }

    fn leaves(&mut self, at: usize, who: u64, socket: SocketId) {
        let (now, wall) = (self.instant(), self.wall());
        self.gateways[at].leaves(&user(who), socket, now, wall);
    }

    fn sets(&mut self, at: usize, who: u64, socket: SocketId, status: PresenceStatus) {
        let wall = self.wall();
        self.gateways[at].sets(&user(who), socket, status, Patch::Keep, wall);
    }

    /// A socket watches; what it is told of each.
    fn watches(
        &mut self,
        at: usize,
        socket: SocketId,
        whom: &[u64],
    ) -> Vec<schemas::values::ShownStatus> {
        let list: Vec<UserId> = whom.iter().map(|number| user(*number)).collect();
        let (question, unknown) = self.gateways[at].watch(socket, &user(99), list);
        self.asks(at, &unknown);
        let news = self.gateways[at].answer(socket, question);
        news.into_iter().map(|news| news.shown.status).collect()
    }

    /// So many seconds later, in steps of a fifth, as far as these gateways live.
    fn pass(&mut self, seconds: u64, alive: std::ops::Range<usize>) {
        for step in 0..seconds * 5 {
            self.now += Duration::from_millis(200);
            if step % 25 == 0 {
                self.alive(alive.clone());
            }
            for at in alive.clone() {
                let (now, wall) = (self.instant(), self.wall());
                let turn = self.gateways[at].turn(now, wall);
                for News { user, shown, sockets, .. } in turn.news {
                    for socket in sockets {
                        self.told.push((socket, user, shown.status));
                    }
                }
                self.kept.extend(turn.last_seen.into_iter().map(|(user, at)| (user, at.millis())));
                self.hidden.extend(turn.hidden);
                for to in (0..self.gateways.len()).filter(|to| *to != at) {
                    self.gateways[to].heard(&at.to_string(), turn.words.clone());
                }
            }
        }
    }

    fn told(&mut self) -> Vec<schemas::values::ShownStatus> {
        std::mem::take(&mut self.told).into_iter().map(|(.., status)| status).collect()
    }

    fn is_empty(&self) -> bool {
        self.gateways.iter().all(|table| {
            table.here.is_empty()
                && table.there.is_empty()
                && table.watched.is_empty()
                && table.watchers.is_empty()
                && table.leaving.is_empty()
                && table.changed.is_empty()
        })
    }
}

#[test]
fn offline_comes_ten_seconds_after_the_last_socket_and_is_kept_once() {
    let mut world = World::of(2);
    world.arrives(0, 1, 10);
    world.arrives(0, 1, 11);
    world.pass(1, 0..2);
    assert_eq!(world.watches(1, 20, &[1, 2]), [Online, Offline]);
    world.leaves(0, 1, 10);
    world.pass(20, 0..2);
    assert_eq!(world.told(), []);
    world.leaves(0, 1, 11);
    world.pass(9, 0..2);
    assert_eq!((world.told(), world.kept.len()), (vec![], 0));
    world.pass(2, 0..2);
    assert_eq!(world.told(), [Offline]);
    assert_eq!(world.kept, [(user(1), 21_000)]);
    world.leaves(1, 99, 20);
    world.gateways[1].unwatch(20);
    world.pass(1, 0..2);
    assert!(world.is_empty());
}

#[test]
fn one_who_comes_back_elsewhere_was_never_away() {
    let mut world = World::of(3);
    world.arrives(0, 1, 10);
    world.pass(1, 0..3);
    assert_eq!(world.watches(2, 20, &[1]), [Online]);
    world.leaves(0, 1, 10);
    world.pass(5, 0..3);
    world.arrives(1, 1, 11);
    world.pass(20, 0..3);
    assert_eq!((world.told(), world.kept.len()), (vec![], 0));
    world.leaves(1, 1, 11);
    world.pass(11, 0..3);
    assert_eq!((world.told(), world.kept.len()), (vec![Offline], 1));
}

#[test]
fn the_people_of_a_gateway_that_died_are_offline_soon() {
    let mut world = World::of(2);
    world.arrives(1, 1, 10);
    world.pass(1, 0..2);
    assert_eq!(world.watches(0, 20, &[1]), [Online]);
    world.pass(14, 0..1);
    assert_eq!(world.told(), []);
    world.pass(11, 0..1);
    assert_eq!(world.told(), [Offline]);
    assert_eq!(world.kept.len(), 1);
}

#[test]
fn the_people_of_a_gateway_that_leaves_have_time_to_come_back() {
    let mut world = World::of(2);
    world.arrives(1, 1, 10);
    world.arrives(1, 2, 11);
    world.pass(1, 0..2);
    assert_eq!(world.watches(0, 20, &[1, 2]), [Online, Online]);
    let now = world.instant();
    world.gateways[0].goodbye(&"1".to_owned(), now);
    world.pass(2, 0..1);
    world.arrives(0, 1, 12);
    world.pass(20, 0..1);
    assert_eq!(world.told(), [Offline]);
}

#[test]
fn choices_hold_on_every_device_and_idle_devices_are_no_choice() {
    use PresenceStatus::{Away as Idle, Dnd as Quiet, Invisible, Online as There};
    let mut world = World::of(2);
    world.arrives(0, 1, 10);
    world.arrives(1, 1, 11);
    world.pass(1, 0..2);
    assert_eq!(world.watches(1, 20, &[1]), [Online]);
    let after = |world: &mut World, at, socket, status| {
        world.sets(at, 1, socket, status);
        world.pass(2, 0..2);
        world.told()
    };
    assert_eq!(after(&mut world, 0, 10, Idle), [], "the other device is in use");
    assert_eq!(after(&mut world, 1, 11, Idle), [Away]);
    assert_eq!(after(&mut world, 1, 11, Quiet), [Dnd]);
    // A device that wakes up takes nothing back that was chosen on another.
    assert_eq!(after(&mut world, 0, 10, There), []);
    assert_eq!(after(&mut world, 0, 10, There), [Online]);
    assert_eq!(after(&mut world, 1, 11, Quiet), [Dnd]);
    assert_eq!(world.kept, []);
    assert_eq!(after(&mut world, 0, 10, Invisible), [Offline]);
    assert_eq!(world.kept.len(), 1, "they seem to have gone");
    assert_eq!(after(&mut world, 1, 11, Idle), []);
    // That they go is not seen.
    world.leaves(0, 1, 10);
    world.leaves(1, 1, 11);
    world.pass(12, 0..2);
    assert_eq!((world.told(), world.kept.len()), (vec![], 1));
}

#[test]
fn one_who_turned_it_off_is_offline_and_nothing_is_kept_of_them() {
    let mut world = World::of(2);
    world.arrives(0, 1, 10);
    world.pass(1, 0..2);
    assert_eq!(world.watches(1, 20, &[1]), [Online]);
    world.gateways[0].set_private(&user(1), true);
    world.pass(2, 0..2);
    assert_eq!(world.told(), [Offline]);
    world.leaves(0, 1, 10);
    world.pass(12, 0..2);
    assert_eq!((world.told(), &world.kept, &world.hidden), (vec![], &vec![], &vec![user(1)]));
}

#[test]
fn a_lost_word_is_made_up_for_by_asking() {
    let mut world = World::of(2);
    world.arrives(1, 1, 10);
    assert_eq!(world.watches(0, 20, &[1]), [Online]);
    world.pass(1, 0..2);
    world.told();
    // It is gone, and no one said so.
    world.gateways[1].here.clear();
    world.gateways[1].leaving.clear();
    let all = world.gateways[0].concerned();
    world.asks(0, &all);
    world.pass(1, 0..2);
    assert_eq!(world.told(), [Offline]);
}

#[test]
fn watchers_are_told_at_a_pace_and_never_the_same_twice() {
    let mut world = World::of(1);
    world.arrives(0, 1, 10);
    world.pass(1, 0..1);
    assert_eq!(world.watches(0, 20, &[1]), [Online]);
    for number in 0..50 {
        let quiet = if number % 2 == 0 { PresenceStatus::Dnd } else { PresenceStatus::Online };
        world.sets(0, 1, 10, quiet);
        let (now, wall) = (world.instant(), world.wall());
        let turn = world.gateways[0].turn(now, wall);
        world.told.extend(turn.news.iter().map(|news| (20, news.user, news.shown.status)));
    }
    assert!(world.told().len() <= 1);
    world.pass(3, 0..1);
    let told = world.told();
    assert!(told.len() <= 1, "{told:?}");
    // One who watches only now hears of it once.
    world.sets(0, 1, 10, PresenceStatus::Dnd);
    assert_eq!(world.watches(0, 21, &[1]), [Dnd]);
    world.pass(3, 0..1);
    assert!(world.told().iter().all(|status| *status != Dnd));
    // A list replaces the former one.
    assert_eq!(world.watches(0, 21, &[]), []);
    world.sets(0, 1, 10, PresenceStatus::Online);
    world.pass(3, 0..1);
    assert!(world.told.iter().all(|(socket, ..)| *socket == 20), "{:?}", world.told);
}
