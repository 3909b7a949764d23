//! A Maildir with Maildir++ folders. Messages have names by their UIDs, so that a second export knows which are there.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::each;
use crate::mail::mailbox::{Mailbox, blocking, directory_of};
use crate::model::mailbox::{MailboxInfo, MessageMeta};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::maildir::{Content, FileName, Maildir};

/// Exports a mailbox; how many messages were written.
pub(super) async fn export(mailbox: &Arc<Mailbox>, to: &Path) -> Result<u64, Refusal> {
    let info = mailbox.info();
    let folder = directory_of(&info.name).ok_or(Refusal::LATER)?;
    let maildir = Maildir::at(to.join(&folder));
    let (making, is_folder) = (maildir.clone(), !folder.is_empty());
    let there: HashSet<FileName> = blocking(move || {
        making.create(is_folder)?;
        Ok(making.list()?.files.into_keys().collect())
    })
    .await?;
    let all: Vec<MessageMeta> = mailbox.messages().iter().cloned().collect();
    let uid_next = mailbox.uid_next();
    let names = mailbox.keywords();
    let missing = |message: &&MessageMeta| name(&info, message).is_some_and(|name| !there.contains(&name));
    let wanted: Vec<MessageMeta> = all.iter().filter(missing).cloned().collect();
    let written = each(mailbox, wanted, async |message, octets| {
        let Some(name) = name(&info, &message) else { return Ok(()) };
        let maildir = maildir.clone();
        let modified = SystemTime::try_from(message.internal_date).ok();
        let done = blocking(move || {
            let content = Content {
                prefix: &[],
                memory: &octets,
                file: None,
            };
            maildir.store(&name, &content, message.flags, modified).map(drop)
        });
        Ok(done.await?)
    })
    .await?;
    // Dovecot takes over UIDs and keywords from these.
    let mut list = format!("3 V{} N{}\n", info.uidvalidity, uid_next);
    for (message, name) in all.iter().filter_map(|message| Some((message, name(&info, message)?))) {
        _ = writeln!(list, "{} :{name}", message.uid);
    }
    let mut keywords = String::new();
    for (number, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        _ = writeln!(keywords, "{number} {name}");
    }
    let beside = blocking(move || {
        for (file, text) in [("dovecot-uidlist", list), ("dovecot-keywords", keywords)] {
            let path = maildir.path().join(file);
            std::fs::write(&path, text).map_err(|source| store::Error::File { path, source })?;
        }
        Ok(())
    });
    beside.await?;
    Ok(written)
}

/// The name of a message there: the same in every export.
fn name(info: &MailboxInfo, message: &MessageMeta) -> Option<FileName> {
    let seconds = message.internal_date.as_second().max(0);
    FileName::parse(&format!("{seconds}.V{}U{}.posthouse", info.uidvalidity, message.uid))
}
