//! Stored mail.

use schemars::JsonSchema;
use serde::Deserialize;

/// Stored mail.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// How many seconds a mailbox that nobody uses stays in memory.
    #[schemars(range(min = 0, max = 604_800))]
    pub keep_views_seconds: u64,
    /// How many runs of expunged messages are remembered of a mailbox, so that a client that comes back is told which went (QRESYNC). A
    /// client that was away for longer is told of all messages that are not there.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub keep_expunged: u32,
    /// The most octets of a message that are held in memory while it comes in; a larger one goes to a file.
    #[schemars(range(min = 0, max = 1_073_741_824))]
    pub memory_bytes_per_message: usize,
    /// The octets that new mail leaves free on the disk: with less, senders are told to come again (452), while users can still log in,
    /// read, and delete what fills it. 0: mail is taken until the disk is full.
    #[schemars(range(min = 0, max = 1_099_511_627_776_u64))]
    pub reserve_bytes: u64,
    /// Whether users may let others of their domain use their mailboxes (RFC 4314): over IMAP, below `Other Users/`.
    pub shared: bool,
    /// The most mailboxes of a user.
    #[schemars(range(min = 10, max = 1_000_000))]
    pub max_mailboxes: usize,
    /// The most mailboxes that a user subscribes to.
    #[schemars(range(min = 10, max = 1_000_000))]
    pub max_subscriptions: usize,
    /// The most octets of header fields that are held in memory, of all mailboxes together: what SEARCH, SORT and THREAD go through.
    #[schemars(range(min = 0, max = 1_099_511_627_776_u64))]
    pub header_cache_bytes: u64,
    /// The most octets of summaries that are held in memory, of all mailboxes together: what the API lists of messages.
    #[schemars(range(min = 0, max = 1_099_511_627_776_u64))]
    pub summary_cache_bytes: u64,
    /// Whether the words of messages are indexed in the background under `search/` of the data directory, so that SEARCH TEXT and BODY
    /// read few messages. What they find is the same.
    pub full_text_index: bool,
    /// A mailbox of fewer messages is not indexed.
    #[schemars(range(min = 0, max = 4_294_967_295_u64))]
    pub index_from_messages: usize,
    /// Octets of memory that indexing takes at most.
    #[schemars(range(min = 15_000_000, max = 4_000_000_000_u64))]
    pub index_memory_bytes: usize,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            keep_views_seconds: 300,
            keep_expunged: 10_000,
            memory_bytes_per_message: 131_072,
            reserve_bytes: 67_108_864,
            shared: true,
            max_mailboxes: 10_000,
            max_subscriptions: 10_000,
            header_cache_bytes: 134_217_728,
            summary_cache_bytes: 67_108_864,
            full_text_index: true,
            index_from_messages: 200,
            index_memory_bytes: 33_554_432,
        }
    }
}
