//! When two names are the same.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();
const NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfd();

/// The form in which names are compared: NFKC with case folded (Unicode's compatibility caseless matching,
/// D146), without what cannot be seen, with white space as single spaces. Two names of one key are one.
#[must_use]
pub fn key(name: &str) -> String {
    if name.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return spaced(&name.to_ascii_lowercase());
    }
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let seen: String =
        name.chars().filter(|c| !ignorable.contains(*c) && *c != '\u{2800}').collect();
    let once = NFKC.normalize(&folded(&NFD.normalize(&seen))).into_owned();
    let twice = NFKC.normalize(&folded(&once)).into_owned();
    spaced(&twice)
}

/// Case folded in full, by way of upper case: `ß`, `ẞ` and `SS` become `ss`, every sigma `σ`.
fn folded(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.push_str(word);
    }
    spaced
}
