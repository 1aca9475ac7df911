//! Mails as effects of events: what each is about and where it goes. Pure; what it says is in the templates.

use schemas::event::Event;
use schemas::events::{
    ChallengeIssued, ChallengePurpose, ExportEvent, IdentityLinked, IdentityUnlinked, NewDevice,
    UserEmailChanged, UserState,
};
use schemas::ids::{ChallengeId, UserId};
use schemas::values::{Email, ProviderName, Username};
use schemas::{Digest, Sequence, Timestamp};

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Names this effect: the same event always gives the same.
    pub id: Digest,
    /// What it says.
    pub kind: MailKind,
    /// Whose account it is about: with them it is forgotten.
    pub user_id: UserId,
    /// Where it goes.
    pub to: Email,
    /// The name of the person it goes to, as they want to be shown; none where it is another's address.
    pub name: Option<String>,
    /// When its cause happened.
    pub caused_at: Timestamp,
}

impl Mail {
    /// To the user of an account, at its address.
    fn to(user: &UserState, caused_at: Timestamp, id: Digest, kind: MailKind) -> Self {
        Self {
            id,
            kind,
            user_id: user.id,
            to: user.email.clone(),
            name: Some(user.display_name.to_string()),
            caused_at,
        }
    }
}

/// The kinds of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailKind {
    /// After registration.
    Registration,
    /// A one-time code. The code itself is derived when the mail is written.
    Code(CodeMail),
    /// A code by which an account that has no password gets one.
    FirstPassword {
        /// The code.
        code: CodeMail,
        /// What the account is called.
        username: Username,
    },
    /// A login from a device that none came from before.
    NewDevice {
        /// The device.
        device: NewDevice,
        /// What the account is called.
        username: Username,
    },
    /// To the holder of an address that another account was to have.
    AddressTaken,
    /// What a user has missed.
    Digest(DigestMail),
    /// To the address an account had before.
    AddressChanged {
        /// The present one.
        to: Email,
    },
    /// A copy of their data that a user asked for can be downloaded.
    ExportReady {
        /// What the account is called.
        username: Username,
        /// Until when it can be.
        expires_at: Timestamp,
    },
    /// To the user of an account that can be logged in to through a provider from now on.
    IdentityLinked {
        /// What people call the provider.
        provider: ProviderName,
    },
    /// To the user of an account that can be logged in to through a provider no more.
    IdentityUnlinked {
        /// What people call the provider; none where it is not known any more.
        provider: Option<ProviderName>,
    },
}

/// A one-time code to be mailed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeMail {
    /// The challenge the code is derived of.
    pub challenge_id: ChallengeId,
    /// What entering it does.
    pub purpose: ChallengePurpose,
    /// What tells the key it is derived with from another one.
    pub key: Digest,
    /// Until when it is good; a mail that is late is not sent.
    pub expires_at: Timestamp,
}

impl MailKind {
    /// The code it brings, if any.
    pub(crate) const fn code(&self) -> Option<&CodeMail> {
        match self {
            Self::Code(code) | Self::FirstPassword { code, .. } => Some(code),
            Self::Registration
            | Self::NewDevice { .. }
            | Self::AddressTaken
            | Self::Digest(_)
            | Self::AddressChanged { .. }
            | Self::ExportReady { .. }
            | Self::IdentityLinked { .. }
            | Self::IdentityUnlinked { .. } => None,
        }
    }
}

/// What a user has missed while they were away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestMail {
    /// What happened, one sentence each; what was said is in none.
    pub lines: Vec<String>,
    /// Where people reach the server, without a slash at the end.
    pub site: String,
    /// The link that ends digests.
    pub unsubscribe: String,
}

/// What a user has missed, up to an entry. The same entries give the same id.
pub(crate) fn digest(
    user: &UserState,
    through: Sequence,
    decided_at: Timestamp,
    lines: Vec<String>,
    (site, token): (&str, &str),
) -> Mail {
    let unsubscribe = format!("{site}/v1/unsubscribe/{token}");
    let id = Digest::of(["mail", "digest", user.id.as_str(), &through.to_string()]);
    let kind = MailKind::Digest(DigestMail { lines, site: site.to_owned(), unsubscribe });
    Mail::to(user, decided_at, id, kind)
}

/// The welcome after a registration.
pub(crate) fn registered(event: &Event, user: &UserState) -> Mail {
    let id = Digest::of(["mail", "registration", event.id.as_str()]);
    Mail::to(user, event.time, id, MailKind::Registration)
}

/// A code goes to an account that is still there. Where the address is another account's its holder is told, without a
/// name: this account's user is not to learn it.
pub(crate) fn code_issued(event: &Event, issued: &ChallengeIssued, user: &UserState) -> Mail {
    let &ChallengeIssued { challenge_id, purpose, taken, expires_at, key, .. } = issued;
    let code = CodeMail { challenge_id, purpose, key, expires_at };
    let first = purpose == ChallengePurpose::PasswordReset && !user.has_password;
    let kind = match (taken, first) {
        (true, _) => MailKind::AddressTaken,
        (false, true) => MailKind::FirstPassword { code, username: user.username.clone() },
        (false, false) => MailKind::Code(code),
    };
    let id = Digest::of(["mail", "code", event.id.as_str()]);
    let mail = Mail { to: issued.email.clone(), ..Mail::to(user, event.time, id, kind) };
    if taken { Mail { name: None, ..mail } } else { mail }
}

/// To the user of an account that was used from a new device. One device has one mail, however many logins come from it
/// at the same moment.
pub(crate) fn logged_in_anew(event: &Event, device: &NewDevice, user: &UserState) -> Mail {
    let id = Digest::of(["mail", "new device", user.id.as_str(), device.device.as_str()]);
    let kind = MailKind::NewDevice { device: device.clone(), username: user.username.clone() };
    Mail::to(user, event.time, id, kind)
}

/// To the reader of the former address.
pub(crate) fn address_changed(event: &Event, changed: &UserEmailChanged) -> Mail {
    let UserEmailChanged { user, former } = changed;
    let id = Digest::of(["mail", "address changed", event.id.as_str()]);
    let kind = MailKind::AddressChanged { to: user.email.clone() };
    Mail { to: former.clone(), ..Mail::to(user, event.time, id, kind) }
}

/// To the user whose copy of their data can be downloaded.
pub(crate) fn export(event: &Event, data: &ExportEvent, user: &UserState) -> Option<Mail> {
    let export = match data {
        ExportEvent::Ready(ready) => &ready.export,
        ExportEvent::Requested(_) | ExportEvent::Withdrawn(_) | ExportEvent::Expired(_) => {
            return None;
        }
    };
    let expires_at = export.expires_at.unwrap_or(event.time);
    let id = Digest::of(["mail", "export", export.id.as_str()]);
    let kind = MailKind::ExportReady { username: user.username.clone(), expires_at };
    Some(Mail::to(user, event.time, id, kind))
}

/// To the user of an account that was there before its identity.
pub(crate) fn identity_linked(event: &Event, linked: &IdentityLinked, user: &UserState) -> Mail {
    let id = Digest::of(["mail", "identity linked", event.id.as_str()]);
    let kind = MailKind::IdentityLinked { provider: linked.provider_name.clone() };
    Mail::to(user, event.time, id, kind)
}

/// To the user of an account from which an identity was taken away.
pub(crate) fn identity_unlinked(event: &Event, gone: &IdentityUnlinked, user: &UserState) -> Mail {
    let id = Digest::of(["mail", "identity unlinked", event.id.as_str()]);
    let kind = MailKind::IdentityUnlinked { provider: gone.provider_name.clone() };
    Mail::to(user, event.time, id, kind)
}
