//! Given what the log says when a person arrives, then they come in this way or are refused.

use decider::{Expect, Seen};
use schemas::events::{IdentitiesState, Identity, IdentityEvent, NameReleased, UserState};
use schemas::values::{DisplayName, Email, ProviderId, ProviderName, Role, Username};
use schemas::{Digest, EventData, Lane, NameKey, Preferences, Timestamp, UserId};
use uuid::Uuid;

use super::{
    Arrival, IdentityRejection, Linking, Unlinking, Via, Way, identities_after, link, linked_with,
    unlink, way,
};
use crate::domain::account::{LoadedUser, Name, holding_after};

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn id() -> UserId {
    UserId::from_uuid(Uuid::from_u128(1))
}

fn user(verified: bool, suspended: bool) -> LoadedUser {
    let state = UserState {
        id: id(),
        username: Username::parse("ada").unwrap(),
        display_name: DisplayName::parse("Ada").unwrap(),
        email: Email::parse("ada@example.org").unwrap(),
        email_verified: verified,
        role: Role::User,
        suspended,
        second_factor: false,
        has_password: true,
        deleted: false,
        bio: None,
        avatar_media_id: None,
        settings: serde_json::Map::new(),
        preferences: Preferences::default(),
        created_at: Timestamp::from_millis(0),
    };
    Seen { at: 7, state }
}

fn keys() -> NameKey {
    NameKey::new(&[7; 32])
}

fn identity(owner: Option<&UserId>) -> Name {
    let lane = keys().identity("https://id.test", "ada");
    Name { lane, at: 3, owner: owner.map(ToString::to_string), held: None }
}

fn email(owner: Option<&UserId>) -> Name {
    let lane = keys().email("ada@example.org");
    Name { lane, at: 5, owner: owner.map(ToString::to_string), held: None }
}

fn stranger() -> Arrival {
    Arrival { identity: identity(None), holder: None, email: Some(email(None)), addressee: None }
}

fn with_address_of(user: LoadedUser) -> Arrival {
    Arrival { email: Some(email(Some(&id()))), addressee: Some(user), ..stranger() }
}

#[test]
fn an_identity_leads_to_its_account_whatever_is_said_of_the_address() {
    for email in [None, Some(email(None))] {
        let known = Arrival { holder: Some(user(false, false)), email, ..stranger() };
        assert_eq!(way(&known, false, NOW), Ok(Way::Known(Box::new(user(false, false)))));
    }
    let suspended = Arrival { holder: Some(user(true, true)), ..stranger() };
    assert_eq!(way(&suspended, true, NOW), Err(IdentityRejection::Suspended));
}

#[test]
fn a_stranger_needs_a_verified_address() {
    assert_eq!(way(&stranger(), false, NOW), Ok(Way::New));
    let without = Arrival { email: None, ..stranger() };
    for link_by_email in [true, false] {
        assert_eq!(way(&without, link_by_email, NOW), Err(IdentityRejection::NotVerified));
    }
}

#[test]
fn an_address_leads_to_an_account_that_has_verified_it_if_the_provider_is_trusted() {
    let verified = with_address_of(user(true, false));
    assert_eq!(way(&verified, true, NOW), Ok(Way::Linked(Box::new(user(true, false)))));
    assert_eq!(way(&verified, false, NOW), Err(IdentityRejection::AddressTaken));
    let unverified = with_address_of(user(false, false));
    assert_eq!(way(&unverified, true, NOW), Err(IdentityRejection::AddressTaken));
    let suspended = with_address_of(user(true, true));
    assert_eq!(way(&suspended, true, NOW), Err(IdentityRejection::Suspended));
    let odd = Arrival { addressee: None, ..verified };
    assert_eq!(
        way(&odd, true, NOW),
        Err(IdentityRejection::AddressTaken),
        "held, by an account unknown"
    );
}

#[test]
fn an_identity_that_was_taken_away_is_not_linked_again_by_its_address_for_a_time() {
    let held = |by: &UserId, until: i64| {
        let held_until = Some(Timestamp::from_millis(until));
        let released = NameReleased { owner: by.to_string(), held_until };
        let held = holding_after(&released.into()).and_then(|holding| holding.held);
        let identity = Name { held, ..identity(None) };
        Arrival { identity, ..with_address_of(user(true, false)) }
    };
    assert_eq!(way(&held(&id(), 1_001), true, NOW), Err(IdentityRejection::AddressTaken));
    assert_eq!(way(&held(&id(), 1_000), true, NOW), Ok(Way::Linked(Box::new(user(true, false)))));
    let other = UserId::from_uuid(Uuid::from_u128(2));
    assert!(way(&held(&other, 1_001), true, NOW).is_ok(), "it was another account's");
    // Where no account has the address it is a new person's.
    let alone = Arrival { addressee: None, email: Some(email(None)), ..held(&id(), 1_001) };
    assert_eq!(way(&alone, true, NOW), Ok(Way::New));
}

#[test]
fn the_last_way_to_log_in_is_not_taken_away() {
    let (works, other) = (ProviderId::parse("works").unwrap(), ProviderId::parse("other").unwrap());
    let name = ProviderName::parse("The Works").unwrap();
    let all = [(&works, &name)];
    let one = |text: &str, provider: &ProviderId| Identity {
        key: Digest::of([text]),
        provider: provider.clone(),
        linked_at: Timestamp::from_millis(0),
    };
    let taken = |has_password: bool, identities: &[Identity], key: &str| {
        let mut user = user(true, false);
        user.state.has_password = has_password;
        let known = IdentitiesState { user_id: id(), identities: identities.to_vec() };
        let identities = Seen { at: 9, state: Some(known) };
        let key = Digest::of([key]);
        unlink(&Unlinking { user: &user, identities: &identities, key: &key, providers: &all }, NOW)
    };
    let (first, second, gone) = (one("1", &works), one("2", &works), one("3", &other));
    let both = [first.clone(), second.clone()];
    let facts = taken(false, &both, "1").unwrap();
    let expected = [Expect::Fence { lane: Lane::User(id()), at: 7 }, Expect::At(9)];
    assert_eq!(facts.iter().map(|fact| fact.expect.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(facts[0].lane, Lane::Identity(first.key));
    assert_eq!(identities_after(&facts[1].data).unwrap().identities, [second]);
    assert_eq!(taken(false, &both[..1], "1"), Err(IdentityRejection::LastWay));
    // A provider that the configuration names no more lets no user in.
    let lost = [first.clone(), gone];
    assert_eq!(taken(false, &lost, "1"), Err(IdentityRejection::LastWay));
    assert!(taken(false, &lost, "3").is_ok());
    assert!(taken(true, &[first], "1").is_ok());
    assert_eq!(taken(true, &both, "9"), Err(IdentityRejection::NoSuchIdentity));
    assert_eq!(taken(true, &[], "1"), Err(IdentityRejection::NoSuchIdentity));
}

#[test]
fn a_link_is_fenced_by_the_account_and_keeps_what_was_there() {
    let (provider, name) =
        (ProviderId::parse("works").unwrap(), ProviderName::parse("The Works").unwrap());
    let key = Digest::of(["identity"]);
    let via = Via { provider: &provider, name: &name, key: &key, now: Timestamp::from_millis(1) };
    let old = |number: u32| Identity {
        key: Digest::of([number.to_string().as_str()]),
        provider: provider.clone(),
        linked_at: Timestamp::from_millis(0),
    };
    let linked = |count: u32| {
        let identities = (0..count).map(old).collect();
        let known = (count > 0).then(|| IdentitiesState { user_id: id(), identities });
        let (user, email, identity) = (user(true, false), email(Some(&id())), identity(None));
        let identities = Seen { at: u64::from(count), state: known };
        let state =
            Linking { user: &user, email: &email, identity: &identity, identities: &identities };
        link(&state, &via)
    };
    let facts = linked(2).unwrap();
    let expected = [Expect::Fence { lane: Lane::User(id()), at: 7 }, Expect::At(3), Expect::At(2)];
    assert_eq!(facts.iter().map(|fact| fact.expect.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(facts[1].lane, identity(None).lane);
    let after = identities_after(&facts[2].data).unwrap();
    assert_eq!((after.identities.len(), &after.identities[2].key), (3, &key));
    assert!(linked(19).is_ok());
    assert_eq!(linked(20), Err(IdentityRejection::TooMany));
    let first = linked_with(&identity(None), &id(), &via);
    assert_eq!(first[1].expect, Expect::Empty);
    let EventData::Identity(IdentityEvent::Linked(event)) = &first[1].data else { panic!() };
    assert!(event.new_account);
}

#[test]
fn every_event_of_the_lane_leaves_the_identities_known() {
    for event in testbed::every_event() {
        let on_lane = event.family().lanes().contains(&schemas::subjects::LaneKind::Identities);
        assert_eq!(identities_after(&event).is_some(), on_lane, "{}", event.type_name());
    }
}
