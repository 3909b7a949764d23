//! Where a password comes from: the terminal without echo, standard input, or a hash. Never an argument, which every user of
//! the machine can see.

use std::io::{BufRead, IsTerminal};

use clap::Args;

use super::failure::Failure;
use crate::mail::directory::NewPassword;
use crate::model::secret::Secret;

/// The longest password that is read, in octets.
const LONGEST: u64 = 1024;

/// Without one of these the password is asked for on the terminal.
#[derive(Debug, Args)]
#[group(id = "password", multiple = false)]
pub(super) struct PasswordFrom {
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Take the hash of a password: {ARGON2ID}…, {BLF-CRYPT}…, {SHA512-CRYPT}…, $2y$…, and other forms that Dovecot knows
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
}

impl PasswordFrom {
    pub(super) fn read(self) -> Result<NewPassword, Failure> {
        if let Some(hash) = self.hash {
            return Ok(NewPassword::Hash(Secret::new(hash)));
        }
        if self.password_stdin {
            return Ok(NewPassword::Clear(first_line(std::io::stdin().lock())?));
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::Usage(
                "there is no terminal to ask for the password; give --password-stdin or --hash".into(),
            ));
        }
        let password = rpassword::prompt_password("Password: ")?;
        if password != rpassword::prompt_password("Once more: ")? {
            return Err(Failure::Usage("the two passwords differ".into()));
        }
        Ok(NewPassword::Clear(Secret::new(password)))
    }
}

/// The password in the first line.
pub(super) fn first_line(input: impl BufRead) -> Result<Secret, Failure> {
    let mut line = Vec::new();
    input.take(LONGEST + 1).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    if line.len() as u64 > LONGEST {
        return Err(Failure::Usage(format!("the password is longer than {LONGEST} octets")));
    }
    match String::from_utf8(line) {
        Ok(line) if !line.is_empty() => Ok(Secret::new(line)),
        Ok(_) => Err(Failure::Usage("the first line is empty; it should be the password".into())),
        Err(_) => Err(Failure::Usage("the password is not UTF-8".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password() {
        for (input, password) in [("secret", "secret"), ("secret\n", "secret"), ("two words \r\nmore\n", "two words ")] {
            assert_eq!(first_line(input.as_bytes()).unwrap().expose(), password);
        }
        for input in ["", "\n", "\r\n"] {
            assert!(first_line(input.as_bytes()).is_err(), "{input:?}");
        }
        assert!(first_line(&b"\xff\n"[..]).is_err());
        assert!(first_line("x".repeat(1024).as_bytes()).is_ok());
        assert!(first_line("x".repeat(1025).as_bytes()).is_err());
    }
}
