//! What becomes of a message, by the scripts of the server and of its user.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::globals::Around;
use super::programs::Programs;
use super::surroundings::Surroundings;
use super::{Filters, Inner, Turn};
use crate::mail::mailbox::blocking;
use crate::model::account::User;
use crate::model::refusal::Refusal;
use crate::model::verdict::Verdict;
use crate::store::db::filters as rows;
use crate::wire::sieve::{Action, Effect, Envelope, Extension, Message, Problem, Program, Seen, Settings, State, effects, run};

/// The most aliases that count as addresses of a user.
const MOST_ALIASES: i64 = 200;

/// A message that goes through scripts.
pub struct Mail {
    /// As it would be stored.
    pub octets: Vec<u8>,
    /// The sender in the envelope; empty is the null sender.
    pub from: String,
    /// Who logged in to send it.
    pub auth: Option<String>,
    /// The peer it came from.
    pub peer: Option<IpAddr>,
    /// What that called itself.
    pub helo: Option<String>,
    /// What the checks have found.
    pub verdict: Arc<Verdict>,
}

/// A user it is for.
pub struct Case {
    /// Who.
    pub user: Arc<User>,
    /// The recipient as it was given, with its detail.
    pub to: String,
    /// The recipient before that, if the sender's server told (RFC 3461 §4.2).
    pub original_to: Option<String>,
    /// The mailbox of `keep` and of what nothing is said of.
    pub mailbox: String,
}

/// What becomes of it for this user.
#[derive(Debug)]
pub struct Decision {
    /// What is to be done.
    pub effects: Vec<Effect>,
    /// What went wrong, if anything did.
    pub problems: Vec<Problem>,
    /// What is to be remembered once it is done.
    pub seen: Vec<Seen>,
}

impl Filters {
    /// Runs the scripts of these users on the message: it as it came, and one decision each. Errors: TryLater.
    pub async fn decide(&self, _: &Turn<'_>, mail: Mail, cases: Vec<Case>) -> Result<(Message, Vec<Decision>), Refusal> {
        let inner = &self.inner;
        let globals = {
            let inner = Arc::clone(inner);
            blocking(move || Ok(inner.globals.now())).await?
        };
        let mut jobs = Vec::with_capacity(cases.len());
        for case in cases {
            let programs = inner.programs(&case.user, &globals.edition).await?;
            let settings = inner.settings_of(&case, programs.as_deref(), &globals).await?;
            jobs.push((case, programs, settings));
        }
        let (inner, handle) = (Arc::clone(inner), Handle::current());
        blocking(move || {
            let message = Message::new(mail.octets);
            let mut decisions = Vec::with_capacity(jobs.len());
            for (case, programs, settings) in jobs {
                let around = Surroundings {
                    peer: mail.peer,
                    helo: mail.helo.as_deref(),
                    ..Surroundings::new(Arc::clone(&inner), handle.clone(), Arc::clone(&case.user), &mail.verdict)
                };
                let envelope = Envelope {
                    from: mail.from.clone(),
                    to: case.to,
                    original_to: case.original_to,
                    auth: mail.auth.clone(),
                };
                let state = State::new(message.clone(), envelope, settings);
                match decide(around, state, programs.as_deref(), &globals) {
                    Ok(decision) => decisions.push(decision),
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
            Ok(Ok((message, decisions)))
        })
        .await?
    }
}

impl Inner {
    /// The settings for a user. Their aliases are looked up where a script may reply.
    async fn settings_of(&self, case: &Case, programs: Option<&Programs>, globals: &Around) -> Result<Arc<Settings>, Refusal> {
        let address = case.user.address.as_ref().map(ToString::to_string);
        let active = programs.and_then(|programs| programs.active.as_ref()?.as_ref().ok());
        let all = globals.before.iter().chain(&globals.after).chain(active);
        let replies = programs.is_some_and(|it| it.absence.is_some()) || all.into_iter().any(|it| it.uses(Extension::Vacation));
        let other_addresses = match &address {
            Some(address) if replies => {
                let mut tx = self.ground.database.read_alone().await?;
                rows::aliases_to(&mut tx, address, MOST_ALIASES).await?
            }
            _ => Vec::new(),
        };
        Ok(Arc::new(Settings {
            username: case.user.login.clone(),
            user_address: address,
            other_addresses,
            default_mailbox: case.mailbox.clone(),
            now: self.ground.clock.now(),
            ..self.ground.settings()
        }))
    }
}

fn decide(mut around: Surroundings<'_>, mut state: State, programs: Option<&Programs>, globals: &Around) -> Result<Decision, Refusal> {
    let mut problems = Vec::new();
    let active = match programs.and_then(|programs| programs.active.as_ref()) {
        Some(Ok(program)) => Some(program),
        Some(Err(wrong)) => {
            problems.extend(wrong.iter().cloned());
            None
        }
        None => None,
    };
    let all = globals.before.iter().chain(active).chain(&globals.after);
    for (number, program) in all.enumerate() {
        if number > 0 && !state.outcome.hand_on() {
            break;
        }
        problems.extend(one(program, &mut around, &mut state));
    }
    if let Some((form, program)) = programs.and_then(|programs| programs.absence.as_ref())
        && problems.is_empty()
        && form.holds_at(state.settings.now)
        && !around.verdict.is_junk
        && is_taken(&state)
    {
        problems.extend(reply(program, &mut around, &mut state));
    }
    problems.append(&mut state.warnings);
    let effects = effects(&mut state, &mut around);
    match around.failure {
        Some(refusal) => Err(refusal),
        None => Ok(Decision {
            effects,
            problems,
            seen: around.seen,
        }),
    }
}

/// Runs one of the scripts in a row. What one that goes wrong has decided does not count (RFC 5228 §2.10.6).
fn one(program: &Program, around: &mut Surroundings<'_>, state: &mut State) -> Option<Problem> {
    let before = state.clone();
    let problem = run(program, around, state).err()?;
    *state = before;
    Some(problem)
}

/// Whether the message stays with the user, or goes where they want it.
fn is_taken(state: &State) -> bool {
    let actions = &state.outcome.actions;
    let refused = |action: &Action| matches!(action, Action::Reject { .. } | Action::Vacation(_));
    let taken = |action: &Action| matches!(action, Action::Keep(_) | Action::Fileinto(_) | Action::Redirect { .. });
    !actions.iter().any(refused) && (!state.outcome.keep_is_cancelled || actions.iter().any(taken))
}

/// Adds the reply of the form for an absence, which changes nothing else.
fn reply(program: &Program, around: &mut Surroundings<'_>, state: &mut State) -> Option<Problem> {
    let mut aside = State::new(state.original.clone(), state.envelope.clone(), Arc::clone(&state.settings));
    let problem = run(program, around, &mut aside).err();
    let replies = aside
        .outcome
        .actions
        .into_iter()
        .filter(|action| matches!(action, Action::Vacation(_)));
    state.outcome.actions.extend(replies);
    problem
}
