//! Responses (RFC 5804 §1.2, §1.3).

use std::fmt::Write;

/// The longest string that is sent in quotes (RFC 5804 §4, quoted).
const MOST_QUOTED: usize = 1024;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok,
    /// Not done.
    No,
    /// The connection ends.
    Bye,
}

/// What kind of reason there is, for programs (RFC 5804 §1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// A password is not taken over this connection.
    EncryptNeeded,
    /// A limit of the server.
    Quota,
    /// The limit is the number of scripts.
    MaxScripts,
    /// The limit is the size of a script.
    MaxSize,
    /// Perhaps later.
    TryLater,
    /// The script is active.
    Active,
    /// There is no such script.
    NonExistent,
    /// There is one already.
    AlreadyExists,
    /// What the client sent with NOOP.
    Tag(String),
}

/// The end of what is said to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// How it ended.
    pub status: Status,
    /// What kind of reason there is.
    pub code: Option<Code>,
    /// For people.
    pub text: String,
}

impl Response {
    /// Done.
    pub fn ok(text: impl Into<String>) -> Self {
        Self::new(Status::Ok, None, text)
    }

    /// Not done.
    pub fn no(code: Option<Code>, text: impl Into<String>) -> Self {
        Self::new(Status::No, code, text)
    }

    /// The connection ends.
    pub fn bye(text: impl Into<String>) -> Self {
        Self::new(Status::Bye, None, text)
    }

    fn new(status: Status, code: Option<Code>, text: impl Into<String>) -> Self {
        Self {
            status,
            code,
            text: text.into(),
        }
    }

    /// As it goes over the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = String::from(match self.status {
            Status::Ok => "OK",
            Status::No => "NO",
            Status::Bye => "BYE",
        });
        if let Some(code) = &self.code {
            _ = write!(out, " ({})", spell(code));
        }
        if !self.text.is_empty() {
            out.push(' ');
            out.push_str(&string(&self.text));
        }
        out.push_str("\r\n");
        out.into_bytes()
    }
}

fn spell(code: &Code) -> String {
    match code {
        Code::EncryptNeeded => "ENCRYPT-NEEDED".into(),
        Code::Quota => "QUOTA".into(),
        Code::MaxScripts => "QUOTA/MAXSCRIPTS".into(),
        Code::MaxSize => "QUOTA/MAXSIZE".into(),
        Code::TryLater => "TRYLATER".into(),
        Code::Active => "ACTIVE".into(),
        Code::NonExistent => "NONEXISTENT".into(),
        Code::AlreadyExists => "ALREADYEXISTS".into(),
        Code::Tag(tag) => format!("TAG {}", string(tag)),
    }
}

/// A string: in quotes where it fits, else as a literal (RFC 5804 §4).
pub fn string(text: &str) -> String {
    let is_short = text.len() <= MOST_QUOTED && !text.contains(['\r', '\n', '\0']);
    match is_short {
        true => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        false => format!("{{{}}}\r\n{text}", text.len()),
    }
}

/// The head of a literal of so many octets, which come after it.
pub fn literal_head(size: usize) -> String {
    format!("{{{size}}}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_spelled() {
        for (response, expected) in [
            (Response::ok(""), "OK\r\n"),
            (
                Response::no(Some(Code::MaxSize), "a \"b\""),
                "NO (QUOTA/MAXSIZE) \"a \\\"b\\\"\"\r\n",
            ),
            (Response::no(None, "a\r\nb"), "NO {4}\r\na\r\nb\r\n"),
            (Response::bye("bye"), "BYE \"bye\"\r\n"),
        ] {
            assert_eq!(String::from_utf8(response.encode()).unwrap(), expected);
        }
        let tagged = Response {
            code: Some(Code::Tag("x".into())),
            ..Response::ok("done")
        };
        assert_eq!(tagged.encode(), b"OK (TAG \"x\") \"done\"\r\n");
    }
}
