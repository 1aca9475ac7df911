//! One event of every type with everything it can hold, and one with as little as it may.

use schemas::Preferences;
use schemas::event::{Actor, Event, EventData};
use schemas::events::{
    Ban, BlockAdded, BlockRemoved, BlocksState, InviteAccepted, InviteCreated, InviteReserved,
    InviteRevoked, InviteState, MemberAdded, MemberBlockChanged, MemberChanged, MemberJoined,
    MemberLeft, MemberRemoved, MemberState, MessageDeleted, MessageEdited, MessagePinned,
    MessagePosted, MessageState, MessageUnpinned, NameReleased, NotificationCreated,
    NotificationRemoved, NotificationsRead, PrefsChanged, PrefsState, ReactionAdded,
    ReactionRemoved, ReadMoved, ReportCreated, ReportHandled, ReportState, RoomArchived,
    RoomChanged, RoomCreated, RoomRestored, RoomState, ThreadFollowed, ThreadRead,
    ThreadUnfollowed, UserProfileChanged, UserState,
};
use schemas::ids::{
    EventId, InviteId, MediaId, MessageId, NotificationId, ReportId, RoomId, TraceParent, UserId,
};
use schemas::preferences::{EmailDelay, MailAbout, Reach};
use schemas::time::Timestamp;
use schemas::values::{
    Bio, Body, ClientId, DisplayName, Email, Emoji, Format, NotificationKind, Notify, Posting,
    Reason, ReportStatus, Role, RoomKind, RoomMention, RoomName, RoomRole, Topic, Username,
    Visibility,
};
use uuid::Uuid;

mod accounts;
mod audit;
mod erasures;
mod exports;
mod identities;
mod media;

/// 2026-11-21T10:00:00.007Z.
const NOW: i64 = 1_795_255_200_007;

fn uuid(number: u128) -> Uuid {
    // The time of NOW in front, as an id made then would have it.
    Uuid::from_u128((0x0001_a1fd_0d25_ca07_u128 << 64) | number)
}

fn now() -> Timestamp {
    Timestamp::from_millis(NOW)
}

fn user_id(number: u128) -> UserId {
    UserId::from_uuid(uuid(number))
}

fn user(full: bool) -> UserState {
    let mut settings = serde_json::Map::new();
    if full {
        settings.insert("theme".to_owned(), serde_json::json!({"dark": true}));
    }
    UserState {
        id: user_id(1),
        username: Username::parse("ada").unwrap(),
        display_name: DisplayName::parse("Ada Lovelace").unwrap(),
        email: Email::parse("ada@example.org").unwrap(),
        email_verified: full,
        role: if full { Role::Admin } else { Role::User },
        suspended: full,
        second_factor: false,
        has_password: true,
        deleted: false,
        bio: full.then(|| Bio::parse("Poetical science.\n").unwrap()),
        avatar_media_id: full.then(|| MediaId::from_uuid(uuid(2))),
        settings,
        preferences: Preferences::default(),
        created_at: now(),
    }
}

fn room(full: bool) -> RoomState {
    RoomState {
        id: RoomId::from_uuid(uuid(3)),
        kind: if full { RoomKind::Channel } else { RoomKind::Direct },
        name: full.then(|| RoomName::parse("Engines").unwrap()),
        topic: full.then(|| Topic::parse("Difference, analytical").unwrap()),
        visibility: if full { Visibility::Public } else { Visibility::Private },
        everyone: full,
        archived: full,
        owners: if full { vec![user_id(1)] } else { Vec::new() },
        direct_members: if full { Vec::new() } else { vec![user_id(1), user_id(4)] },
        retention_days: full.then_some(30),
        posting: if full { Posting::Admins } else { Posting::Everyone },
        slow_mode_seconds: if full { 30 } else { 0 },
        created_by: full.then(|| user_id(1)),
        created_at: now(),
    }
}

fn member(full: bool) -> MemberState {
    MemberState {
        room_id: RoomId::from_uuid(uuid(3)),
        user_id: user_id(4),
        role: if full { RoomRole::Owner } else { RoomRole::Member },
        present: !full,
        muted_until: full.then(now),
        banned: full,
        ban: full.then(|| Ban {
            by: user_id(1),
            reason: Some(Reason::parse("Spam, again.").unwrap()),
            until: Some(now()),
            created_at: now(),
        }),
        joined_at: now(),
        blocks: false,
        blocked: false,
    }
}

fn prefs(full: bool) -> PrefsState {
    PrefsState {
        room_id: RoomId::from_uuid(uuid(3)),
        user_id: user_id(4),
        notify: if full { Notify::None } else { Notify::Mentions },
        pinned: full,
        hidden: full,
    }
}

fn invite(full: bool) -> InviteState {
    InviteState {
        id: InviteId::from_uuid(uuid(11)),
        room_id: RoomId::from_uuid(uuid(3)),
        created_by: user_id(1),
        created_at: now(),
        expires_at: now(),
        max_uses: full.then_some(1_000),
        uses: if full { 999 } else { 0 },
        revoked: full,
        reserved: Vec::new(),
    }
}

/// A text an older build has accepted: it is read as it was written.
fn stored(body: &str) -> Body {
    serde_json::from_value(body.into()).unwrap()
}

fn message(full: bool) -> MessageState {
    MessageState {
        id: MessageId::from_uuid(uuid(5)),
        room_id: RoomId::from_uuid(uuid(3)),
        sender_id: user_id(1),
        client_id: full.then(|| ClientId::parse("c-1").unwrap()),
        body: stored("Tuesday, @bob: \"ü\" 🦀\n\u{2028}"),
        format: if full { Format::Markdown } else { Format::Plain },
        attachments: if full { vec![MediaId::from_uuid(uuid(2))] } else { Vec::new() },
        files: Vec::new(),
        mentions: if full { vec![user_id(4)] } else { Vec::new() },
        mentions_room: full.then_some(RoomMention::Room),
        thread_root_id: full.then(|| MessageId::from_uuid(uuid(6))),
        created_at: now(),
    }
}

fn blocks(full: bool) -> Vec<EventData> {
    let blocked = if full { vec![user_id(1), user_id(2)] } else { Vec::new() };
    let blocks = || BlocksState { user_id: user_id(4), blocked: blocked.clone() };
    vec![
        BlockAdded { blocked_id: user_id(2), blocks: blocks() }.into(),
        BlockRemoved { blocked_id: user_id(3), blocks: blocks() }.into(),
    ]
}

fn rooms(full: bool) -> Vec<EventData> {
    vec![
        RoomCreated { room: room(full) }.into(),
        RoomChanged { room: room(full) }.into(),
        RoomArchived { room: room(full), reason: None }.into(),
        RoomRestored { room: room(full) }.into(),
        MemberJoined { member: member(full) }.into(),
        MemberAdded { member: member(full) }.into(),
        MemberLeft { member: member(full) }.into(),
        MemberRemoved { member: member(full) }.into(),
        MemberChanged { member: member(full) }.into(),
        MemberBlockChanged { member: MemberState { blocks: full, blocked: full, ..member(full) } }
            .into(),
        PrefsChanged { prefs: prefs(full) }.into(),
        InviteCreated { invite: invite(full) }.into(),
        InviteAccepted { invite: invite(full), user_id: user_id(4) }.into(),
        InviteReserved {
            invite: InviteState { reserved: vec![user_id(4)], ..invite(full) },
            user_id: user_id(4),
        }
        .into(),
        InviteRevoked { invite: invite(full) }.into(),
    ]
}

/// Reactions and pins.
fn besides(full: bool) -> Vec<EventData> {
    let (message_id, room_id) = (MessageId::from_uuid(uuid(5)), RoomId::from_uuid(uuid(3)));
    let reacted = ReactionAdded {
        message_id,
        room_id,
        user_id: user_id(4),
        emoji: Emoji::parse("\u{2764}").unwrap(),
        posted: 41,
        near_limit: full,
    };
    let reaction = reacted.clone();
    let taken_back = ReactionRemoved {
        message_id: reaction.message_id,
        room_id: reaction.room_id,
        user_id: reaction.user_id,
        emoji: reaction.emoji,
        posted: reaction.posted,
    };
    let pinned =
        MessagePinned { message_id, room_id, user_id: user_id(4), posted: 41, near_limit: full };
    let unpinned = MessageUnpinned { message_id, room_id, user_id: user_id(1), posted: 41 };
    vec![reacted.into(), taken_back.into(), pinned.into(), unpinned.into()]
}

fn messages(full: bool) -> Vec<EventData> {
    let (message_id, room_id) = (MessageId::from_uuid(uuid(5)), RoomId::from_uuid(uuid(3)));
    let deleted = MessageDeleted {
        message_id,
        room_id,
        sender_id: user_id(1),
        posted: 41,
        thread_root_id: full.then(|| MessageId::from_uuid(uuid(6))),
        created_at: now(),
        deleted_at: now(),
        reason: full.then(|| Reason::parse("Spam\n").unwrap()),
    };
    let moved =
        ReadMoved { room_id, user_id: user_id(4), message_id, posted: u64::MAX, private: false };
    let notified = NotificationCreated {
        notification_id: NotificationId::from_uuid(uuid(8)),
        user_id: user_id(4),
        kind: if full { NotificationKind::DirectMessage } else { NotificationKind::System },
        title: full.then(|| "Maintenance".to_owned()),
        body: full.then(|| "Tonight at ten.\n".to_owned()),
        room_id: full.then_some(room_id),
        message_id: full.then_some(message_id),
        created_at: now(),
        actor_id: full.then(|| user_id(1)),
        thread_root_id: full.then(|| MessageId::from_uuid(uuid(6))),
        posted: if full { 41 } else { 0 },
        caused: if full { 42 } else { 0 },
        login: full,
    };
    let removed = NotificationRemoved {
        user_id: user_id(4),
        notification_id: NotificationId::from_uuid(uuid(8)),
        room_id: full.then_some(room_id),
        message_id: full.then_some(message_id),
    };
    let read = NotificationsRead {
        user_id: user_id(4),
        notification_id: full.then(|| NotificationId::from_uuid(uuid(8))),
    };
    vec![
        MessagePosted { message: message(full), private: false }.into(),
        MessageEdited { message: message(full), posted: 41, edited_at: now() }.into(),
        deleted.into(),
        moved.into(),
        notified.into(),
        read.into(),
        removed.into(),
    ]
}

fn threads() -> Vec<EventData> {
    let (room_id, user_id) = (RoomId::from_uuid(uuid(3)), user_id(4));
    let thread_root_id = MessageId::from_uuid(uuid(6));
    let read = ThreadRead {
        room_id,
        user_id,
        thread_root_id,
        message_id: MessageId::from_uuid(uuid(5)),
        posted: 41,
    };
    let followed = ThreadFollowed { room_id, user_id, thread_root_id };
    let unfollowed = ThreadUnfollowed { room_id, user_id, thread_root_id };
    vec![followed.into(), unfollowed.into(), read.into()]
}

fn reports(full: bool) -> Vec<EventData> {
    let report = |handled: bool| ReportState {
        id: ReportId::from_uuid(uuid(11)),
        message_id: MessageId::from_uuid(uuid(5)),
        room_id: RoomId::from_uuid(uuid(3)),
        reporter_id: user_id(4),
        reason: Reason::parse("Selling engines,\nagain.").unwrap(),
        status: match (handled, full) {
            (false, _) => ReportStatus::Open,
            (true, false) => ReportStatus::Dismissed,
            (true, true) => ReportStatus::Actioned,
        },
        created_at: now(),
        handled_by: (handled || full).then(|| user_id(1)),
        note: full.then(|| Reason::parse("Second time.").unwrap()),
        handled_at: (handled || full).then(now),
    };
    vec![
        ReportCreated { report: report(false) }.into(),
        ReportHandled { report: report(true) }.into(),
    ]
}

/// Events that hold what was added to their type later, by what is special about them.
pub(crate) fn variants() -> Vec<(&'static str, Event)> {
    let preferences = Preferences {
        direct_messages: Reach::SharedRooms,
        added_to_rooms: Reach::NoUser,
        email: MailAbout::All,
        email_delay_minutes: EmailDelay::try_from(1440).unwrap(),
        read_receipts: false,
        presence: false,
        do_not_disturb_until: Some(now()),
    };
    let preferring = UserProfileChanged { user: UserState { preferences, ..user(true) } };
    let held = NameReleased { owner: user_id(1).to_string(), held_until: Some(now()) };
    let moved = ReadMoved {
        room_id: RoomId::from_uuid(uuid(3)),
        user_id: user_id(4),
        message_id: MessageId::from_uuid(uuid(5)),
        posted: 41,
        private: true,
    };
    let mut variants: Vec<(&'static str, EventData)> =
        vec![("preferring", preferring.into()), ("held", held.into()), ("private", moved.into())];
    variants.extend(accounts::of_admins_and_devices());
    let with_files =
        MessageState { body: Body::none(), files: vec![media::media(true).file], ..message(true) };
    let illustrated = MessagePosted { message: with_files, private: false };
    variants.push(("illustrated", illustrated.into()));
    variants.push(("files", erasures::names_removed()));
    let reason = Some(Reason::parse("sold engines").unwrap());
    variants.push(("named", identities::unlinked()));
    variants.push(("reasoned", RoomArchived { room: room(true), reason }.into()));
    variants.into_iter().map(|(what, data)| (what, logged(data, true))).collect()
}

/// One event of every type.
pub(crate) fn events(full: bool) -> Vec<Event> {
    let conversations =
        [rooms(full), messages(full), besides(full), threads(), reports(full)].concat();
    let people =
        [accounts::accounts(full), identities::identities(full), audit::audits(full)].concat();
    let data =
        [people, conversations, blocks(full), media::all_of_media(full), erasures::erasures(full)]
            .concat();
    let data = [data, exports::exports(full)].concat();
    data.into_iter().map(|data| logged(data, full)).collect()
}

fn logged(data: EventData, full: bool) -> Event {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    Event {
        id: EventId::from_uuid(uuid(9)),
        time: now(),
        actor: if full { Actor::User(user_id(1)) } else { Actor::System },
        causation: full.then(|| EventId::from_uuid(uuid(10))),
        traceparent: full.then(|| TraceParent::parse(trace).unwrap()),
        data,
    }
}
