//! Whether everything that is kept fits together: the index and the folders, the queue and the spool, the rows of the database.
//!
//! `cli` calls it, also while a server runs. It changes nothing unless it is to mend.

use std::fmt;

use super::directory::{Directory, Picked};
use super::mailbox::{Mailboxes, Misfit};
use super::queue::Queue;
use crate::model::account::User;
use crate::model::refusal::Refusal;
use crate::store::db::{Database, orphans};

/// Users are read so many at a time.
const PAGE: usize = 500;

/// What is looked through.
pub struct Ground<'g> {
    pub database: &'g Database,
    pub directory: &'g Directory,
    pub mailboxes: &'g Mailboxes,
    pub queue: &'g Queue,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// In a mailbox.
    Mailbox(Misfit),
    /// A directory of mail that is nobody's.
    Nobodys,
    /// A queued message whose octets are not there, or not all of them.
    QueueContent,
    /// A file of the spool that is in no ledger.
    SpoolFile,
    /// Rows that belong to nothing.
    Orphans,
}

impl Wrong {
    /// A word for programs, which does not change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mailbox(Misfit::NoFile) => "no_file",
            Self::Mailbox(Misfit::NotIndexed) => "not_indexed",
            Self::Mailbox(Misfit::OtherSize) => "other_size",
            Self::Mailbox(Misfit::NoFolder) => "no_folder",
            Self::Mailbox(Misfit::WrongCount) => "wrong_count",
            Self::Nobodys => "nobodys_directory",
            Self::QueueContent => "queue_content",
            Self::SpoolFile => "spool_file",
            Self::Orphans => "orphans",
        }
    }

    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Mailbox(Misfit::NoFile) => "put the files back from a backup; --repair takes the messages out of the index",
            Self::Mailbox(Misfit::NotIndexed) => "they are taken in when the mailbox is used, or by --repair",
            Self::Mailbox(Misfit::OtherSize) => "somebody has changed the files; --repair takes over their sizes",
            Self::Mailbox(Misfit::NoFolder) => "put it back from a backup, or delete the mailbox",
            Self::Mailbox(Misfit::WrongCount) => "--repair counts anew",
            Self::Nobodys => "make the user again, or remove the directory",
            Self::QueueContent => "put the file back from a backup, or take the message out: posthouse queue remove",
            Self::SpoolFile => "a crash has left them, before the mail was accepted or after it was delivered; --repair removes them",
            Self::Orphans => "nothing can see them; --repair removes them",
        }
    }

    /// Whether it can be mended without a loss that is not there already.
    pub const fn can_be_mended(self) -> bool {
        match self {
            Self::Mailbox(misfit) => !matches!(misfit, Misfit::NoFolder),
            Self::SpoolFile | Self::Orphans => true,
            Self::Nobodys | Self::QueueContent => false,
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mailbox(Misfit::NoFile) => "messages of the index without a file",
            Self::Mailbox(Misfit::NotIndexed) => "files in no index",
            Self::Mailbox(Misfit::OtherSize) => "files of another size than the index says",
            Self::Mailbox(Misfit::NoFolder) => "a mailbox without a folder",
            Self::Mailbox(Misfit::WrongCount) => "a wrong count of messages or octets",
            Self::Nobodys => "a directory of mail that is nobody's",
            Self::QueueContent => "a queued message without its octets",
            Self::SpoolFile => "files of the spool in no ledger",
            Self::Orphans => "rows that belong to nothing",
        })
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: a mailbox, a table, a path.
    pub place: String,
    /// What.
    pub wrong: Wrong,
    /// How often.
    pub count: u64,
    /// One of them; empty if the place says it all.
    pub example: String,
    /// It was mended.
    pub mended: bool,
}

/// What was looked through, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub users: u64,
    pub findings: Vec<Finding>,
}

impl Ground<'_> {
    /// Looks through everything, and mends what can be.
    pub async fn verify(&self, repair: bool) -> Result<Report, Refusal> {
        let users = self.users().await?;
        let mut findings = Vec::new();
        for user in users.iter().filter(|user| user.address.is_some()) {
            findings.extend(self.mailboxes_of(user, repair).await?);
        }
        for path in self.mailboxes.nobodys(&users).await? {
            findings.push(Finding::new(path.display().to_string(), Wrong::Nobodys, 1));
        }
        findings.extend(self.queue(repair).await?);
        findings.extend(self.rows(repair).await?);
        Ok(Report {
            users: users.len() as u64,
            findings,
        })
    }

    /// All of them, those too who can be restored.
    async fn users(&self) -> Result<Vec<User>, Refusal> {
        let mut users = Vec::new();
        for deleted in [false, true] {
            let picked = Picked {
                deleted,
                ..Picked::default()
            };
            let mut after: Option<String> = None;
            loop {
                let page = self.directory.users(&picked, after.as_deref(), PAGE).await?;
                users.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(users)
    }

    async fn mailboxes_of(&self, user: &User, repair: bool) -> Result<Vec<Finding>, Refusal> {
        let found = self.mailboxes.verify(user).await?;
        let finding = |found: super::mailbox::Found| Finding {
            example: found.example,
            ..Finding::new(
                format!("{} {}", user.login, found.mailbox),
                Wrong::Mailbox(found.misfit),
                found.count,
            )
        };
        let mut findings: Vec<Finding> = found.into_iter().map(finding).collect();
        if repair && findings.iter().any(|it| it.wrong.can_be_mended()) {
            self.mailboxes.reindex(user).await?;
            mend(&mut findings);
        }
        Ok(findings)
    }

    async fn queue(&self, repair: bool) -> Result<Vec<Finding>, Refusal> {
        let (lacks, loose) = self.queue.verify().await?;
        let mut findings = Vec::new();
        for lack in lacks {
            let there = lack.found.map_or("nothing".to_owned(), |octets| format!("{octets} octets"));
            findings.push(Finding {
                example: format!("{there} of {} are there", lack.size),
                ..Finding::new(format!("queue {}", lack.id), Wrong::QueueContent, 1)
            });
        }
        if loose.count > 0 {
            findings.push(Finding {
                example: loose.example,
                ..Finding::new("spool/queue".into(), Wrong::SpoolFile, loose.count)
            });
            if repair {
                self.queue.clean().await?;
                mend(&mut findings);
            }
        }
        Ok(findings)
    }

    async fn rows(&self, repair: bool) -> Result<Vec<Finding>, Refusal> {
        let found = orphans::count(&mut self.database.read().await?).await?;
        let mut findings: Vec<Finding> = found
            .into_iter()
            .map(|(table, count)| Finding::new(format!("table {table}"), Wrong::Orphans, count))
            .collect();
        if repair && !findings.is_empty() {
            let mut tx = self.database.write().await?;
            orphans::remove(&mut tx).await?;
            tx.commit().await?;
            mend(&mut findings);
        }
        Ok(findings)
    }
}

fn mend(findings: &mut [Finding]) {
    for finding in findings {
        finding.mended = finding.wrong.can_be_mended();
    }
}

impl Finding {
    fn new(place: String, wrong: Wrong, count: u64) -> Self {
        Self {
            place,
            wrong,
            count,
            example: String::new(),
            mended: false,
        }
    }
}
