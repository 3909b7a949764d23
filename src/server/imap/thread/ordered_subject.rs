//! THREAD=ORDEREDSUBJECT (RFC 5256 §3): messages of one base subject are a thread, the oldest first, the others below it.

use crate::wire::imap::sort::Forest;

use super::rows::{Row, Rows};

/// The threads.
pub(super) fn ordered_subject(rows: &Rows) -> Forest {
    let mut order: Vec<(&Row, usize)> = rows.rows.iter().zip(0..).collect();
    order.sort_by_key(|(row, _)| (row.subject.as_str(), row.date, row.sequence));
    let mut threads: Vec<&[(&Row, usize)]> = order.chunk_by(|(a, _), (b, _)| a.subject == b.subject).collect();
    threads.sort_by_key(|thread| thread.first().map(|(row, _)| (row.date, row.sequence)));
    let mut forest = Forest {
        numbers: rows.rows.iter().map(|row| Some(row.number)).collect(),
        children: vec![Vec::new(); rows.rows.len()],
        roots: Vec::with_capacity(threads.len()),
    };
    for thread in threads {
        let Some(((_, root), others)) = thread.split_first() else {
            continue;
        };
        forest.roots.push(*root);
        if let Some(children) = forest.children.get_mut(*root) {
            children.extend(others.iter().map(|(_, node)| *node));
        }
    }
    forest
}
