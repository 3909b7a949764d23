//! LIST (RFC 3501 §6.3.8) with options (RFC 5258), special uses (RFC 6154) and STATUS (RFC 5819); and LIST responses that nobody asked
//! for (RFC 9051 §7.3.1).

use std::collections::BTreeMap;

use crate::model::account::User;
use crate::model::mailbox::{MailboxName, SpecialUse};
use crate::model::rights::Rights;
use crate::server::stream::Stream;
use crate::wire::imap::command::List;
use crate::wire::imap::encode::mailbox;
use crate::wire::imap::pattern;

use super::outcome::{Done, Fault};
use super::{Imap, access, acl, status};

/// After how many names other sessions get their turn.
pub(super) const TURN: usize = 256;

/// What is known of a name in the tree of mailboxes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    exists: bool,
    subscribed: bool,
    special_use: Option<SpecialUse>,
    has_children: bool,
    rights: Rights,
    /// Something below is what the selection options ask for.
    has_wanted_below: bool,
}

pub(super) async fn list(imap: &Imap, user: &User, list: List, (stream, utf8): (&mut Stream, bool)) -> Result<Done, Fault> {
    // RFC 3501 §6.3.8: the empty pattern asks for the separator and the root.
    if list.patterns.iter().all(String::is_empty) && !list.patterns.is_empty() {
        stream.write(b"* LIST (\\Noselect) \"/\" \"\"\r\n");
        return Ok(Done::new("that is the root"));
    }
    let tree = tree(imap, user, &list).await?;
    let patterns: Vec<String> = list.patterns.iter().map(|wanted| pattern::join(&list.reference, wanted)).collect();
    // INBOX comes first, the others by name.
    let (inbox, others): (Vec<_>, Vec<_>) = tree.iter().partition(|(name, _)| name.is_inbox());
    for ((name, entry), number) in inbox.into_iter().chain(others).zip(1_usize..) {
        if number.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
        let fits = patterns.iter().any(|wanted| pattern::matches(wanted, name.as_str()));
        let wanted = is_wanted(entry, &list);
        let below = list.select.recursive_match && entry.has_wanted_below;
        if !fits || !(wanted || below) {
            continue;
        }
        let mut out = Vec::with_capacity(96);
        line(name, entry, &list, utf8).write(&mut out);
        if let (Some(items), true) = (&list.returns.status, entry.exists) {
            // RFC 5819 §2: a mailbox that cannot be asked is passed over.
            if let Ok(opened) = access::open(imap, user, name.as_str(), Rights::READ).await {
                status::write(&mut out, (name.as_str(), utf8), &opened.mailbox.status(), (items, imap));
            }
        }
        // RFC 8440 §3: not of one that is here for what is below it.
        if list.returns.my_rights && entry.exists && wanted {
            acl::write_my_rights(&mut out, name.as_str(), entry.rights, utf8);
        }
        stream.write(&out);
        stream.flush_if_large().await?;
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
        entry.rights = Rights::ALL;
    }
    add_shared(imap, user, &mut tree).await?;
    if list.select.subscribed {
        for name in imap.mailboxes.subscriptions(user).await? {
            tree.entry(name).or_default().subscribed = true;
        }
    }
    let names: Vec<(MailboxName, bool, bool)> = tree
        .iter()
        .map(|(name, entry)| (name.clone(), entry.exists, is_wanted(entry, list)))
        .collect();
    for ((name, exists, wanted), number) in names.into_iter().zip(1_usize..) {
        if number.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
        for above in name.ancestors() {
            let entry = tree.entry(above).or_default();
            entry.has_children |= exists;
            entry.has_wanted_below |= wanted;
        }
    }
    Ok(tree)
}

/// The mailboxes of others that the user sees (RFC 4314 §4 LIST).
async fn add_shared(imap: &Imap, user: &User, tree: &mut BTreeMap<MailboxName, Entry>) -> Result<(), Fault> {
    for mailbox in imap.mailboxes.shared(user).await? {
        let entry = tree.entry(mailbox.name).or_default();
        (entry.exists, entry.subscribed, entry.rights) = (true, mailbox.subscribed, mailbox.rights);
    }
    Ok(())
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

/// The response for a name that LIST found.
fn line<'a>(name: &'a MailboxName, entry: &Entry, list: &List, utf8: bool) -> Line<'a> {
    let mut line = Line {
        exists: entry.exists,
        has_children: Some(entry.has_children),
        subscribed: entry.subscribed && (list.select.subscribed || list.returns.subscribed),
        special_use: entry.special_use,
        ..Line::named(name.as_str(), utf8)
    };
    // RFC 5258 §4, RFC 6154 §2: why a name is here that is not itself asked for.
    if list.select.recursive_match && entry.has_wanted_below {
        let criteria = [(list.select.subscribed, "SUBSCRIBED"), (list.select.special_use, "SPECIAL-USE")];
        line.child_info = criteria.into_iter().filter(|(asked, _)| *asked).map(|(_, name)| name).collect();
    }
    line
}

/// A LIST response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'a> {
    name: &'a str,
    utf8: bool,
    /// Whether there is such a mailbox.
    pub(super) exists: bool,
    /// Whether there are others below it, if that is known.
    pub(super) has_children: Option<bool>,
    /// Whether to say that it is subscribed to.
    pub(super) subscribed: bool,
    /// What it is for.
    pub(super) special_use: Option<SpecialUse>,
    child_info: Vec<&'static str>,
    old_name: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// The response for a mailbox of which no more is to be said.
    pub(super) fn named(name: &'a str, utf8: bool) -> Self {
        Self {
            name,
            utf8,
            exists: true,
            has_children: None,
            subscribed: false,
            special_use: None,
            child_info: Vec::new(),
            old_name: None,
        }
    }

    /// With the name that it had, or that the client calls it by, if that is another (RFC 9051 §6.3.9.7).
    pub(super) fn instead_of(self, old: &'a str) -> Self {
        Self {
            old_name: Some(old).filter(|old| *old != self.name),
            ..self
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"* LIST (");
        let begin = out.len();
        let mut put = |attribute: &str| {
            if out.len() > begin {
                out.push(b' ');
            }
            out.push(b'\\');
            out.extend_from_slice(attribute.as_bytes());
        };
        if !self.exists {
            // RFC 5258 §3 implies \Noselect, which older clients want to see.
            put("NonExistent");
            put("Noselect");
        }
        match self.has_children {
            Some(true) => put("HasChildren"),
            Some(false) => put("HasNoChildren"),
            None => {}
        }
        if self.subscribed {
            put("Subscribed");
        }
        if let Some(special_use) = self.special_use {
            put(special_use.as_str());
        }
        out.extend_from_slice(b") \"/\" ");
        mailbox(out, self.name, self.utf8);
        self.write_extended(out);
        out.extend_from_slice(b"\r\n");
    }

    /// ` ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" ("x"))`
    fn write_extended(&self, out: &mut Vec<u8>) {
        let mut before = b" (".as_slice();
        if !self.child_info.is_empty() {
            out.extend_from_slice(before);
            out.extend_from_slice(format!("\"CHILDINFO\" (\"{}\")", self.child_info.join("\" \"")).as_bytes());
            before = b" ";
        }
        if let Some(old_name) = self.old_name {
            out.extend_from_slice(before);
            out.extend_from_slice(b"\"OLDNAME\" (");
            mailbox(out, old_name, self.utf8);
            out.push(b')');
            before = b" ";
        }
        if before == b" " {
            out.push(b')');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_with_what_they_are() {
        let plain = List::default();
        let line = |name: &str, entry: &Entry| {
            let mut out = Vec::new();
            super::line(&MailboxName::parse(name).unwrap(), entry, &plain, false).write(&mut out);
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
        let mut out = Vec::new();
        Line::named("Grün", true).instead_of("Blau").write(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), "* LIST () \"/\" \"Grün\" (\"OLDNAME\" (Blau))\r\n");
        assert!(is_wanted(&above, &plain));
        assert!(!is_wanted(&Entry::default(), &plain));
    }
}
