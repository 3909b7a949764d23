//! The header: what is missing, twice, broken, or of another program than it says.
//!
//! RFC 5322 §3.6 (which fields there must be, and how often)

use super::{Facts, Found, Rule, rule, that, when};
use crate::wire::message::header::decode_text;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

pub(super) const RULES: &[Rule] = &[
    rule("MISSING_DATE", 1.0, "There is no Date.", |it| when(!it.has("Date"))),
    rule("INVALID_DATE", 1.5, "Date names no moment.", |it| {
        when(it.has("Date") && it.sent().is_none())
    }),
    rule("DATE_IN_FUTURE", 2.5, "Date is more than a day ahead.", |it| {
        age(it, |age| age < -DAY)
    }),
    rule("DATE_IN_PAST", 0.7, "Date is more than a week ago.", |it| {
        age(it, |age| (7 * DAY..90 * DAY).contains(&age))
    }),
    rule("DATE_LONG_AGO", 1.5, "Date is more than three months ago.", |it| {
        age(it, |age| age >= 90 * DAY)
    }),
    rule("DATE_ODD_ZONE", 2.0, "The time zone in Date is none of the world's.", |it| {
        let date = it.field("Date")?;
        let zone = date
            .split_whitespace()
            .find(|word| word.len() == 5 && word.starts_with(['+', '-']))?;
        let digits: u32 = zone.get(1..)?.parse().ok()?;
        that(digits > 1400 || !matches!(digits % 100, 0 | 30 | 45), zone)
    }),
    rule("MISSING_MID", 2.0, "There is no Message-ID.", |it| when(!it.has("Message-ID"))),
    rule("INVALID_MSGID", 2.0, "Message-ID is not as it has to be.", |it| {
        let id = it.field("Message-ID")?;
        let inner = id.trim().strip_prefix('<').and_then(|id| id.strip_suffix('>'));
        let is_valid = inner.is_some_and(|id| {
            id.split_once('@')
                .is_some_and(|(left, right)| !left.is_empty() && !right.is_empty())
        });
        that(!is_valid || id.trim().contains(char::is_whitespace), id)
    }),
    rule("MID_BARE_IP", 0.8, "Message-ID was made at a bare address.", |it| {
        let host = id_host(it)?;
        that(host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok(), host)
    }),
    rule(
        "MID_RHS_NOT_FQDN",
        0.3,
        "Message-ID was made at a place without a full name.",
        |it| {
            let host = id_host(it)?;
            that(!host.contains(['.', '[', ':']), host)
        },
    ),
    rule(
        "MID_RHS_IS_RECIPIENT",
        1.5,
        "Message-ID claims to be of the recipient's domain.",
        |it| {
            let host = id_host(it)?.to_lowercase();
            let is_theirs = it.case.recipients.iter().filter_map(|to| to.domain()).any(|to| to.as_str() == host);
            let is_own = it.author().is_some_and(|from| from.domain == host);
            that(is_theirs && !is_own && !it.is_list(), host)
        },
    ),
    rule("MISSING_FROM", 3.0, "There is no From.", |it| when(!it.has("From"))),
    rule("FROM_INVALID", 2.0, "From names no address.", |it| {
        when(it.has("From") && it.from.iter().all(|from| from.domain.is_empty() || from.local.is_empty()))
    }),
    rule("FROM_SEVERAL", 1.0, "From names several authors.", |it| when(it.from.len() > 1)),
    rule("FROM_NO_DOT", 1.0, "The author's domain has no dot.", |it| {
        let from = it.author()?;
        that(!from.domain.is_empty() && !from.domain.contains(['.', '[']), &from.domain)
    }),
    rule(
        "MULTIPLE_UNIQUE_HEADERS",
        3.0,
        "A field that may stand once stands several times.",
        |it| {
            let unique = [
                "From",
                "To",
                "Cc",
                "Subject",
                "Date",
                "Message-ID",
                "Reply-To",
                "Sender",
                "In-Reply-To",
                "References",
            ];
            let twice: Vec<&str> = unique.into_iter().filter(|name| it.count(name) > 1).collect();
            that(!twice.is_empty(), twice.join(" "))
        },
    ),
    rule("BROKEN_HEADERS", 2.0, "A line of the header is no field.", |it| {
        when(it.fields.iter().any(|field| field.name.is_empty()))
    }),
    rule(
        "HEADER_RAW_OCTETS",
        1.0,
        "From or Subject has octets that are neither ASCII nor UTF-8.",
        |it| {
            let is_raw = |name: &str| it.raw(name).is_some_and(|value| std::str::from_utf8(value).is_err());
            when(is_raw("From") || is_raw("Subject"))
        },
    ),
    rule("HEADER_LONG_LINE", 0.5, "A line of the header is longer than 998 octets.", |it| {
        let is_long = |value: &[u8]| value.split(|octet| *octet == b'\n').any(|line| line.len() > 998);
        when(it.fields.iter().any(|field| is_long(field.value)))
    }),
    rule("HEADER_CONTROLS", 2.0, "From or Subject has control characters.", |it| {
        let has = |name: &str| it.field(name).is_some_and(|text| text.chars().any(|c| c.is_control() && c != '\t'));
        when(has("From") || has("Subject"))
    }),
    rule(
        "NO_RECEIVED",
        0.3,
        "No other server has handled it: the client made it itself.",
        |it| when(!it.has("Received")),
    ),
    rule("RECEIVED_MANY", 0.5, "More than twenty servers have handled it.", |it| {
        when(it.count("Received") > 20)
    }),
    rule("FROM_EXCESS_BASE64", 0.8, "From is encoded as base64 though it is ASCII.", |it| {
        excess(it, "From", "?b?")
    }),
    rule(
        "FROM_EXCESS_QP",
        0.2,
        "From is encoded as quoted-printable though it is ASCII.",
        |it| excess(it, "From", "?q?"),
    ),
    rule("HAS_X_PHP_EVALD", 4.0, "It was sent by a script that hides what it is.", |it| {
        let script = it.field("X-PHP-Originating-Script").or_else(|| it.field("X-PHP-Script"))?;
        that(script.contains("eval()'d"), script)
    }),
    rule("HAS_PHP_SCRIPT", 0.3, "It was sent by a script of a web site.", |it| {
        when(it.has("X-PHP-Originating-Script") || it.has("X-PHP-Script"))
    }),
    rule(
        "FORGED_OUTLOOK",
        2.0,
        "It claims to be of Outlook, and lacks what Outlook writes.",
        |it| {
            let mailer = it.field("X-Mailer")?;
            let is_outlook = mailer.starts_with("Microsoft Outlook Express") || mailer.starts_with("Microsoft Windows Live Mail");
            that(is_outlook && !it.has("X-MimeOLE"), mailer)
        },
    ),
    rule(
        "FORGED_THUNDERBIRD",
        2.0,
        "It claims to be of Thunderbird, whose Message-IDs are others.",
        |it| {
            let agent = it.field("User-Agent").filter(|agent| agent.contains("Thunderbird/"))?;
            let id = it.field("Message-ID")?;
            let left = id.trim_start_matches('<').split('@').next()?.to_owned();
            that(!left.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '-' | '.')), agent)
        },
    ),
    rule("FORGED_GMAIL", 2.0, "It claims to be of Gmail, and was not made there.", |it| {
        let from = it.author().filter(|from| from.domain == "gmail.com")?;
        that(it.is_author_asked() && !it.is_author_proved() && !it.is_list(), &from.domain)
    }),
    rule("BULK_MAILER", 1.0, "It was made by a program for mass mail.", |it| {
        let mailer = it.field("X-Mailer").or_else(|| it.field("User-Agent"))?;
        let known = [
            "The Bat! (v2",
            "DarkMailer",
            "Send-Safe",
            "Advanced Mass Sender",
            "Group Mail",
            "Atomic Mail Sender",
            "GammadyneMailer",
            "SendBlaster",
            "Leaf PHPMailer",
            "Turbo-Mailer",
        ];
        that(known.iter().any(|name| mailer.contains(name)), mailer)
    }),
    rule("X_PRIO_HIGH", 0.8, "It says that it is urgent.", |it| {
        let priority = it.field("X-Priority").unwrap_or_default();
        let importance = it.field("Importance").unwrap_or_default();
        when(priority.starts_with(['1', '2']) || importance.eq_ignore_ascii_case("high"))
    }),
    rule("HAS_LIST_UNSUB", -0.2, "It says how to leave the list, in one click.", |it| {
        when(it.has("List-Unsubscribe") && it.has("List-Unsubscribe-Post"))
    }),
    rule("MAILLIST", -1.0, "It came over a mailing list.", |it| {
        when(it.is_list() && it.has("List-Unsubscribe") && (it.has("List-Post") || it.has("List-Archive")))
    }),
    rule("FROM_NEQ_ENVFROM", 0.2, "Author and sender are of different organisations.", |it| {
        let sender = it.case.sender?.domain()?;
        let other = super::super::facts::organisation(sender.as_str());
        that(
            !it.author_organisation().is_empty() && other != it.author_organisation() && !it.is_list(),
            other,
        )
    }),
    rule(
        "NULL_SENDER_NO_REPORT",
        1.5,
        "It has the null sender, and is neither a report nor an automatic reply.",
        |it| {
            let is_report = it.structure.root.is("multipart", "report") || it.has("Auto-Submitted") || it.has("X-Autoreply");
            let is_system = it
                .author()
                .is_some_and(|from| ["mailer-daemon", "postmaster"].contains(&from.local.as_str()));
            when(it.case.peer.is_some() && it.case.sender.is_none() && !is_report && !is_system)
        },
    ),
    rule(
        "SPAM_MARK_OF_OTHERS",
        1.0,
        "A server before this one has found it to be spam.",
        |it| {
            let yes = |name: &str| {
                it.field(name)
                    .is_some_and(|value| value.trim().to_ascii_lowercase().starts_with("yes"))
            };
            when(yes("X-Spam-Flag") || yes("X-Spam-Status") || yes("X-Spam"))
        },
    ),
];

/// How many seconds ago it was sent, asked of `asked`.
fn age(facts: &Facts<'_>, asked: fn(i64) -> bool) -> Found {
    let sent = facts.sent()?;
    that(asked(facts.case.now.as_second().saturating_sub(sent.as_second())), sent.to_string())
}

/// What stands behind the `@` of Message-ID.
fn id_host(facts: &Facts<'_>) -> Option<String> {
    let id = facts.field("Message-ID")?;
    let (_, host) = id.trim().trim_end_matches('>').rsplit_once('@')?;
    (!host.is_empty()).then(|| host.to_owned())
}

/// Whether a field is encoded by this mark though there was no need.
pub(super) fn excess(facts: &Facts<'_>, name: &str, mark: &str) -> Found {
    let raw = facts.raw(name)?;
    let is_encoded = String::from_utf8_lossy(raw).to_ascii_lowercase().contains(mark);
    let decoded = decode_text(raw);
    when(is_encoded && decoded.is_ascii() && !decoded.contains("=?"))
}
