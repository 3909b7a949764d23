//! Filter scripts by the command line: the tests under `tests/sieve`, where mistakes are told, and what a script would do.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::tempdir;

fn sieve(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_posthouse"));
    command.arg("sieve").args(arguments).output().expect("the command runs")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sieve")
}

macro_rules! test_scripts {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })+

        const LISTED: &[&str] = &[$(stringify!($name)),+];
    };
}

test_scripts! {
    body
    comparators
    copy
    core
    date
    duplicate
    editheader
    encoded_characters
    enotify
    environment
    errors
    extlists
    ihave
    imap4flags
    include
    limits
    mailbox
    mime
    mime_examples
    regex
    reject
    relational
    rfc
    spamtest
    subaddress
    vacation
    variables
}

fn run(name: &str) {
    let path = folder().join(name).with_extension("svtest");
    let script = std::fs::read_to_string(&path).expect("a script");
    assert!(
        script.lines().next().is_some_and(|line| line.contains("RFC ")),
        "the first line of {name} names an RFC"
    );
    let ran = sieve(&["test", path.to_str().expect("a path")]);
    assert!(ran.status.success(), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let tests = script.lines().filter(|line| line.starts_with("test \"")).count();
    let passed = text(&ran.stdout).lines().filter(|line| line.starts_with("ok ")).count();
    assert_eq!(passed, tests, "each test has its line");
}

#[test]
fn every_test_script_is_listed() {
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "svtest"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, LISTED);
}

/// A mistake: line, column, words of the message.
type Mistake = (u64, u64, &'static str);

/// Scripts, each with its mistakes.
const MISTAKES: &[(&str, &[Mistake])] = &[
    ("keep", &[(1, 5, "expected end of command ';'")]),
    ("keep;\n  frobnicate \"x\";", &[(2, 3, "unknown command 'frobnicate'")]),
    ("fileinto \"x\";", &[(1, 1, "require \"fileinto\"")]),
    ("require \"nothing\";", &[(1, 9, "unknown Sieve capability 'nothing'")]),
    ("keep;\nrequire \"fileinto\";", &[(2, 1, "begin of the script")]),
    ("if header :is \"a\" {\n}", &[(1, 4, "requires 2 positional argument(s), but 1")]),
    (
        "if header :nonsense \"a\" \"b\" { keep; }",
        &[(1, 11, "unknown tagged argument ':nonsense'")],
    ),
    ("if header :is :contains \"a\" \"b\" { }", &[(1, 15, "only one match type")]),
    ("if header \"a\" :is \"b\" { }", &[(1, 15, "tags stand before")]),
    ("if size 5 { }", &[(1, 4, ":over or the :under")]),
    ("if size :over \"x\" { }", &[(1, 15, "expects a number as argument 1")]),
    ("elsif true { }", &[(1, 1, "must follow an if")]),
    ("if true { keep;", &[(1, 9, "never ended")]),
    ("redirect \"nobody\";", &[(1, 10, "no domain")]),
    (
        "stop \"x\";\nheader \"a\" \"b\";",
        &[(1, 6, "at most 0"), (2, 1, "use test 'header' as command")],
    ),
    (
        "require \"variables\";\nset \"1x\" \"y\";\nset \"a\" \"${nowhere.b}\";",
        &[(2, 5, "invalid name"), (3, 9, "unknown namespace 'nowhere'")],
    ),
    (
        "require [\"regex\"];\nif header :regex \"a\" \"(\" { }",
        &[(2, 22, "invalid regular expression")],
    ),
    ("require \"enotify\";\nnotify \"tel:1\";", &[(2, 8, "no method 'tel:'")]),
    (
        "require \"date\";\nif currentdate \"century\" \"20\" { }",
        &[(2, 16, "unknown part of a date")],
    ),
    (
        "redirect \"a@b.test\" $;",
        &[(1, 21, "unexpected character"), (1, 21, "expected end of command")],
    ),
];

#[test]
fn mistakes_are_told_with_line_and_column() {
    let directory = tempdir().expect("a directory");
    for (script, mistakes) in MISTAKES {
        let path = directory.path().join("script.sieve");
        std::fs::write(&path, script).expect("written");
        let ran = sieve(&["check", "--json", path.to_str().expect("a path")]);
        assert_eq!(ran.status.code(), Some(1), "{script}");
        let document: Value = serde_json::from_str(text(&ran.stdout).lines().next().unwrap_or_default()).expect("JSON");
        let problems = document["problems"].as_array().expect("a list");
        assert_eq!(problems.len(), mistakes.len(), "{script}: {document}");
        for (problem, (line, column, words)) in problems.iter().zip(*mistakes) {
            assert_eq!(
                (problem["line"].as_u64(), problem["column"].as_u64()),
                (Some(*line), Some(*column)),
                "{script}: {problem}"
            );
            assert!(
                problem["message"].as_str().is_some_and(|message| message.contains(words)),
                "{script}: {problem}"
            );
        }
    }
}

#[test]
fn a_script_is_tried_out() {
    let directory = tempdir().expect("a directory");
    let (script, message) = (directory.path().join("script.sieve"), directory.path().join("message.eml"));
    std::fs::write(
        &message,
        "From: ada@example.org\r\nTo: bob@example.net\r\nList-Id: x\r\nSubject: Hi\r\n\r\nx\r\n",
    )
    .expect("written");
    let names = [script.to_str().expect("a path"), message.to_str().expect("a path")];
    let run = |text: &str| {
        std::fs::write(&script, text).expect("written");
        sieve(&["run", "--json", names[0], names[1], "--from", "ada@example.org"])
    };
    let ran = run("require [\"fileinto\", \"imap4flags\", \"vacation\"];\nfileinto :flags \"\\\\Seen\" \"Lists\";\nvacation \"Away\";");
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let lines: Vec<Value> = text(&ran.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        (lines[0]["action"].as_str(), lines[0]["target"].as_str()),
        (Some("fileinto"), Some("Lists"))
    );
    assert_eq!(lines[0]["flags"][0].as_str(), Some("\\Seen"));
    assert_eq!(lines[1]["action"].as_str(), Some("vacation"));
    assert!(lines[2]["note"].as_str().is_some_and(|note| note.contains("List-Id")), "{lines:?}");

    let ran = run("require \"ihave\";\nerror \"Enough.\";");
    assert_eq!(ran.status.code(), Some(1));
    assert!(
        text(&ran.stdout).contains("Enough.") && text(&ran.stdout).contains("\"keep\""),
        "{}",
        text(&ran.stdout)
    );
    assert_eq!(run("nonsense;").status.code(), Some(1));
    assert_eq!(sieve(&["run", names[0], "/nowhere"]).status.code(), Some(2));
}
