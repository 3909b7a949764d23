//! Looking at a Maildir++ as another program would.

use std::fs;
use std::path::{Path, PathBuf};

/// The messages of one Maildir: what lies in `cur` and `new`, in the order of their names.
pub fn messages(maildir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for sub in ["cur", "new"] {
        let Ok(entries) = fs::read_dir(maildir.join(sub)) else {
            continue;
        };
        found.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    found.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    found
}

/// A message's text with LF line ends, as a reader sees it.
pub fn text(path: &Path) -> String {
    let octets = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&octets).replace("\r\n", "\n")
}

/// The part after the first empty line.
pub fn body(text: &str) -> &str {
    text.split_once("\n\n").map_or("", |(_, body)| body)
}

/// The letters after `:2,` in a file name.
pub fn flags(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.split_once(":2,").map_or(String::new(), |(_, flags)| flags.to_owned())
}

/// Puts a message into `new` as a delivery program does: into `tmp` first, then renamed.
pub fn drop_into(maildir: &Path, name: &str, message: &str) {
    let tmp = maildir.join("tmp").join(name);
    fs::write(&tmp, message).expect("a file in tmp");
    fs::rename(&tmp, maildir.join("new").join(name)).expect("a file in new");
}
