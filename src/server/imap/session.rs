//! One connection from the greeting to the end: reads commands, has them done, answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{Instrument, Span};

use crate::mail::sessions::Place;
use crate::model::account::User;
use crate::model::refusal::Refusal;
use crate::model::rights::Rights;
use crate::model::traced::TRACED;
use crate::server::pace::Pace;
use crate::server::stream::{Gone, Stream};
use crate::wire::imap::Utf8;
use crate::wire::imap::append::Head;
use crate::wire::imap::capability::Stage;
use crate::wire::imap::command::{Tag, Tagged};
use crate::wire::imap::frame::{Frame, Framer, Limits};
use crate::wire::imap::parse;
use crate::wire::imap::response::{Code, Status, Word, status};

use super::dispatch::{self, Expunges};
use super::notify::Notices;
use super::outcome::{Done, Fault, Then};
use super::selected::Selected;
use super::{Imap, append, compress, notify, refusal, start_tls};

/// The most octets of the lines of a command: the long UID sets of some clients fit.
const MAX_LINE: usize = 65_536;
/// The most octets of a command before somebody has logged in.
const MAX_BEFORE_LOGIN: usize = 8_192;

/// Where the session stands (RFC 3501 §3), with what it has there.
pub(super) enum State {
    /// Nobody has logged in.
    NotAuthenticated,
    /// Somebody has.
    Authenticated(Arc<User>),
    /// And has opened a mailbox.
    Selected(Arc<User>, Box<Selected>),
    /// LOGOUT was given.
    LoggedOut,
}

/// A session.
pub(super) struct Session {
    pub(super) imap: Arc<Imap>,
    pub(super) stream: Stream,
    pub(super) state: State,
    /// The place of whoever has logged in.
    pub(super) place: Option<Place>,
    /// Whether the client has shown that it knows modseqs (RFC 7162 §3.1).
    pub(super) condstore: bool,
    /// Whether the client wants to hear of removals by UID (RFC 7162 §3.2.3).
    pub(super) qresync: bool,
    pub(super) enabled: Enabled,
    /// What the client hears of by itself; none as long as it has not said.
    pub(super) notices: Option<Box<Notices>>,
    framer: Framer,
    errors: u32,
    log_in_by: Instant,
}

/// What the client has asked for that changes how things are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Enabled {
    /// Where the client writes UTF-8.
    pub utf8: Utf8,
    /// IMAP4rev2 (RFC 9051 §A).
    pub rev2: bool,
    /// Messages are named by UIDs alone (RFC 9586 §3).
    pub uid_only: bool,
}

impl Enabled {
    /// Whether names are written in UTF-8.
    pub fn utf8_names(self) -> bool {
        self.utf8 != Utf8::Off
    }
}

/// What the client sent.
enum Input {
    Command(Tagged),
    Append(Box<Head>),
    Rejected(Option<Tag>, Fault),
    Hopeless(&'static str),
}

impl Session {
    pub(super) fn new(imap: Arc<Imap>, stream: Stream) -> Self {
        let log_in_by = Instant::now() + Duration::from_secs(imap.settings.login_timeout_seconds);
        Self {
            imap,
            stream,
            state: State::NotAuthenticated,
            place: None,
            condstore: false,
            qresync: false,
            enabled: Enabled::default(),
            notices: None,
            framer: Framer::default(),
            errors: 0,
            log_in_by,
        }
    }

    /// Runs to the end, whoever brings it about, and says goodbye where the client still listens.
    pub(super) async fn run(mut self) {
        let goodbye = match self.converse().await {
            Ok(()) | Err(Gone::Closed | Gone::Io(_)) => None,
            Err(Gone::TimedOut) => Some((Word::Unavailable, "too long without a word")),
            Err(Gone::Stopping) => Some((Word::Unavailable, "the server is stopping")),
            Err(Gone::Ended) => Some((Word::AuthorizationFailed, "your account was changed, connect and log in again")),
            Err(Gone::Overtaken) => Some((Word::Unavailable, "an account is being brought into your mailbox, connect again")),
        };
        if let Some((word, text)) = goodbye {
            self.say(None, Status::Bye, Some(&Code::Word(word)), text);
        }
        self.stream.close().await;
    }

    async fn converse(&mut self) -> Result<(), Gone> {
        let greeting = format!("{} Posthouse is ready", self.imap.entrance.hostname);
        self.say(None, Status::Ok, Some(&Code::Capability(self.stage())), &greeting);
        while !matches!(self.state, State::LoggedOut) {
            let input = self.read().await?;
            if self.place.as_ref().is_some_and(Place::is_ended) {
                return Err(Gone::Ended);
            }
            match input {
                // On the heap, so that a session that waits for a command is small. As small is a command, for one of them is IDLE.
                Input::Command(tagged) => {
                    let span = self.span_of(tagged.command.name());
                    Box::pin(self.command(tagged).instrument(span)).await?;
                }
                Input::Append(head) => {
                    let span = self.span_of("APPEND");
                    Box::pin(self.append(*head).instrument(span)).await?;
                }
                Input::Rejected(tag, fault) => self.fail(tag.as_ref(), fault)?,
                Input::Hopeless(text) => {
                    self.say(None, Status::Bye, Some(&Code::Word(Word::TooBig)), text);
                    return Ok(());
                }
            }
            if self.errors > self.imap.settings.max_errors {
                self.say(None, Status::Bye, Some(&Code::Word(Word::Limit)), "too many wrong commands");
                return Ok(());
            }
        }
        Ok(())
    }

    /// The span of a command, for traces: a session may last for days, and would be told of when it ends.
    fn span_of(&self, command: &'static str) -> Span {
        let user = match &self.state {
            State::Authenticated(user) | State::Selected(user, _) => Some(user.login.as_str()),
            State::NotAuthenticated | State::LoggedOut => None,
        };
        tracing::info_span!(target: TRACED, "command", otel.name = display(format_args!("IMAP {command}")), user)
    }

    /// The next command, or what is wrong with it.
    async fn read(&mut self) -> Result<Input, Gone> {
        let mut pace = None;
        loop {
            let limits = self.limits();
            match self.framer.next(self.stream.input(), limits) {
                // Before a login, the time for it bounds everything.
                Frame::Partial if self.stream.input().is_empty() || matches!(self.state, State::NotAuthenticated) => self.wait().await?,
                Frame::Partial => {
                    let pace = pace.get_or_insert_with(|| self.pace());
                    pace.fill_unfinished(&mut self.stream).await?;
                }
                Frame::Continue => self.stream.write(b"+ go on\r\n"),
                Frame::Command(length) => {
                    let octets = self.take(length);
                    return Ok(match parse::command_of(&octets, self.enabled.utf8) {
                        Ok(tagged) => Input::Command(tagged),
                        Err(rejected) => Input::Rejected(rejected.tag, Fault::Bad(rejected.problem.to_string().into())),
                    });
                }
                Frame::Append(length, head) => {
                    self.take(length);
                    return Ok(Input::Append(head));
                }
                Frame::TooLarge { length, waiting: true } => {
                    let octets = self.take(length);
                    let tag = parse::tag_of(&octets);
                    return Ok(Input::Rejected(tag, Fault::no(Word::TooBig, "the literal is too large")));
                }
                // RFC 7888 §4: what is under way cannot be stopped but by hanging up.
                Frame::TooLarge { waiting: false, .. } => return Ok(Input::Hopeless("the literal is too large")),
                Frame::Endless => return Ok(Input::Hopeless("the line is too long")),
            }
        }
    }

    async fn command(&mut self, tagged: Tagged) -> Result<(), Gone> {
        self.renew_user().await;
        self.renew_rights().await?;
        let expunges = match tagged.command.asks_flags_alone() && self.awaits_messages() {
            // The flags are known already. What has changed since is told with what comes next.
            true => Expunges::AllHeld,
            false => dispatch::expunges(&tagged.command),
        };
        if expunges != Expunges::AllHeld && !tagged.command.leaves_mailbox() {
            self.settle().await;
        }
        if self.enabled.uid_only && tagged.command.uses_sequence() {
            return self.fail(Some(&tagged.tag), Fault::uid_required());
        }
        let outcome = dispatch::dispatch(self, &tagged.tag, tagged.command).await;
        Box::pin(self.answer(&tagged.tag, outcome, expunges)).await
    }

    /// What the user may do and may have is what the directory says now, not at the login. (That one who may not be here any more is not
    /// is the affair of [`crate::mail::sessions`].)
    async fn renew_user(&mut self) {
        let (State::Authenticated(user) | State::Selected(user, _)) = &mut self.state else {
            return;
        };
        match self.imap.entrance.directory.user(&user.login).await {
            Ok(now) if now.id == user.id => *user = now,
            Ok(_) | Err(_) => {}
        }
    }

    /// What the owner of a selected mailbox gives and takes counts at once (RFC 4314 §5.1.1 leaves it open). Who may not read it any more
    /// is told so, and that is the end.
    pub(super) async fn renew_rights(&mut self) -> Result<(), Gone> {
        let State::Selected(user, selected) = &mut self.state else {
            return Ok(());
        };
        let Some(name) = &selected.shared else { return Ok(()) };
        match Box::pin(self.imap.mailboxes.access(user, name)).await {
            Ok(access) if access.rights.contains(Rights::READ) => selected.rights = access.rights,
            Err(refusal) if refusal.is_temporary() => {}
            Ok(_) | Err(_) => {
                let why = Some(&Code::Word(Word::NoPerm));
                self.say(None, Status::Bye, why, "this mailbox is not shared with you any more");
                return Err(Gone::Closed);
            }
        }
        Ok(())
    }

    /// Whether messages that SELECT has told of are still on their way into the index.
    fn awaits_messages(&self) -> bool {
        matches!(&self.state, State::Selected(_, selected) if selected.coming.is_some())
    }

    /// What SELECT has told of is there when this returns.
    async fn settle(&mut self) {
        if let State::Selected(_, selected) = &mut self.state
            && selected.coming.is_some()
        {
            Box::pin(selected.settle()).await;
        }
    }

    async fn append(&mut self, head: Head) -> Result<(), Gone> {
        self.renew_user().await;
        self.renew_rights().await?;
        self.settle().await;
        let tag = head.tag.clone();
        let is_own = head.replaces.is_some() || self.notices.as_ref().is_some_and(|notices| notices.hears_of_selected());
        let expunges = if is_own { Expunges::Own } else { Expunges::Sent };
        let outcome = append::append(self, head).await;
        self.answer(&tag, outcome, expunges).await
    }

    /// Tells what has changed in the mailbox meanwhile, then how the command ended. Clients that send many commands at once do not make
    /// the answers pile up.
    async fn answer(&mut self, tag: &Tag, outcome: Result<Done, Fault>, expunges: Expunges) -> Result<(), Gone> {
        self.end(tag, outcome, expunges).await?;
        self.stream.flush_if_large().await
    }

    async fn end(&mut self, tag: &Tag, outcome: Result<Done, Fault>, expunges: Expunges) -> Result<(), Gone> {
        if !matches!(outcome, Err(Fault::Gone(_))) {
            notify::send(self, expunges).await?;
        }
        match outcome {
            Ok(done) => {
                self.say(Some(tag), Status::Ok, done.code.as_ref(), done.text);
                match done.then {
                    Then::GoOn => Ok(()),
                    Then::Handshake => start_tls::handshake(self).await,
                    Then::Compress => compress::begin(self).await,
                }
            }
            Err(fault) => self.fail(Some(tag), fault),
        }
    }

    fn fail(&mut self, tag: Option<&Tag>, fault: Fault) -> Result<(), Gone> {
        match fault {
            Fault::Refused(refusal) => {
                if refusal == Refusal::BadCredentials {
                    self.errors = self.errors.saturating_add(1);
                }
                self.say(tag, Status::No, Some(&refusal::code(&refusal)), &refusal.to_string());
            }
            Fault::No(code, text) => self.say(tag, Status::No, Some(&code), &text),
            Fault::Bad(text) => {
                self.errors = self.errors.saturating_add(1);
                self.say(tag, Status::Bad, None, &text);
            }
            Fault::BadWith(word, text) => {
                self.errors = self.errors.saturating_add(1);
                self.say(tag, Status::Bad, Some(&Code::Word(word)), text);
            }
            Fault::Gone(gone) => return Err(gone),
        }
        Ok(())
    }

    /// Writes a status response; it is sent when the session next waits for the client.
    pub(super) fn say(&mut self, tag: Option<&Tag>, kind: Status, code: Option<&Code>, text: &str) {
        let mut out = Vec::with_capacity(128);
        status(&mut out, tag, kind, code, text);
        self.stream.write(&out);
    }

    /// Waits for the next command.
    async fn wait(&mut self) -> Result<(), Gone> {
        match self.notices {
            Some(_) => Box::pin(notify::wait(self)).await,
            None => self.fill().await,
        }
    }

    /// Reads more octets, waiting as long as the state allows.
    pub(super) async fn fill(&mut self) -> Result<(), Gone> {
        let patience = self.patience();
        self.stream.fill(patience).await
    }

    /// How long to wait for the rest of what has begun.
    pub(super) fn pace(&self) -> Pace {
        let settings = &self.imap.settings;
        Pace::new(Duration::from_secs(settings.command_timeout_seconds), settings.min_data_rate)
    }

    /// How long the client may say nothing.
    pub(super) fn patience(&self) -> Duration {
        match self.state {
            State::NotAuthenticated => self.log_in_by.saturating_duration_since(Instant::now()),
            _ => Duration::from_secs(self.imap.settings.idle_timeout_seconds),
        }
    }

    /// Takes octets off the input.
    pub(super) fn take(&mut self, length: usize) -> bytes::BytesMut {
        let input = self.stream.input();
        let length = length.min(input.len());
        input.split_to(length)
    }

    /// What the capabilities depend on.
    pub(super) fn stage(&self) -> Stage {
        let tls = self.stream.is_tls();
        Stage {
            authenticated: !matches!(self.state, State::NotAuthenticated),
            can_start_tls: !tls,
            offer: self.imap.entrance.offer(&self.stream),
            append_limit: self.imap.max_message,
            compress: self.imap.settings.compress,
            unauthenticate: self.imap.settings.unauthenticate,
            shared: self.imap.mailboxes.shares(),
        }
    }

    /// Everything is as before the login (RFC 8437 §4).
    pub(super) fn log_out(&mut self) {
        self.state = State::NotAuthenticated;
        self.place = None;
        self.stream.ends_with(None);
        (self.condstore, self.qresync, self.enabled, self.notices) = (false, false, Enabled::default(), None);
        self.log_in_by = Instant::now() + Duration::from_secs(self.imap.settings.login_timeout_seconds);
    }

    /// Begins anew after TLS was started (RFC 3501 §6.2.1: what the client said before is forgotten).
    pub(super) fn forget(&mut self) {
        self.framer = Framer::default();
    }

    fn limits(&self) -> Limits {
        match self.state {
            State::NotAuthenticated => Limits {
                line: MAX_BEFORE_LOGIN,
                command: MAX_BEFORE_LOGIN,
                utf8: Utf8::Off,
            },
            _ => Limits {
                line: MAX_LINE,
                command: self.imap.settings.max_command_bytes,
                utf8: self.enabled.utf8,
            },
        }
    }
}
