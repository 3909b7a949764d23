//! The index of the words of a mailbox: a directory of tantivy's files for each, under `search/` of the data directory.
//!
//! A document is a message: its UID, which file it is, the words of its header, those of its body, and where they stand. The index says
//! itself which messages it knows, and a commit is whole or not there, so that whatever happens to it, or to the database, costs no more than to make it again.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem::Finder;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError};
use tantivy::directory::{Directory, INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::postings::{Postings, TermInfo};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::termdict::TermDictionary;
use tantivy::{
    DocSet, Index, IndexReader, IndexSettings, IndexWriter, InvertedIndexReader, ReloadPolicy, SegmentReader, TERMINATED, TantivyDocument,
    TantivyError, Term,
};

use super::Error;
use crate::model::clue::{Clue, Clues};
use crate::model::ids::Uid;

/// So many messages, or octets of their words, make a commit. In tests fewer do.
const COMMIT_DOCUMENTS: usize = if cfg!(test) { 256 } else { 8_192 };
const COMMIT_OCTETS: usize = 33_554_432;

/// So many documents are looked at together for words in a row, so that where the words stand takes little memory.
const BLOCK: usize = 16_384;
/// Where a begin or an end is that of more words, it is not looked at where they stand.
const MOST_WORDS: usize = 512;

/// The word of messages whose words are not all in the index. It can be no other word's.
const OPEN: &str = "\u{0}";

/// A message that the index knows: its UID, and the fingerprint of its file's name. Another message has another one, even if it has the
/// UID because the database was put back to what it was before.
pub type Known = (Uid, u64);

/// What the index knows of a message.
#[derive(Debug)]
pub struct Document {
    /// Which message.
    pub message: Known,
    /// The words of its header in their order, with spaces between.
    pub header: String,
    /// The words of its body in their order, with spaces between.
    pub body: String,
    /// Whether these are all.
    pub is_whole: bool,
}

/// What the index says of a search, all ascending.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// The messages that it knows.
    pub known: Vec<Known>,
    /// Those of them for which the clues hold.
    pub found: Vec<Uid>,
    /// Those of them of which it does not know all words.
    pub open: Vec<Uid>,
}

/// The index of a mailbox.
pub struct WordIndex {
    path: PathBuf,
    index: Index,
    fields: Fields,
}

/// What a document consists of.
#[derive(Clone, Copy)]
struct Fields {
    uid: Field,
    name: Field,
    header: Field,
    body: Field,
}

impl WordIndex {
    /// Opens the index in this directory; none if there is none, or none that we can read: damaged, or of another form.
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        match Index::open_in_dir(path) {
            Ok(index) if index.schema() == schema().0 => Ok(Some(Self::new(path, index))),
            Ok(_) => Ok(None),
            Err(error) if is_damage(&error) => Ok(None),
            Err(error) => Err(failed(path, &error)),
        }
    }

    /// The same, and makes it where there is none; none if somebody else is about to.
    pub fn open_or_make(path: &Path) -> Result<Option<Self>, Error> {
        match Self::open(path)? {
            Some(index) => Ok(Some(index)),
            None => Self::make_anew(path),
        }
    }

    /// Makes an empty index in the place of what is in this directory; none if somebody writes there.
    pub fn make_anew(path: &Path) -> Result<Option<Self>, Error> {
        std::fs::create_dir_all(path).map_err(|source| file_error(path, source))?;
        let directory = MmapDirectory::open(path).map_err(|error| failed(path, &error.into()))?;
        let _lock = match directory.acquire_lock(&INDEX_WRITER_LOCK) {
            Ok(lock) => lock,
            Err(LockError::LockBusy) => return Ok(None),
            Err(error) => return Err(failed(path, &error.into())),
        };
        for entry in std::fs::read_dir(path).map_err(|source| file_error(path, source))?.flatten() {
            if Path::new(&entry.file_name()) != INDEX_WRITER_LOCK.filepath {
                std::fs::remove_file(entry.path()).map_err(|source| file_error(&entry.path(), source))?;
            }
        }
        let index = Index::create(directory, schema().0, IndexSettings::default()).map_err(|error| failed(path, &error))?;
        Ok(Some(Self::new(path, index)))
    }

    fn new(path: &Path, index: Index) -> Self {
        let (path, (_, fields)) = (path.to_owned(), schema());
        Self { path, index, fields }
    }

    /// Whether all of its files are as they were written. Reads them all.
    pub fn is_sound(&self) -> Result<bool, Error> {
        match self.index.validate_checksum().and_then(|damaged| Ok((damaged, self.reader()?))) {
            Ok((damaged, _)) => Ok(damaged.is_empty()),
            Err(error) if is_damage(&error) => Ok(false),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// The messages that it knows, ascending.
    pub fn known(&self) -> Result<Vec<Known>, Error> {
        let all = || -> tantivy::Result<Vec<Known>> {
            let mut known = Vec::new();
            for segment in self.reader()?.searcher().segment_readers() {
                known.extend(known_in(segment)?);
            }
            known.sort_unstable();
            Ok(known)
        };
        all().map_err(|error| self.failed(&error))
    }

    /// Looks for messages: in their bodies, and in their headers too where that is wanted.
    pub fn find(&self, clues: &Clues, headers_too: bool) -> Result<Matches, Error> {
        let all = || -> tantivy::Result<Matches> {
            let mut matches = Matches::default();
            for segment in self.reader()?.searcher().segment_readers() {
                self.find_in(segment, (clues, headers_too), &mut matches)?;
            }
            matches.known.sort_unstable();
            matches.found.sort_unstable();
            matches.open.sort_unstable();
            Ok(matches)
        };
        all().map_err(|error| self.failed(&error))
    }

    fn find_in(&self, segment: &SegmentReader, (clues, headers_too): (&Clues, bool), matches: &mut Matches) -> tantivy::Result<()> {
        let Fields { header, body, .. } = self.fields;
        let fields: &[Field] = if headers_too { &[body, header] } else { &[body] };
        let size = segment.max_doc() as usize;
        let (mut found, mut open) = (vec![false; size], vec![false; size]);
        for &field in fields {
            let words = segment.inverted_index(field)?;
            let mut here = vec![true; size];
            // A text is in a header field or in a body, never in both.
            for clue in clues.rows.iter().flatten() {
                let mut holds = vec![false; size];
                with_clue(&words, clue, &mut holds)?;
                here.iter_mut().zip(holds).for_each(|(here, holds)| *here &= holds);
            }
            for row in &clues.rows {
                without_row(&words, row, &mut here)?;
            }
            found.iter_mut().zip(here).for_each(|(found, here)| *found |= here);
        }
        let words = segment.inverted_index(body)?;
        with_clue(&words, &Clue::Is(OPEN.into()), &mut open)?;
        let in_list = |list: &[bool], doc: u32| list.get(doc as usize).copied().unwrap_or(false);
        matches.known.extend(known_in(segment)?);
        matches.found.extend(uids(segment, |doc| in_list(&found, doc))?);
        matches.open.extend(uids(segment, |doc| in_list(&open, doc))?);
        Ok(())
    }

    fn reader(&self) -> tantivy::Result<IndexReader> {
        self.index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()
    }

    /// Begins to change the index, with so much memory; none if somebody else does.
    pub fn writer(self: &Arc<Self>, memory_bytes: usize) -> Result<Option<Writer>, Error> {
        match self.index.writer_with_num_threads(1, memory_bytes) {
            Ok(writer) => Ok(Some(Writer {
                index: Arc::clone(self),
                writer,
                documents: 0,
                octets: 0,
            })),
            Err(TantivyError::LockFailure(..)) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &TantivyError) -> Error {
        failed(&self.path, error)
    }
}

/// Changes of an index. What is not committed is lost.
pub struct Writer {
    index: Arc<WordIndex>,
    writer: IndexWriter,
    /// What was added since the last commit.
    documents: usize,
    octets: usize,
}

impl Writer {
    /// Adds a message. What is not committed is in memory: see [`Writer::is_full`].
    pub fn add(&mut self, document: &Document) -> Result<(), Error> {
        let Fields { uid, name, header, body } = self.index.fields;
        let mut entry = TantivyDocument::new();
        entry.add_u64(uid, u64::from(document.message.0.0));
        entry.add_u64(name, document.message.1);
        entry.add_text(header, &document.header);
        entry.add_text(body, if document.is_whole { &document.body } else { OPEN });
        self.writer.add_document(entry).map_err(|error| self.index.failed(&error))?;
        self.documents = self.documents.saturating_add(1);
        self.octets = self
            .octets
            .saturating_add(document.header.len())
            .saturating_add(document.body.len());
        Ok(())
    }

    /// Whether what was added is enough for a commit.
    pub fn is_full(&self) -> bool {
        self.documents >= COMMIT_DOCUMENTS || self.octets >= COMMIT_OCTETS
    }

    /// Takes a message out.
    pub fn remove(&self, uid: Uid) {
        self.writer
            .delete_term(Term::from_field_u64(self.index.fields.uid, u64::from(uid.0)));
    }

    /// Puts what was changed on stable storage, and waits until small files have become large ones.
    pub fn finish(self) -> Result<(), Error> {
        let Self { index, mut writer, .. } = self;
        let done = writer.commit().and_then(|_| writer.wait_merging_threads());
        done.map_err(|error| index.failed(&error))
    }
}

/// Removes the index in this directory, if there is one.
pub fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error(path, error)),
        _ => Ok(()),
    }
}

fn schema() -> (Schema, Fields) {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("whitespace")
        .set_index_option(IndexRecordOption::WithFreqsAndPositions)
        .set_fieldnorms(false);
    let text = TextOptions::default().set_indexing_options(indexing);
    let mut schema = Schema::builder();
    let uid = schema.add_u64_field("uid", FAST | INDEXED);
    let name = schema.add_u64_field("name", FAST);
    let header = schema.add_text_field("header", text.clone());
    let body = schema.add_text_field("body", text);
    (schema.build(), Fields { uid, name, header, body })
}

/// The messages of a segment that are not removed.
fn known_in(segment: &SegmentReader) -> tantivy::Result<Vec<Known>> {
    let columns = (segment.fast_fields().u64("uid")?, segment.fast_fields().u64("name")?);
    let known = |doc| Some((Uid(u32::try_from(columns.0.first(doc)?).ok()?), columns.1.first(doc)?));
    Ok(segment.doc_ids_alive().filter_map(known).collect())
}

/// The UIDs of the messages of a segment that are wanted and not removed.
fn uids(segment: &SegmentReader, wanted: impl Fn(u32) -> bool) -> tantivy::Result<Vec<Uid>> {
    let column = segment.fast_fields().u64("uid")?;
    let docs = segment.doc_ids_alive().filter(|doc| wanted(*doc));
    Ok(docs
        .filter_map(|doc| column.first(doc))
        .filter_map(|uid| u32::try_from(uid).ok())
        .map(Uid)
        .collect())
}

/// Marks the documents with a word for which the clue holds.
fn with_clue(words: &InvertedIndexReader, clue: &Clue, holds: &mut [bool]) -> std::io::Result<()> {
    each_word(words.terms(), clue, |info| {
        let mut postings = words.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
        let mut doc = postings.doc();
        while doc != TERMINATED {
            if let Some(holds) = holds.get_mut(doc as usize) {
                *holds = true;
            }
            doc = postings.advance();
        }
        Ok(())
    })
}

/// Unmarks the documents in which the words for which the clues hold do not stand one directly behind the other.
fn without_row(words: &InvertedIndexReader, row: &[Clue], here: &mut [bool]) -> std::io::Result<()> {
    let mut places = Vec::new();
    for (place, clue) in (0_u32..).zip(row) {
        let mut infos = Vec::new();
        each_word(words.terms(), clue, |info| {
            infos.push(info.clone());
            Ok(())
        })?;
        if infos.len() <= MOST_WORDS {
            places.push((place, infos));
        }
    }
    if places.len() < 2 {
        return Ok(());
    }
    // The rarest leaves the fewest documents for the others.
    places.sort_by_key(|(_, infos)| infos.iter().map(|info| u64::from(info.doc_freq)).sum::<u64>());
    for (first, here) in (0_u32..).step_by(BLOCK).zip(here.chunks_mut(BLOCK)) {
        let mut rows: Option<Vec<(u32, u32)>> = None;
        for (place, infos) in &places {
            let mut begins = Vec::new();
            for info in infos {
                add_begins(words, (info, *place), (first, here), &mut begins)?;
            }
            begins.sort_unstable();
            if let Some(rows) = &rows {
                begins.retain(|begin| rows.binary_search(begin).is_ok());
            }
            here.fill(false);
            let docs = begins.iter().filter_map(|(doc, _)| doc.checked_sub(first));
            docs.for_each(|at| here.get_mut(at as usize).into_iter().for_each(|here| *here = true));
            rows = Some(begins);
        }
    }
    Ok(())
}

/// Where rows begin that have this word at such a place: document and position, for the documents from `first` on that are marked.
fn add_begins(
    words: &InvertedIndexReader,
    (info, place): (&TermInfo, u32),
    (first, here): (u32, &[bool]),
    begins: &mut Vec<(u32, u32)>,
) -> std::io::Result<()> {
    let mut postings = words.read_postings_from_terminfo(info, IndexRecordOption::WithFreqsAndPositions)?;
    let mut doc = postings.doc();
    if doc < first {
        doc = postings.seek(first);
    }
    let mut positions = Vec::new();
    while let Some(&is_marked) = doc.checked_sub(first).and_then(|at| here.get(at as usize)) {
        if is_marked {
            postings.positions(&mut positions);
            begins.extend(positions.iter().filter_map(|at| Some((doc, at.checked_sub(place)?))));
        }
        doc = postings.advance();
    }
    Ok(())
}

/// Gives the words for which the clue holds to `each`.
fn each_word(all: &TermDictionary, clue: &Clue, mut each: impl FnMut(&TermInfo) -> std::io::Result<()>) -> std::io::Result<()> {
    match clue {
        Clue::Is(word) => all.get(word)?.map_or(Ok(()), |info| each(&info)),
        Clue::Begins(word) => {
            let mut terms = all.range().ge(word).into_stream()?;
            while terms.advance() && terms.key().starts_with(word.as_bytes()) {
                each(terms.value())?;
            }
            Ok(())
        }
        Clue::Ends(word) => {
            let mut terms = all.stream()?;
            while terms.advance() {
                if terms.key().ends_with(word.as_bytes()) {
                    each(terms.value())?;
                }
            }
            Ok(())
        }
        Clue::Has(word) => {
            let (finder, mut terms) = (Finder::new(word), all.stream()?);
            while terms.advance() {
                if finder.find(terms.key()).is_some() {
                    each(terms.value())?;
                }
            }
            Ok(())
        }
    }
}

/// Whether there is no index, or one that is not as it was written: nothing that could be other at the next try.
fn is_damage(error: &TantivyError) -> bool {
    let is_of_content = |kind: ErrorKind| matches!(kind, ErrorKind::NotFound | ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
    match error {
        TantivyError::OpenDirectoryError(OpenDirectoryError::DoesNotExist(_))
        | TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_) | OpenReadError::IncompatibleIndex(_))
        | TantivyError::DataCorruption(_)
        | TantivyError::IncompatibleIndex(_)
        | TantivyError::SchemaError(_)
        | TantivyError::DeserializeError(_)
        | TantivyError::InternalError(_) => true,
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => is_of_content(io_error.kind()),
        TantivyError::IoError(error) => is_of_content(error.kind()),
        _ => false,
    }
}

fn failed(path: &Path, error: &TantivyError) -> Error {
    Error::Unusable(format!("the index of words in {}: {error}", path.display()))
}

fn file_error(path: &Path, source: std::io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}
