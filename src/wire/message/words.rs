//! The words of messages, and what words a text that is looked for must have in it: for an index that finds what
//! [`super::search`] finds.
//!
//! A word is a run of letters, digits and marks in a folded text, as long as it goes. So a text looked for that is one run itself is in
//! a message if and only if it is in one of the message's words; of any other text the runs, and that they stand in a row, tell which
//! messages may have it. A long run is cut into words that overlap by so much that a short text is whole in one of them, and one that begins
//! or ends the run is whole in the first or the last of them.

use unicode_normalization::char::is_combining_mark;

use super::header::{Fields, decode_pieces};
use super::search::{Needle, decoded, fold, is_readable};
use super::structure::Structure;
use crate::model::clue::{Clue, Clues};

/// Octets of the words that a long run is cut into, and by how many they overlap at least.
const LONG: usize = 256;
const OVERLAP: usize = 128;
/// The most octets of words of a message: a message with more is always read.
const MOST: usize = 4_194_304;
/// The most words of a text looked for that are asked for.
const MOST_CLUES: usize = 8;

/// The words of a message in their order, with a space behind each.
#[derive(Debug, Default)]
pub struct Words {
    /// Of its own header.
    pub header: String,
    /// Of the headers of its parts and of what people read in it.
    pub body: String,
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
        let (mut decide, mut begin, mut left) = (false, 0_usize, MOST_CLUES);
        let mut rows = vec![Vec::new()];
        for run in folded.split_inclusive(|char| !is_of_word(char)) {
            let with_separator = run.len();
            let run = run.trim_end_matches(|char| !is_of_word(char));
            let (starts, ends) = (begin == 0, begin.saturating_add(run.len()) == folded.len());
            begin = begin.saturating_add(with_separator);
            if run.is_empty() || left == 0 {
                continue;
            }
            left = left.saturating_sub(1);
            let (short, is_short) = (cut(run, OVERLAP), run.len() <= OVERLAP);
            decide |= is_short && starts && ends;
            let clue = match (is_short, starts, ends) {
                (false, ..) | (true, true, true) => Clue::Has(short),
                (true, true, false) => Clue::Ends(short),
                (true, false, true) => Clue::Begins(short),
                (true, false, false) => Clue::Is(short),
            };
            match rows.last_mut() {
                Some(row) if is_short => row.push(clue),
                // A long run is several words: those before it and those behind it stand in rows of their own.
                _ => rows.extend([vec![clue], Vec::new()]),
            }
        }
        rows.retain(|row| !row.is_empty());
        (!rows.is_empty()).then_some(Clues { rows, decide })
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
    words: String,
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
        self.words.push_str(&self.run);
        self.words.push(' ');
    }

    fn is_full(&self) -> bool {
        self.words.len() > MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(message: &str) -> (Vec<String>, Vec<String>) {
        let words = Words::of(message.as_bytes(), &Structure::parse(message.as_bytes()));
        assert!(words.is_whole);
        let split = |words: &str| words.split_whitespace().map(str::to_owned).collect();
        (split(&words.header), split(&words.body))
    }

    #[test]
    fn words_are_collected() {
        let (header, body) = words(
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=, Joe's\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nOne two-THREE one\r\n日本 4x\r\n",
        );
        let want = [
            "subject",
            "gru\u{308}sse",
            "joe",
            "s",
            "content",
            "type",
            "text",
            "plain",
            "charset",
            "utf",
            "8",
        ];
        assert_eq!(header, want);
        assert_eq!(body, ["one", "two", "three", "one", "日本", "4x"]);
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
        assert!(body.first().is_some_and(|word| word.starts_with(&run[..OVERLAP])));
        assert!(body.last().is_some_and(|word| word.ends_with(&run[run.len() - OVERLAP..])));
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
            ("a@b.example", Some((vec![ends("a"), is("b"), begins("example")], false))),
            ("日本", Some((vec![has("日本")], true))),
            ("", None),
            (" - ", None),
        ] {
            let clues = Needle::new(text).clues().map(|clues| (clues.rows, clues.decide));
            assert_eq!(clues, want.map(|(row, decide)| (vec![row], decide)), "{text:?}");
        }
        let long = "x".repeat(300);
        let clues = Needle::new(&long).clues().unwrap();
        assert_eq!((clues.rows, clues.decide), (vec![vec![has(&long[..128])]], false));
        let clues = Needle::new(&format!("a b {long} c")).clues().unwrap();
        assert_eq!(clues.rows, [vec![ends("a"), is("b")], vec![has(&long[..128])], vec![begins("c")]]);
        let clues = Needle::new("a b c d e f g h i j").clues().unwrap();
        assert_eq!(clues.rows.iter().map(Vec::len).collect::<Vec<_>>(), [MOST_CLUES]);
    }

    #[test]
    fn a_message_of_too_many_words_has_none() {
        let body: String = (0..700_000).map(|n| format!("w{n} ")).collect();
        let message = format!("Subject: x\r\n\r\n{body}");
        let words = Words::of(message.as_bytes(), &Structure::parse(message.as_bytes()));
        assert!(!words.is_whole && words.body.is_empty());
    }
}
