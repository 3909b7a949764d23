//! What speaks for or against a message besides itself: what others list.
//!
//! [`Spam::decide`](super::Spam::decide) asks it once the rules have looked at a message, which is no longer in memory then. Nothing of it
//! can fail: who does not answer in time says nothing.

mod asks;
mod lists;

use std::collections::BTreeMap;

use super::Letter;
use super::rules::Rule;
use crate::config;
use crate::mail::dns::Dns;
use crate::model::clock::Clock;
use crate::model::verdict::Symbol;

pub(super) use asks::Asks;
use lists::Lists;

/// The rules whose symbols are given here.
pub(super) const RULES: &[&[Rule]] = &[lists::RULES];

/// What it stands on.
pub struct Ground {
    /// Whom lists are asked of.
    pub dns: Dns,
    /// Which lists.
    pub lists: config::DnsLists,
    /// The weights of rules that are other than their own.
    pub weights: BTreeMap<String, f64>,
    /// The time.
    pub clock: Clock,
}

/// Whom to ask.
pub struct Outside {
    lists: Lists,
}

impl Outside {
    /// Opens it, within a runtime.
    pub fn open(ground: Ground) -> Self {
        let Ground {
            dns,
            lists,
            weights,
            clock,
        } = ground;
        Self {
            lists: Lists::open(dns, lists, &weights, clock),
        }
    }

    /// What is said of a message.
    pub(super) async fn symbols(&self, letter: &Letter, asks: &Asks) -> Vec<Symbol> {
        self.lists.ask(letter.peer, &asks.domains).await
    }
}

/// What a rule adds to the score here.
fn weight(rule: &Rule, weights: &BTreeMap<String, f64>) -> f64 {
    weights.get(rule.name).copied().unwrap_or(rule.weight)
}
