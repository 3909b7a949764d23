//! The suite at work: its mailboxes, what was sent, what went wrong.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::options::Options;
use super::{Failure, Request};
use crate::wire::sieve::action::fileinto::with_inbox;
use crate::wire::sieve::address::{is_domain, mailboxes};
use crate::wire::sieve::compiler::{Program, compile};
use crate::wire::sieve::effect::{Effect, Outgoing, Purpose, effects, kept};
use crate::wire::sieve::message::Message;
use crate::wire::sieve::outcome::{Outcome, Store};
use crate::wire::sieve::problem::{Position, Problem};
use crate::wire::sieve::run::{State, run};
use crate::wire::sieve::settings::Settings;
use crate::wire::sieve::world::{Envelope, Library, Location, Seen, World};

/// Reads a file that stands beside the test script, by its relative path.
pub type Files<'f> = &'f dyn Fn(&str) -> Option<Vec<u8>>;

/// A test that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// What went wrong in it.
    pub failure: Failure,
}

/// A message in a mailbox of the suite.
#[derive(Debug, Clone)]
struct Stored {
    message: Message,
    flags: Vec<String>,
}

/// The world of test scripts.
pub struct Suite<'f> {
    files: Files<'f>,
    /// The folder of the script, for its own use.
    folder: String,
    base: Settings,
    options: Options,
    settings: Arc<Settings>,
    compiled: Option<Arc<Program>>,
    binaries: HashMap<String, Arc<Program>>,
    errors: Vec<Problem>,
    mailboxes: BTreeMap<String, Vec<Stored>>,
    sent: Vec<Outgoing>,
    /// None is the server.
    metadata: HashMap<(Option<String>, String), Vec<u8>>,
    /// Handle and value.
    seen: HashSet<(String, Vec<u8>)>,
    results: Vec<TestResult>,
    /// Stored messages get the keywords that say whether they have attachments: Dovecot 2.4 gives them, 2.3 does not, so they are for
    /// scripts that know them.
    marks_attachments: bool,
}

const WITH_ATTACHMENT: &str = "$HasAttachment";
const WITHOUT_ATTACHMENT: &str = "$HasNoAttachment";

/// What a script without a message of its own looks at.
const MESSAGE: &[u8] = b"From: sender@example.com\r\nTo: recipient@example.org\r\nSubject: A message\r\n\r\nA text.\r\n";

/// Runs a test script: its tests, or why it cannot run. `folder` is what it knows its own folder as.
pub fn run_suite(name: &str, script: &[u8], folder: &str, now: jiff::Timestamp, files: Files<'_>) -> Result<Vec<TestResult>, Vec<Problem>> {
    let base = Settings {
        testsuite: true,
        username: "tester".into(),
        now,
        ..Settings::default()
    };
    let mut suite = Suite {
        files,
        folder: folder.to_owned(),
        options: Options::default(),
        settings: Arc::new(base.clone()),
        base,
        compiled: None,
        binaries: HashMap::new(),
        errors: Vec::new(),
        mailboxes: BTreeMap::from([("INBOX".to_owned(), Vec::new())]),
        sent: Vec::new(),
        metadata: HashMap::new(),
        seen: HashSet::new(),
        results: Vec::new(),
        marks_attachments: memchr::memmem::find(script, WITHOUT_ATTACHMENT.as_bytes()).is_some(),
    };
    let program = compile(name, script, &suite.settings, &suite)?;
    let mut state = State::new(Message::new(MESSAGE), Envelope::default(), suite.settings.clone());
    state.envelope = envelope_of(&state.message);
    match run(&program, &mut suite, &mut state) {
        Ok(()) => Ok(suite.results),
        Err(problem) => {
            suite.results.push(TestResult {
                name: "(outside of the tests)".into(),
                failure: Some(problem),
            });
            Ok(suite.results)
        }
    }
}

/// Sender and recipient as the header tells them.
fn envelope_of(message: &Message) -> Envelope {
    let first = |name: &str, other: &str| {
        let value = message.values(name).into_iter().next().unwrap_or_default();
        let address = mailboxes(&value).into_iter().next().map(|address| address.to_string());
        address.filter(|address| address.contains('@')).unwrap_or_else(|| other.to_owned())
    };
    Envelope {
        from: first("From", "sender@example.com"),
        to: first("To", "recipient@example.com"),
        ..Envelope::default()
    }
}

/// A path without its brackets and its source route (RFC 5321 §4.1.2, appendix C); what is no path stays as it is, so that it is no
/// address either.
fn path(text: &str) -> String {
    let inside = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text);
    let is_hop = |hop: &str| hop.strip_prefix('@').is_some_and(is_domain);
    match inside.split_once(':') {
        Some((route, address)) if route.split(',').all(is_hop) => address.to_owned(),
        _ => inside.to_owned(),
    }
}

fn problem(message: impl Into<String>) -> Problem {
    Problem {
        script: String::new(),
        at: Position::default(),
        message: message.into(),
    }
}

impl Suite<'_> {
    /// Does what a command asks; whether it could.
    fn answer(&mut self, state: &mut State, request: &Request) -> Result<bool, Problem> {
        let text = |index| request.text(index);
        match request.name.as_str() {
            "test_set" => return self.set(state, &text(0), request),
            "test_message" => return Ok(self.take_message(state, request)),
            "test_script_compile" => return Ok(self.compile(&text(0))),
            "test_script_run" => return Ok(self.run_script(state, request.flag)),
            "test_multiscript" => return Ok(self.multiscript(state, request)),
            "test_result_execute" => return Ok(self.execute(state)),
            "test_result_reset" => self.reset(state),
            "test_config_set" => self.options.set(text(0), text(1)),
            "test_config_unset" => self.options.unset(&text(0)),
            "test_config_reload" => {
                self.settings = Arc::new(self.options.over(&self.base));
                state.settings = self.settings.clone();
            }
            "test_mailbox_create" => {
                self.mailboxes.entry(with_inbox(text(0))).or_default();
            }
            "test_mailbox_delete" => return Ok(self.mailboxes.remove(&with_inbox(text(0))).is_some()),
            "test_imap_metadata_set" => {
                let mailbox = request
                    .tagged
                    .as_ref()
                    .map(|name| with_inbox(String::from_utf8_lossy(name).into_owned()));
                self.metadata.insert((mailbox, text(0)), text(1).into_bytes());
            }
            "test_binary_save" => match &self.compiled {
                Some(program) => drop(self.binaries.insert(text(0), program.clone())),
                None => return Err(problem("there is no script to save")),
            },
            "test_binary_load" => match self.binaries.get(&text(0)) {
                Some(program) => self.compiled = Some(program.clone()),
                None => return Err(problem(format!("there is no saved script '{}'", text(0)))),
            },
            // A result is printed with a failure.
            _ => {}
        }
        Ok(true)
    }

    fn set(&mut self, state: &mut State, name: &str, request: &Request) -> Result<bool, Problem> {
        let address = path(request.text(1).trim());
        match name.to_ascii_lowercase().as_str() {
            "message" => {
                let message = Message::new(request.texts.get(1).cloned().unwrap_or_default());
                state.envelope = envelope_of(&message);
                (state.original, state.message) = (message.clone(), message);
            }
            "envelope.from" | "envelope.sender" => state.envelope.from = address,
            "envelope.to" | "envelope.recipient" => state.envelope.to = address,
            "envelope.orig_to" | "envelope.orig_recipient" => state.envelope.original_to = Some(address),
            "envelope.auth" => state.envelope.auth = Some(address),
            _ => {
                return Err(problem(format!(
                    "unknown test item '{name}': right would be message, envelope.from, envelope.to, envelope.orig_to or envelope.auth"
                )));
            }
        }
        Ok(true)
    }

    /// Makes a stored or sent message the one that is looked at.
    fn take_message(&mut self, state: &mut State, request: &Request) -> bool {
        let index = request.number.and_then(|number| usize::try_from(number).ok()).unwrap_or(usize::MAX);
        let found = match &request.tagged {
            Some(folder) => {
                let name = with_inbox(String::from_utf8_lossy(folder).into_owned());
                self.mailboxes.get(&name).and_then(|messages| messages.get(index)).cloned()
            }
            None => self.sent.get(index).map(|outgoing| {
                state.envelope.from.clone_from(&outgoing.from);
                state.envelope.to.clone_from(&outgoing.to);
                Stored {
                    message: Message::new(outgoing.octets()),
                    flags: Vec::new(),
                }
            }),
        };
        let Some(Stored { message, flags }) = found else { return false };
        (state.original, state.message) = (message.clone(), message);
        state.outcome.flags = flags;
        true
    }

    fn compile(&mut self, path: &str) -> bool {
        self.compiled = None;
        self.errors.clear();
        let Some(script) = (self.files)(path) else {
            self.errors.push(problem(format!("the script '{path}' cannot be read")));
            return false;
        };
        match compile(path, &script, &self.settings, self) {
            Ok(program) => {
                self.compiled = Some(Arc::new(program));
                true
            }
            Err(problems) => {
                self.errors = problems;
                self.errors.push(problem(format!("the script '{path}' is wrong")));
                false
            }
        }
    }

    fn run_script(&mut self, state: &mut State, append: bool) -> bool {
        self.errors.clear();
        if !append {
            state.outcome = Outcome::default();
            state.message = state.original.clone();
        }
        let Some(program) = self.compiled.clone() else {
            self.errors.push(problem("there is no script to run"));
            return false;
        };
        let end = run(&program, self, state);
        self.errors.append(&mut state.warnings);
        let well = end.is_ok();
        self.errors.extend(end.err());
        well
    }

    /// One script after the other, as long as each keeps the message.
    fn multiscript(&mut self, state: &mut State, request: &Request) -> bool {
        self.reset(state);
        for (number, path) in request.texts.iter().enumerate() {
            if number > 0 && !state.outcome.hand_on() {
                break;
            }
            if !self.compile(&String::from_utf8_lossy(path)) || !self.run_script(state, true) {
                return false;
            }
        }
        self.execute(state)
    }

    fn reset(&mut self, state: &mut State) {
        state.outcome = Outcome::default();
        state.message = state.original.clone();
        state.seen.clear();
        self.sent.clear();
        self.errors.clear();
    }

    /// Carries out the result. Where a message cannot be stored, it goes to INBOX as it came.
    fn execute(&mut self, state: &mut State) -> bool {
        self.errors.clear();
        let mut well = true;
        for effect in effects(state, self) {
            match effect {
                Effect::Store(store) => {
                    let name = store.mailbox.clone();
                    if let Err(reason) = self.store(store) {
                        self.errors
                            .push(problem(format!("failed to store into mailbox '{name}': {reason}")));
                        well = false;
                    }
                }
                Effect::Send(outgoing) => {
                    if let Purpose::Reply(seen) = &outgoing.purpose {
                        self.remember(seen);
                    }
                    self.sent.push(outgoing);
                }
                Effect::Reject { notice, .. } => self.sent.extend(notice),
                Effect::Nothing(_) => {}
            }
        }
        if !well {
            let inbox = kept(state, state.original.clone());
            // INBOX is always there.
            _ = self.store(inbox);
        }
        well
    }

    fn store(&mut self, store: Store) -> Result<(), String> {
        // What a mailbox is found by wins over its name where it is found (RFC 8579 §4, RFC 9042 §4).
        let by_id = store.mailbox_id.map(|id| format!("mailboxid/{id}"));
        let by_use = store.special_use.map(|flag| format!("specialuse/{flag}"));
        let found = [by_id, by_use].into_iter().flatten().find_map(|key| self.options.get(&key));
        let name = found.map_or(store.mailbox, str::to_owned);
        if name.split('/').any(str::is_empty) {
            return Err("invalid mailbox name: it has an empty part".into());
        }
        if !self.mailboxes.contains_key(&name) && !store.create {
            return Err(format!("the mailbox does not exist: {name}"));
        }
        let mut flags = store.flags;
        if self.marks_attachments {
            let attached = store.message.parts().iter().any(|part| part.is_attachment);
            flags.push(if attached { WITH_ATTACHMENT } else { WITHOUT_ATTACHMENT }.to_owned());
        }
        self.mailboxes.entry(name).or_default().push(Stored {
            message: store.message,
            flags,
        });
        Ok(())
    }

    /// The names and values of a dictionary file of Dovecot: a line each.
    fn dictionary(&self, path: &str) -> Option<HashMap<String, String>> {
        let relative = path.strip_prefix(&self.folder).map_or(path, |rest| rest.trim_start_matches('/'));
        let text = String::from_utf8((self.files)(relative)?).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        Some(
            lines
                .chunks(2)
                .filter_map(|pair| Some(((*pair.first()?).to_owned(), (*pair.get(1)?).to_owned())))
                .collect(),
        )
    }
}

impl Library for Suite<'_> {
    fn script(&self, location: Location, name: &str) -> Option<Vec<u8>> {
        let folder = match location {
            Location::Personal => "included",
            Location::Global => "included-global",
        };
        let dictionary = self.options.get(&format!("sieve_script/{folder}/sieve_script_dict/dict/file/path"));
        if let Some(path) = dictionary {
            let dictionary = self.dictionary(path)?;
            let id = dictionary.get(&format!("priv/sieve/name/{name}"))?;
            return dictionary
                .get(&format!("priv/sieve/data/{id}"))
                .map(|script| script.clone().into_bytes());
        }
        (self.files)(&format!("{folder}/{name}.sieve"))
    }
}

impl World for Suite<'_> {
    fn mailbox_exists(&mut self, name: &str) -> bool {
        self.mailboxes.contains_key(&with_inbox(name.to_owned()))
    }

    fn mailbox_id_exists(&mut self, id: &str) -> bool {
        self.options.get(&format!("mailboxid/{id}")).is_some()
    }

    fn special_use_exists(&mut self, mailbox: Option<&str>, flag: &str) -> bool {
        let holder = self.options.get(&format!("specialuse/{flag}"));
        holder.is_some_and(|holder| mailbox.is_none_or(|mailbox| mailbox == holder))
    }

    fn metadata(&mut self, mailbox: Option<&str>, entry: &str) -> Option<Vec<u8>> {
        let mailbox = mailbox.map(|name| with_inbox(name.to_owned()));
        self.metadata.get(&(mailbox, entry.to_owned())).cloned()
    }

    fn was_seen(&mut self, seen: &Seen) -> bool {
        // A test that is not about duplicates may run its commands twice.
        let remembers = self.options.get("remember_duplicates").is_some_and(|value| value == "yes");
        remembers && self.seen.contains(&(seen.handle.clone(), seen.id.clone()))
    }

    fn remember(&mut self, seen: &Seen) {
        self.seen.insert((seen.handle.clone(), seen.id.clone()));
    }

    fn has_list(&mut self, list: &str) -> bool {
        let lists = self.options.get("sieve_extlists_list").unwrap_or_default();
        lists.split_whitespace().any(|known| known == list)
    }

    fn is_listed(&mut self, list: &str, value: &str) -> bool {
        let value = value.to_lowercase();
        self.listed(list).is_some_and(|values| values.contains(&value))
    }

    fn listed(&mut self, list: &str) -> Option<Vec<String>> {
        if !self.has_list(list) {
            return None;
        }
        let path = self.options.get(&format!("sieve_extlists_list/{list}/dict/file/path"));
        let dictionary = path.and_then(|path| self.dictionary(path)).unwrap_or_default();
        let values = dictionary
            .into_keys()
            .filter_map(|key| Some(key.strip_prefix("priv/sieve/extlists/")?.to_owned()));
        let mut values: Vec<String> = values.collect();
        values.sort();
        Some(values)
    }

    fn spam(&mut self, message: &Message) -> Option<f64> {
        self.options.score("spamtest", 10, message)
    }

    fn virus(&mut self, message: &Message) -> Option<f64> {
        self.options.score("virustest", 5, message)
    }

    fn environment(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix("vnd.dovecot.config.").unwrap_or(name);
        let names = [format!("sieve_environment/{name}"), format!("sieve_env_{name}")];
        names.iter().find_map(|name| self.options.get(name)).map(str::to_owned)
    }

    fn testsuite(&mut self, state: &mut State, request: Request) -> Option<Result<bool, Problem>> {
        Some(self.answer(state, &request))
    }

    fn testsuite_values(&mut self, state: &State, request: &Request) -> Vec<Vec<u8>> {
        let values: Vec<Vec<u8>> = match request.name.as_str() {
            "test_error" => self.errors.iter().map(|problem| problem.message.clone().into_bytes()).collect(),
            _ => state
                .outcome
                .actions
                .iter()
                .map(|action| action.name().as_bytes().to_vec())
                .collect(),
        };
        match request.number.map(|number| usize::try_from(number).unwrap_or(usize::MAX)) {
            None => values,
            Some(number) => number
                .checked_sub(1)
                .and_then(|index| values.get(index).cloned())
                .into_iter()
                .collect(),
        }
    }

    fn testsuite_variable(&self, name: &str) -> Option<String> {
        (name == "path").then(|| self.folder.clone())
    }

    fn test_done(&mut self, name: &str, failure: Failure) {
        let name = name.to_owned();
        self.results.push(TestResult { name, failure });
    }
}
