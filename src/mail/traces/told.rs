//! What was told and is not yet written: bounded, and taken in portions.

use std::collections::BTreeMap;

use rand::RngExt;

use crate::model::ids::MailId;
use crate::model::trace::Event;
use crate::store;
use crate::store::db::traces::{self as rows, Chapter};
use crate::store::db::{Tx, Work};

/// The most steps and words that wait, of each.
const MOST: usize = 100_000;
/// How many steps are written at a time, and about how many words.
const PORTION: usize = 1_000;
/// The most octets of a chapter: more steps make another one.
const MOST_CHAPTER: usize = 32_768;

/// Steps and words that wait.
#[derive(Default)]
pub(super) struct Told {
    events: Vec<(MailId, Event)>,
    words: Vec<(String, MailId)>,
    /// Portions that could not be written.
    back: Vec<Portion>,
    lost: u64,
}

impl Told {
    pub(super) fn add(&mut self, events: impl IntoIterator<Item = (MailId, Event)>) {
        for event in events {
            if self.events.len() < MOST {
                self.events.push(event);
            } else {
                self.lost = self.lost.saturating_add(1);
            }
        }
    }

    pub(super) fn name(&mut self, id: MailId, words: impl IntoIterator<Item = String>) {
        let begin = self.words.len();
        self.words
            .extend(words.into_iter().map(|word| (word, id)).take(MOST.saturating_sub(begin)));
        if let Some(new) = self.words.get_mut(begin..) {
            new.sort_unstable();
        }
        self.words.dedup();
    }

    /// What is to be written next, and how many steps were lost since the last time.
    pub(super) fn take(&mut self) -> (Option<Portion>, u64) {
        let lost = std::mem::take(&mut self.lost);
        let portion = self.back.pop().or_else(|| self.next());
        (portion, lost)
    }

    /// It could not be written; it is the next that is taken.
    pub(super) fn give_back(&mut self, portion: Portion) {
        self.back.push(portion);
    }

    fn next(&mut self) -> Option<Portion> {
        let events: Vec<(MailId, Event)> = self.events.drain(..self.events.len().min(PORTION)).collect();
        let words: Vec<(String, MailId)> = self.words.drain(..self.words.len().min(4 * PORTION)).collect();
        if events.is_empty() && words.is_empty() {
            return None;
        }
        Some(Portion {
            chapters: chapters(events),
            words,
        })
    }
}

/// What is written at a time.
#[derive(Clone)]
pub(super) struct Portion {
    chapters: Vec<Chapter>,
    words: Vec<(String, MailId)>,
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
fn chapters(events: Vec<(MailId, Event)>) -> Vec<Chapter> {
    let mut stories: BTreeMap<MailId, Vec<Event>> = BTreeMap::new();
    for (id, event) in events {
        stories.entry(id).or_default().push(event);
    }
    let mut chapters = Vec::with_capacity(stories.len());
    for (id, events) in stories {
        let (mut at, mut steps) = (0, String::new());
        for event in events {
            // A step of plain values can always be spelled.
            let Ok(step) = serde_json::to_string(&event) else { continue };
            if steps.len().saturating_add(step.len()) > MOST_CHAPTER && !steps.is_empty() {
                chapters.push(chapter(id, at, std::mem::take(&mut steps)));
            }
            if steps.is_empty() {
                at = event.at_ms;
            } else {
                steps.push(',');
            }
            steps.push_str(&step);
        }
        if !steps.is_empty() {
            chapters.push(chapter(id, at, steps));
        }
    }
    chapters
}

fn chapter(id: MailId, at: i64, steps: String) -> Chapter {
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
        let portion = portion.unwrap();
        let shown: Vec<(i64, i64, usize)> = portion
            .chapters
            .iter()
            .map(|it| (it.id.0, it.at, serde_json::from_str::<Vec<Event>>(&it.steps).unwrap().len()))
            .collect();
        assert_eq!(shown, [(1, 6, 1), (2, 5, 2), (2, 8, 1)]);
        assert_eq!(portion.words, [("v".to_owned(), MailId(1)), ("w".to_owned(), MailId(1))]);
        assert_eq!(lost, 0);
        told.give_back(portion.clone());
        assert_eq!(told.take().0.unwrap().words, portion.words);
        assert!(told.take().0.is_none());
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let mut told = Told::default();
        told.add((0..MOST + 3).map(|_| (MailId(1), event(1, "a"))));
        assert_eq!(told.take().1, 3);
        assert_eq!(told.take().1, 0);
    }
}
