//! What a crash leaves behind: files that were being written, in directories that hold nothing else.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::Error;

/// Removes the files of a directory that nobody wrote to for so long. Other processes may do so at the same time.
pub(super) fn remove_older(directory: &Path, age: Duration) -> Result<(), Error> {
    let sweep = || -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let file = entry.metadata().ok().filter(fs::Metadata::is_file);
            let written = file.and_then(|meta| meta.modified().ok()?.elapsed().ok());
            if written.is_some_and(|since| since > age) {
                passed_over_if_gone(fs::remove_file(entry.path()))?;
            }
        }
        Ok(())
    };
    passed_over_if_gone(sweep()).map_err(|source| Error::File {
        path: directory.to_owned(),
        source,
    })
}

fn passed_over_if_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn only_what_is_old_goes() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["old", "fresh"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let old = fs::File::options().write(true).open(dir.path().join("old")).unwrap();
        old.set_modified(SystemTime::now() - Duration::from_secs(7_200)).unwrap();
        remove_older(dir.path(), Duration::from_secs(3_600)).unwrap();
        assert!(!dir.path().join("old").exists() && dir.path().join("fresh").exists());
        remove_older(&dir.path().join("nowhere"), Duration::ZERO).unwrap();
    }
}
