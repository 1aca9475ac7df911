//! What a person sees while a command runs, and the one line that scripts read. Logs are not made here, and what is
//! shown once everything is up is in `first_screen`.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use gateway::Listen;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::config::Config;
use crate::failure::Failure;

const TICK: Duration = Duration::from_millis(100);

/// Writes a text to stdout as it is.
///
/// # Errors
/// Stdout is closed.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::because("stdout cannot be written", &error))
}

/// Writes a value as one line of JSON to stdout.
///
/// # Errors
/// Stdout is closed.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let mut line = serde_json::to_string(value)
        .map_err(|error| Failure::because("the answer cannot be written", &error))?;
    line.push('\n');
    print(&line)
}

/// So many of something.
pub(crate) fn count<N: Copy + Display + From<u8> + PartialEq>(number: N, one: &str) -> String {
    let end = if number == N::from(1_u8) { "" } else { "s" };
    format!("{number} {one}{end}")
}

/// Says on stderr why a command failed.
pub(crate) fn complain(text: &str) {
    // When stderr is closed, there is no place left to say so.
    let _ = writeln!(std::io::stderr().lock(), "tidings: {text}");
}

/// Says something on stderr when it is a terminal.
pub(crate) fn tell(text: &str) {
    if std::io::stderr().is_terminal() {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// Where a process listens; null for what it does not have.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Addresses<'a> {
    /// Where clients connect; of a service without clients, the same as `admin`.
    pub(crate) http: Option<&'a str>,
    /// Where operators look.
    pub(crate) admin: Option<&'a str>,
}

/// The line that tells scripts where a process listens.
#[derive(Debug, Serialize)]
struct ReadyLine<'a> {
    ready: bool,
    #[serde(flatten)]
    addresses: Addresses<'a>,
    namespace: &'a str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'static str>,
}

/// Tells scripts that everything is up, and where.
///
/// # Errors
/// Stdout is closed.
pub(crate) fn ready_line(
    addresses: Addresses<'_>,
    config: &Config,
    service: Option<&'static str>,
) -> Result<(), Failure> {
    let namespace = config.namespace.as_str();
    let version = env!("CARGO_PKG_VERSION");
    print_json(&ReadyLine { ready: true, addresses, namespace, version, service })
}

/// The address a client on this machine connects to, for a socket that may listen on all of them.
pub(crate) fn http_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// Where clients reach a gateway, as a URL; a Unix socket has none and stays as it is written.
pub(crate) fn url(listen: &Listen, tls: bool) -> String {
    match listen {
        Listen::Tcp(address) if tls => http_url(*address).replacen("http", "https", 1),
        Listen::Tcp(address) => http_url(*address),
        Listen::Unix(_) => listen.to_string(),
    }
}

/// Something that turns while a person waits; nothing when stderr is no terminal.
pub(crate) fn waiting(what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner();
    spinner.set_message(what.to_owned());
    spinner.enable_steady_tick(TICK);
    spinner
}

/// A bar for work of a known size; nothing when stderr is no terminal.
pub(crate) fn bar(what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{msg} {wide_bar} {pos}/{len} events, {per_sec}, {eta} left";
    let bar = ProgressBar::new(0).with_message(what.to_owned());
    // The template is ours and fits; without it the bar is merely plainer.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A count of bytes whose end is not known; nothing when stderr is no terminal.
pub(crate) fn bytes_bar(what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    match ProgressStyle::with_template("{spinner} {msg} {bytes}, {bytes_per_sec}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::{count, http_url};

    #[test]
    fn one_of_something_is_not_many() {
        let said = [0_u64, 1, 2].map(|number| count(number, "key"));
        assert_eq!(said, ["0 keys", "1 key", "2 keys"]);
    }

    #[test]
    fn a_socket_on_every_address_is_reached_on_loopback() {
        assert_eq!(http_url("0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(http_url("[::]:80".parse().unwrap()), "http://[::1]:80");
        assert_eq!(http_url("10.0.0.1:80".parse().unwrap()), "http://10.0.0.1:80");
    }
}
