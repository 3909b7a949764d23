//! The house's rules that neither the compiler nor clippy checks: who may use whom, and where SQL stands.

use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms a room may use, besides itself (the design's table, section 5).
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("config", &["model"]),
    ("wire", &["model"]),
    ("store", &["model", "config"]),
    ("mail", &["model", "config", "store", "wire"]),
    ("server", &["model", "config", "mail", "wire"]),
    ("api", &["model", "config", "mail", "wire"]),
    ("app", &["model", "config", "store", "mail", "server", "api"]),
    ("cli", &["model", "config", "mail", "api", "app"]),
];

#[test]
fn rooms_use_only_the_rooms_below() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some((_, allowed)) = MAY_USE.iter().find(|(room, _)| *room == file.room) else {
            continue;
        };
        for (number, line) in file.code() {
            for used in rooms_named(line) {
                if used != file.room && !allowed.contains(&used.as_str()) {
                    wrong.push(format!(
                        "{}:{number}: {} may not use {used}: {}",
                        file.path.display(),
                        file.room,
                        line.trim()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_room_has_its_place_in_the_table() {
    for entry in fs::read_dir(root()).expect("src") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let room = name.trim_end_matches(".rs");
        let known = MAY_USE.iter().any(|(listed, _)| *listed == room) || ["main", "lib"].contains(&room);
        assert!(known, "src/{name} has no place in the table of tests/house/layers.rs");
    }
}

#[test]
fn wire_is_pure() {
    let forbidden = ["tokio", "sqlx", "std::fs", "std::net::Tcp", "async fn"];
    complain("wire", &forbidden, "wire turns octets into values and back, and does nothing else");
}

#[test]
fn sql_stands_in_store_alone() {
    let forbidden = ["sqlx::", "SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "];
    for room in ["mail", "server", "api", "app", "cli"] {
        // IMAP has a command of the name SELECT; a statement goes on with FROM.
        let statement = |line: &str| forbidden.iter().any(|word| line.contains(word) && is_statement(line, word));
        let wrong = lines_that(room, statement);
        assert!(wrong.is_empty(), "SQL belongs into store:\n{}", wrong.join("\n"));
    }
}

#[test]
fn only_the_assembly_sees_the_whole_configuration() {
    for room in ["mail", "server", "api", "store", "wire", "model"] {
        let wrong = lines_that(room, |line| line.contains("config::Config") || line.contains("config::{Config"));
        assert!(wrong.is_empty(), "a room is given its section:\n{}", wrong.join("\n"));
    }
}

/// Mail itself is what the API shows, and beside it what programs that set up mail clients ask for over HTTP; how other doors speak is none of
/// its business.
#[test]
fn the_api_speaks_no_other_protocol() {
    let its_own = ["crate::wire::message", "crate::wire::client_setup"];
    let wrong = lines_that("api", |line| {
        line.contains("crate::wire::") && !its_own.iter().any(|room| line.contains(room))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_is_no_room_without_a_name() {
    for file in sources() {
        let stem = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let nameless = ["util", "utils", "common", "helpers", "misc"].contains(&stem.as_str());
        assert!(!nameless, "{}: a thing without a room gets a name first", file.path.display());
    }
}

fn complain(room: &str, forbidden: &[&str], why: &str) {
    let wrong = lines_that(room, |line| forbidden.iter().any(|word| line.contains(word)));
    assert!(wrong.is_empty(), "{why}:\n{}", wrong.join("\n"));
}

fn lines_that(room: &str, wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in sources().into_iter().filter(|file| file.room == room) {
        for (number, line) in file.code().filter(|(_, line)| wrong(line)) {
            found.push(format!("{}:{number}: {}", file.path.display(), line.trim()));
        }
    }
    found
}

/// Whether the SQL word stands in a text that goes on like a statement.
fn is_statement(line: &str, word: &str) -> bool {
    match word {
        "SELECT " => line.contains(" FROM "),
        "UPDATE " => line.contains(" SET "),
        _ => true,
    }
}

/// The rooms that a line names by `crate::ROOM`, also in `use crate::{a, b::c}`.
fn rooms_named(line: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (_, rest) in line.match_indices("crate::").map(|(at, mark)| (at, &line[at + mark.len()..])) {
        match rest.strip_prefix('{') {
            Some(list) => rooms.extend(list.split(',').map(first_word)),
            None => rooms.push(first_word(rest)),
        }
    }
    rooms.retain(|room| MAY_USE.iter().any(|(known, _)| known == room));
    rooms
}

fn first_word(text: &str) -> String {
    text.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
}

struct Source {
    path: PathBuf,
    room: String,
    text: String,
}

impl Source {
    /// The files of the modules that this one has only for tests.
    fn test_files(&self) -> Vec<PathBuf> {
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        let pairs = lines.windows(2).filter(|pair| pair[0].starts_with("#[cfg(test)]"));
        let names = pairs.filter_map(|pair| pair[1].strip_prefix("mod ")?.strip_suffix(';'));
        let own = match self
            .path
            .file_stem()
            .is_some_and(|stem| stem == "mod" || stem == "lib" || stem == "main")
        {
            true => self.path.with_file_name(""),
            false => self.path.with_extension(""),
        };
        names.map(|name| own.join(name).with_extension("rs")).collect()
    }

    /// The numbered lines of code: without comments, and without what stands after the first test of the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered
            .take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(read(path));
            }
        }
    }
    let tests: Vec<PathBuf> = found.iter().flat_map(Source::test_files).collect();
    found.retain(|file| !tests.contains(&file.path));
    found
}

fn read(path: PathBuf) -> Source {
    let below = path.strip_prefix(root()).expect("below src");
    let first = below.components().next().expect("a name").as_os_str().to_string_lossy();
    Source {
        room: first.trim_end_matches(".rs").to_owned(),
        text: fs::read_to_string(&path).expect("a source file"),
        path,
    }
}
