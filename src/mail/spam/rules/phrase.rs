//! What spam talks of: words that are harmless one by one, and tell their kind together.
//!
//! All words of all families are looked for at once, in a text that was made plain before.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::{Facts, Found, Rule, rule, that, when};

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

/// What a text talks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Fortune,
    Threat,
    Account,
    Mailbox,
    Profit,
    Favour,
    Parcel,
    Refund,
    Pills,
    Loans,
    Gambling,
    Dating,
    Replicas,
    Seo,
    Lists,
    Work,
    Bargain,
    Diet,
    Excuse,
}

const WORDS: &[(Family, &[&str])] = &[
    (
        Family::Fortune,
        &[
            "next of kin",
            "million dollars",
            "million usd",
            "million united states",
            "inheritance",
            "late client",
            "barrister",
            "beneficiary",
            "unclaimed",
            "strictly confidential",
            "atm card",
            "lottery",
            "winning number",
            "you have won",
            "you won",
            "compensation fund",
            "donation of",
            "god bless",
            "widow",
            "cancer",
            "transfer the fund",
            "foreign partner",
            "business proposal",
            "percent of the",
            "consignment",
            "diplomat",
            "my late husband",
            "fund transfer",
            "bank of africa",
            "united nations",
            "dear beneficiary",
            "contact my lawyer",
            "claim your",
            "erbschaft",
            "millionen",
            "lotterie",
            "héritage",
            "herencia",
        ],
    ),
    (
        Family::Threat,
        &[
            "bitcoin",
            "btc",
            "webcam",
            "recorded you",
            "recorded a video",
            "adult site",
            "porn",
            "masturbat",
            "your contacts",
            "your password is",
            "i have hacked",
            "hacked your",
            "i hacked",
            "malware on",
            "trojan",
            "48 hours",
            "i will send the video",
            "your dirty",
            "split screen",
            "reputation",
            "keylogger",
            "full access to your",
            "pervert",
            "wallet",
            "delete the video",
            "aufgenommen",
            "webkamera",
        ],
    ),
    (
        Family::Account,
        &[
            "verify your account",
            "confirm your account",
            "account has been suspended",
            "account has been limited",
            "account will be closed",
            "unusual activity",
            "unauthorized",
            "update your payment",
            "update your billing",
            "your account was",
            "suspended",
            "confirm your identity",
            "verify your identity",
            "security alert",
            "within 24 hours",
            "click the link below",
            "click here to verify",
            "restore access",
            "limited access",
            "account on hold",
            "we have locked",
            "konto wurde gesperrt",
            "konto bestätigen",
            "daten aktualisieren",
            "vérifier votre compte",
            "verifique su cuenta",
            "dear customer",
            "dear valued customer",
            "dear user",
            "sehr geehrter kunde",
        ],
    ),
    (
        Family::Mailbox,
        &[
            "mailbox is full",
            "mailbox is almost full",
            "storage limit",
            "upgrade your mailbox",
            "mailbox quota",
            "email quota",
            "pending messages",
            "undelivered messages",
            "release messages",
            "messages are on hold",
            "password expires",
            "password will expire",
            "keep same password",
            "keep the same password",
            "keep current password",
            "webmail administrator",
            "it helpdesk",
            "email administrator",
            "deactivated",
            "re-validate",
            "revalidate",
            "account deactivation",
            "postfach ist voll",
            "shared a document",
            "incoming fax",
            "voice message",
            "voicemail",
        ],
    ),
    (
        Family::Profit,
        &[
            "guaranteed profit",
            "risk free",
            "risk-free",
            "double your",
            "trading signals",
            "forex",
            "crypto",
            "passive income",
            "per day",
            "per week",
            "return on investment",
            "roi",
            "investment opportunity",
            "100% profit",
            "guaranteed return",
            "trading platform",
            "automated trading",
            "start earning",
            "financial freedom",
            "minimum deposit",
            "get rich",
            "millionaire",
            "elon musk",
        ],
    ),
    (
        Family::Favour,
        &[
            "are you available",
            "are you at your desk",
            "gift card",
            "gift cards",
            "scratch the",
            "quick favor",
            "quick favour",
            "urgent task",
            "i'm in a meeting",
            "i am in a meeting",
            "keep this between us",
            "confidential",
            "send me your number",
            "cell number",
            "personal number",
            "wire transfer",
            "change my direct deposit",
            "direct deposit",
            "payroll information",
            "bank details",
            "outstanding invoice",
            "new account details",
        ],
    ),
    (
        Family::Parcel,
        &[
            "your package",
            "your parcel",
            "delivery fee",
            "shipping fee",
            "customs fee",
            "reschedule",
            "could not be delivered",
            "delivery attempt",
            "on hold",
            "tracking number",
            "unpaid",
            "redelivery",
            "confirm the payment",
            "incorrect address",
            "ihr paket",
            "zollgebühr",
            "zustellung",
            "votre colis",
            "su paquete",
            "frais de livraison",
        ],
    ),
    (
        Family::Refund,
        &[
            "auto-renew",
            "auto renew",
            "subscription",
            "has been charged",
            "will be charged",
            "order id",
            "customer care",
            "toll free",
            "toll-free",
            "call us",
            "helpline",
            "cancel the order",
            "cancel this",
            "refund",
            "geek squad",
            "norton",
            "mcafee",
            "antivirus",
            "renewal",
            "24 hours of this",
        ],
    ),
    (
        Family::Pills,
        &[
            "viagra",
            "cialis",
            "levitra",
            "pharmacy",
            "erectile",
            "no prescription",
            "without prescription",
            "canadian pharm",
            "tramadol",
            "xanax",
            "valium",
            "male enhancement",
            "enlarge",
            "sildenafil",
            "tadalafil",
            "oxycodone",
            "cbd gummies",
            "testosterone booster",
            "libido",
            "potenzmittel",
        ],
    ),
    (
        Family::Loans,
        &[
            "personal loan",
            "business loan",
            "loan offer",
            "no credit check",
            "bad credit",
            "low interest",
            "interest rate",
            "pre-approved",
            "pre approved",
            "refinance",
            "mortgage",
            "consolidate",
            "debt",
            "apply now",
            "loan amount",
            "unsecured loan",
            "kredit ohne",
            "sofortkredit",
            "prêt",
            "préstamo",
            "lender",
            "3%",
        ],
    ),
    (
        Family::Gambling,
        &[
            "casino",
            "free spins",
            "jackpot",
            "bonus code",
            "welcome bonus",
            "slots",
            "deposit bonus",
            "no deposit",
            "poker",
            "roulette",
            "betting",
            "blackjack",
            "sportsbook",
            "freispiele",
            "казино",
            "play now",
            "cash out",
        ],
    ),
    (
        Family::Dating,
        &[
            "single women",
            "hot girls",
            "lonely",
            "dating",
            "russian women",
            "meet local",
            "hookup",
            "hook up",
            "naughty",
            "sexy",
            "my photos",
            "nude",
            "flirt",
            "looking for a man",
            "serious relationship",
            "soulmate",
            "hot singles",
            "horny",
            "milf",
            "знакомства",
            "view my profile",
            "private photos",
        ],
    ),
    (
        Family::Replicas,
        &[
            "replica",
            "rolex",
            "louis vuitton",
            "designer watches",
            "swiss watches",
            "gucci",
            "luxury watches",
            "handbags",
            "ray-ban",
            "prada",
            "cartier",
            "breitling",
            "omega watches",
        ],
    ),
    (
        Family::Seo,
        &[
            "seo",
            "first page of google",
            "google ranking",
            "search engine",
            "backlinks",
            "link building",
            "guest post",
            "domain authority",
            "website traffic",
            "web traffic",
            "your website",
            "website design",
            "redesign",
            "rank higher",
            "organic traffic",
            "page 1",
            "top ranking",
            "keywords",
            "mobile app development",
            "sponsored post",
            "da 50",
        ],
    ),
    (
        Family::Lists,
        &[
            "email list",
            "mailing list of",
            "contact list",
            "attendees list",
            "decision makers",
            "database of",
            "million emails",
            "email addresses",
            "verified contacts",
            "leads",
            "lead generation",
            "bulk email",
            "targeted",
            "job titles",
            "buyer list",
            "b2b list",
            "smtp server",
        ],
    ),
    (
        Family::Work,
        &[
            "work from home",
            "work at home",
            "home based",
            "be your own boss",
            "extra income",
            "earn up to",
            "no experience",
            "part-time",
            "part time",
            "mystery shopper",
            "weekly pay",
            "per hour",
            "flexible hours",
            "easy money",
            "make money",
            "hiring now",
            "payment processor",
            "package handler",
            "reshipping",
            "heimarbeit",
            "nebenjob",
        ],
    ),
    (
        Family::Bargain,
        &[
            "buy now",
            "order now",
            "limited time",
            "act now",
            "special offer",
            "lowest price",
            "best price",
            "100% free",
            "absolutely free",
            "money back",
            "no obligation",
            "satisfaction guaranteed",
            "click here",
            "call now",
            "while supplies last",
            "don't miss",
            "exclusive deal",
            "save up to",
            "unbeatable",
            "once in a lifetime",
            "free trial",
            "no cost",
            "free gift",
            "congratulations",
            "winner",
            "free shipping",
            "jetzt kaufen",
            "gratis",
        ],
    ),
    (
        Family::Diet,
        &[
            "lose weight",
            "weight loss",
            "fat burn",
            "burn fat",
            "keto",
            "diet pill",
            "belly fat",
            "miracle",
            "doctors hate",
            "anti-aging",
            "anti aging",
            "wrinkles",
            "hair loss",
            "detox",
            "one weird trick",
            "metabolism",
            "blood sugar",
            "tinnitus",
            "toenail fungus",
            "abnehmen",
        ],
    ),
    (
        Family::Excuse,
        &[
            "this is not spam",
            "this is no spam",
            "you are receiving this because you opted",
            "in compliance with the",
            "this email is not spam",
            "section 301",
            "bill 1618",
            "can-spam act of 2003",
            "this cannot be considered spam",
            "this is an advertisement",
            "one time mailing",
        ],
    ),
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

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = PHRASES.iter().map(|(_, word)| word);
    // Larger than what is chosen for so many words, and several times as fast.
    let builder = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(words);
    builder.ok()
});

impl Phrases {
    /// Looks for all of them in a subject and a text, both made plain.
    pub(in crate::mail::spam) fn of(subject: &str, text: &str) -> Self {
        let mut phrases = Self::default();
        let Some(finder) = FINDER.as_ref() else { return phrases };
        for text in [subject, text] {
            for found in finder.find_overlapping_iter(text) {
                if is_word(text, found.start(), found.end()) {
                    phrases.found.push(found.pattern().as_usize());
                }
            }
        }
        phrases.found.sort_unstable();
        phrases.found.dedup();
        phrases
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
        }
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
