//! Who may make an account for themselves.

use crate::reasons::RefusalReason;
use crate::rejection::Rejection;
use crate::values::Email;

/// Domains that can be named.
const MAX_DOMAINS: usize = 1_000;

/// Who may make an account for themselves. Admins and the operator make accounts whatever it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Registration {
    /// Everyone.
    #[default]
    Open,
    /// Who brings an invitation to a room.
    Invite,
    /// Who has an address of one of these domains, in lower case.
    Domains(Vec<String>),
    /// No one.
    Closed,
}

/// Why an account may not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// Registration is closed.
    Closed,
    /// An invitation is needed.
    NoInvitation,
    /// The address is of another domain than the admitted ones.
    ForeignDomain,
}

impl Registration {
    /// Reads `open`, `invite`, `closed`, or `domains:a.org,b.org`: 1 to 1,000 domains. None for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "open" => Some(Self::Open),
            "invite" => Some(Self::Invite),
            "closed" => Some(Self::Closed),
            other => {
                let list = other.strip_prefix("domains:")?.split(',').take(MAX_DOMAINS + 1);
                let domains: Vec<String> = list.map(domain).collect::<Option<_>>()?;
                (domains.len() <= MAX_DOMAINS).then_some(Self::Domains(domains))
            }
        }
    }

    /// Whether an account with this address may be made by its user, who brings an invitation or not.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(&self, email: &Email, invited: bool) -> Result<(), NotAdmitted> {
        match self {
            Self::Open => Ok(()),
            Self::Invite if invited => Ok(()),
            Self::Invite => Err(NotAdmitted::NoInvitation),
            Self::Domains(_) => self.admits_address(email),
            Self::Closed => Err(NotAdmitted::Closed),
        }
    }

    /// Whether its user may give an account this address, however the account was made: who could not register with it
    /// does not get it by a change, either.
    ///
    /// # Errors
    /// [`NotAdmitted::ForeignDomain`].
    pub fn admits_address(&self, email: &Email) -> Result<(), NotAdmitted> {
        match self {
            Self::Domains(domains) if domains.iter().any(|one| one == email.domain()) => Ok(()),
            Self::Domains(_) => Err(NotAdmitted::ForeignDomain),
            Self::Open | Self::Invite | Self::Closed => Ok(()),
        }
    }
}

/// A domain as addresses have it, in lower case.
fn domain(text: &str) -> Option<String> {
    let email = Email::parse(&format!("a@{}", text.trim())).ok()?;
    Some(email.domain().to_owned())
}

impl From<NotAdmitted> for Rejection {
    fn from(refused: NotAdmitted) -> Self {
        match refused {
            NotAdmitted::Closed => {
                let detail = "registration is closed; ask an admin for an account";
                Self::because(RefusalReason::RegistrationClosed, detail)
            }
            NotAdmitted::NoInvitation => {
                let detail = "an invitation is required to register";
                let reason = RefusalReason::InvitationRequired;
                Self::field_because(reason, "/invite", "required", detail)
            }
            NotAdmitted::ForeignDomain => {
                let detail = "addresses of this domain cannot register";
                let reason = RefusalReason::DomainNotAllowed;
                Self::field_because(reason, "/email", "domain_not_allowed", detail)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(mode: &str, email: &str, invited: bool) -> Result<(), NotAdmitted> {
        Registration::parse(mode).unwrap().admits(&Email::parse(email).unwrap(), invited)
    }

    #[test]
    fn each_mode_admits_its_own() {
        for invited in [false, true] {
            assert_eq!(admits("open", "a@b.org", invited), Ok(()));
            assert_eq!(admits("closed", "a@b.org", invited), Err(NotAdmitted::Closed));
        }
        assert_eq!(admits("invite", "a@b.org", true), Ok(()));
        assert_eq!(admits("invite", "a@b.org", false), Err(NotAdmitted::NoInvitation));
        for email in ["x@a.org", "x@A.ORG", "x@B.example"] {
            assert_eq!(admits("domains:A.org, b.example", email, false), Ok(()), "{email}");
        }
        for email in ["x@sub.a.org", "x@aa.org", "x@a.org.evil.net", "a.org@evil.net"] {
            let refused = admits("domains:a.org", email, true);
            assert_eq!(refused, Err(NotAdmitted::ForeignDomain), "{email}");
        }
    }

    #[test]
    fn an_address_is_changed_within_the_domains() {
        let admits = |mode: &str, email: &str| {
            Registration::parse(mode).unwrap().admits_address(&Email::parse(email).unwrap())
        };
        for mode in ["open", "invite", "closed", "domains:a.org"] {
            assert_eq!(admits(mode, "x@A.org"), Ok(()), "{mode}");
        }
        assert_eq!(admits("domains:a.org", "x@sub.a.org"), Err(NotAdmitted::ForeignDomain));
        assert_eq!(admits("closed", "x@b.org"), Ok(()));
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for text in ["", "Open", "domains:", "domains:a.org,", "domains:a@b.org", "domains", "x"] {
            assert_eq!(Registration::parse(text), None, "{text:?}");
        }
    }
}
