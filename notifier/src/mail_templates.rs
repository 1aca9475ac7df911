//! What mails say: each in plain text and in HTML, from the templates in `templates/`.
//!
//! A template never sees text of a user unescaped: what goes into an `.html` template is escaped by its engine. The
//! code of a mail is derived here and is nowhere else in this crate.

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use minijinja::{Environment, Value, context};
use schemas::events::ChallengePurpose;
use schemas::{CodeKey, Timestamp};

use crate::policy::{DigestMail, Mail, MailKind};

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$((concat!($name, ".txt"), include_str!(concat!("templates/", $name, ".txt"))),
            (concat!($name, ".html"), include_str!(concat!("templates/", $name, ".html")))),*]
    };
}

/// Every template, in both forms.
const TEMPLATES: &[(&str, &str)] = templates![
    "layout",
    "welcome",
    "verification",
    "password_reset",
    "address_change",
    "address_taken",
    "address_changed",
    "identity_linked",
    "identity_unlinked",
    "first_password",
    "new_device",
    "digest",
    "export_ready",
];

const UNSUBSCRIBE: HeaderName = HeaderName::new_from_ascii_str("List-Unsubscribe");
const ONE_CLICK: HeaderName = HeaderName::new_from_ascii_str("List-Unsubscribe-Post");

static TEXTS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut texts = Environment::new();
    for (name, source) in TEMPLATES {
        // A template that is none is not found later; a test renders each.
        let _ = texts.add_template(name, source);
    }
    texts
});

/// A mail as it is written: the name of its template, its subject and what is put in.
struct Draft {
    template: &'static str,
    subject: &'static str,
    fields: Value,
}

/// Writes a mail. The same mail always gets the same `Message-ID`.
///
/// # Errors
/// In words, when the address cannot be written to, or the key of codes is another than auth-svc's; neither an
/// address nor a code is in them.
pub(crate) fn written(mail: &Mail, from: &Mailbox, codes: &CodeKey) -> Result<Message, String> {
    let address =
        mail.to.as_str().parse().map_err(|_| "the address cannot be written to".to_owned())?;
    let domain = from.email.domain();
    let millis = u64::try_from(mail.caused_at.millis()).unwrap_or_default();
    let name = mail.name.as_deref().and_then(greeted);
    let draft = draft(mail, name.as_deref(), codes)?;
    let mut builder = Message::builder();
    if let MailKind::Digest(digest) = &mail.kind {
        // RFC 8058: one click, and no page to look at.
        let link = format!("<{}>", digest.unsubscribe);
        builder = builder
            .raw_header(HeaderValue::new(UNSUBSCRIBE, link))
            .raw_header(HeaderValue::new(ONE_CLICK, "List-Unsubscribe=One-Click".to_owned()));
    }
    builder
        .from(from.clone())
        .to(Mailbox::new(name, address))
        .subject(draft.subject)
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .multipart(MultiPart::alternative_plain_html(draft.render("txt")?, draft.render("html")?))
        .map_err(|error| format!("the mail cannot be written: {error}"))
}

/// A name as a mail may have it: none where programs make a link of it. Who registers the address of a stranger chooses
/// the name, and is not to reach that stranger with words that can be clicked on.
fn greeted(name: &str) -> Option<String> {
    // A name has no control characters by its type; the mail library would panic over one.
    let name: Vec<char> = name.chars().filter(|c| !c.is_control()).collect();
    let is_dot = |c: char| matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
    let is_host = name.windows(4).any(|part| {
        matches!(part, [before, dot, one, other] if is_dot(*dot)
            && [before, one, other].into_iter().all(|c| c.is_alphanumeric()))
    });
    let is_link =
        is_host || name.contains(&'@') || name.windows(3).any(|part| part == [':', '/', '/']);
    (!is_link).then(|| name.into_iter().collect())
}

fn draft(mail: &Mail, name: Option<&str>, codes: &CodeKey) -> Result<Draft, String> {
    let (template, subject) = match &mail.kind {
        MailKind::Registration => ("welcome", "Welcome to Tidings"),
        MailKind::Code(code) => match code.purpose {
            ChallengePurpose::Verification => ("verification", "Verify your email address"),
            ChallengePurpose::PasswordReset => ("password_reset", "Set a new password"),
            ChallengePurpose::AddressChange => ("address_change", "Confirm your new email address"),
        },
        MailKind::FirstPassword { .. } => ("first_password", "Choose a password"),
        MailKind::NewDevice { .. } => ("new_device", "Your account was used from a new device"),
        MailKind::AddressTaken => ("address_taken", "Your email address"),
        MailKind::AddressChanged { .. } => ("address_changed", "Your email address has changed"),
        MailKind::ExportReady { .. } => ("export_ready", "The copy of your data is ready"),
        MailKind::IdentityLinked { .. } => ("identity_linked", "Another way to log in"),
        MailKind::IdentityUnlinked { .. } => ("identity_unlinked", "A way to log in was removed"),
        MailKind::Digest(_) => ("digest", "What you missed"),
    };
    if mail.kind.code().is_some_and(|code| code.key != codes.check()) {
        return Err("the key of one-time codes is not that of auth-svc".to_owned());
    }
    let fields = match &mail.kind {
        MailKind::Code(code) => {
            context! { subject, name, code => codes.code(&code.challenge_id).expose() }
        }
        MailKind::FirstPassword { code, username } => {
            let reset = code.challenge_id.as_str();
            let code = codes.code(&code.challenge_id);
            let username = username.as_str();
            context! { subject, name, username, reset, code => code.expose() }
        }
        MailKind::NewDevice { device, username } => {
            let app = device.user_agent.as_ref().map_or(UNKNOWN, |agent| app(agent.as_str()));
            let address = device.ip.map(|ip| ip.to_string());
            let at = minute(mail.caused_at);
            context! { subject, name, username => username.as_str(), app, address, at }
        }
        MailKind::AddressChanged { to } => context! { subject, name, address => to.as_str() },
        MailKind::ExportReady { username, expires_at } => {
            let until = minute(*expires_at);
            context! { subject, name, username => username.as_str(), until }
        }
        MailKind::IdentityLinked { provider } => {
            context! { subject, name, provider => provider.as_str() }
        }
        MailKind::IdentityUnlinked { provider } => {
            let provider = provider.as_ref().map_or("a provider", |provider| provider.as_str());
            context! { subject, name, provider }
        }
        MailKind::Digest(DigestMail { lines, site, unsubscribe }) => {
            context! { subject, name, lines, site, unsubscribe }
        }
        MailKind::Registration | MailKind::AddressTaken => context! { subject, name },
    };
    Ok(Draft { template, subject, fields })
}

/// What is said of a client that none of the names below is found in. A client's own words are never quoted: a stranger
/// chooses them.
const UNKNOWN: &str = "an unknown app";
/// Browsers and tools, as they call themselves and as people know them; of several in one text the first here counts,
/// as browsers claim to be others, too.
const APPS: [(&str, &str); 11] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
    ("curl/", "curl"),
    ("okhttp", "an Android app"),
    ("Tidings", "Tidings"),
];

/// What a client is called by people.
fn app(user_agent: &str) -> &'static str {
    APPS.iter().find(|(own, _)| user_agent.contains(own)).map_or(UNKNOWN, |(_, name)| name)
}

/// A time as people read it: `2026-11-26 14:05 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} UTC", time.get(..5).unwrap_or(time))
}

impl Draft {
    fn render(&self, form: &str) -> Result<String, String> {
        let template = TEXTS.get_template(&format!("{}.{form}", self.template));
        let rendered = template.and_then(|template| template.render(&self.fields));
        // What the engine says of a fault may quote a field.
        rendered.map_err(|error| format!("the mail cannot be written: {}", error.kind()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::CodeMail;
    use schemas::events::NewDevice;
    use schemas::values::{Email, ProviderName, UserAgent, Username};
    use schemas::{ChallengeId, Digest, UserId};

    fn codes() -> CodeKey {
        CodeKey::new(&[7; 32])
    }

    fn challenge() -> ChallengeId {
        ChallengeId::from_uuid(uuid::Uuid::from_u128(1))
    }

    fn of_kind(kind: MailKind, name: &str) -> Mail {
        Mail {
            id: Digest::of(["x"]),
            kind,
            user_id: UserId::from_uuid(uuid::Uuid::from_u128(1)),
            to: Email::parse("ada@example.org").unwrap(),
            name: Some(name.to_owned()),
            caused_at: Timestamp::from_millis(1_795_255_200_000),
        }
    }

    fn code_mail(purpose: ChallengePurpose) -> CodeMail {
        let key = codes().check();
        let expires_at = Timestamp::from_millis(1_795_255_800_000);
        CodeMail { challenge_id: challenge(), purpose, key, expires_at }
    }

    fn code(purpose: ChallengePurpose) -> MailKind {
        MailKind::Code(code_mail(purpose))
    }

    fn text(mail: &Mail) -> String {
        let from: Mailbox = "Tidings <tidings@chat.example>".parse().unwrap();
        String::from_utf8(written(mail, &from, &codes()).unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_mail_is_addressed_dated_and_has_the_same_id_each_time() {
        let text = text(&of_kind(MailKind::Registration, "Ada"));
        for part in [
            "To: Ada <ada@example.org>",
            "From: Tidings <",
            "Subject: Welcome",
            "Hello Ada",
            "MIME-Version: 1.0",
            "multipart/alternative",
            "text/plain; charset=utf-8",
            "text/html; charset=utf-8",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.contains(&format!("Message-ID: <{}@chat.example>", Digest::of(["x"]))));
        assert!(text.contains("Date: Sat, 21 Nov 2026 10:00:00"), "{text}");
    }

    #[test]
    fn every_kind_says_what_it_is_about_in_both_forms() {
        let address = Email::parse("new@example.org").unwrap();
        let digits = codes().code(&challenge()).expose().to_owned();
        for (kind, says) in [
            (MailKind::Registration, "ready"),
            (code(ChallengePurpose::Verification), digits.as_str()),
            (code(ChallengePurpose::PasswordReset), &digits),
            (code(ChallengePurpose::AddressChange), &digits),
            (MailKind::AddressTaken, "another account"),
            (first_password(), &digits),
            (first_password(), "ada.l"),
            (new_device("Mozilla/5.0 (X11) Chrome/140.0 Safari/537.36"), "Chrome"),
            (new_device("Mozilla/5.0 (X11) Firefox/140.0"), "2001:db8::7"),
            (new_device("visit http://evil.example"), UNKNOWN),
            (MailKind::AddressChanged { to: address }, "new@example.org"),
            (export_ready(), "ada.l"),
            (export_ready(), "2026-11-28 10:00 UTC"),
            (
                MailKind::IdentityLinked { provider: ProviderName::parse("The Works").unwrap() },
                "The Works",
            ),
            (
                MailKind::IdentityUnlinked { provider: ProviderName::parse("The Works").ok() },
                "The Works",
            ),
            (MailKind::IdentityUnlinked { provider: None }, "a provider"),
        ] {
            let text = text(&of_kind(kind.clone(), "Ada"));
            assert_eq!(text.matches(says).count(), 2, "{kind:?}: {text}");
        }
    }

    fn export_ready() -> MailKind {
        let expires_at = Timestamp::from_millis(1_795_860_000_000);
        MailKind::ExportReady { username: Username::parse("ada.l").unwrap(), expires_at }
    }

    fn first_password() -> MailKind {
        let code = code_mail(ChallengePurpose::PasswordReset);
        MailKind::FirstPassword { code, username: Username::parse("ada.l").unwrap() }
    }

    fn new_device(user_agent: &str) -> MailKind {
        let device = NewDevice {
            device: Digest::of(["device"]),
            user_agent: Some(UserAgent::parse(user_agent).unwrap()),
            ip: Some("2001:db8::7".parse().unwrap()),
        };
        MailKind::NewDevice { device, username: Username::parse("ada.l").unwrap() }
    }

    #[test]
    fn a_client_does_not_choose_the_words_of_a_mail() {
        let text = text(&of_kind(new_device("visit http://evil.example"), "Ada"));
        assert!(!text.contains("evil"), "{text}");
        assert!(text.contains("2026-11-21 10:00 UTC"), "{text}");
    }

    #[test]
    fn a_digest_says_what_happened_and_how_to_end_digests() {
        let unsubscribe = "https://chat.example/v1/unsubscribe/0123456789abcdefghijklmnop0123456789abcdef0123456789abcdef";
        let digest = DigestMail {
            lines: vec!["Bob & co <b> mentioned you in general.".to_owned()],
            site: "https://chat.example".to_owned(),
            unsubscribe: unsubscribe.to_owned(),
        };
        let text = text(&of_kind(MailKind::Digest(digest), "Ada"));
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("List-Unsubscribe: <{unsubscribe}>")), "{head}");
        assert!(head.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{head}");
        let body = body.replace("=\r\n", "").replace("&#x2f;", "/");
        assert!(body.contains("Bob & co <b> mentioned you"), "{body}");
        assert!(body.contains("Bob &amp; co &lt;b&gt; mentioned you"), "{body}");
        assert_eq!(body.matches("/v1/unsubscribe/").count(), 2, "{body}");
    }

    #[test]
    fn a_code_of_another_key_is_not_sent() {
        let from: Mailbox = "Tidings <tidings@chat.example>".parse().unwrap();
        let mail = of_kind(code(ChallengePurpose::Verification), "Ada");
        let refused = written(&mail, &from, &CodeKey::new(&[8; 32])).unwrap_err();
        assert!(refused.contains("key"), "{refused}");
    }

    #[test]
    fn a_name_cannot_add_headers() {
        let text = text(&of_kind(MailKind::Registration, "Ada\r\nBcc: eve@example.org"));
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    }

    #[test]
    fn a_name_is_no_link() {
        for name in [
            "Win at evil.example now",
            "http://evil",
            "WWW.evil.org",
            "пример.рф",
            "evil\u{3002}com",
            "93.184.216.34",
            "ask eve@evil",
        ] {
            assert_eq!(greeted(name), None, "{name}");
            let text = text(&of_kind(code(ChallengePurpose::Verification), name));
            assert!(text.contains("To: ada@example.org") && text.contains("Hello,"), "{text}");
        }
        for name in
            ["J.R.R. Tolkien", "Dr. Ada L.", "Ada (they/them)", "Ada: v2.0", "山田。", "a.b", ""]
        {
            assert_eq!(greeted(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_name_is_no_markup() {
        let draft = draft(&of_kind(MailKind::Registration, ""), Some("<b>&{{ 1 }}"), &codes());
        let draft = draft.unwrap();
        assert!(draft.render("html").unwrap().contains("Hello &lt;b&gt;&amp;{{ 1 }},"));
        assert!(draft.render("txt").unwrap().contains("Hello <b>&{{ 1 }},"));
    }

    #[test]
    fn any_name_can_be_written_to() {
        for name in
            ["\"", "a\\", "Ünï <x@y.z>", "🦀", "\u{202e}abc", "(a", "=?utf-8?q?x?=", "\u{7f}"]
        {
            assert!(!text(&of_kind(MailKind::Registration, name)).is_empty(), "{name}");
        }
    }
}
