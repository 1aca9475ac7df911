//! Which mails an event has.

use schemas::Digest;
use schemas::events::{
    ChallengeIssued, ChallengePurpose, ExportReady, ExportRequested, ExportStage, ExportState,
    IdentitiesState, IdentityLinked, IdentityUnlinked, NewDevice, UserEmailChanged,
};
use schemas::ids::{ChallengeId, ExportId};
use schemas::values::ProviderName;

use super::*;

fn mails(event: &Event, seen: &PolicyContext) -> Vec<Mail> {
    let effects = effects(event, AT, seen).into_iter();
    let mail = |effect| match effect {
        Effect::Mail(mail) => Some(*mail),
        Effect::Inbox(_)
        | Effect::Notice(_)
        | Effect::Review(_)
        | Effect::Reading(_)
        | Effect::Answered(_)
        | Effect::Missed(_)
        | Effect::ForgetMails(_) => None,
    };
    effects.filter_map(mail).collect()
}

fn issued(taken: bool) -> ChallengeIssued {
    ChallengeIssued {
        challenge_id: ChallengeId::from_uuid(Uuid::from_u128(9)),
        user_id: user_id(1),
        purpose: ChallengePurpose::AddressChange,
        email: Email::parse("new@example.org").unwrap(),
        taken,
        expires_at: Timestamp::from_millis(1_795_255_800_000),
        key: Digest::of(["key"]),
    }
}

#[test]
fn a_code_goes_to_its_address_and_the_holder_of_a_taken_one_is_told_without_a_name() {
    let seen = PolicyContext { user: Some(person(1, "ada")), ..PolicyContext::default() };
    let event = event(issued(false));
    assert_eq!(wanted(&event.data), [Lane::User(user_id(1))]);
    let sent = mails(&event, &seen);
    assert_eq!((sent.len(), sent[0].to.as_str()), (1, "new@example.org"));
    assert!(matches!(sent[0].kind, MailKind::Code(_)) && sent[0].name.is_some());
    assert_eq!(mails(&event, &PolicyContext::default()), [], "the account is gone");
    let told = mails(&self::event(issued(true)), &seen);
    assert_eq!((told.len(), &told[0].kind, &told[0].name), (1, &MailKind::AddressTaken, &None));
    let of_the_asker = ChallengeIssued { email: Email::deleted(), ..issued(true) };
    assert_eq!(
        mails(&self::event(of_the_asker), &seen),
        [],
        "its holder has an event of their own"
    );
}

#[test]
fn the_reader_of_the_former_address_is_told_of_a_change() {
    let former = Email::parse("old@example.org").unwrap();
    let event = event(UserEmailChanged { user: person(1, "ada"), former });
    let sent = mails(&event, &PolicyContext::default());
    assert_eq!((sent.len(), sent[0].to.as_str()), (1, "old@example.org"));
    assert!(
        matches!(&sent[0].kind, MailKind::AddressChanged { to } if to.as_str() == "ada@example.org")
    );
}

#[test]
fn the_user_of_an_account_is_told_of_a_provider_unless_it_was_made_with_it() {
    let seen = PolicyContext { user: Some(person(1, "ada")), ..PolicyContext::default() };
    let linked = |new_account| {
        let identities = IdentitiesState { user_id: user_id(1), identities: Vec::new() };
        let provider_name = ProviderName::parse("The Works").unwrap();
        event(IdentityLinked { key: Digest::of(["x"]), provider_name, new_account, identities })
    };
    assert_eq!(wanted(&linked(false).data), [Lane::User(user_id(1))]);
    let sent = mails(&linked(false), &seen);
    assert_eq!((sent.len(), sent[0].to.as_str()), (1, "ada@example.org"));
    assert!(
        matches!(&sent[0].kind, MailKind::IdentityLinked { provider } if provider.as_str() == "The Works")
    );
    assert_eq!(mails(&linked(true), &seen), []);
    assert_eq!(mails(&linked(false), &PolicyContext::default()), [], "the account is gone");
}

#[test]
fn the_user_of_an_account_is_told_that_an_identity_was_taken_away() {
    let seen = PolicyContext { user: Some(person(1, "ada")), ..PolicyContext::default() };
    for name in [ProviderName::parse("The Works").ok(), None] {
        let identities = IdentitiesState { user_id: user_id(1), identities: Vec::new() };
        let key = Digest::of(["x"]);
        let gone = event(IdentityUnlinked { key, provider_name: name.clone(), identities });
        assert_eq!(wanted(&gone.data), [Lane::User(user_id(1))]);
        let sent = mails(&gone, &seen);
        assert_eq!((sent.len(), sent[0].to.as_str()), (1, "ada@example.org"));
        assert_eq!(sent[0].kind, MailKind::IdentityUnlinked { provider: name });
        assert_eq!(mails(&gone, &PolicyContext::default()), [], "the account is gone");
    }
}

#[test]
fn a_login_from_a_new_device_is_told_of_by_one_mail() {
    let device =
        NewDevice { device: Digest::of(["phone"]), user_agent: None, ip: "192.0.2.7".parse().ok() };
    let login = |session| {
        event(SessionStarted {
            session_id: SessionId::from_uuid(Uuid::from_u128(session)),
            user_id: user_id(1),
            new_device: Some(device.clone()),
        })
    };
    let seen = PolicyContext { user: Some(person(1, "ada")), room: None };
    let (first, second) = (mails(&login(3), &seen), mails(&login(4), &seen));
    assert_eq!((first.len(), first[0].to.as_str()), (1, "ada@example.org"));
    assert_eq!(first[0].id, second[0].id, "logins at the same moment have one mail");
    then(&login(3), &seen, &[(1, NotificationKind::Welcome)]);
    assert!(mails(&login(3), &PolicyContext::default()).is_empty(), "the account is gone");
}

#[test]
fn a_user_is_told_of_the_copy_of_their_data_once_it_is_ready() {
    let export = |stage| ExportState {
        id: ExportId::from_uuid(Uuid::from_u128(7)),
        user_id: user_id(1),
        stage,
        requested_at: Timestamp::from_millis(1_795_255_200_000),
        size: Some(1),
        ready_at: None,
        expires_at: Some(Timestamp::from_millis(1_795_860_000_000)),
    };
    let seen = PolicyContext { user: Some(person(1, "ada")), ..PolicyContext::default() };
    let requested = event(ExportRequested { export: export(ExportStage::Running) });
    assert_eq!(mails(&requested, &seen), []);
    let ready = event(ExportReady { export: export(ExportStage::Ready) });
    assert_eq!(wanted(&ready.data), [Lane::User(user_id(1))]);
    let sent = mails(&ready, &seen);
    assert_eq!((sent.len(), sent[0].to.as_str()), (1, "ada@example.org"));
    assert!(matches!(sent[0].kind, MailKind::ExportReady { .. }));
    assert_eq!(mails(&ready, &PolicyContext::default()), [], "the account is gone");
}
