//! How likely a message is spam by its words, as far as the words of others were learned.
//!
//! Words are met in pairs as well (orthogonal sparse bigrams: a word with each of the three behind it), so that an order of words counts.
//! A pair is a number of 64 bits. Of those known, the ones that say most are put together: the logarithms of their odds are added, as in a
//! naive Bayes classifier, and divided by the root of their number, since words come in company and do not speak independently of each
//! other. Unlike a probability, which is 0 or 1 for nearly every message, that tells how sure it is.
//!
//! What a message says is one thing, how it is made and whom it comes from another: in a long text the few tokens of its header would not be
//! heard, though they tell a newsletter that was asked for from one that was not. So these are heard once more for themselves. Which of the
//! two kinds a token is of stands in its lowest bit.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use sha2::{Digest, Sha256};

use super::facts::{Facts, ending, organisation};
use super::rules::{Rule, unasked};

/// How many words of a text are read.
const WORDS: usize = 1_200;
/// How many words behind a word are met with it.
const WINDOW: usize = 3;
/// How long a word is, in octets; what is longer is cut.
const LONGEST: usize = 32;
/// How many tokens a message has at most.
const MOST: usize = 6_000;
/// Of all tokens of a message those are asked that say most.
const ALL: Asked = Asked {
    most: 60,
    least: 8,
    strength: 0.35,
};
/// The same of those that tell how it is made and whom it comes from; there are few of them, so that weaker ones count as well.
const MADE: Asked = Asked {
    most: 30,
    least: 1,
    strength: 0.15,
};
/// How much that says beside what all of them say.
const MADE_SHARE: f64 = 0.7;
/// The weight of what is assumed of a token that nobody has met (Robinson's `s`), and that assumption (his `x`).
const ASSUMED_WEIGHT: f64 = 0.3;
const ASSUMED: f64 = 0.5;
/// No single token is more certain than this.
const CERTAIN: f64 = 0.999;
/// What is added to the evidence where a message is judged: other mail is of a few kinds that are soon known, and spam is of many, so what
/// says nothing either way is more often spam.
const LEANING: f64 = 2.0;
/// Less than so much is not told.
const TOLD: f64 = 0.5;

/// With so much evidence a message is surely judged.
const SURE: f64 = 20.0;
/// How much a message counts that is not.
pub(super) const HEAVIEST: i64 = 5;

/// How many fields of a header are looked at, and octets of HTML for its tags.
const FIELDS: usize = 100;
const HTML: usize = 65_536;
/// What is looked for in HTML, in small letters and capitals.
const TAGS: [&str; 14] = [
    "<table", "<font", "<center", "bgcolor", "<style", "face=", "align=", "<br", "<strong", "mailto:", "<input", "<map", "<span", "mso-",
];
static TAG_FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(TAGS).ok());
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

/// The weights of the symbols where it is as sure as it can be: so much evidence, and so much against it.
const SPAM: f64 = 8.0;
const HAM: f64 = -6.0;

/// The symbols that come of it; they are weighed by how sure it is.
pub(super) const RULES: &[Rule] = &[
    unasked(
        "BAYES_SPAM",
        SPAM,
        "Its words are those of spam, as far as spam was learned; less where that is less sure.",
    ),
    unasked(
        "BAYES_HAM",
        HAM,
        "Its words are those of mail that is no spam; less where that is less sure.",
    ),
];

/// What a message teaches, or is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// By which the same message is known again: a part of a SHA-256.
    pub mark: Vec<u8>,
    /// Its tokens, each once, ascending.
    pub tokens: Vec<i64>,
}

/// What was learned, as far as it is in memory: in how many messages each token was.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// How many messages of spam were learned.
    pub spam: u32,
    /// How many messages of other mail were learned.
    pub ham: u32,
    /// How much those of spam count; see [`Lesson::weight`].
    pub spam_weight: u32,
    /// How much those of other mail count.
    pub ham_weight: u32,
    /// In how many of the one and the other a token was, each as much as it counts.
    pub tokens: HashMap<i64, (u32, u32), AsItIs>,
}

/// Takes a token for its own hash, which it is.
pub type AsItIs = BuildHasherDefault<Itself>;

/// The hasher of [`AsItIs`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(*octet);
        }
    }

    fn write_i64(&mut self, token: i64) {
        self.0 = token.cast_unsigned();
    }
}

impl Lesson {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        Self {
            mark: mark(facts),
            tokens: tokens(facts),
        }
    }

    /// How much it counts when it is learned: more where it was not surely judged as what it is. So what is hard to tell is learned well,
    /// such as newsletters among other mail, and what comes every day does not drown it.
    pub(super) fn weight(evidence: Option<f64>, is_spam: bool) -> i64 {
        let evidence = evidence.unwrap_or_default();
        let right = if is_spam { evidence } else { -evidence };
        if right < SURE { HEAVIEST } else { 1 }
    }
}

/// The same for the same message, whatever servers have written on top of it.
fn mark(facts: &Facts<'_>) -> Vec<u8> {
    let mut hash = Sha256::new();
    for name in ["Message-ID", "Date", "From", "Subject"] {
        hash.update(facts.raw(name).unwrap_or_default().trim_ascii());
        hash.update([0]);
    }
    hash.update(facts.body(&facts.structure.root));
    hash.finalize().iter().take(16).copied().collect()
}

/// The tokens of a message, each once, ascending.
pub(super) fn tokens(facts: &Facts<'_>) -> Vec<i64> {
    let mut out = Tokens::default();
    comes(facts, &mut out);
    built(facts, &mut out);
    out.is_made = false;
    out.text("subject", &super::facts::Plain::of(facts.subject()).folded, 50);
    out.text("", &facts.text.folded, WORDS);
    out.finish()
}

/// Whom the message comes from, and where it leads.
fn comes(facts: &Facts<'_>, out: &mut Tokens) {
    if let Some(from) = facts.author() {
        out.text("name", &from.name.to_lowercase(), 10);
        out.one("from", &from.domain);
        out.one("organisation", from.organisation());
    }
    for reply in facts.reply_to.iter().take(1) {
        out.one("reply", reply.organisation());
    }
    for link in facts.links.iter().take(100) {
        out.one("host", &link.host);
        out.one("site", link.organisation());
        let begin = link.url.path().split('/').nth(1).unwrap_or_default();
        out.one("path", begin.get(..begin.floor_char_boundary(LONGEST)).unwrap_or_default());
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
    for (name, most) in [("Content-Type", 6), ("Content-Transfer-Encoding", 2)] {
        if let Some(value) = facts.field(name) {
            out.text(name, &value.to_lowercase(), most);
        }
    }
    if let Some(date) = facts.field("Date") {
        let zone = date.split_whitespace().find(|word| word.len() == 5 && word.starts_with(['+', '-']));
        out.one("zone", zone.unwrap_or("none"));
    }
    out.one("recipients", &facts.to.len().min(5).to_string());
    let named = facts.to.first().map(|to| if to.name.is_empty() { "bare" } else { "named" });
    out.one("recipient", named.unwrap_or_default());
    if let Some(html) = &facts.html {
        let begin = html.get(..html.floor_char_boundary(HTML)).unwrap_or(html);
        let mut met = [false; TAGS.len()];
        for found in TAG_FINDER.iter().flat_map(|finder| finder.find_overlapping_iter(begin)) {
            if let Some(met) = met.get_mut(found.pattern().as_usize()) {
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

/// Which fields the header has, in which order, and how their names are written: each program has its own way. Fields that servers write
/// on the way do not count: they would tell where a message was learned.
fn fields(facts: &Facts<'_>, out: &mut Tokens) {
    let mut last = String::new();
    for field in facts.fields.iter().take(FIELDS) {
        let written = String::from_utf8_lossy(field.name);
        let written = written.get(..written.floor_char_boundary(LONGEST)).unwrap_or_default();
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

struct Tokens {
    hashes: Vec<i64>,
    /// Whether what comes tells how the message is made and whom it comes from.
    is_made: bool,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            hashes: Vec::with_capacity(MOST),
            is_made: true,
        }
    }
}

impl Tokens {
    /// The words of a text, and each with those behind it.
    fn text(&mut self, kind: &str, text: &str, most: usize) {
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

    fn one(&mut self, kind: &str, value: &str) {
        if !value.is_empty() {
            self.add(mix(hash(kind)) ^ hash(value));
        }
    }

    fn add(&mut self, hash: u64) {
        if self.hashes.len() < MOST {
            self.hashes.push((mix(hash) & !1 | u64::from(self.is_made)).cast_signed());
        }
    }

    fn finish(mut self) -> Vec<i64> {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes
    }
}

/// The words of a plain text. Letters of scripts without blanks between words are words themselves.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let runs = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '$' | '€' | '£'));
    runs.filter(|run| !run.is_empty()).flat_map(|run| {
        let is_dense = run
            .chars()
            .next()
            .is_some_and(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{e00}'..='\u{e7f}'));
        let cut = run.get(..run.floor_char_boundary(LONGEST)).unwrap_or(run);
        let whole = (!is_dense).then_some(cut);
        let letters = run.char_indices().filter(move |_| is_dense);
        let letters = letters.filter_map(|(at, c)| run.get(at..at.saturating_add(c.len_utf8())));
        whole.into_iter().chain(letters)
    })
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
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

/// Which of the known tokens of a message are asked.
struct Asked {
    /// At most so many, those that say most.
    most: usize,
    /// Fewer say nothing.
    least: usize,
    /// How far from one half a token's probability must be to say anything.
    strength: f64,
}

impl Asked {
    /// What tokens of these probabilities say together.
    fn sum(&self, told: impl Iterator<Item = f64>) -> Option<f64> {
        let mut told: Vec<f64> = told.filter(|told| (told - 0.5).abs() > self.strength).collect();
        if told.len() < self.least {
            return None;
        }
        if told.len() > self.most {
            told.select_nth_unstable_by(self.most, |one, other| (other - 0.5).abs().total_cmp(&(one - 0.5).abs()));
            told.truncate(self.most);
        }
        let odds: f64 = told.iter().map(|told| (told / (1.0 - told)).ln()).sum();
        let count = u32::try_from(told.len()).unwrap_or(u32::MAX);
        Some(odds / f64::from(count).sqrt())
    }
}

impl Knowledge {
    /// What speaks for spam, or (below zero) against it; none where too little of the message is known, or too little was learned of either
    /// kind. Beyond 20 either way there is hardly a doubt.
    pub fn evidence(&self, tokens: &[i64], min_learns: u32) -> Option<f64> {
        if self.spam < min_learns.max(1) || self.ham < min_learns.max(1) {
            return None;
        }
        let known = tokens
            .iter()
            .filter_map(|token| Some((*token, self.told(*self.tokens.get(token)?)?)));
        let told: Vec<(i64, f64)> = known.collect();
        let all = ALL.sum(told.iter().map(|(_, told)| *told))?;
        let made = MADE.sum(told.iter().filter(|(token, _)| token & 1 == 1).map(|(_, told)| *told));
        Some(all + MADE_SHARE * made.unwrap_or_default())
    }

    /// How likely a message with this token is spam. Frequencies count, not numbers, so that much learned of one kind does not weigh more.
    fn told(&self, (spam, ham): (u32, u32)) -> Option<f64> {
        let total = f64::from(spam) + f64::from(ham);
        let share = |count: u32, of: u32| f64::from(count) / f64::from(of.max(1));
        let (spam, ham) = (share(spam, self.spam_weight), share(ham, self.ham_weight));
        if spam + ham <= 0.0 {
            return None;
        }
        let plain = spam / (spam + ham);
        let shrunk = (ASSUMED_WEIGHT * ASSUMED + total * plain) / (ASSUMED_WEIGHT + total);
        Some(shrunk.clamp(1.0 - CERTAIN, CERTAIN))
    }
}

/// The symbol for some evidence, and its weight of the full one.
pub(super) fn symbol(evidence: f64) -> Option<(&'static str, f64)> {
    match evidence + LEANING {
        it if it > TOLD => Some(("BAYES_SPAM", (it / SPAM).min(1.0))),
        it if it < -TOLD => Some(("BAYES_HAM", (it / HAM).min(1.0))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson(text: &str) -> Lesson {
        let mut tokens = Tokens {
            is_made: false,
            ..Tokens::default()
        };
        tokens.text("", text, WORDS);
        Lesson {
            mark: Vec::new(),
            tokens: tokens.finish(),
        }
    }

    fn learn(knowledge: &mut Knowledge, text: &str, is_spam: bool) {
        for token in lesson(text).tokens {
            let counts = knowledge.tokens.entry(token).or_default();
            *if is_spam { &mut counts.0 } else { &mut counts.1 } += 1;
        }
        *if is_spam { &mut knowledge.spam } else { &mut knowledge.ham } += 1;
        (knowledge.spam_weight, knowledge.ham_weight) = (knowledge.spam, knowledge.ham);
    }

    #[test]
    fn words_are_cut_out() {
        let found: Vec<&str> = words("buy now, don't wait: $99 東京 x").collect();
        assert_eq!(found, ["buy", "now", "don't", "wait", "$99", "東", "京", "x"]);
        assert_eq!(lesson("a b c d e f").tokens.len(), 6 + 3 + 3 + 3 + 2 + 1);
        assert_ne!(lesson("a b").tokens, lesson("b a").tokens);
    }

    #[test]
    fn what_was_learned_is_told() {
        let mut knowledge = Knowledge::default();
        for number in 0..20 {
            learn(
                &mut knowledge,
                &format!("cheap pills from our pharmacy order now offer {number}"),
                true,
            );
            learn(
                &mut knowledge,
                &format!("minutes of the meeting with the board item {number}"),
                false,
            );
        }
        let told = |text: &str| knowledge.evidence(&lesson(text).tokens, 20);
        assert!(told("order cheap pills from our pharmacy now").unwrap() > 5.0);
        assert!(told("the minutes of the meeting with the board").unwrap() < -5.0);
        assert_eq!(told("nothing known of these words at all my dear friend"), None);
        assert_eq!(
            knowledge.evidence(&lesson("cheap pills from our pharmacy").tokens, 21),
            None,
            "too little was learned"
        );
    }

    #[test]
    fn much_of_one_kind_weighs_no_more() {
        let mut knowledge = Knowledge::default();
        for number in 0..200 {
            learn(
                &mut knowledge,
                &format!("hello dear friend here is something number {number}"),
                true,
            );
            if number % 20 == 0 {
                learn(
                    &mut knowledge,
                    &format!("hello dear friend here is something number {number}"),
                    false,
                );
            }
        }
        let told = knowledge.evidence(&lesson("hello dear friend here is something").tokens, 1);
        assert!(told.is_none_or(|told| (-3.0..3.0).contains(&told)), "{told:?}");
    }

    #[test]
    fn symbols_say_less_where_they_are_less_sure() {
        assert_eq!(symbol(-LEANING), None);
        assert_eq!(symbol(20.0), Some(("BAYES_SPAM", 1.0)));
        assert_eq!(symbol(-20.0), Some(("BAYES_HAM", 1.0)));
        assert_eq!(symbol(4.0 - LEANING), Some(("BAYES_SPAM", 0.5)));
        assert_eq!(symbol(-3.0 - LEANING), Some(("BAYES_HAM", 0.5)));
    }

    #[test]
    fn what_is_hard_to_tell_counts_more() {
        assert_eq!(Lesson::weight(Some(25.0), true), 1);
        assert_eq!(Lesson::weight(Some(-25.0), false), 1);
        for (evidence, is_spam) in [
            (Some(-20.0), true),
            (Some(20.0), false),
            (Some(2.0), true),
            (None, true),
            (None, false),
        ] {
            assert_eq!(Lesson::weight(evidence, is_spam), HEAVIEST, "{evidence:?}");
        }
    }

    #[test]
    fn how_a_message_is_made_is_heard_beside_its_words() {
        let mut knowledge = Knowledge::default();
        let made = |who: &str| {
            let mut tokens = Tokens::default();
            tokens.one("from", who);
            tokens.finish()
        };
        for number in 0..20 {
            learn(&mut knowledge, &format!("buy the offer of this week at once {number}"), true);
            learn(&mut knowledge, &format!("read what has come to pass since monday {number}"), false);
            for token in made("paper.test") {
                knowledge.tokens.entry(token).or_default().1 += 1;
            }
        }
        assert!(made("paper.test").iter().all(|token| token & 1 == 1));
        let told = |who: &str| {
            let mut tokens = made(who);
            tokens.extend(lesson("buy the offer of this week at once").tokens);
            knowledge.evidence(&tokens, 1).unwrap()
        };
        assert!(
            told("paper.test") < told("shop.test") - 3.0,
            "{} {}",
            told("paper.test"),
            told("shop.test")
        );
    }
}
