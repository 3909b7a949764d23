//! What a status code means to a person who sent a message, and what they can do.
//!
//! RFC 3463 §3 (the codes), RFC 7372 §3 and RFC 7505 §4 (later codes).

use jiff::Timestamp;

/// A sentence or two for an enhanced status code.
pub(super) fn advice(status: &str) -> &'static str {
    let (class, code) = status.split_once('.').unwrap_or((status, ""));
    match (class, code) {
        (_, "1.0" | "1.1" | "1.3" | "1.6") => "There is no such address. Check its spelling, or ask the recipient for the right one.",
        (_, "1.2") => "The part of the address after the @ does not exist. Check its spelling.",
        (_, "1.10") => "The part of the address after the @ takes no mail. Check its spelling, or reach the recipient another way.",
        (_, "2.1") => "The recipient's mailbox is switched off.",
        (_, "2.2") => "The recipient's mailbox is full. Send it again later, or reach the recipient another way.",
        (_, "2.3" | "3.4") => {
            "The message is too large for the receiving server. Send it in smaller parts, or share large files another way."
        }
        (_, "6.7") => "The receiving server does not take addresses with letters like these. Use another address of the recipient.",
        ("5", "3.0") => "A fault of this server. Please send the message again.",
        (_, "4.6") => "The receiving domain's settings send mail in a circle. Its administrator must mend that.",
        ("5", "4.4") => "No mail server can be found for the part of the address after the @. Check its spelling.",
        ("4", "4.3") => "The part of the address after the @ could not be looked up.",
        ("4", "4.1" | "4.2") => "The receiving server could not be reached.",
        (_, "7.5" | "7.10" | "7.11") => "No secure connection to the receiving server could be made.",
        ("5", code) if code.starts_with("7.") => "The receiving server refused the message by its rules. Its words below may say why.",
        ("4", _) => "The receiving server did not take the message.",
        _ => "The receiving server refused the message.",
    }
}

/// A span of time in the words of people.
pub(super) fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    let (count, unit) = match seconds {
        172_800.. => (seconds / 86_400, "day"),
        7200.. => (seconds / 3600, "hour"),
        120.. => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said() {
        for (seconds, said) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (300, "5 minutes"),
            (7200, "2 hours"),
            (432_000, "5 days"),
        ] {
            let to = Timestamp::from_second(seconds).unwrap();
            assert_eq!(span(Timestamp::UNIX_EPOCH, to), said);
        }
    }

    #[test]
    fn every_text_has_an_advice() {
        for status in ["5.1.1", "5.7.1", "4.4.1", "5.0.0", "", "x", "5", "5.9.9.9"] {
            assert!(advice(status).ends_with('.'));
        }
    }
}
