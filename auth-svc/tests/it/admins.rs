//! Accounts that admins make, and whether an account has a password.

use schemas::commands::{
    CallContext, ChangePassword, ConfirmPasswordReset, EndSessionsOf, LiftHold, NoteSessionsUsed,
    PlaceHold, RequestPasswordReset,
};
use schemas::events::{
    ChallengeEvent, ChallengeIssued, ChallengePurpose, Held, SessionEnd, SessionEvent,
};
use schemas::values::{NewPassword, Reason, Role};
use schemas::{Actor, Code, EventData, Lane, Registration, SessionId, UserId};

use crate::kit::{Kit, PASSWORD, ask, codes, creation, keyed, login, names, refused};

const NEW: &str = "battery staple";

impl Kit {
    /// The code that went to an account last.
    async fn mailed(&self, user: &UserId) -> ChallengeIssued {
        let last = self.last(Lane::Challenges(*user)).await;
        let Some(EventData::Challenge(ChallengeEvent::Issued(issued))) = last else {
            panic!("no code was mailed")
        };
        issued
    }

    async fn choose(&self, issued: &ChallengeIssued) {
        let reset = ConfirmPasswordReset {
            reset_id: issued.challenge_id,
            code: codes().code(&issued.challenge_id),
            new_password: NewPassword::parse(NEW).unwrap(),
        };
        self.call(&CallContext::default(), reset).await.unwrap();
    }

    async fn has_password(&self, user: &UserId) -> bool {
        let last = self.last(Lane::User(*user)).await.unwrap();
        last.account().unwrap().has_password
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_password_is_mailed_a_code_and_chooses_one() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("boss").await;
    let ada = kit.call(&admin, creation("ada", None, Some(Role::Moderator))).await.unwrap();
    assert_eq!((ada.user.role, ada.has_password), (Role::Moderator, false));
    let id = &ada.user.id;
    let issued = kit.mailed(id).await;
    assert_eq!(issued.purpose, ChallengePurpose::PasswordReset);
    for password in ["", PASSWORD, NEW] {
        let answer = kit.call(&CallContext::default(), login("ada", password)).await;
        assert_eq!(refused(answer), Code::InvalidCredentials);
    }
    kit.choose(&issued).await;
    let tokens = kit.call(&CallContext::default(), login("ada", NEW)).await.unwrap();
    assert!(tokens.user.has_password && tokens.user.email_verified);
    // Another reset of it is no news of that kind.
    let request =
        RequestPasswordReset { email: schemas::values::Email::parse(&ada.email).unwrap() };
    kit.call(&CallContext::default(), request).await.unwrap();
    let before = kit.log.last(&Lane::User(*id)).await.unwrap().unwrap().sequence;
    kit.choose(&kit.mailed(id).await).await;
    let after = kit.log.last(&Lane::User(*id)).await.unwrap().unwrap().sequence;
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_creation_finds_the_account_and_mails_once() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("boss").await;
    let admin = keyed(admin, "k1");
    let first = kit.call(&admin, creation("ada", None, None)).await.unwrap();
    let event = kit.log.last(&Lane::User(first.user.id)).await.unwrap().unwrap();
    let boss = admin.caller.as_ref().unwrap().user_id;
    assert_eq!(event.event().unwrap().actor, Actor::User(boss));
    let head = kit.log.head().await.unwrap();
    let again = kit.call(&admin, creation("ada", None, None)).await.unwrap();
    assert_eq!((again.user.id, kit.log.head().await.unwrap()), (first.user.id, head));
    let taken = kit.call(&keyed(admin, "k2"), creation("ada", None, None)).await;
    assert_eq!(refused(taken), Code::AlreadyExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_make_accounts_whatever_the_mode_says() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("boss").await;
    let closed = kit.copy_with(4, Registration::Closed).await;
    let made = ask(&closed, &admin, &creation("ada", Some(NEW), None)).await.unwrap();
    assert_eq!((made.user.role, made.has_password), (Role::User, true));
    kit.call(&CallContext::default(), login("ada", NEW)).await.unwrap();
    let common = ask(&closed, &admin, &creation("bob", Some("password123"), None)).await;
    assert_eq!(refused(common), Code::ValidationFailed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_stored_and_not_told_is_told_at_the_next_login() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("boss").await;
    let ada = kit.call(&admin, creation("ada", None, None)).await.unwrap().user.id;
    // What a crash between the two leaves.
    let hash = bcrypt::hash(NEW, 4).unwrap();
    let credentials = serde_json::json!({ "bcrypt": hash }).to_string();
    kit.log.secrets("credentials").create(ada.as_str(), credentials, None).await.unwrap();
    assert!(!kit.has_password(&ada).await);
    kit.call(&CallContext::default(), login("ada", NEW)).await.unwrap();
    assert!(kit.has_password(&ada).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_password_is_set_by_a_fresh_session_alone() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("boss").await;
    let ada = kit.call(&admin, creation("ada", Some(PASSWORD), None)).await.unwrap().user.id;
    let tokens = kit.login("ada").await.unwrap();
    let as_ada = crate::kit::as_caller(&tokens);
    // An account as a provider makes one: a session, and no password.
    let last = kit.last(Lane::User(ada)).await.unwrap();
    let user =
        schemas::events::UserState { has_password: false, ..last.account().unwrap().clone() };
    let changed = schemas::events::UserProfileChanged { user };
    kit.write(Lane::User(ada), changed.into()).await;
    kit.log.secrets("credentials").delete(ada.as_str()).await.unwrap();
    let new_password = NewPassword::parse(NEW).unwrap();
    let change = ChangePassword { current_password: None, new_password, code: None };
    kit.age(&tokens.session_id, 11 * 60).await;
    let stale = kit.call(&as_ada, change.clone()).await;
    assert_eq!(refused(stale), Code::ReauthenticationRequired);
    kit.age(&tokens.session_id, 9 * 60).await;
    kit.call(&as_ada, change).await.unwrap();
    assert!(kit.has_password(&ada).await);
    kit.call(&CallContext::default(), login("ada", NEW)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_ends_every_session_of_a_user() {
    let kit = Kit::start().await;
    let (boss, admin) = kit.person("boss").await;
    let (ada, as_ada) = kit.person("ada").await;
    let other = kit.login("ada").await.unwrap();
    let end = EndSessionsOf { user_id: ada.user.user.id, reason: None };
    assert_eq!(refused(kit.call(&as_ada, end.clone()).await), Code::Forbidden);
    kit.call(&admin, end.clone()).await.unwrap();
    assert!(!kit.is_active(&ada).await && !kit.is_active(&other).await);
    assert!(kit.is_active(&boss).await);
    let lane = Lane::Session(ada.user.user.id);
    let Some(EventData::Session(SessionEvent::Ended(ended))) = kit.last(lane).await else {
        panic!("the end is in the log")
    };
    assert_eq!((ended.reason, ended.session_ids.len()), (SessionEnd::Revoked, 2));
    let head = kit.log.head().await.unwrap();
    kit.call(&admin, end).await.unwrap();
    assert_eq!(kit.log.head().await.unwrap(), head, "there was nothing left to end");
    let unknown = UserId::parse("usr_00000000000000000000000000").unwrap();
    let answer = kit.call(&admin, EndSessionsOf { user_id: unknown, reason: None }).await;
    assert_eq!(refused(answer), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_session_is_noted_in_its_list() {
    let kit = Kit::start().await;
    let (ada, as_ada) = kit.person("ada").await;
    let listed = async || {
        let list = kit.call(&as_ada, schemas::commands::ListSessions {}).await.unwrap();
        list.first().cloned().unwrap()
    };
    let begun = listed().await;
    assert_eq!(begun.created_at, begun.last_used_at);
    let ghost = SessionId::parse("ses_00000000000000000000000000").unwrap();
    let used = NoteSessionsUsed { session_ids: vec![ghost, ada.session_id] };
    kit.call(&CallContext::default(), used.clone()).await.unwrap();
    assert_eq!(listed().await, begun, "just begun: nothing to note");
    kit.age(&ada.session_id, 10 * 60).await;
    kit.call(&CallContext::default(), used).await.unwrap();
    let now = listed().await;
    assert!(now.last_used_at.millis() - now.created_at.millis() >= 10 * 60 * 1000, "{now:?}");
    let many = NoteSessionsUsed { session_ids: vec![ada.session_id; 1_001] };
    assert_eq!(refused(kit.call(&CallContext::default(), many).await), Code::ValidationFailed);
}

/// Who removes something for good has one fence, and puts it on the roll of admins for holds of both kinds (chat-svc,
/// `holds.rs`).
#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_hold_comes_onto_the_roll_of_admins() {
    let kit = Kit::start().await;
    let (_, admin) = kit.person("boss").await;
    let (ada, _) = kit.person("ada").await;
    let held = Held::User(ada.user.user.id);
    let reason = Reason::parse("a court asks").unwrap();
    let roll = async || kit.log.last(&names().admins()).await.unwrap().map(|last| last.sequence);
    let lane = Lane::UserHold(ada.user.user.id);
    let hold = async || kit.log.last(&lane).await.unwrap().unwrap().sequence;
    let before = roll().await;
    let place = PlaceHold { held: held.clone(), reason: reason.clone() };
    kit.call(&admin, place).await.unwrap();
    let (on_roll, placed) = (roll().await, hold().await);
    assert!(on_roll > before && on_roll.map(|at| at + 1) == Some(placed), "in one batch");
    kit.call(&admin, LiftHold { held, reason }).await.unwrap();
    assert_eq!(roll().await.map(|at| at + 1), Some(hold().await));
}
