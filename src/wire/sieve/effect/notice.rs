//! Notifications by mail (RFC 5436 §2).

use super::rejection::unique;
use super::{Effect, Outgoing, Purpose, is_automatic, postmaster, sender, shortened, user};
use crate::wire::message::compose::{date, encoded_words, header, message_id};
use crate::wire::sieve::address::outgoing;
use crate::wire::sieve::notify_method::{Mailto, Method, Recipient};
use crate::wire::sieve::outcome::Notification;
use crate::wire::sieve::run::State;

/// Characters of a subject.
const SUBJECT: usize = 256;

/// A message for each recipient who is not told already; `told` are those who are.
pub(super) fn effects(state: &State, notification: &Notification, told: &mut Vec<String>) -> Vec<Effect> {
    let Ok(Method::Mailto(mut mailto)) = Method::parse(&notification.method) else {
        return vec![Effect::Nothing(format!(
            "no notification: {} is no method that there is",
            notification.method
        ))];
    };
    // RFC 5436 §2.7.1: no notification of what a program made.
    if is_automatic(&state.message) {
        return vec![Effect::Nothing("no notification: the message was made by a program".into())];
    }
    for list in [&mut mailto.to, &mut mailto.cc] {
        list.retain(|recipient| {
            let is_new = !told.iter().any(|known| known.eq_ignore_ascii_case(&recipient.address));
            if is_new {
                told.push(recipient.address.clone());
            }
            is_new
        });
    }
    let from = envelope_sender(state, notification);
    let message = spelled(state, notification, &mailto);
    let recipients = mailto.to.iter().chain(&mailto.cc);
    recipients
        .map(|recipient| {
            Effect::Send(Outgoing {
                from: from.clone(),
                to: recipient.address.clone(),
                text: message.clone(),
                redirected: None,
                purpose: Purpose::Notification,
            })
        })
        .collect()
}

/// RFC 5436 §2.2: what comes from the null sender makes nothing that could be answered.
fn envelope_sender(state: &State, notification: &Notification) -> String {
    if state.envelope.from.is_empty() {
        return String::new();
    }
    let settings = &state.settings;
    match &settings.notify.sender {
        Some(from) => sender(from, state, settings),
        None => notification
            .from
            .as_deref()
            .and_then(|from| outgoing(from).ok())
            .unwrap_or_else(|| postmaster(settings)),
    }
}

fn spelled(state: &State, notification: &Notification, mailto: &Mailto) -> Vec<u8> {
    let settings = &state.settings;
    let mut out = Vec::new();
    header(&mut out, "X-Sieve", "Posthouse Sieve");
    header(&mut out, "Message-ID", &message_id(&unique(state, "notify"), &settings.hostname));
    header(&mut out, "Date", &date(settings.now));
    match &notification.from {
        Some(from) => header(&mut out, "From", &encoded_words(from)),
        None => header(&mut out, "From", &format!("Postmaster <{}>", postmaster(settings))),
    }
    for (name, list) in [("To", &mailto.to), ("Cc", &mailto.cc)] {
        if !list.is_empty() {
            let shown: Vec<&str> = list.iter().map(|Recipient { shown, .. }| shown.as_str()).collect();
            header(&mut out, name, &shown.join(", "));
        }
    }
    header(
        &mut out,
        "Subject",
        &encoded_words(&shortened(&subject(state, notification, mailto), SUBJECT)),
    );
    for (name, value) in &mailto.fields {
        header(&mut out, name, &encoded_words(value));
    }
    // RFC 3834 §5.2, RFC 5436 §2.7.1.
    header(
        &mut out,
        "Auto-Submitted",
        &format!("auto-notified; owner-email=\"{}\"", user(state)),
    );
    header(&mut out, "Precedence", "bulk");
    let (priority, importance) = match notification.importance {
        1 => ("1 (High)", "High"),
        3 => ("5 (Low)", "Low"),
        _ => ("3 (Normal)", "Normal"),
    };
    header(&mut out, "X-Priority", priority);
    header(&mut out, "Importance", importance);
    header(&mut out, "MIME-Version", "1.0");
    header(&mut out, "Content-Type", "text/plain; charset=utf-8");
    header(&mut out, "Content-Transfer-Encoding", "8bit");
    let body = mailto
        .body
        .as_deref()
        .or(notification.message.as_deref())
        .unwrap_or("Notification of a new message.");
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.as_bytes());
    out.extend_from_slice(b"\r\n");
    out
}

/// RFC 5436 §2.4: the URI's, else the script's text, else what the message says.
fn subject(state: &State, notification: &Notification, mailto: &Mailto) -> String {
    let original = || {
        let subject = state.message.values("Subject").into_iter().next().unwrap_or_default();
        format!("Notification: {subject}")
    };
    mailto
        .subject
        .clone()
        .or_else(|| notification.message.clone())
        .unwrap_or_else(original)
}
