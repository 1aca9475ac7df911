//! Whatever is tried, a room keeps its rules.

use proptest::prelude::*;

use super::*;

/// One thing a user tries.
#[derive(Debug, Clone)]
enum Try {
    Join(u128),
    Leave(u128),
    Add(u128, u128, Option<RoomRole>),
    Remove(u128, u128),
    Role(u128, u128, RoomRole),
    Mute(u128, u128, bool),
    Rename(u128, bool),
    /// Archives the room, or brings it back.
    Archive(u128),
    /// By the installation's admin.
    Appoint(u128),
}

fn tries() -> impl Strategy<Value = Try> {
    let who = || 1u128..7;
    let role = || prop_oneof![Just(RoomRole::Member), Just(RoomRole::Admin), Just(RoomRole::Owner)];
    prop_oneof![
        who().prop_map(Try::Join),
        who().prop_map(Try::Leave),
        (who(), who(), prop::option::of(role())).prop_map(|(a, b, r)| Try::Add(a, b, r)),
        (who(), who()).prop_map(|(a, b)| Try::Remove(a, b)),
        (who(), who(), role()).prop_map(|(a, b, r)| Try::Role(a, b, r)),
        (who(), who(), any::<bool>()).prop_map(|(a, b, m)| Try::Mute(a, b, m)),
        (who(), any::<bool>()).prop_map(|(a, x)| Try::Rename(a, x)),
        who().prop_map(Try::Archive),
        who().prop_map(Try::Appoint),
    ]
}

impl World {
    /// Tries something; whether it is refused does not matter here.
    fn attempt(&mut self, what: &Try) {
        let decided = match what {
            Try::Join(a) => self.join(*a).ok(),
            Try::Leave(a) => self.leave(*a).ok(),
            Try::Add(a, b, role) => self.add(*a, *b, *role).ok(),
            Try::Remove(a, b) => self.remove(*a, *b).ok(),
            Try::Role(a, b, role) => self.set_role(*a, *b, *role).ok(),
            Try::Mute(a, b, on) => {
                let until = if *on { Patch::Set(at(500)) } else { Patch::Clear };
                self.change_member(*a, &mute(*b, until), *b).ok()
            }
            Try::Rename(a, x) => self.change_room(*a, &rename(if *x { "x" } else { "y" })).ok(),
            Try::Appoint(a) => self.appoint(8, *a).ok(),
            Try::Archive(a) => {
                let archived = self.room.as_ref().is_some_and(|room| room.archived);
                if archived { self.restore(*a).ok() } else { self.archive(*a).ok() }
            }
        };
        self.apply(decided.unwrap_or_default());
    }

    fn check(&self) {
        let room = self.room.as_ref().unwrap();
        let mut owners: Vec<_> = self
            .members
            .values()
            .filter(|member| member.present && member.role == RoomRole::Owner)
            .map(|member| member.user_id)
            .collect();
        let mut listed = room.owners.clone();
        owners.sort();
        listed.sort();
        assert_eq!(owners, listed, "the room's list and the members' roles agree");
        let fixed = room.everyone || room.kind == RoomKind::Direct;
        assert_eq!(owners.is_empty(), fixed, "a room that changes hands always has an owner");
        assert!(self.names.len() <= 1, "a room holds one name at most");
        assert_eq!(&self.replayed(), self, "replay gives the live state");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_tried_a_room_keeps_its_rules(
        kind in 0..4,
        tries in prop::collection::vec(tries(), 0..40),
    ) {
        let mut world = match kind {
            0 => channel(),
            1 => group(),
            2 => World::with_everyone(),
            _ => World::with_direct(),
        };
        world.person(8, |person| person.role = Role::Admin);
        for what in &tries {
            world.attempt(what);
            world.check();
        }
    }
}
