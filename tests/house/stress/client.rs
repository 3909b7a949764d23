//! One client: its connection, the mailbox that it believes in, and what it says to find out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::ledger::{Ledger, Place};
use super::model::{Fetched, Flags, Model, Removals, number_after};
use super::{actions, opening};
use crate::support::house::{House, PASSWORD};
use crate::support::imap::{Answer, Imap, Untagged};

pub const USER: &str = "alice@house.test";
pub const MAILBOXES: [&str; 2] = ["INBOX", "Other"];

/// What the client has enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    CondStore,
    QResync,
}

impl Kind {
    /// The kinds by turns.
    pub fn of(place: u64) -> Self {
        [Self::Plain, Self::CondStore, Self::QResync][(place % 3) as usize]
    }
}

/// Where the server is.
#[derive(Debug, Clone, Copy)]
pub struct Doors {
    pub imap: SocketAddr,
    pub imaps: SocketAddr,
    pub smtp: SocketAddr,
}

impl Doors {
    pub fn of(house: &House) -> Self {
        Self {
            imap: house.address("imap"),
            imaps: house.address("imaps"),
            smtp: house.address("smtp"),
        }
    }
}

/// A client with its session.
pub struct Client {
    pub place: u64,
    pub kind: Kind,
    pub doors: Doors,
    pub random: StdRng,
    pub ledger: Arc<Ledger>,
    imap: Imap,
    model: Option<Model>,
    /// What it knew of a mailbox when it left it (RFC 7162 §3.2.5).
    left: BTreeMap<String, Model>,
}

/// What a command was answered, after the model took it in.
pub struct Heard {
    /// `OK …` or `NO …`.
    pub status: String,
    /// The FETCH responses, with the UIDs of their messages.
    pub fetched: Vec<Fetched>,
    pub untagged: Vec<Untagged>,
}

impl Client {
    pub fn new(place: u64, kind: Kind, seed: u64, doors: Doors, ledger: Arc<Ledger>) -> Self {
        let mut client = Self {
            place,
            kind,
            doors,
            random: StdRng::seed_from_u64(seed.wrapping_mul(1000).wrapping_add(place)),
            ledger,
            imap: connect(place, doors),
            model: None,
            left: BTreeMap::new(),
        };
        client.enable();
        client
    }

    /// Does this and that until the time is over.
    pub fn run(mut self, end: Instant) -> Self {
        let ledger = Arc::clone(&self.ledger);
        let _guard = Telling(&ledger);
        while Instant::now() < end && !ledger.failed.load(Ordering::Relaxed) {
            if self.model.is_none() {
                let mailbox = if self.random.random_bool(0.8) { MAILBOXES[0] } else { MAILBOXES[1] };
                opening::open(&mut self, mailbox);
            }
            self.find_out();
            actions::act(&mut self);
        }
        self
    }

    fn enable(&mut self) {
        match self.kind {
            Kind::Plain => {}
            Kind::CondStore => drop(self.imap.ok("ENABLE CONDSTORE")),
            Kind::QResync => drop(self.imap.ok("ENABLE QRESYNC")),
        }
    }

    /// The connection breaks, and the client comes back. It remembers what it knew.
    pub fn reconnect(&mut self) {
        self.leave();
        self.imap = connect(self.place, self.doors);
        self.enable();
    }

    pub fn has_modseqs(&self) -> bool {
        self.kind != Kind::Plain
    }

    pub fn imap(&mut self) -> &mut Imap {
        &mut self.imap
    }

    /// The mailbox that is open.
    pub fn model(&self) -> &Model {
        self.model.as_ref().expect("an open mailbox")
    }

    pub fn model_mut(&mut self) -> &mut Model {
        self.model.as_mut().expect("an open mailbox")
    }

    /// No mailbox is open any more.
    pub fn leave(&mut self) {
        if let Some(model) = self.model.take() {
            self.left.insert(model.mailbox.clone(), model);
        }
    }

    /// What it knew of a mailbox when it left it.
    pub fn remembered(&self, mailbox: &str) -> Option<&Model> {
        self.left.get(mailbox)
    }

    /// Opens the mailbox that a SELECT was answered with.
    pub fn enter(&mut self, model: Model) {
        self.model = Some(model);
    }

    /// Says a command and takes in what comes.
    pub fn say(&mut self, command: &str, removals: Removals) -> Heard {
        let answer = self.imap.command(command);
        self.take_in(command, answer, removals)
    }

    /// Takes in what a command was answered. NO is for what somebody else removed meanwhile (RFC 5530 §3).
    pub fn take_in(&mut self, command: &str, answer: Answer, removals: Removals) -> Heard {
        if !answer.status.starts_with("OK") && !answer.status.starts_with("NO [EXPUNGEISSUED]") {
            self.fail(&format!("{command:?} was answered {:?}", answer.status));
        }
        self.ledger.count(command);
        let before: BTreeSet<u32> = self.model.iter().flat_map(Model::uids).collect();
        let mut fetched = Vec::new();
        for response in &answer.untagged {
            match self.hear(response, removals) {
                Ok(more) => fetched.extend(more),
                Err(problem) => self.fail(&format!("{command:?} was answered {response:?}: {problem}")),
            }
        }
        if let Some(model) = &mut self.model {
            if let Some(highest) = number_after(&answer.status, "[HIGHESTMODSEQ ") {
                model.highest = model.highest.max(highest);
            }
            let now: BTreeSet<u32> = model.uids().into_iter().collect();
            let went: Vec<u32> = before.difference(&now).copied().collect();
            self.ledger.went(&model.mailbox, &went);
        }
        Heard {
            status: answer.status,
            fetched,
            untagged: answer.untagged,
        }
    }

    /// Messages of which the server said nothing are gone: it says so when it may.
    pub fn must_go(&mut self, command: &str, uids: &[u32]) {
        let still = |client: &Self| uids.iter().find(|uid| client.model().get(**uid).is_some()).copied();
        if still(self).is_some() {
            self.say("NOOP", Removals::Allowed);
        }
        if let Some(uid) = still(self) {
            self.fail(&format!("{command:?} told nothing of UID {uid}, and it is there"));
        }
    }

    fn hear(&mut self, response: &Untagged, removals: Removals) -> Result<Option<Fetched>, String> {
        let Some(model) = &mut self.model else { return Ok(None) };
        let fetched = model.hear(response, removals)?;
        let Some(fetched) = fetched else { return Ok(None) };
        if let (Some(uid), Some(name)) = (fetched.uid, fetched.literal.as_deref().and_then(name_in)) {
            self.ledger.is_named((model.mailbox.clone(), uid), &name)?;
        }
        Ok(Some(fetched))
    }

    /// Asks for what is not known yet of the messages that are there.
    pub fn find_out(&mut self) {
        let Some(first) = self.model.as_ref().and_then(Model::unknown) else {
            return;
        };
        let (first, last) = (first + 1, self.model().messages.len());
        let modseq = if self.has_modseqs() { " MODSEQ" } else { "" };
        let command = format!("FETCH {first}:{last} (UID FLAGS{modseq})");
        self.say(&command, Removals::Forbidden);
        // RFC 2180 §4.1.3: what is gone, and not said to be, is told as it was.
        if let Some(still) = self.model().unknown().filter(|still| *still < last) {
            self.fail(&format!("{command:?} told nothing of message {}", still + 1));
        }
        self.say(
            &format!("FETCH {first}:{last} (BODY.PEEK[HEADER.FIELDS (X-NAME)])"),
            Removals::Forbidden,
        );
    }

    /// In the end: what this client knows is what there is.
    pub fn agrees(mut self, there: &BTreeMap<Place, Flags>) {
        if self.model.is_none() {
            return;
        }
        self.find_out();
        self.say("NOOP", Removals::Allowed);
        self.find_out();
        let model = self.model();
        let mine: BTreeMap<Place, Flags> = model
            .messages
            .iter()
            .filter_map(|message| Some(((model.mailbox.clone(), message.uid?), message.flags.clone()?)))
            .collect();
        let mut want = there.clone();
        want.retain(|(mailbox, _), _| *mailbox == model.mailbox);
        if mine != want {
            let only = |a: &BTreeMap<Place, Flags>, b: &BTreeMap<Place, Flags>| {
                let differ = a.iter().filter(|(place, flags)| b.get(place) != Some(flags));
                differ.map(|(place, flags)| format!("{place:?} {flags:?}")).collect::<Vec<_>>()
            };
            let problem = format!("knows {:?}, there is {:?}", only(&mine, &want), only(&want, &mine));
            self.fail(&problem);
        }
    }

    /// Ends the test with what was said last.
    pub fn fail(&mut self, problem: &str) -> ! {
        let said = self.imap.line().said();
        let from = said.len().saturating_sub(40_000);
        let from = (from..said.len()).find(|&at| said.is_char_boundary(at)).unwrap_or(0);
        panic!(
            "client {} ({:?}): {problem}\n--- what was said last ---\n{}---",
            self.place,
            self.kind,
            &said[from..]
        );
    }
}

/// Half of them over TLS.
fn connect(place: u64, doors: Doors) -> Imap {
    if place.is_multiple_of(2) {
        Imap::login(doors.imaps, USER, PASSWORD)
    } else {
        Imap::login_plain(doors.imap, USER, PASSWORD)
    }
}

/// The name of a message, from its header.
pub fn name_in(header: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(header);
    let name = text.lines().find_map(|line| line.strip_prefix("X-Name: "))?;
    Some(name.trim().to_owned())
}

/// Tells the others when a client fails.
struct Telling<'a>(&'a Ledger);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.failed.store(true, Ordering::Relaxed);
        }
    }
}
