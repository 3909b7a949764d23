//! The connection to one filter, for as long as a client's connection lasts.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::config;
use crate::mail::neighbour::{Connection, Neighbour};
use crate::model::refusal::Refusal;
use crate::wire::milter::answer::{self, Answer, BadAnswer, Change, Said};
use crate::wire::milter::{Agreed, action, command};

/// Why a filter is of no more use, in words for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It was not reached, or broke off.
    #[error("it does not answer: {0}")]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("it takes too long")]
    TimedOut,
    /// What it says cannot be read.
    #[error("{0}")]
    Answer(#[from] BadAnswer),
    /// What it says has no place where it says it.
    #[error("its answer has no place in this step")]
    OutOfPlace,
    /// It changes a message without end.
    #[error("it changes more than a message may have")]
    TooMuch,
    /// The message could not be read or written; this is not its fault.
    #[error("the message cannot be read: {0}")]
    Message(Refusal),
}

/// What comes of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    /// The dialogue goes on.
    On,
    /// The message is to be taken, and thrown away.
    Discarded,
    /// It does not go on.
    Refused(Refusal),
}

/// What a step is about: what an acceptance is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The client's connection.
    Connection,
    /// The message.
    Message,
}

/// A filter in a dialogue.
pub(super) struct Talk {
    /// Its address, for people.
    pub(super) name: String,
    settings: Arc<config::Milter>,
    state: State,
}

enum State {
    /// It wants to hear of it.
    Listening(Box<Link>),
    /// It has accepted the client's connection, and wants to hear no more.
    Content,
    /// It is of no more use.
    Gone,
}

/// A connection that has been negotiated.
pub(super) struct Link {
    connection: Box<dyn Connection>,
    pub(super) agreed: Agreed,
    /// It has accepted the message, and wants to hear no more of that one.
    pub(super) has_accepted: bool,
    /// What is to be said next.
    pub(super) out: Vec<u8>,
    /// How long it may take.
    patience: Duration,
}

impl Talk {
    /// Connects and negotiates.
    pub(super) async fn begin(address: &Neighbour, settings: &Arc<config::Milter>) -> Self {
        let mut talk = Self {
            name: address.to_string(),
            settings: Arc::clone(settings),
            state: State::Gone,
        };
        match Link::open(address, settings).await {
            Ok(link) => talk.state = State::Listening(Box::new(link)),
            Err(error) => talk.lose(&error),
        }
        talk
    }

    /// How long it may take at the end of a message.
    pub(super) fn patience_at_end(&self) -> Duration {
        Duration::from_secs(self.settings.content_timeout_seconds)
    }

    /// The connection, if it wants to hear of the message.
    pub(super) fn link(&mut self) -> Option<&mut Link> {
        match &mut self.state {
            State::Listening(link) if !link.has_accepted => Some(link),
            _ => None,
        }
    }

    /// The connection, whatever it has said of the message.
    pub(super) fn any_link(&mut self) -> Option<&mut Link> {
        match &mut self.state {
            State::Listening(link) => Some(link),
            _ => None,
        }
    }

    /// Tells it a step, which it may not want (`unwanted`) and need not answer (`silent`).
    pub(super) async fn step(&mut self, about: About, (unwanted, silent): (u32, u32), write: impl FnOnce(&mut Vec<u8>)) -> Came {
        let Some(link) = self.link() else {
            return self.without(about);
        };
        if link.agreed.has(unwanted) {
            return Came::On;
        }
        write(&mut link.out);
        let answer = link.exchange(silent).await;
        self.settle(about, answer)
    }

    /// What comes of an answer.
    pub(super) fn settle(&mut self, about: About, answer: Result<Answer, Error>) -> Came {
        match answer {
            Ok(Answer::Continue | Answer::Skip) => Came::On,
            Ok(Answer::Accept) => {
                match (about, self.any_link()) {
                    (About::Message, Some(link)) => link.has_accepted = true,
                    _ => self.state = State::Content,
                }
                Came::On
            }
            Ok(Answer::Discard) if about == About::Message => Came::Discarded,
            Ok(Answer::Reject) => refused(550, (5, 7, 1), "refused by a filter"),
            Ok(Answer::Tempfail) => refused(451, (4, 7, 1), "a filter asks to try again later"),
            Ok(Answer::Shutdown) => refused(421, (4, 7, 0), "a filter ends this connection"),
            Ok(Answer::Reply(said)) => replied(said),
            Ok(Answer::Agreed(_) | Answer::Progress | Answer::Change(_) | Answer::Discard) => self.failed(about, &Error::OutOfPlace),
            Err(error) => self.failed(about, &error),
        }
    }

    fn failed(&mut self, about: About, error: &Error) -> Came {
        if let Error::Message(refusal) = error {
            return Came::Refused(refusal.clone());
        }
        self.lose(error);
        self.without(about)
    }

    fn lose(&mut self, error: &Error) {
        tracing::warn!(milter = self.name, %error, "a milter has no say any more in this connection");
        self.state = State::Gone;
    }

    /// What comes of a filter that is not there, or does not want to hear. A client may greet in any case.
    pub(super) fn without(&self, about: About) -> Came {
        match (&self.state, about, self.settings.on_failure) {
            (State::Gone, About::Message, config::MilterFailure::Tempfail) => {
                refused(451, (4, 7, 1), "a filter does not answer, try again later")
            }
            (State::Gone, About::Message, config::MilterFailure::Reject) => refused(550, (5, 7, 1), "a filter does not answer"),
            _ => Came::On,
        }
    }
}

fn refused(code: u16, status: (u8, u16, u16), text: &str) -> Came {
    Came::Refused(Refusal::ByFilter {
        code,
        status,
        text: text.to_owned(),
    })
}

/// A reply without an enhanced status gets that of a policy (RFC 3463 §3.8).
fn replied(said: Said) -> Came {
    let class = if said.code < 500 { 4 } else { 5 };
    let status = said.status.map(|it| (it.class(), it.subject(), it.detail()));
    Came::Refused(Refusal::ByFilter {
        code: said.code,
        status: status.unwrap_or((class, 7, 1)),
        text: if said.text.is_empty() {
            "refused by a filter".to_owned()
        } else {
            said.text
        },
    })
}

impl Link {
    /// Connects and negotiates.
    pub(super) async fn open(address: &Neighbour, settings: &config::Milter) -> Result<Self, Error> {
        let connecting = timeout(Duration::from_secs(settings.connect_timeout_seconds), address.connect()).await;
        let mut link = Self {
            connection: connecting.map_err(|_| Error::TimedOut)??,
            agreed: Agreed::default(),
            has_accepted: false,
            out: Vec::new(),
            patience: Duration::from_secs(settings.command_timeout_seconds),
        };
        command::negotiate(&mut link.out);
        match link.exchange(0).await? {
            Answer::Agreed(agreed) => link.agreed = agreed,
            _ => return Err(Error::OutOfPlace),
        }
        Ok(link)
    }

    /// Says what is to be said, and hears the answer; none comes where it was agreed so, and that means to go on.
    pub(super) async fn exchange(&mut self, silent: u32) -> Result<Answer, Error> {
        self.say().await?;
        if self.agreed.has(silent) {
            return Ok(Answer::Continue);
        }
        self.hear(self.patience).await
    }

    /// Says what is to be said.
    pub(super) async fn say(&mut self) -> Result<(), Error> {
        let out = std::mem::take(&mut self.out);
        timeout(self.patience, self.connection.write_all(&out))
            .await
            .map_err(|_| Error::TimedOut)??;
        Ok(())
    }

    /// The next answer but that it is still at work.
    pub(super) async fn hear(&mut self, patience: Duration) -> Result<Answer, Error> {
        loop {
            let packet = timeout(patience, self.packet()).await.map_err(|_| Error::TimedOut)??;
            match answer::parse(&packet)? {
                Answer::Progress => {}
                answer => return Ok(answer),
            }
        }
    }

    async fn packet(&mut self) -> Result<Vec<u8>, Error> {
        let mut length = [0; 4];
        self.connection.read_exact(&mut length).await?;
        let mut packet = vec![0; answer::length(length)?];
        self.connection.read_exact(&mut packet).await?;
        Ok(packet)
    }

    /// Whether it may make this change.
    pub(super) fn may(&self, change: &Change) -> bool {
        let needed = match change {
            Change::AddField(_) | Change::InsertField(..) => action::ADD_HEADERS | action::CHANGE_HEADERS,
            Change::ChangeField(..) => action::CHANGE_HEADERS,
            Change::AddRecipient(_) => action::ADD_RECIPIENTS | action::ADD_RECIPIENTS_WITH_PARAMETERS,
            Change::DeleteRecipient(_) => action::DELETE_RECIPIENTS,
            Change::Sender(_) => action::CHANGE_SENDER,
            Change::Body(_) => action::CHANGE_BODY,
            Change::Quarantine(_) => action::QUARANTINE,
        };
        self.agreed.may(needed)
    }
}
