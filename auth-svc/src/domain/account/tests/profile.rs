//! What people change of themselves: names given up, preferences.

use schemas::preferences::MailAbout;
use schemas::{Preferences, PreferencesPatch};

use super::super::Holding;
use super::super::decide::USERNAME_HELD_SECONDS;
use super::super::state::Held;
use super::*;

#[test]
fn a_username_given_up_is_held_back_from_others_for_30_days() {
    let given_up = NOW.now;
    let free = given_up.plus_seconds(USERNAME_HELD_SECONDS);
    let mut state = changing(user(1, "ada", Role::User));
    state.handle = Some(NameChange {
        old: held(names().handle("ada"), 3, &id(1)),
        new: Name { lane: names().handle("countess"), at: 0, owner: None, held: None },
    });
    let wanted = |name: &str| ChangeProfile {
        username: Some(Username::parse(name).unwrap()),
        ..no_change()
    };
    let (after, facts) = change_profile(&state, &wanted("countess"), &NOW).unwrap();
    let released = holding_after(&facts[0].data).unwrap();
    let hold = Held { by: id(1).to_string(), until: free };
    assert_eq!(released, Holding { owner: None, held: Some(hold) });
    let name = Name { lane: names().handle("ada"), at: 9, owner: None, held: released.held };
    let before = Context { now: free.plus_seconds(-1) };
    // Others wait, the owner may take it back, and then it is free.
    let (mut registering, command) = registering("ada");
    registering.handle = name.clone();
    let registered = |now: &Context| register(&registering, &command, &id(2), now).map(drop);
    assert_eq!(registered(&before), Err(AccountRejection::UsernameTaken));
    assert_eq!(registered(&Context { now: free }), Ok(()));
    let mut back = changing(after);
    back.handle = Some(NameChange { old: held(names().handle("countess"), 10, &id(1)), new: name });
    assert!(change_profile(&back, &wanted("ada"), &before).is_ok());
    let mut other = back;
    other.user = Seen { at: 5, state: user(2, "bob", Role::User) };
    let refused = change_profile(&other, &wanted("ada"), &before).map(drop);
    assert_eq!(refused, Err(AccountRejection::UsernameTaken));
}

#[test]
fn preferences_merge_and_a_cleared_name_is_the_username() {
    let patch = |json: &str| serde_json::from_str::<PreferencesPatch>(json).unwrap();
    let state = changing(user(1, "ada", Role::User));
    let first = ChangeProfile {
        preferences: Some(patch(
            r#"{"email":"none","do_not_disturb_until":{"set":"2026-12-01T00:00:00.000Z"}}"#,
        )),
        ..no_change()
    };
    let (after, _) = change_profile(&state, &first, &NOW).unwrap();
    assert_eq!(after.preferences.email, MailAbout::None);
    assert!(after.preferences.do_not_disturb_until.is_some() && after.preferences.read_receipts);
    let second = ChangeProfile {
        display_name: Patch::Clear,
        preferences: Some(patch(r#"{"read_receipts":false,"do_not_disturb_until":"clear"}"#)),
        ..no_change()
    };
    let (after, _) = change_profile(&changing(after), &second, &NOW).unwrap();
    assert_eq!(after.display_name.as_str(), "ada");
    let expected =
        Preferences { email: MailAbout::None, read_receipts: false, ..Preferences::default() };
    assert_eq!(after.preferences, expected);
    let (_, facts) = change_profile(&changing(after), &second, &NOW).unwrap();
    assert_eq!(facts, [], "a repeat writes nothing");
}
