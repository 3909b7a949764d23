//! LIST (RFC 3501 §6.3.8) with options (RFC 5258), special uses (RFC 6154) and STATUS (RFC 5819).

use std::collections::BTreeMap;

use crate::model::account::User;
use crate::model::mailbox::{MailboxName, SpecialUse};
use crate::server::stream::Stream;
use crate::wire::imap::command::List;
use crate::wire::imap::encode::mailbox;
use crate::wire::imap::pattern;

use super::outcome::{Done, Fault};
use super::{Imap, status};

/// What is known of a name in the tree of mailboxes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    exists: bool,
    subscribed: bool,
    special_use: Option<SpecialUse>,
    has_children: bool,
    /// Something below is what the selection options ask for.
    has_wanted_below: bool,
}

pub(super) async fn list(imap: &Imap, user: &User, list: List, stream: &mut Stream) -> Result<Done, Fault> {
    // RFC 3501 §6.3.8: the empty pattern asks for the separator and the root.
    if list.patterns.iter().all(String::is_empty) && !list.patterns.is_empty() {
        stream.write(b"* LIST (\\Noselect) \"/\" \"\"\r\n");
        return Ok(Done::new("that is the root"));
    }
    let tree = tree(imap, user, &list).await?;
    let patterns: Vec<String> = list.patterns.iter().map(|wanted| pattern::join(&list.reference, wanted)).collect();
    // INBOX comes first, the others by name.
    let (inbox, others): (Vec<_>, Vec<_>) = tree.iter().partition(|(name, _)| name.is_inbox());
    for (name, entry) in inbox.into_iter().chain(others) {
        let fits = patterns.iter().any(|wanted| pattern::matches(wanted, name.as_str()));
        let wanted = is_wanted(entry, &list);
        let below = list.select.recursive_match && entry.has_wanted_below;
        if !fits || !(wanted || below) {
            continue;
        }
        let mut out = Vec::with_capacity(96);
        write(&mut out, name, entry, &list);
        if let (Some(items), true) = (&list.returns.status, entry.exists) {
            // RFC 5819 §2: a mailbox that cannot be asked is passed over.
            if let Ok(counts) = imap.mailboxes.status(user, name).await {
                status::write(&mut out, (name.as_str(), &counts), items, imap);
            }
        }
        stream.write(&out);
        stream.flush_if_large().await?;
        tokio::task::yield_now().await;
    }
    Ok(Done::new("those are they"))
}

/// All names: the mailboxes, where they are asked for the subscriptions, and what stands above them.
async fn tree(imap: &Imap, user: &User, list: &List) -> Result<BTreeMap<MailboxName, Entry>, Fault> {
    let mut tree: BTreeMap<MailboxName, Entry> = BTreeMap::new();
    for info in imap.mailboxes.list(user).await? {
        let entry = tree.entry(info.name).or_default();
        entry.exists = true;
        entry.subscribed = info.subscribed;
        entry.special_use = info.special_use;
    }
    if list.select.subscribed {
        for name in imap.mailboxes.subscriptions(user).await? {
            tree.entry(name).or_default().subscribed = true;
        }
    }
    let names: Vec<(MailboxName, bool, bool)> = tree
        .iter()
        .map(|(name, entry)| (name.clone(), entry.exists, is_wanted(entry, list)))
        .collect();
    for (name, exists, wanted) in names {
        for above in name.ancestors() {
            let entry = tree.entry(above).or_default();
            entry.has_children |= exists;
            entry.has_wanted_below |= wanted;
        }
    }
    Ok(tree)
}

/// Whether the selection options ask for it.
fn is_wanted(entry: &Entry, list: &List) -> bool {
    let select = &list.select;
    let subscribed = !select.subscribed || entry.subscribed;
    let special = !select.special_use || entry.special_use.is_some();
    // Without the option, what does not exist is named only where mailboxes stand below it.
    let there = entry.exists || entry.has_children || (select.subscribed && entry.subscribed);
    subscribed && special && there
}

fn write(out: &mut Vec<u8>, name: &MailboxName, entry: &Entry, list: &List) {
    out.extend_from_slice(b"* LIST (");
    if !entry.exists {
        // RFC 5258 §3 implies \Noselect, which older clients want to see.
        out.extend_from_slice(b"\\NonExistent \\Noselect ");
    }
    out.extend_from_slice(if entry.has_children { b"\\HasChildren" } else { b"\\HasNoChildren" });
    if entry.subscribed && (list.select.subscribed || list.returns.subscribed) {
        out.extend_from_slice(b" \\Subscribed");
    }
    if let Some(special_use) = entry.special_use {
        out.extend_from_slice(b" \\");
        out.extend_from_slice(special_use.as_str().as_bytes());
    }
    out.extend_from_slice(b") \"/\" ");
    mailbox(out, name.as_str());
    // RFC 5258 §4: why a name is here that is not itself asked for.
    if list.select.recursive_match && list.select.subscribed && entry.has_wanted_below {
        out.extend_from_slice(b" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_with_what_they_are() {
        let plain = List::default();
        let line = |name: &str, entry: &Entry| {
            let mut out = Vec::new();
            write(&mut out, &MailboxName::parse(name).unwrap(), entry, &plain);
            String::from_utf8(out).unwrap()
        };
        let sent = Entry {
            exists: true,
            special_use: Some(SpecialUse::Sent),
            ..Entry::default()
        };
        assert_eq!(line("Sent", &sent), "* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\n");
        let above = Entry {
            has_children: true,
            ..Entry::default()
        };
        assert_eq!(
            line("a b", &above),
            "* LIST (\\NonExistent \\Noselect \\HasChildren) \"/\" \"a b\"\r\n"
        );
        assert!(is_wanted(&above, &plain));
        assert!(!is_wanted(&Entry::default(), &plain));
    }
}
