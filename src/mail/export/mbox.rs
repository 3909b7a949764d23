//! An mbox file for each mailbox: `INBOX.mbox`, `Sent.mbox`, `work/letters.mbox`.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::each;
use crate::mail::mailbox::{Mailbox, blocking};
use crate::model::refusal::Refusal;
use crate::store;
use crate::wire::mbox::{Beside, write};

/// Exports a mailbox; how many messages were written. A file that is there already is refused, for it would get everything twice.
pub(super) async fn export(mailbox: &Arc<Mailbox>, to: &Path) -> Result<u64, Refusal> {
    let name = mailbox.info().name.to_string();
    let path = to.join(format!("{name}.mbox"));
    let making = path.clone();
    let file = blocking(move || make(&making)).await?.ok_or_else(|| Refusal::Exists {
        what: "file",
        name: path.display().to_string(),
    })?;
    let file = Arc::new(file);
    let names = mailbox.keywords();
    let messages = mailbox.messages().iter().cloned().collect();
    let written = each(mailbox, messages, async |message, octets| {
        let keywords: Vec<&str> = message
            .flags
            .keywords()
            .filter_map(|number| names.get(usize::from(number)).map(String::as_str))
            .collect();
        let mut out = Vec::with_capacity(octets.len());
        let beside = Beside {
            date: message.internal_date,
            flags: message.flags,
            keywords: &keywords,
        };
        write(&mut out, &octets, beside);
        let (file, path) = (Arc::clone(&file), path.clone());
        let done = blocking(move || (&*file).write_all(&out).map_err(|source| store::Error::File { path, source }));
        Ok(done.await?)
    })
    .await?;
    let synced = blocking(move || file.sync_all().map_err(|source| store::Error::File { path, source }));
    synced.await?;
    Ok(written)
}

/// The new file; none if there is one.
fn make(path: &PathBuf) -> Result<Option<File>, store::Error> {
    let made = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        File::create_new(path)
    };
    match made() {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
        made => made.map(Some).map_err(|source| store::Error::File {
            path: path.clone(),
            source,
        }),
    }
}
