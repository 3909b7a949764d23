//! THREAD=ORDEREDSUBJECT (RFC 5256 §3): messages of one base subject are a thread, the oldest first, the others below it.

use crate::wire::imap::sort::Forest;

use super::rows::{Row, Rows};

/// The threads.
pub(super) fn ordered_subject(rows: &Rows) -> Forest {
    let mut order: Vec<&Row> = rows.rows.iter().collect();
    order.sort_by_key(|row| (row.subject.as_str(), row.date, row.place));
    let mut threads: Vec<&[&Row]> = order.chunk_by(|a, b| a.subject == b.subject).collect();
    threads.sort_by_key(|thread| thread.first().map(|row| (row.date, row.place)));
    let mut forest = Forest {
        places: (0..rows.rows.len()).map(Some).collect(),
        children: vec![Vec::new(); rows.rows.len()],
        roots: Vec::with_capacity(threads.len()),
    };
    for thread in threads {
        let Some((root, others)) = thread.split_first() else {
            continue;
        };
        forest.roots.push(root.place);
        if let Some(children) = forest.children.get_mut(root.place) {
            children.extend(others.iter().map(|row| row.place));
        }
    }
    forest
}
