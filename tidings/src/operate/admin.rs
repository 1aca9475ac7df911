//! `tidings admin`: the first admin of an installation that strangers can reach, and forgotten passwords.

use std::io::Read;
use std::process::ExitCode;

use auth_svc::Operator;
use schemas::values::{Email, InvalidValue, NewPassword, Username};
use schemas::views::Account;
use schemas::{Code, Rejection};
use serde_json::json;
use telemetry::{Health, Metrics};

use super::attach::Attached;
use crate::cli::{Admin, Output, PasswordFrom};
use crate::config::Config;
use crate::failure::Failure;
use crate::services::auth_config;
use crate::shared_deps::{Server, SharedDeps};
use crate::terminal::{print, print_json};

/// Letters of a password that is made, none of which is taken for another: 20 of 31 are 99 bits.
const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
const LENGTH: usize = 20;
/// More cannot be a password and a line's end.
const LONGEST_LINE: u64 = 1024;

/// A password, and whether it was made here and must be told.
pub(crate) struct Password {
    value: NewPassword,
    made: bool,
}

/// A call that has been checked.
pub(crate) enum Act {
    Create { username: Username, email: Email, password: Password, output: Output },
    Promote { user: String, output: Output },
    ResetPassword { user: String, password: Password, output: Output },
    Erase { user: String, output: Output },
}

impl Act {
    /// Checks a call, and reads or makes its password.
    ///
    /// # Errors
    /// A wrong call: a name or password against the rules.
    pub(crate) fn of(action: Admin) -> Result<Self, Failure> {
        Ok(match action {
            Admin::Create { username, email, password, output } => Self::Create {
                username: Username::parse(&username).map_err(|error| wrong("username", &error))?,
                email: Email::parse(&email).map_err(|error| wrong("email", &error))?,
                password: Password::from(password)?,
                output,
            },
            Admin::Promote { user, output } => Self::Promote { user, output },
            Admin::ResetPassword { user, password, output } => {
                Self::ResetPassword { user, password: Password::from(password)?, output }
            }
        })
    }
}

/// Makes an admin or changes an account.
///
/// # Errors
/// A name that is taken, an account that does not exist, a log that cannot be reached or written.
pub(crate) async fn run(
    act: Act,
    config: &Config,
    attached: &Attached,
) -> Result<ExitCode, Failure> {
    let operator = open(config, attached).await?;
    match act {
        Act::Create { username, email, password, output } => {
            let made = operator.create_admin(username, email, password.value.clone()).await;
            let account = made.map_err(|refused| not_done(&refused))?;
            report("is a new account and an admin", &account, Some(&password), output)
        }
        Act::Promote { user, output } => {
            let promoted = operator.promote(&user).await;
            let account = promoted.map_err(|refused| not_done(&refused))?;
            report("is an admin", &account, None, output)
        }
        Act::ResetPassword { user, password, output } => {
            let reset = operator.reset_password(&user, &password.value).await;
            let account = reset.map_err(|refused| not_done(&refused))?;
            let what = "has another password, and all sessions have ended";
            report(what, &account, Some(&password), output)
        }
        Act::Erase { user, output } => {
            let begun = operator.erase(&user).await;
            let (user_id, erasure_id) = begun.map_err(|refused| not_done(&refused))?;
            if output.json {
                print_json(&json!({ "user_id": user_id, "erasure_id": erasure_id }))?;
            } else {
                print(&format!("{user_id} is closed for good; {erasure_id} erases their data\n"))?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn open(config: &Config, attached: &Attached) -> Result<Operator, Failure> {
    let (metrics, health) = (Metrics::new(), Health::new());
    let server = Server { url: attached.url(), files: attached.files() };
    let shared = SharedDeps::connect(server, "tidings admin", config, metrics, health).await?;
    let names = shared.names(config).await?;
    let needs = auth_svc::Needs { names, codes: SharedDeps::codes(config)? };
    let opened = Operator::open(auth_config(config), needs, &shared.deps).await;
    opened.map_err(|error| Failure::because("accounts cannot be changed", &error))
}

impl Password {
    fn from(source: PasswordFrom) -> Result<Self, Failure> {
        let made = !source.password_stdin;
        let text = if made { make() } else { read_line()? };
        let value = NewPassword::parse(&text).map_err(|error| wrong("password", &error))?;
        Ok(Self { value, made })
    }
}

/// The first line of standard input.
fn read_line() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(LONGEST_LINE)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::because("standard input cannot be read", &error))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::wrong_call("password: standard input is not UTF-8"))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn make() -> String {
    let letter = |_| char::from(LETTERS[rand::random_range(0..LETTERS.len())]);
    (0..LENGTH).map(letter).collect()
}

fn wrong(what: &str, error: &InvalidValue) -> Failure {
    let text = error.to_string();
    // Most say by themselves what it is that they are about.
    Failure::wrong_call(if text.starts_with(what) { text } else { format!("{what}: {text}") })
}

fn not_done(refused: &Rejection) -> Failure {
    match refused.code {
        Code::NotFound => Failure::new("there is no such account"),
        _ => {
            let first = refused.errors.first().map(|error| error.detail.as_str());
            Failure::new(first.unwrap_or(&refused.detail))
        }
    }
}

fn report(
    what: &str,
    account: &Account,
    password: Option<&Password>,
    output: Output,
) -> Result<ExitCode, Failure> {
    let made = password.filter(|password| password.made).map(|password| password.value.expose());
    let user = &account.user;
    if output.json {
        print_json(&json!({
            "user_id": user.id,
            "username": user.username,
            "email": account.email,
            "role": user.role,
            "password": made,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!("{} ({}) {what}\n", user.username, user.id);
    if let Some(made) = made {
        text.push_str(&format!("password: {made}\n"));
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
