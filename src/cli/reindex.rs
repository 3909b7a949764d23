//! `posthouse reindex`.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::failure::Failure;
use super::output::{Output, Show};
use super::pages;
use crate::app::Services;
use crate::mail::directory::Picked;
use crate::mail::mailbox::ReindexReport;
use crate::model::refusal::Refusal;

/// Arguments of `posthouse reindex`.
#[derive(Debug, Args)]
pub(super) struct Reindex {
    /// The users whose mailboxes are looked at; without one, all
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
}

impl Reindex {
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let logins = if self.addresses.is_empty() {
            with_mailboxes(services).await?
        } else {
            self.addresses
        };
        // Drawn to standard error, and only if that is a terminal.
        let bar = ProgressBar::new(logins.len() as u64).with_style(style());
        let mut failed = 0_usize;
        for login in &logins {
            bar.set_message(login.clone());
            match reindex(services, login).await {
                Ok(report) => bar.suspend(|| out.rows(&[View::new(login, report)]).and_then(|()| out.flush()))?,
                Err(refusal) => {
                    failed += 1;
                    bar.suspend(|| Failure::Refused(refusal).report(!out.is_for_people()));
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        if failed == 0 {
            return Ok(());
        }
        Err(Failure::Incomplete(format!(
            "{failed} of {} users could not be reindexed",
            logins.len()
        )))
    }
}

/// The logins of all users that have mailboxes.
async fn with_mailboxes(services: &Services) -> Result<Vec<String>, Failure> {
    let mut logins = Vec::new();
    let fetch = async |after: Option<&str>| services.directory.users(&Picked::default(), after, pages::PAGE).await;
    pages::each(fetch, |users| {
        logins.extend(users.into_iter().filter(|user| user.address.is_some()).map(|user| user.login));
        Ok(())
    })
    .await?;
    Ok(logins)
}

async fn reindex(services: &Services, login: &str) -> Result<ReindexReport, Refusal> {
    let user = services.directory.user(login).await?;
    services.mailboxes.reindex(&user).await
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30} {pos}/{len} users, {eta} left  {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// What was found in a user's mailboxes, as it is printed.
#[derive(Serialize)]
struct View {
    address: String,
    mailboxes: u64,
    messages: u64,
    added: u64,
    removed: u64,
    changed: u64,
}

impl View {
    fn new(login: &str, report: ReindexReport) -> Self {
        Self {
            address: login.to_owned(),
            mailboxes: report.mailboxes,
            messages: report.messages,
            added: report.added,
            removed: report.removed,
            changed: report.changed,
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Address", "Mailboxes", "Messages", "Added", "Removed", "Changed"];
    fn cells(&self) -> Vec<String> {
        let numbers = [self.mailboxes, self.messages, self.added, self.removed, self.changed];
        std::iter::once(self.address.clone())
            .chain(numbers.map(|number| number.to_string()))
            .collect()
    }
}
