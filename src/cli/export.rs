//! `posthouse export`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use super::output::{Output, Show};
use crate::app::Services;
use crate::mail::export::{Exported, Form, export};

/// Arguments of `posthouse export`.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The user whose mailboxes are exported
    #[arg(value_name = "ADDRESS")]
    address: String,
    #[command(flatten)]
    to: To,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct To {
    /// Make a Maildir of this directory, with all folders; done again, it brings what has come since
    #[arg(long, value_name = "DIR")]
    maildir: Option<PathBuf>,
    /// Write an mbox file for each mailbox into this directory
    #[arg(long, value_name = "DIR")]
    mbox: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let user = services.directory.user(&self.address).await?;
        let (form, to) = match (self.to.maildir, self.to.mbox) {
            (Some(directory), _) => (Form::Maildir, directory),
            (None, Some(directory)) => (Form::Mbox, directory),
            (None, None) => return Err(Failure::Usage("--maildir or --mbox says where to".into())),
        };
        let done = export(&services.mailboxes, &user, (form, &to)).await?;
        out.rows(&done.into_iter().map(View::from).collect::<Vec<_>>())
    }
}

/// A mailbox that was exported, as it is printed.
#[derive(Serialize)]
struct View {
    mailbox: String,
    messages: u64,
    written: u64,
}

impl From<Exported> for View {
    fn from(exported: Exported) -> Self {
        Self {
            mailbox: exported.mailbox.to_string(),
            messages: exported.messages,
            written: exported.written,
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Mailbox", "Messages", "Written"];
    fn cells(&self) -> Vec<String> {
        vec![self.mailbox.clone(), self.messages.to_string(), self.written.to_string()]
    }
}
