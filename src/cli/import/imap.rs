//! `posthouse import imap`.

use std::fs::File;
use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::report::{self, Bar};
use crate::app::Services;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::password::first_line;
use crate::mail::import::imap::{self, Account, Login, Server};
use crate::model::refusal::Refusal;
use crate::model::secret::Secret;

/// Arguments of `posthouse import imap`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Imap {
    /// The server that the account is on
    #[arg(long, value_name = "HOST")]
    host: String,
    /// Its port, if it is not 993, or 143 where TLS does not begin with the first octet
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// How the connection is secured
    #[arg(long, value_name = "HOW", value_enum, default_value = "implicit")]
    tls: Tls,
    /// Trust these certificate authorities too, a PEM file
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Take any certificate: whoever is between can read all
    #[arg(long, conflicts_with = "ca_file")]
    insecure: bool,
    /// The login name there
    #[arg(long, value_name = "NAME")]
    user: String,
    /// A file whose first line is the password, '-' for standard input; without it the terminal is asked
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A file whose first line is an OAuth access token, for servers that take no passwords
    #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
    token_file: Option<PathBuf>,
    /// The user whose mailboxes the messages come into
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// Only this folder, as it is called there; can be given several times
    #[arg(long, value_name = "NAME")]
    folder: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tls {
    /// TLS from the first octet
    Implicit,
    /// STARTTLS, or no session
    Starttls,
    /// Nothing is secured, not even the password
    None,
}

impl From<Tls> for imap::Tls {
    fn from(tls: Tls) -> Self {
        match tls {
            Tls::Implicit => Self::Implicit,
            Tls::Starttls => Self::StartTls,
            Tls::None => Self::None,
        }
    }
}

impl Imap {
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let user = services.directory.user(&self.to).await?;
        let account = Account {
            login: self.login()?,
            server: Server {
                port: self.port.unwrap_or(if self.tls == Tls::Implicit { 993 } else { 143 }),
                host: self.host,
                tls: self.tls.into(),
                authorities: self.ca_file,
                is_insecure: self.insecure,
            },
            folders: self.folder,
        };
        let bar = Bar::new();
        bar.account(&user.login);
        let folders = imap::bring(&services.mailboxes, &user, &account, &bar).await;
        bar.done();
        report::end(report::print(out, &user.login, folders.map_err(failed)?)?)
    }

    fn login(&self) -> Result<Login, Failure> {
        let user = self.user.clone();
        if let Some(file) = &self.token_file {
            return Ok(Login::Token(user, from_file(file)?));
        }
        let password = match &self.password_file {
            Some(file) => from_file(file)?,
            None if std::io::stdin().is_terminal() => Secret::new(rpassword::prompt_password(format!("Password of {user}: "))?),
            None => {
                return Err(Failure::Usage(
                    "there is no terminal to ask for the password; give --password-file".into(),
                ));
            }
        };
        Ok(Login::Password(user, password))
    }
}

fn from_file(path: &Path) -> Result<Secret, Failure> {
    if path.as_os_str() == "-" {
        return first_line(std::io::stdin().lock());
    }
    let file = File::open(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    first_line(BufReader::new(file))
}

/// Why the account was not copied. What came before that is kept, and the next run goes on there.
fn failed(failure: imap::Failure) -> Failure {
    match failure {
        imap::Failure::Here(refusal) => Failure::Refused(refusal),
        failure => Failure::Refused(Refusal::NotPermitted(failure.to_string())),
    }
}
