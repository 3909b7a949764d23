//! Moving in: accounts and mail of other servers and programs are brought here.
//!
//! `cli` calls it, also while a server runs on the same data. Each import can be broken off and done again: it goes on where it was, and
//! brings what has come there since. What cannot be brought is told, and the rest goes on.

pub mod accounts;
pub mod imap;
pub mod maildir;
pub mod mbox;

use crate::model::mailbox::{MailboxName, SEPARATOR};

/// Messages that are entered into the index together.
const BATCH: usize = 500;
/// Problems of a folder that are told one by one.
const MAX_PROBLEMS: usize = 100;

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// So many messages.
    Messages(u64),
    /// A file of so many octets.
    Octets(u64),
}

/// Who wants to see how far it is.
pub trait Progress: Send + Sync {
    /// A folder or file begins.
    fn begin(&self, folder: &str, extent: Extent);
    /// So many more messages, or octets, are dealt with.
    fn advance(&self, count: u64);
}

/// What became of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderReport {
    /// Its name there.
    pub folder: String,
    /// The mailbox here.
    pub mailbox: String,
    /// Messages there.
    pub messages: u64,
    /// Brought now.
    pub added: u64,
    /// Here already.
    pub known: u64,
    /// Of these, those that got other flags.
    pub updated: u64,
    /// Brought before, and removed here since.
    pub removed: u64,
    /// Could not be brought.
    pub failed: u64,
    /// Brought now with another UID than they have there.
    pub renumbered: u64,
    /// What went wrong, for people; not more than the first of many.
    pub problems: Vec<String>,
}

impl FolderReport {
    fn new(folder: String, mailbox: &MailboxName) -> Self {
        Self {
            folder,
            mailbox: mailbox.to_string(),
            ..Self::default()
        }
    }

    /// A message that was not brought, and why.
    fn fail(&mut self, problem: String) {
        self.failed = self.failed.saturating_add(1);
        self.note(problem);
    }

    fn note(&mut self, problem: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

/// The mailbox for a folder of these levels, in Unicode. What a name cannot have here becomes `_`.
///
/// # Errors
/// Why there can be none, for people.
fn mailbox_name(levels: &[String]) -> Result<MailboxName, String> {
    if levels.is_empty() {
        return Ok(MailboxName::inbox());
    }
    let fitting = |c: char| {
        if c.is_control() || matches!(c, '%' | '*' | SEPARATOR) {
            '_'
        } else {
            c
        }
    };
    let levels: Vec<String> = levels.iter().map(|level| level.chars().map(fitting).collect()).collect();
    MailboxName::parse(&levels.join("/")).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_mailboxes() {
        let name =
            |levels: &[&str]| mailbox_name(&levels.iter().map(|&level| level.to_owned()).collect::<Vec<_>>()).map(|it| it.to_string());
        for (levels, mailbox) in [
            (&[][..], "INBOX"),
            (&["inbox"], "INBOX"),
            (&["Arch", "v1.2"], "Arch/v1.2"),
            (&["a/b", "50%*"], "a_b/50__"),
        ] {
            assert_eq!(name(levels).as_deref(), Ok(mailbox));
        }
        assert!(name(&["a", "", "b"]).is_err());
        assert!(name(&["x"; 11]).is_err());
    }
}
