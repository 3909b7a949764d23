//! Replies that answer nothing, and addresses for replies that lead elsewhere.

use super::brand::is_freemail;
use super::{Facts, Rule, rule, that, when};
use crate::mail::spam::facts::Person;

/// What stands before the subject of a reply, in the languages of mail clients.
const REPLIES: &[&str] = &[
    "re:", "aw:", "antw:", "sv:", "vs:", "odp:", "res:", "rif:", "ynt:", "回复:", "答复:",
];
/// And of what was handed on.
const FORWARDS: &[&str] = &["fw:", "fwd:", "wg:", "tr:", "rv:", "enc:", "转发:"];

pub(super) const RULES: &[Rule] = &[
    rule("FAKE_REPLY", 0.7, "The subject is that of a reply, and it answers nothing.", |it| {
        when(begins(it, REPLIES) && !it.has("In-Reply-To") && !it.has("References"))
    }),
    rule(
        "FAKE_REPLY_QUOTES_NOTHING",
        0.5,
        "The subject is that of a reply, and there is nothing of what it answers.",
        |it| {
            let text = it.plain.as_deref().unwrap_or_default();
            let quotes =
                || text.lines().any(|line| line.starts_with('>')) || it.html.as_deref().is_some_and(|html| html.contains("blockquote"));
            when(begins(it, REPLIES) && !it.has("In-Reply-To") && it.text.words > 0 && !quotes())
        },
    ),
    rule(
        "FAKE_FORWARD",
        1.2,
        "The subject is that of a forwarded message, and nothing is forwarded.",
        |it| {
            let has_message = it.parts().any(|part| part.embedded.is_some());
            let text = &it.text.folded;
            let words = ["from:", "von:", "de :", "de:", "da:", "van:"];
            let quotes = || words.iter().any(|word| text.contains(word));
            when(begins(it, FORWARDS) && !has_message && !it.has("In-Reply-To") && !it.has("References") && !quotes())
        },
    ),
    rule("REFERENCES_BROKEN", 0.3, "In-Reply-To or References names no message.", |it| {
        let is_broken = |name: &str| {
            it.field(name)
                .is_some_and(|value| !value.trim().is_empty() && !value.contains('@') && !value.contains('<'))
        };
        when(is_broken("In-Reply-To") || is_broken("References"))
    }),
    rule(
        "REPLYTO_NEQ_FROM_DOM",
        0.8,
        "Replies go to another organisation than the author's.",
        |it| {
            let reply = elsewhere(it)?;
            that(!it.is_list(), &reply.domain)
        },
    ),
    rule(
        "FREEMAIL_REPLYTO",
        2.0,
        "Replies go to a free mailbox that is not the author's.",
        |it| {
            let reply = elsewhere(it)?;
            that(is_freemail(&reply.domain) && !it.is_list(), &reply.domain)
        },
    ),
    rule(
        "FREEMAIL_REPLYTO_NEQ_FROM",
        2.0,
        "Author and address for replies are different free mailboxes.",
        |it| {
            let (from, reply) = (it.author()?, it.reply_to.first()?);
            let both = is_freemail(&from.domain) && is_freemail(&reply.domain);
            that(both && (from.local != reply.local || from.domain != reply.domain), &reply.domain)
        },
    ),
    rule("REPLYTO_EQ_TO", 1.0, "Replies go to the recipient themself.", |it| {
        let reply = it.reply_to.first()?;
        let is_own = |to: &Person| to.local == reply.local && to.domain == reply.domain;
        when(it.to.len() == 1 && it.to.iter().any(is_own) && !it.is_list())
    }),
    rule(
        "REPLYTO_SAME_NAME",
        1.5,
        "The address for replies has the author's name, at a free mailbox elsewhere.",
        |it| {
            let (from, reply) = (it.author()?, elsewhere(it)?);
            that(
                !from.name.is_empty() && from.name == reply.name && is_freemail(&reply.domain),
                &reply.domain,
            )
        },
    ),
];

/// The address for replies, where it is of another organisation.
fn elsewhere<'f>(facts: &'f Facts<'_>) -> Option<&'f Person> {
    let (author, reply) = (facts.author()?, facts.reply_to.first()?);
    (!author.domain.is_empty() && !reply.domain.is_empty() && author.organisation() != reply.organisation()).then_some(reply)
}

fn begins(facts: &Facts<'_>, words: &[&str]) -> bool {
    let subject = facts.subject().trim_start().to_lowercase();
    words.iter().any(|word| subject.starts_with(word))
}
