//! `posthouse import ispmail`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::HowCarried;
use super::report::{self, Bar};
use crate::app::Services;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Show};
use crate::mail::import::FolderReport;
use crate::mail::import::accounts::{self, Report, Tally, Terms};
use crate::mail::import::maildir::{self, Source};
use crate::model::refusal::Refusal;

/// Arguments of `posthouse import ispmail`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Ispmail {
    /// The database: mysql://user:password@host/name, or postgres://…; other users of the machine do not see it in the environment variable
    #[arg(long, value_name = "URL", env = "POSTHOUSE_IMPORT_DATABASE", hide_env_values = true)]
    database: String,
    /// The directory with the Maildirs of all users (DIR/DOMAIN/USER/Maildir, DIR/DOMAIN/USER); without it only accounts are brought
    #[arg(long, value_name = "DIR")]
    maildir: Option<PathBuf>,
    #[command(flatten)]
    how: HowCarried,
    /// The scheme of password hashes that do not name theirs: Dovecot's default_pass_scheme, such as SHA512-CRYPT
    #[arg(long, value_name = "SCHEME")]
    default_scheme: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Ispmail {
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let found = accounts::read(&self.database)
            .await
            .map_err(|error| Failure::Unusable(error.to_string()))?;
        let terms = Terms {
            dry_run: self.dry_run,
            default_scheme: self.default_scheme.clone(),
        };
        let report = accounts::bring(&services.directory, &found, &terms).await?;
        let mut failed = report.domains.failed + report.users.failed + report.aliases.failed;
        out.card(&Accounts::new(found.schema.as_str(), &report))?;
        report::problems(out, report.problems.iter().cloned())?;
        out.flush()?;
        if let Some(root) = &self.maildir {
            failed += self.mail(services, (root, &report), out).await?;
        }
        report::end(failed)
    }

    /// The Maildirs of the users that are here; how much failed.
    async fn mail(&self, services: &Services, (root, accounts): (&Path, &Report), out: &mut Output) -> Result<u64, Failure> {
        let bar = Bar::new();
        let mut failed = 0_u64;
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (address, said) in &accounts.here {
            match accounts::maildir(root, address, said.as_deref()) {
                Some(path) => found.push((address, path)),
                None => missing.push(address.clone()),
            }
        }
        if !self.dry_run {
            // At once for all: mail that is delivered meanwhile does not take the UIDs that old mail keeps.
            for (address, path) in &found {
                let user = services.directory.user(address).await?;
                tolerated(maildir::prepare(&services.mailboxes, &user, path).await)?;
            }
        }
        for (address, path) in &found {
            bar.account(address);
            let folders = self.user(services, (address, path), &bar).await;
            failed += bar.aside(|| match folders {
                Ok(folders) => report::print(out, address, folders),
                Err(refusal) => {
                    Failure::Refused(refusal).report(!out.is_for_people());
                    Ok(1)
                }
            })?;
        }
        bar.done();
        let strangers = strangers(root, found.iter().map(|(_, path)| path.as_path()));
        left(out, "no_maildir", "has no Maildir there", &missing)?;
        left(out, "nobodys", "is nobody's Maildir, and was left", &strangers)?;
        Ok(failed)
    }

    async fn user(&self, services: &Services, (address, path): (&str, &Path), bar: &Bar) -> Result<Vec<FolderReport>, Refusal> {
        let source = Source {
            root: path.to_owned(),
            how: self.how.into(),
        };
        if self.dry_run {
            return maildir::look(&source).await;
        }
        let user = services.directory.user(address).await?;
        maildir::bring(&services.mailboxes, &user, &source, bar).await
    }
}

/// What is wrong with one Maildir is told when it is its turn.
fn tolerated(result: Result<(), Refusal>) -> Result<(), Refusal> {
    match result {
        Err(refusal) if refusal.is_temporary() => Err(refusal),
        _ => Ok(()),
    }
}

/// Says of each that it was left.
fn left(out: &mut Output, word: &'static str, what: &str, all: &[String]) -> Result<(), Failure> {
    for name in all {
        out.done(&format!("{name} {what}."), &serde_json::json!({ word: name }))?;
    }
    out.flush()
}

/// `DOMAIN/USER` directories with mail in them that belong to none of the users.
fn strangers<'p>(root: &Path, of_users: impl Iterator<Item = &'p Path>) -> Vec<String> {
    let known: BTreeSet<PathBuf> = of_users
        .flat_map(|path| [Some(path), path.parent()])
        .flatten()
        .map(Path::to_owned)
        .collect();
    let below = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        paths.sort();
        paths
    };
    let has_mail = |path: &PathBuf| path.join("cur").is_dir() || path.join("Maildir").join("cur").is_dir();
    let users = below(root).into_iter().flat_map(|domain| below(&domain));
    let nobodys = users.filter(|path| !known.contains(path) && has_mail(path));
    nobodys.map(|path| path.display().to_string()).collect()
}

/// What became of the accounts, as it is printed.
#[derive(Serialize)]
struct Accounts<'r> {
    tables: &'static str,
    domains: Counts,
    users: Counts,
    aliases: Counts,
    problems: &'r [String],
}

#[derive(Serialize)]
struct Counts {
    added: u64,
    known: u64,
    failed: u64,
}

impl From<Tally> for Counts {
    fn from(tally: Tally) -> Self {
        Self {
            added: tally.added,
            known: tally.known,
            failed: tally.failed,
        }
    }
}

impl Counts {
    fn cell(&self) -> String {
        format!("{} added, {} here already, {} failed", self.added, self.known, self.failed)
    }
}

impl<'r> Accounts<'r> {
    fn new(tables: &'static str, report: &'r Report) -> Self {
        Self {
            tables,
            domains: report.domains.into(),
            users: report.users.into(),
            aliases: report.aliases.into(),
            problems: &report.problems,
        }
    }
}

impl Show for Accounts<'_> {
    const HEADINGS: &'static [&'static str] = &["Tables of", "Domains", "Users", "Aliases"];
    fn cells(&self) -> Vec<String> {
        let counts = [&self.domains, &self.users, &self.aliases];
        let mut cells = vec![self.tables.to_owned()];
        cells.extend(counts.map(Counts::cell));
        cells
    }
}
