//! The rules: each has a name, a weight and a meaning, and says whether it holds of a message.
//!
//! A rule only looks at facts; it does not wait for anything. Names are those of rspamd where a rule is the same.

mod attachment;
mod authentication;
mod brand;
mod header;
mod html;
mod link;
mod lookalike;
mod mime;
mod name;
mod peer;
mod phrase;
mod recipient;
mod reply;
mod subject;

use super::facts::Facts;

pub(super) use phrase::Phrases;

/// What a rule has found: nothing, or (in a few words, which may be none) that it holds.
type Found = Option<String>;

/// A rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// What it adds to the score where the configuration says nothing else; negative where it speaks for the message.
    pub weight: f64,
    /// What it means that it holds.
    pub about: &'static str,
    holds: fn(&Facts<'_>) -> Found,
}

impl Rule {
    /// What it finds.
    pub(super) fn look(&self, facts: &Facts<'_>) -> Found {
        (self.holds)(facts)
    }
}

const fn rule(name: &'static str, weight: f64, about: &'static str, holds: fn(&Facts<'_>) -> Found) -> Rule {
    Rule {
        name,
        weight,
        about,
        holds,
    }
}

/// A symbol that comes of something else than looking at facts: it is listed and weighed like a rule.
pub(super) const fn unasked(name: &'static str, weight: f64, about: &'static str) -> Rule {
    rule(name, weight, about, |_| None)
}

/// Holds, with nothing more to say.
fn when(holds: bool) -> Found {
    holds.then(String::new)
}

/// Holds, and says this.
fn that(holds: bool, detail: impl Into<String>) -> Found {
    holds.then(|| detail.into())
}

/// All rules, family by family.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    let families: [&'static [Rule]; 14] = [
        authentication::RULES,
        peer::RULES,
        header::RULES,
        recipient::RULES,
        reply::RULES,
        name::RULES,
        lookalike::RULES,
        subject::RULES,
        mime::RULES,
        html::RULES,
        link::RULES,
        attachment::RULES,
        phrase::RULES,
        super::bayes::RULES,
    ];
    families.into_iter().chain(super::outside::RULES.iter().copied()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_names_of_their_own_and_meanings() {
        let mut names: Vec<&str> = all().map(|rule| rule.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "no name stands twice");
        assert!(count >= 100, "{count}");
        for rule in all() {
            let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            assert!(rule.name.chars().all(is_name), "{}", rule.name);
            assert!(rule.about.ends_with('.') && rule.about.len() > 12, "{}", rule.name);
            assert!(rule.weight.is_finite());
        }
    }
}
