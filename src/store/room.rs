//! How much room the file system of a directory has.

use std::path::Path;

use super::Error;

/// The octets that we may still write there. Of a directory that is yet to be made, those of the one above.
///
/// # Errors
/// [`Error::File`] if the system does not say.
pub fn free_bytes(path: &Path) -> Result<u64, Error> {
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(path);
    let found = rustix::fs::statvfs(there).map_err(|error| Error::File {
        path: path.to_owned(),
        source: error.into(),
    })?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
