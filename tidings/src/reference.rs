//! The reference of every setting and every flag, in Markdown: docs/CONFIGURATION.md is what this makes.
//!
//! Flags, environment variables and what they are for come from the command line's own definition, the longer texts from
//! the commented defaults; the table here has what neither says.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use crate::cli::Cli;
use crate::layers::DEFAULTS;

/// What the command line's definition does not say of a setting.
struct Setting {
    name: &'static str,
    /// What holds where nothing is said.
    default: &'static str,
    /// What its value is, with its unit.
    value: &'static str,
    limits: &'static str,
    /// It may hold a password: never logged, never shown.
    secret: bool,
}

const fn open(
    name: &'static str,
    default: &'static str,
    value: &'static str,
    limits: &'static str,
) -> Setting {
    Setting { name, default, value, limits, secret: false }
}

const fn secret(
    name: &'static str,
    default: &'static str,
    value: &'static str,
    limits: &'static str,
) -> Setting {
    Setting { name, default, value, limits, secret: true }
}

/// Every setting.
#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    open("listen", "`127.0.0.1:8080`; services without clients: none", "host and port, or `unix:` and a path", "port 0 takes a free one; Unix sockets for the gateway only"),
    open("tls_cert", "none: plain text", "file (PEM)", "with `tls_key`; not at a Unix socket; not expired"),
    open("tls_key", "none: plain text", "file (PEM)", "with `tls_cert`, whose key it is; without a passphrase"),
    open("admin_listen", "`127.0.0.1:0`; services without clients: none", "host and port", "port 0 takes a free one"),
    open("data", "`./data`", "folder", "cannot be set in `<data>/config.toml`"),
    secret("nats_url", "a private server", "URLs, separated by commas", "`nats://`, `tls://`, `ws://`, `wss://`"),
    open("nats_url_file", "none", "file", "not with `nats_url`"),
    open("nats_server", "`.tools/bin`, then PATH", "file", "version 2.15.1 or later"),
    open("sync", "`always`", "`always`, or an interval (`ms`, `s`, `min`)", "for the private server only"),
    open("replicas", "`1`", "servers", "1, 3 or 5; above 1 with `nats_url` only"),
    secret("read_model", "`sqlite`", "`sqlite` or a URL", "`mongodb://`, `mongodb+srv://`"),
    open("read_model_file", "none", "file", "not with `read_model`"),
    open("namespace", "`tidings`", "text", "1 to 32 of `[a-z0-9_]`"),
    open("keys", "`<data>/keys`", "folder", "auth-svc alone needs it"),
    open("name_key", "`<keys>/names.secret`", "file", "32 bytes; the same for auth-svc, chat-svc and notifier"),
    open("code_key", "`<keys>/otp.secret`", "file", "32 bytes; the same for auth-svc and notifier"),
    open("rate_requests", "`100/min`", "a number per `s`, `min` or `h`, or `off`", "1 to 4294967295"),
    open("rate_frames", "`20/s`", "a number per `s`, `min` or `h`, or `off`", "1 to 4294967295; bursts of three times as many"),
    open("rate_media", "`600/min`", "a number per `s`, `min` or `h`, or `off`", "1 to 4294967295"),
    open("media_max_file", "`100MB`", "a size with `B`, `kB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB` or `TiB`", "at least 1 byte"),
    open("media_quota_person", "`1GB`", "a size, or `off`", "at least 1 byte"),
    open("media_quota", "`off`", "a size, or `off`", "at least 1 byte"),
    open("media_unused", "`24h`", "a span of time (`ms`, `s`, `m`, `h`)", "at most 24h"),
    open("media_origin", "that of the app", "origin", "`http://` or `https://` and a host, no path; with `public_url`, another one; not with a bucket"),
    open("retention_days", "`off`", "a number of days, or `off`", "1 to 36500"),
    open("retention", "`archive`", "a choice", "`archive`, `purge`"),
    open("retention_interval", "`1h`", "a span of time (`ms`, `s`, `m`, `h`)", "at most 24h"),
    open("retention_day", "`24h`", "a span of time (`ms`, `s`, `m`, `h`)", "at most 24h; less for tests only"),
    open("deleted_bodies", "`30d`", "days (`d`), or `keep`", "1d to 36500d"),
    open("blob_store", "`jetstream`", "`jetstream`, or a URL", "`s3://BUCKET/PREFIX` with `endpoint`, `public_endpoint`, `region`, `path_style`; the same for chat-svc and gateways"),
    open("s3_access_key", "none", "text", "with an `s3://` place; printable, no spaces"),
    open("s3_access_key_file", "none", "file", "not with `s3_access_key`"),
    secret("s3_secret_key", "none", "text", "with an `s3://` place; printable, no spaces"),
    open("s3_secret_key_file", "none", "file", "not with `s3_secret_key`"),
    open("s3_ca_file", "none", "file (PEM)", "at least one certificate"),
    open("rate_bytes", "`10MB/min`", "bytes (`B` to `GiB`) per `s`, `min` or `h`, or `off`", "1 to 4294967295 bytes"),
    open("rate_auth", "`30/min`", "a number per `s`, `min` or `h`, or `off`", "1 to 4294967295"),
    open("rate_codes", "`5/hour`", "a number per `s`, `min` or `h`, or `off`", "1 to 4294967295"),
    open("unverified", "`no-invites`", "a choice", "`everything`, `no-invites`, `read-only`"),
    open("registration", "`open`", "a choice", "`open`, `invite`, `domains:a.org,b.org`, `closed`"),
    open("bcrypt_cost", "`12`", "doublings of the work", "4 to 31; below 10 for tests only"),
    open("memory", "`128MiB`", "`KiB`, `MiB` or `GiB`", "at least 4MiB"),
    secret("smtp_url", "none: mails are files in `<data>/mail`", "URL", "`smtp://`, `smtps://`"),
    open("smtp_url_file", "none", "file", "not with `smtp_url`"),
    open("smtp_ca_file", "none", "file (PEM)", "at least one certificate"),
    open("mail_from", "`Tidings <tidings@localhost>`", "address", "with an `@`, on one line"),
    open("allowed_origins", "none", "origins, separated by commas", "`http://` or `https://` and a host, no path, no `*`"),
    open("public_url", "where each request was sent to", "URL", "`http://` or `https://`"),
    open("trusted_proxies", "none", "addresses and networks, separated by commas", "IPv4 and IPv6"),
    open("request_log", "`30d`", "hours (`h`) or days (`d`), or `off`", "more than nothing, at most 3660 days"),
    open("audit_bodies", "`false`", "`true` or `false`", "each read is an event of the log then"),
    open("log", "`info`; at a terminal `warn`", "a level, or directives", "`error`, `warn`, `info`, `debug`, `trace`"),
    open("log_format", "`auto`", "a choice", "`auto`, `json`, `text`"),
    open("otlp_endpoint", "`OTEL_EXPORTER_OTLP_ENDPOINT`, else none", "URL", "`http://`, `https://`"),
    open("otlp_protocol", "`OTEL_EXPORTER_OTLP_PROTOCOL`, else `http/protobuf`", "a choice", "`http/protobuf`, `grpc`"),
    open("otlp_ca_file", "`OTEL_EXPORTER_OTLP_CERTIFICATE`, else none", "file (PEM)", "at least one certificate"),
    open("trace_ratio", "`1`", "a number", "0 to 1"),
];

const INTRODUCTION: &str = "# Configuration

Generated from the code by `tools/check-generated --write`; `make check` compares. `tidings defaults` prints the same
settings as a file to start from, `tidings check-config` what a process would run with and what is wrong with it.

A setting is said by a flag, by an environment variable, in the file that `--config` (`TIDINGS_CONFIG`) names, or in
`<data>/config.toml`: the first of these that says it wins. Names are the same everywhere: `rate_auth` in a file is
`--rate-auth` and `TIDINGS_RATE_AUTH`. An empty value is as if nothing was said. Keys and flags that are not named here are
refused. A secret may be given in a file of its own (`--nats-url-file`), so that no list of processes and no
environment shows it; secrets are never logged and `check-config` hides them.
";

/// Whether a setting may hold a password.
pub(crate) fn is_secret(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.name == name && setting.secret)
}

/// What stands in a default between what holds for processes that clients connect to, and for the others.
const OF_OTHERS: &str = "; services without clients: ";

/// What holds for each setting where nothing is said, in words, of a process that clients connect to or of another.
pub(crate) fn unsaid(public: bool) -> impl Iterator<Item = (&'static str, String)> {
    SETTINGS.iter().map(move |setting| {
        let usual = match setting.default.split_once(OF_OTHERS) {
            Some((of_public, _)) if public => of_public,
            Some((_, of_others)) => of_others,
            None => setting.default,
        };
        (setting.name, usual.replace('`', ""))
    })
}

/// The whole reference.
pub(crate) fn markdown() -> String {
    let command = Cli::command();
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n## Settings at a glance\n\n| setting | default | value | limits | secret |\n|---|---|---|---|---|\n");
    for Setting { name, default, value, limits, secret } in SETTINGS {
        let secret = if *secret { "yes" } else { "" };
        let _ =
            writeln!(text, "| [`{name}`](#{name}) | {default} | {value} | {limits} | {secret} |");
    }
    text.push_str("\n## Every setting\n");
    for setting in SETTINGS {
        describe(&mut text, setting, &command);
    }
    text.push_str(&tables());
    text.push_str(
        "\n## Commands and their own flags\n\nEvery command takes the settings above, and these.\n",
    );
    commands(&mut text, &command, "tidings");
    text
}

/// Where the defaults begin to speak of what is a table of its own and can be said in files only.
const TABLES: &str = "# Providers of single sign-on";

/// What can be said in files only.
fn tables() -> String {
    let block = DEFAULTS.find(TABLES).and_then(|place| DEFAULTS.get(place..)).unwrap_or_default();
    let bare = block.lines().map(|line| line.strip_prefix("# ").unwrap_or(line));
    let (about, example): (Vec<&str>, Vec<&str>) =
        bare.partition(|line| !line.starts_with("[[") && !line.contains(" = "));
    format!("\n### oidc\n{}\n\n```toml\n{}\n```\n", about.join("\n"), example.join("\n"))
}

fn describe(text: &mut String, setting: &Setting, command: &Command) {
    let _ = write!(text, "\n### {}\n", setting.name);
    let _ = write!(text, "{}\n\n", about(setting.name));
    let argument = command.get_arguments().find(|one| one.get_id() == setting.name);
    if let Some(argument) = argument {
        let environment = argument.get_env().map(|name| name.to_string_lossy().into_owned());
        let flag = flag(argument);
        let _ = writeln!(text, "`{flag}`, `{}`", environment.unwrap_or_default());
    }
}

/// What the commented defaults say above a setting.
fn about(name: &str) -> String {
    let mut paragraph: Vec<&str> = Vec::new();
    let mut last: Vec<&str> = Vec::new();
    let is =
        |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='));
    for line in DEFAULTS.lines() {
        let comment = line.strip_prefix("# ");
        let bare = comment.unwrap_or(line);
        if is(bare) {
            // Settings that stand together are described together.
            let own = if paragraph.is_empty() { last } else { paragraph };
            return own.join("\n");
        }
        let sets = bare.split_once(" = ").is_some_and(|(key, _)| {
            key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        });
        match (sets, comment) {
            (true, _) => last = std::mem::take(&mut paragraph).into_iter().chain(last).collect(),
            (false, Some(comment)) => {
                if paragraph.is_empty() {
                    last.clear();
                }
                paragraph.push(comment);
            }
            (false, None) => {
                paragraph.clear();
                last.clear();
            }
        }
    }
    String::new()
}

fn flag(argument: &Arg) -> String {
    let value = argument.get_value_names().and_then(|names| names.first());
    match (argument.get_long(), value) {
        (Some(long), Some(value)) if argument.get_action().takes_values() => {
            format!("--{long} {value}")
        }
        (Some(long), _) => format!("--{long}"),
        (None, value) => {
            format!("<{}>", value.map_or(argument.get_id().as_str(), |name| name.as_str()))
        }
    }
}

/// The commands below one, each with what it takes itself.
fn commands(text: &mut String, command: &Command, path: &str) {
    for one in command.get_subcommands() {
        let path = format!("{path} {}", one.get_name());
        let about = one.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = write!(text, "\n### {path}\n{about}.\n");
        let own: Vec<&Arg> = one.get_arguments().filter(|one| !one.is_global_set()).collect();
        if !own.is_empty() {
            text.push('\n');
        }
        for argument in own {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let usual = argument.get_default_values().first();
            let usual = usual.map(|value| format!(" Default: `{}`.", value.to_string_lossy()));
            let _ = writeln!(text, "- `{}`: {help}.{}", flag(argument), usual.unwrap_or_default());
        }
        commands(text, one, &path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/CONFIGURATION.md");

    fn settings() -> Vec<String> {
        let command = Cli::command();
        let named =
            command.get_arguments().filter(|one| one.is_global_set() && one.get_env().is_some());
        named.map(|one| one.get_id().to_string()).filter(|id| id != "config").collect()
    }

    #[test]
    fn every_setting_is_in_the_table_and_nothing_else() {
        let mut wanted = settings();
        let mut listed: Vec<String> = SETTINGS.iter().map(|one| one.name.to_owned()).collect();
        wanted.sort();
        listed.sort();
        assert_eq!(listed, wanted);
    }

    #[test]
    fn flags_and_environment_are_called_as_the_setting() {
        let command = Cli::command();
        for setting in SETTINGS {
            let argument =
                command.get_arguments().find(|one| one.get_id() == setting.name).unwrap();
            assert_eq!(argument.get_long().unwrap(), setting.name.replace('_', "-"));
            let environment = argument.get_env().unwrap().to_string_lossy().into_owned();
            assert_eq!(environment, format!("TIDINGS_{}", setting.name.to_uppercase()));
        }
    }

    #[test]
    fn every_secret_can_be_given_by_a_file() {
        for setting in SETTINGS.iter().filter(|setting| setting.secret) {
            let file = format!("{}_file", setting.name);
            assert!(SETTINGS.iter().any(|other| other.name == file), "{file}");
            let command = Cli::command();
            let argument =
                command.get_arguments().find(|one| one.get_id() == setting.name).unwrap();
            assert!(argument.is_hide_env_values_set(), "--help shows {}", setting.name);
        }
    }

    #[test]
    fn each_setting_is_described_by_what_stands_above_it_alone() {
        for Setting { name, .. } in SETTINGS {
            let text = about(name);
            assert!(!text.contains(" = "), "{name} is described by another: {text}");
        }
        // What stands together is described together, and nothing else is.
        assert_eq!(about("tls_cert"), about("tls_key"));
        assert_eq!(about("rate_requests"), about("rate_bytes"));
        for (name, word) in [
            ("rate_auth", "to log in"),
            ("rate_media", "Reads of files"),
            ("mail_from", "sender"),
            ("retention_interval", "How often"),
            ("retention_day", "How long a day"),
            ("s3_secret_key", "The key that the bucket"),
            ("s3_secret_key_file", "Files that hold them"),
            ("s3_ca_file", "Certificates"),
        ] {
            assert!(about(name).contains(word), "{name}: {}", about(name));
        }
    }

    #[test]
    fn the_defaults_may_be_kept_in_the_data_folder_as_they_are_printed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), DEFAULTS).unwrap();
        let data = Some(folder.path().to_owned());
        let call = crate::settings::Settings { data, ..Default::default() };
        let config = crate::config::Config::load(call, None, crate::cli::Role::Serve).unwrap();
        assert_eq!(config.data, folder.path());
    }

    #[test]
    fn the_defaults_are_those_of_the_embedded_file() {
        let set: toml::Table = toml::from_str(DEFAULTS).unwrap();
        for Setting { name, default, .. } in SETTINGS {
            assert!(!about(name).is_empty(), "default.toml says nothing of {name}");
            let value = match set.get(*name) {
                Some(toml::Value::String(text)) => format!("`{text}`"),
                Some(toml::Value::Array(list)) if list.is_empty() => "none".to_owned(),
                Some(toml::Value::Integer(number)) => format!("`{number}`"),
                Some(other) => panic!("{name}: {other:?}"),
                None => continue,
            };
            assert_eq!(*default, value, "{name}");
        }
    }

    #[test]
    fn the_reference_of_the_settings_is_up_to_date() {
        let now = markdown();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(FILE, &now).unwrap();
        }
        let kept = std::fs::read_to_string(FILE).unwrap_or_default();
        assert!(kept == now, "{FILE} is out of date: tools/check-generated --write rewrites it");
    }
}
