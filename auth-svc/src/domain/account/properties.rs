//! Whatever people do, in whatever order, and however old what they have read is: names stay unique, and
//! an admin who may act remains.
//!
//! A small log in memory keeps lanes and checks expectations as the real one does. Each lane a decision is made
//! by is read at a place of its own in the recent past, as happens when others write meanwhile; only
//! expectations stand between such a decision and the log.

use std::collections::HashMap;

use decider::{Expect, Fact, Seen};
use proptest::prelude::*;
use schemas::commands::{AdministerUser, ChangeProfile};
use schemas::events::UserState;
use schemas::values::{Email, Patch, Role, Username};
use schemas::{EventData, Lane, NameKey, Sequence, Timestamp, UserId};
use uuid::Uuid;

use super::{
    Administering, Administrator, Changing, Entrance, LoadedUser, Name, NameChange, NewAccount,
    Registering, Registrar, account_after, administer, change_email, change_profile, holding_after,
    promote, register,
};
use crate::domain::Context;

const NOW: Context = Context { now: Timestamp::from_millis(1_795_255_200_000) };

/// How far in the past each read may be.
type Lags = [u64; 5];

#[derive(Debug, Clone)]
struct Wanted {
    name: u8,
    address: u8,
    role: Option<Role>,
    asker: Option<u8>,
    loopback: bool,
    operator: bool,
}

#[derive(Debug, Clone)]
enum Act {
    Register(Wanted),
    Promote { who: u8 },
    Rename { who: u8, name: Option<u8> },
    Move { who: u8, address: u8 },
    Administer { admin: u8, target: u8, role: Option<Role>, suspended: Option<bool> },
}

fn role() -> impl Strategy<Value = Option<Role>> {
    prop_oneof![Just(None), Just(Some(Role::User)), Just(Some(Role::Admin))]
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..6_u8;
    let name = 0..8_u8;
    let asker = proptest::option::of(who.clone());
    let maybe = proptest::option::of(name.clone());
    prop_oneof![
        (name.clone(), name.clone(), role(), asker, any::<bool>(), 0..8_u8).prop_map(
            |(name, address, role, asker, loopback, one_of)| {
                let operator = one_of == 0;
                Act::Register(Wanted { name, address, role, asker, loopback, operator })
            }
        ),
        who.clone().prop_map(|who| Act::Promote { who }),
        (who.clone(), maybe).prop_map(|(who, name)| Act::Rename { who, name }),
        (who.clone(), name).prop_map(|(who, address)| Act::Move { who, address }),
        (who.clone(), who, role(), any::<Option<bool>>()).prop_map(
            |(admin, target, role, suspended)| Act::Administer { admin, target, role, suspended }
        ),
    ]
}

fn username(number: u8) -> Username {
    Username::parse(&format!("name{number}")).unwrap()
}

fn email(number: u8) -> Email {
    Email::parse(&format!("address{number}@example.org")).unwrap()
}

fn names() -> NameKey {
    NameKey::new(&[1; NameKey::BYTES])
}

fn registry() -> Lane {
    names().admins()
}

#[derive(Default)]
struct Log {
    lanes: HashMap<Lane, Vec<(Sequence, EventData)>>,
    head: Sequence,
    /// Who has registered, in order.
    people: Vec<UserId>,
    /// Ids drawn.
    drawn: u128,
}

impl Log {
    /// The events of a lane as a reader sees it who is `lag` events behind.
    fn seen(&self, lane: &Lane, lag: u64) -> &[(Sequence, EventData)] {
        let events = self.lanes.get(lane).map_or(&[][..], Vec::as_slice);
        let until = self.head.saturating_sub(lag);
        &events[..events.partition_point(|(sequence, _)| *sequence <= until)]
    }

    fn name(&self, lane: Lane, lag: u64) -> Name {
        let last = self.seen(&lane, lag).last();
        let at = last.map_or(0, |(sequence, _)| *sequence);
        let holding = last.and_then(|(_, event)| holding_after(event)).unwrap_or_default();
        Name { lane, at, owner: holding.owner, held: holding.held }
    }

    fn user(&self, id: &UserId, lag: u64) -> Option<LoadedUser> {
        let (at, event) = self.seen(&Lane::User(*id), lag).last()?;
        account_after(event).map(|state| Seen { at: *at, state })
    }

    fn person(&self, number: u8, lag: u64) -> Option<LoadedUser> {
        let id = self.people.get(usize::from(number) % self.people.len().max(1))?;
        self.user(id, lag)
    }

    /// All or nothing: each expectation is judged by the log before the batch.
    fn append(&mut self, facts: Vec<Fact>) -> bool {
        let last = |lane: &Lane| self.seen(lane, 0).last().map_or(0, |(sequence, _)| *sequence);
        let holds = facts.iter().all(|fact| match &fact.expect {
            Expect::Any => true,
            Expect::Empty => last(&fact.lane) == 0,
            Expect::At(sequence) => last(&fact.lane) == *sequence,
            Expect::Fence { lane, at } => last(lane) == *at,
        });
        if holds {
            for fact in facts {
                self.head += 1;
                self.lanes.entry(fact.lane).or_default().push((self.head, fact.data));
            }
        }
        holds
    }

    fn carry_out(&mut self, act: &Act, lags: Lags) {
        let decided = match act {
            Act::Register(wanted) => return self.register(wanted, lags),
            Act::Promote { who } => self
                .person(*who, lags[0])
                .and_then(|user| promote(&user, &self.name(registry(), lags[1])).ok()),
            Act::Rename { who, name } => self.rename(*who, *name, lags),
            Act::Move { who, address } => self.move_to(*who, *address, lags),
            Act::Administer { admin, target, role, suspended } => {
                self.administer((*admin, *target), *role, *suspended, lags)
            }
        };
        if let Some((announced, facts)) = decided
            && !facts.is_empty()
            && self.append(facts)
        {
            let now = self.user(&announced.id, 0).map(|user| user.state);
            assert_eq!(now, Some(announced), "the log says what the decision announced");
        }
    }

    fn register(&mut self, wanted: &Wanted, lags: Lags) {
        let command = NewAccount {
            username: username(wanted.name),
            email: email(wanted.address),
            display_name: None,
            role: wanted.role,
            email_verified: false,
            has_password: true,
        };
        let asker = wanted.asker.and_then(|asker| self.person(asker, lags[3]));
        let by = match asker {
            _ if wanted.operator => Registrar::Operator,
            Some(asker) => Registrar::Account(asker),
            None => {
                Registrar::Themselves(Entrance { loopback: wanted.loopback, ..Entrance::default() })
            }
        };
        let state = Registering {
            handle: self.name(names().handle(command.username.as_str()), lags[0]),
            email: self.name(names().email(command.email.as_str()), lags[1]),
            registry: self.name(registry(), lags[2]),
            by,
        };
        self.drawn += 1;
        let id = UserId::from_uuid(Uuid::from_u128(self.drawn));
        if let Ok((_, facts)) = register(&state, &command, &id, &NOW)
            && self.append(facts)
        {
            self.people.push(id);
        }
    }

    fn rename(&self, who: u8, name: Option<u8>, lags: Lags) -> Option<(UserState, Vec<Fact>)> {
        let user = self.person(who, lags[0])?;
        let command = ChangeProfile {
            display_name: Patch::Keep,
            bio: Patch::Keep,
            avatar_media_id: Patch::Keep,
            username: name.map(username),
            settings: None,
            preferences: None,
        };
        let old = &user.state;
        let handle = command.username.as_ref().filter(|wanted| **wanted != old.username);
        let handle = handle.map(|wanted| NameChange {
            old: self.name(names().handle(old.username.as_str()), lags[1]),
            new: self.name(names().handle(wanted.as_str()), lags[2]),
        });
        change_profile(&Changing { user, handle }, &command, &NOW).ok()
    }

    fn move_to(&self, who: u8, address: u8, lags: Lags) -> Option<(UserState, Vec<Fact>)> {
        let user = self.person(who, lags[0])?;
        let wanted = email(address);
        let change = NameChange {
            old: self.name(names().email(user.state.email.as_str()), lags[3]),
            new: self.name(names().email(wanted.as_str()), lags[4]),
        };
        change_email(&user, &change, &wanted).ok()
    }

    fn administer(
        &self,
        (admin, target): (u8, u8),
        role: Option<Role>,
        suspended: Option<bool>,
        lags: Lags,
    ) -> Option<(UserState, Vec<Fact>)> {
        let admin = self.person(admin, lags[0])?;
        let target = self.person(target, lags[1])?;
        let others = self.people.iter().filter(|id| **id != admin.state.id);
        let mut others = others.filter_map(|id| self.user(id, lags[2]));
        let another = others.find(Administrator::is_admin);
        let user_id = target.state.id;
        let command = AdministerUser { user_id, role, suspended, reason: None };
        administer(&Administering { admin, target, registry: registry(), another }, &command).ok()
    }

    fn check(&self) {
        let people: Vec<UserState> =
            self.people.iter().map(|id| self.user(id, 0).unwrap().state).collect();
        for person in &people {
            let owner = Some(person.id.to_string());
            let handle = names().handle(person.username.as_str());
            assert_eq!(self.name(handle, 0).owner, owner, "every account holds its username");
            let email = names().email(person.email.as_str());
            assert_eq!(self.name(email, 0).owner, owner, "every account holds its address");
        }
        let names = self.lanes.keys().filter(|lane| {
            matches!(lane, Lane::Handle(_) | Lane::Email(_)) && **lane != registry()
        });
        let held = names.filter(|lane| self.name(*(*lane), 0).owner.is_some()).count();
        assert_eq!(held, people.len() * 2, "no name is held without an account");
        let admin = |person: &UserState| person.role == Role::Admin && !person.suspended;
        let had = self
            .lanes
            .values()
            .flatten()
            .any(|(_, event)| account_after(event).as_ref().is_some_and(admin));
        assert!(!had || people.iter().any(admin), "an admin remains");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_stay_unique_and_an_admin_remains(
        acts in proptest::collection::vec((act(), proptest::array::uniform5(0..6_u64)), 1..60)
    ) {
        let mut log = Log::default();
        for (act, lags) in acts {
            log.carry_out(&act, lags);
            log.check();
        }
    }
}
