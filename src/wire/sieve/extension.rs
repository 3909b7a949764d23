//! The extensions of the language, by the names that `require` and ManageSieve's SIEVE capability use.

/// An extension (RFC 5228 §2.10.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extension {
    Body,
    ComparatorAsciiNumeric,
    ComparatorUnicodeCasemap,
    Copy,
    Date,
    Duplicate,
    Editheader,
    Enclose,
    EncodedCharacter,
    Enotify,
    Envelope,
    Environment,
    Ereject,
    Extlists,
    Extracttext,
    Fileinto,
    Foreverypart,
    Ihave,
    Imap4flags,
    Imapsieve,
    Include,
    Index,
    Mailbox,
    Mailboxid,
    Mboxmetadata,
    Mime,
    Regex,
    Reject,
    Relational,
    Replace,
    Servermetadata,
    Spamtest,
    Spamtestplus,
    SpecialUse,
    Subaddress,
    Vacation,
    VacationSeconds,
    Variables,
    Virustest,
    DovecotDebug,
    /// What [`Duplicate`](Self::Duplicate) was called before it was an RFC; old scripts have it.
    DovecotDuplicate,
    DovecotEnvironment,
    DovecotTestsuite,
}

use Extension as E;

/// Every extension with its name, in the order in which they are announced.
const NAMES: [(Extension, &str); 43] = [
    (E::Fileinto, "fileinto"),
    (E::Reject, "reject"),
    (E::Ereject, "ereject"),
    (E::Envelope, "envelope"),
    (E::EncodedCharacter, "encoded-character"),
    (E::Vacation, "vacation"),
    (E::VacationSeconds, "vacation-seconds"),
    (E::Subaddress, "subaddress"),
    (E::ComparatorAsciiNumeric, "comparator-i;ascii-numeric"),
    (E::ComparatorUnicodeCasemap, "comparator-i;unicode-casemap"),
    (E::Relational, "relational"),
    (E::Regex, "regex"),
    (E::Imap4flags, "imap4flags"),
    (E::Copy, "copy"),
    (E::Include, "include"),
    (E::Variables, "variables"),
    (E::Body, "body"),
    (E::Enotify, "enotify"),
    (E::Environment, "environment"),
    (E::Mailbox, "mailbox"),
    (E::Mailboxid, "mailboxid"),
    (E::SpecialUse, "special-use"),
    (E::Date, "date"),
    (E::Index, "index"),
    (E::Ihave, "ihave"),
    (E::Duplicate, "duplicate"),
    (E::Mime, "mime"),
    (E::Foreverypart, "foreverypart"),
    (E::Extracttext, "extracttext"),
    (E::Replace, "replace"),
    (E::Enclose, "enclose"),
    (E::Editheader, "editheader"),
    (E::Mboxmetadata, "mboxmetadata"),
    (E::Servermetadata, "servermetadata"),
    (E::Spamtest, "spamtest"),
    (E::Spamtestplus, "spamtestplus"),
    (E::Virustest, "virustest"),
    (E::Extlists, "extlists"),
    (E::Imapsieve, "imapsieve"),
    (E::DovecotDebug, "vnd.dovecot.debug"),
    (E::DovecotDuplicate, "vnd.dovecot.duplicate"),
    (E::DovecotEnvironment, "vnd.dovecot.environment"),
    (E::DovecotTestsuite, "vnd.dovecot.testsuite"),
];

/// Names that may be required and bring nothing, since the language has them anyway (RFC 5228 §2.7.3, §6.1).
const BUILT_IN: [&str; 2] = ["comparator-i;octet", "comparator-i;ascii-casemap"];

impl Extension {
    /// The extension of this name.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(extension, _)| *extension)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(extension, _)| *extension == self).map_or("", |(_, name)| name)
    }

    /// All that a script of a user may require: what the SIEVE capability of ManageSieve says (RFC 5804 §1.7).
    pub fn announced() -> impl Iterator<Item = &'static str> {
        let of_users = NAMES
            .iter()
            .filter(|(extension, _)| !matches!(extension, E::DovecotTestsuite | E::DovecotDebug | E::DovecotDuplicate));
        BUILT_IN.into_iter().chain(of_users.map(|(_, name)| *name))
    }

    /// Whether `require` takes the name without an extension behind it.
    pub(super) fn is_built_in(name: &str) -> bool {
        BUILT_IN.contains(&name)
    }

    /// The other name of the same thing, beside which it must not be required.
    pub(super) fn twin(self) -> Option<Self> {
        match self {
            E::Duplicate => Some(E::DovecotDuplicate),
            E::DovecotDuplicate => Some(E::Duplicate),
            _ => None,
        }
    }

    /// What comes with it (RFC 6131 §2, RFC 5235 §2.1).
    pub(super) fn brings(self) -> Option<Self> {
        match self {
            E::VacationSeconds => Some(E::Vacation),
            E::Spamtestplus => Some(E::Spamtest),
            E::DovecotEnvironment => Some(E::Environment),
            E::DovecotDuplicate => Some(E::Duplicate),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_extensions_and_back() {
        for (extension, name) in NAMES {
            assert_eq!(Extension::named(name), Some(extension));
            assert_eq!(extension.name(), name);
        }
        assert!(Extension::announced().all(|name| !name.contains("testsuite")));
    }
}
