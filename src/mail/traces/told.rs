//! What was told and is not yet written: bounded, and taken in portions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand::RngExt;

use crate::model::ids::MailId;
use crate::model::trace::Event;
use crate::store;
use crate::store::db::traces::{self as rows, Chapter};
use crate::store::db::{Tx, Work};

/// The most steps and words that wait, of each; and their octets together.
const MOST: usize = 100_000;
const MOST_OCTETS: usize = 32 << 20;
/// How many steps are written at a time, and about how many words; and about so many octets.
const PORTION: usize = 1_000;
const PORTION_OCTETS: usize = 1 << 20;
/// How often a portion is tried: then it is taken for one that the database will never take.
const TRIES: u32 = 300;
/// The most octets of a chapter: more steps make another one.
const MOST_CHAPTER: usize = 32_768;

/// A step as it is written.
#[derive(Debug)]
struct Spelled {
    id: MailId,
    at_ms: i64,
    json: String,
}

/// Steps and words that wait.
#[derive(Default)]
pub(super) struct Told {
    steps: VecDeque<Spelled>,
    words: VecDeque<(String, MailId)>,
    /// Of the steps and words.
    octets: usize,
    /// A portion that could not be written.
    back: Option<Portion>,
    lost: u64,
}

impl Told {
    pub(super) fn add(&mut self, events: impl IntoIterator<Item = (MailId, Event)>) {
        for (id, event) in events {
            // A step of plain values can always be spelled.
            let Ok(json) = serde_json::to_string(&event) else { continue };
            if self.has_room(self.steps.len(), json.len()) {
                self.octets = self.octets.saturating_add(json.len());
                let at_ms = event.at_ms;
                self.steps.push_back(Spelled { id, at_ms, json });
            }
        }
    }

    pub(super) fn name(&mut self, id: MailId, words: impl IntoIterator<Item = String>) {
        let words: BTreeSet<String> = words.into_iter().collect();
        for word in words {
            if self.has_room(self.words.len(), word.len()) {
                self.octets = self.octets.saturating_add(word.len());
                self.words.push_back((word, id));
            }
        }
    }

    /// Whether there is room for one more; what finds none is counted as lost.
    fn has_room(&mut self, count: usize, octets: usize) -> bool {
        let has_room = count < MOST && self.octets.saturating_add(octets) <= MOST_OCTETS;
        if !has_room {
            self.lost = self.lost.saturating_add(1);
        }
        has_room
    }

    /// What is to be written next, and how much was lost since the last time.
    pub(super) fn take(&mut self) -> (Option<Portion>, u64) {
        let portion = self.back.take().or_else(|| self.next());
        (portion, std::mem::take(&mut self.lost))
    }

    /// It could not be written; it is the next that is taken, but not for ever.
    pub(super) fn give_back(&mut self, mut portion: Portion) {
        portion.tries = portion.tries.saturating_add(1);
        if portion.tries < TRIES {
            self.back = Some(portion);
        } else {
            let count = portion.chapters.len().saturating_add(portion.words.len());
            self.lost = self.lost.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        }
    }

    fn next(&mut self) -> Option<Portion> {
        let mut octets = 0_usize;
        let mut steps = Vec::new();
        while steps.len() < PORTION
            && octets < PORTION_OCTETS
            && let Some(step) = self.steps.pop_front()
        {
            octets = octets.saturating_add(step.json.len());
            steps.push(step);
        }
        let mut words = Vec::new();
        while words.len() < 4 * PORTION
            && octets < PORTION_OCTETS
            && let Some(word) = self.words.pop_front()
        {
            octets = octets.saturating_add(word.0.len());
            words.push(word);
        }
        self.octets = self.octets.saturating_sub(octets);
        if steps.is_empty() && words.is_empty() {
            return None;
        }
        Some(Portion {
            chapters: chapters(steps),
            words,
            tries: 0,
        })
    }
}

/// What is written at a time.
#[derive(Clone)]
pub(super) struct Portion {
    chapters: Vec<Chapter>,
    words: Vec<(String, MailId)>,
    tries: u32,
}

impl Work for Portion {
    type Answer = ();

    async fn write(works: &[&Self], tx: &mut Tx) -> Result<Vec<()>, store::Error> {
        let chapters: Vec<&Chapter> = works.iter().flat_map(|work| &work.chapters).collect();
        let words: Vec<&(String, MailId)> = works.iter().flat_map(|work| &work.words).collect();
        rows::insert(tx, &chapters, &words).await?;
        Ok(vec![(); works.len()])
    }
}

/// The steps of each message together.
fn chapters(steps: Vec<Spelled>) -> Vec<Chapter> {
    let mut stories: BTreeMap<MailId, Vec<Spelled>> = BTreeMap::new();
    for step in steps {
        stories.entry(step.id).or_default().push(step);
    }
    let mut chapters = Vec::with_capacity(stories.len());
    for (id, told) in stories {
        let (mut at, mut steps) = (0, String::new());
        for Spelled { at_ms, json, .. } in told {
            if steps.len().saturating_add(json.len()) > MOST_CHAPTER && !steps.is_empty() {
                chapters.push(chapter(id, at, &std::mem::take(&mut steps)));
            }
            if steps.is_empty() {
                at = at_ms;
            } else {
                steps.push(',');
            }
            steps.push_str(&json);
        }
        if !steps.is_empty() {
            chapters.push(chapter(id, at, &steps));
        }
    }
    chapters
}

fn chapter(id: MailId, at: i64, steps: &str) -> Chapter {
    Chapter {
        id,
        at,
        serial: rand::rng().random_range(1..i64::MAX),
        steps: format!("[{steps}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::trace::Step;

    fn event(at_ms: i64, reason: &str) -> Event {
        Event {
            at_ms,
            step: Step::Refused { reason: reason.into() },
        }
    }

    #[test]
    fn steps_of_a_message_make_a_chapter_and_long_ones_several() {
        let long = "x".repeat(MOST_CHAPTER / 2);
        let mut told = Told::default();
        told.add([
            (MailId(2), event(5, "a")),
            (MailId(1), event(6, "b")),
            (MailId(2), event(7, &long)),
            (MailId(2), event(8, &long)),
        ]);
        told.name(MailId(1), ["w".into(), "v".into(), "w".into()]);
        let (portion, lost) = told.take();
        let mut portion = portion.unwrap();
        let shown: Vec<(i64, i64, usize)> = portion
            .chapters
            .iter()
            .map(|it| (it.id.0, it.at, serde_json::from_str::<Vec<Event>>(&it.steps).unwrap().len()))
            .collect();
        assert_eq!(shown, [(1, 6, 1), (2, 5, 2), (2, 8, 1)]);
        assert_eq!(portion.words, [("v".to_owned(), MailId(1)), ("w".to_owned(), MailId(1))]);
        assert_eq!(lost, 0);
        for _ in 1..TRIES {
            told.give_back(portion.clone());
            portion = told.take().0.unwrap();
        }
        told.give_back(portion);
        let (none, lost) = told.take();
        assert!(none.is_none());
        assert_eq!((lost, told.octets), (5, 0), "three chapters and two words");
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let mut told = Told::default();
        told.add((0..MOST + 3).map(|_| (MailId(1), event(1, "a"))));
        assert_eq!(told.take().1, 3);
        assert_eq!(told.take().1, 0);
        let mut told = Told::default();
        let large = "x".repeat(MOST_OCTETS / 3);
        told.add((0..5).map(|n| (MailId(n), event(1, &large))));
        told.name(MailId(9), [large]);
        assert_eq!(told.take().1, 4, "two steps have room");
    }
}
