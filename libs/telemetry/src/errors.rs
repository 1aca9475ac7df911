//! Errors as one line.

use std::error::Error;

/// An error and its causes, outermost first, joined by `: `. Meant for the one log line written at
/// the boundary where an error stops travelling.
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        // Some libraries repeat their source in their own text; saying it twice does not help.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = inner.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::error_chain;
    use std::{error::Error, fmt, io};

    #[derive(Debug)]
    struct Outer(io::Error);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("cannot open the log")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn causes_follow_in_order() {
        let error = Outer(io::Error::other("disk gone"));
        assert_eq!(error_chain(&error), "cannot open the log: disk gone");
    }
}
