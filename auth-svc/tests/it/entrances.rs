//! Who may register, and places that invitations keep.

use futures_util::future::join_all;
use schemas::commands::{CallContext, Register};
use schemas::events::{InviteCreated, InviteEvent, InviteState};
use schemas::values::Email;
use schemas::{Code, EventData, InviteId, Lane, Registration, RoomId, Timestamp, UserId};
use uuid::Uuid;

use crate::kit::{Kit, ask, keyed, names, refused, registration};

fn invite_id() -> InviteId {
    InviteId::from_uuid(Uuid::from_u128(7))
}

fn with(name: &str, code: &str) -> Register {
    Register { invite: Some(code.to_owned()), ..registration(name) }
}

impl Kit {
    /// Writes an invitation as chat-svc would; its code.
    async fn invitation(&self, max_uses: Option<u32>) -> String {
        let invite = InviteState {
            id: invite_id(),
            room_id: RoomId::from_uuid(Uuid::from_u128(8)),
            created_by: UserId::from_uuid(Uuid::from_u128(9)),
            created_at: Timestamp::now(),
            expires_at: Timestamp::now().plus_seconds(3_600),
            max_uses,
            uses: 0,
            revoked: false,
            reserved: Vec::new(),
        };
        self.write(Lane::Invite(invite_id()), InviteCreated { invite }.into()).await;
        names().invite_code(&invite_id())
    }

    async fn invite(&self) -> InviteState {
        let Some(EventData::Invite(event)) = self.last(Lane::Invite(invite_id())).await else {
            panic!("no invitation")
        };
        assert!(matches!(event, InviteEvent::Reserved(_) | InviteEvent::Created(_)));
        event.after().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_lets_its_own_register() {
    let kit = Kit::start().await;
    let anyone = CallContext::default();
    for (mode, code) in [
        ("closed", Some(Code::Forbidden)),
        ("invite", Some(Code::Forbidden)),
        ("domains:example.com", Some(Code::Forbidden)),
        ("domains:example.com,example.org", None),
        ("open", None),
    ] {
        let bus = kit.copy_with(4, Registration::parse(mode).unwrap()).await;
        let name = format!("person{}", mode.len());
        let answer = ask(&bus, &anyone, &registration(&name)).await;
        assert_eq!(answer.err().map(|refused| refused.code), code, "{mode}");
    }
    let email = Email::parse("x@example.org.evil.example").unwrap();
    let bus = kit.copy_with(4, Registration::parse("domains:example.org").unwrap()).await;
    let foreign = Register { email, ..registration("eve") };
    assert_eq!(refused(ask(&bus, &anyone, &foreign).await), Code::Forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_come_by_one_place_one_gets_in() {
    let kit = Kit::start().await;
    let bus = kit.copy_with(4, Registration::Invite).await;
    let code = kit.invitation(Some(1)).await;
    let all = (0..50).map(|number| {
        let (bus, command) = (&bus, with(&format!("person{number}"), &code));
        async move { ask(bus, &CallContext::default(), &command).await }
    });
    let answers = join_all(all).await;
    let made = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(made, 1);
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert!(matches!(refused.code, Code::Gone | Code::Unavailable), "{refused:?}");
    }
    let invite = kit.invite().await;
    assert_eq!((invite.uses, invite.reserved.len()), (1, 1));
    // Nothing stays of those who were refused: their names are free.
    let open = &kit.bus;
    let again = (0..50).map(|number| {
        let command = registration(&format!("person{number}"));
        async move { ask(open, &CallContext::default(), &command).await.is_ok() }
    });
    assert_eq!(join_all(again).await.into_iter().filter(|made| *made).count(), 49);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_come_by_one_invitation_at_the_same_moment() {
    let kit = Kit::start().await;
    let bus = kit.copy_with(4, Registration::Invite).await;
    let code = kit.invitation(None).await;
    let all = (0..20).map(|number| {
        let (bus, command) = (&bus, with(&format!("person{number}"), &code));
        async move { ask(bus, &CallContext::default(), &command).await.is_ok() }
    });
    assert!(join_all(all).await.into_iter().all(|made| made));
    let invite = kit.invite().await;
    assert_eq!((invite.uses, invite.reserved.len()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_finds_its_account_when_the_invitation_is_used_up() {
    let kit = Kit::start().await;
    let bus = kit.copy_with(4, Registration::Invite).await;
    let code = kit.invitation(Some(1)).await;
    let anyone = keyed(CallContext::default(), "k1");
    let first = ask(&bus, &anyone, &with("ada", &code)).await.unwrap();
    let again = Register { invite_over: true, ..with("ada", &code) };
    assert_eq!(ask(&bus, &anyone, &again).await.unwrap().user.id, first.user.id);
    let other = Register { invite_over: true, ..with("bob", &code) };
    assert_eq!(refused(ask(&bus, &anyone, &other).await), Code::Gone);
    for bad in ["", "x", &code[1..], &format!("{code}0")] {
        let answer = ask(&bus, &CallContext::default(), &with("eve", bad)).await;
        assert_eq!(refused(answer), Code::Forbidden, "{bad:?}");
    }
}
