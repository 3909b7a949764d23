//! Kinds that have a name each, by which they are written, read and listed.

/// Declares an enum, and a name for each of its variants: `ALL`, `as_str`, [`Display`](std::fmt::Display) and
/// [`FromStr`](std::str::FromStr), whose error is the text after `else` and all the names.
macro_rules! named {
    (
        $(#[$about:meta])* pub enum $kind:ident;
        else $unknown:literal;
        $($(#[$doc:meta])* $variant:ident => $name:literal,)*
    ) => {
        $(#[$about])*
        pub enum $kind {
            $($(#[$doc])* $variant,)*
        }

        impl $kind {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|kind| kind.as_str() == text);
                found.copied().ok_or_else(|| {
                    let all: Vec<&str> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
                    format!("{} {}", $unknown, all.join(", "))
                })
            }
        }
    };
}

pub(super) use named;
