//! The command line, as it is parsed.

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
