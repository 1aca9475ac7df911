//! `tidings check-config`: what a process would run with, and what is wrong with it, before it is started.
//!
//! Reads and tries, and neither makes nor changes anything: no folder, no key, no file.

mod findings;
mod servers;
mod surroundings;

use std::path::Path;
use std::process::ExitCode;

use clap::ArgMatches;
use clap::parser::ValueSource;
use serde::Serialize;

use findings::Findings;

use crate::cli::{CheckConfig, Role};
use crate::config::Config;
use crate::environment::Unknown;
use crate::failure::Failure;
use crate::layers::{Layer, defaults, layers};
use crate::reference;
use crate::service_name::ServiceName;
use crate::settings::Settings;
use crate::terminal;

/// What the call says.
pub(crate) struct Said<'a> {
    pub(crate) settings: Settings,
    pub(crate) file: Option<&'a Path>,
    /// Variables that were meant as settings and are none.
    pub(crate) unknown: Vec<Unknown>,
}

/// One setting as the process would have it.
#[derive(Debug, Serialize)]
struct Shown {
    setting: &'static str,
    /// As it was written, secrets hidden.
    value: String,
    /// `flag`, the name of an environment variable, a file, or `default`.
    from: String,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    process: &'a str,
    ok: bool,
    settings: Vec<Shown>,
    #[serde(flatten)]
    findings: &'a Findings,
}

/// Checks, prints, and answers with exit code 2 if something is wrong.
///
/// # Errors
/// Stdout is closed.
pub(crate) fn run(
    what: &CheckConfig,
    said: &Said<'_>,
    matches: &ArgMatches,
) -> Result<ExitCode, Failure> {
    let mut findings = Findings::default();
    findings.warnings.extend(said.unknown.iter().map(ToString::to_string));
    let settings = match layers(said.settings.clone(), said.file) {
        Ok(layers) => shown(&layers, what.role(), matches)?,
        Err(failure) => {
            findings.errors.push(failure.to_string());
            Vec::new()
        }
    };
    if findings.errors.is_empty() {
        judge(said, what.role(), &mut findings)?;
    }
    let report = Report {
        process: &what.process,
        ok: findings.errors.is_empty(),
        settings,
        findings: &findings,
    };
    if what.output.json {
        terminal::print_json(&report)?;
    } else {
        terminal::print(&text(&report))?;
        findings.warnings.iter().for_each(|text| terminal::complain(&format!("warning: {text}")));
        findings.errors.iter().for_each(|text| terminal::complain(&format!("error: {text}")));
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// All that is wrong: each setting by itself, all of them together, and with what they name.
fn judge(said: &Said<'_>, role: Role, findings: &mut Findings) -> Result<(), Failure> {
    let all = layers(said.settings.clone(), said.file)?;
    let merged = all.into_iter().fold(Settings::default(), |said, layer| said.over(layer.settings));
    findings.errors = Config::faults(&merged, role);
    match Config::load(said.settings.clone(), said.file, role) {
        Ok(config) => {
            surroundings::judge(&config, role, findings);
            let sends_mail = matches!(role, Role::Serve | Role::Service(ServiceName::Notifier));
            servers::judge(&config, sends_mail, findings);
        }
        Err(failure) => {
            let failure = failure.to_string();
            if !findings.errors.contains(&failure) {
                findings.errors.push(failure);
            }
        }
    }
    Ok(())
}

/// Every setting that has a value, where it comes from, and none whose secret another layer says by a file.
fn shown(layers: &[Layer], role: Role, matches: &ArgMatches) -> Result<Vec<Shown>, Failure> {
    let mut shown: Vec<Shown> = Vec::new();
    let usual = Layer { file: None, settings: defaults()? };
    for (place, layer) in layers.iter().chain([&usual]).enumerate() {
        for (setting, value, _) in layer.settings.each() {
            let other =
                setting.strip_suffix("_file").map_or(format!("{setting}_file"), str::to_owned);
            if shown.iter().any(|known| known.setting == setting || known.setting == other) {
                continue;
            }
            let from = match (&layer.file, place) {
                (Some(file), _) => file.display().to_string(),
                (None, 0) => of_the_call(setting, matches),
                (None, _) => "default".to_owned(),
            };
            shown.push(Shown { setting, value: hidden(setting, &value), from });
        }
    }
    // What has no default whatever else is said: its own depends on the process, or on other settings.
    for (setting, value) in reference::unsaid(role.is_public()) {
        let base = setting.strip_suffix("_file");
        let known =
            |one: &Shown| one.setting == setting || base.is_some_and(|base| one.setting == base);
        let by_file = |one: &Shown| one.setting.strip_suffix("_file") == Some(setting);
        if !shown.iter().any(|one| known(one) || by_file(one)) {
            shown.push(Shown { setting, value, from: "default".to_owned() });
        }
    }
    shown.sort_by_key(|one| one.setting);
    Ok(shown)
}

fn of_the_call(setting: &str, matches: &ArgMatches) -> String {
    match matches.value_source(setting) {
        Some(ValueSource::EnvVariable) => format!("TIDINGS_{}", setting.to_uppercase()),
        _ => "flag".to_owned(),
    }
}

/// A value as it may be shown: of the address in a secret setting, what stands before `@` is hidden; a key is as a whole.
fn hidden(setting: &str, value: &str) -> String {
    if !reference::is_secret(setting) {
        return value.to_owned();
    }
    if setting.ends_with("_key") {
        return "***".to_owned();
    }
    let one = |address: &str| match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            let (scheme, host) = (address.get(..scheme), address.get(at..));
            format!("{}://***{}", scheme.unwrap_or_default(), host.unwrap_or_default())
        }
        _ => address.to_owned(),
    };
    value.split(',').map(one).collect::<Vec<_>>().join(",")
}

fn text(report: &Report<'_>) -> String {
    let mut text = format!("# What `tidings {}` would run with.\n", report.process);
    let width = |of: fn(&Shown) -> usize| report.settings.iter().map(of).max().unwrap_or(0);
    let names = width(|one| one.setting.len());
    let values = width(|one| one.value.chars().count()).min(48);
    for Shown { setting, value, from } in &report.settings {
        text.push_str(&format!("{setting:names$} = {value:values$}  # {from}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_with_a_password_the_host_is_shown() {
        for (value, shown) in [
            ("nats://user:p@ss@a:4222,nats://b", "nats://***@a:4222,nats://b"),
            ("nats://token@a", "nats://***@a"),
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
        ] {
            assert_eq!(hidden("nats_url", value), shown);
        }
        assert_eq!(hidden("s3_secret_key", "hunter2"), "***");
        assert_eq!(hidden("s3_access_key", "tidings"), "tidings");
        assert_eq!(hidden("mail_from", "Ada <a@b>"), "Ada <a@b>");
    }
}
