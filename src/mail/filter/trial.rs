//! What a script would do with a message, without doing it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::Beside;
use crate::model::clock::Clock;
use crate::wire::sieve::{Action, Effect, Envelope, Message, NoWorld, Problem, Settings, State, compile, effects, run};

/// What came of a script.
#[derive(Debug)]
pub struct Trial {
    /// What it would do, in order.
    pub decisions: Vec<TrialDecision>,
    /// What went wrong while it ran; the last one ended it, if it was ended.
    pub problems: Vec<Problem>,
    /// It was ended by an error: the message is kept as it came.
    pub is_broken: bool,
}

/// Something that a script would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialDecision {
    /// A word: `keep`, `fileinto`, `redirect`, `discard`, `reject`, `vacation`, `notify`.
    pub action: &'static str,
    /// The mailbox, address or reason.
    pub target: String,
    /// Flags of a message that is stored.
    pub flags: Vec<String>,
    /// Why nothing comes of it, such as of a vacation reply to a list.
    pub note: Option<String>,
}

/// Runs the script on the message. All its mistakes if it is wrong.
pub fn try_out(script: &Path, message: &Path, envelope: Envelope, clock: &Clock) -> io::Result<Result<Trial, Vec<Problem>>> {
    let text = std::fs::read(script)?;
    let octets = std::fs::read(message)?;
    let settings = Arc::new(Settings {
        now: clock.now(),
        ..Settings::default()
    });
    let name = script.display().to_string();
    let program = match compile(&name, &text, &settings, &Beside::new(script)) {
        Ok(program) => program,
        Err(problems) => return Ok(Err(problems)),
    };
    let mut state = State::new(Message::new(octets), envelope, settings);
    let mut world = NoWorld;
    let fault = run(&program, &mut world, &mut state).err();
    let mut problems = std::mem::take(&mut state.warnings);
    let is_broken = fault.is_some();
    problems.extend(fault);
    let decisions = match is_broken {
        true => vec![kept(&state, "an error ended the script")],
        false => decisions(&mut state, &mut world),
    };
    Ok(Ok(Trial {
        decisions,
        problems,
        is_broken,
    }))
}

fn decisions(state: &mut State, world: &mut NoWorld) -> Vec<TrialDecision> {
    let mut out: Vec<TrialDecision> = state.outcome.actions.iter().map(decision).collect();
    if !state.outcome.keep_is_cancelled {
        out.push(kept(state, "implicit"));
    }
    // A reply or redirection may come to nothing for reasons that the script does not see.
    let reasons = effects(state, world).into_iter().filter_map(|effect| match effect {
        Effect::Nothing(reason) => Some(reason),
        _ => None,
    });
    let notes: Vec<TrialDecision> = reasons
        .map(|reason| TrialDecision {
            action: "nothing",
            target: String::new(),
            flags: Vec::new(),
            note: Some(reason),
        })
        .collect();
    out.extend(notes);
    out
}

fn kept(state: &State, why: &str) -> TrialDecision {
    TrialDecision {
        action: "keep",
        target: "INBOX".into(),
        flags: state.outcome.flags.clone(),
        note: Some(why.to_owned()),
    }
}

fn decision(action: &Action) -> TrialDecision {
    let (name, target, flags) = match action {
        Action::Keep(store) => ("keep", store.mailbox.clone(), store.flags.clone()),
        Action::Fileinto(store) => ("fileinto", store.mailbox.clone(), store.flags.clone()),
        Action::Redirect { to, .. } => ("redirect", to.clone(), Vec::new()),
        Action::Discard => ("discard", String::new(), Vec::new()),
        Action::Reject { reason, .. } => ("reject", reason.clone(), Vec::new()),
        Action::Vacation(reply) => ("vacation", String::from_utf8_lossy(&reply.reason).into_owned(), Vec::new()),
        Action::Notify(notification) => ("notify", notification.method.clone(), Vec::new()),
    };
    TrialDecision {
        action: name,
        target,
        flags,
        note: None,
    }
}
