//! Each rule by a message of which it holds, and mail of which nothing bad holds.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

use jiff::Timestamp;

use super::*;
use crate::model::address::EmailAddress;
use crate::model::verdict::{Arc as Chain, Authentication, Dkim, Dmarc, Iprev, Outcome, Policy, Spf};

fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

/// A message: the fields given win over usual ones; `-Name` leaves one out.
fn message(fields: &str, body: &str) -> String {
    let mut out = String::new();
    let usual = [
        "Received: from a.example.org by b.example.org; Thu, 26 Nov 2026 11:59:00 +0000",
        "Date: Thu, 26 Nov 2026 11:58:00 +0000",
        "From: Ada Lovelace <ada@example.org>",
        "To: Bob <bob@house.test>",
        "Subject: Minutes of the meeting",
        "Message-ID: <20261126115800.4711@example.org>",
    ];
    for field in usual {
        let name = field.split_once(':').unwrap().0;
        let said = |line: &str| {
            let line = line.strip_prefix('-').unwrap_or(line);
            line.split(':').next().is_some_and(|it| it.eq_ignore_ascii_case(name))
        };
        if !fields.lines().any(said) {
            _ = write!(out, "{field}\r\n");
        }
    }
    for line in fields.lines().filter(|line| !line.starts_with('-')) {
        _ = write!(out, "{line}\r\n");
    }
    format!("{out}\r\n{}", body.replace('\n', "\r\n"))
}

/// An engine on a database of its own, and a runtime for it.
fn engine(settings: &config::Spam) -> Result<Spam, String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let database = runtime.block_on(Database::open(&config::Database::default(), dir.path())).unwrap();
    Spam::open(settings, database, Clock::System)
}

/// The same for all tests of the rules.
fn usual() -> &'static Spam {
    static USUAL: std::sync::LazyLock<Spam> = std::sync::LazyLock::new(|| engine(&config::Spam::default()).unwrap());
    &USUAL
}

struct Given {
    message: String,
    peer: IpAddr,
    helo: &'static str,
    sender: Option<&'static str>,
    authentication: Option<Authentication>,
}

impl Given {
    fn message(fields: &str, body: &str) -> Self {
        Self {
            message: message(fields, body),
            peer: "192.0.2.7".parse().unwrap(),
            helo: "mail.example.org",
            sender: Some("ada@example.org"),
            authentication: None,
        }
    }

    fn judged(&self) -> Judgement {
        let engine = usual();
        let sender = self.sender.map(|it| EmailAddress::parse(it).unwrap());
        let case = Case {
            peer: Some(self.peer),
            helo: Some(self.helo),
            sender: sender.as_ref(),
            recipients: &[EmailAddress::parse("bob@house.test").unwrap()],
            authentication: self.authentication.as_ref(),
            hostname: "mx.house.test",
            ..Case::bare(self.message.as_bytes(), now())
        };
        engine.judge(&case, &Minds::default())
    }

    fn symbols(&self) -> Vec<String> {
        self.judged().symbols.into_iter().map(|it| it.name).collect()
    }
}

const TEXT: &str = "Dear Bob,\n\nhere are the minutes of yesterday. Please tell me what I have missed before we print them.\n\nAda\n";

/// Rules, and the header fields of a message of which they hold.
const BY_FIELDS: &[(&str, &str)] = &[
    ("MISSING_DATE", "-Date"),
    ("INVALID_DATE", "Date: yesterday"),
    ("DATE_IN_FUTURE", "Date: Sun, 29 Nov 2026 11:58:00 +0000"),
    ("DATE_IN_PAST", "Date: Thu, 5 Nov 2026 11:58:00 +0000"),
    ("DATE_LONG_AGO", "Date: Thu, 5 Nov 2020 11:58:00 +0000"),
    ("DATE_ODD_ZONE", "Date: Thu, 26 Nov 2026 11:58:00 +1777"),
    ("MISSING_MID", "-Message-ID"),
    ("INVALID_MSGID", "Message-ID: 12345"),
    ("MID_BARE_IP", "Message-ID: <1@[192.0.2.1]>"),
    ("MID_RHS_NOT_FQDN", "Message-ID: <1@desktop>"),
    ("MID_RHS_IS_RECIPIENT", "Message-ID: <1@house.test>"),
    ("MISSING_FROM", "-From"),
    ("FROM_INVALID", "From: somebody"),
    ("FROM_SEVERAL", "From: a@example.org, b@example.org"),
    ("FROM_NO_DOT", "From: a@localhost"),
    ("MULTIPLE_UNIQUE_HEADERS", "Subject: a\nSubject: b"),
    ("BROKEN_HEADERS", "no field at all"),
    ("NO_RECEIVED", "-Received"),
    ("FROM_EXCESS_BASE64", "From: =?utf-8?b?QWRh?= <ada@example.org>"),
    ("FROM_EXCESS_QP", "From: =?utf-8?q?Ada?= <ada@example.org>"),
    ("HAS_X_PHP_EVALD", "X-PHP-Originating-Script: 33:a.php(1) : eval()'d code"),
    ("HAS_PHP_SCRIPT", "X-PHP-Originating-Script: 33:mail.php"),
    ("FORGED_OUTLOOK", "X-Mailer: Microsoft Outlook Express 6.00.2600.0000"),
    (
        "FORGED_THUNDERBIRD",
        "User-Agent: Mozilla Thunderbird/115\nMessage-ID: <xyz@example.org>",
    ),
    ("BULK_MAILER", "X-Mailer: Send-Safe 3"),
    ("X_PRIO_HIGH", "X-Priority: 1 (Highest)"),
    (
        "HAS_LIST_UNSUB",
        "List-Unsubscribe: <https://example.org/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ),
    (
        "MAILLIST",
        "List-Id: <l.example.org>\nList-Post: <mailto:l@example.org>\nList-Unsubscribe: <mailto:l-off@example.org>",
    ),
    ("SPAM_MARK_OF_OTHERS", "X-Spam-Flag: YES"),
    ("MISSING_TO", "-To"),
    ("TO_EMPTY", "To: friends"),
    ("R_UNDISC_RCPT", "To: undisclosed-recipients:;"),
    ("TO_EQ_FROM", "To: ada@example.org"),
    ("TO_NAME_IS_ADDRESS", "To: \"bob@house.test\" <bob@house.test>"),
    ("RCPT_NOT_NAMED", "To: carol@example.net"),
    (
        "SORTED_RECIPS",
        "To: a@x.test, b@x.test, c@x.test, d@x.test, e@x.test, f@x.test, g@x.test",
    ),
    (
        "SUSPICIOUS_RECIPS",
        "To: anna1@x.test, anna9@a.test, annab@x.test, annac@x.test, annad@x.test",
    ),
    ("FAKE_REPLY", "Subject: Re: your order"),
    ("FAKE_FORWARD", "Subject: Fwd: look"),
    ("REFERENCES_BROKEN", "In-Reply-To: 123"),
    ("REPLYTO_NEQ_FROM_DOM", "Reply-To: x@example.net"),
    ("FREEMAIL_REPLYTO", "Reply-To: x@gmail.com"),
    ("FREEMAIL_REPLYTO_NEQ_FROM", "From: a@gmail.com\nReply-To: b@yahoo.com"),
    ("REPLYTO_EQ_TO", "Reply-To: bob@house.test"),
    ("REPLYTO_SAME_NAME", "Reply-To: Ada Lovelace <x@gmail.com>"),
    ("SPOOF_DISPLAY_NAME", "From: \"boss@house.test\" <x@example.net>"),
    ("FROM_NAME_HAS_DOMAIN", "From: \"amazon.com orders\" <x@example.net>"),
    ("FROM_NAME_IS_BRAND", "From: PayPal Service <x@example.net>"),
    ("FROM_NAME_LOOKS_LIKE_BRAND", "From: PayPa1 <x@example.net>"),
    ("FROM_NAME_MIXED_SCRIPTS", "From: =?utf-8?q?P=D0=B0ypal?= <x@example.net>"),
    ("FROM_NAME_INVISIBLE", "From: =?utf-8?q?Pay=E2=80=8Bpal?= <x@example.net>"),
    ("FROM_NAME_IS_RECIPIENT", "From: House.test Mail <x@example.net>"),
    ("FROM_NAME_IS_OFFICE", "From: Customer Support <x@gmail.com>"),
    ("FROM_NAME_EXCESS_SPACE", "From: \"Ada    L\" <ada@example.org>"),
    ("FROM_NAME_SHOUTS", "From: \"WIN BIG NOW!\" <ada@example.org>"),
    ("FROM_SUSPICIOUS_TLD", "From: a@example.xyz"),
    ("FROM_LOCAL_RANDOM", "From: xkjrtwqz@example.org"),
    ("FROM_DOMAIN_RANDOM", "From: a@xkjrtwqz.com"),
    ("FROM_MANY_DIGITS", "From: anna19922@example.org"),
    ("HOMOGRAPH_FROM", "From: a@xn--pypal-4ve.com"),
    ("LOOKALIKE_FROM", "From: a@paypa1.com"),
    ("TYPO_FROM", "From: a@microsfot.com"),
    ("LOOKALIKE_RECIPIENT", "From: a@h0use.test"),
    ("BRAND_IN_FROM", "From: a@paypal-login.com"),
    ("MISSING_SUBJECT", "-Subject"),
    ("EMPTY_SUBJECT", "Subject:"),
    ("SUBJ_ALL_CAPS", "Subject: READ THIS MESSAGE NOW"),
    ("SUBJECT_EXCLAMATIONS", "Subject: Read this!!"),
    ("SUBJECT_CURRENCY", "Subject: Only $ 99"),
    ("SUBJ_EXCESS_BASE64", "Subject: =?utf-8?b?SGVsbG8=?="),
    ("SUBJ_EXCESS_QP", "Subject: =?utf-8?q?Hello?="),
    ("SUBJECT_SPACED", "Subject: V I A G R A"),
    ("SUBJECT_LEET", "Subject: cheap v1agra"),
    ("SUBJECT_INVISIBLE", "Subject: =?utf-8?q?vi=C2=ADagra?="),
    ("SUBJECT_MIXED_SCRIPTS", "Subject: =?utf-8?q?vi=D0=B0gra?="),
    ("SUBJECT_STYLED_LETTERS", "Subject: =?utf-8?b?8J2XlfCdl7LwnZiA8J2YgQ==?="),
    ("SUBJECT_HAS_ADDRESS", "Subject: bob@house.test: your mailbox"),
    ("SUBJECT_ENDS_SPACES", "Subject: Hello                x"),
    ("SUBJECT_RANDOM_TAIL", "Subject: Hello xkjrtwqz"),
    ("SUBJECT_STEALS_ACTION", "Subject: Urgent"),
    ("MISSING_MIME_VERSION", "Content-Transfer-Encoding: 7bit"),
    ("MIME_BAD_CHARSET", "MIME-Version: 1.0\nContent-Type: text/plain; charset=\"x y\""),
    ("MIME_BAD_ENCODING", "MIME-Version: 1.0\nContent-Transfer-Encoding: rot13"),
    (
        "MIME_TWICE_TYPED",
        "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Type: text/html",
    ),
];

/// Rules, and the HTML of which they hold.
const BY_HTML: &[(&str, &str)] = &[
    ("MIME_HTML_ONLY", "<p>Hello"),
    ("HTML_IS_NONE", "Hello"),
    ("HTML_FORM", "<form action=http://x.test/>"),
    ("HTML_ASKS_PASSWORD", "<input type=password>"),
    ("HTML_SCRIPT", "<script>x</script>"),
    ("HTML_HANDLER", "<p onclick='x()'>"),
    ("HTML_FRAME", "<iframe src=x>"),
    ("HTML_OBJECT", "<object data=x></object>"),
    ("HTML_REFRESH", "<meta http-equiv=refresh content='0;url=http://x.test/'>"),
    ("HTML_BASE", "<base href=http://x.test/>"),
    ("HTML_TORN_WORDS", "<p>v<!-- -->i<!-- -->a<!-- -->gra"),
    ("HTML_ONE_PICTURE", "<a href=http://x.test/><img src=http://x.test/y.png></a>"),
    (
        "HTML_SHORT_LINK_IMG",
        "<a href=http://x.test/>Look</a><img src=http://x.test/y.png>",
    ),
    ("HTML_PICTURES_NO_TEXT", "<img src=a><img src=b><img src=c>"),
    ("HTML_LINKS_ELSEWHERE", "<a href=http://x.test/>Look</a>"),
    ("PHISHING", "<a href=http://evil.test/>https://www.paypal.com/</a>"),
    ("URL_BARE_IP", "<a href=http://192.0.2.1/>x</a>"),
    ("URL_DISGUISED_IP", "<a href=http://0xc0000201/>x</a>"),
    ("URL_USER", "<a href=http://www.paypal.com@x.test/>x</a>"),
    ("URL_SHORTENER", "<a href=https://bit.ly/x>x</a>"),
    ("URL_PUNYCODE", "<a href=http://xn--e1afmkfd.test/>x</a>"),
    ("URL_ODD_PORT", "<a href=http://x.test:81/>x</a>"),
    ("URL_REDIRECTOR", "<a href='https://www.google.com/url?q=http://x.test/'>x</a>"),
    ("URL_DATA", "<a href='data:text/html,x'>x</a>"),
    ("URL_SCRIPT", "<a href='javascript:document.write()'>x</a>"),
    ("URL_ENCODED_HOST", "<a href=http://e%76il.test/>x</a>"),
    ("URL_BACKSLASH", "<a href='http:\\\\x.test\\'>x</a>"),
    ("URL_MANY_LABELS", "<a href=http://a.b.c.d.e.f.x.test/>x</a>"),
    ("URL_HAS_RECIPIENT", "<a href=http://x.test/?bob@house.test>x</a>"),
    ("URL_TO_PROGRAM", "<a href=http://x.test/a.exe>x</a>"),
    ("URL_FREE_PAGE", "<a href=http://x.weebly.com/>x</a>"),
    ("URL_IPFS", "<a href=https://ipfs.io/ipfs/x>x</a>"),
    ("URL_SUSPICIOUS_TLD", "<a href=http://x.top/>x</a>"),
    ("URL_LOGIN_ELSEWHERE", "<a href=http://x.test/login>x</a>"),
    ("URL_BROKEN_SITE", "<a href=http://x.test/wp-content/x.php>x</a>"),
    ("URL_ONLY", "<a href=http://x.test/>x</a>"),
    ("URL_NUMBERED_DOMAINS", "<a href=http://shop4711.test/>x</a>"),
    ("URL_RANDOM_DOMAIN", "<a href=http://xkjrtwqz.com/>x</a>"),
    ("URL_TELEGRAM", "<a href=https://t.me/x>x</a>"),
    ("URL_ONION", "<a href=http://x.onion/>x</a>"),
    ("HOMOGRAPH_URL", "<a href=http://xn--pypal-4ve.com/>x</a>"),
    ("LOOKALIKE_URL", "<a href=http://paypa1.com/>x</a>"),
    ("TYPO_URL", "<a href=http://microsfot.com/>x</a>"),
    ("BRAND_IN_URL", "<a href=http://paypal-login.com/>x</a>"),
    ("BRAND_SUBDOMAIN", "<a href=http://www.paypal.com.x.test/>x</a>"),
];

/// Rules, and the text of which they hold.
const BY_TEXT: &[(&str, &str)] = &[
    ("GTUBE", "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n"),
    ("EMPTY_BODY", ""),
    (
        "FRAUD_ADVANCE_FEE",
        "I am the barrister of my late client who left ten million dollars to his next of kin.",
    ),
    (
        "FRAUD_EXTORTION",
        "I have hacked your webcam and will send it to your contacts unless you pay in bitcoin.",
    ),
    (
        "FRAUD_ACCOUNT",
        "Dear customer, your account has been suspended. Verify your account within 24 hours.",
    ),
    (
        "FRAUD_MAILBOX",
        "Your mailbox is full, there are pending messages. Upgrade your mailbox.",
    ),
    ("FRAUD_INVESTMENT", "Crypto with guaranteed profit, risk free, thousands per day."),
    ("FRAUD_BOSS", "Are you available? I need gift cards."),
    (
        "FRAUD_PARCEL",
        "Your package is on hold. Pay the delivery fee, see the tracking number.",
    ),
    ("FRAUD_REFUND", "Your Norton subscription will be charged. Call us toll free."),
    ("SPAM_PILLS", "Viagra from a Canadian pharmacy."),
    ("SPAM_LOANS", "Personal loan, no credit check, low interest."),
    ("SPAM_GAMBLING", "Casino with free spins and a jackpot."),
    ("SPAM_DATING", "Hot girls and lonely single women are dating."),
    ("SPAM_REPLICAS", "Replica Rolex."),
    ("SPAM_SEO", "SEO and backlinks for your website."),
    ("SPAM_LISTS", "We have an email list of decision makers."),
    ("SPAM_WORK", "Work from home, be your own boss, earn up to 900."),
    ("SPAM_BARGAIN", "Buy now, limited time, lowest price, free gift."),
    ("SPAM_DIET", "Keto for weight loss, burn fat."),
    ("SPAM_EXCUSE", "This is not spam."),
    ("BITCOIN_ADDR", "Pay to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa."),
    (
        "EXTORTION_WALLET",
        "I hacked your webcam. Pay to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa.",
    ),
    ("TEXT_INVISIBLE", "v\u{200b}i\u{200b}a\u{200b}g\u{200b}r\u{200b}a"),
    ("TEXT_MIXED_SCRIPTS", "p\u{430}ypal and vi\u{430}gra"),
    (
        "TEXT_SHOUTS",
        "THIS IS A TEXT OF MORE THAN TWENTY WORDS THAT ARE ALL IN CAPITALS SO THAT NOBODY CAN MISS A SINGLE ONE OF THEM",
    ),
];

/// Rules, and the name, type and octets of a file of which they hold.
const BY_FILE: &[(&str, &str, &str, &str)] = &[
    ("ATTACH_PROGRAM", "a.exe", "application/octet-stream", "MZ"),
    ("ATTACH_PROGRAM", "a.js", "application/octet-stream", "x"),
    ("ATTACH_DOUBLE_EXTENSION", "invoice.pdf.exe", "application/octet-stream", "x"),
    ("ATTACH_PADDED_NAME", "invoice.pdf          .exe", "application/octet-stream", "x"),
    ("ATTACH_HTML", "a.html", "text/html", "<p>"),
    ("ATTACH_HTML_FORM", "a.html", "text/html", "<form>"),
    ("ATTACH_HTML_BLOB", "a.html", "text/html", "new Blob()"),
    ("ATTACH_SVG_SCRIPT", "a.svg", "image/svg+xml", "<svg><script>"),
    ("ATTACH_DISK_IMAGE", "a.iso", "application/octet-stream", "x"),
    ("ATTACH_ONENOTE", "a.one", "application/octet-stream", "x"),
    ("ATTACH_ODD_ARCHIVE", "a.ace", "application/octet-stream", "x"),
    ("ATTACH_MACROS", "a.docm", "application/octet-stream", "x"),
    ("ATTACH_TYPE_MISMATCH", "a.png", "image/png", "MZ"),
    ("ATTACH_NAME_LIES", "a.pdf", "application/pdf", "PK\u{3}\u{4}"),
    ("ATTACH_PDF_SCRIPT", "a.pdf", "application/pdf", "%PDF-1.4 /JavaScript"),
    ("ATTACH_PDF_ENCRYPTED", "a.pdf", "application/pdf", "%PDF-1.4 /Encrypt"),
    ("ATTACH_EQUATION", "a.doc", "application/msword", "Equation.3"),
    ("ATTACH_TEMPLATE", "a.rtf", "application/rtf", "{\\rtf \\objdata"),
    ("MIME_TEXT_AS_FILE", "a.html", "application/octet-stream", "x"),
];

fn with_file(name: &str, media_type: &str, octets: &str) -> Given {
    let fields = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=outer";
    let body = format!(
        "--outer\nContent-Type: text/plain\n\n{TEXT}--outer\nContent-Type: {media_type}\nContent-Disposition: attachment; filename=\"{name}\"\n\n{octets}\n--outer--\n"
    );
    Given::message(fields, &body)
}

#[test]
fn rules_hold_of_what_they_are_for() {
    let mut wrong = Vec::new();
    let mut check = |rule: &str, given: Given| {
        if !given.symbols().iter().any(|it| it == rule) {
            wrong.push(format!("{rule}: {:?}\n{}", given.symbols(), given.message));
        }
    };
    for (rule, fields) in BY_FIELDS {
        check(rule, Given::message(fields, TEXT));
    }
    for (rule, html) in BY_HTML {
        check(
            rule,
            Given::message("MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8", html),
        );
    }
    for (rule, text) in BY_TEXT {
        check(
            rule,
            Given::message("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8", text),
        );
    }
    for (rule, name, media_type, octets) in BY_FILE {
        check(rule, with_file(name, media_type, octets));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn rules_of_the_client_hold() {
    for (rule, helo, name, outcome) in [
        ("RDNS_NONE", "mail.example.org", None, Outcome::Fail),
        ("RDNS_FAIL", "mail.example.org", Some("x.example.org"), Outcome::Fail),
        ("RDNS_DYNAMIC", "mail.example.org", Some("192-0-2-7.example.net"), Outcome::Pass),
        (
            "HELO_DYNAMIC",
            "192-0-2-7.example.net",
            Some("192-0-2-7.example.net"),
            Outcome::Pass,
        ),
        ("HELO_LITERAL", "[192.0.2.7]", None, Outcome::Fail),
        ("HELO_LITERAL_WRONG", "[192.0.2.8]", None, Outcome::Fail),
        ("HELO_BAREIP", "192.0.2.7", None, Outcome::Fail),
        ("HELO_NOT_FQDN", "desktop", None, Outcome::Fail),
        ("HELO_LOCALHOST", "localhost.localdomain", None, Outcome::Fail),
        ("HELO_IS_OURS", "mx.house.test", None, Outcome::Fail),
        ("HELO_IS_RECIPIENT", "house.test", None, Outcome::Fail),
        ("HELO_BAD", "a..b", None, Outcome::Fail),
        ("HELO_UNDERSCORE", "a_b.example.org", None, Outcome::Fail),
        ("HELO_PRIVATE", "pc.lan", None, Outcome::Fail),
        ("HELO_OTHER_ORGANISATION", "a.example.org", Some("a.example.net"), Outcome::Pass),
        ("HELO_PROVED", "a.example.org", Some("a.example.org"), Outcome::Pass),
    ] {
        let iprev = Iprev {
            outcome,
            name: name.map(str::to_owned),
        };
        let given = Given {
            helo,
            authentication: Some(Authentication {
                iprev,
                ..Authentication::default()
            }),
            ..Given::message("", TEXT)
        };
        let symbols = given.symbols();
        assert!(symbols.iter().any(|it| it == rule), "{rule}: {symbols:?}");
    }
}

fn authenticated(spf: Outcome, dkim: Option<Outcome>, dmarc: Outcome, policy: Policy) -> Authentication {
    let domain = || "example.org".to_owned();
    let signature = |outcome| Dkim {
        outcome,
        domain: domain(),
        ..Dkim::default()
    };
    Authentication {
        iprev: Iprev {
            outcome: Outcome::Pass,
            name: Some("mail.example.org".into()),
        },
        spf: Spf {
            outcome: spf,
            domain: domain(),
            ..Spf::default()
        },
        dkim: dkim.into_iter().map(signature).collect(),
        arc: Chain::default(),
        dmarc: Dmarc {
            outcome: dmarc,
            domain: domain(),
            policy,
            spf_is_aligned: spf == Outcome::Pass,
            dkim_is_aligned: dkim == Some(Outcome::Pass),
            ..Dmarc::default()
        },
        ..Authentication::default()
    }
}

#[test]
fn rules_of_authentication_hold() {
    use Outcome::{Fail, Neutral, None as Nothing, Pass, PermError, SoftFail, TempError};
    for (rule, spf, dkim, dmarc, policy) in [
        ("R_SPF_ALLOW", Pass, None, Nothing, Policy::None),
        ("R_SPF_FAIL", Fail, None, Nothing, Policy::None),
        ("R_SPF_SOFTFAIL", SoftFail, None, Nothing, Policy::None),
        ("R_SPF_NEUTRAL", Neutral, None, Nothing, Policy::None),
        ("R_SPF_NA", Nothing, None, Nothing, Policy::None),
        ("R_SPF_PERMFAIL", PermError, None, Nothing, Policy::None),
        ("R_SPF_DNSFAIL", TempError, None, Nothing, Policy::None),
        ("R_DKIM_ALLOW", Pass, Some(Pass), Pass, Policy::None),
        ("R_DKIM_REJECT", Pass, Some(Fail), Pass, Policy::None),
        ("R_DKIM_PERMFAIL", Pass, Some(PermError), Pass, Policy::None),
        ("R_DKIM_TEMPFAIL", Pass, Some(TempError), Pass, Policy::None),
        ("R_DKIM_NA", Pass, None, Pass, Policy::None),
        ("DMARC_POLICY_ALLOW", Pass, None, Pass, Policy::None),
        ("DMARC_POLICY_REJECT", Fail, None, Fail, Policy::Reject),
        ("DMARC_POLICY_QUARANTINE", Fail, None, Fail, Policy::Quarantine),
        ("DMARC_POLICY_SOFTFAIL", Fail, None, Fail, Policy::None),
        ("DMARC_NA", Pass, None, Nothing, Policy::None),
        ("DMARC_BAD_POLICY", Pass, None, PermError, Policy::None),
        ("AUTH_NA", Fail, None, Fail, Policy::None),
    ] {
        let given = Given {
            authentication: Some(authenticated(spf, dkim, dmarc, policy)),
            ..Given::message("", TEXT)
        };
        let symbols = given.symbols();
        assert!(symbols.iter().any(|it| it == rule), "{rule}: {symbols:?}");
    }
    let forged = Given {
        authentication: Some(authenticated(Fail, None, Fail, Policy::None)),
        ..Given::message("From: boss@house.test", TEXT)
    };
    assert!(forged.symbols().iter().any(|it| it == "FORGED_OWN_DOMAIN"));
}

#[test]
fn most_rules_are_shown_by_an_example() {
    let shown = BY_FIELDS.iter().chain(BY_HTML).chain(BY_TEXT).map(|(rule, _)| *rule);
    let shown: BTreeSet<&str> = shown.chain(BY_FILE.iter().map(|(rule, ..)| *rule)).collect();
    let known: BTreeSet<&str> = rules::all().map(|rule| rule.name).collect();
    let unknown: Vec<_> = shown.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    // What others say of a message is shown where they are asked.
    let outside = super::outside::RULES.iter().flat_map(|rules| rules.iter()).count();
    let own = known.len() - outside;
    assert!(shown.len() * 10 > own * 6, "{} of {own}", shown.len());
}

#[test]
fn ordinary_mail_is_none() {
    let good = || Some(authenticated(Outcome::Pass, Some(Outcome::Pass), Outcome::Pass, Policy::Reject));
    let page = format!("<html><body><p>{TEXT}</p><p><a href='https://example.org/minutes'>The minutes</a></p></body></html>");
    for (fields, body) in [
        ("", TEXT),
        (
            "Subject: Re: Minutes\nIn-Reply-To: <1@house.test>\nReferences: <1@house.test>",
            TEXT,
        ),
        ("MIME-Version: 1.0\nContent-Type: text/html", &*page),
        (
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8",
            "Liebe Grüße aus Köln, bis morgen in der Sitzung.\n",
        ),
    ] {
        let given = Given {
            authentication: good(),
            ..Given::message(fields, body)
        };
        let judgement = given.judged();
        assert!(judgement.score < 1.0, "{judgement:?}");
        assert_eq!(judgement.action, Action::NoAction);
    }
}

#[test]
fn weights_can_be_changed_and_switched_off() {
    let weights = |list: &[(&str, f64)]| config::Spam {
        weights: list.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect(),
        ..config::Spam::default()
    };
    let given = Given::message("-Date", TEXT);
    let case = Case::bare(given.message.as_bytes(), now());
    let weight = |settings| {
        let judgement = engine(&settings).unwrap().judge(&case, &Minds::default());
        judgement.symbols.iter().find(|it| it.name == "MISSING_DATE").map(|it| it.weight)
    };
    assert_eq!(weight(weights(&[])), Some(1.0));
    assert_eq!(weight(weights(&[("MISSING_DATE", 7.5)])), Some(7.5));
    assert_eq!(weight(weights(&[("MISSING_DATE", 0.0)])), None);
    let error = engine(&weights(&[("MISSING_DATES", 1.0)])).err().unwrap();
    assert!(error.contains("perhaps MISSING_DATE was meant"), "{error}");
}

#[test]
fn nothing_breaks_it() {
    for (_, name, media_type, octets) in BY_FILE {
        let whole = with_file(name, media_type, octets).message;
        for end in (0..whole.len()).step_by(7) {
            usual().judge(&Case::bare(&whole.as_bytes()[..end], now()), &Minds::default());
        }
    }
}

#[tokio::test]
async fn what_was_learned_counts() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(&config::Database::default(), dir.path()).await.unwrap();
    let settings = config::Spam {
        bayes_min_learns: 10,
        ..config::Spam::default()
    };
    let spam = Spam::open(&settings, database, Clock::System).unwrap();
    let meant = |is_spam| Meant { is_spam, by_hand: false };
    for number in 0..12 {
        let (one, other) = (format!("Subject: Offer {number}"), format!("Subject: Item {number}"));
        let bad = message(&one, "Cheap watches and handbags shipped to you at once, order today.\n");
        let good = message(&other, "The board has met and asks for the plan of the new building.\n");
        for (text, is_spam) in [(bad, true), (good, false)] {
            let learnt = spam.learn(text.into_bytes(), &[Owner::Server], meant(is_spam)).await.unwrap();
            assert_eq!(learnt, [Learnt::New]);
        }
    }
    let minds = spam.minds(&[]).await;
    let found = |text: &str| {
        let message = message("", text);
        let judgement = spam.judge(&Case::bare(message.as_bytes(), now()), &minds);
        judgement
            .symbols
            .into_iter()
            .find(|it| it.name.starts_with("BAYES"))
            .map(|it| it.name)
    };
    assert_eq!(found("Order cheap watches and handbags today.\n").as_deref(), Some("BAYES_SPAM"));
    assert_eq!(
        found("The plan of the new building, as the board asks.\n").as_deref(),
        Some("BAYES_HAM")
    );
}
