//! What a sender is told of a message that a script refuses (RFC 5429 §2.2; RFC 8098 for its form).

use super::{Outgoing, Purpose, postmaster};
use crate::wire::message::compose::{date, encoded_words, header, message_id};
use crate::wire::sieve::run::State;

/// The message for the sender; none for the null sender (RFC 5429 §2.2.1).
pub(super) fn notice(state: &State, reason: &str) -> Option<Outgoing> {
    let (settings, to) = (&state.settings, state.envelope.from.clone());
    if to.is_empty() {
        return None;
    }
    let unique = unique(state, "reject");
    let boundary = format!("report-{unique}");
    let mut out = Vec::new();
    header(&mut out, "Date", &date(settings.now));
    header(&mut out, "Message-ID", &message_id(&unique, &settings.hostname));
    header(&mut out, "From", &format!("Postmaster <{}>", postmaster(settings)));
    header(&mut out, "To", &format!("<{to}>"));
    let subject = state.message.values("Subject").into_iter().next().unwrap_or_default();
    header(&mut out, "Subject", &encoded_words(&format!("Rejected: {subject}")));
    header(&mut out, "Auto-Submitted", "auto-replied (rejected)");
    header(&mut out, "Precedence", "bulk");
    header(&mut out, "MIME-Version", "1.0");
    let report = format!("multipart/report; report-type=disposition-notification; boundary=\"{boundary}\"");
    header(&mut out, "Content-Type", &report);
    let recipient = &state.envelope.to;
    let original: Vec<String> = state
        .message
        .values("Message-ID")
        .into_iter()
        .take(1)
        .map(|id| format!("Original-Message-ID: {id}\r\n"))
        .collect();
    let text = format!(
        "\r\n--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         Your message to <{recipient}> was automatically rejected:\r\n{reason}\r\n\
         \r\n--{boundary}\r\nContent-Type: message/disposition-notification\r\n\r\n\
         Reporting-UA: {host}; Posthouse Sieve\r\nFinal-Recipient: rfc822; {recipient}\r\n{original}\
         Disposition: automatic-action/MDN-sent-automatically; deleted\r\n\
         \r\n--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n",
        host = settings.hostname,
        original = original.concat(),
    );
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(state.message.header());
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let from = String::new();
    Some(Outgoing {
        from,
        to,
        text: out,
        redirected: None,
        purpose: Purpose::Rejection,
    })
}

/// Something that no other message of this server has: of its time and what it answers.
pub(super) fn unique(state: &State, kind: &str) -> String {
    use sha2::{Digest, Sha256};
    let mut digest = Sha256::new();
    for part in [
        kind.as_bytes(),
        state.envelope.from.as_bytes(),
        state.envelope.to.as_bytes(),
        state.original.header(),
    ] {
        digest.update(part);
        digest.update([0]);
    }
    let octets: String = digest.finalize().iter().take(8).map(|octet| format!("{octet:02x}")).collect();
    format!("{kind}-{}-{octets}", state.settings.now.as_microsecond())
}
