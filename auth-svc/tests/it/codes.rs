//! One-time codes: what they do, how often they may be wrong, and that nothing tells who has an account.

use std::collections::BTreeSet;
use std::time::Duration;

use auth_svc::Limit;
use futures_util::future::join_all;
use schemas::commands::{
    CallContext, ConfirmPasswordReset, ConfirmVerification, DeleteAccount, ForgetSecrets,
    IssuedCode, ListSessions, RequestAddressChange, RequestPasswordReset, RequestVerification,
};
use schemas::events::{ChallengeEvent, ChallengeIssued, ChallengePurpose};
use schemas::values::{Email, NewPassword, Secret};
use schemas::{ChallengeId, Code, EventData, Lane, OneTimeCode, Rejection, UserId};

use crate::kit::{Kit, PASSWORD, ask, codes, login, refused};

const NEW: &str = "battery staple";

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// The right code, and a wrong one.
fn right(id: &ChallengeId) -> OneTimeCode {
    codes().code(id)
}

fn wrong(id: &ChallengeId) -> OneTimeCode {
    let number: u32 = right(id).expose().parse().unwrap();
    OneTimeCode::parse(&format!("{:06}", (number + 1) % 1_000_000)).unwrap()
}

fn verify(id: &ChallengeId, code: OneTimeCode) -> ConfirmVerification {
    ConfirmVerification { verification_id: *id, code }
}

fn reset(id: &ChallengeId, code: OneTimeCode) -> ConfirmPasswordReset {
    let new_password = NewPassword::parse(NEW).unwrap();
    ConfirmPasswordReset { reset_id: *id, code, new_password }
}

impl Kit {
    async fn verification(&self, who: &CallContext) -> Result<IssuedCode, Rejection> {
        self.call(who, RequestVerification {}).await
    }

    async fn reset_of(&self, address: &str) -> ChallengeId {
        let request = RequestPasswordReset { email: email(address) };
        self.call(&CallContext::default(), request).await.unwrap()
    }

    async fn move_to(&self, who: &CallContext, address: &str) -> Result<IssuedCode, Rejection> {
        let password = Some(Secret::new(PASSWORD));
        let request = RequestAddressChange { email: email(address), password, second_factor: None };
        self.call(who, request).await
    }

    /// Every code the log has had sent.
    async fn issued(&self) -> Vec<ChallengeIssued> {
        let mut issued = Vec::new();
        for sequence in 1..=self.log.head().await.unwrap() {
            let stored = self.log.get(sequence).await.unwrap().unwrap();
            if let EventData::Challenge(ChallengeEvent::Issued(one)) = stored.event().unwrap().data
            {
                issued.push(one);
            }
        }
        issued
    }

    async fn account(&self, user: &UserId) -> schemas::events::UserState {
        let last = self.last(Lane::User(*user)).await.unwrap();
        last.account().cloned().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_verifies_the_address_once_and_for_its_owner_alone() {
    let kit = Kit::start().await;
    let (ada, as_ada) = kit.person("ada").await;
    let (_, as_bob) = kit.person("bob").await;
    let id = kit.verification(&as_ada).await.unwrap().challenge_id;
    assert_eq!(refused(kit.call(&as_bob, verify(&id, right(&id))).await), Code::NotFound);
    let reset_id = kit.reset_of("ada@example.org").await;
    let other_kind = kit.call(&as_ada, verify(&reset_id, right(&reset_id))).await;
    assert_eq!(refused(other_kind), Code::NotFound);
    let other_kind = kit.call(&CallContext::default(), reset(&id, right(&id))).await;
    assert_eq!(refused(other_kind), Code::NotFound);
    assert_eq!(refused(kit.call(&as_ada, verify(&id, wrong(&id))).await), Code::InvalidCode);
    kit.call(&as_ada, verify(&id, right(&id))).await.unwrap();
    assert!(kit.account(&ada.user.user.id).await.email_verified);
    assert_eq!(refused(kit.call(&as_ada, verify(&id, right(&id))).await), Code::Gone);
    assert_eq!(refused(kit.verification(&as_ada).await), Code::Conflict);
    let issued = kit.issued().await;
    assert_eq!(issued.len(), 2);
    let all = kit.everything().await.concat();
    for one in issued {
        assert!(!all.contains(&format!("\"{}\"", right(&one.challenge_id).expose())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_replaces_the_former_and_the_sixth_is_too_many() {
    let limit = Limit { count: 5, per: Duration::from_secs(3600) };
    let kit = Kit::start_with(4, Some(limit)).await;
    let (_, ada) = kit.person("ada").await;
    let first = kit.verification(&ada).await.unwrap().challenge_id;
    for _ in 0..4 {
        kit.verification(&ada).await.unwrap();
    }
    assert_eq!(refused(kit.call(&ada, verify(&first, right(&first))).await), Code::Gone);
    let sixth = kit.verification(&ada).await.unwrap_err();
    assert_eq!(sixth.code, Code::RateLimited);
    assert!(sixth.retry_after.is_some_and(|seconds| (3500..=3600).contains(&seconds)));
    assert_eq!(kit.issued().await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_enter_the_right_code_at_two_copies_one_wins() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    let buses = [kit.bus.clone(), kit.copy().await];
    let id = kit.verification(&ada).await.unwrap().challenge_id;
    let command = verify(&id, right(&id));
    let asked = (0..50).map(|number| ask(&buses[number % 2], &ada, &command));
    let answers = join_all(asked).await;
    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(won, 1);
    for answer in answers.into_iter().filter(Result::is_err) {
        assert_eq!(refused(answer), Code::Gone);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_guesses_at_two_copies_five_are_tried() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    let buses = [kit.bus.clone(), kit.copy().await];
    let id = kit.verification(&ada).await.unwrap().challenge_id;
    let command = verify(&id, wrong(&id));
    let asked = (0..50).map(|number| ask(&buses[number % 2], &ada, &command));
    let answers: Vec<Code> = join_all(asked).await.into_iter().map(refused).collect();
    let tried = answers.iter().filter(|code| **code == Code::InvalidCode).count();
    let gone = answers.iter().filter(|code| **code == Code::Gone).count();
    assert_eq!((tried, gone), (5, 45));
    assert_eq!(refused(kit.call(&ada, verify(&id, right(&id))).await), Code::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_sets_the_password_and_ends_everything_else() {
    let kit = Kit::start().await;
    let stranger = CallContext::default();
    let (ada, as_ada) = kit.person("ada").await;
    let verification = kit.verification(&as_ada).await.unwrap().challenge_id;
    let change = kit.move_to(&as_ada, "new@example.org").await.unwrap().challenge_id;
    let (first, second) =
        (kit.reset_of("ada@example.org").await, kit.reset_of("ADA@example.org").await);
    // A password that is refused costs no code.
    let common = NewPassword::parse("password1").unwrap();
    let common = ConfirmPasswordReset { new_password: common, ..reset(&first, right(&first)) };
    assert_eq!(refused(kit.call(&stranger, common).await), Code::ValidationFailed);
    let taken_back = kit.call(&stranger, reset(&first, right(&first))).await.unwrap();
    assert_eq!(taken_back.as_ref(), Some(&ada.user.user.id), "it was never verified before");
    assert!(!kit.is_active(&ada).await, "all sessions end");
    assert_eq!(refused(kit.login("ada").await), Code::InvalidCredentials);
    let tokens = kit.call(&stranger, login("ada", NEW)).await.unwrap();
    assert!(tokens.user.email_verified, "they read mail sent there");
    let again = crate::kit::as_caller(&tokens);
    for id in [&verification, &change] {
        assert_eq!(refused(kit.call(&again, verify(id, right(id))).await), Code::Gone);
    }
    for id in [&first, &second] {
        assert_eq!(refused(kit.call(&stranger, reset(id, right(id))).await), Code::Gone);
    }
    assert_eq!(kit.call(&again, ListSessions {}).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_nobody_is_answered_as_one_of_an_account() {
    let limit = Limit { count: 5, per: Duration::from_secs(3600) };
    let kit = Kit::start_with(4, Some(limit)).await;
    let stranger = CallContext::default();
    kit.register("ada").await.unwrap();
    let mut all = BTreeSet::new();
    for address in ["ada@example.org", "unknown@example.org"] {
        let mut ids = Vec::new();
        for _ in 0..6 {
            ids.push(kit.reset_of(address).await);
        }
        // Beyond the limit there is no mail, and an id all the same.
        let last = ids.pop().unwrap();
        assert_eq!(refused(kit.call(&stranger, reset(&last, wrong(&last))).await), Code::Gone);
        for _ in 0..5 {
            let answer = kit.call(&stranger, reset(&ids[0], wrong(&ids[0]))).await;
            assert_eq!(refused(answer), Code::InvalidCode, "{address}");
        }
        assert_eq!(refused(kit.call(&stranger, reset(&ids[0], wrong(&ids[0]))).await), Code::Gone);
        all.extend(ids);
    }
    assert_eq!(all.len(), 10);
    assert_eq!(kit.issued().await.len(), 5, "and no mail goes to an unknown address");
    let id = kit.reset_of("unknown@example.net").await;
    let answer = kit.call(&stranger, reset(&id, right(&id))).await;
    assert_eq!(refused(answer), Code::InvalidCode, "without an account no code is right");
    let none = ChallengeId::from_uuid(uuid::Uuid::from_u128(7));
    assert_eq!(refused(kit.call(&stranger, reset(&none, right(&none))).await), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_changes_when_its_reader_says_so() {
    let kit = Kit::start().await;
    let stranger = CallContext::default();
    let (ada, as_ada) = kit.person("ada").await;
    let wrong_password = RequestAddressChange {
        email: email("new@example.org"),
        password: Some(Secret::new("no such secret")),
        second_factor: None,
    };
    assert_eq!(refused(kit.call(&as_ada, wrong_password).await), Code::InvalidCredentials);
    let to_old = kit.reset_of("ada@example.org").await;
    let id = kit.move_to(&as_ada, "new@example.org").await.unwrap().challenge_id;
    assert_eq!(kit.account(&ada.user.user.id).await.email.as_str(), "ada@example.org");
    kit.call(&as_ada, verify(&id, right(&id))).await.unwrap();
    let account = kit.account(&ada.user.user.id).await;
    assert_eq!((account.email.as_str(), account.email_verified), ("new@example.org", true));
    let gone = kit.call(&stranger, reset(&to_old, right(&to_old))).await;
    assert_eq!(refused(gone), Code::Gone, "codes sent to the old one die");
    assert!(kit.call(&stranger, login("new@example.org", PASSWORD)).await.is_ok());
    let old = kit.call(&stranger, login("ada@example.org", PASSWORD)).await;
    assert_eq!(refused(old), Code::InvalidCredentials);
    assert!(kit.register("ada").await.is_err(), "the username is still theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_not_given_away() {
    let kit = Kit::start().await;
    let (_, ada) = kit.person("ada").await;
    let taken_later = kit.move_to(&ada, "bob@example.org").await.unwrap().challenge_id;
    let (_, carl) = kit.person("carl").await;
    kit.register("bob").await.unwrap();
    let answer = kit.call(&ada, verify(&taken_later, right(&taken_later))).await;
    assert_eq!(refused(answer), Code::AlreadyExists);
    let taken = kit.move_to(&carl, "bob@example.org").await.unwrap().challenge_id;
    let told = kit.issued().await.pop().unwrap();
    assert!(told.taken && told.purpose == ChallengePurpose::AddressChange);
    assert_eq!(refused(kit.call(&carl, verify(&taken, right(&taken))).await), Code::AlreadyExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_stands_in_what_is_its_holders_alone() {
    let kit = Kit::start().await;
    // The last admin cannot go.
    let _boss = kit.person("boss").await;
    let (bob, as_bob) = kit.person("bob").await;
    let (_, carl) = kit.person("carl").await;
    let id = kit.verification(&as_bob).await.unwrap().challenge_id;
    kit.call(&as_bob, verify(&id, right(&id))).await.unwrap();
    kit.move_to(&carl, "Bob@example.org").await.unwrap();
    kit.reset_of("absent@example.org").await;
    let mut issued = kit.issued().await;
    let (told, asked) = (issued.pop().unwrap(), issued.pop().unwrap());
    let bob = bob.user.user.id;
    assert_eq!((&told.user_id, told.email.as_str()), (&bob, "bob@example.org"));
    assert!(told.taken && !told.brings_no_mail());
    assert!(asked.taken && asked.brings_no_mail() && asked.user_id != bob);
    assert_eq!(told.challenge_id, asked.challenge_id);
    let codes = kit.log.secrets("codes");
    let keys = codes.keys(None).await.unwrap();
    assert_eq!(keys.len(), 4, "of two accounts, of the address asked for, of that of no account");
    for key in keys {
        let (record, _) = codes.get(&key).await.unwrap().unwrap();
        let record = String::from_utf8_lossy(&record).to_lowercase();
        assert!(!record.contains("bob@") && !record.contains("absent@"), "{key}: {record}");
    }
    // Where a code went is noted once, and found by whose it is when they are erased.
    let noted = kit.log.secrets("challenges");
    assert_eq!(noted.keys(Some(bob.as_str())).await.unwrap(), [format!("{bob}.{id}")]);
    let close =
        DeleteAccount { password: Some(Secret::new(PASSWORD)), code: None, erasure_id: None };
    kit.call(&as_bob, close).await.unwrap();
    kit.call(&CallContext::default(), ForgetSecrets { user_id: bob }).await.unwrap();
    assert_eq!(noted.keys(Some(bob.as_str())).await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_gets_no_more_mails_because_many_ask() {
    let limit = Limit { count: 2, per: Duration::from_secs(3600) };
    let kit = Kit::start_with(4, Some(limit)).await;
    for name in ["ada", "bob", "carl", "dora"] {
        let (_, context) = kit.person(name).await;
        kit.move_to(&context, "victim@example.net").await.unwrap();
    }
    assert_eq!(kit.issued().await.len(), 2);
}
