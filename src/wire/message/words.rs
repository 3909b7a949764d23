//! The words of messages, and what words a text that is looked for must have in it: for an index that finds what
//! [`super::search`] finds.
//!
//! A word is a run of letters, digits and marks in a folded text, as long as it goes. So a text looked for that is one run itself is in
//! a message if and only if it is in one of the message's words; of any other text the runs tell which messages may have it. A long run
//! is cut into words that overlap by so much that a short text is whole in one of them.

use std::collections::HashSet;

use unicode_normalization::char::is_combining_mark;

use super::header::{Fields, decode_pieces};
use super::search::{Needle, decoded, fold, is_readable};
use super::structure::Structure;
use crate::model::clue::{Clue, Clues};

/// Octets of the words that a long run is cut into, and by how many they overlap at least.
const LONG: usize = 256;
const OVERLAP: usize = 128;
/// The most octets of words of a message: a message with more is always read.
const MOST: usize = 1_048_576;
/// The most words of a text looked for that are asked for.
const MOST_CLUES: usize = 8;

/// The words of a message, each once.
#[derive(Debug, Default)]
pub struct Words {
    /// Of its own header.
    pub header: HashSet<String>,
    /// Of the headers of its parts and of what people read in it.
    pub body: HashSet<String>,
    /// Whether these are all.
    pub is_whole: bool,
}

impl Words {
    /// Collects them.
    pub fn of(raw_message: &[u8], structure: &Structure) -> Self {
        let (mut header, mut body) = (Collector::default(), Collector::default());
        let octets = |range: &std::ops::Range<u64>| {
            let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
            raw_message.get(at(range.start)..at(range.end)).unwrap_or_default()
        };
        for (number, part) in structure.parts().enumerate() {
            let collector = if number == 0 { &mut header } else { &mut body };
            for field in Fields::new(octets(&part.header)) {
                collector.add(&String::from_utf8_lossy(field.name));
                collector.end();
                decode_pieces(field.value, |text| {
                    collector.add(text);
                    collector.is_full()
                });
                collector.end();
            }
            if is_readable(part) {
                decoded(octets(&part.body), part, |text| {
                    body.add(text);
                    body.is_full()
                });
                body.end();
            }
            if header.is_full() || body.is_full() {
                return Self::default();
            }
        }
        Self {
            header: header.words,
            body: body.words,
            is_whole: true,
        }
    }
}

impl Needle {
    /// What words a text must have to have this one in it; none if any text may have it.
    pub fn clues(&self) -> Option<Clues> {
        let folded = self.folded();
        let mut clues = Vec::new();
        let (mut decide, mut begin) = (false, 0_usize);
        for run in folded.split_inclusive(|char| !is_of_word(char)) {
            let with_separator = run.len();
            let run = run.trim_end_matches(|char| !is_of_word(char));
            let (starts, ends) = (begin == 0, begin.saturating_add(run.len()) == folded.len());
            begin = begin.saturating_add(with_separator);
            if run.is_empty() {
                continue;
            }
            let (short, is_short) = (cut(run, OVERLAP), run.len() <= OVERLAP);
            decide |= is_short && starts && ends;
            clues.push(match (is_short, starts, ends) {
                (false, ..) | (true, true, true) => Clue::Has(short),
                (true, true, false) => Clue::Ends(short),
                (true, false, true) => Clue::Begins(short),
                (true, false, false) => Clue::Is(short),
            });
        }
        clues.sort_by_key(|clue| std::cmp::Reverse(length(clue)));
        clues.truncate(MOST_CLUES);
        (!clues.is_empty()).then_some(Clues { all: clues, decide })
    }
}

fn length(clue: &Clue) -> usize {
    match clue {
        Clue::Has(word) | Clue::Begins(word) | Clue::Ends(word) | Clue::Is(word) => word.len(),
    }
}

/// Letters, digits, and marks, which stand behind the letters that they were taken off.
fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() || (!char.is_ascii() && is_combining_mark(char))
}

/// At most so many octets of the text.
fn cut(text: &str, most: usize) -> String {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text).to_owned()
}

/// Words of texts that come in pieces.
#[derive(Default)]
struct Collector {
    words: HashSet<String>,
    octets: usize,
    run: String,
    folded: String,
}

impl Collector {
    fn add(&mut self, text: &str) {
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        fold(text, &mut folded);
        for char in folded.chars() {
            if !is_of_word(char) {
                self.end();
                continue;
            }
            self.run.push(char);
            if self.run.len() >= LONG {
                self.keep();
                self.run.drain(..self.run.floor_char_boundary(LONG - OVERLAP));
            }
        }
        self.folded = folded;
    }

    /// The end of a text, which is the end of a word.
    fn end(&mut self) {
        if !self.run.is_empty() {
            self.keep();
            self.run.clear();
        }
    }

    fn keep(&mut self) {
        if !self.words.contains(self.run.as_str()) {
            self.octets = self.octets.saturating_add(self.run.len());
            self.words.insert(self.run.clone());
        }
    }

    fn is_full(&self) -> bool {
        self.octets > MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(message: &str) -> (Vec<String>, Vec<String>) {
        let words = Words::of(message.as_bytes(), &Structure::parse(message.as_bytes()));
        assert!(words.is_whole);
        let sorted = |words: HashSet<String>| {
            let mut words: Vec<String> = words.into_iter().collect();
            words.sort();
            words
        };
        (sorted(words.header), sorted(words.body))
    }

    #[test]
    fn words_are_collected() {
        let (header, body) = words(
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=, Joe's\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nOne two-THREE one\r\n日本 4x\r\n",
        );
        let want = [
            "8",
            "charset",
            "content",
            "gru\u{308}sse",
            "joe",
            "plain",
            "s",
            "subject",
            "text",
            "type",
            "utf",
        ];
        assert_eq!(header, want);
        assert_eq!(body, ["4x", "one", "three", "two", "日本"]);
    }

    #[test]
    fn long_runs_are_cut_and_overlap() {
        let run: String = (0..2_000_u32).map(|at| char::from(b'a' + (at * at % 26) as u8)).collect();
        let (_, body) = words(&format!("Subject: x\r\n\r\n-{run}-\r\n"));
        assert!(body.iter().all(|word| word.len() <= LONG));
        for at in 0..run.len() - OVERLAP {
            let piece = &run[at..at + OVERLAP];
            assert!(body.iter().any(|word| word.contains(piece)), "{at}");
        }
        assert!(body.iter().any(|word| word.starts_with(&run[..OVERLAP])));
        assert!(body.iter().any(|word| word.ends_with(&run[run.len() - OVERLAP..])));
    }

    #[test]
    fn texts_have_clues() {
        let has = |word: &str| Clue::Has(word.into());
        let begins = |word: &str| Clue::Begins(word.into());
        let ends = |word: &str| Clue::Ends(word.into());
        let is = |word: &str| Clue::Is(word.into());
        for (text, want) in [
            ("Oranges", Some((vec![has("oranges")], true))),
            ("Grüße", Some((vec![has("gru\u{308}sse")], true))),
            ("the red fox", Some((vec![ends("the"), is("red"), begins("fox")], false))),
            (" fox", Some((vec![begins("fox")], false))),
            ("fox.", Some((vec![ends("fox")], false))),
            (" fox ", Some((vec![is("fox")], false))),
            ("a@b.example", Some((vec![begins("example"), ends("a"), is("b")], false))),
            ("日本", Some((vec![has("日本")], true))),
            ("", None),
            (" - ", None),
        ] {
            let clues = Needle::new(text).clues().map(|clues| (clues.all, clues.decide));
            assert_eq!(clues, want, "{text:?}");
        }
        let long = "x".repeat(300);
        let clues = Needle::new(&long).clues().unwrap();
        assert_eq!((clues.all, clues.decide), (vec![has(&long[..128])], false));
    }

    #[test]
    fn a_message_of_too_many_words_has_none() {
        let body: String = (0..200_000).map(|n| format!("w{n} ")).collect();
        let message = format!("Subject: x\r\n\r\n{body}");
        let words = Words::of(message.as_bytes(), &Structure::parse(message.as_bytes()));
        assert!(!words.is_whole && words.body.is_empty());
    }
}
