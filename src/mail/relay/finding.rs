//! The one place where relay spells what came of an attempt: the other server's reply, or what we found ourselves.
//!
//! RFC 3463 §3 (the codes), RFC 7505 §4.1 (5.1.10), RFC 6152 §3 (5.6.3), RFC 6531 §3.2 (5.6.7).

use std::fmt::Display;

use super::Target;
use crate::mail::queue::{Finding, Settlement};
use crate::wire::smtp::reply::Reply;

/// What another server said. Without an enhanced code of its own, the class of the reply code stands for one (RFC 3463 §2).
pub(super) fn said(host: &str, reply: &Reply) -> Finding {
    let status = reply
        .status()
        .map_or_else(|| format!("{}.0.0", reply.code().as_u16() / 100), |status| status.to_string());
    Finding {
        status,
        host: Some(host.to_owned()),
        text: reply.to_string(),
    }
}

/// What the class of a reply that does not go on means for a recipient (RFC 5321 §4.2.1). What is neither 4yz nor 5yz, but not what
/// was asked for, is a fault of the other server that may pass.
pub(super) fn refused(host: &str, reply: &Reply) -> Settlement {
    if reply.code().is_permanent() {
        return Settlement::Failed(said(host, reply));
    }
    let mut finding = said(host, reply);
    if !reply.code().is_temporary() {
        finding.status = "4.5.0".into();
    }
    Settlement::Deferred(finding)
}

/// RFC 3463 §3.6: too many recipients.
pub(super) const TOO_MANY: &str = "4.5.3";

/// RFC 5321 §4.5.3.1.10: the server takes no more recipients in this transaction.
pub(super) fn too_many(host: &str, reply: &Reply) -> Finding {
    Finding {
        status: TOO_MANY.into(),
        ..said(host, reply)
    }
}

/// The server does not let us in: its greeting or its answer to EHLO. Whatever its class, that says nothing of any recipient.
pub(super) fn turned_away(host: &str, reply: &Reply) -> Finding {
    Finding {
        status: "4.3.2".into(),
        ..said(host, reply)
    }
}

fn own(status: &str, text: String) -> Finding {
    Finding {
        status: status.into(),
        host: None,
        text,
    }
}

/// No connection, or none that lasted: `problem` while `doing`.
pub(super) fn broken(target: &Target, doing: &str, problem: &dyn Display) -> Finding {
    own("4.4.2", format!("{target}: {doing}: {problem}"))
}

/// The host cannot be connected to.
pub(super) fn unreachable(target: &Target, problem: &dyn Display) -> Finding {
    own("4.4.1", format!("{target}: connecting: {problem}"))
}

/// TLS is wanted and cannot be had.
pub(super) fn no_tls(target: &Target, problem: &dyn Display) -> Finding {
    own("4.7.5", format!("{target}: TLS: {problem}"))
}

/// RFC 8461 §5: the domain's policy names other hosts.
pub(super) fn not_in_policy(target: &Target) -> Finding {
    own("4.7.5", format!("{target}: the domain's MTA-STS policy does not name this host"))
}

/// RFC 7672 §2.2: what is signed says that nothing goes there unless its TLSA records are known, and they cannot be had.
pub(super) fn no_tlsa(target: &Target, problem: &dyn Display) -> Finding {
    own("4.7.5", format!("{target}: DANE: {problem}"))
}

/// The operator demands DANE.
pub(super) fn dane_required(target: &Target) -> Finding {
    own(
        "4.7.5",
        format!("{target}: outbound.tls_policy demands DANE, and the host has no TLSA records that are secure and can be used"),
    )
}

/// The login cannot be done.
pub(super) fn no_login(target: &Target, problem: &dyn Display) -> Finding {
    own("4.7.8", format!("{target}: login: {problem}"))
}

/// RFC 5321 §5.1: the domain does not exist.
pub(super) fn no_domain(domain: &dyn Display) -> Finding {
    own("5.1.2", format!("the domain {domain} does not exist"))
}

/// RFC 7505 §4.1: the domain says that it takes no mail.
pub(super) fn null_mx(domain: &dyn Display) -> Finding {
    own("5.1.10", format!("the domain {domain} takes no mail (null MX)"))
}

/// No mail server of the domain has an address.
pub(super) fn no_host(domain: &dyn Display) -> Finding {
    own("5.4.4", format!("the domain {domain} has no mail server with an address"))
}

/// The best mail server of the domain is this one, which does not know the domain.
pub(super) fn loops_back(domain: &dyn Display) -> Finding {
    own(
        "5.4.6",
        format!(
            "the mail servers of {domain} lead back to this server, which does not know the domain: \
             its postmaster has to add it here, or its MX records have to name another server"
        ),
    )
}

/// The name server gives no answer now.
pub(super) fn no_answer(problem: &dyn Display) -> Finding {
    own("4.4.3", problem.to_string())
}

/// RFC 1870 §6.1: the other server said how much it takes.
pub(super) fn too_large(host: &str, size: u64, most: u64) -> Finding {
    own("5.3.4", format!("the message has {size} octets, and {host} takes at most {most}"))
}

/// RFC 6531 §3.2: the message cannot be sent to a server without SMTPUTF8.
pub(super) fn no_smtputf8(host: &str) -> Finding {
    own(
        "5.6.7",
        format!("the message has an internationalised address, and {host} does not take those"),
    )
}

/// RFC 6152 §3: the message has 8-bit content, and cannot be converted.
pub(super) fn no_8bitmime(host: &str, why: &dyn Display) -> Finding {
    own(
        "5.6.3",
        format!("the message has 8-bit content, {host} does not take that, and it cannot be converted: {why}"),
    )
}

/// RFC 3030 §2: the server offered CHUNKING, and does not know BDAT.
pub(super) fn no_chunking(host: &str, reply: &Reply) -> Finding {
    let finding = said(host, reply);
    Finding {
        status: "4.5.1".into(),
        text: format!(
            "{}: the server offers CHUNKING and does not know BDAT; outbound.chunking = false goes without",
            finding.text
        ),
        ..finding
    }
}

/// The message's file is gone.
pub(super) fn lost_file() -> Finding {
    own("5.3.0", "this server has lost the content of the message".into())
}

/// The message's file cannot be read now.
pub(super) fn unreadable_file() -> Finding {
    own("4.3.0", "this server cannot read the content of the message now".into())
}
