//! What a command prints: text for people, aligned, or one JSON document a line.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::failure::Failure;

/// A thing that can be printed.
pub(super) trait Show: Serialize {
    /// What the cells are called.
    const HEADINGS: &'static [&'static str];
    /// The thing for people, a text for each heading.
    fn cells(&self) -> Vec<String>;
}

/// Standard output, and the form that was asked for.
pub(super) struct Output {
    json: bool,
    to: BufWriter<Box<dyn Write>>,
    /// How wide each column of the table under way is; empty before its first row.
    widths: Vec<usize>,
}

impl Output {
    pub(super) fn new(json: bool, to: impl Write + 'static) -> Self {
        Self {
            json,
            to: BufWriter::new(Box::new(to)),
            widths: Vec::new(),
        }
    }

    /// Rows of a table, more of which may follow: the columns are as wide as the widest cell so far.
    pub(super) fn rows<T: Show>(&mut self, things: &[T]) -> Result<(), Failure> {
        if self.json {
            return things.iter().try_for_each(|thing| self.document(thing));
        }
        let mut lines: Vec<Vec<String>> = things
            .iter()
            .map(|thing| thing.cells().iter().map(|cell| clean(cell)).collect())
            .collect();
        if lines.is_empty() {
            return Ok(());
        }
        if self.widths.is_empty() {
            lines.insert(0, T::HEADINGS.iter().map(|heading| heading.to_uppercase()).collect());
        }
        for line in &lines {
            for (column, cell) in line.iter().enumerate() {
                let width = cell.chars().count();
                match self.widths.get_mut(column) {
                    Some(widest) => *widest = width.max(*widest),
                    None => self.widths.push(width),
                }
            }
        }
        for line in &lines {
            let padded: Vec<String> = line
                .iter()
                .zip(&self.widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            writeln!(self.to, "{}", padded.join("  ").trim_end())?;
        }
        Ok(())
    }

    /// One thing with all it has, a line for each heading; empty ones are left out.
    pub(super) fn card<T: Show>(&mut self, thing: &T) -> Result<(), Failure> {
        if self.json {
            return self.document(thing);
        }
        let width = T::HEADINGS.iter().map(|heading| heading.len()).max().unwrap_or_default();
        for (heading, cell) in T::HEADINGS.iter().zip(thing.cells()) {
            if !cell.is_empty() {
                writeln!(self.to, "{heading:<width$}  {}", clean(&cell))?;
            }
        }
        Ok(())
    }

    /// What was done: a sentence, or the document.
    pub(super) fn done(&mut self, sentence: &str, document: &impl Serialize) -> Result<(), Failure> {
        if self.json {
            return self.document(document);
        }
        writeln!(self.to, "{}", clean(sentence))?;
        Ok(())
    }

    /// One thing as sentences for people, a line each; or its document.
    pub(super) fn lines(&mut self, lines: impl Iterator<Item = String>, document: &impl Serialize) -> Result<(), Failure> {
        if self.json {
            return self.document(document);
        }
        for line in lines {
            writeln!(self.to, "{}", clean(&line))?;
        }
        Ok(())
    }

    /// A text as it is, whatever the form.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.to.write_all(text.as_bytes())?;
        Ok(())
    }

    /// Whether text for people was asked for.
    pub(super) fn is_for_people(&self) -> bool {
        !self.json
    }

    /// Hands everything over.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.to.flush()?;
        Ok(())
    }

    fn document(&mut self, thing: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.to, thing).map_err(io::Error::from)?;
        self.to.write_all(b"\n")?;
        Ok(())
    }
}

/// The text without control characters, which would steer the terminal: some texts come from strangers.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[derive(Serialize)]
    struct Thing {
        name: &'static str,
        note: &'static str,
    }

    impl Show for Thing {
        const HEADINGS: &'static [&'static str] = &["Name", "Note"];
        fn cells(&self) -> Vec<String> {
            vec![self.name.into(), self.note.into()]
        }
    }

    #[derive(Clone, Default)]
    struct Paper(Rc<RefCell<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(octets)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn printed(json: bool, print: impl FnOnce(&mut Output)) -> String {
        let paper = Paper::default();
        let mut out = Output::new(json, paper.clone());
        print(&mut out);
        out.flush().unwrap();
        String::from_utf8(paper.0.take()).unwrap()
    }

    const THINGS: &[Thing] = &[
        Thing {
            name: "a",
            note: "first\u{1b}[2J",
        },
        Thing { name: "longer", note: "" },
    ];

    #[test]
    fn people_see_aligned_columns() {
        let text = printed(false, |out| {
            out.rows(&THINGS[..1]).unwrap();
            out.rows(&THINGS[1..]).unwrap();
        });
        assert_eq!(text, "NAME  NOTE\na     first\u{fffd}[2J\nlonger\n");
        assert_eq!(printed(false, |out| out.card(&THINGS[1]).unwrap()), "Name  longer\n");
        assert_eq!(printed(false, |out| out.done("made", &THINGS[1]).unwrap()), "made\n");
    }

    #[test]
    fn programs_see_a_document_a_line() {
        let text = printed(true, |out| {
            out.rows(THINGS).unwrap();
            out.card(&THINGS[1]).unwrap();
            out.done("made", &THINGS[1]).unwrap();
        });
        let longer = r#"{"name":"longer","note":""}"#;
        assert_eq!(
            text,
            format!("{{\"name\":\"a\",\"note\":\"first\\u001b[2J\"}}\n{longer}\n{longer}\n{longer}\n")
        );
    }
}
