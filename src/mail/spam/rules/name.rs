//! Names in From that are to make the reader believe in another author.

use super::brand::{self, is_cheap, is_freemail};
use super::{Rule, rule, that, when};
use crate::mail::spam::facts::{look_alike, mixes_scripts, organisation};
use crate::model::address::EmailAddress;

pub(super) const RULES: &[Rule] = &[
    rule(
        "SPOOF_DISPLAY_NAME",
        4.0,
        "The author's name is an address of another organisation.",
        |it| {
            let from = it.author()?;
            let words = from.name.split([' ', '<', '>', '(', ')', '"', ',', '\'']);
            let other = words.filter_map(|word| EmailAddress::parse(word).ok()).find(|address| {
                let domain = address.domain().map(ToString::to_string).unwrap_or_default();
                domain.contains('.') && organisation(&domain) != from.organisation()
            })?;
            that(!it.is_list() && !from.domain.is_empty(), other.to_string())
        },
    ),
    rule(
        "FROM_NAME_HAS_DOMAIN",
        1.0,
        "The author's name has the name of another domain in it.",
        |it| {
            let from = it.author()?;
            let other = from
                .name
                .split([' ', '(', ')', '"', ',', '|'])
                .find(|word| is_domain(word, from.organisation()))?;
            that(!it.is_list() && !it.is_author_proved(), other)
        },
    ),
    rule(
        "FROM_NAME_IS_BRAND",
        2.0,
        "The author's name is one that people trust, and the address is not theirs.",
        |it| {
            let from = it.author()?;
            let folded: String = from.name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
            let found = brand::BRANDS.iter().find(|brand| match brand.is_word {
                true => folded == brand.name || folded.starts_with(&format!("{}support", brand.name)),
                false => folded.contains(brand.name),
            })?;
            that(!found.owns(from.organisation()) && !it.is_list(), found.name)
        },
    ),
    rule(
        "FROM_NAME_LOOKS_LIKE_BRAND",
        4.0,
        "The author's name is written to look like one that people trust.",
        |it| {
            let name: String = it.author()?.name.chars().filter(|c| c.is_alphanumeric()).collect();
            let (shape, lower) = (look_alike(&name), name.to_lowercase());
            let (_, found) = brand::shapes()
                .iter()
                .find(|(brand, it)| !it.is_word && shape.contains(brand) && !lower.contains(it.name))?;
            that(true, found.name)
        },
    ),
    rule(
        "FROM_NAME_MIXED_SCRIPTS",
        2.5,
        "The author's name mixes scripts that do not belong together.",
        |it| when(it.author()?.name.split_whitespace().any(mixes_scripts)),
    ),
    rule(
        "FROM_NAME_INVISIBLE",
        3.0,
        "The author's name has characters that nobody sees.",
        |it| when(crate::mail::spam::facts::Plain::of(&it.author()?.name).invisible > 0),
    ),
    rule(
        "FROM_NAME_IS_RECIPIENT",
        2.0,
        "The author's name is the recipient's address or domain, and the address is another's.",
        |it| {
            let from = it.author()?;
            let name = from.name.to_lowercase();
            let is_in = |to: &EmailAddress| {
                let domain = to.domain().map(ToString::to_string).unwrap_or_default();
                let organisation = organisation(&domain);
                let is_named = name.contains(&to.canonical()) || (organisation.len() > 5 && name.contains(organisation));
                is_named && organisation != from.organisation()
            };
            when(it.case.recipients.iter().any(is_in) && !it.is_list())
        },
    ),
    rule(
        "FROM_NAME_IS_OFFICE",
        1.0,
        "A free mailbox calls itself an office, a bank or a support.",
        |it| {
            let from = it.author()?;
            let name = from.name.to_lowercase();
            let words = [
                "support", "service", "security", "helpdesk", "billing", "account", "customer", "bank", "admin", "team", "invoice",
                "payroll",
            ];
            that(is_freemail(&from.domain) && words.iter().any(|word| name.contains(word)), name)
        },
    ),
    rule("FROM_NAME_EXCESS_SPACE", 1.0, "The author's name is padded with blanks.", |it| {
        when(it.author()?.name.contains("   "))
    }),
    rule(
        "FROM_NAME_SHOUTS",
        0.5,
        "The author's name is in capitals with marks in it.",
        |it| {
            let name = &it.author()?.name;
            let letters = name.chars().filter(|c| c.is_alphabetic()).count();
            let capitals = name.chars().filter(|c| c.is_uppercase()).count();
            that(letters > 8 && capitals == letters && name.contains(['!', '$', '*', '#', '%']), name)
        },
    ),
    rule(
        "FROM_SUSPICIOUS_TLD",
        0.8,
        "The author's domain has an ending that costs next to nothing.",
        |it| {
            let from = it.author()?;
            that(is_cheap(&from.domain), &from.domain)
        },
    ),
    rule("FROM_LOCAL_RANDOM", 0.5, "The author's address was made by chance.", |it| {
        let from = it.author()?;
        that(is_random(&from.local), &from.local)
    }),
    rule("FROM_DOMAIN_RANDOM", 0.8, "The author's domain was made by chance.", |it| {
        let organisation = it.author_organisation();
        that(is_random(organisation.split('.').next()?), organisation)
    }),
    rule("FROM_MANY_DIGITS", 0.7, "The author's address ends with many digits.", |it| {
        let local = &it.author()?.local;
        let digits = local.chars().rev().take_while(char::is_ascii_digit).count();
        that(digits >= 4 && digits < local.len(), local)
    }),
    rule("ENVFROM_RANDOM", 0.3, "The sender's address was made by chance.", |it| {
        let local = it.case.sender?.local();
        // Addresses for bounces carry whom they were made for.
        that(is_random(local) && !local.contains(['=', '+', '-']), local)
    }),
];

fn is_domain(word: &str, own: &str) -> bool {
    let word = word.trim_end_matches(['.', ':']).to_lowercase();
    let Some((_, ending)) = word.split_once('.') else { return false };
    let is_known = psl::domain(word.as_bytes()).is_some_and(|it| it.suffix().is_known());
    is_known && ending.len() >= 2 && !word.contains('@') && organisation(&word) != own
}

/// Whether a word has no vowels where a name would have some, or digits all over it.
pub(super) fn is_random(word: &str) -> bool {
    if !word.is_ascii() || word.len() < 7 {
        return false;
    }
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    let longest = word
        .split(|c: char| "aeiouy".contains(c.to_ascii_lowercase()) || !c.is_ascii_alphabetic())
        .map(str::len)
        .max()
        .unwrap_or_default();
    let changes = word
        .as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [one, other] if one.is_ascii_digit() != other.is_ascii_digit()))
        .count();
    longest >= 7 || (letters >= 4 && changes >= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_made_by_chance_are_seen() {
        for word in ["xkjrtwqz", "a8f3k2m9z", "bcdfghjk"] {
            assert!(is_random(word), "{word}");
        }
        for word in [
            "alexander",
            "john.smith",
            "smith1970",
            "newsletter",
            "mueller-schmidt",
            "info",
            "rhythms",
            "anna.k",
        ] {
            assert!(!is_random(word), "{word}");
        }
    }
}
