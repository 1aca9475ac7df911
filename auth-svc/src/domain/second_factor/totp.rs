//! Time-based one-time passwords: RFC 6238 with SHA-1, six digits and steps of 30 seconds, as every app has it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// Seconds of a step.
const STEP: i64 = 30;

/// The step a moment is in, in seconds since the Unix epoch.
pub(super) const fn step_at(seconds: i64) -> i64 {
    seconds.div_euclid(STEP)
}

/// The code of a step; none for a time before 1970.
pub(super) fn code(secret: &[u8], step: i64) -> Option<String> {
    let counter = u64::try_from(step).ok()?;
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&counter.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    // Dynamic truncation, RFC 4226, section 5.3.
    let offset = usize::from(digest.last()? & 0x0f);
    let bytes: [u8; 4] = digest.get(offset..offset + 4)?.try_into().ok()?;
    Some(format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six of eight digits.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let code = code(b"12345678901234567890", step_at(seconds));
            assert_eq!(code.as_deref(), Some(expected), "{seconds}");
        }
        assert_eq!(code(b"x", -1), None);
    }
}
