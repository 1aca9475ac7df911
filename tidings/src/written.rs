//! How the value of a setting is written in a call.

use std::path::PathBuf;

use crate::oidc::{self, OidcSettings};

/// A value that a setting can have.
pub(crate) trait Written {
    /// Its text.
    fn written(&self) -> String;
}

macro_rules! written {
    ($($type:ty: |$value:ident| $text:expr;)*) => {
        $(impl Written for $type {
            fn written(&self) -> String {
                let $value = self;
                $text
            }
        })*
    };
}
written! {
    String: |text| text.clone();
    PathBuf: |path| path.display().to_string();
    Vec<String>: |list| list.join(",");
    Vec<OidcSettings>: |list| oidc::ids(list);
    u8: |number| number.to_string();
    u32: |number| number.to_string();
    bool: |said| said.to_string();
}
