//! Who may register, and by which invitation.

use schemas::events::InviteState;
use schemas::{InviteId, NotAdmitted, Registration, RoomId};

use super::*;

fn invite(max_uses: Option<u32>) -> InviteState {
    InviteState {
        id: InviteId::from_uuid(Uuid::from_u128(7)),
        room_id: RoomId::from_uuid(Uuid::from_u128(8)),
        created_by: id(9),
        created_at: NOW.now,
        expires_at: NOW.now.plus_seconds(10),
        max_uses,
        uses: 0,
        revoked: false,
        reserved: Vec::new(),
    }
}

fn entrance(mode: &str, invite: Option<InviteState>) -> Registrar {
    let registration = Registration::parse(mode).unwrap();
    let invite = invite.map(|state| Seen { at: 31, state });
    Registrar::Themselves(Entrance { loopback: true, registration, invite })
}

#[track_caller]
fn refused(by: Registrar, why: AccountRejection) {
    let (mut state, command) = registering("ada");
    state.by = by;
    assert_eq!(register(&state, &command, &id(1), &NOW).err(), Some(why));
}

#[test]
fn each_mode_refuses_whom_it_does_not_admit() {
    refused(entrance("closed", None), NotAdmitted::Closed.into());
    refused(entrance("closed", Some(invite(None))), NotAdmitted::Closed.into());
    refused(entrance("invite", None), NotAdmitted::NoInvitation.into());
    refused(entrance("domains:example.com", None), NotAdmitted::ForeignDomain.into());
    let (mut state, command) = registering("ada");
    state.by = entrance("domains:example.com,example.org", None);
    assert!(register(&state, &command, &id(1), &NOW).is_ok());
    for by in [Registrar::Operator, Registrar::Account(asker(Role::Admin))] {
        state.by = by;
        assert!(register(&state, &command, &id(1), &NOW).is_ok(), "no mode binds them");
    }
}

#[test]
fn an_invitation_keeps_a_place_in_the_same_batch() {
    for mode in ["invite", "open"] {
        let (mut state, command) = registering("ada");
        state.by = entrance(mode, Some(invite(Some(1))));
        let (_, facts) = register(&state, &command, &id(1), &NOW).unwrap();
        let wanted =
            ["name.claimed.v1", "name.claimed.v1", "invite.reserved.v1", "user.registered.v1"];
        assert_eq!(types(&facts), wanted);
        assert_eq!(facts.get(2).map(|fact| fact.expect.clone()), Some(Expect::At(31)));
    }
}

#[test]
fn an_invitation_that_is_over_lets_no_one_in() {
    let used = InviteState { uses: 1, ..invite(Some(1)) };
    let revoked = InviteState { revoked: true, ..invite(None) };
    let expired = InviteState { expires_at: NOW.now, ..invite(None) };
    for over in [used, revoked, expired] {
        refused(entrance("invite", Some(over)), AccountRejection::InviteOver);
    }
}

#[test]
fn places_count_as_uses_and_are_bounded() {
    let mut one = invite(None);
    for number in 0..1_001 {
        one = one.reserved_for(&id(number), NOW.now).unwrap();
    }
    assert_eq!((one.uses, one.reserved.len(), one.reserved.first()), (1_001, 1_000, Some(&id(1))));
}

#[test]
fn an_account_without_a_password_gets_one_once() {
    let mut ada = Seen { at: 5, state: user(1, "ada", Role::User) };
    assert!(password_set(&ada).is_none());
    ada.state.has_password = false;
    let fact = password_set(&ada).unwrap();
    assert_eq!((fact.data.type_name(), fact.expect), ("user.password_set.v1", Expect::At(5)));
}
