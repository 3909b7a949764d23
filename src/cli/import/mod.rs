//! `posthouse import`: accounts and mail come here from other servers and programs.

mod imap;
mod ispmail;
mod maildir;
mod mbox;
mod report;

use clap::{Args, Subcommand};

use super::failure::Failure;
use super::output::Output;
use crate::app::Services;
use crate::mail::import::maildir::Carriage;

/// The commands of `posthouse import`.
#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Bring domains, users, aliases and Maildirs of a server that was set up by the ISPmail guide or with postfixadmin
    Ispmail(ispmail::Ispmail),
    /// Copy an account from any IMAP server
    Imap(imap::Imap),
    /// Bring the messages of mbox files
    Mbox(mbox::Mbox),
    /// Bring a Maildir with all its folders
    Maildir(maildir::Maildir),
}

impl Import {
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Ispmail(command) => command.run(services, out).await,
            Self::Imap(command) => command.run(services, out).await,
            Self::Mbox(command) => command.run(services, out).await,
            Self::Maildir(command) => command.run(services, out).await,
        }
    }
}

/// How messages get here. Without one of these they are linked where both are files of the same owner on one file system, else copied.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
struct HowCarried {
    /// Copy all messages, also where they could be linked
    #[arg(long)]
    copy: bool,
    /// Remove each message there, once it is here
    #[arg(long = "move")]
    moving: bool,
}

impl From<HowCarried> for Carriage {
    fn from(how: HowCarried) -> Self {
        match how {
            HowCarried { copy: true, .. } => Self::Copy,
            HowCarried { moving: true, .. } => Self::Move,
            _ => Self::Link,
        }
    }
}
