//! The index finds what reading finds, whatever is in the messages and whatever is looked for.

use super::*;
use crate::mail::mailbox::tests::{House, name, user};
use crate::wire::message::search::{Needle, text_contains};

/// A small generator of numbers: the same ones each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

const PIECES: [&str; 24] = [
    "apple",
    "APPLE",
    "app",
    "le",
    "Grüße",
    "GRÜSSE",
    "gru\u{308}n",
    "日本",
    "本語",
    "ﬁn",
    "οδος",
    "ΟΔΟΣ",
    "x1",
    "42",
    "a",
    "K",
    "\u{212a}",
    " ",
    "-",
    ".",
    "@",
    "\r\n",
    "’",
    "é",
];

fn text(dice: &mut Dice, pieces: usize) -> String {
    (0..pieces)
        .map(|_| if dice.below(3) == 0 { " " } else { dice.of(&PIECES) })
        .collect()
}

/// A message of one part or several, encoded one way or another.
fn message(dice: &mut Dice) -> Vec<u8> {
    let subject = text(dice, 6).replace("\r\n", "\r\n ");
    let mut out = format!("Subject: {subject}\r\nX-Of: {}\r\n", dice.of(&PIECES).trim());
    let long: String = (0..dice.below(600)).map(|_| dice.of(&["ab", "c", "ü"])).collect();
    let size = dice.below(60);
    let body = format!("{}{long}{}", text(dice, size), text(dice, 5));
    let encoded = |encoding: &str, body: &str| match encoding {
        "base64" => base64::Engine::encode(&base64::engine::general_purpose::STANDARD, body),
        _ => body.to_owned(),
    };
    let encoding = dice.of(&["base64", "8bit"]);
    let part = format!(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{}",
        encoded(encoding, &body)
    );
    match dice.below(3) {
        0 => {
            let hidden = text(dice, 4);
            out.push_str(&format!(
                "Content-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\n{part}\r\n--edge\r\n\
                 Content-Type: application/x; name={}\r\n\r\n{hidden}\r\n--edge--\r\n",
                dice.of(&PIECES).trim()
            ));
        }
        _ => out.push_str(&part),
    }
    out.into_bytes()
}

/// Something that is in the message, or could be.
fn needle(dice: &mut Dice, messages: &[Vec<u8>]) -> String {
    if dice.below(3) == 0 {
        let pieces = dice.below(4);
        return text(dice, pieces + 1);
    }
    let message = String::from_utf8_lossy(&messages[dice.below(messages.len())]).into_owned();
    let chars: Vec<char> = message.chars().collect();
    let most = if dice.below(8) == 0 { 300 } else { 20 };
    let (from, length) = (dice.below(chars.len()), dice.below(most));
    chars.iter().skip(from).take(length + 1).collect()
}

/// Where all that the index knows is there.
fn lookup(matches: Matches, decides: bool) -> Lookup {
    let known = matches.known.iter().map(|(uid, _)| *uid).collect();
    Lookup { known, matches, decides }
}

fn add_all(index: &Arc<WordIndex>, messages: &[Vec<u8>], from: u32) {
    let mut writer = index.writer(15_000_000).unwrap().unwrap();
    for (message, uid) in messages.iter().zip(from..) {
        writer.add(&document((Uid(uid), 7), message)).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn the_index_finds_what_reading_finds() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(4);
    let messages: Vec<Vec<u8>> = (0..70).map(|_| message(&mut dice)).collect();
    let structures: Vec<Structure> = messages.iter().map(|message| Structure::parse(message)).collect();
    let index = Arc::new(WordIndex::open_or_make(dir.path()).unwrap().unwrap());
    add_all(&index, &messages[..50], 1);
    add_all(&index, &messages[50..], 51);
    let (mut decided, mut found) = (0, 0);
    for round in 0..300 {
        let text = needle(&mut dice, &messages);
        let looked_for = Needle::new(&text);
        let headers_too = round % 2 == 0;
        let Some(clues) = looked_for.clues() else { continue };
        let decides = clues.decide;
        let matches = index.find(&clues, headers_too).unwrap();
        let lookup = lookup(matches, decides);
        for ((message, structure), uid) in messages.iter().zip(&structures).zip(1..) {
            let truth = text_contains(message, structure, &looked_for, headers_too);
            let verdict = lookup.verdict(Uid(uid));
            let right = verdict.is_none_or(|verdict| verdict == truth);
            assert!(
                right,
                "{text:?} (headers too: {headers_too}) in {:?}",
                String::from_utf8_lossy(message)
            );
            assert!(!decides || verdict.is_some());
            decided += u32::from(verdict.is_some());
            found += u32::from(truth);
        }
    }
    assert!(decided > 10_000 && found > 300, "{decided} {found}");
}

/// Of several words the index knows where they stand: of those who have them all, few are read.
#[test]
fn words_are_found_in_a_row() {
    let dir = tempfile::tempdir().unwrap();
    let index = Arc::new(WordIndex::open_or_make(dir.path()).unwrap().unwrap());
    let long = "x".repeat(300);
    let texts = [
        "the red fox",
        "the fox, red",
        "red the fox",
        "bathe\r\nred foxes",
        "red red fox the red",
        &format!("the {long} red fox"),
        &format!("{long}the red fox{long}"),
    ];
    let messages = texts.map(|text| format!("Subject: red fox\r\n\r\n{text}\r\n").into_bytes());
    add_all(&index, &messages, 1);
    let found = |text: &str| {
        let found = index.find(&Needle::new(text).clues().unwrap(), false).unwrap().found;
        found.iter().map(|uid| uid.0).collect::<Vec<_>>()
    };
    assert_eq!(found("the red fox"), [1, 4, 7]);
    assert_eq!(found(" the red"), [1, 5]);
    assert_eq!(found("he red "), [1, 4, 5, 7]);
    assert_eq!(found("red fox"), [1, 4, 5, 6, 7]);
    assert_eq!(found(&format!("the {long} r")), [6, 7], "a long run is in no row");
    assert!(found("red the red").is_empty());
}

#[test]
fn what_is_removed_is_not_found_and_what_is_broken_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let message = |word: &str| format!("Subject: x\r\n\r\n{word}\r\n").into_bytes();
    let index = Arc::new(WordIndex::open_or_make(dir.path()).unwrap().unwrap());
    add_all(&index, &[message("red"), message("red"), message("blue")], 1);
    let writer = index.writer(15_000_000).unwrap().unwrap();
    assert!(index.writer(15_000_000).unwrap().is_none(), "one writes at a time");
    writer.remove(Uid(2));
    writer.finish().unwrap();
    let clues = Needle::new("red").clues().unwrap();
    let matches = index.find(&clues, false).unwrap();
    assert_eq!((matches.known, matches.found), (vec![(Uid(1), 7), (Uid(3), 7)], vec![Uid(1)]));

    // What a writer that was killed did not commit is not there.
    let mut writer = index.writer(15_000_000).unwrap().unwrap();
    writer.add(&document((Uid(4), 7), &message("red"))).unwrap();
    drop((writer, index));
    let open = || WordIndex::open(dir.path()).unwrap();
    assert_eq!(open().unwrap().known().unwrap(), [(Uid(1), 7), (Uid(3), 7)]);

    std::fs::write(dir.path().join("meta.json"), "{").unwrap();
    assert!(open().is_none());
    assert_eq!(opened(dir.path(), false).unwrap().unwrap().known().unwrap(), []);
}

/// Every file of an index, cut or written over: it is seen, and a new index takes its place, but not while somebody writes.
#[test]
fn a_damaged_index_is_made_anew() {
    let message = |word: &str| format!("Subject: x\r\n\r\n{word}\r\n").into_bytes();
    let make = |dir: &Path| {
        let index = Arc::new(WordIndex::open_or_make(dir).unwrap().unwrap());
        add_all(&index, &[message("red"), message("blue")], 1);
    };
    let sample = tempfile::tempdir().unwrap();
    make(sample.path());
    let kinds: Vec<_> = std::fs::read_dir(sample.path())
        .unwrap()
        .filter_map(|file| file.unwrap().path().extension().map(ToOwned::to_owned))
        .filter(|kind| !["lock", "json"].map(Into::into).contains(kind))
        .collect();
    assert!(kinds.len() >= 4, "{kinds:?}");
    for kind in kinds {
        for damage in [|octets: &mut Vec<u8>| octets.truncate(3), |octets: &mut Vec<u8>| octets[0] ^= 0x55] {
            let dir = tempfile::tempdir().unwrap();
            make(dir.path());
            let files = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path());
            let of_kind: Vec<PathBuf> = files.filter(|path| path.extension() == Some(&kind)).collect();
            for path in &of_kind {
                let mut octets = std::fs::read(path).unwrap();
                damage(&mut octets);
                std::fs::write(path, octets).unwrap();
            }
            let known = || opened(dir.path(), false).unwrap().unwrap().known().unwrap();
            assert_eq!(known(), [], "{kind:?}");
            make(dir.path());
            assert_eq!(known(), [(Uid(1), 7), (Uid(2), 7)], "{kind:?}");
        }
    }
    let index = Arc::new(WordIndex::open(sample.path()).unwrap().unwrap());
    let writer = index.writer(15_000_000).unwrap();
    assert!(writer.is_some() && WordIndex::make_anew(sample.path()).unwrap().is_none());
}

#[test]
fn what_both_know_is_common() {
    let list = |pairs: &[(u32, u64)]| pairs.iter().map(|&(uid, name)| (Uid(uid), name)).collect::<Vec<_>>();
    let (known, present) = (list(&[(1, 5), (2, 5), (4, 9), (9, 1)]), list(&[(2, 5), (3, 1), (4, 8), (9, 1)]));
    assert_eq!(common(&known, &present), [Uid(2), Uid(9)]);
    assert_eq!(common(&known, &[]), []);
}

#[test]
fn a_message_with_too_many_words_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let index = Arc::new(WordIndex::open_or_make(dir.path()).unwrap().unwrap());
    let words: String = (0..700_000).map(|n| format!("w{n} ")).collect();
    add_all(
        &index,
        &[
            format!("Subject: x\r\n\r\n{words}").into_bytes(),
            b"Subject: y\r\n\r\nz\r\n".to_vec(),
        ],
        1,
    );
    let clues = Needle::new("w77").clues().unwrap();
    let matches = index.find(&clues, true).unwrap();
    let lookup = lookup(matches, true);
    assert_eq!(
        (lookup.verdict(Uid(1)), lookup.verdict(Uid(2)), lookup.verdict(Uid(3))),
        (None, Some(false), None)
    );
}

/// A mailbox has its turn, however much another one that came first still needs.
#[tokio::test]
async fn a_large_mailbox_does_not_delay_others() {
    let (house, alice) = (House::new().await, user(1, "alice"));
    house.mailboxes.list(&alice).await.unwrap();
    let mut opened = Vec::new();
    house.mailboxes.keep_index();
    for (mailbox, folder, messages) in [("INBOX", "cur", 1_500), ("Sent", ".Sent/cur", 200)] {
        for number in 0..messages {
            let path = house.maildir("alice").join(folder).join(format!("{number}.M1P1.other:2,S"));
            std::fs::write(path, "Subject: x\r\n\r\nword\r\n").unwrap();
        }
        opened.push(house.mailboxes.open(&alice, &name(mailbox)).await.unwrap());
    }
    let [large, small] = &opened[..] else { unreachable!() };
    assert!(large.id < small.id, "the large one is the first in a round");
    while known(small).await < 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let known = known(large).await;
    assert!(known < 1_500, "the small one had to wait until all {known} were indexed");
}

/// How many messages of a mailbox its index knows.
async fn known(mailbox: &Mailbox) -> usize {
    let clues = Needle::new("word").clues().unwrap();
    let lookups = mailbox.look_up(vec![(clues, false)]).await.unwrap();
    lookups.map_or(0, |lookups| lookups[0].known.len())
}
