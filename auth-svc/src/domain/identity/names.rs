//! Which usernames suit a person whom a provider describes.

use schemas::Digest;
use schemas::values::Username;

use super::Claims;

/// Characters of a username.
const MAX: usize = 32;
/// Up to which number the first candidate is varied: `ada`, `ada2`, ... `ada9`.
const NUMBERS: std::ops::RangeInclusive<u32> = 2..=9;
/// Where a provider says nothing that can be a name.
const PLAIN: &str = "user";

/// Usernames for a person, the most fitting first. The last ones are made of the key of their identity: these are taken
/// only if that was tried on purpose.
pub(crate) fn candidates(claims: &Claims, key: &Digest) -> Vec<Username> {
    let said = claims.username.as_deref();
    let local = claims.email.as_ref().map(|email| email.as_str());
    let base = [said, local].into_iter().flatten().map(cleaned).find(|name| name.len() >= 2);
    let base = base.unwrap_or_else(|| PLAIN.to_owned());
    let numbers = NUMBERS.map(|number| number.to_string());
    let keys = [6, 12].into_iter().filter_map(|length| key.as_str().get(..length));
    let ends =
        std::iter::once(String::new()).chain(numbers).chain(keys.map(|key| format!("-{key}")));
    ends.filter_map(|end| Username::parse(&ended(&base, &end)).ok()).collect()
}

/// What of a text can be in a username. Of an address, what stands before the `@`.
fn cleaned(text: &str) -> String {
    let text = text.split('@').next().unwrap_or_default();
    let fitting = text.chars().take(4 * MAX).filter_map(|c| match c {
        'a'..='z' | '0'..='9' | '.' | '_' | '-' => Some(c),
        'A'..='Z' => Some(c.to_ascii_lowercase()),
        c if c.is_whitespace() => Some('.'),
        _ => None,
    });
    let kept: String = fitting.collect();
    let kept = kept.trim_matches(['.', '_', '-']);
    kept.get(..MAX).unwrap_or(kept).trim_end_matches(['.', '_', '-']).to_owned()
}

fn ended(base: &str, end: &str) -> String {
    let room = MAX.saturating_sub(end.len());
    let base = base.get(..room).unwrap_or(base).trim_end_matches(['.', '_', '-']);
    format!("{base}{end}")
}

#[cfg(test)]
mod tests {
    use schemas::values::Email;

    use super::*;

    fn names(username: Option<&str>, email: Option<&str>) -> Vec<String> {
        let claims = Claims {
            email: email.map(|email| Email::parse(email).unwrap()),
            username: username.map(ToOwned::to_owned),
            display_name: None,
        };
        let found = candidates(&claims, &Digest::of(["key"]));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_comes_from_what_the_provider_says() {
        let first = |username, email| names(username, email).first().cloned().unwrap();
        assert_eq!(first(Some("Ada.Lovelace"), None), "ada.lovelace");
        assert_eq!(first(Some("ada@works.test"), None), "ada");
        assert_eq!(first(Some("Ada Lovelace"), None), "ada.lovelace");
        assert_eq!(first(None, Some("ada+chat@example.org")), "adachat");
        assert_eq!(first(Some("Ἀδα"), Some("ada@example.org")), "ada");
        assert_eq!(first(Some("_ada_"), None), "ada");
        assert_eq!(first(None, None), "user");
        let long = "x".repeat(500);
        assert_eq!(first(Some(&long), None), "x".repeat(32));
        assert_eq!(first(Some("admin"), None), "admin2", "the name itself is reserved");
        assert_eq!(first(Some("al"), None), "al2", "two letters are too few");
    }

    #[test]
    fn a_name_has_variants_that_are_names() {
        let all = names(Some(&format!("{}.tail", "x".repeat(28))), None);
        assert_eq!(all.len(), 11);
        let mut different = all.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), all.len());
        assert!(all.iter().all(|name| name.len() <= 32 && Username::parse(name).is_ok()));
        assert!(all[0].ends_with(".tai") && all[1].ends_with('2'), "{all:?}");
    }
}
