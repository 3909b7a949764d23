//! A plain IMAP client: tags, literals, untagged responses. It understands as little as the tests need.

use std::net::SocketAddr;
use std::time::Duration;

use super::line::Line;

/// A session.
pub struct Imap {
    line: Line,
    tags: u32,
}

/// One untagged response: its text, with each literal in its place as `{n}` followed by its octets.
#[derive(Clone, PartialEq, Eq)]
pub struct Untagged {
    /// The text, literals left out.
    pub text: String,
    /// The literals, in order.
    pub literals: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Untagged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.text)?;
        for literal in &self.literals {
            write!(f, " <{}>", literal.escape_ascii())?;
        }
        Ok(())
    }
}

/// What a command was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// `OK …`, `NO …` or `BAD …`.
    pub status: String,
    /// What came before it.
    pub untagged: Vec<Untagged>,
}

impl Imap {
    /// Logs in over implicit TLS.
    pub fn login(address: SocketAddr, login: &str, password: &str) -> Self {
        Self::greet(Line::connect_tls(address), login, password)
    }

    /// Logs in without TLS.
    pub fn login_plain(address: SocketAddr, login: &str, password: &str) -> Self {
        Self::greet(Line::connect(address), login, password)
    }

    fn greet(line: Line, login: &str, password: &str) -> Self {
        let mut imap = Self { line, tags: 0 };
        assert!(imap.line.line().starts_with("* OK"));
        imap.ok(&format!("LOGIN {login} {password}"));
        imap
    }

    /// Says a command and reads until its tagged response.
    pub fn command(&mut self, command: &str) -> Answer {
        let tag = self.tag();
        self.line.say(&format!("{tag} {command}"));
        self.answer(&tag)
    }

    /// Says a command that must succeed; gives its untagged responses.
    #[track_caller]
    pub fn ok(&mut self, command: &str) -> Vec<Untagged> {
        self.ok_answer(command).untagged
    }

    /// Says a command that must succeed; gives the whole answer.
    #[track_caller]
    pub fn ok_answer(&mut self, command: &str) -> Answer {
        let answer = self.command(command);
        assert!(answer.status.starts_with("OK"), "{command:?} was answered {answer:?}");
        answer
    }

    /// Appends a message with a synchronising literal (RFC 3501 §6.3.11); gives the status, which may come before the message is sent.
    pub fn append(&mut self, mailbox: &str, message: &[u8]) -> String {
        self.append_answer(mailbox, message).status
    }

    /// The same, with the whole answer.
    pub fn append_answer(&mut self, mailbox: &str, message: &[u8]) -> Answer {
        let tag = self.tag();
        self.line.say(&format!("{tag} APPEND {mailbox} {{{}}}", message.len()));
        let line = self.line.line();
        if let Some(status) = line.strip_prefix(&format!("{tag} ")) {
            let (status, untagged) = (status.to_owned(), Vec::new());
            return Answer { status, untagged };
        }
        assert!(line.starts_with('+'), "APPEND was answered {line:?}");
        self.line
            .send(message)
            .and_then(|()| self.line.send(b"\r\n"))
            .expect("a connection");
        self.answer(&tag)
    }

    /// IDLE and DONE (RFC 2177 §3); between them it waits, at most so long, for something to happen.
    pub fn idle(&mut self, wait: Option<Duration>) -> Answer {
        let tag = self.tag();
        self.line.say(&format!("{tag} IDLE"));
        let line = self.line.line();
        assert!(line.starts_with('+'), "IDLE was answered {line:?}");
        if let Some(wait) = wait {
            self.line.comes_within(wait);
        }
        self.line.say("DONE");
        self.answer(&tag)
    }

    /// The UIDs of the mailbox that is open.
    pub fn uids(&mut self) -> Vec<u32> {
        let untagged = self.ok("UID SEARCH ALL");
        let found = untagged.iter().find_map(|it| it.text.strip_prefix("* SEARCH"));
        let found = found.expect("a SEARCH response").split_whitespace();
        found.map(|uid| uid.parse().expect("a UID")).collect()
    }

    /// The whole text of a message, by its UID; its flags stay.
    pub fn body(&mut self, uid: u32) -> Vec<u8> {
        let untagged = self.ok(&format!("UID FETCH {uid} BODY.PEEK[]"));
        let fetched = untagged.into_iter().find(|it| it.text.contains("FETCH"));
        fetched.expect("a FETCH response").literals.swap_remove(0)
    }

    /// Opens a mailbox; gives how many messages it has, and its UIDVALIDITY.
    pub fn select(&mut self, mailbox: &str) -> (u32, u32) {
        let untagged = self.ok(&format!("SELECT {mailbox}"));
        let exists = untagged
            .iter()
            .find_map(|it| it.text.strip_prefix("* ")?.strip_suffix(" EXISTS")?.parse().ok());
        let validity = untagged.iter().find_map(|it| number_after(&it.text, "[UIDVALIDITY "));
        (exists.expect("EXISTS"), validity.expect("UIDVALIDITY"))
    }

    /// The connection, for what this client has no word for.
    pub fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    /// Reads one untagged response.
    pub fn untagged(&mut self) -> Untagged {
        let text = self.line.line();
        self.finish(text)
    }

    fn tag(&mut self) -> String {
        self.tags += 1;
        format!("t{}", self.tags)
    }

    fn answer(&mut self, tag: &str) -> Answer {
        let mut untagged = Vec::new();
        loop {
            let text = self.line.line();
            if let Some(status) = text.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                let status = status.to_owned();
                return Answer { status, untagged };
            }
            let response = self.finish(text);
            untagged.push(response);
        }
    }

    /// Reads the literals that a response line announces, and what follows each.
    fn finish(&mut self, mut text: String) -> Untagged {
        let mut literals = Vec::new();
        while let Some(size) = announced(&text) {
            literals.push(self.line.octets(size));
            text.push_str(&self.line.line());
        }
        Untagged { text, literals }
    }
}

/// The size of the literal that a line ends with.
fn announced(line: &str) -> Option<usize> {
    line.strip_suffix('}')?.rsplit_once('{')?.1.parse().ok()
}

/// The number that follows `mark`.
pub fn number_after(text: &str, mark: &str) -> Option<u32> {
    let rest = text.split_once(mark)?.1;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
