//! Redirected messages (RFC 5228 §4.2), kept out of loops (§10).

use super::{Effect, Outgoing, Purpose, is_same, kept, sender, user};
use crate::wire::sieve::message::Message;
use crate::wire::sieve::run::State;

/// Names the users who have redirected the message.
const MARK: &str = "X-Sieve-Redirected-From";
/// Users who may redirect a message, one after the other.
const HOPS: usize = 5;

/// The message on its way; or kept, if this user has redirected it before.
pub(super) fn effects(state: &State, to: &str, message: &Message) -> Vec<Effect> {
    let (user, envelope) = (user(state), &state.envelope);
    let marks = message.values(MARK);
    if marks
        .iter()
        .any(|mark| is_same(mark.trim_matches(['<', '>']), &user) || is_same(mark.trim_matches(['<', '>']), &envelope.to))
    {
        let reason = format!("the message is in a loop: {user} has redirected it already");
        return vec![Effect::Nothing(reason), Effect::Store(kept(state, message.clone()))];
    }
    if marks.len() >= HOPS {
        let reason = format!("the message was redirected by {HOPS} users already");
        return vec![Effect::Nothing(reason), Effect::Store(kept(state, message.clone()))];
    }
    // RFC 5228 §4.2: mail from the null sender stays so.
    let from = match envelope.from.is_empty() {
        true => String::new(),
        false => sender(&state.settings.redirect_sender, state, &state.settings),
    };
    let mark = format!("{MARK}: <{}>\r\n", user.replace(['\r', '\n'], " "));
    vec![Effect::Send(Outgoing {
        from,
        to: to.to_owned(),
        text: mark.into_bytes(),
        redirected: Some(message.clone()),
        purpose: Purpose::Redirect,
    })]
}
