//! The subject, and what is done to it.

use super::header::excess;
use super::{Rule, rule, that, when};
use crate::mail::spam::facts::{Plain, mixes_scripts};

pub(super) const RULES: &[Rule] = &[
    rule("MISSING_SUBJECT", 1.5, "There is no Subject.", |it| when(it.subject.is_none())),
    rule("EMPTY_SUBJECT", 0.8, "The subject is empty.", |it| {
        when(it.subject.as_deref()?.trim().is_empty())
    }),
    rule("SUBJ_ALL_CAPS", 1.5, "The subject is in capitals.", |it| {
        let plain = Plain::of(it.subject());
        when(plain.words >= 3 && plain.letters > 12 && plain.capitals * 10 >= plain.letters * 8)
    }),
    rule("SUBJECT_EXCLAMATIONS", 1.0, "The subject shouts with its marks.", |it| {
        let subject = it.subject();
        when(subject.contains("!!") || subject.contains("??") || subject.matches('!').count() >= 3)
    }),
    rule("SUBJECT_CURRENCY", 0.5, "The subject is about a sum of money.", |it| {
        let subject = it.subject();
        let behind = |sign: char| {
            let mut sides = subject.split(sign).skip(1);
            sides.any(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))
        };
        when(['$', '€', '£'].into_iter().any(behind))
    }),
    rule(
        "SUBJ_EXCESS_BASE64",
        1.2,
        "The subject is encoded as base64 though it is ASCII.",
        |it| excess(it, "Subject", "?b?"),
    ),
    rule(
        "SUBJ_EXCESS_QP",
        0.5,
        "The subject is encoded as quoted-printable though it is ASCII.",
        |it| excess(it, "Subject", "?q?"),
    ),
    rule("SUBJECT_SPACED", 2.5, "The letters of the subject are pulled apart.", |it| {
        let words: Vec<&str> = it.subject().split([' ', '.', '-', '_', '*']).collect();
        let run = |(run, most): (usize, usize), word: &&str| {
            let now = if word.chars().count() == 1 && word.chars().all(char::is_alphanumeric) {
                run + 1
            } else {
                0
            };
            (now, most.max(now))
        };
        when(words.iter().fold((0, 0), run).1 >= 5)
    }),
    rule(
        "SUBJECT_LEET",
        2.0,
        "Letters of the subject are written as digits or signs.",
        |it| when(it.subject().split_whitespace().any(is_leet)),
    ),
    rule("SUBJECT_LONG", 0.5, "The subject is longer than 200 characters.", |it| {
        when(it.subject().chars().count() > 200)
    }),
    rule(
        "SUBJECT_INVISIBLE",
        2.5,
        "The subject has characters in its words that nobody sees.",
        |it| when(Plain::of(it.subject()).invisible > 0),
    ),
    rule(
        "SUBJECT_MIXED_SCRIPTS",
        2.5,
        "A word of the subject mixes scripts that do not belong together.",
        |it| {
            let words = it.subject().split(|c: char| !c.is_alphanumeric());
            that(
                words.clone().any(mixes_scripts),
                words.clone().find(|word| mixes_scripts(word)).unwrap_or_default(),
            )
        },
    ),
    rule(
        "SUBJECT_STYLED_LETTERS",
        2.0,
        "The subject is written in letters that are made for formulas.",
        |it| {
            let styled = |c: char| matches!(c, '\u{1d400}'..='\u{1d7ff}' | '\u{1f130}'..='\u{1f189}' | '\u{24b6}'..='\u{24e9}' | '\u{ff21}'..='\u{ff5a}');
            when(it.subject().chars().filter(|c| styled(*c)).count() >= 4)
        },
    ),
    rule("SUBJECT_MANY_EMOJI", 0.8, "The subject has several pictures.", |it| {
        let is_picture = |c: &char| matches!(*c, '\u{1f300}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}');
        when(it.subject().chars().filter(is_picture).count() >= 3)
    }),
    rule("SUBJECT_HAS_ADDRESS", 1.5, "The subject has the recipient's address in it.", |it| {
        let subject = it.subject().to_lowercase();
        when(it.case.recipients.iter().any(|to| subject.contains(&to.canonical())) && !it.has("In-Reply-To"))
    }),
    rule(
        "SUBJECT_HAS_LOCAL_PART",
        1.0,
        "The subject addresses the reader by the first half of their address.",
        |it| {
            let subject = it.subject().to_lowercase();
            let made = |local: &str| local.len() >= 5 && local.contains(|c: char| c.is_ascii_digit() || matches!(c, '.' | '_'));
            let is_in = |local: String| made(&local) && subject.starts_with(&local);
            when(it.case.recipients.iter().any(|to| is_in(to.local().to_lowercase())))
        },
    ),
    rule(
        "SUBJECT_ENDS_SPACES",
        1.5,
        "Something stands in the subject far behind its end.",
        |it| when(it.subject().contains("     ")),
    ),
    rule("SUBJECT_RANDOM_TAIL", 1.5, "The subject ends with a word made by chance.", |it| {
        let last = it.subject().split_whitespace().last()?;
        let is_bare = last.chars().all(|c| c.is_ascii_alphanumeric());
        that(
            it.subject().contains(' ') && is_bare && super::name::is_random(last) && !last.starts_with("0x"),
            last,
        )
    }),
    rule("SUBJECT_STEALS_ACTION", 0.7, "The subject wants the reader to act at once.", |it| {
        let subject = it.subject().to_lowercase();
        let words = [
            "urgent",
            "act now",
            "action required",
            "final notice",
            "last chance",
            "immediate",
            "expires today",
            "suspended",
            "verify your",
            "confirm your",
            "unusual sign",
            "dringend",
            "sofort",
            "letzte mahnung",
            "gesperrt",
        ];
        that(words.iter().any(|word| subject.contains(word)), subject)
    }),
];

/// Whether signs or digits stand for letters inside of a word, such as in `v1agra` or `ca$h`.
fn is_leet(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    let inner: Vec<char> = word.chars().collect();
    let hidden = inner.windows(3).filter(|three| match three {
        [before, c, behind] => {
            matches!(c, '0' | '1' | '3' | '4' | '@' | '$' | '5' | '!') && before.is_ascii_alphabetic() && behind.is_ascii_lowercase()
        }
        _ => false,
    });
    letters >= 3
        && hidden.count() >= 1
        && word.len() <= 16
        && !word.contains(['.', '/', ':', '_', '-'])
        && word.matches('@').count() * 4 <= letters
        && word.chars().filter(char::is_ascii_digit).count() * 3 <= letters
        && !looks_made(word)
}

/// Names of revisions, hashes and the like: only digits and the first six letters, or a product such as `win32api`.
fn looks_made(word: &str) -> bool {
    let is_hex = word.chars().all(|c| c.is_ascii_hexdigit());
    let has_long_number = word.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() > 1);
    is_hex || has_long_number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_written_as_signs_are_seen() {
        for word in ["v1agra", "c1alis", "ca$hback", "l0an", "fr3e", "V1agra!"] {
            assert!(is_leet(word), "{word}");
        }
        for word in [
            "win32api", "e4b2c1", "3f1c2d", "ipv6", "h264", "viagra", "a@b", "x86", "0x3f", "John's",
        ] {
            assert!(!is_leet(word), "{word}");
        }
    }
}
