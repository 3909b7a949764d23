//! What a script must ask about: all that is neither in it nor in its message.

use super::message::Message;
use super::problem::Problem;
use super::run::State;
use super::testsuite::Request;

/// The envelope of the message. Addresses are without angle brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The sender; empty is the null sender.
    pub from: String,
    /// The final recipient.
    pub to: String,
    /// The recipient before aliases.
    pub original_to: Option<String>,
    /// Who logged in to send it.
    pub auth: Option<String>,
}

/// Whose scripts `include` names (RFC 6609 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Location {
    /// The user's.
    Personal,
    /// The server's.
    Global,
}

/// Where the scripts are that others include.
pub trait Library {
    /// The text of the script.
    fn script(&self, location: Location, name: &str) -> Option<Vec<u8>>;
}

/// No scripts to include.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLibrary;

impl Library for NoLibrary {
    fn script(&self, _: Location, _: &str) -> Option<Vec<u8>> {
        None
    }
}

/// What identifies a message that may have been seen before (RFC 7352 §3.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seen {
    /// The script's name for this kind of tracking; empty where it gives none.
    pub handle: String,
    /// The value that is unique to a message.
    pub id: Vec<u8>,
    /// For how many seconds it is remembered.
    pub seconds: u64,
    /// Whether a further message prolongs this time.
    pub last: bool,
}

/// What a script asks.
pub trait World {
    /// Whether the mailbox exists and messages may be put into it (RFC 5490 §3.1).
    fn mailbox_exists(&mut self, name: &str) -> bool;
    /// Whether there is a mailbox with this id (RFC 9042 §4.2).
    fn mailbox_id_exists(&mut self, id: &str) -> bool;
    /// Whether the mailbox, or any, has this special use, such as `\Sent` (RFC 8579 §3).
    fn special_use_exists(&mut self, mailbox: Option<&str>, flag: &str) -> bool;
    /// The annotation of the mailbox, or of the server (RFC 5490 §3.3, §3.5).
    fn metadata(&mut self, mailbox: Option<&str>, entry: &str) -> Option<Vec<u8>>;
    /// Whether such a message was seen (RFC 7352 §3).
    fn was_seen(&mut self, seen: &Seen) -> bool;
    /// Remembers it from now on. Comes only once the script has ended well.
    fn remember(&mut self, seen: &Seen);
    /// Whether the list exists (RFC 6134 §2.7).
    fn has_list(&mut self, list: &str) -> bool;
    /// Whether the value is on the list (RFC 6134 §2.2).
    fn is_listed(&mut self, list: &str, value: &str) -> bool;
    /// All that is on the list; none where there is no such list (RFC 6134 §2.3).
    fn listed(&mut self, list: &str) -> Option<Vec<String>>;
    /// How likely the message is spam, 0 to 1; none where it was not tested (RFC 5235 §2.2).
    fn spam(&mut self, message: &Message) -> Option<f64>;
    /// How likely the message has a virus, 0 to 1 (RFC 5235 §2.3).
    fn virus(&mut self, message: &Message) -> Option<f64>;
    /// The item of the environment, where the host knows more than the interpreter (RFC 5183 §4.1).
    fn environment(&self, name: &str) -> Option<String>;
    /// A line for the log (`debug_log`).
    fn log(&mut self, _: &str) {}
    /// What a script of the test suite asks for; none where this is no test.
    fn testsuite(&mut self, _: &mut State, _: Request) -> Option<Result<bool, Problem>> {
        None
    }
    /// Values that a test of the test suite looks at.
    fn testsuite_values(&mut self, _: &State, _: &Request) -> Vec<Vec<u8>> {
        Vec::new()
    }
    /// How a test of the test suite ended.
    fn test_done(&mut self, _: &str, _: Option<Problem>) {}
    /// A variable of the test suite.
    fn testsuite_variable(&self, _: &str) -> Option<String> {
        None
    }
}

/// A world without mailboxes, lists and scores, for looking at what a script would do.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWorld;

impl World for NoWorld {
    fn mailbox_exists(&mut self, name: &str) -> bool {
        name.eq_ignore_ascii_case("INBOX")
    }
    fn mailbox_id_exists(&mut self, _: &str) -> bool {
        false
    }
    fn special_use_exists(&mut self, _: Option<&str>, _: &str) -> bool {
        false
    }
    fn metadata(&mut self, _: Option<&str>, _: &str) -> Option<Vec<u8>> {
        None
    }
    fn was_seen(&mut self, _: &Seen) -> bool {
        false
    }
    fn remember(&mut self, _: &Seen) {}
    fn has_list(&mut self, _: &str) -> bool {
        false
    }
    fn is_listed(&mut self, _: &str, _: &str) -> bool {
        false
    }
    fn listed(&mut self, _: &str) -> Option<Vec<String>> {
        None
    }
    fn spam(&mut self, _: &Message) -> Option<f64> {
        None
    }
    fn virus(&mut self, _: &Message) -> Option<f64> {
        None
    }
    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}
