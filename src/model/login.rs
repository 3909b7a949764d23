//! Logins: by which protocol, how they end, and what people log in with besides their password.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::Timestamp;

use super::ids::{AppPasswordId, LoginId};

/// By which protocol somebody logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// SMTP, to send.
    Submission,
    /// ManageSieve.
    ManageSieve,
    /// The REST API.
    Api,
}

impl Protocol {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Imap, Self::Pop3, Self::Submission, Self::ManageSieve, Self::Api];
    /// Those of mail clients, for which there are app passwords.
    pub const OF_CLIENTS: [Self; 4] = [Self::Imap, Self::Pop3, Self::Submission, Self::ManageSieve];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Submission => "submission",
            Self::ManageSieve => "managesieve",
            Self::Api => "api",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoSuchWord(String);

impl FromStr for Protocol {
    type Err = NoSuchWord;

    fn from_str(text: &str) -> Result<Self, NoSuchWord> {
        let found = Self::ALL.into_iter().find(|protocol| protocol.as_str() == text);
        found.ok_or_else(|| NoSuchWord(format!("'{text}' is none of {}", Self::ALL.map(Self::as_str).join(", "))))
    }
}

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LoginOutcome {
    /// They are in.
    Success,
    /// There is no such user.
    UnknownUser,
    /// The password, or the proof of it, is wrong, or they have none.
    WrongPassword,
    /// The user is disabled.
    Disabled,
    /// The password is right, and there was no code of the second factor with it.
    CodeNeeded,
    /// The password is right, the code of the second factor is not.
    WrongCode,
    /// The password is right, but with a second factor a mail client needs an app password.
    AppPasswordNeeded,
    /// The app password is not for this protocol.
    WrongProtocol,
    /// The app password has expired.
    Expired,
    /// The access token is wrong or over.
    BadToken,
}

impl LoginOutcome {
    /// All there are.
    pub const ALL: [Self; 10] = [
        Self::Success,
        Self::UnknownUser,
        Self::WrongPassword,
        Self::Disabled,
        Self::CodeNeeded,
        Self::WrongCode,
        Self::AppPasswordNeeded,
        Self::WrongProtocol,
        Self::Expired,
        Self::BadToken,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::UnknownUser => "unknown_user",
            Self::WrongPassword => "wrong_password",
            Self::Disabled => "disabled",
            Self::CodeNeeded => "code_needed",
            Self::WrongCode => "wrong_code",
            Self::AppPasswordNeeded => "app_password_needed",
            Self::WrongProtocol => "wrong_protocol",
            Self::Expired => "expired",
            Self::BadToken => "bad_token",
        }
    }
}

impl fmt::Display for LoginOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LoginOutcome {
    type Err = NoSuchWord;

    fn from_str(text: &str) -> Result<Self, NoSuchWord> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        found.ok_or_else(|| NoSuchWord(format!("'{text}' is none of {}", Self::ALL.map(Self::as_str).join(", "))))
    }
}

/// A login that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRecord {
    /// Its id: they sort by age.
    pub id: LoginId,
    /// When.
    pub at: Timestamp,
    /// The login of the user, or the name that was given if there is no such user.
    pub login: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// From where; none over a Unix socket.
    pub from: Option<IpAddr>,
    /// How it ended.
    pub outcome: LoginOutcome,
    /// How often the same happened within a second or so.
    pub count: u64,
}

/// A password for one mail client, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPassword {
    /// Its id.
    pub id: AppPasswordId,
    /// What it is for, in the user's words.
    pub name: String,
    /// The protocols that it is for.
    pub protocols: Vec<Protocol>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_and_read_back() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.to_string().parse(), Ok(protocol));
        }
        for outcome in LoginOutcome::ALL {
            assert_eq!(outcome.to_string().parse(), Ok(outcome));
        }
        assert!("smtp".parse::<Protocol>().is_err_and(|bad| bad.to_string().contains("submission")));
    }
}
