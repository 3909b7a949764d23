//! What spam talks of: words that are harmless one by one, and tell their kind together.
//!
//! They are looked for at the begins of words, in a text that was made plain before: by a table of their first octets, which stays in the
//! processor's cache where an automaton of them all does not.

mod words;

use std::sync::LazyLock;

use super::{Facts, Found, Rule, rule, that, when};
use words::{Family, WORDS};

/// The mark by which one tries out whether spam is found (<https://spamassassin.apache.org/gtube/>).
const GTUBE: &[u8] = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

pub(super) const RULES: &[Rule] = &[
    rule(
        "GTUBE",
        1000.0,
        "It has the mark by which one tries out whether spam is found.",
        |it| {
            let body = it.body(&it.structure.root);
            when(memchr::memmem::find(body.get(..65_536).unwrap_or(body), GTUBE).is_some())
        },
    ),
    rule("FRAUD_ADVANCE_FEE", 3.0, "It promises a fortune to a stranger.", |it| {
        told(it, Family::Fortune, 3)
    }),
    rule(
        "FRAUD_ADVANCE_FEE_PLENTY",
        2.5,
        "It promises a fortune to a stranger at length.",
        |it| told(it, Family::Fortune, 5),
    ),
    rule("FRAUD_EXTORTION", 4.0, "It threatens to show what somebody has seen.", |it| {
        told(it, Family::Threat, 3)
    }),
    rule("FRAUD_ACCOUNT", 2.0, "It frightens the reader about an account.", |it| {
        told(it, Family::Account, 2)
    }),
    rule(
        "FRAUD_ACCOUNT_PLENTY",
        1.5,
        "It frightens the reader about an account in many words.",
        |it| told(it, Family::Account, 4),
    ),
    rule("FRAUD_MAILBOX", 2.0, "It claims that the mailbox is full, old or blocked.", |it| {
        told(it, Family::Mailbox, 2)
    }),
    rule("FRAUD_INVESTMENT", 2.0, "It promises profits without risk.", |it| {
        told(it, Family::Profit, 3)
    }),
    rule("FRAUD_BOSS", 1.5, "It wants a quick favour that is not to be talked of.", |it| {
        told(it, Family::Favour, 2)
    }),
    rule("FRAUD_PARCEL", 1.5, "It wants money for a parcel that waits.", |it| {
        told(it, Family::Parcel, 3)
    }),
    rule("FRAUD_REFUND", 1.5, "It says that something was bought, and whom to call.", |it| {
        told(it, Family::Refund, 3)
    }),
    rule("SPAM_PILLS", 2.5, "It sells pills.", |it| told(it, Family::Pills, 2)),
    rule("SPAM_LOANS", 2.5, "It sells loans.", |it| told(it, Family::Loans, 3)),
    rule("SPAM_GAMBLING", 2.0, "It lures into gambling.", |it| told(it, Family::Gambling, 3)),
    rule("SPAM_DATING", 2.0, "It lures with love.", |it| told(it, Family::Dating, 3)),
    rule("SPAM_REPLICAS", 2.0, "It sells copies of costly things.", |it| {
        told(it, Family::Replicas, 2)
    }),
    rule("SPAM_SEO", 2.0, "It sells visitors for web sites.", |it| told(it, Family::Seo, 3)),
    rule("SPAM_LISTS", 2.5, "It sells addresses.", |it| told(it, Family::Lists, 2)),
    rule("SPAM_WORK", 1.5, "It promises money for work at home.", |it| {
        told(it, Family::Work, 3)
    }),
    rule("SPAM_BARGAIN", 1.0, "It shouts like a market crier.", |it| {
        told(it, Family::Bargain, 4)
    }),
    rule("SPAM_DIET", 1.5, "It sells miracles for the body.", |it| told(it, Family::Diet, 3)),
    rule("SPAM_EXCUSE", 2.0, "It says that it is not spam.", |it| told(it, Family::Excuse, 1)),
    rule("BITCOIN_ADDR", 1.0, "It names a wallet.", |it| that(true, wallet(it)?)),
    rule("EXTORTION_WALLET", 4.0, "It threatens, and names a wallet.", |it| {
        told(it, Family::Threat, 2).filter(|_| wallet(it).is_some())
    }),
    rule(
        "TEXT_INVISIBLE",
        2.0,
        "Its words are torn apart by characters that nobody sees.",
        |it| that(it.text.invisible >= 5, it.text.invisible.to_string()),
    ),
    rule(
        "TEXT_MIXED_SCRIPTS",
        3.0,
        "Its words mix scripts that do not belong together.",
        |it| that(it.text.mixed >= 2, it.text.mixed.to_string()),
    ),
    rule("TEXT_SHOUTS", 1.0, "It is in capitals.", |it| {
        when(it.text.words > 20 && it.text.capitals * 10 > it.text.letters * 7)
    }),
];

/// The phrases of a message: which family talks by how many of them.
#[derive(Debug, Clone, Default)]
pub(in crate::mail::spam) struct Phrases {
    /// Their places in [`PHRASES`], each once.
    found: Vec<usize>,
}

static PHRASES: LazyLock<Vec<(Family, &'static str)>> = LazyLock::new(|| {
    WORDS
        .iter()
        .flat_map(|(family, words)| words.iter().map(move |word| (*family, *word)))
        .collect()
});

/// How many slots the table has.
const SLOTS: usize = 4096;

/// The places in [`PHRASES`] of those that may stand where a text goes on with some octets, by the slot of these.
static TABLE: LazyLock<Vec<Vec<usize>>> = LazyLock::new(|| {
    let mut table = vec![Vec::new(); SLOTS];
    for (at, (_, phrase)) in PHRASES.iter().enumerate() {
        if let Some(places) = slot(phrase.as_bytes()).and_then(|slot| table.get_mut(slot)) {
            places.push(at);
        }
    }
    table
});

/// The slot of the first three octets.
fn slot(text: &[u8]) -> Option<usize> {
    let [a, b, c, ..] = *text else { return None };
    let mixed = usize::from(a).wrapping_mul(961).wrapping_add(usize::from(b).wrapping_mul(31));
    Some(mixed.wrapping_add(usize::from(c)) % SLOTS)
}

impl Phrases {
    /// Looks for all of them in a subject and a text, both made plain.
    pub(in crate::mail::spam) fn of(subject: &str, text: &str) -> Self {
        let mut phrases = Self::default();
        phrases.look(subject);
        phrases.look(text);
        phrases.found.sort_unstable();
        phrases.found.dedup();
        phrases
    }

    fn look(&mut self, text: &str) {
        let table = TABLE.as_slice();
        let mut is_inside = false;
        for (at, octet) in text.bytes().enumerate() {
            // Beside a character beyond ASCII a word may begin, and with it; whether one does is looked at where a phrase is met.
            let is_begin = octet >= 0xc0 || !is_inside && octet.is_ascii_alphanumeric();
            is_inside = octet.is_ascii_alphanumeric();
            if !is_begin {
                continue;
            }
            let Some(rest) = text.get(at..) else { continue };
            let places = slot(rest.as_bytes()).and_then(|slot| table.get(slot)).into_iter().flatten();
            for place in places {
                let phrase = PHRASES.get(*place).map_or("", |(_, phrase)| phrase);
                if rest.starts_with(phrase) && is_word(text, at, at.saturating_add(phrase.len())) {
                    self.found.push(*place);
                }
            }
        }
    }

    fn of_family(&self, family: Family) -> impl Iterator<Item = &'static str> {
        let phrases = self.found.iter().filter_map(|at| PHRASES.get(*at));
        phrases.filter(move |(it, _)| *it == family).map(|(_, word)| *word)
    }
}

/// Whether it is not the inside of another word; its end may go on, as words do in their languages.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    let behind = text.get(end..).and_then(|behind| behind.chars().next());
    let is_short = end.saturating_sub(start) < 7;
    !(before.is_some_and(char::is_alphanumeric) || is_short && behind.is_some_and(|c| c.is_alphanumeric() && c != 's'))
}

/// Whether a family talks by so many phrases, and by which.
fn told(facts: &Facts<'_>, family: Family, least: usize) -> Found {
    let mut words: Vec<&str> = facts.phrases().of_family(family).collect();
    words.sort_unstable();
    let is_enough = words.len() >= least;
    words.truncate(4);
    that(is_enough, words.join(", "))
}

/// The first wallet that the text names.
fn wallet<'f>(facts: &'f Facts<'_>) -> Option<&'f str> {
    let seen = || facts.page.as_ref().map(|page| page.text.as_str());
    let text = facts.plain.as_deref().or_else(seen)?;
    // Only ASCII has to be told apart here, and every octet of another character is none of it.
    let words = text.as_bytes().split(|octet| !octet.is_ascii_alphanumeric());
    let long = words.filter(|word| (26..=62).contains(&word.len()));
    long.filter_map(|word| std::str::from_utf8(word).ok()).find(|word| is_wallet(word))
}

/// Whether a word has the form of a wallet's address.
fn is_wallet(word: &str) -> bool {
    let is_base58 = |c: char| c.is_ascii_alphanumeric() && !matches!(c, '0' | 'O' | 'I' | 'l');
    let has_all = word.contains(|c: char| c.is_ascii_digit())
        && word.contains(|c: char| c.is_ascii_uppercase())
        && word.contains(|c: char| c.is_ascii_lowercase());
    let is_old = (26..=35).contains(&word.len()) && word.starts_with(['1', '3']) && has_all && word.chars().all(is_base58);
    let is_new =
        (42..=62).contains(&word.len()) && word.starts_with("bc1") && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    is_old || is_new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_words_in_lower_case() {
        for (_, word) in PHRASES.iter() {
            assert_eq!(*word, word.to_lowercase());
            assert!(word.len() >= 3 && word.starts_with(char::is_alphanumeric), "{word}");
            let text = format!("so \u{201c}{word}\u{201d} it says");
            let found = Phrases::of("", &text);
            assert!(found.found.iter().any(|at| PHRASES[*at].1 == *word), "{word}");
        }
        assert!(TABLE.iter().all(|places| places.len() < 12), "no slot is crowded");
        let phrases = Phrases::of("cheap viagra", "our pharmacy, no prescription. btcx");
        let mut found: Vec<_> = phrases.of_family(Family::Pills).collect();
        found.sort_unstable();
        assert_eq!(found, ["no prescription", "pharmacy", "viagra"]);
        assert_eq!(phrases.of_family(Family::Threat).count(), 0, "the begin of a longer word is none");
    }

    #[test]
    fn wallets_are_told_by_their_form() {
        assert!(is_wallet("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"));
        assert!(is_wallet("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"));
        for word in ["1A1zP1eP5QGefi2", "hello", "3f786850e387550fdab836ed7e6dc881de23001b"] {
            assert!(!is_wallet(word), "{word}");
        }
    }
}
