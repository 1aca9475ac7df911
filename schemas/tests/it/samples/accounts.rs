//! Samples of accounts, sessions and names: what happens to them, what admins say of their acts, and logins from new
//! devices.

use schemas::Digest;
use schemas::event::EventData;
use schemas::events::{
    ChallengeIssued, ChallengePurpose, NameClaimed, NameReleased, NewDevice, SessionEnd,
    SessionRefreshed, SessionStarted, SessionsEnded, UserEmailChanged, UserEmailVerified,
    UserPasswordSet, UserProfileChanged, UserRegistered, UserRoleChanged, UserSecondFactorChanged,
    UserState, UserSuspensionChanged,
};
use schemas::ids::{ChallengeId, SessionId};
use schemas::values::{Email, Reason, UserAgent};

use super::{now, user, user_id, uuid};

/// Accounts, their sessions and names.
pub(super) fn accounts(full: bool) -> Vec<EventData> {
    let user = || user(full);
    let later = || UserState { second_factor: full, has_password: !full, ..user() };
    let (session_id, user_id) = (SessionId::from_uuid(uuid(7)), user_id(1));
    let session_ids = vec![session_id];
    let reason = if full { SessionEnd::TokenReuse } else { SessionEnd::Logout };
    vec![
        UserRegistered { user: user() }.into(),
        UserProfileChanged { user: user() }.into(),
        UserRoleChanged { user: user(), reason: None }.into(),
        UserSuspensionChanged { user: user(), reason: None }.into(),
        UserEmailVerified { user: later() }.into(),
        UserEmailChanged { user: later(), former: Email::parse("ada@example.com").unwrap() }.into(),
        UserSecondFactorChanged {
            user: later(),
            reason: full.then(|| Reason::parse("lost their phone").unwrap()),
        }
        .into(),
        UserPasswordSet { user: user() }.into(),
        ChallengeIssued {
            challenge_id: ChallengeId::from_uuid(uuid(8)),
            user_id,
            purpose: match full {
                true => ChallengePurpose::AddressChange,
                false => ChallengePurpose::Verification,
            },
            email: Email::parse("ada@example.org").unwrap(),
            taken: full,
            expires_at: now(),
            key: Digest::of(["key"]),
        }
        .into(),
        SessionStarted { session_id, user_id, new_device: None }.into(),
        SessionRefreshed { session_id, user_id }.into(),
        SessionsEnded { user_id, session_ids, reason, note: None }.into(),
        NameClaimed { owner: user_id.to_string() }.into(),
        NameReleased { owner: user_id.to_string(), held_until: None }.into(),
    ]
}

/// What admins say of their acts, and logins from new devices.
pub(super) fn of_admins_and_devices() -> [(&'static str, EventData); 6] {
    let reason = || Some(Reason::parse("sold engines").unwrap());
    let (session_id, user_id) = (SessionId::from_uuid(uuid(7)), user_id(1));
    let device = NewDevice {
        device: Digest::of(["device"]),
        user_agent: Some(UserAgent::parse("Mozilla/5.0 (X11; Linux) Firefox/140.0").unwrap()),
        ip: Some("2001:db8::7".parse().unwrap()),
    };
    let unknown = NewDevice { device: Digest::of(["other"]), user_agent: None, ip: None };
    let started = |device| SessionStarted { session_id, user_id, new_device: Some(device) };
    let ended = |note| SessionsEnded {
        user_id,
        session_ids: vec![session_id],
        reason: SessionEnd::Revoked,
        note,
    };
    [
        ("reasoned", UserRoleChanged { user: user(false), reason: reason() }.into()),
        ("reasoned", UserSuspensionChanged { user: user(true), reason: reason() }.into()),
        ("new_device", started(device).into()),
        ("unknown_device", started(unknown).into()),
        ("revoked", ended(None).into()),
        ("noted", ended(reason()).into()),
    ]
}
