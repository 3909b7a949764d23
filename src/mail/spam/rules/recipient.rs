//! To whom it goes, and how that is said.

use super::{Facts, Rule, rule, that, when};
use crate::mail::spam::facts::{Person, organisation};

/// So many addresses are many.
const MANY: usize = 30;

pub(super) const RULES: &[Rule] = &[
    rule("MISSING_TO", 1.0, "There is neither To nor Cc.", |it| {
        when(!it.has("To") && !it.has("Cc"))
    }),
    rule("TO_EMPTY", 1.0, "To and Cc name no address.", |it| {
        when((it.has("To") || it.has("Cc")) && it.to.iter().all(|to| to.domain.is_empty()))
    }),
    rule("R_UNDISC_RCPT", 1.0, "The recipients are undisclosed.", |it| {
        let to = it.field("To")?.to_ascii_lowercase();
        when(to.contains("undisclosed") || to.contains("<undisclosed"))
    }),
    rule("TO_EQ_FROM", 1.0, "It goes to its own author.", |it| {
        let from = it.author()?;
        let is_own = |to: &&Person| to.local == from.local && to.domain == from.domain;
        that(!from.domain.is_empty() && it.to.iter().any(|to| is_own(&to)), &from.domain)
    }),
    rule("TO_MANY", 1.5, "It names very many recipients.", |it| {
        that(it.to.len() >= MANY, it.to.len().to_string())
    }),
    rule("SORTED_RECIPS", 1.5, "Its recipients stand in the order of the alphabet.", |it| {
        let list: Vec<_> = it.to.iter().map(|to| (&to.domain, &to.local)).collect();
        when(list.len() >= 7 && list.is_sorted())
    }),
    rule(
        "SUSPICIOUS_RECIPS",
        2.0,
        "Its recipients' names are much alike: they were made up.",
        |it| {
            let begins: Vec<&str> = it.to.iter().filter_map(|to| to.local.get(..3)).collect();
            let alike = begins
                .windows(2)
                .filter(|pair| matches!(pair, [one, other] if one == other))
                .count();
            when(begins.len() >= 5 && alike * 10 >= begins.len() * 7)
        },
    ),
    rule("RCPT_NOT_NAMED", 0.3, "None of its recipients stands in To or Cc.", |it| {
        let is_named = it.case.recipients.iter().any(|rcpt| {
            let (local, domain) = (
                rcpt.local().to_lowercase(),
                rcpt.domain().map(ToString::to_string).unwrap_or_default(),
            );
            it.to.iter().any(|to| to.local == local && to.domain == domain)
        });
        when(!it.case.recipients.is_empty() && !is_named && !it.is_list())
    }),
    rule(
        "TO_NAME_IS_ADDRESS",
        0.3,
        "The recipient's name is their address: the author does not know them.",
        |it| {
            let is_so = |to: &Person| to.name.eq_ignore_ascii_case(&format!("{}@{}", to.local, to.domain));
            when(it.to.iter().any(is_so))
        },
    ),
    rule(
        "TO_GREETED_BY_LOCAL_PART",
        1.0,
        "It addresses the reader by the first half of their address.",
        |it| {
            let local = greeted(it)?;
            that(true, local)
        },
    ),
    rule(
        "FORGED_OWN_DOMAIN",
        3.0,
        "Its author is of the recipient's domain, and nothing proves that.",
        |it| {
            let author = it.author_organisation();
            let known = it.case.authentication?;
            let is_theirs = it
                .case
                .recipients
                .iter()
                .filter_map(|to| to.domain())
                .any(|to| organisation(to.as_str()) == author);
            let is_doubted = it.is_author_asked() && !it.is_author_proved() && !known.arc.vouches;
            that(!author.is_empty() && is_theirs && is_doubted && !it.is_list(), author)
        },
    ),
];

/// The local part of a recipient, where the text begins with a greeting of it (`Dear jsmith42,`).
fn greeted(facts: &Facts<'_>) -> Option<String> {
    let begin: String = facts.text.folded.chars().take(80).collect();
    let locals = facts.case.recipients.iter().map(|to| to.local().to_lowercase());
    let mut made = locals.filter(|local| local.len() >= 4 && local.chars().any(|c| c.is_ascii_digit() || matches!(c, '.' | '_')));
    made.find(|local| {
        let words = ["dear ", "hello ", "hi ", "attention ", "attn ", "hallo ", "bonjour ", "hola "];
        words.iter().any(|word| begin.starts_with(&format!("{word}{local}")))
    })
}
