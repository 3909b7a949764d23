//! `posthouse import mbox`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::report::{self, Bar};
use crate::app::Services;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::mail::import::FolderReport;
use crate::mail::import::mbox::{self, Dialect};
use crate::model::mailbox::MailboxName;

/// Arguments of `posthouse import mbox`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Mbox {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The user whose mailbox the messages come into
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// The mailbox; without it each file comes into one of its own name, without .mbox
    #[arg(long, value_name = "NAME")]
    mailbox: Option<String>,
    /// How the files keep lines that look like the begin of a message
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "mboxrd")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A further '>' before any number of them: what most programs write
    Mboxrd,
    /// '>' before them, unless there is one already
    Mboxo,
    /// As mboxo, and Content-Length says where the body ends
    Mboxcl,
    /// As they are: only Content-Length says where the body ends
    Mboxcl2,
}

impl From<Format> for Dialect {
    fn from(format: Format) -> Self {
        match format {
            Format::Mboxrd => Self::Mboxrd,
            Format::Mboxo => Self::Mboxo,
            Format::Mboxcl => Self::Mboxcl,
            Format::Mboxcl2 => Self::Mboxcl2,
        }
    }
}

impl Mbox {
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let user = services.directory.user(&self.to).await?;
        let bar = Bar::new();
        bar.account(&user.login);
        let mut failed = 0;
        for file in &self.files {
            let mailbox = self.mailbox_of(file)?;
            let done = mbox::bring(&services.mailboxes, (&user, &mailbox), (file, self.format.into()), &bar).await;
            let report = done.unwrap_or_else(|refusal| FolderReport {
                folder: file.display().to_string(),
                failed: 1,
                problems: vec![refusal.to_string()],
                ..FolderReport::default()
            });
            failed += bar.aside(|| report::print(out, &user.login, vec![report]))?;
        }
        bar.done();
        report::end(failed)
    }

    fn mailbox_of(&self, file: &std::path::Path) -> Result<MailboxName, Failure> {
        let own = || {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.strip_suffix(".mbox").map_or(name.clone(), ToOwned::to_owned)
        };
        let name = self.mailbox.clone().unwrap_or_else(own);
        MailboxName::parse(&name).map_err(|error| Failure::Usage(format!("{error}; give another with --mailbox")))
    }
}
