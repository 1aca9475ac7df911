//! Given what was loaded, when a command comes, then these facts or this refusal.

use eventlog::Expect;
use schemas::commands::{AdministerUser, ChangeProfile, Register};
use schemas::events::UserState;
use schemas::values::{Bio, DisplayName, Email, NewPassword, Patch, Role, Username};
use schemas::{Lane, Timestamp, UserId};
use uuid::Uuid;

use super::account::{self, Changing, NameChange, Registering};
use super::admin::{self, Administering};
use super::rejection::AccountRejection;
use super::{Context, Fact, Loaded, Name};

const NOW: Context = Context { now: Timestamp::from_millis(1_795_255_200_000) };

fn id(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

fn free(lane: Lane) -> Name {
    Name { lane, at: 0, owner: None }
}

fn held(lane: Lane, at: u64, owner: &UserId) -> Name {
    Name { lane, at, owner: Some(owner.to_string()) }
}

fn first_roll() -> Lane {
    Lane::handle("!admins")
}

fn registering(name: &str) -> (Registering, Register) {
    let email = format!("{name}@example.org");
    let state = Registering {
        handle: free(Lane::handle(name)),
        email: free(Lane::email(&email)),
        first: held(first_roll(), 1, &id(9)),
        asker: None,
    };
    let command = Register {
        username: Username::parse(name).unwrap(),
        email: Email::parse(&email).unwrap(),
        password: NewPassword::parse("correct horse").unwrap(),
        display_name: None,
        role: None,
    };
    (state, command)
}

fn user(number: u128, name: &str, role: Role) -> UserState {
    let (mut state, mut command) = registering(name);
    state.asker = Some(Role::Admin);
    command.role = Some(role);
    account::register(&state, &command, &id(number), &NOW).unwrap().0
}

#[track_caller]
fn types(facts: &[Fact]) -> Vec<&'static str> {
    facts.iter().map(|fact| fact.data.type_name()).collect()
}

#[test]
fn an_account_claims_its_names() {
    let (state, command) = registering("ada");
    let (user, facts) = account::register(&state, &command, &id(1), &NOW).unwrap();
    assert_eq!(user.role, Role::User);
    assert_eq!(user.display_name.as_str(), "ada");
    assert_eq!(types(&facts), ["name.claimed.v1", "name.claimed.v1", "user.registered.v1"]);
    assert_eq!(facts.first().map(|f| f.expect.clone()), Some(Expect::At(0)));
    assert_eq!(facts.last().map(|f| f.expect.clone()), Some(Expect::Empty));
}

#[test]
fn the_first_account_becomes_admin_and_is_written_into_the_roll() {
    let (mut state, command) = registering("ada");
    state.first = free(first_roll());
    let (user, facts) = account::register(&state, &command, &id(1), &NOW).unwrap();
    assert_eq!(user.role, Role::Admin);
    assert!(facts.iter().any(|fact| fact.lane == first_roll()));
}

#[test]
fn nobody_makes_himself_admin() {
    let (mut state, mut command) = registering("eve");
    command.role = Some(Role::Admin);
    for asker in [None, Some(Role::User), Some(Role::Moderator)] {
        state.asker = asker;
        let refused = account::register(&state, &command, &id(1), &NOW);
        assert_eq!(refused.err(), Some(AccountRejection::RoleNotYours));
    }
    state.asker = Some(Role::Admin);
    assert!(
        account::register(&state, &command, &id(1), &NOW).is_ok_and(|(u, _)| u.role == Role::Admin)
    );
}

#[test]
fn taken_names_are_refused_and_released_ones_are_free() {
    let (mut state, command) = registering("ada");
    state.handle = held(Lane::handle("ada"), 7, &id(2));
    let refused = account::register(&state, &command, &id(1), &NOW);
    assert_eq!(refused.err(), Some(AccountRejection::UsernameTaken));
    state.handle = Name { lane: Lane::handle("ada"), at: 8, owner: None };
    state.email = held(Lane::email("ada@example.org"), 7, &id(2));
    let refused = account::register(&state, &command, &id(1), &NOW);
    assert_eq!(refused.err(), Some(AccountRejection::EmailTaken));
    state.email.owner = None;
    let (_, facts) = account::register(&state, &command, &id(1), &NOW).unwrap();
    assert_eq!(facts.first().map(|f| f.expect.clone()), Some(Expect::At(8)));
}

fn no_change() -> ChangeProfile {
    ChangeProfile {
        display_name: None,
        bio: Patch::Keep,
        avatar_media_id: Patch::Keep,
        email: None,
        username: None,
        settings: None,
    }
}

fn changing(user: UserState) -> Changing {
    Changing { user: Loaded { at: 5, value: user }, handle: None, email: None }
}

#[test]
fn a_profile_changes_only_where_it_is_told_to() {
    let state = changing(user(1, "ada", Role::User));
    assert_eq!(account::change_profile(&state, &no_change()).map(|(_, f)| f.len()), Ok(0));
    let command = ChangeProfile {
        display_name: Some(DisplayName::parse("Ada L.").unwrap()),
        bio: Patch::Set(Bio::parse("counts").unwrap()),
        ..no_change()
    };
    let (changed, facts) = account::change_profile(&state, &command).unwrap();
    assert_eq!(changed.bio.as_ref().map(Bio::as_str), Some("counts"));
    assert_eq!(types(&facts), ["user.profile_changed.v1"]);
    assert_eq!(facts.first().map(|f| f.expect.clone()), Some(Expect::At(5)));
}

#[test]
fn another_username_releases_the_old_one_in_the_same_step() {
    let mut state = changing(user(1, "ada", Role::User));
    let wanted = Username::parse("countess").unwrap();
    state.handle = Some(NameChange {
        old: held(Lane::handle("ada"), 3, &id(1)),
        new: free(Lane::handle("countess")),
    });
    let command = ChangeProfile { username: Some(wanted), ..no_change() };
    let (_, facts) = account::change_profile(&state, &command).unwrap();
    assert_eq!(types(&facts), ["name.released.v1", "name.claimed.v1", "user.profile_changed.v1"]);
    state.handle = Some(NameChange {
        old: held(Lane::handle("ada"), 3, &id(1)),
        new: held(Lane::handle("countess"), 4, &id(2)),
    });
    let refused = account::change_profile(&state, &command);
    assert_eq!(refused.err(), Some(AccountRejection::UsernameTaken));
}

#[test]
fn settings_have_a_limit() {
    let state = changing(user(1, "ada", Role::User));
    let mut settings = serde_json::Map::new();
    settings.insert("k".into(), "x".repeat(account::MAX_SETTINGS).into());
    let command = ChangeProfile { settings: Some(settings), ..no_change() };
    let refused = account::change_profile(&state, &command);
    assert_eq!(refused.err(), Some(AccountRejection::SettingsTooLarge));
}

fn administering(admin: UserState, target: UserState) -> Administering {
    Administering {
        roll: held(first_roll(), 1, &admin.id),
        admin: Loaded { at: 2, value: admin },
        target: Loaded { at: 3, value: target },
    }
}

#[test]
fn only_admins_act_on_others_and_never_against_themselves() {
    let (admin, person) = (user(1, "root", Role::Admin), user(2, "ada", Role::User));
    let suspend = |of: &UserState| AdministerUser {
        user_id: of.id.clone(),
        role: None,
        suspended: Some(true),
    };
    let refused =
        admin::administer(&administering(person.clone(), admin.clone()), &suspend(&admin));
    assert_eq!(refused.err(), Some(AccountRejection::NotAdmin));
    let refused = admin::administer(&administering(admin.clone(), admin.clone()), &suspend(&admin));
    assert_eq!(refused.err(), Some(AccountRejection::NotYourself));
    let (after, facts) =
        admin::administer(&administering(admin, person.clone()), &suspend(&person))
            .unwrap();
    assert!(after.suspended);
    assert_eq!(types(&facts), ["name.claimed.v1", "user.suspension_changed.v1"]);
}

#[test]
fn role_and_suspension_change_in_one_step_with_one_expectation() {
    let (admin, person) = (user(1, "root", Role::Admin), user(2, "ada", Role::User));
    let command = AdministerUser {
        user_id: person.id.clone(),
        role: Some(Role::Moderator),
        suspended: Some(true),
    };
    let (after, facts) = admin::administer(&administering(admin, person), &command).unwrap();
    assert_eq!((after.role, after.suspended), (Role::Moderator, true));
    let expectations: Vec<Expect> = facts.iter().map(|fact| fact.expect.clone()).collect();
    assert_eq!(expectations, [Expect::At(1), Expect::At(3), Expect::Any]);
}
