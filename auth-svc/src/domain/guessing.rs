//! Guessed passwords: after ten wrong ones an account takes logins only from devices it knows.

use std::net::IpAddr;

use schemas::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

/// Wrong passwords within [`WINDOW_SECONDS`] after which an unknown device is turned away.
const WRONG: usize = 10;
const WINDOW_SECONDS: i64 = 15 * 60;
/// Devices of an account that are remembered; the one that was not seen for longest goes.
const DEVICES: usize = 50;
/// What is looked at of a client's own name, in characters.
const MAX_USER_AGENT: usize = 256;

/// The wrong passwords of an account, or of a name that no account has, of late.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Guesses {
    wrong: Vec<Timestamp>,
}

impl Guesses {
    /// A wrong password.
    pub(crate) fn note(&mut self, now: Timestamp) {
        self.wrong.retain(|at| at.plus_seconds(WINDOW_SECONDS) > now);
        if self.wrong.len() >= WRONG {
            self.wrong.remove(0);
        }
        self.wrong.push(now);
    }

    /// For how many seconds unknown devices are turned away; none when they are not.
    pub(crate) fn barred(&self, now: Timestamp) -> Option<u32> {
        let lately = self.wrong.iter().filter(|at| at.plus_seconds(WINDOW_SECONDS) > now);
        let lately: Vec<&Timestamp> = lately.collect();
        let first = lately.first().filter(|_| lately.len() >= WRONG)?;
        let millis = first.plus_seconds(WINDOW_SECONDS).millis() - now.millis();
        Some(u32::try_from((millis.max(1) + 999) / 1000).unwrap_or(u32::MAX))
    }
}

/// The devices an account was logged in from, the latest last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Devices {
    known: Vec<Digest>,
}

impl Devices {
    /// Whether a login of the account came from it.
    pub(crate) fn knows(&self, device: &Digest) -> bool {
        self.known.contains(device)
    }

    /// Whether there was no login yet.
    pub(crate) fn are_none(&self) -> bool {
        self.known.is_empty()
    }

    /// A login came from it.
    pub(crate) fn note(&mut self, device: &Digest) {
        self.known.retain(|known| known != device);
        if self.known.len() >= DEVICES {
            self.known.remove(0);
        }
        self.known.push(*device);
    }
}

/// A device: the network it is in (/24, or /48 of IPv6) and the kind of its client, without versions.
pub(crate) fn device(ip: Option<&str>, user_agent: Option<&str>) -> Digest {
    let network = match ip.and_then(|ip| ip.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical()) {
        Some(IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}")
        }
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}")
        }
        None => String::new(),
    };
    let agent = user_agent.unwrap_or_default().chars().take(MAX_USER_AGENT);
    let kind: String = agent.filter(|c| c.is_alphabetic()).collect();
    Digest::of(["device", &network, &kind])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_795_255_200_000).plus_seconds(seconds)
    }

    #[test]
    fn ten_wrong_passwords_in_a_quarter_of_an_hour_bar_strangers() {
        let mut guesses = Guesses::default();
        for second in 0..9 {
            guesses.note(at(second));
            assert_eq!(guesses.barred(at(second)), None);
        }
        guesses.note(at(100));
        assert_eq!(guesses.barred(at(100)), Some(800));
        assert_eq!(guesses.barred(at(899)), Some(1));
        assert_eq!(guesses.barred(at(900)), None);
        for second in 0..1000 {
            guesses.note(at(second));
        }
        assert_eq!(guesses.wrong.len(), WRONG);
    }

    #[test]
    fn a_device_is_its_network_and_the_kind_of_its_client() {
        let firefox = |version: &str| format!("Mozilla/5.0 (X11; Linux) Firefox/{version}");
        let of = |ip, agent: &str| device(Some(ip), Some(agent));
        let home = of("192.0.2.7", &firefox("140.0"));
        assert_eq!(home, of("192.0.2.250", &firefox("141.2")));
        assert_eq!(home, of("::ffff:192.0.2.1", &firefox("1")));
        assert_ne!(home, of("192.0.3.7", &firefox("140.0")));
        assert_ne!(home, of("192.0.2.7", "curl/8"));
        assert_eq!(of("2001:db8:1:2::1", "curl/8"), of("2001:db8:1:3::2", "curl/8"));
        assert_ne!(of("2001:db8:1:2::1", "curl/8"), of("2001:db8:2:2::1", "curl/8"));
    }

    #[test]
    fn fifty_devices_are_known() {
        let (mut devices, number) =
            (Devices::default(), |n: u32| Digest::of([n.to_string().as_str()]));
        for n in 0..50 {
            devices.note(&number(n));
        }
        devices.note(&number(0));
        devices.note(&number(50));
        assert!(
            devices.knows(&number(0)) && !devices.knows(&number(1)) && devices.knows(&number(50))
        );
    }
}
