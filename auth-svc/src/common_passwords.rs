//! Passwords that are refused because they would be guessed first: the commonest ones, and the user's own name and
//! address.
//!
//! `common_passwords.txt` has the 10,000 commonest that are long enough to be passwords here, sorted by their bytes;
//! where they come from and under which licences stands in `common_passwords.LICENSE.txt`.

use schemas::values::{Email, NewPassword, Username};
use schemas::{Code, Rejection};

/// In lower case, one a line, sorted by their bytes.
static LIST: &str = include_str!("common_passwords.txt");

/// Refuses a password that is among the commonest, or is the username, the address or what stands before its `@`.
/// Capital letters make no difference.
///
/// # Errors
/// `validation_failed` with the pointer of the field.
pub(crate) fn refuse_common(
    pointer: &str,
    password: &NewPassword,
    username: &Username,
    email: &Email,
) -> Result<(), Rejection> {
    let folded = password.expose().to_lowercase();
    let address = email.as_str().to_lowercase();
    let local = address.split('@').next().unwrap_or_default();
    if folded == username.as_str() || folded == address || folded == local {
        let detail = "the password must not be the username or the address";
        return Err(Rejection::field(Code::ValidationFailed, pointer, "too_common", detail));
    }
    if is_common(&folded) {
        let detail = "the password is among the commonest ones; choose another";
        return Err(Rejection::field(Code::ValidationFailed, pointer, "too_common", detail));
    }
    Ok(())
}

/// Whether the list has it. Looks at some 14 lines.
fn is_common(password: &str) -> bool {
    let (mut low, mut high) = (0, LIST.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let (start, line) = line_at(middle);
        match line.as_bytes().cmp(password.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

/// The line that a place is in, and where it begins.
fn line_at(place: usize) -> (usize, &'static str) {
    let bytes = LIST.as_bytes();
    let before = bytes.get(..place).unwrap_or_default();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let rest = bytes.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    (start, LIST.get(start..start + length).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_each_of_it_is_found() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert_eq!(lines.len(), 10_000);
        assert!(lines.is_sorted_by(|a, b| a.as_bytes() < b.as_bytes()));
        for line in lines {
            assert!(is_common(line), "{line}");
            assert!(NewPassword::parse(line).is_ok() && *line == line.to_lowercase(), "{line}");
            assert!(!is_common(&format!("{line}~")), "{line}");
        }
        for other in ["", "correct horse", "~~~~~~~~~~~~", "00", "passwor", "tidings of joy"] {
            assert!(!is_common(other), "{other}");
        }
    }

    #[test]
    fn common_ones_and_ones_own_name_are_refused() {
        let refused = |password: &str| {
            let username = Username::parse("ada.lovelace").unwrap();
            let email = Email::parse("Countess@example.org").unwrap();
            let password = NewPassword::parse(password).unwrap();
            refuse_common("/password", &password, &username, &email).is_err()
        };
        for bad in [
            "password1",
            "PassWord1",
            "12345678",
            "Ada.Lovelace",
            "countess@EXAMPLE.org",
            "countess",
        ] {
            assert!(refused(bad), "{bad}");
        }
        for good in ["correct horse", "ada.lovelace1", "password1!?"] {
            assert!(!refused(good), "{good}");
        }
    }
}
