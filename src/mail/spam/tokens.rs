//! What a message is taken apart into, to be learned and to be judged by what was learned.
//!
//! Words are met in pairs as well (orthogonal sparse bigrams: a word with each of the three behind it), so that an order of words counts.
//! A token is a number of 64 bits, and of which kind it is stands in its lowest two (in the lowest alone where that is 0): what the message
//! says, how it is made and whom it comes from, and which way it came.

use std::net::IpAddr;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::facts::{Facts, ending, organisation};
use crate::wire::message::received::{Hop, is_zone};

/// How many words of a text are read.
const WORDS: usize = 1_200;
/// How many words behind a word are met with it.
const WINDOW: usize = 3;
/// How long a word is, in octets; what is longer is cut.
const LONGEST: usize = 32;
/// How many tokens a message has at most.
const MOST: usize = 6_000;
/// The most steps of its way that are looked at, from the end.
const HOPS: usize = 20;
/// What stands in the Received fields of this program.
const OURS: &str = "posthouse";

/// Fields by which programs tell of themselves and of what they made, and how many words of each are read.
const TOLD_OF_PROGRAMS: [(&str, usize); 8] = [
    ("Content-Type", 6),
    ("Content-Transfer-Encoding", 2),
    ("MIME-Version", 6),
    ("Precedence", 2),
    ("X-Priority", 3),
    ("X-MSMail-Priority", 1),
    ("Importance", 1),
    ("Organization", 4),
];
/// What makes a subject loud.
const MARKS: [&str; 8] = ["!", "!!", "?", "$", "%", "...", "[", "★"];
/// How many parts are looked at.
const PARTS: usize = 20;
/// How many fields of a header are looked at, and octets of HTML for its tags.
const FIELDS: usize = 100;
const HTML: usize = 65_536;
/// What is looked for in HTML, in small letters or in capitals; without regard to them it could not be looked for in many octets at a time.
/// None begins as another ends, so that it is enough to go on behind the one that was found.
const TAGS: [&str; 14] = [
    "<table", "<font", "<center", "bgcolor", "<style", "face=", "align=", "<br", "<strong", "mailto:", "<input", "<map", "<span", "mso-",
];
static TAG_FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let capitals = TAGS.iter().map(|tag| tag.to_uppercase());
    let words = TAGS.iter().map(|tag| (*tag).to_owned()).chain(capitals);
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(words).ok()
});
/// The begins of names of fields that servers write.
const WRITTEN_ON_THE_WAY: [&str; 15] = [
    "received",
    "return-path",
    "delivered-to",
    "envelope-to",
    "x-original-to",
    "x-spam",
    "x-virus",
    "x-rspamd",
    "authentication-results",
    "arc-",
    "status",
    "x-status",
    "x-uid",
    "x-keywords",
    "lines",
];

/// The tokens of a message, each once, ascending.
pub(super) fn of(facts: &Facts<'_>) -> Vec<i64> {
    let mut out = Tokens::new(Kind::Made);
    comes(facts, &mut out);
    built(facts, &mut out);
    out.kind = Kind::Way;
    way(facts, &mut out);
    out.kind = Kind::Said;
    out.text("subject", &super::facts::Plain::of(facts.subject()).folded, 50);
    out.text("", &facts.text.folded, WORDS);
    out.finish()
}

/// Whom the message comes from, and where it leads.
fn comes(facts: &Facts<'_>, out: &mut Tokens) {
    if let Some(from) = facts.author() {
        out.text("name", &from.name.to_lowercase(), 10);
        out.one("from", &from.domain);
        out.one("local", short(&from.local));
        out.one("organisation", from.organisation());
    }
    for reply in facts.reply_to.iter().take(1) {
        out.one("reply", reply.organisation());
    }
    for link in facts.links.iter().take(100) {
        out.one("host", &link.host);
        out.one("site", link.organisation());
        let begin = link.url.path().split('/').nth(1).unwrap_or_default();
        out.one("path", short(begin));
    }
    for file in facts.files() {
        out.one("file", &ending(&file.name));
        out.one("type", &file.media_type);
    }
    for (name, most) in [("X-Mailer", 3), ("User-Agent", 3), ("List-Id", 10), ("Content-Language", 2)] {
        if let Some(value) = facts.field(name) {
            out.text(name, &value.to_lowercase(), most);
        }
    }
}

/// How the message is made, which tells programs for mass mail from others.
fn built(facts: &Facts<'_>, out: &mut Tokens) {
    fields(facts, out);
    identified(facts, out);
    for (name, most) in TOLD_OF_PROGRAMS {
        if let Some(value) = facts.field(name) {
            out.text(name, &value.to_lowercase(), most);
        }
    }
    parts(facts, out);
    loud(facts, out);
    if let Some(date) = facts.field("Date") {
        let zone = date.split_whitespace().find(|word| is_zone(word));
        out.one("zone", zone.unwrap_or("none"));
    }
    out.one("recipients", &facts.to.len().min(5).to_string());
    let named = facts.to.first().map(|to| if to.name.is_empty() { "bare" } else { "named" });
    out.one("recipient", named.unwrap_or_default());
    if let Some(html) = &facts.html {
        let begin = html.get(..html.floor_char_boundary(HTML)).unwrap_or(html);
        let mut met = [false; TAGS.len()];
        for found in TAG_FINDER.iter().flat_map(|finder| finder.find_iter(begin)) {
            if let Some(met) = met.get_mut(found.pattern().as_usize() % TAGS.len()) {
                *met = true;
            }
        }
        met.iter()
            .zip(TAGS)
            .filter(|(met, _)| **met)
            .for_each(|(_, tag)| out.one("tag", tag));
    }
    if let Some(page) = &facts.page {
        out.one("pictures", &page.pictures.len().min(4).to_string());
        out.one("links", &page.links.len().min(8).to_string());
    }
}

/// Its parts: their types, encodings and character sets.
fn parts(facts: &Facts<'_>, out: &mut Tokens) {
    for part in facts.parts().take(PARTS) {
        let kind = format!("{}/{}", part.media_type, part.subtype).to_lowercase();
        let of = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).to_lowercase();
        out.one("part", short(&kind));
        out.one("charset", short(&of(part.param("charset"))));
        out.one("encoded", short(&format!("{kind} {}", of(part.encoding.as_deref()))));
    }
    out.one("size", &magnitude(facts.case.message.len()).to_string());
    out.one("words", &magnitude(facts.text.words).to_string());
}

/// How loud it is, in steps.
fn loud(facts: &Facts<'_>, out: &mut Tokens) {
    let subject = facts.subject();
    let count = |test: fn(char) -> bool| subject.chars().filter(|c| test(*c)).count();
    let share = |some: usize, steps: usize, of: usize| some.saturating_mul(steps).checked_div(of).map(|it| it.to_string());
    let capitals = share(count(char::is_uppercase), 5, count(char::is_alphabetic));
    out.one("capitals", capitals.as_deref().unwrap_or("none"));
    for mark in MARKS.into_iter().filter(|mark| subject.contains(mark)) {
        out.one("mark", mark);
    }
    let text = &facts.text;
    for (kind, mark) in [("shouts", '!'), ("dollars", '$')] {
        out.one(kind, &magnitude(text.folded.matches(mark).count()).to_string());
    }
    let capitals = share(text.capitals, 20, text.letters);
    out.one("large letters", capitals.as_deref().unwrap_or("none"));
}

/// How many binary digits a number has.
fn magnitude(number: usize) -> u32 {
    number.checked_ilog2().map_or(0, |digits| digits.saturating_add(1))
}

/// Which way it came: the hosts that it went through, as far as somebody wrote it down.
fn way(facts: &Facts<'_>, out: &mut Tokens) {
    // As our own field will have it, when this message is learned.
    out.host(&Hop::here(facts.case.helo, facts.case.peer));
    let fields = facts.fields.iter().filter(|field| field.is("Received"));
    let mut count = 0_usize;
    for hop in fields.take(HOPS).map(|field| Hop::read(field.value)) {
        out.host(&hop);
        // By whom and when all mail was taken here says nothing.
        if hop.program.as_deref() == Some(OURS) {
            continue;
        }
        count = count.saturating_add(1);
        if let Some(by) = &hop.by {
            out.one("by", organisation(by));
        }
        for (kind, value) in [("program", &hop.program), ("with", &hop.with), ("zone on the way", &hop.zone)] {
            out.one(kind, short(value.as_deref().unwrap_or_default()));
        }
    }
    out.one("hops", &count.to_string());
}

/// Which fields the header has, in which order, and how their names are written: each program has its own way. Fields that servers write
/// on the way do not count: they would tell where a message was learned.
fn fields(facts: &Facts<'_>, out: &mut Tokens) {
    let mut last = String::new();
    for field in facts.fields.iter().take(FIELDS) {
        let written = String::from_utf8_lossy(field.name);
        let written = short(&written);
        let name = written.to_lowercase();
        if WRITTEN_ON_THE_WAY.iter().any(|begin| name.starts_with(begin)) {
            continue;
        }
        out.one("has", &name);
        out.one("written", written);
        if !last.is_empty() {
            out.one("order", &format!("{last} {name}"));
        }
        last = name;
    }
}

/// The shape of Message-ID, and where it was made.
fn identified(facts: &Facts<'_>, out: &mut Tokens) {
    let Some(id) = facts.field("Message-ID") else { return };
    let shape = id.chars().take_while(|c| *c != '@').take(12).map(|c| match c {
        c if c.is_ascii_digit() => '9',
        c if c.is_ascii_lowercase() => 'a',
        c if c.is_ascii_uppercase() => 'A',
        c => c,
    });
    out.one("id", &shape.collect::<String>());
    if let Some((_, host)) = id.trim().trim_end_matches('>').rsplit_once('@') {
        let host = host.to_lowercase();
        let maker = organisation(&host);
        out.one("maker", maker);
        let is_own = if maker == facts.author_organisation() { "own" } else { "other" };
        out.one("made", is_own);
    }
}

/// Of which kind a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What the message says.
    Said,
    /// How it is made, and whom it comes from.
    Made,
    /// Which way it came.
    Way,
}

impl Kind {
    /// Whether a token is of this kind.
    pub(super) fn has(self, token: i64) -> bool {
        self.mark(token) == token
    }

    /// The token with this kind in it.
    const fn mark(self, token: i64) -> i64 {
        match self {
            Self::Said => token & !1,
            Self::Made => token & !3 | 1,
            Self::Way => token | 3,
        }
    }
}

/// Tokens that are put together.
pub(super) struct Tokens {
    hashes: Vec<i64>,
    kind: Kind,
}

impl Tokens {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            hashes: Vec::with_capacity(MOST),
            kind,
        }
    }

    /// The words of a text, and each with those behind it.
    pub(super) fn text(&mut self, kind: &str, text: &str, most: usize) {
        let salt = hash(kind);
        let words: Vec<u64> = words(text).take(most).map(|word| hash(word) ^ salt).collect();
        for (at, word) in words.iter().enumerate() {
            self.add(*word);
            for (distance, other) in words.iter().skip(at + 1).take(WINDOW).enumerate() {
                let distance = u64::try_from(distance).unwrap_or_default();
                self.add(mix(word.rotate_left(7) ^ mix(*other).wrapping_add(distance)));
            }
        }
    }

    pub(super) fn one(&mut self, kind: &str, value: &str) {
        if !value.is_empty() {
            self.add(mix(hash(kind)) ^ hash(value));
        }
    }

    /// The host that the message came from in a step of its way.
    fn host(&mut self, hop: &Hop) {
        for name in &hop.names {
            self.one("host on the way", short(organisation(name)));
            if !name.contains('.') {
                self.one("bare", "it is");
            }
        }
        if hop.is_doubted {
            self.one("doubted", "it is");
        }
        if let Some(address) = hop.address {
            self.networks(address);
        }
    }

    /// The networks of an address: what its owner has, and around it.
    fn networks(&mut self, address: IpAddr) {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                self.one("network", &format!("{a}.{b}.{c}"));
                self.one("network", &format!("{a}.{b}"));
                self.one("network", &a.to_string());
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                self.one("network", &format!("{a:x}:{b:x}:{c:x}:{d:x}"));
                self.one("network", &format!("{a:x}:{b:x}:{c:x}"));
                self.one("network", &format!("{a:x}:{b:x}"));
            }
        }
    }

    fn add(&mut self, hash: u64) {
        if self.hashes.len() < MOST {
            self.hashes.push(self.kind.mark(mix(hash).cast_signed()));
        }
    }

    pub(super) fn finish(mut self) -> Vec<i64> {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes
    }
}

/// The begin of a value.
fn short(value: &str) -> &str {
    value.get(..value.floor_char_boundary(LONGEST)).unwrap_or_default()
}

/// The words of a plain text. Letters of scripts without blanks between words are words themselves.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let runs = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '$' | '€' | '£'));
    runs.filter(|run| !run.is_empty()).flat_map(|run| {
        let is_dense = run
            .chars()
            .next()
            .is_some_and(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{e00}'..='\u{e7f}'));
        let whole = (!is_dense).then_some(short(run));
        let letters = run.char_indices().filter(move |_| is_dense);
        let letters = letters.filter_map(|(at, c)| run.get(at..at.saturating_add(c.len_utf8())));
        whole.into_iter().chain(letters)
    })
}

/// FNV-1a.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Spreads every bit over all of them (the end of SplitMix64).
const fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::spam::Case;
    use jiff::Timestamp;

    fn said(text: &str) -> Vec<i64> {
        let mut tokens = Tokens::new(Kind::Said);
        tokens.text("", text, WORDS);
        tokens.finish()
    }

    #[test]
    fn words_are_cut_out() {
        let found: Vec<&str> = words("buy now, don't wait: $99 東京 x").collect();
        assert_eq!(found, ["buy", "now", "don't", "wait", "$99", "東", "京", "x"]);
        assert_eq!(said("a b c d e f").len(), 6 + 3 + 3 + 3 + 2 + 1);
        assert_ne!(said("a b"), said("b a"));
    }

    fn way_of(case: Case<'_>) -> Vec<i64> {
        let mut tokens = of(&Facts::of(case));
        tokens.retain(|token| Kind::Way.has(*token));
        tokens
    }

    #[test]
    fn the_way_is_the_same_before_and_after_it_was_taken() {
        let rest = "Received: from a.test ([192.0.2.9]) by b.test (Postfix) with ESMTP; 1 Nov 2002 18:10:44 -0500\r\nFrom: a@a.test\r\n\r\nhello\r\n";
        let comes = Case {
            peer: Some("198.51.100.7".parse().unwrap()),
            helo: Some("Mail.B.test"),
            ..Case::bare(rest.as_bytes(), Timestamp::UNIX_EPOCH)
        };
        let ours = "Received: from Mail.B.test ([198.51.100.7])\r\n\tby mx.house.test (Posthouse) with ESMTP id 7;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n";
        let stored = format!("{ours}{rest}");
        let stored = Case::bare(stored.as_bytes(), Timestamp::UNIX_EPOCH);
        assert_eq!(way_of(comes), way_of(stored));
        assert_ne!(way_of(stored), way_of(Case::bare(rest.as_bytes(), Timestamp::UNIX_EPOCH)));
    }

    #[test]
    fn neighbours_share_networks() {
        let of = |address: &str| {
            let mut tokens = Tokens::new(Kind::Way);
            tokens.networks(address.parse().unwrap());
            tokens.finish()
        };
        let shared = |one: &str, other: &str| of(one).iter().filter(|token| of(other).contains(token)).count();
        for (one, other, count) in [
            ("192.0.2.1", "192.0.2.9", 3),
            ("192.0.2.1", "192.0.3.1", 2),
            ("192.0.2.1", "192.1.2.1", 1),
            ("192.0.2.1", "::ffff:192.0.2.1", 3),
            ("2001:db8:1:2::1", "2001:db8:1:2::9", 3),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", 2),
            ("2001:db8::1", "2001:db9::1", 0),
        ] {
            assert_eq!(shared(one, other), count, "{one} {other}");
        }
    }
}
