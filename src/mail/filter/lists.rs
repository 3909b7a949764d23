//! Lists that scripts ask with `:list`: files of the operator, a value a line.
//!
//! RFC 6134 §2.2 (`:list`), §2.3 (`redirect :list`), §2.7 (`valid_ext_list`). The name of a list is that of its file without `.txt`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::wire::sieve::is_script_name;

/// The most octets of a list that are read.
const MOST: u64 = 4_194_304;

/// Whether there is such a list.
pub(super) fn is_there(folder: &Path, list: &str) -> bool {
    path(folder, list).is_some_and(|path| path.is_file())
}

/// Whether the value is on the list, in any case: itself, or as an address in a domain that is there as `@example.org`. Blocks.
pub(super) fn has(folder: &Path, list: &str, value: &str) -> bool {
    let value = value.trim().to_lowercase();
    let domain = value.rfind('@').and_then(|at| value.get(at..));
    let is_meant = |entry: String| {
        let entry = entry.to_lowercase();
        entry == value || Some(entry.as_str()) == domain
    };
    entries(folder, list).is_some_and(|mut entries| entries.any(is_meant))
}

/// All that is on the list, as it is written there; none where there is no such list. Blocks.
pub(super) fn all(folder: &Path, list: &str) -> Option<Vec<String>> {
    entries(folder, list).map(Iterator::collect)
}

/// The lines of a list. What begins with a number sign is a comment.
fn entries(folder: &Path, list: &str) -> Option<impl Iterator<Item = String>> {
    let file = File::open(path(folder, list)?).ok()?;
    let lines = BufReader::new(file.take(MOST)).lines().map_while(Result::ok);
    let is_entry = |line: &String| !line.is_empty() && !line.starts_with('#');
    Some(lines.map(|line| line.trim().to_owned()).filter(is_entry))
}

/// A name is no path: it has no slash.
fn path(folder: &Path, list: &str) -> Option<PathBuf> {
    let is_named = !folder.as_os_str().is_empty() && is_script_name(list);
    is_named.then(|| folder.join(format!("{list}.txt")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("friends.txt"), "# those\n\nAda@remote.test\r\n @lists.test\n").unwrap();
        let on = |list: &str, value: &str| has(folder.path(), list, value);
        for (value, expected) in [
            ("ada@remote.test", true),
            ("ADA@REMOTE.TEST", true),
            ("eve@remote.test", false),
            ("x@lists.test", true),
            ("lists.test", false),
            ("# those", false),
            ("", false),
        ] {
            assert_eq!(on("friends", value), expected, "{value:?}");
        }
        assert!(is_there(folder.path(), "friends") && !is_there(folder.path(), "foes"));
        for list in ["../friends", "", "friends.txt", "/etc/passwd"] {
            assert!(!on(list, "ada@remote.test") && !is_there(folder.path(), list), "{list:?}");
        }
        assert!(!is_there(Path::new(""), "friends"));
        assert_eq!(
            all(folder.path(), "friends"),
            Some(vec!["Ada@remote.test".to_owned(), "@lists.test".to_owned()])
        );
        assert_eq!(all(folder.path(), "foes"), None);
    }
}
