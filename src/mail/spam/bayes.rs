//! How likely a message is spam by its words, as far as the words of others were learned.
//!
//! Of the tokens of a message that are known, the ones that say most are put together: the logarithms of their odds are added, as in a
//! naive Bayes classifier, and divided by about the root of their number, since words come in company and do not speak independently of
//! each other. Unlike a probability, which is 0 or 1 for nearly every message, that tells how sure it is.
//!
//! What a message says is one thing, how it is made and which way it came are others: in a long text the few tokens of its header would not
//! be heard, though they tell a newsletter that was asked for from one that was not. So these are heard once more for themselves.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use sha2::{Digest, Sha256};

use super::facts::Facts;
use super::rules::{Rule, unasked};
use super::tokens::{self, Kind};

/// Of all tokens of a message those are asked that say most.
const ALL: Asked = Asked {
    most: 70,
    least: 8,
    strength: 0.4,
};
/// The same of those that tell how it is made and whom it comes from; there are few of them, so that weaker ones count as well.
const MADE: Asked = Asked {
    most: 15,
    least: 1,
    strength: 0.25,
};
/// The same of those that tell which way it came.
const WAY: Asked = Asked {
    most: 15,
    least: 1,
    strength: 0.25,
};
/// How much these say beside what all of them say.
const MADE_SHARE: f64 = 0.2;
const WAY_SHARE: f64 = 1.6;
/// By which power of their number what tokens say is divided: by none if they spoke independently of each other, by 1 if all said the same.
const COMPANY: f64 = 0.54;
/// The weight of what is assumed of a token that nobody has met (Robinson's `s`), and that assumption (his `x`).
const ASSUMED_WEIGHT: f64 = 0.3;
const ASSUMED: f64 = 0.5;
/// No single token is more certain than this.
const CERTAIN: f64 = 0.9997;
/// From so much evidence on it speaks for spam, and below so much against it; what is between says nothing.
const FOR_SPAM: f64 = 3.0;
const AGAINST_SPAM: f64 = -2.0;

/// With so much evidence spam is surely judged, and with so much other mail.
const SURELY_SPAM: f64 = 33.0;
const SURELY_HAM: f64 = -30.0;
/// How much spam counts that is not, and such other mail: to take that for spam is worse.
const HARD_SPAM: i64 = 7;
const HARD_HAM: i64 = 12;
/// The most that a message counts.
pub(super) const HEAVIEST: i64 = HARD_HAM;

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
            tokens: tokens::of(facts),
        }
    }

    /// How much it counts when it is learned: more where it was not surely judged as what it is. So what is hard to tell is learned well,
    /// such as newsletters among other mail, and what comes every day does not drown it.
    pub(super) fn weight(evidence: Option<f64>, is_spam: bool) -> i64 {
        let evidence = evidence.unwrap_or_default();
        match is_spam {
            true if evidence < SURELY_SPAM => HARD_SPAM,
            false if evidence > SURELY_HAM => HARD_HAM,
            _ => 1,
        }
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
        Some(odds / f64::from(count).powf(COMPANY))
    }
}

impl Knowledge {
    /// What speaks for spam, or (below zero) against it; none where too little of the message is known, or too little was learned of either
    /// kind. Beyond 30 either way there is hardly a doubt.
    pub fn evidence(&self, tokens: &[i64], min_learns: u32) -> Option<f64> {
        if self.spam < min_learns.max(1) || self.ham < min_learns.max(1) {
            return None;
        }
        let known = tokens
            .iter()
            .filter_map(|token| Some((*token, self.told(*self.tokens.get(token)?)?)));
        let told: Vec<(i64, f64)> = known.collect();
        let all = ALL.sum(told.iter().map(|(_, told)| *told))?;
        let of = |kind: Kind, asked: &Asked| asked.sum(told.iter().filter(|(token, _)| kind.has(*token)).map(|(_, told)| *told));
        let (made, way) = (of(Kind::Made, &MADE), of(Kind::Way, &WAY));
        Some(all + MADE_SHARE * made.unwrap_or_default() + WAY_SHARE * way.unwrap_or_default())
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
    let (against, spam) = (evidence - AGAINST_SPAM, evidence - FOR_SPAM);
    if spam > 0.0 {
        Some(("BAYES_SPAM", (spam / SPAM).min(1.0)))
    } else if against < 0.0 {
        Some(("BAYES_HAM", (against / HAM).min(1.0)))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Tokens;
    use super::*;

    fn lesson(text: &str) -> Lesson {
        let mut tokens = Tokens::new(Kind::Said);
        tokens.text("", text, 1_000);
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
        for nothing in [AGAINST_SPAM, 0.0, FOR_SPAM] {
            assert_eq!(symbol(nothing), None);
        }
        assert_eq!(symbol(20.0), Some(("BAYES_SPAM", 1.0)));
        assert_eq!(symbol(-20.0), Some(("BAYES_HAM", 1.0)));
        assert_eq!(symbol(FOR_SPAM + 4.0), Some(("BAYES_SPAM", 0.5)));
        assert_eq!(symbol(AGAINST_SPAM - 3.0), Some(("BAYES_HAM", 0.5)));
    }

    #[test]
    fn what_is_hard_to_tell_counts_more() {
        assert_eq!(Lesson::weight(Some(SURELY_SPAM), true), 1);
        assert_eq!(Lesson::weight(Some(SURELY_HAM), false), 1);
        for evidence in [Some(-20.0), Some(20.0), Some(2.0), None] {
            assert_eq!(Lesson::weight(evidence, true), HARD_SPAM, "{evidence:?}");
            assert_eq!(Lesson::weight(evidence, false), HARD_HAM, "{evidence:?}");
        }
    }

    #[test]
    fn how_a_message_is_made_is_heard_beside_its_words() {
        let mut knowledge = Knowledge::default();
        let made = |who: &str| {
            let mut tokens = Tokens::new(Kind::Made);
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
        assert!(made("paper.test").iter().all(|token| Kind::Made.has(*token)));
        let told = |who: &str| {
            let mut tokens = made(who);
            tokens.extend(lesson("buy the offer of this week at once").tokens);
            knowledge.evidence(&tokens, 1).unwrap()
        };
        assert!(
            told("paper.test") < told("shop.test") - 1.7,
            "{} {}",
            told("paper.test"),
            told("shop.test")
        );
    }
}
