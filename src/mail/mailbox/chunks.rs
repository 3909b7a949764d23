//! A list whose copies share what neither has changed.
//!
//! The messages of a mailbox are such a list: sessions hold it while they idle, and a change of one message among a hundred thousand
//! then copies a chunk and the spine, not the whole.

use std::ops::Range;
use std::sync::Arc;

/// The most items of a chunk: at some 40 octets each, a copy of it costs about as much as a system call.
const SIZE: usize = 512;

/// The list. Cheap to clone; a clone is not changed by what happens to the original.
#[derive(Debug, Clone)]
pub struct Chunks<T> {
    spine: Arc<Vec<Chunk<T>>>,
    len: usize,
}

/// Neighbouring items, never none.
#[derive(Debug)]
struct Chunk<T> {
    /// Where the first of them stands in the list.
    start: usize,
    items: Arc<Vec<T>>,
}

impl<T> Clone for Chunk<T> {
    fn clone(&self) -> Self {
        Self {
            start: self.start,
            items: Arc::clone(&self.items),
        }
    }
}

impl<T> Chunk<T> {
    fn end(&self) -> usize {
        self.start.saturating_add(self.items.len())
    }
}

/// Places where two lists differ: those of the first, and those of the second that stand there instead.
pub type Difference = (Range<usize>, Range<usize>);

impl<T> Chunks<T> {
    /// How many items.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at a place.
    pub fn get(&self, at: usize) -> Option<&T> {
        let chunk = self.spine.get(self.holder(at)?)?;
        chunk.items.get(at.checked_sub(chunk.start)?)
    }

    /// The last item.
    pub fn last(&self) -> Option<&T> {
        self.spine.last()?.items.last()
    }

    /// All items.
    pub fn iter(&self) -> Iter<'_, T> {
        self.iter_from(0)
    }

    /// The items from a place on.
    pub fn iter_from(&self, at: usize) -> Iter<'_, T> {
        let holder = self.holder(at).unwrap_or(self.spine.len());
        let mut chunks = self.spine.get(holder..).unwrap_or_default().iter();
        let first = chunks.next();
        let rest = first.and_then(|chunk| chunk.items.get(at.saturating_sub(chunk.start)..));
        Iter {
            front: rest.unwrap_or_default().iter(),
            chunks,
        }
    }

    /// The items of a range of places.
    pub fn range(&self, range: Range<usize>) -> impl Iterator<Item = &T> {
        self.iter_from(range.start).take(range.len())
    }

    /// The first place whose item fails the test, where all that pass come first.
    pub fn partition_point(&self, test: impl Fn(&T) -> bool) -> usize {
        let passes = |chunk: &Chunk<T>| chunk.items.last().is_some_and(&test);
        match self.spine.get(self.spine.partition_point(passes)) {
            Some(chunk) => chunk.start.saturating_add(chunk.items.partition_point(test)),
            None => self.len,
        }
    }

    /// The place of the item with this key, where keys ascend.
    pub fn find<K: Ord>(&self, key: &K, key_of: impl Fn(&T) -> K) -> Option<usize> {
        let at = self.partition_point(|item| key_of(item) < *key);
        (key_of(self.get(at)?) == *key).then_some(at)
    }

    /// Whether nothing was changed since one was cloned from the other.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.spine, &other.spine)
    }

    /// Where this list and a later one differ, in ascending order: what they share is not looked at.
    pub fn differences(&self, later: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        let (mut mine, mut theirs) = (0, 0);
        let mut candidates = later.spine.iter();
        for chunk in self.spine.iter() {
            // Chunks keep their order, so one that both have is found by going on from the last one.
            let mut ahead = candidates.clone();
            let Some(same) = ahead.find(|other| Arc::ptr_eq(&chunk.items, &other.items)) else {
                continue;
            };
            candidates = ahead;
            note(&mut differences, mine..chunk.start, theirs..same.start);
            (mine, theirs) = (chunk.end(), same.end());
        }
        note(&mut differences, mine..self.len, theirs..later.len);
        differences
    }

    /// The number of the chunk with this place.
    fn holder(&self, at: usize) -> Option<usize> {
        let holder = self.spine.partition_point(|chunk| chunk.start <= at).checked_sub(1)?;
        (at < self.len).then_some(holder)
    }
}

fn note(differences: &mut Vec<Difference>, mine: Range<usize>, theirs: Range<usize>) {
    if !mine.is_empty() || !theirs.is_empty() {
        differences.push((mine, theirs));
    }
}

impl<T: Clone> Chunks<T> {
    /// The item at a place, to change it.
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let holder = self.holder(at)?;
        let chunk = Arc::make_mut(&mut self.spine).get_mut(holder)?;
        let within = at.checked_sub(chunk.start)?;
        Arc::make_mut(&mut chunk.items).get_mut(within)
    }

    /// Changes the items of a range of places.
    pub(super) fn change(&mut self, range: Range<usize>, mut change: impl FnMut(&mut T)) {
        let Some(first) = self.holder(range.start).filter(|_| !range.is_empty()) else {
            return;
        };
        let chunks = Arc::make_mut(&mut self.spine).iter_mut().skip(first);
        for chunk in chunks.take_while(|chunk| chunk.start < range.end) {
            let from = range.start.saturating_sub(chunk.start);
            let to = range.end.saturating_sub(chunk.start).min(chunk.items.len());
            let items = Arc::make_mut(&mut chunk.items);
            items.get_mut(from..to).unwrap_or_default().iter_mut().for_each(&mut change);
        }
    }

    /// Puts an item at a place (at most the length); those from there on move one up.
    pub(super) fn insert(&mut self, at: usize, item: T) {
        let spine = Arc::make_mut(&mut self.spine);
        let holder = spine.partition_point(|chunk| chunk.start < at).saturating_sub(1);
        match spine.get_mut(holder) {
            Some(chunk) if chunk.items.len() < SIZE => insert_at(chunk, at, item),
            Some(chunk) if chunk.end() <= at => spine.insert(holder.saturating_add(1), Chunk::of(at, vec![item])),
            Some(chunk) => {
                let behind = Arc::make_mut(&mut chunk.items).split_off(SIZE / 2);
                let mut behind = Chunk::of(chunk.end(), behind);
                let home = if at < behind.start { chunk } else { &mut behind };
                insert_at(home, at, item);
                spine.insert(holder.saturating_add(1), behind);
            }
            None => spine.push(Chunk::of(0, vec![item])),
        }
        self.len = renumber(spine, holder);
    }

    /// Takes out the items of these ranges of places, which ascend and do not overlap.
    pub(super) fn remove(&mut self, ranges: &[Range<usize>]) {
        let mut spine: Vec<Chunk<T>> = Vec::with_capacity(self.spine.len());
        let mut ranges = ranges.iter().filter(|range| !range.is_empty()).peekable();
        for chunk in self.spine.iter() {
            while ranges.next_if(|range| range.end <= chunk.start).is_some() {}
            if ranges.peek().is_none_or(|range| range.start >= chunk.end()) {
                spine.push(chunk.clone());
                continue;
            }
            let mut goes = |at: usize| {
                while ranges.next_if(|range| range.end <= at).is_some() {}
                ranges.peek().is_some_and(|range| range.start <= at)
            };
            let stays = chunk.items.iter().zip(chunk.start..).filter(|(_, at)| !goes(*at));
            let stays: Vec<T> = stays.map(|(item, _)| item.clone()).collect();
            match spine.last_mut() {
                _ if stays.is_empty() => {}
                // Small rests are joined, so that the spine does not grow long with little in it.
                Some(before) if before.items.len().saturating_add(stays.len()) <= SIZE / 2 => {
                    Arc::make_mut(&mut before.items).extend(stays)
                }
                _ => spine.push(Chunk::of(0, stays)),
            }
        }
        self.len = renumber(&mut spine, 0);
        self.spine = Arc::new(spine);
    }
}

impl<T> Chunk<T> {
    fn of(start: usize, items: Vec<T>) -> Self {
        Self {
            start,
            items: Arc::new(items),
        }
    }
}

fn insert_at<T: Clone>(chunk: &mut Chunk<T>, at: usize, item: T) {
    let within = at.saturating_sub(chunk.start).min(chunk.items.len());
    Arc::make_mut(&mut chunk.items).insert(within, item);
}

/// Counts the places anew from a chunk on; gives the length of the list.
fn renumber<T>(spine: &mut [Chunk<T>], from: usize) -> usize {
    let mut next = spine.get(from).filter(|_| from > 0).map_or(0, |chunk| chunk.start);
    for chunk in spine.iter_mut().skip(from) {
        chunk.start = next;
        next = chunk.end();
    }
    next
}

/// A list that is being filled.
#[derive(Debug)]
pub(super) struct Filling<T> {
    full: Vec<Chunk<T>>,
    last: Vec<T>,
}

impl<T> Filling<T> {
    pub(super) fn new() -> Self {
        Self {
            full: Vec::new(),
            last: Vec::new(),
        }
    }

    /// Puts an item behind the others.
    pub(super) fn push(&mut self, item: T) {
        if self.last.len() == SIZE {
            self.close_last();
        }
        if self.last.capacity() == 0 {
            self.last.reserve_exact(SIZE);
        }
        self.last.push(item);
    }

    /// The list.
    pub(super) fn done(mut self) -> Chunks<T> {
        self.last.shrink_to_fit();
        self.close_last();
        Chunks {
            len: self.full.last().map_or(0, Chunk::end),
            spine: Arc::new(self.full),
        }
    }

    fn close_last(&mut self) {
        if !self.last.is_empty() {
            let start = self.full.last().map_or(0, Chunk::end);
            self.full.push(Chunk::of(start, std::mem::take(&mut self.last)));
        }
    }
}

impl<T> FromIterator<T> for Chunks<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut filling = Filling::new();
        items.into_iter().for_each(|item| filling.push(item));
        filling.done()
    }
}

/// The items from some place on.
#[derive(Debug)]
pub struct Iter<'a, T> {
    front: std::slice::Iter<'a, T>,
    chunks: std::slice::Iter<'a, Chunk<T>>,
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        loop {
            if let Some(item) = self.front.next() {
                return Some(item);
            }
            self.front = self.chunks.next()?.items.iter();
        }
    }
}

impl<'a, T> IntoIterator for &'a Chunks<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(list: &Chunks<u32>) -> Vec<u32> {
        for at in 0..list.len() {
            assert_eq!(list.get(at), list.iter_from(at).next(), "{at}");
        }
        assert_eq!(list.get(list.len()), None);
        list.iter().copied().collect()
    }

    /// Every operation beside the same one on a plain list, at places spread over it.
    #[test]
    fn it_is_a_list() {
        let mut plain: Vec<u32> = (0..3_000).map(|n| n * 2).collect();
        let mut list: Chunks<u32> = plain.iter().copied().collect();
        let mut place = 17;
        for step in 0..2_000 {
            place = (place * 7_919 + step) % (plain.len() + 1);
            list.insert(place, 1);
            plain.insert(place, 1);
        }
        assert_eq!(all(&list), plain);
        for (first, last) in [(0, 1), (500, 1_700), (0, 0), (4_990, 5_000)] {
            list.change(first..last, |item| *item += 3);
            plain[first..last].iter_mut().for_each(|item| *item += 3);
            assert!(list.range(first..last).eq(&plain[first..last]));
        }
        assert_eq!(all(&list), plain);
        let ranges = [0..1, 3..4, 100..2_000, 2_600..2_600, 3_000..3_001, 4_999..5_000];
        list.remove(&ranges);
        let stays = |at: usize| ranges.iter().all(|range| !range.contains(&at));
        let plain: Vec<u32> = plain.into_iter().enumerate().filter(|(at, _)| stays(*at)).map(|it| it.1).collect();
        assert_eq!(all(&list), plain);
        assert_eq!(list.last(), plain.last());
        list.remove(std::slice::from_ref(&(0..plain.len())));
        assert!(list.is_empty() && list.last().is_none() && list.spine.is_empty());
        list.insert(0, 7);
        assert_eq!(all(&list), [7]);
    }

    #[test]
    fn items_are_found_by_their_keys() {
        let list: Chunks<u32> = (0..2_000).map(|n| n * 2).collect();
        assert_eq!(list.find(&2_046, |item| *item), Some(1_023));
        assert_eq!(list.find(&2_047, |item| *item), None);
        assert_eq!(list.partition_point(|item| *item < 2_047), 1_024);
        assert_eq!(list.partition_point(|item| *item < 9_999), 2_000);
        assert_eq!(Chunks::from_iter([]).partition_point(|item: &u32| *item < 1), 0);
    }

    #[test]
    fn a_change_copies_one_chunk_only() {
        let mut list: Chunks<u32> = (0..100_000).collect();
        let before = list.clone();
        *list.get_mut(70_000).unwrap() = 1;
        assert_eq!(before.get(70_000), Some(&70_000));
        assert_eq!(list.get(70_000), Some(&1));
        let chunk = 70_000 / SIZE * SIZE;
        assert_eq!(before.differences(&list), [(chunk..chunk + SIZE, chunk..chunk + SIZE)]);
        assert!(!before.is_same(&list) && before.is_same(&before.clone()));
        let before = list.clone();
        list.remove(&[0..1, 99_999..100_000]);
        list.insert(99_998, 100_000);
        let tail = 100_000 / SIZE * SIZE;
        assert_eq!(
            before.differences(&list),
            [(0..SIZE, 0..SIZE - 1), (tail..100_000, tail - 1..99_999)]
        );
    }
}
