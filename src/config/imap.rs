//! IMAP and POP3 sessions.

use schemars::JsonSchema;
use serde::Deserialize;

/// IMAP and POP3 sessions.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Imap {
    /// How many seconds a logged in session may say nothing (RFC 9051 §5.4 wants at least 1800).
    #[schemars(range(min = 1, max = 604_800))]
    pub idle_timeout_seconds: u64,
    /// How many seconds a POP3 session may take to say the next command (RFC 1939 §3 wants at least 600).
    #[schemars(range(min = 1, max = 604_800))]
    pub pop3_idle_timeout_seconds: u64,
    /// How many seconds must pass between two POP3 logins of a user at this node (RFC 2449 §6.5). 0: none.
    #[schemars(range(min = 0, max = 86_400))]
    pub pop3_login_delay_seconds: u64,
    /// How many seconds a client has to log in.
    #[schemars(range(min = 1, max = 3600))]
    pub login_timeout_seconds: u64,
    /// How many seconds to wait for the rest of a command, or of the message of an APPEND, that has begun.
    #[schemars(range(min = 1, max = 86_400))]
    pub command_timeout_seconds: u64,
    /// The fewest octets a second of these: each that comes buys its time, up to `imap.command_timeout_seconds`, and when that is
    /// used up the session ends. 0: any.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub min_data_rate: u64,
    /// The most octets of a command, literals included, but for the message of an APPEND.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub max_command_bytes: usize,
    /// Whether a client may have its connection compressed (RFC 4978), which takes some hundred kilobytes.
    pub compress: bool,
    /// Whether a client may log out and in again without connecting anew (RFC 8437). Not behind a proxy that looks at logins.
    pub unauthenticate: bool,
    /// The most messages that one APPEND takes (RFC 3502).
    #[schemars(range(min = 1, max = 100_000))]
    pub max_append_messages: usize,
    /// The most mailboxes that a session is told the changes of (RFC 5465 §5.8).
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_notify_mailboxes: usize,
    /// The most annotations of a mailbox, or of the server, that a user has, and the most that are shared (RFC 5464).
    #[schemars(range(min = 10, max = 100_000))]
    pub max_annotations: usize,
    /// The most octets of an annotation.
    #[schemars(range(min = 1024, max = 10_485_760))]
    pub max_annotation_bytes: u64,
    /// Where the administrator can be reached, as a URI such as `mailto:postmaster@example.org`, for clients that ask (RFC 5464
    /// §3.2.1.1). Empty: nowhere.
    pub admin_contact: String,
    /// How many wrong commands end a session.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_errors: u32,
    /// How often, in milliseconds, an open mailbox is looked at for changes by other programs while a client idles, and with NOTIFY all
    /// mailboxes for changes by other nodes.
    #[schemars(range(min = 10, max = 3_600_000))]
    pub poll_milliseconds: u64,
    /// How often, in milliseconds, the client is told how far a long search is (RFC 9585). 0: whenever a piece of it is done.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub progress_milliseconds: u64,
    /// How many searches of a session may tell what changes in them (RFC 5267 §4.3).
    #[schemars(range(min = 0, max = 1000))]
    pub max_contexts: usize,
    /// The most octets of threads that are held in memory, of all mailboxes together, so that THREAD need not make the same ones again.
    #[schemars(range(min = 0, max = 1_099_511_627_776_u64))]
    pub thread_cache_bytes: u64,
}

impl Default for Imap {
    fn default() -> Self {
        Self {
            idle_timeout_seconds: 1800,
            pop3_idle_timeout_seconds: 600,
            pop3_login_delay_seconds: 0,
            login_timeout_seconds: 180,
            command_timeout_seconds: 300,
            min_data_rate: 500,
            max_command_bytes: 1_048_576,
            compress: true,
            unauthenticate: false,
            max_append_messages: 1000,
            max_notify_mailboxes: 5000,
            max_annotations: 100,
            max_annotation_bytes: 65_536,
            admin_contact: String::new(),
            max_errors: 20,
            poll_milliseconds: 2000,
            progress_milliseconds: 10_000,
            max_contexts: 10,
            thread_cache_bytes: 33_554_432,
        }
    }
}
