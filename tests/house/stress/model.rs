//! What a client believes of the mailbox that it has open, and what a server may tell it of changes (RFC 3501 §7.3, §7.4).

use std::collections::BTreeSet;

use crate::support::imap::Untagged;

/// Flags without `\Recent`, which is another in each session.
pub type Flags = BTreeSet<String>;

/// Whether sequence numbers may change now (RFC 3501 §7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removals {
    Allowed,
    Forbidden,
}

/// A message, as far as the client knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub uid: Option<u32>,
    pub flags: Option<Flags>,
    /// The highest that was heard of.
    pub modseq: u64,
    /// The modseq that came together with the flags.
    pub flags_at: Option<u64>,
}

/// The mailbox, message n at n - 1.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub mailbox: String,
    pub uidvalidity: u32,
    pub messages: Vec<Message>,
    /// From which a client may come back (RFC 7162 §3.2.5): what HIGHESTMODSEQ said, not what single messages have.
    pub highest: u64,
    /// A message that is new has no UID below this.
    pub uid_next: u32,
    pub read_only: bool,
    /// What the client was told is gone.
    pub gone: BTreeSet<u32>,
}

/// What a FETCH response said, and of which message.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    pub uid: Option<u32>,
    pub flags: Option<Flags>,
    pub modseq: Option<u64>,
    pub literal: Option<Vec<u8>>,
}

impl Model {
    /// Takes in an untagged response; what a FETCH said of which message.
    pub fn hear(&mut self, response: &Untagged, removals: Removals) -> Result<Option<Fetched>, String> {
        let text = response.text.strip_prefix("* ").ok_or("no untagged response")?;
        if let Some(gone) = text.strip_prefix("VANISHED ") {
            self.vanished(gone, removals)?;
            return Ok(None);
        }
        let Some((number, what)) = text.split_once(' ').and_then(|(number, what)| Some((number.parse().ok()?, what))) else {
            return Ok(None);
        };
        match what {
            "EXISTS" => self.exists(number)?,
            "RECENT" if number > self.messages.len() => return Err(format!("{number} recent of {}", self.messages.len())),
            "RECENT" => {}
            "EXPUNGE" => self.expunge(number, removals)?,
            _ if what.starts_with("FETCH (") => return self.fetch(number, response).map(Some),
            _ => return Err("a response that is not known".into()),
        }
        Ok(None)
    }

    fn exists(&mut self, count: usize) -> Result<(), String> {
        if count < self.messages.len() {
            return Err(format!("there were {} messages", self.messages.len()));
        }
        self.messages.resize_with(count, Message::default);
        Ok(())
    }

    fn expunge(&mut self, number: usize, removals: Removals) -> Result<(), String> {
        if removals == Removals::Forbidden {
            return Err("sequence numbers must not change now".into());
        }
        if number == 0 || number > self.messages.len() {
            return Err(format!("there are {} messages", self.messages.len()));
        }
        let message = self.messages.remove(number - 1);
        self.gone.extend(message.uid);
        Ok(())
    }

    fn vanished(&mut self, text: &str, removals: Removals) -> Result<(), String> {
        let (text, earlier) = match text.strip_prefix("(EARLIER) ") {
            Some(set) => (set, true),
            None => (text, false),
        };
        if !earlier && removals == Removals::Forbidden {
            return Err("sequence numbers must not change now".into());
        }
        for (first, last) in ranges(text)? {
            if earlier {
                // It may name what this client never had (RFC 7162 §3.2.10.1).
                let goes = |message: &Message| message.uid.is_some_and(|uid| (first..=last).contains(&uid));
                self.messages.retain(|message| !goes(message));
                continue;
            }
            for uid in first..=last {
                let at = self.place(uid).ok_or(format!("there is no message that could be {uid}"))?;
                self.messages.remove(at);
                self.gone.insert(uid);
            }
        }
        Ok(())
    }

    /// Where a message stands; if its UID is not known, the first that it can be.
    fn place(&self, uid: u32) -> Option<usize> {
        let known = self.messages.iter().position(|message| message.uid.is_some_and(|it| it >= uid));
        match known {
            Some(at) if self.messages[at].uid == Some(uid) => Some(at),
            Some(at) => at.checked_sub(1).filter(|&at| self.messages[at].uid.is_none()),
            None => self.messages.len().checked_sub(1).filter(|&at| self.messages[at].uid.is_none()),
        }
    }

    fn fetch(&mut self, number: usize, response: &Untagged) -> Result<Fetched, String> {
        let fetched = Fetched::read(response);
        let count = self.messages.len();
        if number == 0 || number > count {
            return Err(format!("there are {count} messages"));
        }
        if let Some(uid) = fetched.uid {
            self.is_possible(number - 1, uid)?;
        }
        let message = &mut self.messages[number - 1];
        message.uid = message.uid.or(fetched.uid);
        if let Some(modseq) = fetched.modseq {
            if modseq < message.modseq {
                return Err(format!("the modseq was {}", message.modseq));
            }
            message.modseq = modseq;
        }
        if let Some(flags) = &fetched.flags {
            let same = fetched.modseq.is_none() || message.flags_at != fetched.modseq || message.flags.as_ref() == Some(flags);
            if !same {
                return Err(format!("the flags were {:?} with the same modseq", message.flags));
            }
            message.flags = Some(flags.clone());
            message.flags_at = fetched.modseq;
        }
        Ok(Fetched {
            uid: message.uid,
            ..fetched
        })
    }

    /// RFC 3501 §2.3.1.1: UIDs ascend with the sequence numbers, and none comes back or changes.
    fn is_possible(&self, at: usize, uid: u32) -> Result<(), String> {
        match self.messages[at].uid {
            Some(known) if known != uid => return Err(format!("its UID was {known}")),
            Some(_) => return Ok(()),
            None => {}
        }
        if self.gone.contains(&uid) {
            return Err("this UID was gone".into());
        }
        if uid < self.uid_next {
            return Err(format!("a new message below UIDNEXT {}", self.uid_next));
        }
        let before = self.messages[..at].iter().rev().find_map(|message| message.uid);
        let after = self.messages[at + 1..].iter().find_map(|message| message.uid);
        if before.is_some_and(|before| before >= uid) || after.is_some_and(|after| after <= uid) {
            return Err(format!("UIDs do not ascend: {before:?}, {uid}, {after:?}"));
        }
        Ok(())
    }

    /// The message with this UID.
    pub fn get(&self, uid: u32) -> Option<&Message> {
        self.messages.iter().find(|message| message.uid == Some(uid))
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, uid: u32) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.uid == Some(uid))
    }

    /// Whether the client was told that this went.
    pub fn is_gone(&self, uid: u32) -> bool {
        self.gone.contains(&uid)
    }

    /// The UIDs that are known, ascending.
    pub fn uids(&self) -> Vec<u32> {
        self.messages.iter().filter_map(|message| message.uid).collect()
    }

    /// The place of the first message of which the UID or the flags are not known.
    pub fn unknown(&self) -> Option<usize> {
        self.messages
            .iter()
            .position(|message| message.uid.is_none() || message.flags.is_none())
    }
}

impl Fetched {
    /// Reads what the response says; what is not asked for is passed over.
    pub fn read(response: &Untagged) -> Self {
        let text = &response.text;
        let flags = text.split_once("FLAGS (").and_then(|(_, rest)| rest.split_once(')'));
        Self {
            uid: number_after(text, "UID ").and_then(|uid| u32::try_from(uid).ok()),
            flags: flags.map(|(flags, _)| read_flags(flags)),
            modseq: number_after(text, "MODSEQ ("),
            literal: response.literals.first().cloned(),
        }
    }
}

/// Flags as they stand between parentheses.
pub fn read_flags(text: &str) -> Flags {
    let flags = text.split_whitespace().filter(|flag| *flag != "\\Recent");
    flags.map(str::to_owned).collect()
}

/// The number that follows `mark`.
pub fn number_after(text: &str, mark: &str) -> Option<u64> {
    let rest = text.split_once(mark)?.1;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The runs of a set without `*`.
pub fn ranges(set: &str) -> Result<Vec<(u32, u32)>, String> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| format!("{set} is no set"));
    set.split(',')
        .map(|part| match part.split_once(':') {
            Some((first, last)) => Ok((number(first)?, number(last)?)),
            None => Ok((number(part)?, number(part)?)),
        })
        .collect()
}
