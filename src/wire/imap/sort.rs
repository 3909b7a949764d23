//! SORT and THREAD as values, and the answer to THREAD (RFC 5256, RFC 5957).

use super::encode::number;
use super::search::{BadCharset, Key, Returns};

/// SORT and UID SORT (RFC 5256 BASE.6.4.SORT).
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    /// UID SORT.
    pub uid: bool,
    /// In which order; the first decides first.
    pub criteria: Vec<Criterion>,
    /// What to find, or why it cannot be read.
    pub key: Result<Key, BadCharset>,
    /// RETURN: absent for the old form of the answer (RFC 5267 §3.1).
    pub returns: Option<Returns>,
}

/// One criterion of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criterion {
    /// What is compared.
    pub by: SortKey,
    /// REVERSE
    pub reverse: bool,
}

/// What of the messages is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// ARRIVAL: the internal date.
    Arrival,
    /// CC: the local part of the first.
    Cc,
    /// DATE: the time of sending.
    Date,
    /// DISPLAYFROM: the name of the first, or else the address (RFC 5957 §3).
    DisplayFrom,
    /// DISPLAYTO
    DisplayTo,
    /// FROM: the local part of the first.
    From,
    /// SIZE
    Size,
    /// SUBJECT: the base subject.
    Subject,
    /// TO: the local part of the first.
    To,
}

impl SortKey {
    /// All, with their names.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Arrival, "ARRIVAL"),
        (Self::Cc, "CC"),
        (Self::Date, "DATE"),
        (Self::DisplayFrom, "DISPLAYFROM"),
        (Self::DisplayTo, "DISPLAYTO"),
        (Self::From, "FROM"),
        (Self::Size, "SIZE"),
        (Self::Subject, "SUBJECT"),
        (Self::To, "TO"),
    ];

    /// Whether it is a text that is read from the header.
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Arrival | Self::Size | Self::Date)
    }
}

/// THREAD and UID THREAD (RFC 5256 BASE.6.4.THREAD).
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// UID THREAD.
    pub uid: bool,
    /// How messages are put together.
    pub algorithm: Algorithm,
    /// What to find, or why it cannot be read.
    pub key: Result<Key, BadCharset>,
}

/// How messages become threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ORDEREDSUBJECT: by base subject and date.
    OrderedSubject,
    /// REFERENCES: by what they answer, then by base subject.
    References,
    /// REFS: by what they answer alone (draft-ietf-morg-inthread-01 §4).
    Refs,
}

impl Algorithm {
    /// All, with their names.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::OrderedSubject, "ORDEREDSUBJECT"),
        (Self::References, "REFERENCES"),
        (Self::Refs, "REFS"),
    ];
}

/// A forest of threads: what was made of a list of messages. Nodes are numbers in `children`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forest {
    /// Where the message of each node stands in the list; none for a message that is not there.
    pub places: Vec<Option<usize>>,
    /// The children of each node, in their order.
    pub children: Vec<Vec<usize>>,
    /// The first of each thread, in their order.
    pub roots: Vec<usize>,
}

/// What is to be written next.
enum Step {
    /// A node; in parentheses of its own where it has siblings.
    Node {
        node: usize,
        in_parentheses: bool,
    },
    Close,
}

impl Forest {
    /// ` (2)(3 6 (4 23)(44 7 96))`: what follows `* THREAD`; nothing for no thread (RFC 5256 BASE.7.2.THREAD). `numbers` are those that the
    /// messages of the list are told by. A thread may be as deep as there are messages, so this goes without recursion.
    pub fn write(&self, numbers: &[u32], out: &mut Vec<u8>) {
        if !self.roots.is_empty() {
            out.push(b' ');
        }
        let node = |node: usize, in_parentheses: bool| Step::Node { node, in_parentheses };
        let mut steps: Vec<Step> = self.roots.iter().rev().map(|&root| node(root, true)).collect();
        while let Some(step) = steps.pop() {
            let Step::Node { node: at, in_parentheses } = step else {
                out.push(b')');
                continue;
            };
            if in_parentheses {
                out.push(b'(');
                steps.push(Step::Close);
            }
            let children = self.children.get(at).map(Vec::as_slice).unwrap_or_default();
            let place = self.places.get(at).copied().flatten();
            if let Some(said) = place.and_then(|place| numbers.get(place)) {
                number(out, u64::from(*said));
                if !children.is_empty() {
                    out.push(b' ');
                }
            }
            let siblings = children.len() > 1;
            steps.extend(children.iter().rev().map(|&child| node(child, siblings)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(forest: &Forest, numbers: &[u32]) -> String {
        let mut out = Vec::new();
        forest.write(numbers, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn forests_are_written() {
        assert_eq!(written(&Forest::default(), &[]), "");
        // The example of RFC 5256 BASE.7.2.THREAD.
        let forest = Forest {
            places: (0..8).map(Some).collect(),
            children: vec![vec![], vec![2], vec![3, 5], vec![4], vec![], vec![6], vec![7], vec![]],
            roots: vec![0, 1],
        };
        assert_eq!(written(&forest, &[2, 3, 6, 4, 23, 44, 7, 96]), " (2)(3 6 (4 23)(44 7 96))");
        // And the one whose first message is not there.
        let forest = Forest {
            places: vec![None, Some(0), Some(1)],
            children: vec![vec![1, 2], vec![], vec![]],
            roots: vec![0],
        };
        assert_eq!(written(&forest, &[3, 5]), " ((3)(5))");
    }

    #[test]
    fn a_deep_thread_is_written() {
        let depth = 100_000;
        let forest = Forest {
            places: (0..depth).map(Some).collect(),
            children: (1..=depth).map(|next| if next < depth { vec![next] } else { vec![] }).collect(),
            roots: vec![0],
        };
        let numbers: Vec<u32> = (1..=depth as u32).collect();
        assert!(written(&forest, &numbers).ends_with(" 99999 100000)"));
    }
}
