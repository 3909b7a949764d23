//! The command line: one file a command, on the same services as the API and the same database, also while a server runs.
//!
//! With `--url` the commands work on a server elsewhere, over the API itself.
//!
//! `main` calls [`run`]. Exit status: 0 done, 1 the thing asked for failed, 2 wrong use or configuration. What was asked for
//! goes to standard output, as aligned text or (with `--json`) as one JSON document a line; everything else goes to
//! standard error.

mod access;
mod alias;
mod api_key;
mod audit;
mod backup;
mod ban;
mod certificate;
mod completions;
mod configuration;
mod dkim;
mod doctor;
mod domain;
mod export;
mod failure;
mod filter_scripts;
mod house;
mod import;
mod man;
mod openapi;
mod output;
mod pages;
mod password;
mod queue;
mod reindex;
mod remote;
mod reports;
mod role;
mod serve;
mod sieve;
mod spam;
mod trace;
mod user;
mod verify;
mod webhook;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use crate::app::{self, Services, telemetry};
use crate::config::{self, Loaded, Log, LogFormat};
use crate::model::access::AccessList;
use failure::Failure;
use house::House;
use output::Output;
use remote::{Remote, Server};

/// A whole mail server in one program, run through a REST API.
///
/// Without a command it serves: with no configuration on unprivileged ports of this machine, with everything under ./posthouse-data.
#[derive(Debug, Parser)]
#[command(
    name = "posthouse",
    version,
    after_help = "Exit status: 0 done, 1 the thing asked for failed, 2 wrong use or configuration."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// The configuration, a TOML file; without one the defaults hold. Environment variables win over it
    #[arg(long, global = true, value_name = "FILE", env = "POSTHOUSE_CONFIG")]
    config: Option<PathBuf>,
    /// The data directory; wins over `data_dir` of the configuration
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON, one document a line, instead of text for people
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve(serve::Serve),
    /// Domains that mail is received for
    #[command(subcommand)]
    Domain(domain::Domain),
    /// Keys that sign outgoing mail
    #[command(subcommand)]
    Dkim(dkim::Dkim),
    /// Users and their mailboxes
    #[command(subcommand)]
    User(user::User),
    /// Addresses that lead to others
    #[command(subcommand)]
    Alias(alias::Alias),
    /// Keys for programs that use the REST API
    #[command(subcommand)]
    ApiKey(api_key::ApiKey),
    /// Networks of which nothing is taken: by hand, or for guessing passwords
    #[command(subcommand)]
    Ban(ban::Ban),
    /// Whose connections and mail are refused
    #[command(subcommand)]
    Blocklist(access::Access),
    /// Who is never banned, and whose mail is not taken for spam
    #[command(subcommand)]
    Allowlist(access::Access),
    /// Certificates of the server
    #[command(subcommand)]
    Certificate(certificate::Certificate),
    /// The queue of outgoing mail
    #[command(subcommand)]
    Queue(queue::Queue),
    /// Programs elsewhere that are told of events
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    /// Who changed what
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Tell what happened to a message: how it came in, where it went, each attempt and reply
    Trace(trace::Trace),
    /// What others have reported of domains here
    #[command(subcommand)]
    Reports(reports::Reports),
    /// Filter scripts in the Sieve language: those of users, and files to check, try out and test
    #[command(subcommand)]
    Sieve(sieve::Sieve),
    /// Spam: the rules, and how they judge a message
    #[command(subcommand)]
    Spam(spam::Spam),
    /// Rebuild the index of mailboxes from the files of the Maildirs
    Reindex(reindex::Reindex),
    /// Look at all that the server depends on, and say what is wrong and what to do
    Doctor(doctor::Doctor),
    /// Keep a snapshot of everything in a directory of backups, also while the server runs
    Backup(backup::Backup),
    /// Put a snapshot back into an empty data directory and an empty database, also of another kind
    Restore(backup::Restore),
    /// Look whether everything that is kept fits together: mailboxes and files, the queue and its messages, the rows of the database
    Verify(verify::Verify),
    /// Write the mailboxes of a user as files that other programs read
    Export(export::Export),
    /// Bring accounts and mail from other servers and programs
    #[command(subcommand)]
    Import(import::Import),
    /// Print the OpenAPI document of the REST API
    Openapi(openapi::Openapi),
    /// Print what completes the commands in a shell, such as `posthouse completions bash`
    Completions(completions::Completions),
    /// Write the manual pages of all commands
    Man(man::Man),
    /// The configuration: check it, print an example or the reference
    #[command(subcommand)]
    Config(configuration::Configuration),
}

/// Runs what the arguments ask for; the first one is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to clap too; it knows where each goes. Nobody is left to tell that it cannot be printed.
            _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let json = cli.global.json;
    let mut out = Output::new(json, std::io::stdout());
    let done = block_on(cli.run(&mut out)).and_then(|()| out.flush());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

/// Runs to the end on a runtime of its own. Work in the background that nobody waits for gets a moment to stop.
fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|cause| Failure::Unusable(format!("the runtime does not start: {cause}")))?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    done
}

impl Cli {
    async fn run(self, out: &mut Output) -> Result<(), Failure> {
        let global = self.global;
        match self.command.unwrap_or_default() {
            Command::Serve(command) => command.run(global).await,
            Command::Domain(command) => command.run(&global.house().await?, out).await,
            Command::Dkim(command) => command.run(&global.house().await?, out).await,
            Command::User(command) => command.run(&global.house().await?, out).await,
            Command::Alias(command) => command.run(&global.house().await?, out).await,
            Command::ApiKey(command) => command.run(&global.house().await?, out).await,
            Command::Ban(command) => command.run(&global.house().await?, out).await,
            Command::Blocklist(command) => command.run(AccessList::Block, &global.house().await?, out).await,
            Command::Allowlist(command) => command.run(AccessList::Allow, &global.house().await?, out).await,
            Command::Certificate(command) => command.run(&global.house().await?, out).await,
            Command::Queue(command) => command.run(&global.house().await?, out).await,
            Command::Webhook(command) => command.run(&global.house().await?, out).await,
            Command::Audit(command) => command.run(&global.house().await?, out).await,
            Command::Trace(command) => command.run(&global.house().await?, out).await,
            Command::Reports(command) => command.run(&global.house().await?, out).await,
            Command::Reindex(command) => command.run(&global.services().await?, out).await,
            Command::Backup(command) => command.run(&global, out).await,
            Command::Restore(command) => command.run(&global, out).await,
            Command::Verify(command) => command.run(&global.services().await?, out).await,
            Command::Export(command) => command.run(&global.services().await?, out).await,
            Command::Import(command) => command.run(&global.services().await?, out).await,
            Command::Sieve(command) => command.run(&global, out).await,
            Command::Spam(command) => command.run(&global, out).await,
            Command::Doctor(command) => command.run(&global, out).await,
            Command::Openapi(command) => command.run(out),
            Command::Completions(command) => command.run(out),
            Command::Man(command) => command.run(),
            Command::Config(command) => command.run(&global, out),
        }
    }
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(serve::Serve::default())
    }
}

impl Global {
    /// The configuration: file, environment, then what the arguments say.
    fn load(&self) -> Result<Loaded, config::Error> {
        let mut loaded = config::Config::load(self.config.as_deref(), std::env::vars_os())?;
        if let Some(data) = &self.data {
            loaded.config.data_dir.clone_from(data);
        }
        Ok(loaded)
    }

    /// The house that a command is about: here, or where `--url` says.
    async fn house(&self) -> Result<House, Failure> {
        match &self.server.url {
            Some(url) => Ok(House::There(Remote::new(&self.server, url)?)),
            None => Ok(House::Here(Box::new(self.services().await?))),
        }
    }

    /// Refuses `--url` for a command that has no other house than the one here.
    fn only_here(&self) -> Result<(), Failure> {
        match self.server.url {
            Some(_) => Err(house::only_here()),
            None => Ok(()),
        }
    }

    /// Opens the services for a command that is soon over: it logs what went wrong and nothing else.
    async fn services(&self) -> Result<Services, Failure> {
        self.only_here()?;
        let config = self.load()?.config;
        telemetry::start(&Log {
            level: "error".into(),
            format: if self.json { LogFormat::Json } else { LogFormat::Text },
        });
        let services = app::open_services(&config).await?;
        Ok(services.acting(&Arc::new(house::operator())))
    }
}

#[cfg(test)]
mod tests;
