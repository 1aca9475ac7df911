//! Given what was loaded, when a command comes, then these facts or this refusal.

use decider::{Expect, Fact, Seen};
use schemas::commands::{AdministerUser, ChangeProfile};
use schemas::events::UserState;
use schemas::values::{Bio, DisplayName, Email, Patch, Role, Username};
use schemas::{Lane, NameKey, Settings, Timestamp, UserId};
use uuid::Uuid;

use super::{
    AccountRejection, Administering, Changing, Entrance, Name, NameChange, NewAccount, Registering,
    Registrar, account_after, administer, change_email, change_profile, holding_after,
    password_set, promote, register, verify_email,
};
use crate::domain::Context;

mod profile;
mod registration;

const NOW: Context = Context { now: Timestamp::from_millis(1_795_255_200_000) };

fn id(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

fn free(lane: Lane) -> Name {
    Name { lane, at: 0, owner: None, held: None }
}

fn held(lane: Lane, at: u64, owner: &UserId) -> Name {
    Name { lane, at, owner: Some(owner.to_string()), held: None }
}

fn names() -> NameKey {
    NameKey::new(&[1; NameKey::BYTES])
}

fn registry() -> Lane {
    names().admins()
}

fn themselves(loopback: bool) -> Registrar {
    Registrar::Themselves(Entrance { loopback, ..Entrance::default() })
}

fn registering(name: &str) -> (Registering, NewAccount) {
    let email = format!("{name}@example.org");
    let state = Registering {
        handle: free(names().handle(name)),
        email: free(names().email(&email)),
        registry: held(registry(), 1, &id(9)),
        by: themselves(true),
    };
    let command = NewAccount {
        username: Username::parse(name).unwrap(),
        email: Email::parse(&email).unwrap(),
        display_name: None,
        role: None,
        email_verified: false,
        has_password: true,
    };
    (state, command)
}

fn user(number: u128, name: &str, role: Role) -> UserState {
    let (state, command) = registering(name);
    let (mut user, _) = register(&state, &command, &id(number), &NOW).unwrap();
    user.role = role;
    user
}

fn asker(role: Role) -> Seen<UserState> {
    Seen { at: 21, state: user(8, "asker", role) }
}

fn untouched(number: u128, at: u64) -> Expect {
    Expect::Fence { lane: Lane::User(id(number)), at }
}

#[track_caller]
fn types(facts: &[Fact]) -> Vec<&'static str> {
    facts.iter().map(|fact| fact.data.type_name()).collect()
}

#[test]
fn an_account_claims_its_names() {
    let (state, command) = registering("ada");
    let (user, facts) = register(&state, &command, &id(1), &NOW).unwrap();
    assert_eq!(user.role, Role::User);
    assert_eq!(user.display_name.as_str(), "ada");
    assert_eq!(types(&facts), ["name.claimed.v1", "name.claimed.v1", "user.registered.v1"]);
    assert_eq!(facts.first().map(|f| f.expect.clone()), Some(Expect::At(0)));
    assert_eq!(facts.last().map(|f| f.expect.clone()), Some(Expect::Empty));
}

#[test]
fn the_first_account_becomes_admin_and_is_written_into_the_registry() {
    let (mut state, command) = registering("ada");
    state.registry = free(registry());
    let (user, facts) = register(&state, &command, &id(1), &NOW).unwrap();
    assert_eq!(user.role, Role::Admin);
    assert!(facts.iter().any(|fact| fact.lane == registry()));
}

#[test]
fn the_first_account_from_elsewhere_is_an_ordinary_one_and_there_is_no_second_first_one() {
    let (mut state, command) = registering("ada");
    state.registry = free(registry());
    state.by = themselves(false);
    let (user, facts) = register(&state, &command, &id(1), &NOW).unwrap();
    assert_eq!(user.role, Role::User);
    assert!(facts.iter().any(|fact| fact.lane == registry()), "the registry is held from now on");
    let (mut state, command) = registering("bob");
    state.registry = held(registry(), 1, &id(1));
    let (user, facts) = register(&state, &command, &id(2), &NOW).unwrap();
    assert_eq!((user.role, facts.len()), (Role::User, 3));
    let (mut state, mut command) = registering("eve");
    state.registry = free(registry());
    (command.role, state.by) = (Some(Role::Admin), themselves(false));
    let refused = register(&state, &command, &id(3), &NOW);
    assert_eq!(refused.err(), Some(AccountRejection::RoleNotYours));
}

#[test]
fn the_operator_makes_admins() {
    for owner in [None, Some(id(9).to_string())] {
        let (mut state, mut command) = registering("ada");
        state.registry = Name { lane: registry(), at: 4, owner, held: None };
        state.by = Registrar::Operator;
        command.role = Some(Role::Admin);
        let (user, facts) = register(&state, &command, &id(1), &NOW).unwrap();
        assert_eq!(user.role, Role::Admin);
        let claim =
            facts.iter().find(|fact| fact.lane == registry()).map(|fact| fact.expect.clone());
        assert_eq!(claim, Some(Expect::At(4)));
    }
}

#[test]
fn the_operator_promotes_an_account_once() {
    let registry = free(registry());
    let mut ada = Seen { at: 5, state: user(1, "ada", Role::Moderator) };
    let (after, facts) = promote(&ada, &registry).unwrap();
    assert_eq!(after.role, Role::Admin);
    assert_eq!(types(&facts), ["name.claimed.v1", "user.role_changed.v1"]);
    let expectations: Vec<Expect> = facts.into_iter().map(|fact| fact.expect).collect();
    assert_eq!(expectations, [Expect::At(0), Expect::At(5)]);
    ada.state = after;
    assert_eq!(promote(&ada, &registry).map(|(_, facts)| facts.len()), Ok(0));
    ada.state.suspended = true;
    assert_eq!(promote(&ada, &registry).err(), Some(AccountRejection::Suspended));
}

#[test]
fn users_cannot_make_themselves_admins() {
    let (mut state, mut command) = registering("eve");
    command.role = Some(Role::Admin);
    let refused = register(&state, &command, &id(1), &NOW);
    assert_eq!(refused.err(), Some(AccountRejection::RoleNotYours));
    for role in [Role::User, Role::Moderator] {
        state.by = Registrar::Account(asker(role));
        let refused = register(&state, &command, &id(1), &NOW);
        assert_eq!(refused.err(), Some(AccountRejection::NotAdmin));
    }
    state.by = Registrar::Account(asker(Role::Admin));
    let (user, facts) = register(&state, &command, &id(1), &NOW).unwrap();
    assert_eq!(user.role, Role::Admin);
    // The act relies on the one who gave the role: nothing may have happened to that account.
    assert_eq!(facts.get(2).map(|fact| fact.expect.clone()), Some(untouched(8, 21)));
    let mut suspended = asker(Role::Admin);
    suspended.state.suspended = true;
    state.by = Registrar::Account(suspended);
    let refused = register(&state, &command, &id(1), &NOW);
    assert_eq!(refused.err(), Some(AccountRejection::NotAdmin));
}

#[test]
fn taken_names_are_refused_and_released_ones_are_free() {
    let (mut state, command) = registering("ada");
    state.handle = held(names().handle("ada"), 7, &id(2));
    let refused = register(&state, &command, &id(1), &NOW);
    assert_eq!(refused.err(), Some(AccountRejection::UsernameTaken));
    state.handle = Name { lane: names().handle("ada"), at: 8, owner: None, held: None };
    state.email = held(names().email("ada@example.org"), 7, &id(2));
    let refused = register(&state, &command, &id(1), &NOW);
    assert_eq!(refused.err(), Some(AccountRejection::EmailTaken));
    state.email.owner = None;
    let (_, facts) = register(&state, &command, &id(1), &NOW).unwrap();
    assert_eq!(facts.first().map(|f| f.expect.clone()), Some(Expect::At(8)));
}

fn no_change() -> ChangeProfile {
    ChangeProfile {
        display_name: Patch::Keep,
        bio: Patch::Keep,
        avatar_media_id: Patch::Keep,
        username: None,
        settings: None,
        preferences: None,
    }
}

fn changing(user: UserState) -> Changing {
    Changing { user: Seen { at: 5, state: user }, handle: None }
}

#[test]
fn a_profile_changes_only_where_it_is_told_to() {
    let state = changing(user(1, "ada", Role::User));
    assert_eq!(change_profile(&state, &no_change(), &NOW).map(|(_, f)| f.len()), Ok(0));
    let command = ChangeProfile {
        display_name: Patch::Set(DisplayName::parse("Ada L.").unwrap()),
        bio: Patch::Set(Bio::parse("counts").unwrap()),
        ..no_change()
    };
    let (changed, facts) = change_profile(&state, &command, &NOW).unwrap();
    assert_eq!(changed.bio.as_ref().map(Bio::as_str), Some("counts"));
    assert_eq!(types(&facts), ["user.profile_changed.v1"]);
    assert_eq!(facts.first().map(|f| f.expect.clone()), Some(Expect::At(5)));
}

#[test]
fn another_username_releases_the_old_one_in_the_same_step() {
    let mut state = changing(user(1, "ada", Role::User));
    let wanted = Username::parse("countess").unwrap();
    state.handle = Some(NameChange {
        old: held(names().handle("ada"), 3, &id(1)),
        new: free(names().handle("countess")),
    });
    let command = ChangeProfile { username: Some(wanted), ..no_change() };
    let (_, facts) = change_profile(&state, &command, &NOW).unwrap();
    assert_eq!(types(&facts), ["name.released.v1", "name.claimed.v1", "user.profile_changed.v1"]);
    state.handle = Some(NameChange {
        old: held(names().handle("ada"), 3, &id(1)),
        new: held(names().handle("countess"), 4, &id(2)),
    });
    let refused = change_profile(&state, &command, &NOW);
    assert_eq!(refused.err(), Some(AccountRejection::UsernameTaken));
}

#[test]
fn settings_are_replaced_as_a_whole() {
    let mut person = user(1, "ada", Role::User);
    person.settings.insert("old".into(), true.into());
    let state = changing(person);
    let settings: Settings = serde_json::from_str(r#"{"theme":{"dark":true}}"#).unwrap();
    let command = ChangeProfile { settings: Some(settings.clone()), ..no_change() };
    let (changed, facts) = change_profile(&state, &command, &NOW).unwrap();
    assert_eq!((&changed.settings, facts.len()), (settings.as_object(), 1));
}

fn administering(admin: UserState, target: UserState) -> Administering {
    Administering {
        registry: registry(),
        another: None,
        admin: Seen { at: 2, state: admin },
        target: Seen { at: 3, state: target },
    }
}

#[test]
fn only_admins_act_on_others_and_never_against_themselves() {
    let (admin, person) = (user(1, "boss", Role::Admin), user(2, "ada", Role::User));
    let suspend = |of: &UserState| AdministerUser {
        user_id: of.id,
        role: None,
        suspended: Some(true),
        reason: None,
    };
    let refused = administer(&administering(person.clone(), admin.clone()), &suspend(&admin));
    assert_eq!(refused.err(), Some(AccountRejection::NotAdmin));
    let refused = administer(&administering(admin.clone(), admin.clone()), &suspend(&admin));
    assert_eq!(refused.err(), Some(AccountRejection::NotYourself));
    let (after, facts) =
        administer(&administering(admin, person.clone()), &suspend(&person)).unwrap();
    assert!(after.suspended);
    assert_eq!(types(&facts), ["name.claimed.v1", "user.suspension_changed.v1"]);
}

#[test]
fn role_and_suspension_change_in_one_step_with_one_expectation() {
    let (admin, person) = (user(1, "boss", Role::Admin), user(2, "ada", Role::User));
    let command = AdministerUser {
        user_id: person.id,
        role: Some(Role::Moderator),
        suspended: Some(true),
        reason: None,
    };
    let (after, facts) = administer(&administering(admin, person), &command).unwrap();
    assert_eq!((after.role, after.suspended), (Role::Moderator, true));
    let expectations: Vec<Expect> = facts.iter().map(|fact| fact.expect.clone()).collect();
    assert_eq!(expectations, [untouched(1, 2), Expect::At(3), Expect::Any]);
}

#[test]
fn an_admin_steps_down_when_another_remains() {
    let admin = user(1, "boss", Role::Admin);
    let command =
        AdministerUser { user_id: admin.id, role: Some(Role::User), suspended: None, reason: None };
    let mut state = administering(admin.clone(), admin);
    assert_eq!(administer(&state, &command).err(), Some(AccountRejection::LastAdmin));
    let mut another = Seen { at: 7, state: user(2, "bob", Role::Admin) };
    state.another = Some(another.clone());
    let (after, facts) = administer(&state, &command).unwrap();
    assert_eq!(after.role, Role::User);
    assert_eq!(types(&facts), ["name.claimed.v1", "user.role_changed.v1"]);
    assert_eq!(facts.first().map(|fact| fact.expect.clone()), Some(untouched(2, 7)));
    another.state.suspended = true;
    state.another = Some(another);
    assert_eq!(administer(&state, &command).err(), Some(AccountRejection::LastAdmin));
}

#[test]
fn a_suspended_admin_acts_no_more() {
    let mut admin = user(1, "boss", Role::Admin);
    admin.suspended = true;
    let person = user(2, "ada", Role::User);
    let command =
        AdministerUser { user_id: person.id, role: None, suspended: Some(true), reason: None };
    let refused = administer(&administering(admin, person), &command);
    assert_eq!(refused.err(), Some(AccountRejection::NotAdmin));
}

#[test]
fn a_confirmed_address_is_the_accounts_and_verified() {
    let user = Seen { at: 5, state: user(1, "ada", Role::User) };
    let wanted = Email::parse("ada@example.net").unwrap();
    let names_of = |owner| NameChange {
        old: held(names().email("ada@example.org"), 4, &id(1)),
        new: Name { lane: names().email("ada@example.net"), at: 6, owner, held: None },
    };
    let (after, facts) = change_email(&user, &names_of(None), &wanted).unwrap();
    assert_eq!((after.email, after.email_verified), (wanted.clone(), true));
    let expectations: Vec<Expect> = facts.iter().map(|fact| fact.expect.clone()).collect();
    assert_eq!(expectations, [Expect::At(4), Expect::At(6), Expect::At(5)]);
    assert_eq!(types(&facts)[2], "user.email_changed.v1");
    let taken = change_email(&user, &names_of(Some(id(2).to_string())), &wanted);
    assert_eq!(taken.err(), Some(AccountRejection::EmailTaken));
}

#[test]
fn another_spelling_of_the_own_address_moves_no_name() {
    let user = Seen { at: 5, state: user(1, "ada", Role::User) };
    let own = held(names().email("ada@example.org"), 4, &id(1));
    let wanted = Email::parse("Ada@example.org").unwrap();
    let names = NameChange { old: own.clone(), new: own };
    let (_, facts) = change_email(&user, &names, &wanted).unwrap();
    assert_eq!(types(&facts), ["user.email_changed.v1"]);
}

#[test]
fn a_code_verifies_the_address_it_went_to_and_no_other() {
    let mut user = Seen { at: 5, state: user(1, "ada", Role::User) };
    let email = user.state.email.clone();
    let (after, facts) = verify_email(&user, &email).unwrap();
    assert!(after.email_verified);
    assert_eq!(types(&facts), ["user.email_verified.v1"]);
    user.state = after;
    assert_eq!(verify_email(&user, &email).map(|(_, facts)| facts.len()), Ok(0));
    let other = Email::parse("ada@example.net").unwrap();
    assert_eq!(verify_email(&user, &other).err(), Some(AccountRejection::AddressChanged));
}

#[test]
fn replaying_the_facts_of_a_decision_gives_the_state_it_announced() {
    let (state, command) = registering("ada");
    let (registered, mut facts) = register(&state, &command, &id(1), &NOW).unwrap();
    let mut changed = changing(registered);
    changed.handle = Some(NameChange {
        old: held(names().handle("ada"), 3, &id(1)),
        new: free(names().handle("countess")),
    });
    let username = Some(Username::parse("countess").unwrap());
    let rename = ChangeProfile { username, ..no_change() };
    let (announced, more) = change_profile(&changed, &rename, &NOW).unwrap();
    facts.extend(more);
    let (mut replayed, mut ada, mut countess) = (None, None, None);
    for fact in facts {
        match &fact.lane {
            lane if *lane == names().handle("ada") => {
                ada = holding_after(&fact.data).and_then(|holding| holding.owner)
            }
            lane if *lane == names().handle("countess") => {
                countess = holding_after(&fact.data).and_then(|holding| holding.owner);
            }
            _ => replayed = account_after(&fact.data).or(replayed),
        }
    }
    assert_eq!((replayed, ada), (Some(announced), None));
    assert_eq!(countess.as_deref(), Some(id(1).as_str()));
}
