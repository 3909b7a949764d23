//! Plays a transcript against a house of its own.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::check::check;
use super::parse::{Between, Script, Setup, Step, parse};
use super::pattern::{Words, fill, fits};
use crate::support::house::{Builder, House, PASSWORD};
use crate::support::line::Line;

/// Plays `tests/transcripts/PROTOCOL/NAME.txt`; a difference ends the test with the line and the dialogue.
pub fn play(protocol: &str, name: &str) {
    let path = format!("{}/tests/transcripts/{protocol}/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let script = parse(&text).unwrap_or_else(|problem| panic!("{path}: {problem}"));
    let house = furnish(&script);
    let mut stage = Stage {
        house: &house,
        protocol,
        lines: BTreeMap::new(),
        words: Words::new(),
    };
    for (number, session, step) in &script.steps {
        if let Err(problem) = stage.step(*session, step) {
            let said = stage.lines.get(session).map_or("", |line| line.said());
            panic!("{path}:{number}: {problem}\n--- the dialogue ---\n{said}---");
        }
    }
}

/// Starts the server with the settings of the transcript and makes what it asks for.
fn furnish(script: &Script) -> House {
    let mut builder = Builder::default();
    for setup in &script.setup {
        if let Setup::Set { key, value } = setup {
            builder = builder.set(key, value.clone());
        }
    }
    let house = builder.start();
    house.provision();
    let admin = house.admin();
    for setup in &script.setup {
        match setup {
            Setup::Set { .. } => {}
            Setup::User { address, fields } => {
                let mut body = json!({"address": address, "password": PASSWORD});
                for (name, number) in fields {
                    body[name] = Value::from(*number);
                }
                admin.post("/users", body).ok();
            }
            Setup::Alias { address, destinations } => {
                admin
                    .post("/aliases", json!({"address": address, "destinations": destinations}))
                    .ok();
            }
            Setup::Domain { name, alias_of: None } => {
                admin.post("/domains", json!({"domain": name})).ok();
            }
            Setup::Domain { name, alias_of } => {
                admin.post("/domains", json!({"domain": name, "alias_of": alias_of})).ok();
            }
            Setup::Append { user, mailbox, file } => append(&house, user, mailbox, file),
        }
    }
    house
}

fn append(house: &House, user: &str, mailbox: &str, file: &str) {
    let path = format!("{}/tests/transcripts/mail/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let status = house.imap(user).append(mailbox, text.replace('\n', "\r\n").as_bytes());
    assert!(status.starts_with("OK"), "APPEND was answered {status}");
}

struct Stage<'a> {
    house: &'a House,
    protocol: &'a str,
    lines: BTreeMap<usize, Line>,
    words: Words,
}

impl Stage<'_> {
    fn step(&mut self, session: usize, step: &Step) -> Result<(), String> {
        match step {
            Step::Check(sentence) => check(self.house, &fill(sentence, &self.words)),
            Step::ImplicitTls => {
                let listener = match self.protocol {
                    "submission" => "submissions".to_owned(),
                    other => format!("{other}s"),
                };
                self.lines.insert(session, Line::connect_tls(self.house.address(&listener)));
                Ok(())
            }
            Step::Handshake => self.line(session).start_tls().map_err(|error| format!("no handshake: {error}")),
            Step::Deflate => {
                self.line(session).start_deflate();
                Ok(())
            }
            Step::Closed => {
                let closed = self.line(session).is_closed();
                closed
                    .then_some(())
                    .ok_or_else(|| "the server keeps the connection open".to_owned())
            }
            Step::Client(octets) => {
                let octets = match std::str::from_utf8(octets) {
                    Ok(text) => fill(text, &self.words).into_bytes(),
                    Err(_) => octets.clone(),
                };
                self.line(session).send(&octets).map_err(|error| format!("cannot send: {error}"))
            }
            Step::Server { between: None, then } => {
                let line = self.hear(session)?;
                let fitting = fits(then, &line, &mut self.words);
                fitting
                    .then_some(())
                    .ok_or_else(|| format!("expected {then:?}\n         got {line:?}"))
            }
            Step::Server {
                between: Some(between),
                then,
            } => self.hear_until(session, between, then),
        }
    }

    /// Lines up to the one that is waited for, all of them as they are described.
    fn hear_until(&mut self, session: usize, between: &Between, then: &str) -> Result<(), String> {
        let mut wanted: Vec<&String> = between.some.iter().collect();
        loop {
            let line = self.hear(session).map_err(|error| format!("waiting for {then:?}: {error}"))?;
            if fits(then, &line, &mut self.words) {
                break;
            }
            if let Some(wrong) = between.none.iter().find(|pattern| fits(pattern, &line, &mut self.words)) {
                return Err(format!("{wrong:?} must not be said here, but {line:?} was"));
            }
            wanted.retain(|pattern| !fits(pattern, &line, &mut self.words));
        }
        if wanted.is_empty() {
            Ok(())
        } else {
            Err(format!("{wanted:?} was not said before {then:?}"))
        }
    }

    fn hear(&mut self, session: usize) -> Result<String, String> {
        let line = self
            .line(session)
            .try_line()
            .map_err(|error| format!("no line from the server: {error}"))?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    fn line(&mut self, session: usize) -> &mut Line {
        let (house, protocol) = (self.house, self.protocol);
        self.lines.entry(session).or_insert_with(|| Line::connect(house.address(protocol)))
    }
}
