//! Names of message files and of users' directories.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use rand::RngExt;
use sha2::{Digest, Sha256};

use crate::model::address::EmailAddress;
use crate::model::mailbox::Flags;

/// The base name of a message's file: what stays the same when the flags change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(Arc<str>);

impl FileName {
    /// The time with which nearly all programs begin a name, in seconds since 1970.
    pub fn seconds(&self) -> Option<u64> {
        self.0.split('.').next().and_then(|first| first.parse().ok())
    }

    /// When the file got its name: a copied or moved message gets a new one.
    pub fn made_at(&self) -> Option<Timestamp> {
        let seconds = i64::try_from(self.seconds()?).ok()?;
        Timestamp::from_second(seconds).ok()
    }

    /// Reads a base name; none if it could not be one of a message (hidden, too long, with a separator).
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= 220 && !text.starts_with('.');
        let is_separator = |octet| matches!(octet, b'/' | b':' | b'\0' | b'\n');
        (fits && !text.bytes().any(is_separator)).then(|| Self(text.into()))
    }

    /// The name that a message of another Maildir, or from another server, has here: always the same, so that it is known again. What
    /// follows its time is marked, so that nobody takes the file in before who brings it does.
    pub fn imported(base: &str) -> Option<Self> {
        let (first, rest) = base.split_once('.').unwrap_or((base, ""));
        Self::parse(&format!("{first}.{IMPORTED}{rest}")).or_else(|| {
            let digest = Sha256::digest(base.as_bytes());
            let digest: String = digest.iter().take(16).map(|octet| format!("{octet:02x}")).collect();
            let seconds: u64 = first.parse().unwrap_or(0);
            Self::parse(&format!("{seconds}.{IMPORTED}{digest}"))
        })
    }

    /// Whether it is such a name.
    pub fn is_imported(&self) -> bool {
        self.0.split('.').nth(1).is_some_and(|middle| middle.starts_with(IMPORTED))
    }

    /// A number that stands for the name where it is compared with names that were there before: the same in every run (FNV-1a).
    pub fn fingerprint(&self) -> u64 {
        let mix = |hash: u64, octet: u8| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        self.0.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
    }

    /// Parts a file's name into base and flags. A name without `:2,` has none; letters that we do not know are left out.
    pub fn split(file: &str) -> Option<(Self, Flags)> {
        let (base, info) = file.split_once(":2,").unwrap_or((file, ""));
        Some((Self::parse(base)?, flags_of(info)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in `cur/`: base, `:2,` and the letters in ASCII order.
    pub fn with_flags(&self, flags: Flags) -> String {
        let mut name = String::with_capacity(self.0.len() + 10);
        name.push_str(&self.0);
        name.push_str(":2,");
        name.extend(letters(flags));
        name
    }

    /// Whether this is [`FileName::with_flags`].
    pub fn is_spelled(&self, flags: Flags, file: &str) -> bool {
        let info = file.strip_prefix(self.as_str()).and_then(|rest| rest.strip_prefix(":2,"));
        info.is_some_and(|info| info.chars().eq(letters(flags)))
    }
}

/// Marks the names of messages that came from elsewhere.
const IMPORTED: &str = "PI";

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The letters of the system flags, in ASCII order.
const SYSTEM: [(char, Flags); 6] = [
    ('D', Flags::DRAFT),
    ('F', Flags::FLAGGED),
    ('P', Flags::FORWARDED),
    ('R', Flags::ANSWERED),
    ('S', Flags::SEEN),
    ('T', Flags::DELETED),
];

/// The letters of the flags, in ASCII order.
fn letters(flags: Flags) -> impl Iterator<Item = char> {
    let system = SYSTEM
        .into_iter()
        .filter(move |(_, flag)| flags.contains(*flag))
        .map(|(letter, _)| letter);
    system.chain(flags.keywords().map(|number| char::from(b'a' + number)))
}

fn flags_of(info: &str) -> Flags {
    info.bytes().fold(Flags::NONE, |flags, letter| {
        let flag = match letter {
            b'a'..=b'z' => Flags::keyword(letter - b'a'),
            _ => SYSTEM.iter().find(|(it, _)| *it == char::from(letter)).map(|(_, flag)| *flag),
        };
        flag.map_or(flags, |flag| flags.with(flag))
    })
}

/// Makes names that no other program and no other node makes.
#[derive(Debug)]
pub struct NameMaker {
    /// Marks the names of this process.
    tag: String,
    host: String,
    count: AtomicU64,
}

impl NameMaker {
    /// A maker for this process. The host's `/` and `:` are written as the format wants it (`\057`, `\072`).
    pub fn new(host: &str) -> Self {
        let tag = format!("PH{:08x}", rand::rng().random::<u32>());
        Self {
            tag,
            host: host.replace('/', "\\057").replace(':', "\\072"),
            count: AtomicU64::new(0),
        }
    }

    /// A new name.
    pub fn make(&self) -> FileName {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        FileName(format!("{seconds}.{}Q{count}.{}", self.tag, self.host).into())
    }

    /// Whether the name was made by another process of this program: its message may still be on its way into the index.
    pub fn is_of_a_sibling(&self, name: &FileName) -> bool {
        match name.as_str().split('.').nth(1) {
            Some(middle) => middle.starts_with("PH") && !middle.starts_with(&self.tag),
            None => false,
        }
    }
}

/// The directory of a user below `mail/`: `domain/local part`, the local part in lower case with what cannot stand in a file name
/// written as `%XX`.
pub fn user_directory(address: &EmailAddress) -> PathBuf {
    let mut local = String::new();
    for (at, c) in address.local().to_lowercase().chars().enumerate() {
        if c == '/' || c == '%' || (at == 0 && c == '.') {
            local.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            local.push(c);
        }
    }
    PathBuf::from(address.host().to_string()).join(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_letters() {
        let (name, flags) = FileName::split("1.PHx.host:2,FSbT?").unwrap();
        assert_eq!(name.as_str(), "1.PHx.host");
        assert!(flags.contains(Flags::FLAGGED) && flags.contains(Flags::SEEN) && flags.contains(Flags::DELETED));
        assert_eq!(flags.keywords().collect::<Vec<_>>(), [1]);
        assert_eq!(name.with_flags(flags), "1.PHx.host:2,FSTb");
        assert!(name.is_spelled(flags, "1.PHx.host:2,FSTb") && !name.is_spelled(flags, "1.PHx.host:2,FSbT"));
        assert!(!name.is_spelled(flags, "1.PHx.host") && !name.is_spelled(flags, "2.PHx.host:2,FSTb"));
        assert_eq!(FileName::split("plain").unwrap().1, Flags::NONE);
        assert!(FileName::split(".hidden").is_none());
        assert!(FileName::split("").is_none());
        assert!(FileName::split("a:1,x").is_none());
    }

    #[test]
    fn messages_from_elsewhere_are_known_by_their_names() {
        for (base, ours) in [
            ("1700000000.M1P2.host,S=1,W=2", "1700000000.PIM1P2.host,S=1,W=2"),
            ("plain", "plain.PI"),
            ("a:b.c", "0.PId2f39fb6a2a2c5a0"),
        ] {
            let name = FileName::imported(base).unwrap();
            assert!(name.as_str().starts_with(ours.get(..4).unwrap()) && name.is_imported(), "{name}");
            assert!(base.contains(':') || name.as_str() == ours, "{name}");
        }
        let long = FileName::imported(&format!("5.{}", "x".repeat(300))).unwrap();
        assert!(long.is_imported() && long.as_str().len() == 36 && long.seconds() == Some(5));
        assert!(!FileName::parse("1700000000.M1P2.PI").unwrap().is_imported());
    }

    #[test]
    fn fingerprints_stay() {
        let of = |text| FileName::parse(text).unwrap().fingerprint();
        assert_eq!(of("a"), 0xaf63_dc4c_8601_ec8c);
        assert_ne!(of("1.PHx.host"), of("2.PHx.host"));
    }

    #[test]
    fn names_do_not_repeat() {
        let (one, two) = (NameMaker::new("a/b:c"), NameMaker::new("h"));
        let name = one.make();
        assert_ne!(name, one.make());
        assert!(FileName::parse(name.as_str()).is_some());
        assert!(!one.is_of_a_sibling(&name) && two.is_of_a_sibling(&name));
        assert!(!one.is_of_a_sibling(&FileName::parse("1700000000.M1P2.other").unwrap()));
    }

    #[test]
    fn directories_are_safe() {
        let directory = |text| user_directory(&EmailAddress::parse(text).unwrap());
        assert_eq!(directory("Ada@House.test"), PathBuf::from("house.test/ada"));
        assert_eq!(directory("\"../x/%\"@house.test"), PathBuf::from("house.test/%2E.%2Fx%2F%25"));
    }
}
