//! Files that lie beside the messages of a folder: what grows at its end, and what is written anew.

use std::fs;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use super::{Error, Maildir, at};

/// Octets of the begin and of the end of a file that [`Maildir::ends_beside`] reads.
const BEGIN: u64 = 512;
const END: u64 = 4_096;

/// The first line of a file and the last ones, whole, in one piece; and how many octets it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// These lines.
    pub lines: Vec<u8>,
    /// Octets of the file.
    pub length: u64,
}

impl Maildir {
    /// The ends of a file of lines; none if it is not there, or its last line is not whole.
    pub fn ends_beside(&self, name: &str) -> Result<Option<Ends>, Error> {
        let path = self.path.join(name);
        let mut file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&path)(error)),
        };
        ends(&mut file).map_err(at(&path))
    }

    /// Adds octets to the end of a file that is there.
    pub fn add_beside(&self, name: &str, octets: &[u8]) -> Result<(), Error> {
        let path = self.path.join(name);
        let file = fs::OpenOptions::new().append(true).open(&path);
        file.and_then(|mut file| file.write_all(octets)).map_err(at(&path))
    }

    /// Writes a file anew; whoever reads it sees the old one or the new one, also after a crash.
    pub fn replace_beside(&self, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
        // Of this process alone, and swept with what else is left there.
        let tmp = self.path.join("tmp").join(format!("{name}.{}", std::process::id()));
        let written = || -> io::Result<()> {
            let mut file = BufWriter::with_capacity(65_536, fs::File::create(&tmp)?);
            write(&mut file)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&tmp, self.path.join(name))
        };
        written().map_err(|error| {
            // Already failing: what matters is the first error.
            drop(fs::remove_file(&tmp));
            at(&tmp)(error)
        })
    }
}

fn ends(file: &mut fs::File) -> io::Result<Option<Ends>> {
    let length = file.metadata()?.len();
    let mut lines = Vec::new();
    Read::by_ref(file).take(BEGIN).read_to_end(&mut lines)?;
    let Some(first) = memchr::memchr(b'\n', &lines) else {
        return Ok(None);
    };
    let first = first.saturating_add(1);
    let rest = length.saturating_sub(END).max(first as u64);
    file.seek(SeekFrom::Start(rest))?;
    let mut last = Vec::new();
    Read::by_ref(file).take(END).read_to_end(&mut last)?;
    lines.truncate(first);
    if rest > first as u64 {
        // It begins within a line.
        let begin = memchr::memchr(b'\n', &last).map_or(last.len(), |at| at.saturating_add(1));
        last.drain(..begin);
    }
    lines.append(&mut last);
    Ok(lines.ends_with(b"\n").then_some(Ends { lines, length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_grows_and_its_ends_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let maildir = Maildir::at(dir.path().join("m"));
        maildir.create(false).unwrap();
        let ends = || maildir.ends_beside("list").unwrap();
        assert_eq!(ends(), None);
        assert!(maildir.add_beside("list", b"x").is_err());
        maildir.replace_beside("list", |file| file.write_all(b"head\n")).unwrap();
        let lines = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(ends().map(|ends| ends.lines), lines("head\n"));
        maildir.add_beside("list", b"1 a\n2 b\n").unwrap();
        assert_eq!(
            ends().map(|ends| (ends.length, Some(ends.lines))),
            Some((13, lines("head\n1 a\n2 b\n")))
        );
        for number in 3..2_000 {
            maildir.add_beside("list", format!("{number} name\n").as_bytes()).unwrap();
        }
        let text = String::from_utf8(ends().unwrap().lines).unwrap();
        assert!(text.starts_with("head\n") && text.ends_with("\n1999 name\n") && text.len() < 4_200);
        assert!(text.lines().skip(1).all(|line| line.ends_with(" name")), "{text}");
        maildir.add_beside("list", b"2000 na").unwrap();
        assert_eq!(ends(), None);
        assert!(fs::read_dir(maildir.path().join("tmp")).unwrap().next().is_none());
    }
}
