//! Servers that settings name: whether any answers now. One that comes later is met by a process that runs, so nothing here is
//! an error.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use readmodel::ReadModelUrl;

use super::findings::Findings;
use crate::config::Config;

/// How long one address may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// Warns of servers of which none answers: those of the log, those of the read model and, where mails are sent, that of mails.
pub(super) fn judge(config: &Config, sends_mail: bool, findings: &mut Findings) {
    let log = config.nats_url.as_deref().map(|url| ("nats_url", hosts(url, 4222)));
    let read_model = match &config.read_model {
        // Its names stand behind an entry of DNS, which the database's own client asks for.
        ReadModelUrl::Mongo(url) if !url.starts_with("mongodb+srv://") => {
            Some(("read_model", hosts(&config.read_model.shown(), 27017)))
        }
        _ => None,
    };
    let mail = config.smtp_url.as_deref().filter(|_| sends_mail).map(|url| {
        let usual = if url.starts_with("smtps://") { 465 } else { 25 };
        ("smtp_url", hosts(url, usual))
    });
    for (setting, hosts) in log.into_iter().chain(read_model).chain(mail) {
        let mut failures = Vec::new();
        for host in &hosts {
            match answers(host) {
                Ok(()) => {
                    failures.clear();
                    break;
                }
                Err(error) => failures.push(format!("{host}: {error}")),
            }
        }
        if !failures.is_empty() {
            let failures = failures.join("; ");
            findings.warnings.push(format!("{setting}: no server answers now: {failures}"));
        }
    }
}

fn answers(host: &str) -> io::Result<()> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "it has no address");
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, ANSWERS_WITHIN) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The hosts of addresses that are separated by commas, each with its port. No user and no password.
fn hosts(url: &str, usual: u16) -> Vec<String> {
    let host = |one: &str| {
        let rest = one.trim().split_once("://").map_or(one.trim(), |(_, rest)| rest);
        let rest = rest.split(['/', '?']).next().unwrap_or_default();
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
        if port.is_some() { host.to_owned() } else { format!("{host}:{usual}") }
    };
    url.split(',').map(host).collect()
}

#[cfg(test)]
mod tests {
    use super::hosts;

    #[test]
    fn hosts_have_a_port_and_no_password() {
        for (url, wanted) in [
            ("nats://me:p@ss@a:1, tls://b", vec!["a:1", "b:4222"]),
            ("nats://[::1]:7,nats://[::1]", vec!["[::1]:7", "[::1]:4222"]),
            ("mongodb://a,b:2", vec!["a:4222", "b:2"]),
            ("smtp://me:secret@mail.example.org:587?tls=required", vec!["mail.example.org:587"]),
        ] {
            assert_eq!(hosts(url, 4222), wanted, "{url}");
        }
    }
}
