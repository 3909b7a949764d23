//! What the host of a script allows, and what it has set.

use jiff::Timestamp;

/// Who sends what a script sends: the envelope's sender of redirected mail and of notifications.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Sender {
    /// The sender of the message.
    #[default]
    Sender,
    /// The final recipient of the message.
    Recipient,
    /// The recipient before aliases.
    OriginalRecipient,
    /// The user's address, else the final recipient.
    User,
    /// The postmaster.
    Postmaster,
    /// This address; empty is the null sender.
    Explicit(String),
}

/// The settings of scripts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The dialect of test scripts is understood.
    pub testsuite: bool,
    /// The server's name, for Message-IDs and reports.
    pub hostname: String,
    /// The user's login name.
    pub username: String,
    /// The user's own address.
    pub user_address: Option<String>,
    /// All other addresses that lead to the user.
    pub other_addresses: Vec<String>,
    /// The mailbox of `keep` and of the implicit keep (RFC 5228 §2.10.2).
    pub default_mailbox: String,
    /// The time; it stands still while a script runs.
    pub now: Timestamp,
    /// The server's time zone, minutes east of UTC (RFC 5260 §4.1).
    pub zone_minutes: i32,
    /// Characters between the user and the detail of a local part; the one that comes first in the address counts (RFC 5233 §4).
    pub recipient_delimiters: String,
    /// Actions of one result.
    pub most_actions: usize,
    /// Redirections of one result (RFC 5228 §10).
    pub most_redirects: usize,
    /// Work of one run, in units of about one test of a short text.
    pub most_steps: u64,
    /// Octets of one variable (RFC 5229 §3: at least 4000).
    pub most_variable_size: usize,
    /// Variables of one script (RFC 5229 §3: at least 128).
    pub most_variables: usize,
    /// Scripts that may be included by one (RFC 6609 §3.1).
    pub most_includes: usize,
    /// Includes in includes.
    pub most_include_depth: usize,
    /// Who sends redirected mail.
    pub redirect_sender: Sender,
    /// Notifications.
    pub notify: Notify,
    /// Vacation replies.
    pub vacation: Vacation,
    /// Changes of header fields.
    pub editheader: Editheader,
}

/// Settings of `notify`.
#[derive(Debug, Clone)]
pub struct Notify {
    /// Notifications of one result; none are allowed where it is 0.
    pub most: usize,
    /// Who sends them.
    pub sender: Option<Sender>,
}

/// Settings of `vacation`.
#[derive(Debug, Clone)]
pub struct Vacation {
    /// Seconds between two replies to one sender, at least (RFC 5230 §4.1).
    pub least_seconds: u64,
    /// And where the script does not say.
    pub default_seconds: u64,
    /// And at most.
    pub most_seconds: u64,
    /// The subject where the message has none.
    pub default_subject: String,
    /// The subject where the script gives none; `%{subject}` is the message's.
    pub subject_template: String,
    /// Characters of the subject.
    pub most_subject: usize,
    /// Reply only where the user is named among the recipients (RFC 5230 §4.5).
    pub check_recipient: bool,
    /// The recipient before aliases counts as an address of the user.
    pub use_original_recipient: bool,
    /// The reply's To is taken from the header, whatever the envelope says.
    pub to_ignores_envelope: bool,
    /// The reply is sent from the recipient, not from the null sender (RFC 5230 §5.1).
    pub send_from_recipient: bool,
}

/// Settings of `addheader` and `deleteheader`.
#[derive(Debug, Clone, Default)]
pub struct Editheader {
    /// Octets of one field.
    pub most_size: usize,
    /// Fields that may not be added, in lower case.
    pub forbid_add: Vec<String>,
    /// Fields that may not be deleted, in lower case.
    pub forbid_delete: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            testsuite: false,
            hostname: "localhost".into(),
            username: String::new(),
            user_address: None,
            other_addresses: Vec::new(),
            default_mailbox: "INBOX".into(),
            now: Timestamp::UNIX_EPOCH,
            zone_minutes: 0,
            recipient_delimiters: "+".into(),
            most_actions: 32,
            most_redirects: 4,
            most_steps: 1_000_000,
            most_variable_size: 16_384,
            most_variables: 255,
            most_includes: 255,
            most_include_depth: 10,
            redirect_sender: Sender::Sender,
            notify: Notify { most: 10, sender: None },
            vacation: Vacation::default(),
            editheader: Editheader {
                most_size: 2048,
                ..Editheader::default()
            },
        }
    }
}

impl Default for Vacation {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self {
            least_seconds: DAY,
            default_seconds: 7 * DAY,
            most_seconds: 60 * DAY,
            default_subject: String::new(),
            subject_template: String::new(),
            most_subject: 256,
            check_recipient: true,
            use_original_recipient: false,
            to_ignores_envelope: false,
            send_from_recipient: false,
        }
    }
}
