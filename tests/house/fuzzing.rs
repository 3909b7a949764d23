//! A short run of every fuzz target: inputs made from the transcripts and messages by a mutator, the same ones each time. The long run
//! is `tests/fuzz/run`.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::transcript::client_octets_of;

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

/// The most octets of an input.
const MOST: usize = 8_192;
/// What parsers look for.
const WORDS: [&[u8]; 30] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xc3\xbc",
    b"(",
    b")",
    b"\"",
    b"\\",
    b"{3}\r\n",
    b"{3+}\r\n",
    b"~{1}\r\n",
    b"*",
    b":",
    b",",
    b"4294967295",
    b"18446744073709551616",
    b"&",
    b"-",
    b"=",
    b"=?utf-8?q?",
    b"?=",
    b".\r\n",
    b"--outer",
    b"Content-Type: multipart/mixed; boundary=\"",
    b"Content-Transfer-Encoding: base64\r\n",
    b"<",
    b">",
    b"@",
];

/// Files of other programs, and what another server says.
const FOREIGN: [&str; 10] = [
    "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n25006 :1276528487.M364837P9451.host,S=1355,W=1394\n25017 W2481 :1276533073.M242911P3632.host:2,F\n",
    "1 1100000000 3\n1 1100000001.M1P2.host\n2 1100000002.M1P2.host\n",
    "0 $Label1\n1 NonJunk\n25 z\n",
    "V\t2\n\nSent\nArch\t2024\nv\u{1}tx\n",
    "Sent\nArch.2024\na/b\n",
    "From ada@client.test Wed Jun  3 12:05:04 2020\nA: 1\nStatus: RO\n\n>From here\n\nFrom - Thu Jun 04 00:00:00 +0100 2020\nContent-Length: 9\nX-Keywords: a b\n\nFrom x\n\n\n",
    "* 12 FETCH (UID 5 FLAGS (\\Seen $Forwarded x) INTERNALDATE \" 7-Feb-1994 21:52:25 -0800\" RFC822.SIZE 4286 BODY[] {0}\r\n)\r\n",
    "* LIST (\\HasNoChildren \\Sent) \"/\" \"[Gmail]/Gesendet &APw-\"\r\n",
    "* NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"Shared/\" \"/\"))\r\n",
    "a1 OK [UIDVALIDITY 3857529045] done\r\n",
];

/// What proxies say first.
const PROXIED: [&[u8]; 4] = [
    b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n",
    b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19",
    b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
];

/// What programs beside the server say: a header, and packets with a length of one octet before them.
const BESIDE: [&[u8]; 4] = [
    b"stream: Some.Virus-1(0123:68) FOUND\0",
    b"INSTREAM size limit exceeded. ERROR\0",
    b"Received: one\r\nSubject: two\r\n\tthree\r\nSubject: x\r\nTo: a@b.test\r\n\x0bhX-A\0 b\n c\0\x0bi\0\0\0\x01X-B\0c\0\x0dm\0\0\0\x02Subject\0\0",
    b"Subject: one\r\nTo: a@b.test\r\nCc:\r\nFrom: x\r\n\x1ay550-5.7.1 one\r\n550 5.7.1 two\0\x09+<a@b.c>\0\x05qbad\0\x0dO\0\0\0\x06\0\0\0\x31\0\0\0\0",
];

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is a number")),
        Err(_) => default,
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// What clients say in the transcripts of a protocol.
fn said(protocol: &str) -> Vec<Vec<u8>> {
    let texts = files(&format!("transcripts/{protocol}")).into_iter().map(fs::read_to_string);
    texts.flat_map(|text| client_octets_of(&text.expect("a transcript"))).collect()
}

fn messages() -> Vec<Vec<u8>> {
    let all = files("messages").into_iter().chain(files("transcripts/mail"));
    all.filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .map(|path| fs::read(path).expect("a message"))
        .collect()
}

/// Filter scripts with their tests.
fn scripts() -> Vec<Vec<u8>> {
    let scripts = files("sieve").into_iter().filter(|path| path.is_file());
    scripts.map(|path| fs::read(path).expect("a script")).collect()
}

/// Records of the suite of RFC 7208, and its explanations.
fn records() -> Vec<Vec<u8>> {
    let suite = include_str!("../authentication/spf/rfc7208-tests.json");
    let quoted = suite.split('"').map(str::trim).filter(|text| text.contains(['=', '%']));
    quoted.map(|text| text.as_bytes().to_vec()).collect()
}

/// An input: a seed, or two, spoilt in some places.
fn make(seeds: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut pick = || seeds[random.random_range(0..seeds.len())].clone();
    let (mut input, other) = (pick(), pick());
    input.truncate(MOST);
    for _ in 0..random.random_range(0..6) {
        let at = random.random_range(0..=input.len());
        let end = random.random_range(at..=input.len().min(at + 64));
        match random.random_range(0..6) {
            0 => input.truncate(at),
            1 => drop(input.drain(at..end)),
            2 if at < input.len() => input[at] = random.random(),
            3 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            4 => {
                let from = random.random_range(0..=other.len());
                let until = random.random_range(from..=other.len().min(from + 256));
                input.splice(at..end, other[from..until].iter().copied());
            }
            _ => {
                let word = WORDS[random.random_range(0..WORDS.len())];
                input.splice(at..at, word.iter().copied());
            }
        }
    }
    input
}

#[test]
fn parsers_keep_their_promises() {
    let (seed, count) = (number("HOUSE_SEED", 7), number("HOUSE_INPUTS", 1_000));
    let (imap, pop3, mail, sieve) = (said("imap"), said("pop3"), messages(), scripts());
    let (managesieve, spf) = (said("managesieve"), records());
    let smtp: Vec<Vec<u8>> = ["smtp", "submission", "lmtp"].iter().flat_map(|protocol| said(protocol)).collect();
    let proxied: Vec<Vec<u8>> = PROXIED.iter().map(|octets| octets.to_vec()).collect();
    let foreign: Vec<Vec<u8>> = FOREIGN.iter().map(|text| text.as_bytes().to_vec()).collect();
    let beside: Vec<Vec<u8>> = BESIDE.iter().map(|octets| octets.to_vec()).collect();
    for (name, target) in targets::ALL {
        let seeds = match name.split('_').next() {
            Some("dovecot" | "mbox") => &foreign,
            Some("imap") if name == "imap_answer" => &foreign,
            Some("imap") => &imap,
            Some("message") => &mail,
            _ if matches!(name, "smtp_body" | "smtp_chunks" | "pop3_message") => &mail,
            Some("pop3") => &pop3,
            Some("managesieve") => &managesieve,
            Some("sieve") => &sieve,
            Some("spf") => &spf,
            Some("proxy") => &proxied,
            Some("clamd" | "milter") => &beside,
            _ => &smtp,
        };
        let mut random = StdRng::seed_from_u64(seed);
        for _ in 0..count {
            let input = make(seeds, &mut random);
            if catch_unwind(|| target(&input)).is_err() {
                panic!("{name} broke a promise with {:?}", input.escape_ascii().to_string());
            }
        }
    }
}

#[test]
fn every_target_has_its_program() {
    let mut programs: Vec<String> = files("fuzz/fuzz_targets")
        .iter()
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    programs.sort();
    let mut named: Vec<String> = targets::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    named.sort();
    assert_eq!(programs, named);
}
