//! One step of a message's way, as a Received field tells it.
//!
//! RFC 5321 §4.4: `from` whom by their own word, with what is known of them in a comment behind it; `by` whom; `with` which protocol; and
//! when. Programs take liberties with all of that, so what is not understood is left out and nothing is an error.

use std::net::IpAddr;

use super::lexer::Lexer;

/// The most octets of a field that are read.
const MOST: usize = 1_000;
/// The most names of the host that it came from.
const NAMES: usize = 4;
/// What servers write of a client whose names do not fit together.
const DOUBTS: [&str; 3] = ["unknown", "forged", "unverified"];

/// One step. All in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hop {
    /// Names of the host that it came from: as it called itself, and as others call it. Some are no domains.
    pub names: Vec<String>,
    /// The address of that host.
    pub address: Option<IpAddr>,
    /// Whether who wrote this had doubts about the names.
    pub is_doubted: bool,
    /// Who took it, and wrote this.
    pub by: Option<String>,
    /// What follows that in a comment, usually the program.
    pub program: Option<String>,
    /// The protocol.
    pub with: Option<String>,
    /// The zone of the time, such as `-0500`.
    pub zone: Option<String>,
}

#[derive(Clone, Copy)]
enum Clause {
    From,
    By,
    With,
    Other,
}

impl Hop {
    /// The step to this server, by what the client calls itself and where it is: what the field will tell that is written of it.
    pub fn here(helo: Option<&str>, peer: Option<IpAddr>) -> Self {
        let mut hop = Self::default();
        if let Some(helo) = helo {
            hop.host(&helo.to_lowercase(), false);
        }
        hop.address = peer.or(hop.address);
        hop
    }

    /// Reads the value of a field.
    pub fn read(value: &[u8]) -> Self {
        let mut hop = Self::default();
        let (mut clause, mut is_named) = (Clause::Other, true);
        let mut lexer = Lexer::new(value.get(..MOST).unwrap_or(value));
        while let Some(next) = lexer.skip_blanks().peek() {
            if next == b'(' {
                hop.comment(clause, &lower(&lexer.comment()));
                continue;
            }
            if next == b';' {
                let time = lower(lexer.run(|_| true));
                hop.zone = time.split_whitespace().find(|word| is_zone(word)).map(str::to_owned);
                break;
            }
            let word = lower(lexer.run(|octet| !octet.is_ascii_whitespace() && !matches!(octet, b'(' | b';')));
            match begun(&word) {
                Some(begun) => (clause, is_named) = (begun, false),
                None if !is_named => {
                    is_named = true;
                    hop.name(clause, &word);
                }
                None => {}
            }
        }
        hop
    }

    fn name(&mut self, clause: Clause, word: &str) {
        match clause {
            Clause::From => self.host(word, false),
            Clause::By => self.by = Some(word.to_owned()),
            Clause::With => self.with = Some(word.to_owned()),
            Clause::Other => {}
        }
    }

    fn comment(&mut self, clause: Clause, comment: &str) {
        match clause {
            Clause::From => {
                let words = comment.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '@'));
                for word in words.filter(|word| word.contains(['.', ':', '=']) || DOUBTS.contains(word)) {
                    match word.split_once('=') {
                        Some(("helo", name)) => self.host(name, false),
                        Some(_) => {}
                        None => self.host(word, true),
                    }
                }
            }
            Clause::By if self.program.is_none() && comment.trim().parse::<IpAddr>().is_err() => {
                self.program = Some(comment.trim().to_owned());
            }
            _ => {}
        }
    }

    /// RFC 5321 §4.1.3: an address stands in brackets, one of IPv6 with its name before it. Many leave both away. What the client says of
    /// itself counts as its address only where `is_seen` of none: who wrote the field saw where it came from.
    fn host(&mut self, word: &str, is_seen: bool) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != ':');
        if DOUBTS.contains(&bare) {
            self.is_doubted = true;
            return;
        }
        match bare.strip_prefix("ipv6:").unwrap_or(bare).parse() {
            Ok(address) if is_seen || self.address.is_none() => self.address = Some(address),
            Ok(_) => {}
            Err(_) if self.names.len() < NAMES && may_be_name(bare) => self.names.push(bare.to_owned()),
            Err(_) => {}
        }
    }
}

fn begun(word: &str) -> Option<Clause> {
    match word {
        "from" => Some(Clause::From),
        "by" => Some(Clause::By),
        "with" => Some(Clause::With),
        "id" | "for" | "via" => Some(Clause::Other),
        _ => None,
    }
}

/// RFC 3696 §2: no top-level domain ends with a digit, but versions of protocols do.
fn may_be_name(word: &str) -> bool {
    let is_version = word.contains('.') && word.ends_with(|c: char| c.is_ascii_digit());
    !(word.is_empty() || word.contains(':') || is_version)
}

/// Whether this is a zone in numbers (RFC 5322 §3.3).
pub fn is_zone(word: &str) -> bool {
    word.len() == 5 && word.starts_with(['+', '-']) && word.bytes().skip(1).all(|octet| octet.is_ascii_digit())
}

fn lower(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of the way, in one line.
    fn told(value: &str) -> String {
        let hop = Hop::read(value.as_bytes());
        let address = hop.address.map(|it| it.to_string()).unwrap_or_default();
        let doubt = if hop.is_doubted { "?" } else { "" };
        let rest = [hop.by, hop.program, hop.with, hop.zone].map(Option::unwrap_or_default);
        format!("{}|{address}{doubt}|{}", hop.names.join(","), rest.join("|"))
    }

    #[test]
    fn fields_of_common_servers_are_read() {
        for (value, expected) in [
            // RFC 5321 §4.4, D.1.
            (
                "from bar.com by foo.com ; Thu, 21 May 1998 05:33:29 -0700",
                "bar.com||foo.com|||-0700",
            ),
            // Ours.
            (
                "from client.test ([192.0.2.7])\r\n\t(using TLS1.3 X)\r\n\tby mail.test (Posthouse) with ESMTPS id 7\r\n\tfor <a@b.test>;\r\n\tThu, 1 Jan 1970 00:00:00 +0000",
                "client.test|192.0.2.7|mail.test|posthouse|esmtps|+0000",
            ),
            // Postfix.
            (
                "from Friend (host.example.net [IPv6:2001:db8::7]) by mx.test (Postfix) with ESMTP id 1; Tue, 1 Jan 2002 00:00:00 +0100 (CET)",
                "friend,host.example.net|2001:db8::7|mx.test|postfix|esmtp|+0100",
            ),
            // Sendmail.
            (
                "from a.test ([209.202.100.82] (may be forged)) by b.test (8.9.3/8.9.3) with ESMTP id X; 1 Nov 2002 18:10:44 -0500",
                "a.test|209.202.100.82?|b.test|8.9.3/8.9.3|esmtp|-0500",
            ),
            // qmail.
            (
                "from unknown (HELO x.test) (192.0.2.9) by 0 with SMTP; 1 Nov 2002 18:10:44 -0000",
                "x.test|192.0.2.9?|0||smtp|-0000",
            ),
            // Exim.
            (
                "from [192.0.2.1] (helo=y.test) by z.test with smtp (Exim 3.35 #1) id 1 for a@b.test; Sat, 1 Jan 2000",
                "y.test|192.0.2.1|z.test||smtp|",
            ),
            // What a client says of itself is not where it is.
            ("from [127.0.0.1] ([203.0.113.5]) by x.test; 1 Nov 2002", "|203.0.113.5|x.test|||"),
            (
                "from a.test (a.test. [192.0.2.3]) (using TLSv1.2) (Client CN \"c.test\", Issuer \"d\") by X (2001:db8::2) with SMTP",
                "a.test,a.test,c.test|192.0.2.3|x||smtp|",
            ),
            (
                "from host.test ([192.0.2.4] helo=[10.0.0.1]) by x.test",
                "host.test|192.0.2.4|x.test|||",
            ),
            ("(qmail 1 invoked by uid 501); 1 Nov 2002 18:10:44 -0000", "|||||-0000"),
            ("by x.test via UUCP", "||x.test|||"),
        ] {
            assert_eq!(told(value), expected, "{value}");
        }
    }

    #[test]
    fn the_step_here_is_as_its_field_will_tell() {
        for helo in [
            "Mail.B.test",
            "mail.b.test.",
            "[192.0.2.1]",
            "192.0.2.1",
            "[IPv6:2001:db8::1]",
            "unknown",
            "host7",
            "a.b7",
            "",
        ] {
            let peer = "198.51.100.7".parse().unwrap();
            let field = Hop::read(format!("from {helo} ([198.51.100.7]) by x.test").as_bytes());
            let here = Hop::here(Some(helo), Some(peer));
            assert_eq!((&here.names, here.address), (&field.names, field.address), "{helo}");
            assert_eq!(here.is_doubted, field.is_doubted, "{helo}");
        }
    }

    #[test]
    fn what_is_broken_says_less() {
        for value in [
            "",
            "(",
            "((((",
            ")",
            ";",
            "from",
            "from (",
            "from ;by",
            "from \\( by",
            "from a (b",
            "\u{130}from x",
        ] {
            let hop = Hop::read(value.as_bytes());
            assert!(hop.by.is_none() && hop.names.len() <= 1, "{value}: {hop:?}");
        }
        let long = format!("from {} by x", "a.".repeat(5_000));
        assert!(Hop::read(long.as_bytes()).by.is_none());
        let many = format!("from a ({}) by x.test", "n.test ".repeat(50));
        assert_eq!(Hop::read(many.as_bytes()).names.len(), NAMES);
        assert!(Hop::read(b"from \xff\xfe by x").names.is_empty());
    }
}
