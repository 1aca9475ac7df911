//! What `tidings serve` shows at a terminal once everything is up: where it is reached, where it keeps what, and the
//! first requests, which work when pasted. For people only; programs read the ready line on stdout.

use std::fmt;
use std::path::Path;

use crate::config::Config;

/// The screen; `Display` writes it.
pub(crate) struct FirstScreen<'a> {
    http: &'a str,
    admin: &'a str,
    data: &'a Path,
    /// Whether mails become files, as no mail server is named.
    mails_are_files: bool,
    /// Whether only this machine can connect, so that the first account becomes an admin.
    is_local: bool,
    stream: String,
    /// How this program was called.
    program: String,
}

impl<'a> FirstScreen<'a> {
    /// The screen of a server that clients reach at `http` and operators at `admin`.
    pub(crate) fn of(config: &'a Config, http: &'a str, admin: &'a str) -> Self {
        Self {
            http,
            admin,
            data: &config.data,
            mails_are_files: config.smtp_url.is_none(),
            is_local: config.listen.as_ref().is_some_and(gateway::Listen::is_loopback),
            stream: config.namespace.events_stream(),
            program: std::env::args().next().unwrap_or_else(|| "tidings".to_owned()),
        }
    }

    fn places(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { http, admin, .. } = self;
        let data = self.data.display();
        let socket = http.replacen("http", "ws", 1);
        writeln!(f, "  Start page  {http}/")?;
        writeln!(f, "  HTTP API    {http}/v1, described at {http}/docs")?;
        writeln!(f, "  WebSocket   {socket}/v1/ws")?;
        writeln!(f, "  Operators   {admin}/readyz and {admin}/metrics")?;
        writeln!(f, "  Data        {data}")?;
        if self.mails_are_files {
            writeln!(f, "  Mails       {data}/mail, as files (--smtp-url names a mail server)")?;
        }
        writeln!(
            f,
            "  Logs        on this terminal (--log info shows more, --log-format json is for programs)"
        )
    }

    fn first_account(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_local {
            writeln!(f, "# 1. Register. The first account is an admin.")?;
            return writeln!(
                f,
                r#"curl -s $T/v1/users -H "$J" -d '{{"username":"ada","email":"ada@example.org","password":"correct horse"}}'"#
            );
        }
        let (program, data) = (quoted(&self.program), quoted(&self.data.to_string_lossy()));
        writeln!(
            f,
            "# 1. Create an admin. Accounts that register are ordinary ones, as others can connect."
        )?;
        writeln!(
            f,
            "echo 'correct horse' | {program} admin create --data {data} --username ada --email ada@example.org --password-stdin"
        )
    }

    fn steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "T={}; J='content-type: application/json'", self.http)?;
        self.first_account(f)?;
        f.write_str(
            r#"# 2. Log in.
A=$(curl -s $T/v1/sessions -H "$J" -d '{"login":"ada","password":"correct horse"}' | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')
# 3. Find the room `general`, post a message into it and read it back.
R=$(curl -s $T/v1/rooms -H "Authorization: Bearer $A" | python3 -c 'import json,sys; print(json.load(sys.stdin)["items"][0]["id"])')
curl -s $T/v1/rooms/$R/messages -H "Authorization: Bearer $A" -H "$J" -d '{"body":"Hello, world"}'
curl -s $T/v1/rooms/$R/messages -H "Authorization: Bearer $A"
"#,
        )?;
        let run = quoted(&self.data.join("run.json").to_string_lossy());
        writeln!(f, "# 4. See the events behind it (needs the nats CLI and jq).")?;
        write!(f, "nats --server \"$(jq -r .nats {run})\" stream view {}", self.stream)
    }
}

impl fmt::Display for FirstScreen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nTidings is running. Ctrl-C stops it.\n")?;
        self.places(f)?;
        writeln!(f, "\nFirst steps, to paste into another terminal:\n")?;
        self.steps(f)?;
        writeln!(f)
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(is_local: bool, mails_are_files: bool) -> String {
        FirstScreen {
            http: "http://127.0.0.1:8080",
            admin: "http://127.0.0.1:41001",
            data: Path::new("/srv/it's data"),
            mails_are_files,
            is_local,
            stream: "EVENTS_tidings".to_owned(),
            program: "target/release/tidings".to_owned(),
        }
        .to_string()
    }

    #[test]
    fn it_names_every_address_and_every_place() {
        let screen = screen(true, true);
        for part in [
            "http://127.0.0.1:8080/docs",
            "ws://127.0.0.1:8080/v1/ws",
            "http://127.0.0.1:41001/readyz",
            "/srv/it's data/mail",
            "Logs ",
            r#"curl -s $T/v1/users -H "$J" -d '{"username":"ada""#,
            r"jq -r .nats '/srv/it'\''s data/run.json'",
        ] {
            assert!(screen.contains(part), "{part} is not in {screen}");
        }
    }

    #[test]
    fn where_others_can_connect_the_operator_creates_the_admin() {
        let screen = screen(false, false);
        let create =
            r"target/release/tidings admin create --data '/srv/it'\''s data' --username ada";
        assert!(screen.contains(create), "{screen}");
        assert!(!screen.contains("/v1/users -H"), "{screen}");
        assert!(!screen.contains("Mails"), "{screen}");
    }
}
