//! Scripts that run on stored mail: when somebody puts it into a mailbox over IMAP, or changes its flags there.
//!
//! RFC 6785 §2.3 (which script), §4.1 (what it can ask), §3 (what it may do)

use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::surroundings::Surroundings;
use super::{Decision, Filters, Turn};
use crate::mail::mailbox::{Annotated, Mailbox, blocking};
use crate::model::account::User;
use crate::model::ids::Uid;
use crate::model::refusal::Refusal;
use crate::model::verdict::Verdict;
use crate::store::db::filters as rows;
use crate::wire::sieve::{Envelope, Message, Program, Settings, State, effects, run};

/// The annotation of a mailbox, or of the server for all others, that names the script of the user.
const SCRIPT: &str = "/shared/imapsieve/script";

/// Why a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// APPEND.
    Append,
    /// COPY or MOVE into the mailbox.
    Copy,
    /// Flags were changed.
    Flag,
}

impl Cause {
    /// The word (RFC 6785 §4.1.2).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Append => "APPEND",
            Self::Copy => "COPY",
            Self::Flag => "FLAG",
        }
    }
}

/// What was done over IMAP.
#[derive(Clone)]
pub struct Event {
    /// Whose mailbox it is.
    pub user: Arc<User>,
    /// The mailbox.
    pub mailbox: Arc<Mailbox>,
    /// The messages.
    pub uids: Vec<Uid>,
    /// What was done.
    pub cause: Cause,
    /// The flags that were changed.
    pub changed: Vec<String>,
}

impl Filters {
    /// The script for what is done in the mailbox of the event; none if there is none.
    pub async fn script_of(&self, event: &Event) -> Result<Option<Arc<Program>>, Refusal> {
        let ground = &self.inner.ground;
        let of_mailbox = Annotated::Mailbox(event.mailbox.info().id);
        let mut name = None;
        for of in [of_mailbox, Annotated::Server] {
            name = ground.mailboxes.annotation(&event.user, of, SCRIPT).await?;
            if name.is_some() {
                break;
            }
        }
        let Some(name) = name.and_then(|name| String::from_utf8(name).ok()).filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let scripts = rows::list_with_content(&mut ground.database.read_alone().await?, event.user.id).await?;
        let personal: HashMap<String, Vec<u8>> = scripts.into_iter().map(|(script, text)| (script.name, text)).collect();
        let inner = Arc::clone(&self.inner);
        let compiled = blocking(move || Ok(inner.compile(&name, personal))).await?;
        Ok(compiled.map(Arc::new))
    }

    /// What becomes of one message of the event, and the message. Errors: TryLater.
    pub async fn decide_stored(
        &self,
        _: &Turn<'_>,
        event: &Event,
        program: &Arc<Program>,
        (octets, flags): (Vec<u8>, Vec<String>),
    ) -> Result<(Message, Decision), Refusal> {
        let settings = Arc::new(Settings {
            username: event.user.login.clone(),
            user_address: event.user.address.as_ref().map(ToString::to_string),
            default_mailbox: event.mailbox.info().name.to_string(),
            now: self.inner.ground.clock.now(),
            ..self.inner.ground.settings()
        });
        let (inner, program, event, handle) = (Arc::clone(&self.inner), Arc::clone(program), event.clone(), Handle::current());
        blocking(move || {
            let verdict = Verdict::default();
            let mut around = Surroundings {
                event: Some(&event),
                ..Surroundings::new(inner, handle, Arc::clone(&event.user), &verdict)
            };
            // RFC 6785 §3.8: there is no envelope.
            let mut state = State::new(Message::new(octets), Envelope::default(), settings);
            state.outcome.flags.clone_from(&flags);
            let before = state.clone();
            let message = state.message.clone();
            let mut problems = Vec::new();
            if let Err(problem) = run(&program, &mut around, &mut state) {
                state = before;
                problems.push(problem);
            }
            problems.append(&mut state.warnings);
            let effects = effects(&mut state, &mut around);
            Ok(match around.failure {
                Some(refusal) => Err(refusal),
                None => Ok((
                    message,
                    Decision {
                        effects,
                        problems,
                        seen: around.seen,
                    },
                )),
            })
        })
        .await?
    }
}
