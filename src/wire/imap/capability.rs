//! What the server can do, in the one place that says it (RFC 3501 §7.2.1).

use super::encode::number;
use crate::wire::sasl::Offer;

/// Where a session stands, as far as its capabilities go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// Whether somebody has logged in.
    pub authenticated: bool,
    /// Whether STARTTLS can be given.
    pub can_start_tls: bool,
    /// What a client may log in by.
    pub offer: Offer,
    /// The most octets of a message that APPEND takes.
    pub append_limit: u64,
    /// Whether the connection can be compressed.
    pub compress: bool,
    /// Whether a client may log out and stay.
    pub unauthenticate: bool,
    /// Whether mailboxes can be shared.
    pub shared: bool,
}

/// When a capability is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    BeforeTls,
    BeforeLogin,
    NoLoginYet,
    AfterLogin,
    /// After a login, where the configuration says so.
    Compress,
    /// The same of another switch.
    Unauthenticate,
    /// And of another.
    Shared,
}

/// RFC 7889 §3: the limit follows.
const APPEND_LIMIT: &str = "APPENDLIMIT=";

const TABLE: &[(&str, When)] = &[
    ("IMAP4rev1", When::Always),
    ("IMAP4rev2", When::Always),
    ("LITERAL+", When::Always),
    ("ID", When::Always),
    ("ENABLE", When::Always),
    ("IDLE", When::Always),
    ("SASL-IR", When::BeforeLogin),
    ("STARTTLS", When::BeforeTls),
    ("LOGINDISABLED", When::NoLoginYet),
    ("NAMESPACE", When::AfterLogin),
    ("CHILDREN", When::AfterLogin),
    ("LIST-EXTENDED", When::AfterLogin),
    ("LIST-STATUS", When::AfterLogin),
    ("UTF8=ACCEPT", When::AfterLogin),
    ("SPECIAL-USE", When::AfterLogin),
    ("CREATE-SPECIAL-USE", When::AfterLogin),
    ("UIDPLUS", When::AfterLogin),
    ("COMPRESS=DEFLATE", When::Compress),
    ("MULTIAPPEND", When::AfterLogin),
    (APPEND_LIMIT, When::AfterLogin),
    ("CATENATE", When::AfterLogin),
    ("REPLACE", When::AfterLogin),
    ("UNSELECT", When::AfterLogin),
    ("MOVE", When::AfterLogin),
    ("ESEARCH", When::AfterLogin),
    ("SEARCHRES", When::AfterLogin),
    ("WITHIN", When::AfterLogin),
    ("PARTIAL", When::AfterLogin),
    ("CONTEXT=SEARCH", When::AfterLogin),
    ("INPROGRESS", When::AfterLogin),
    ("I18NLEVEL=1", When::AfterLogin),
    ("SORT", When::AfterLogin),
    ("SORT=DISPLAY", When::AfterLogin),
    ("ESORT", When::AfterLogin),
    ("THREAD=ORDEREDSUBJECT", When::AfterLogin),
    ("THREAD=REFERENCES", When::AfterLogin),
    ("THREAD=REFS", When::AfterLogin),
    ("CONDSTORE", When::AfterLogin),
    ("QRESYNC", When::AfterLogin),
    ("NOTIFY", When::AfterLogin),
    ("METADATA", When::AfterLogin),
    // RFC 6785 §2.2: without a URL where scripts are kept, which clients know from the server's name.
    ("IMAPSIEVE=", When::AfterLogin),
    ("ACL", When::Shared),
    ("RIGHTS=kxte", When::Shared),
    ("LIST-MYRIGHTS", When::Shared),
    ("UIDONLY", When::AfterLogin),
    ("UNAUTHENTICATE", When::Unauthenticate),
    ("STATUS=SIZE", When::AfterLogin),
    ("BINARY", When::AfterLogin),
    ("OBJECTID", When::AfterLogin),
    ("SAVEDATE", When::AfterLogin),
    ("PREVIEW", When::AfterLogin),
    ("QUOTA", When::AfterLogin),
    ("QUOTA=RES-STORAGE", When::AfterLogin),
    ("QUOTA=RES-MESSAGE", When::AfterLogin),
];

/// Writes `CAPABILITY` and the names that hold at this stage.
pub fn write(out: &mut Vec<u8>, stage: Stage) {
    out.extend_from_slice(b"CAPABILITY");
    for &(name, when) in TABLE {
        let named = match when {
            When::Always => true,
            When::BeforeTls => stage.can_start_tls && !stage.authenticated,
            When::BeforeLogin => stage.offer.login && !stage.authenticated,
            // RFC 3501 §6.2.3: the client must not even try.
            When::NoLoginYet => !stage.offer.login && !stage.authenticated,
            When::AfterLogin => stage.authenticated,
            When::Compress => stage.authenticated && stage.compress,
            When::Shared => stage.authenticated && stage.shared,
            When::Unauthenticate => stage.authenticated && stage.unauthenticate,
        };
        if named {
            out.push(b' ');
            out.extend_from_slice(name.as_bytes());
        }
        if named && name == APPEND_LIMIT {
            number(out, stage.append_limit);
        }
        // RFC 3501 §7.2.1: the mechanisms, beside what tells how to use them.
        if named && name == "SASL-IR" {
            for mechanism in stage.offer.mechanisms() {
                out.extend_from_slice(b" AUTH=");
                out.extend_from_slice(mechanism.as_str().as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_names_its_own() {
        let names = |authenticated, can_start_tls, login| {
            let offer = Offer { login, ..Offer::default() };
            let mut out = Vec::new();
            write(
                &mut out,
                Stage {
                    authenticated,
                    can_start_tls,
                    offer,
                    append_limit: 1000,
                    compress: true,
                    unauthenticate: true,
                    shared: true,
                },
            );
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            names(false, true, false),
            "CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE STARTTLS LOGINDISABLED"
        );
        assert_eq!(
            names(false, false, true),
            "CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE SASL-IR AUTH=PLAIN AUTH=LOGIN AUTH=OAUTHBEARER AUTH=XOAUTH2"
        );
        let after = names(true, false, true);
        assert!(
            after.contains(" UIDPLUS COMPRESS=DEFLATE MULTIAPPEND APPENDLIMIT=1000 ")
                && !after.contains("AUTH=")
                && !after.contains("STARTTLS")
        );
    }
}
