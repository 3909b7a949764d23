//! `posthouse import maildir`.

use std::path::PathBuf;

use clap::Args;

use super::HowCarried;
use super::report::{self, Bar};
use crate::app::Services;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::mail::import::maildir::{self, Source};

/// Arguments of `posthouse import maildir`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Maildir {
    /// The Maildir: Maildir++, or Dovecot's LAYOUT=fs
    #[arg(value_name = "DIR")]
    root: PathBuf,
    /// The user whose mailboxes the messages come into
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    #[command(flatten)]
    how: HowCarried,
    /// Only say what is there
    #[arg(long)]
    dry_run: bool,
}

impl Maildir {
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let user = services.directory.user(&self.to).await?;
        let source = Source {
            root: self.root,
            how: self.how.into(),
        };
        if self.dry_run {
            return report::end(report::print(out, &user.login, maildir::look(&source).await?)?);
        }
        let bar = Bar::new();
        bar.account(&user.login);
        let folders = maildir::bring(&services.mailboxes, &user, &source, &bar).await;
        bar.done();
        report::end(report::print(out, &user.login, folders?)?)
    }
}
