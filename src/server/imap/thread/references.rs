//! THREAD=REFERENCES and THREAD=REFS (RFC 5256 §3, draft-ietf-morg-inthread-01 §4): threads by what messages answer.
//!
//! REFS goes no further than the references, and has the thread with the latest message last, as Dovecot has it.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::wire::imap::sort::Forest;

use super::rows::{Row, Rows};

/// How far up it is looked whether a link would close a circle; what would be joined to a thread that is deeper stays alone.
const MAX_CLIMB: usize = 1_000;

/// The threads of REFERENCES.
pub(super) fn references(rows: &Rows) -> Forest {
    let mut threads = Threads::of(rows);
    threads.sort();
    threads.merge_subjects();
    threads.sort();
    threads.into_forest()
}

/// The threads of REFS.
pub(super) fn refs(rows: &Rows) -> Forest {
    let mut threads = Threads::of(rows);
    threads.sort();
    threads.sort_by_latest();
    threads.into_forest()
}

/// Who answers whom: a node for each id, and one for each message that has none of its own.
struct Links {
    parents: Vec<Option<usize>>,
    /// How many children each has.
    children: Vec<usize>,
}

impl Links {
    /// Makes one node the child of another, unless it has a parent or that would close a circle (step 1A).
    fn link(&mut self, parent: usize, child: usize) {
        if self.parent(child).is_some() || parent == child || self.is_above(child, parent) {
            return;
        }
        if let (Some(of_child), Some(count)) = (self.parents.get_mut(child), self.children.get_mut(parent)) {
            *of_child = Some(parent);
            *count = count.saturating_add(1);
        }
    }

    fn unlink(&mut self, child: usize) {
        let parent = self.parents.get_mut(child).and_then(Option::take);
        if let Some(count) = parent.and_then(|parent| self.children.get_mut(parent)) {
            *count = count.saturating_sub(1);
        }
    }

    /// Whether `upper` is somewhere above `lower`, as far as can be said.
    fn is_above(&self, upper: usize, lower: usize) -> bool {
        if self.children.get(upper).is_none_or(|count| *count == 0) {
            return false;
        }
        let mut at = lower;
        for _ in 0..MAX_CLIMB {
            match self.parent(at) {
                Some(parent) if parent == upper => return true,
                Some(parent) => at = parent,
                None => return false,
            }
        }
        true
    }

    fn parent(&self, node: usize) -> Option<usize> {
        self.parents.get(node).copied().flatten()
    }
}

/// Threads under construction. A node without a row is a message that is not there.
struct Threads<'a> {
    rows: Vec<Option<&'a Row>>,
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
}

impl<'a> Threads<'a> {
    /// Steps 1 to 3.
    fn of(all: &'a Rows) -> Self {
        let mut rows: Vec<Option<&Row>> = vec![None; all.ids];
        let mut nodes = Vec::with_capacity(all.rows.len());
        for row in &all.rows {
            // Step 1: who has no id, or one that another has too, is given one that nobody refers to.
            let free = row.id.filter(|&id| rows.get(id).is_some_and(Option::is_none));
            let node = free.unwrap_or(rows.len());
            match rows.get_mut(node) {
                Some(slot) => *slot = Some(row),
                None => rows.push(Some(row)),
            }
            nodes.push(node);
        }
        let mut links = Links {
            parents: vec![None; rows.len()],
            children: vec![0; rows.len()],
        };
        for (row, &node) in all.rows.iter().zip(&nodes) {
            for (&parent, &child) in row.references.iter().zip(row.references.iter().skip(1)) {
                links.link(parent, child);
            }
            // Step 1B: what a message says of itself counts more than what others say of it.
            links.unlink(node);
            if let Some(&parent) = row.references.last() {
                links.link(parent, node);
            }
        }
        Self::pruned(rows, &links)
    }

    /// Steps 2 and 3: messages that are not there go, but for the first of a thread if several are left without it.
    fn pruned(rows: Vec<Option<&'a Row>>, links: &Links) -> Self {
        let mut threads = Self {
            children: vec![Vec::new(); rows.len()],
            roots: Vec::new(),
            rows,
        };
        let mut anchors: Vec<Option<usize>> = vec![None; threads.rows.len()];
        let mut dummies = Vec::new();
        for node in 0..threads.rows.len() {
            if threads.row(node).is_none() {
                continue;
            }
            let Some(parent) = links.parent(node) else {
                threads.roots.push(node);
                continue;
            };
            let anchor = threads.anchor(parent, links, &mut anchors);
            if let Some(children) = threads.children.get_mut(anchor) {
                if children.is_empty() && threads.rows.get(anchor).is_some_and(Option::is_none) {
                    dummies.push(anchor);
                }
                children.push(node);
            }
        }
        for dummy in dummies {
            match threads.children.get(dummy).map(Vec::as_slice) {
                Some(&[only]) => threads.roots.push(only),
                _ => threads.roots.push(dummy),
            }
        }
        threads
    }

    /// The nearest message that is there at or above the node, or else the topmost that is not.
    fn anchor(&self, node: usize, links: &Links, anchors: &mut [Option<usize>]) -> usize {
        let (mut at, mut path) = (node, Vec::new());
        let anchor = loop {
            if let Some(known) = anchors.get(at).copied().flatten() {
                break known;
            }
            path.push(at);
            match links.parent(at) {
                Some(parent) if self.row(at).is_none() => at = parent,
                _ => break at,
            }
        };
        for passed in path {
            if let Some(known) = anchors.get_mut(passed) {
                *known = Some(anchor);
            }
        }
        anchor
    }

    fn row(&self, node: usize) -> Option<&'a Row> {
        self.rows.get(node).copied().flatten()
    }

    /// The message of the node, or of the first below it.
    fn first_row(&self, node: usize) -> Option<&'a Row> {
        self.row(node).or_else(|| self.row(*self.children.get(node)?.first()?))
    }

    fn date(&self, node: usize) -> (Timestamp, usize) {
        self.first_row(node).map_or((Timestamp::MIN, 0), |row| (row.date, row.place))
    }

    /// Steps 4 and 6: siblings by their dates, those without a message by that of their first child.
    fn sort(&mut self) {
        let mut children = std::mem::take(&mut self.children);
        for siblings in children.iter_mut().filter(|siblings| siblings.len() > 1) {
            siblings.sort_by_cached_key(|&node| self.row(node).map(|row| (row.date, row.place)));
        }
        self.children = children;
        let mut roots = std::mem::take(&mut self.roots);
        roots.sort_by_cached_key(|&root| self.date(root));
        self.roots = roots;
    }

    /// Threads by the date of their latest message.
    fn sort_by_latest(&mut self) {
        let mut roots = std::mem::take(&mut self.roots);
        roots.sort_by_cached_key(|&root| {
            let (mut latest, mut nodes) = (self.date(root), vec![root]);
            while let Some(node) = nodes.pop() {
                latest = latest.max(self.date(node));
                nodes.extend(self.children.get(node).into_iter().flatten());
            }
            latest
        });
        self.roots = roots;
    }

    /// Step 5: threads with the same base subject become one.
    fn merge_subjects(&mut self) {
        let mut table = self.subject_table();
        let mut gone = vec![false; self.rows.len()];
        let mut added = Vec::new();
        for current in self.roots.clone() {
            let Some(row) = self.first_row(current).filter(|row| !row.subject.is_empty()) else {
                continue;
            };
            let Some(first) = table.get(row.subject.as_str()).copied().filter(|&first| first != current) else {
                continue;
            };
            if self.row(first).is_none() {
                let mut more = match self.row(current) {
                    Some(_) => vec![current],
                    None => self.children.get_mut(current).map(std::mem::take).unwrap_or_default(),
                };
                self.adopt(first, &mut more);
            } else if row.is_reply && self.first_row(first).is_some_and(|row| !row.is_reply) {
                self.adopt(first, &mut vec![current]);
            } else {
                let dummy = self.rows.len();
                self.rows.push(None);
                self.children.push(vec![first, current]);
                table.insert(row.subject.as_str(), dummy);
                added.push(dummy);
                gone.push(false);
                mark(&mut gone, first);
            }
            mark(&mut gone, current);
        }
        self.roots.append(&mut added);
        self.roots.retain(|&root| !gone.get(root).copied().unwrap_or(false));
    }

    /// Steps 5A and 5B.
    fn subject_table(&self) -> HashMap<&'a str, usize> {
        let mut table: HashMap<&str, usize> = HashMap::new();
        for &root in &self.roots {
            let Some(row) = self.first_row(root).filter(|row| !row.subject.is_empty()) else {
                continue;
            };
            let known = table.entry(row.subject.as_str()).or_insert(root);
            let is_dummy = |node: usize| self.row(node).is_none();
            let known_is_reply = !is_dummy(*known) && self.first_row(*known).is_some_and(|row| row.is_reply);
            if (is_dummy(root) && !is_dummy(*known)) || (known_is_reply && !row.is_reply) {
                *known = root;
            }
        }
        table
    }

    fn adopt(&mut self, parent: usize, children: &mut Vec<usize>) {
        if let Some(known) = self.children.get_mut(parent) {
            known.append(children);
        }
    }

    fn into_forest(self) -> Forest {
        Forest {
            places: self.rows.iter().map(|row| row.map(|row| row.place)).collect(),
            children: self.children,
            roots: self.roots,
        }
    }
}

fn mark(gone: &mut [bool], node: usize) {
    if let Some(gone) = gone.get_mut(node) {
        *gone = true;
    }
}
