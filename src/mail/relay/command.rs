//! The commands that we say to other servers.
//!
//! RFC 5321 §4.1.1 (commands), RFC 3461 §4 (DSN parameters, xtext), RFC 1870 §3 (SIZE), RFC 6152 §2 (BODY), RFC 6531 §3.4 (SMTPUTF8),
//! RFC 4616 §2 (PLAIN).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Parcel;
use super::offers::Offers;
use crate::model::envelope::{BodyType, Notify, Recipient, Ret, Sender};

/// What begins a message, where it can be said together: RSET if something is left of the one before, MAIL, and RCPT for each recipient.
pub(super) fn opening(parcel: &Parcel<'_>, offers: &Offers, size: u64, reset: bool) -> String {
    let mut commands = String::from(if reset { "RSET\r\n" } else { "" });
    commands.push_str(&mail(parcel.sender, offers, size));
    for recipient in parcel.recipients {
        commands.push_str(&rcpt(recipient, offers));
    }
    commands
}

/// MAIL, with those parameters that the server offered to take. `size` is that of the message in octets.
pub(super) fn mail(sender: &Sender, offers: &Offers, size: u64) -> String {
    let mut line = format!("MAIL FROM:<{}>", sender.path);
    if offers.size {
        line.push_str(&format!(" SIZE={size}"));
    }
    if offers.eight_bit && (sender.body == BodyType::EightBitMime || sender.smtputf8) {
        line.push_str(" BODY=8BITMIME");
    }
    if offers.smtputf8 && sender.smtputf8 {
        line.push_str(" SMTPUTF8");
    }
    if offers.dsn {
        match sender.ret {
            Some(Ret::Full) => line.push_str(" RET=FULL"),
            Some(Ret::Headers) => line.push_str(" RET=HDRS"),
            None => {}
        }
        if let Some(envid) = &sender.envid {
            line.push_str(&format!(" ENVID={}", xtext(envid)));
        }
    }
    line.push_str("\r\n");
    line
}

/// RCPT, with the DSN parameters if the server offered to take them.
pub(super) fn rcpt(recipient: &Recipient, offers: &Offers) -> String {
    let mut line = format!("RCPT TO:<{}>", recipient.address);
    if offers.dsn {
        if let Some(notify) = recipient.notify {
            line.push_str(&format!(" NOTIFY={}", notify_words(notify)));
        }
        // The type before the semicolon is an atom, not xtext (RFC 3461 §4.2).
        if let Some((kind, address)) = recipient.orcpt.as_deref().and_then(|orcpt| orcpt.split_once(';'))
            && kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        {
            line.push_str(&format!(" ORCPT={kind};{}", xtext(address)));
        }
    }
    line.push_str("\r\n");
    line
}

/// RFC 4616 §2: the initial response of AUTH PLAIN.
pub(super) fn plain(username: &str, password: &str) -> String {
    STANDARD.encode(format!("\0{username}\0{password}"))
}

/// One answer of AUTH LOGIN.
pub(super) fn login(text: &str) -> String {
    STANDARD.encode(text)
}

fn notify_words(notify: Notify) -> String {
    let words = [(notify.success, "SUCCESS"), (notify.failure, "FAILURE"), (notify.delay, "DELAY")];
    let chosen: Vec<&str> = words.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
    if chosen.is_empty() { "NEVER".into() } else { chosen.join(",") }
}

/// RFC 3461 §4: what is not printable ASCII, and `+` and `=`, as `+` and two hexadecimal digits.
fn xtext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if (b'!'..=b'~').contains(&octet) && octet != b'+' && octet != b'=' {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("+{octet:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope::ReversePath;

    fn all() -> Offers {
        Offers {
            size: true,
            eight_bit: true,
            smtputf8: true,
            dsn: true,
            ..Offers::default()
        }
    }

    #[test]
    fn mail_has_what_the_server_takes() {
        let mut sender = Sender::plain(ReversePath::Address("ada@house.test".parse().unwrap()));
        assert_eq!(mail(&sender, &Offers::default(), 9), "MAIL FROM:<ada@house.test>\r\n");
        assert_eq!(mail(&sender, &all(), 9), "MAIL FROM:<ada@house.test> SIZE=9\r\n");
        sender.body = BodyType::EightBitMime;
        sender.smtputf8 = true;
        sender.ret = Some(Ret::Headers);
        sender.envid = Some("a+b c".into());
        assert_eq!(
            mail(&sender, &all(), 9),
            "MAIL FROM:<ada@house.test> SIZE=9 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb+20c\r\n"
        );
        assert_eq!(mail(&sender, &Offers::default(), 9), "MAIL FROM:<ada@house.test>\r\n");
        assert_eq!(mail(&Sender::plain(ReversePath::Null), &all(), 1), "MAIL FROM:<> SIZE=1\r\n");
    }

    #[test]
    fn rcpt_passes_on_what_was_asked_for() {
        let mut recipient = Recipient::plain("bob@remote.test".parse().unwrap());
        assert_eq!(rcpt(&recipient, &all()), "RCPT TO:<bob@remote.test>\r\n");
        recipient.notify = Some(Notify {
            success: true,
            failure: true,
            delay: false,
        });
        recipient.orcpt = Some("rfc822;b+b@remote.test".into());
        assert_eq!(
            rcpt(&recipient, &all()),
            "RCPT TO:<bob@remote.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b+2Bb@remote.test\r\n"
        );
        recipient.notify = Some(Notify {
            success: false,
            failure: false,
            delay: false,
        });
        recipient.orcpt = None;
        assert_eq!(rcpt(&recipient, &all()), "RCPT TO:<bob@remote.test> NOTIFY=NEVER\r\n");
    }

    #[test]
    fn logins_are_spelled() {
        assert_eq!(plain("ada", "secret"), "AGFkYQBzZWNyZXQ=");
        assert_eq!(login("ada"), "YWRh");
    }
}
