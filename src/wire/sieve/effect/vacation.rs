//! Vacation replies: to whom (RFC 5230 §4.5, §4.6, RFC 3834 §2), how often (§4.2), and what they say (§5).

use super::rejection::unique;
use super::{Effect, Outgoing, Purpose, envelope, is_automatic, is_same, shortened, user};
use crate::wire::message::compose::{date, encoded_words, header, message_id};
use crate::wire::message::structure::{Address, addresses};
use crate::wire::sieve::address::{mailboxes, outgoing};
use crate::wire::sieve::message::{Message, raw_values};
use crate::wire::sieve::outcome::Reply;
use crate::wire::sieve::run::State;
use crate::wire::sieve::world::{Seen, World};

/// The reply, or why there is none.
pub(super) fn effect(state: &State, world: &mut dyn World, reply: Reply) -> Effect {
    let own = own_addresses(state, &reply);
    let named = match recipient(state, &reply, &own) {
        Ok(named) => named,
        Err(reason) => return Effect::Nothing(format!("no vacation reply: {reason}")),
    };
    let seen = Seen {
        handle: format!("vacation {}", reply.handle),
        id: state.envelope.from.to_lowercase().into_bytes(),
        seconds: reply.seconds,
        last: false,
    };
    if world.was_seen(&seen) {
        return Effect::Nothing("no vacation reply: the sender has got one already".into());
    }
    let from = if state.settings.vacation.send_from_recipient {
        state.envelope.to.clone()
    } else {
        String::new()
    };
    Effect::Send(Outgoing {
        from,
        to: state.envelope.from.clone(),
        text: spelled(state, &reply, &named),
        redirected: None,
        purpose: Purpose::Reply(seen),
    })
}

/// All addresses that are the user's.
fn own_addresses(state: &State, reply: &Reply) -> Vec<String> {
    let settings = &state.settings;
    let mut own: Vec<String> = settings.user_address.iter().cloned().collect();
    own.push(state.envelope.to.clone());
    if settings.vacation.use_original_recipient {
        own.extend(state.envelope.original_to.clone());
    }
    own.extend(settings.other_addresses.iter().cloned());
    own.extend(
        reply
            .addresses
            .iter()
            .map(|address| outgoing(address).unwrap_or_else(|_| address.clone())),
    );
    own.retain(|address| !address.is_empty());
    own
}

/// The address of the user that the message was sent to; else why nobody gets a reply.
fn recipient(state: &State, reply: &Reply, own: &[String]) -> Result<String, String> {
    let (sender, message) = (&state.envelope.from, &state.message);
    if sender.is_empty() {
        return Err("the message is from the null sender".into());
    }
    if own.iter().any(|address| is_same(address, sender)) {
        return Err("the message is from the user".into());
    }
    if is_system(sender) {
        return Err(format!("{sender} is no person"));
    }
    if let Some(field) = suppressing_field(message) {
        return Err(format!("the field {field} asks for none"));
    }
    // RFC 5230 §4.5: one of the user's addresses stands in the header.
    let fields = ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"];
    let named = fields
        .iter()
        .flat_map(|name| raw_values(message.header(), name))
        .flat_map(|value| mailboxes(&String::from_utf8_lossy(&value)));
    let named: Vec<String> = named.map(|address| address.to_string()).collect();
    let found = own.iter().find(|own| named.iter().any(|address| is_same(address, own)));
    match found {
        Some(address) => Ok(address.clone()),
        None if !state.settings.vacation.check_recipient => Ok(user(state)),
        None => Err(format!(
            "none of the user's addresses ({}) is a recipient that the header names",
            [own, &reply.addresses].concat().join(", ")
        )),
    }
}

/// RFC 3834 §2: addresses of programs.
fn is_system(sender: &str) -> bool {
    let local = envelope(sender)
        .map(|address| address.local.to_ascii_lowercase())
        .unwrap_or_default();
    let names = ["mailer-daemon", "listserv", "majordomo", "noreply", "no-reply"];
    names.contains(&local.as_str())
        || local.starts_with("owner-")
        || local.ends_with("-request")
        || local.ends_with("-owner")
        || local.ends_with("-bounces")
}

/// The field by which the message asks for no reply.
fn suppressing_field(message: &Message) -> Option<&'static str> {
    // RFC 3834 §2 and RFC 2919, RFC 2369: mail of lists.
    let lists = [
        "List-Id",
        "List-Help",
        "List-Subscribe",
        "List-Unsubscribe",
        "List-Post",
        "List-Owner",
        "List-Archive",
    ];
    if let Some(field) = lists.into_iter().find(|name| !message.values(name).is_empty()) {
        return Some(field);
    }
    if is_automatic(message) {
        return Some("Auto-Submitted");
    }
    let has_word = |name: &str, words: &[&str]| {
        let values = message.values(name);
        values
            .iter()
            .flat_map(|value| value.split(','))
            .any(|word| words.iter().any(|it| it.eq_ignore_ascii_case(word.trim())))
    };
    if has_word("Precedence", &["bulk", "junk", "list"]) {
        return Some("Precedence");
    }
    // Microsoft's way to ask for none ([MS-OXCMAIL] §2.1.3.2.20).
    has_word("X-Auto-Response-Suppress", &["All", "OOF", "AutoReply"]).then_some("X-Auto-Response-Suppress")
}

/// The whole message; `named` is the address of the user that the message was sent to.
fn spelled(state: &State, reply: &Reply, named: &str) -> Vec<u8> {
    let settings = &state.settings;
    let mut out = Vec::new();
    header(&mut out, "X-Sieve", "Posthouse Sieve");
    header(&mut out, "Message-ID", &message_id(&unique(state, "vacation"), &settings.hostname));
    header(&mut out, "Date", &date(settings.now));
    match reply.from.as_deref().map(shown) {
        Some(from) => header(&mut out, "From", &from),
        None => header(&mut out, "From", &format!("<{named}>")),
    }
    header(&mut out, "To", &to(state));
    header(&mut out, "Subject", &encoded_words(&subject(state, reply)));
    // RFC 5230 §5.8.
    let ids = |name: &str| state.message.values(name).into_iter().next().filter(|id| id.contains('<'));
    if let Some(id) = ids("Message-ID") {
        header(&mut out, "In-Reply-To", &id);
        let earlier = ids("References")
            .or_else(|| ids("In-Reply-To"))
            .map(|ids| format!("{ids} "))
            .unwrap_or_default();
        header(&mut out, "References", &format!("{earlier}{id}"));
    }
    header(&mut out, "Auto-Submitted", "auto-replied (vacation)");
    header(&mut out, "Precedence", "bulk");
    // So that Microsoft's servers do not answer in their turn.
    header(&mut out, "X-Auto-Response-Suppress", "All");
    header(&mut out, "MIME-Version", "1.0");
    if !reply.mime {
        header(&mut out, "Content-Type", "text/plain; charset=utf-8");
        header(&mut out, "Content-Transfer-Encoding", "8bit");
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(&reply.reason);
    if !out.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// RFC 5230 §5.1: the script's, else one that quotes the message's.
fn subject(state: &State, reply: &Reply) -> String {
    let settings = &state.settings.vacation;
    let original = state
        .message
        .values("Subject")
        .into_iter()
        .next()
        .filter(|subject| !subject.is_empty());
    let subject = match (&reply.subject, original) {
        (Some(subject), _) => subject.clone(),
        (None, Some(original)) if settings.subject_template.is_empty() => format!("Auto: {original}"),
        (None, Some(original)) => settings.subject_template.replace("%{subject}", &original).replace("%$", &original),
        (None, None) if settings.default_subject.is_empty() => "Automated reply".into(),
        (None, None) => settings.default_subject.clone(),
    };
    shortened(&subject, settings.most_subject)
}

/// The sender as the message names them, with their name (RFC 5230 §5.5).
fn to(state: &State) -> String {
    let sender = &state.envelope.from;
    for name in ["Sender", "From"] {
        for value in raw_values(state.message.header(), name) {
            for address in addresses(&value) {
                let text = spelled_address(&address);
                let is_sender = mailboxes(&text)
                    .first()
                    .is_some_and(|address| is_same(&address.to_string(), sender));
                if !text.is_empty() && (is_sender || state.settings.vacation.to_ignores_envelope) {
                    return text;
                }
            }
        }
    }
    format!("<{sender}>")
}

/// The address with its name, as it can stand in a header.
fn shown(address: &str) -> String {
    addresses(address.as_bytes()).first().map(spelled_address).unwrap_or_default()
}

fn spelled_address(address: &Address) -> String {
    let Address::Mailbox { name, local, domain, .. } = address else {
        return String::new();
    };
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let bare = crate::wire::sieve::address::Mailbox {
        local: text(local),
        domain: text(domain),
    };
    match name.as_deref().map(text).filter(|name| !name.is_empty()) {
        None => format!("<{bare}>"),
        Some(name) if name.is_ascii() && !name.contains("=?") => {
            format!("\"{}\" <{bare}>", name.replace('\\', "\\\\").replace('"', "\\\""))
        }
        Some(name) if name.is_ascii() => format!("{name} <{bare}>"),
        Some(name) => format!("{} <{bare}>", encoded_words(&name)),
    }
}
