//! From what a script decided to what is to be done: messages to store and to send. Who called the script does it.

mod notice;
mod redirect;
mod rejection;
mod vacation;

use super::address::envelope;
use super::message::Message;
use super::outcome::{Action, Store};
use super::run::State;
use super::settings::{Sender, Settings};
use super::world::{Seen, World};

/// Something to be done.
#[derive(Debug, Clone)]
pub enum Effect {
    /// The message goes into a mailbox.
    Store(Store),
    /// A message is sent.
    Send(Outgoing),
    /// The sender is told that the message is not taken: in the SMTP dialogue, or by the message if there is one.
    Reject {
        /// Why.
        reason: String,
        /// Rather in the SMTP dialogue (RFC 5429 §2.1).
        in_protocol: bool,
        /// The message for the sender; none for the null sender.
        notice: Option<Outgoing>,
    },
    /// Nothing is done, for this reason, which is of interest to who looks for it.
    Nothing(String),
}

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The sender in the envelope; empty is the null sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The message, or what goes before the one that is redirected.
    pub text: Vec<u8>,
    /// The message that is redirected.
    pub redirected: Option<Message>,
    /// What it is.
    pub purpose: Purpose,
}

impl Outgoing {
    /// The whole message.
    pub fn octets(&self) -> Vec<u8> {
        match &self.redirected {
            Some(message) => [&self.text, message.header(), message.body()].concat(),
            None => self.text.clone(),
        }
    }
}

/// What a message that a script sends is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The message itself, for somebody else: it must not get lost.
    Redirect,
    /// A vacation reply, which is sent only if nobody else has remembered this meanwhile (RFC 5230 §4.2).
    Reply(Seen),
    /// A notification.
    Notification,
    /// What the sender of a rejected message is told.
    Rejection,
}

/// What is to be done of the actions that have not been done yet; they count as done then. Only for a script that has ended well: what
/// it has seen the world remembers; to whom it replies it is to remember when that is sent.
pub fn effects(state: &mut State, world: &mut dyn World) -> Vec<Effect> {
    std::mem::take(&mut state.seen).iter().for_each(|seen| world.remember(seen));
    let mut out = Vec::new();
    let mut told = Vec::new();
    let actions: Vec<Action> = state.outcome.actions.iter().skip(state.outcome.done).cloned().collect();
    for action in actions {
        match action {
            Action::Keep(store) | Action::Fileinto(store) => out.push(Effect::Store(store)),
            Action::Discard => {}
            Action::Redirect { to, message } => out.extend(redirect::effects(state, &to, &message)),
            Action::Reject { reason, in_protocol } => out.push(Effect::Reject {
                notice: rejection::notice(state, &reason),
                reason,
                in_protocol,
            }),
            Action::Vacation(reply) => out.push(vacation::effect(state, world, reply)),
            Action::Notify(notification) => out.extend(notice::effects(state, &notification, &mut told)),
        }
    }
    state.outcome.done = state.outcome.actions.len();
    if !state.outcome.keep_is_cancelled {
        out.push(Effect::Store(kept(state, state.message.clone())));
    }
    out
}

/// The implicit keep (RFC 5228 §2.10.2) of this form of the message.
pub fn kept(state: &State, message: Message) -> Store {
    Store {
        mailbox: state.settings.default_mailbox.clone(),
        mailbox_id: None,
        special_use: None,
        create: false,
        flags: state.outcome.flags.clone(),
        message,
    }
}

/// The address that a setting names.
fn sender(sender: &Sender, state: &State, settings: &Settings) -> String {
    let envelope = &state.envelope;
    match sender {
        Sender::Sender => envelope.from.clone(),
        Sender::Recipient => envelope.to.clone(),
        Sender::OriginalRecipient => envelope.original_to.clone().unwrap_or_else(|| envelope.to.clone()),
        Sender::User => user(state),
        Sender::Postmaster => postmaster(settings),
        Sender::Explicit(address) => address.clone(),
    }
}

/// The user's address: the one that is set, else the one that the message came to.
fn user(state: &State) -> String {
    state.settings.user_address.clone().unwrap_or_else(|| state.envelope.to.clone())
}

fn postmaster(settings: &Settings) -> String {
    format!("postmaster@{}", settings.hostname)
}

/// Whether the addresses are the same; their case does not count.
fn is_same(left: &str, right: &str) -> bool {
    match (envelope(left), envelope(right)) {
        (Some(left), Some(right)) => left.local.eq_ignore_ascii_case(&right.local) && left.domain.eq_ignore_ascii_case(&right.domain),
        _ => false,
    }
}

/// The text, cut off with an ellipsis where it is longer than so many characters.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['\u{2026}']).collect(),
    }
}

/// Whether the message was made by a program (RFC 3834 §5).
fn is_automatic(message: &Message) -> bool {
    let says = message.values("Auto-Submitted");
    says.iter()
        .any(|value| !value.split(';').next().unwrap_or(value).trim().eq_ignore_ascii_case("no"))
}
