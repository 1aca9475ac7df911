//! What mails say.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};

use crate::policy::{Mail, MailKind};

/// Writes a mail. The same mail always gets the same `Message-ID`.
///
/// # Errors
/// In words, when the address cannot be written to; the address is not in them.
pub(crate) fn written(mail: &Mail, from: &Mailbox) -> Result<Message, String> {
    let address =
        mail.to.as_str().parse().map_err(|_| "the address cannot be written to".to_owned())?;
    let domain = from.email.domain();
    let millis = u64::try_from(mail.caused_at.millis()).unwrap_or_default();
    // A name has no control characters by its type; the mail library would panic over one.
    let name: String = mail.name.chars().filter(|c| !c.is_control()).collect();
    let (subject, text) = match mail.kind {
        MailKind::Registration => ("Welcome to Tidings", registration(&name)),
    };
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(Some(name), address))
        .subject(subject)
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .header(ContentType::TEXT_PLAIN)
        .body(text)
        .map_err(|error| format!("the mail cannot be written: {error}"))
}

fn registration(name: &str) -> String {
    format!(
        "Hello {name},\n\n\
         Your account is ready. You can log in now.\n\n\
         If you did not create this account, you can ignore this email.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::values::Email;
    use schemas::{Digest, Timestamp};

    fn mail(name: &str) -> Mail {
        Mail {
            id: Digest::of(["x"]),
            kind: MailKind::Registration,
            to: Email::parse("ada@example.org").unwrap(),
            name: name.to_owned(),
            caused_at: Timestamp::from_millis(1_795_255_200_000),
        }
    }

    #[test]
    fn a_mail_is_addressed_dated_and_the_same_each_time() {
        let from: Mailbox = "Tidings <tidings@chat.example>".parse().unwrap();
        let write = || written(&mail("Ada"), &from).unwrap().formatted();
        let text = String::from_utf8(write()).unwrap();
        assert_eq!(text.as_bytes(), write());
        for part in
            ["To: Ada <ada@example.org>", "From: Tidings <", "Subject: Welcome", "Hello Ada"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.contains(&format!("Message-ID: <{}@chat.example>", Digest::of(["x"]))));
        assert!(text.contains("Date: Sat, 21 Nov 2026 10:00:00"), "{text}");
    }

    #[test]
    fn a_name_cannot_add_headers() {
        let from: Mailbox = "Tidings <tidings@chat.example>".parse().unwrap();
        let text = written(&mail("Ada\r\nBcc: eve@example.org"), &from).unwrap().formatted();
        let text = String::from_utf8(text).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    }

    #[test]
    fn any_name_can_be_written_to() {
        let from: Mailbox = "Tidings <tidings@chat.example>".parse().unwrap();
        for name in
            ["\"", "a\\", "Ünï <x@y.z>", "🦀", "\u{202e}abc", "(a", "=?utf-8?q?x?=", "\u{7f}"]
        {
            let text = written(&mail(name), &from).unwrap().formatted();
            assert!(text.is_ascii() || !text.is_empty(), "{name}");
        }
    }
}
