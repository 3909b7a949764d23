//! The lines that a message gets on its way in.
//!
//! RFC 5321 §4.4 (Return-Path, Received), RFC 3848 §2 (the protocol after `with`).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Origin;
use crate::model::address::EmailAddress;
use crate::model::envelope::ReversePath;
use crate::model::ids::MailId;

/// The Return-Path line of a message at its final delivery.
pub(super) fn return_path(path: &ReversePath) -> String {
    format!("Return-Path: <{path}>\r\n")
}

/// The Received line. `only` is the recipient, if there is one only: several would tell them of each other (RFC 5321 §7.6).
pub(super) fn received(origin: &Origin, hostname: &str, id: MailId, only: Option<&EmailAddress>, now: Timestamp) -> String {
    let mut line = String::from("Received: from ");
    line.push_str(origin.helo.as_deref().filter(|helo| !helo.is_empty()).unwrap_or("unknown"));
    // The address of a user's own machine is nobody's business but theirs.
    match (origin.peer, &origin.user) {
        (Some(peer), None) if peer.is_ipv6() => line.push_str(&format!(" ([IPv6:{peer}])")),
        (Some(peer), None) => line.push_str(&format!(" ([{peer}])")),
        _ => {}
    }
    if let Some(tls) = &origin.tls {
        line.push_str(&format!("\r\n\t(using {tls})"));
    }
    line.push_str(&format!("\r\n\tby {hostname} (Posthouse) with {} id {id}", origin.protocol));
    if let Some(only) = only {
        line.push_str(&format!("\r\n\tfor <{only}>"));
    }
    line.push_str(&format!(";\r\n\t{}\r\n", date(now)));
    line
}

/// RFC 5322 §3.3, in UTC.
pub(super) fn date(now: Timestamp) -> String {
    jiff::fmt::rfc2822::to_string(&now.to_zoned_datetime(TimeZone::UTC)).unwrap_or_else(|_| "Thu, 1 Jan 1970 00:00:00 +0000".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn received_says_who_how_and_when() {
        let mut origin = Origin {
            protocol: "ESMTPS",
            peer: Some("192.0.2.7".parse().unwrap()),
            helo: Some("client.test".into()),
            tls: Some("TLS1.3 TLS_AES_256_GCM_SHA384".into()),
            ..Origin::ours()
        };
        let to = EmailAddress::parse("bob@house.test").unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(
            received(&origin, "mail.house.test", MailId(7), Some(&to), now),
            "Received: from client.test ([192.0.2.7])\r\n\t(using TLS1.3 TLS_AES_256_GCM_SHA384)\r\n\tby mail.house.test (Posthouse) with ESMTPS \
             id 0000000000007\r\n\tfor <bob@house.test>;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
        );
        origin.peer = None;
        origin.tls = None;
        origin.helo = None;
        assert!(received(&origin, "h", MailId(7), None, now).starts_with("Received: from unknown\r\n\tby h (Posthouse)"));
    }
}
