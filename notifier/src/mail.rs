//! The channel for mail: handed to an SMTP server, or written as files when there is none.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use eventlog::EventLog;
use lettre::message::Mailbox;
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncTransport, Message, Tokio1Executor};
use schemas::{CodeKey, Timestamp, UserId};
use tokio::io::AsyncWriteExt as _;
use tracing::Instrument as _;

use crate::channel::{Cause, Channel, ChannelKind, Done, Failed};
use crate::config::Config;
use crate::ledger::{Claim, LEASE, Ledger, REMEMBERED};
use crate::mail_templates;
use crate::policy::{Effect, Mail};

/// After this time a mail is taken over from a process that died with it.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long the SMTP server may take for each answer.
const SMTP_PATIENCE: Duration = Duration::from_secs(15);

/// Sends mails, each effectively once.
pub(crate) struct Mailer {
    ledger: Ledger,
    codes: CodeKey,
    from: Mailbox,
    handover: Handover,
    /// Where mails are written without a server, and may lie from before there was one.
    folder: PathBuf,
    log: EventLog,
}

enum Handover {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Files,
}

impl Mailer {
    /// Sets mail up; says where mails go.
    ///
    /// # Errors
    /// In words, without passwords.
    pub(crate) fn new(config: &Config, codes: CodeKey, log: &EventLog) -> Result<Self, String> {
        let from: Mailbox = config
            .mail_from
            .parse()
            .map_err(|_| "mail_from is not an address such as Tidings <tidings@example.org>")?;
        let handover = match &config.smtp_url {
            Some(url) => Handover::Smtp(Box::new(smtp(url, config.smtp_ca_file.as_deref())?)),
            None => {
                folder(&config.mail_dir)?;
                tracing::warn!(
                    mail.dir = %config.mail_dir.display(),
                    "no SMTP server is configured: mails are written as .eml files"
                );
                Handover::Files
            }
        };
        Ok(Self {
            ledger: Ledger::new(log),
            codes,
            from,
            handover,
            folder: config.mail_dir.clone(),
            log: log.clone(),
        })
    }

    /// Whether the event that has led to a mail is still there. What was erased is the reason of no mail.
    async fn stands(&self, cause: &Cause) -> Result<bool, Failed> {
        let stored = self.log.get(cause.sequence).await;
        Ok(stored.map_err(|error| Failed::for_now(error.to_string()))?.is_some())
    }

    async fn hand_over(&self, mail: &Mail, message: Message) -> Result<(), Failed> {
        match &self.handover {
            Handover::Smtp(server) => match server.send(message).await {
                Ok(_) => Ok(()),
                Err(error) => Err(refused(&error)),
            },
            Handover::Files => {
                let written = write_file(&self.folder, mail, &message.formatted()).await;
                written.map_err(|error| unwritten(&error))
            }
        }
    }
}

#[async_trait]
impl Channel for Mailer {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Mail
    }

    fn answer_within(&self) -> Duration {
        ANSWER_WITHIN
    }

    async fn perform(&self, effect: &Effect, cause: &Cause) -> Result<Done, Failed> {
        let mail = match effect {
            Effect::Mail(mail) => mail,
            Effect::ForgetMails(user) => return self.forget(user).await,
            Effect::Inbox(_)
            | Effect::Notice(_)
            | Effect::Answered(_)
            | Effect::Review(_)
            | Effect::Reading(_)
            | Effect::Missed(_) => return Ok(Done::Before),
        };
        // Nothing is sent to a person whose data are being erased.
        if self.stands(cause).await? { self.send(mail).await } else { Ok(Done::Before) }
    }
}

impl Mailer {
    /// Sends a mail, unless that was done before or its time has passed.
    pub(crate) async fn send(&self, mail: &Mail) -> Result<Done, Failed> {
        let now = Timestamp::now();
        // The ledger forgets after a while; what it may have forgotten must not be sent again, and news
        // that old helps no reader.
        let remembered = i64::try_from(REMEMBERED.as_secs()).unwrap_or(i64::MAX);
        if mail.caused_at.plus_seconds(remembered - 3600) < now {
            return Ok(Done::Before);
        }
        if let Some(code) = mail.kind.code()
            && code.expires_at <= now
        {
            return Ok(Done::Before);
        }
        let message = mail_templates::written(mail, &self.from, &self.codes);
        let message = message.map_err(Failed::for_good)?;
        let revision = match self.ledger.claim(&mail.id).await? {
            Claim::Mine(revision) => revision,
            Claim::Done => return Ok(Done::Before),
            Claim::Busy => {
                return Err(Failed::claimed(LEASE, "another notifier is sending this mail"));
            }
        };
        let span = tracing::info_span!("mail", otel.kind = "client", mail.id = mail.id.as_str());
        let handing = self.hand_over(mail, message).instrument(span);
        let (handed, revision) = self.ledger.keep_while(&mail.id, revision, handing).await;
        if let Err(failed) = handed {
            self.ledger.give_back(&mail.id).await;
            return Err(failed);
        }
        self.ledger.done(&mail.id, revision).await?;
        Ok(Done::Now)
    }
}

/// The connection to a mail server. `smtps://` begins with TLS; `smtp://` changes to it when the server offers that
/// (STARTTLS), and must with `?tls=required` or an authority of one's own.
fn smtp(url: &str, ca: Option<&Path>) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    // `smtp://` alone would send the password in the clear even where the server offers TLS.
    let plain = url.starts_with("smtp://") && !url.contains("tls=");
    let wanted = if ca.is_some() { "required" } else { "opportunistic" };
    let full = match (plain, url.contains('?')) {
        (false, _) => url.to_owned(),
        (true, false) => format!("{url}?tls={wanted}"),
        (true, true) => format!("{url}&tls={wanted}"),
    };
    let wrong = || "smtp_url is not smtp://[user:password@]host[:port]".to_owned();
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&full).map_err(|_| wrong())?;
    let builder = builder.timeout(Some(SMTP_PATIENCE));
    let Some(ca) = ca else { return Ok(builder.build()) };
    let host = host_of(url).ok_or_else(wrong)?;
    let trusted = trusting(host, ca)?;
    let tls = match url.starts_with("smtps://") {
        true => Tls::Wrapper(trusted),
        false => Tls::Required(trusted),
    };
    Ok(builder.tls(tls).build())
}

/// The host of `smtp://user:password@host:port/path?query`.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => place.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

/// TLS with a server whose certificate may be of the authorities in a file.
fn trusting(host: &str, ca: &Path) -> Result<TlsParameters, String> {
    let file = ca.display();
    let pem = std::fs::read(ca).map_err(|error| format!("smtp_ca_file {file}: {error}"))?;
    let read = Certificate::from_pem(&pem).map_err(|_| format!("smtp_ca_file {file} is no PEM"))?;
    let built = TlsParameters::builder(host.to_owned()).add_root_certificate(read).build();
    built.map_err(|_| format!("smtp_ca_file {file} holds no certificate"))
}

/// What the server said may repeat the recipient's address: only its status is kept.
fn refused(error: &lettre::transport::smtp::Error) -> Failed {
    let what = match error.status() {
        Some(status) => format!("the mail server answered {status}"),
        None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
        None if error.is_tls() => "no TLS with the mail server".to_owned(),
        None => "the mail server cannot be reached".to_owned(),
    };
    if error.is_permanent() { Failed::for_good(what) } else { Failed::for_now(what) }
}

fn folder(dir: &Path) -> Result<(), String> {
    let made = std::fs::create_dir_all(dir);
    made.map_err(|error| format!("the folder {} cannot be made: {error}", dir.display()))?;
    private(dir, 0o700).map_err(|error| format!("{}: {error}", dir.display()))
}

/// Only the owner may look: mails hold addresses.
fn private(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

fn unwritten(error: &io::Error) -> Failed {
    let what = format!("the mail file: {error}");
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem => {
            Failed::for_want_of_room(what)
        }
        _ => Failed::for_now(what),
    }
}

impl Mailer {
    /// Deletes the mails to a person that were written as files, also before there was a server. What was sent is not
    /// ours any more.
    async fn forget(&self, user: &UserId) -> Result<Done, Failed> {
        match forget_files(&self.folder, user).await {
            Ok(()) => Ok(Done::Now),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Done::Before),
            Err(error) => Err(unwritten(&error)),
        }
    }
}

/// Deletes the mails to a person, and what a process left of one that ended while it was written.
async fn forget_files(dir: &Path, user: &UserId) -> io::Result<()> {
    let endings = [format!(".{user}.eml"), format!(".{user}.part")];
    let mut files = tokio::fs::read_dir(dir).await?;
    while let Some(file) = files.next_entry().await? {
        let name = file.file_name();
        let name = name.to_string_lossy();
        if endings.iter().any(|ending| name.ends_with(ending)) {
            match tokio::fs::remove_file(file.path()).await {
                // Another copy of this service was first, or has finished the file: that one is deleted afterwards.
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Writes a mail whole or not at all, under a name that is the same each time. When it returns, the mail is there
/// after a power loss, too: it is noted as sent then. The name ends in the id of the person whose mail it is, by which
/// it is found when they are erased.
async fn write_file(dir: &Path, mail: &Mail, bytes: &[u8]) -> io::Result<()> {
    let stamp: String =
        mail.caused_at.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    let name = format!("{stamp}-{}.{}", mail.id, mail.user_id);
    let unfinished = dir.join(format!(".{name}.part"));
    tokio::fs::create_dir_all(dir).await?;
    let written = match write_through(&unfinished, bytes).await {
        Ok(()) => tokio::fs::rename(&unfinished, dir.join(format!("{name}.eml"))).await,
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        // Half a mail helps no reader, takes room, and would outlive its person should it never be written.
        let _ = tokio::fs::remove_file(&unfinished).await;
        return Err(error);
    }
    tokio::fs::File::open(dir).await?.sync_all().await
}

async fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tokio::fs::File::create(path).await?;
    private(path, 0o600)?;
    file.write_all(bytes).await?;
    // Only this says how the writing went.
    file.flush().await?;
    file.sync_all().await
}

#[cfg(test)]
mod tests {
    use schemas::Digest;
    use schemas::values::Email;
    use uuid::Uuid;

    use super::*;
    use crate::policy::MailKind;

    fn mail_to(user: &UserId) -> Mail {
        Mail {
            id: Digest::of(["x"]),
            kind: MailKind::Registration,
            user_id: *user,
            to: Email::parse("ada@example.org").unwrap(),
            name: None,
            caused_at: Timestamp::from_millis(1_795_255_200_000),
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name());
        files.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    #[tokio::test]
    async fn nothing_is_left_of_mails_to_a_person_who_is_erased() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let [ada, bob] = [1, 2].map(|number| UserId::from_uuid(Uuid::from_u128(number)));
        for user in [&ada, &bob] {
            write_file(dir, &mail_to(user), b"to be read").await.unwrap();
            // A process was killed while it wrote this one.
            std::fs::write(dir.join(format!(".20261121-y.{user}.part")), b"to be").unwrap();
        }
        forget_files(dir, &ada).await.unwrap();
        let left = names(dir);
        assert!(left.len() == 2 && left.iter().all(|name| name.contains(bob.as_str())), "{left:?}");
    }

    #[tokio::test]
    async fn a_mail_that_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let ada = UserId::from_uuid(Uuid::from_u128(1));
        let mail = mail_to(&ada);
        write_file(folder.path(), &mail, b"x").await.unwrap();
        // A folder stands where the file is to go.
        let name = names(folder.path()).pop().unwrap();
        std::fs::remove_file(folder.path().join(&name)).unwrap();
        std::fs::create_dir(folder.path().join(&name)).unwrap();
        assert!(write_file(folder.path(), &mail, b"x").await.is_err());
        assert_eq!(names(folder.path()), [name]);
    }

    #[test]
    fn the_host_is_what_a_certificate_is_for() {
        for (url, host) in [
            ("smtp://mail.example", Some("mail.example")),
            ("smtps://user:p%40ss@mail.example:465?tls=required", Some("mail.example")),
            ("smtp://[::1]:25/", Some("::1")),
            ("smtp://", None),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
