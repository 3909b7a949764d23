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
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        assert!(matches!(parse("posthouse").unwrap().command.unwrap_or_default(), Command::Serve(_)));
        let cli = parse("posthouse --data /srv/mail").unwrap();
        assert_eq!(cli.global.data, Some("/srv/mail".into()));
        assert!(matches!(cli.command.unwrap_or_default(), Command::Serve(_)));
    }

    /// One of each kind.
    const COMMANDS: &[&str] = &[
        "posthouse serve --config a.toml --data b --ready-file c",
        "posthouse domain add example.test --alias-of example.org --description text",
        "posthouse domain list --json",
        "posthouse --json domain show example.test",
        "posthouse domain remove example.test",
        "posthouse dkim add example.test",
        "posthouse dkim add example.test --algorithm ed25519 --selector s1 --active",
        "posthouse dkim list example.test",
        "posthouse dkim show example.test s1",
        "posthouse dkim activate example.test s1",
        "posthouse dkim retire example.test s1",
        "posthouse dkim remove example.test s1",
        "posthouse user add alice@example.test --password-stdin --display-name Alice --quota-bytes 1 --quota-messages 2",
        "posthouse user add root --role server_admin --hash {ARGON2ID}x",
        "posthouse user add alice@example.test --no-password --role domain-admin",
        "posthouse user list --domain example.test",
        "posthouse user set-password alice@example.test --password-stdin",
        "posthouse user enable alice@example.test",
        "posthouse user disable alice@example.test",
        "posthouse user remove alice@example.test",
        "posthouse alias add @example.test alice@example.test bob@example.org",
        "posthouse alias list",
        "posthouse alias show @example.test",
        "posthouse alias remove info@example.test",
        "posthouse api-key add panel --role server_admin --expires-at 2030-01-01T00:00:00Z",
        "posthouse api-key add panel --role domain_admin --domain example.test",
        "posthouse api-key list",
        "posthouse api-key remove 0000000000001",
        "posthouse certificate list",
        "posthouse ban add 192.0.2.0/24 --reason guesses --expires-at 2030-01-01T00:00:00Z",
        "posthouse ban list --json",
        "posthouse ban remove 2001:db8::1",
        "posthouse blocklist add example.org --note spam",
        "posthouse blocklist list",
        "posthouse allowlist remove ada@example.org",
        "posthouse queue list",
        "posthouse queue show 0000000000001",
        "posthouse queue list --sender <> --state held --older-than 4h --error greylisted --json",
        "posthouse queue retry 0000000000001",
        "posthouse queue hold --recipient-domain remote.test --sender-domain house.test",
        "posthouse queue release --all",
        "posthouse queue expire 0000000000001 0000000000002 --recipient a@b.test",
        "posthouse queue remove 0000000000001",
        "posthouse queue flush",
        "posthouse webhook add https://panel.example.org/hook --kind message.stored --domain example.test --description text",
        "posthouse webhook list --json",
        "posthouse webhook show 0000000000001",
        "posthouse webhook test 0000000000001",
        "posthouse webhook remove 0000000000001",
        "posthouse audit list",
        "posthouse audit list --actor panel --resource users/alice@example.test --kind user.changed --domain example.test --limit 5 --json",
        "posthouse trace 0000000000001",
        "posthouse trace <1@client.test> --json",
        "posthouse trace alice@example.test --limit 5",
        "posthouse sieve check a.sieve b.sieve --json",
        "posthouse sieve run a.sieve message.eml --from a@b.test --to c@d.test",
        "posthouse sieve test a.svtest b.svtest",
        "posthouse sieve list alice@example.test",
        "posthouse sieve put alice@example.test main main.sieve --activate",
        "posthouse sieve show alice@example.test main",
        "posthouse sieve activate alice@example.test main",
        "posthouse sieve deactivate alice@example.test main",
        "posthouse sieve remove alice@example.test main",
        "posthouse spam rules",
        "posthouse spam learn --spam a.eml b.eml",
        "posthouse spam learn --ham a.eml --user alice@example.test",
        "posthouse spam check a.eml b.eml --when-sent",
        "posthouse spam check message.eml --from a@b.test --to c@d.test --ip 192.0.2.1 --helo mx.b.test",
        "posthouse reindex",
        "posthouse reindex alice@example.test bob@example.test",
        "posthouse import ispmail --database mysql://u:p@h/mailserver --maildir /var/vmail --dry-run",
        "posthouse import ispmail --database postgres://u:p@h/postfix --move --default-scheme MD5-CRYPT",
        "posthouse import imap --host imap.example.org --user alice --password-file p --to alice@example.test",
        "posthouse import imap --host h --port 143 --tls starttls --user alice --to alice@example.test --folder INBOX --json",
        "posthouse import mbox a.mbox b.mbox --to alice@example.test --mailbox Old --format mboxcl2",
        "posthouse import maildir /home/alice/Maildir --to alice@example.test --copy",
        "posthouse doctor",
        "posthouse doctor --json --quiet --block-list bl.test --block-list other.test --reach mx.example.org",
        "posthouse backup /mnt/backups --keep 30",
        "posthouse backup /mnt/backups --link --json",
        "posthouse restore /mnt/backups --list",
        "posthouse restore /mnt/backups --snapshot 20261126T150405Z --check",
        "posthouse restore /mnt/backups --send-queued",
        "posthouse verify",
        "posthouse verify --repair --json",
        "posthouse export alice@example.test --maildir /tmp/alice",
        "posthouse export alice@example.test --mbox /tmp/alice",
        "posthouse openapi",
        "posthouse completions bash",
        "posthouse man packaging/man",
        "posthouse --url https://mail.example.org --key phk_x user add alice@example.test --no-password",
        "posthouse user list --url https://mail.example.org --key phk_x --ca-file ca.pem",
        "posthouse config check --config a.toml",
        "posthouse config example",
        "posthouse config reference",
    ];

    #[test]
    fn every_command_is_read() {
        for line in COMMANDS {
            if let Err(error) = parse(line) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn wrong_use_is_refused() {
        for line in [
            "posthouse dance",
            "posthouse export alice@example.test",
            "posthouse export alice@example.test --maildir a --mbox b",
            "posthouse backup",
            "posthouse backup /mnt/backups --keep 0",
            "posthouse restore /mnt/backups --list --check",
            "posthouse --ready-file x",
            "posthouse domain",
            "posthouse domain add",
            "posthouse domain add a..test",
            "posthouse dkim add example.test --selector s1",
            "posthouse dkim show example.test a..b",
            "posthouse user add alice@example.test --password secret",
            "posthouse user add alice@example.test --password-stdin --hash x",
            "posthouse user add alice@example.test --no-password --hash x",
            "posthouse user add alice@example.test --role god",
            "posthouse user add alice@example.test --quota-bytes -1",
            "posthouse alias add info@example.test",
            "posthouse alias add info@example.test nobody",
            "posthouse api-key add panel",
            "posthouse api-key add panel --role domain_admin",
            "posthouse api-key add panel --role server_admin --expires-at tomorrow",
            "posthouse ban add localhost",
            "posthouse blocklist add nobody",
            "posthouse queue show not!an!id",
            "posthouse queue list --state lost",
            "posthouse queue hold --older-than soon",
            "posthouse audit list --kind user.created.twice",
            "posthouse webhook add",
            "posthouse webhook add https://x.test/ --kind nothing",
            "posthouse audit list --since yesterday",
            "posthouse trace",
            "posthouse trace a@b.test --limit 0",
            "posthouse sieve run a.sieve",
            "posthouse sieve test",
            "posthouse spam learn a.eml",
            "posthouse spam learn --spam --ham a.eml",
            "posthouse doctor --no-block-lists --block-list bl.test",
            "posthouse completions tcsh-or-so",
            "posthouse config",
        ] {
            let error = parse(line).err().unwrap_or_else(|| panic!("{line} was taken"));
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn the_help_of_each_command_is_complete() {
        fn look(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} says what it is");
            for argument in command
                .get_arguments()
                .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
            {
                assert!(argument.get_help().is_some(), "{name}: {} says what it is", argument.get_id());
            }
            command.get_subcommands().for_each(look);
        }
        let mut command = Cli::command();
        look(&command);
        let help = command.render_long_help().to_string();
        for name in [
            "serve",
            "domain",
            "dkim",
            "user",
            "alias",
            "api-key",
            "certificate",
            "ban",
            "blocklist",
            "allowlist",
            "queue",
            "audit",
            "webhook",
            "trace",
            "sieve",
            "reindex",
            "doctor",
            "openapi",
            "completions",
            "man",
            "config",
            "--json",
            "--config",
            "--data",
            "--url",
            "--key",
            "--ca-file",
        ] {
            assert!(help.contains(name), "{name} in {help}");
        }
    }
}
