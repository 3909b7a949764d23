//! What comes of the rules: a score, and what is done by it.

use std::fmt::{self, Write};

use crate::model::verdict::Symbol;

/// The longest line of a header field that is written here (RFC 5322 §2.1.1).
const LINE: usize = 78;

/// What is done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Nothing.
    NoAction,
    /// It is marked in its header.
    AddHeader,
    /// It goes into the mailbox for junk.
    Junk,
    /// Not now: its sender's server is to try again later, by which one sees whether it does.
    Later,
    /// Not now, for a reason of rspamd's: it may have limits of its own.
    SoftReject,
    /// It is refused.
    Reject,
}

impl Action {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoAction => "no action",
            Self::AddHeader => "add header",
            Self::Junk => "junk",
            Self::Later => "try again later",
            Self::SoftReject => "soft reject",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// From which score on what is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Thresholds {
    pub add_header: f64,
    pub junk: f64,
    pub reject: f64,
}

/// The judgement of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The sum of the weights.
    pub score: f64,
    /// The rules that hold, the weightiest first.
    pub symbols: Vec<Symbol>,
    /// What is done with it.
    pub action: Action,
    /// The score from which a message is marked.
    pub required: f64,
    /// How likely it is spam, 0 to 1: one half where it becomes junk, 1 where it is refused.
    pub likelihood: f64,
}

/// The weightiest first.
pub(super) fn by_weight(symbols: &mut [Symbol]) {
    symbols.sort_by(|one, other| {
        other
            .weight
            .abs()
            .total_cmp(&one.weight.abs())
            .then_with(|| one.name.cmp(&other.name))
    });
}

impl Judgement {
    pub(super) fn new(mut symbols: Vec<Symbol>, thresholds: Thresholds) -> Self {
        by_weight(&mut symbols);
        // In hundredths, as it is shown; the sum of none is a zero below zero.
        let score = (symbols.iter().map(|it| it.weight).sum::<f64>() * 100.0).round() / 100.0 + 0.0;
        let Thresholds { add_header, junk, reject } = thresholds;
        let action = match score {
            score if score >= reject => Action::Reject,
            score if score >= junk => Action::Junk,
            score if score >= add_header => Action::AddHeader,
            _ => Action::NoAction,
        };
        let likelihood = match score < junk {
            true => 0.5 * score / junk.max(0.01),
            false => 0.5 + 0.5 * (score - junk) / (reject - junk).max(0.01),
        };
        Self {
            score,
            symbols,
            action,
            required: add_header,
            likelihood: likelihood.clamp(0.0, 1.0),
        }
    }

    /// Whether it is marked as spam.
    pub fn is_spam(&self) -> bool {
        self.action >= Action::AddHeader
    }

    /// The lines that go on top of the message, with their line ends.
    pub fn lines(&self) -> String {
        let mut out = String::new();
        if self.is_spam() {
            out.push_str("X-Spam: Yes\r\n");
        }
        let word = if self.is_spam() { "Yes" } else { "No" };
        _ = write!(
            out,
            "X-Spam-Score: {:.2}\r\nX-Spam-Status: {word}, score={:.2} required={:.2}\r\n\ttests=",
            self.score, self.score, self.required
        );
        if self.symbols.is_empty() {
            out.push_str("none");
        }
        let mut width = "\ttests=".len();
        for (number, symbol) in self.symbols.iter().enumerate() {
            let text = format!("{}={:.2}", symbol.name, symbol.weight);
            if number > 0 {
                out.push(',');
                width += 1;
                if width + text.len() >= LINE {
                    out.push_str("\r\n\t");
                    width = 1;
                }
            }
            out.push_str(&text);
            width += text.len();
        }
        out.push_str("\r\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLDS: Thresholds = Thresholds {
        add_header: 5.0,
        junk: 6.0,
        reject: 15.0,
    };

    fn judged(weights: &[f64]) -> Judgement {
        let symbol = |(number, weight): (usize, &f64)| Symbol {
            name: format!("A_RULE_OF_SOME_LENGTH_{number}"),
            weight: *weight,
            detail: String::new(),
        };
        Judgement::new(weights.iter().enumerate().map(symbol).collect(), THRESHOLDS)
    }

    #[test]
    fn scores_lead_to_actions() {
        for (weights, score, action, likelihood) in [
            (&[][..], 0.0, Action::NoAction, 0.0),
            (&[-3.0, 1.0], -2.0, Action::NoAction, 0.0),
            (&[4.99], 4.99, Action::NoAction, 0.415_833),
            (&[3.0, 2.0], 5.0, Action::AddHeader, 0.416_666),
            (&[0.1, 0.2, 5.7], 6.0, Action::Junk, 0.5),
            (&[15.0], 15.0, Action::Reject, 1.0),
            (&[1000.0], 1000.0, Action::Reject, 1.0),
        ] {
            let judgement = judged(weights);
            assert_eq!((judgement.score, judgement.action), (score, action));
            assert!((judgement.likelihood - likelihood).abs() < 0.001, "{}", judgement.likelihood);
        }
    }

    #[test]
    fn the_lines_tell_each_rule_and_are_short() {
        assert_eq!(
            judged(&[]).lines(),
            "X-Spam-Score: 0.00\r\nX-Spam-Status: No, score=0.00 required=5.00\r\n\ttests=none\r\n"
        );
        let lines = judged(&[1.0; 20]).lines();
        assert!(lines.starts_with("X-Spam: Yes\r\nX-Spam-Score: 20.00\r\nX-Spam-Status: Yes, score=20.00 required=5.00\r\n\ttests=A_RULE"));
        assert!(lines.lines().all(|line| line.len() <= LINE), "{lines}");
        assert_eq!(lines.matches("=1.00").count(), 20);
    }
}
