//! Flags as they are written (RFC 3501 §2.3.2).

use crate::model::mailbox::Flags;

use super::cursor::{Cursor, Malformed, is_atom};

/// The system flags and their bits, in the order in which they are listed.
pub const SYSTEM: [(Flags, &str); 5] = [
    (Flags::ANSWERED, "\\Answered"),
    (Flags::FLAGGED, "\\Flagged"),
    (Flags::DELETED, "\\Deleted"),
    (Flags::SEEN, "\\Seen"),
    (Flags::DRAFT, "\\Draft"),
];

/// The keyword that has a bit and a Maildir letter of its own.
pub const FORWARDED: &str = "$Forwarded";

/// The longest keyword, in octets.
const MAX_KEYWORD: usize = 128;

/// A flag that a client names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flag {
    /// A flag with a bit of its own in every mailbox.
    Fixed(Flags),
    /// A keyword: which bit it has is the mailbox's affair.
    Keyword(String),
}

impl Flag {
    /// Reads one flag. `\Recent` and flags of later standards are no flags that a client can set: they are an error.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let start = cursor.clone();
        let system = cursor.eat(b'\\');
        let name = cursor.atom("a flag")?;
        if system {
            let bit = SYSTEM
                .iter()
                .find(|(_, known)| known.get(1..).is_some_and(|known| known.eq_ignore_ascii_case(name)));
            return bit.map_or_else(|| start.wrong("a flag that can be set"), |&(bit, _)| Ok(Self::Fixed(bit)));
        }
        if name.len() > MAX_KEYWORD {
            return start.wrong("a shorter keyword");
        }
        Ok(Self::keyword(name))
    }

    /// The keyword of this name.
    pub(super) fn keyword(name: &str) -> Self {
        if name.eq_ignore_ascii_case(FORWARDED) {
            Self::Fixed(Flags::FORWARDED)
        } else {
            Self::Keyword(name.to_owned())
        }
    }
}

/// Whether a keyword that came from a file or the database can be written as an atom.
pub fn is_writable(keyword: &str) -> bool {
    !keyword.is_empty() && keyword.bytes().all(is_atom)
}
