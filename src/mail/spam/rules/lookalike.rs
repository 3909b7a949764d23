//! Domains that look like those that people trust, or like the recipient's.

use super::brand::{self, Brand};
use super::{Facts, Found, Rule, rule, that};
use crate::mail::spam::facts::{Link, look_alike, mixes_scripts, organisation, registered_label};
use crate::model::address::Domain;

/// How many organisations of links are compared.
const MOST: usize = 50;

pub(super) const RULES: &[Rule] = &[
    rule(
        "HOMOGRAPH_FROM",
        4.0,
        "The author's domain mixes scripts to look like another.",
        |it| mixed(&it.author()?.domain),
    ),
    rule(
        "HOMOGRAPH_URL",
        4.0,
        "The name of a link's host mixes scripts to look like another.",
        |it| hosts(it).find_map(mixed),
    ),
    rule(
        "LOOKALIKE_FROM",
        4.0,
        "The author's domain is written to look like one that people trust.",
        |it| imitated(it.author_organisation()),
    ),
    rule(
        "LOOKALIKE_URL",
        4.0,
        "A link leads to a domain that is written to look like one that people trust.",
        |it| organisations(it).find_map(imitated),
    ),
    rule(
        "TYPO_FROM",
        2.5,
        "The author's domain is one letter away from one that people trust.",
        |it| mistyped(it.author_organisation()),
    ),
    rule(
        "TYPO_URL",
        2.5,
        "A link leads to a domain that is one letter away from one that people trust.",
        |it| organisations(it).find_map(mistyped),
    ),
    rule(
        "LOOKALIKE_RECIPIENT",
        4.0,
        "The author's domain looks like the recipient's, and is another.",
        |it| {
            let author = it.author_organisation();
            let recipients = it.case.recipients.iter().filter_map(|to| to.domain()).map(Domain::as_str);
            let alike = recipients.map(organisation).find(|theirs| {
                *theirs != author && theirs.len() >= 7 && (look_alike(theirs) == look_alike(author) || is_one_edit(theirs, author))
            })?;
            that(!author.is_empty(), alike)
        },
    ),
    rule(
        "BRAND_IN_FROM",
        2.0,
        "The author's domain has a name that people trust in it, and is not theirs.",
        |it| borrowed(it.author_organisation()),
    ),
    rule(
        "BRAND_IN_URL",
        2.0,
        "A link leads to a domain with a name that people trust in it, which is not theirs.",
        |it| organisations(it).find_map(borrowed),
    ),
    rule(
        "BRAND_SUBDOMAIN",
        3.0,
        "A name that people trust stands before the domain that a link leads to.",
        |it| {
            web(it).find_map(|link| {
                let within = link.host.strip_suffix(link.organisation())?;
                let is_in = |brand: &&Brand| !brand.is_word && within.split(['.', '-']).any(|label| label == brand.name);
                let found = brand::BRANDS.iter().find(is_in)?;
                let is_own = found.owns(link.organisation()) || is_service(link.organisation());
                that(!within.is_empty() && !is_own, &link.host)
            })
        },
    ),
];

fn web<'f>(facts: &'f Facts<'_>) -> impl Iterator<Item = &'f Link> {
    facts.links.iter().filter(|link| link.is_web() && !link.is_address())
}

fn hosts<'f>(facts: &'f Facts<'_>) -> impl Iterator<Item = &'f str> {
    web(facts).map(|link| link.host.as_str())
}

fn organisations<'f>(facts: &'f Facts<'_>) -> impl Iterator<Item = &'f str> {
    let mut seen: Vec<&str> = web(facts).map(Link::organisation).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.truncate(MOST);
    seen.into_iter()
}

/// Whose customers have names before their domain.
fn is_service(organisation: &str) -> bool {
    [
        "zendesk.com",
        "atlassian.net",
        "my.salesforce.com",
        "force.com",
        "okta.com",
        "sharepoint.com",
        "cloudfront.net",
        "akamaized.net",
    ]
    .contains(&organisation)
}

fn mixed(domain: &str) -> Found {
    let unicode = match domain.contains("xn--") || !domain.is_ascii() {
        true => idna::domain_to_unicode(domain).0,
        false => return None,
    };
    that(unicode.split('.').any(mixes_scripts), unicode)
}

/// The brand that a domain is written to look like.
fn imitated(organisation: &str) -> Found {
    let unicode = idna_label(organisation);
    let shape = look_alike(&unicode);
    let (_, found) = brand::shapes()
        .iter()
        .find(|(brand, it)| !it.is_word && shape.contains(brand) && !unicode.contains(it.name))?;
    that(!found.owns(organisation), found.name)
}

fn idna_label(organisation: &str) -> String {
    let label = organisation.split('.').next().unwrap_or_default();
    match label.starts_with("xn--") {
        true => idna::domain_to_unicode(label).0,
        false => label.to_owned(),
    }
}

fn mistyped(organisation: &str) -> Found {
    let label = registered_label(organisation);
    let is_near = |brand: &&Brand| brand.name.len() >= 6 && is_one_edit(brand.name, label);
    let found = brand::BRANDS.iter().find(is_near)?;
    that(!found.owns(organisation), found.name)
}

fn borrowed(organisation: &str) -> Found {
    let label = registered_label(organisation);
    let found = brand::BRANDS.iter().find(|brand| match brand.is_word {
        true => label.split('-').any(|word| word == brand.name),
        false => label.contains(brand.name) && label.len() > brand.name.len(),
    })?;
    that(!found.owns(organisation), organisation)
}

/// Whether one letter more, less, other, or two changed about make one word of the other.
fn is_one_edit(one: &str, other: &str) -> bool {
    let (mut short, mut long) = (one.as_bytes(), other.as_bytes());
    if short.len() > long.len() {
        std::mem::swap(&mut short, &mut long);
    }
    if long.len() - short.len() > 1 || short == long {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(one, other)| one == other).count();
    let (rest, longer) = (short.get(same..).unwrap_or_default(), long.get(same..).unwrap_or_default());
    let after = |word: &[u8], count: usize| word.get(count..).is_some_and(|after| rest.get(count..) == Some(after));
    if short.len() < long.len() {
        return longer.get(1..) == Some(rest);
    }
    let is_swap = match (rest, longer) {
        ([a, b, ..], [c, d, ..]) => a == d && b == c && after(longer, 2),
        _ => false,
    };
    is_swap || after(longer, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_edit_is_one_edit() {
        for (one, other, expected) in [
            ("paypal", "paypall", true),
            ("paypal", "payapl", true),
            ("paypal", "paypol", true),
            ("paypal", "ppaypal", true),
            ("paypal", "paypal", false),
            ("paypal", "pappyl", false),
            ("paypal", "paypalll", false),
            ("", "a", true),
        ] {
            assert_eq!(is_one_edit(one, other), expected, "{one} {other}");
            assert_eq!(is_one_edit(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn imitations_are_seen_and_originals_are_not() {
        for domain in ["paypa1.com", "arnazon-shop.com", "rnicrosoft.net", "xn--pypal-4ve.com"] {
            assert!(imitated(domain).is_some(), "{domain}");
        }
        for domain in ["paypal.com", "amazon.co.uk", "example.com", "paypal-mail.com"] {
            assert!(imitated(domain).is_none(), "{domain}");
        }
        assert!(mistyped("microsfot.com").is_some() && mistyped("microsoft.com").is_none());
        assert!(borrowed("paypal-secure.com").is_some() && borrowed("apple-id.com").is_some());
        assert!(borrowed("paypal.com").is_none() && borrowed("pineapple.com").is_none());
    }
}
