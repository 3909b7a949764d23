//! What got a 250, and whether it is all there: each message carries its name and the checksum of its own body.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::Rng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};

use super::house::House;
use super::imap::Imap;
use super::maildir;
use super::wait::until;

/// The names of messages, and to whom they went, once they got a 250.
#[derive(Default)]
pub struct Accepted {
    messages: Mutex<BTreeMap<String, Vec<&'static str>>>,
}

impl Accepted {
    /// Notes a 250.
    pub fn add(&self, name: String, recipients: Vec<&'static str>) {
        self.messages.lock().expect("messages").insert(name, recipients);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.messages.lock().expect("messages").len()
    }

    fn of(&self, user: &str) -> Vec<String> {
        let messages = self.messages.lock().expect("messages");
        let mine = messages.iter().filter(|(_, recipients)| recipients.contains(&user));
        mine.map(|(name, _)| name.clone()).collect()
    }

    /// What the user has: each accepted message once and at once, none damaged, none twice; and what else is on disk is seen in the
    /// end.
    pub fn verify(&self, house: &House, user: &str) {
        let mut imap = house.imap(user);
        imap.select("INBOX");
        let by_imap = names_over_imap(&mut imap, user);
        let twice: Vec<_> = by_imap.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{user} has messages twice: {twice:?}");
        let mut lost = self.of(user);
        lost.retain(|name| by_imap.binary_search(name).is_err());
        assert!(lost.is_empty(), "{user} lost what got a 250: {lost:?}");

        // A file that was written, but not entered before a kill, got no 250; it is taken in a little later.
        let on_disk = names_on_disk(house, user);
        until(&format!("IMAP to show {user} what is on disk: {} messages", on_disk.len()), || {
            imap.ok("NOOP");
            (names_over_imap(&mut imap, user) == on_disk).then_some(())
        });
    }

    /// The same where every message got an answer: what was refused is not there either.
    pub fn verify_exactly(&self, house: &House, user: &str) {
        self.verify(house, user);
        let accepted = self.of(user);
        let mut refused = names_on_disk(house, user);
        refused.retain(|name| accepted.binary_search(name).is_err());
        assert!(refused.is_empty(), "{user} has what was refused: {refused:?}");
    }
}

/// A message of so many random octets and a third.
pub fn letter(name: &str, octets: usize, random: &mut StdRng) -> String {
    let mut random_octets = vec![0; octets];
    random.fill_bytes(&mut random_octets);
    let text = BASE64_STANDARD.encode(random_octets);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).expect("ASCII"))
        .collect();
    let body = lines.join("\r\n") + "\r\n";
    format!(
        "Subject: accepted\r\nX-Name: {name}\r\nX-Sum: {}\r\n\r\n{body}",
        checksum(body.as_bytes())
    )
}

fn checksum(octets: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(octets))
}

fn names_on_disk(house: &House, user: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for file in maildir::messages(&house.maildir(user)) {
        let octets = maildir::text(&file).replace('\n', "\r\n");
        names.push(undamaged(octets.as_bytes(), user));
    }
    names.sort();
    names
}

fn names_over_imap(imap: &mut Imap, user: &str) -> Vec<String> {
    let fetched = imap.ok("FETCH 1:* BODY.PEEK[]");
    let mut names: Vec<String> = fetched
        .iter()
        .filter_map(|it| Some(undamaged(it.literals.first()?, user)))
        .collect();
    names.sort();
    names
}

/// The name of a message whose body has its checksum.
fn undamaged(octets: &[u8], user: &str) -> String {
    let text = String::from_utf8_lossy(octets).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let name = field("X-Name").unwrap_or_else(|| panic!("{user} has a damaged message:\n{text}"));
    assert_eq!(
        field("X-Sum"),
        Some(checksum(body.as_bytes()).as_str()),
        "{user}: {name} is damaged"
    );
    name.to_owned()
}
