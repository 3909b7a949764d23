//! Which folders of another server are copied, and what they are called here.

use std::collections::HashMap;

use crate::mail::import::mailbox_name;
use crate::model::mailbox::{MailboxInfo, MailboxName, SpecialUse};
use crate::wire::imap::answer::{Listed, Namespaces};

/// A folder that is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As the server writes it.
    pub(super) raw: Vec<u8>,
    /// For people.
    pub(super) shown: String,
    /// The mailbox here.
    pub(super) name: MailboxName,
}

/// The folders to copy, and those that are not, with the reason.
pub(super) struct Choice {
    pub(super) wanted: Vec<Wanted>,
    pub(super) left: Vec<(String, String)>,
}

/// Names that servers and clients without RFC 6154 give to such folders.
const USUAL: [(SpecialUse, &[&str]); 5] = [
    (
        SpecialUse::Sent,
        &[
            "Sent",
            "Sent Items",
            "Sent Messages",
            "Sent Mail",
            "Gesendet",
            "Gesendete Objekte",
            "Gesendete Elemente",
            "Éléments envoyés",
        ],
    ),
    (SpecialUse::Drafts, &["Drafts", "Draft", "Entwürfe", "Brouillons"]),
    (
        SpecialUse::Junk,
        &["Junk", "Spam", "Junk E-mail", "Junk Email", "Bulk Mail", "Junk-E-Mail"],
    ),
    (
        SpecialUse::Trash,
        &[
            "Trash",
            "Deleted Items",
            "Deleted Messages",
            "Papierkorb",
            "Gelöschte Elemente",
            "Gelöschte Objekte",
            "Corbeille",
        ],
    ),
    (SpecialUse::Archive, &["Archive", "Archives", "Archiv"]),
];

/// What shows messages of other folders (RFC 6154 §2).
const VIEWS: [&str; 3] = ["\\all", "\\flagged", "\\important"];

/// Chooses among the folders that the server lists. `only`: the names to copy, if not all. `ours`: the user's mailboxes.
pub(super) fn choose(listed: &[Listed], namespaces: &Namespaces, only: &[String], ours: &[MailboxInfo]) -> Choice {
    let mut choice = Choice {
        wanted: Vec::new(),
        left: Vec::new(),
    };
    let prefix = has_prefix(listed);
    let by_use: HashMap<SpecialUse, &MailboxName> = ours.iter().filter_map(|info| Some((info.special_use?, &info.name))).collect();
    let marked: Vec<SpecialUse> = listed.iter().filter_map(special_use).collect();
    for folder in listed {
        let is_named = only.iter().any(|name| *name == folder.name || name.as_bytes() == folder.raw);
        if !only.is_empty() && !is_named {
            continue;
        }
        if let Some(reason) = reason_to_leave(folder, namespaces).filter(|_| !is_named) {
            choice.left.extend(reason.map(|reason| (folder.name.clone(), reason.to_owned())));
            continue;
        }
        let levels = levels(folder, prefix);
        let usual = || usual_use(&levels).filter(|usual| !marked.contains(usual));
        let used = special_use(folder).or_else(usual).and_then(|special| by_use.get(&special));
        match used.map(|name| Ok((*name).clone())).unwrap_or_else(|| mailbox_name(&levels)) {
            Ok(name) => choice.wanted.push(Wanted {
                raw: folder.raw.clone(),
                shown: folder.name.clone(),
                name,
            }),
            Err(problem) => choice.left.push((folder.name.clone(), problem)),
        }
    }
    // The INBOX first; and of two that come into one mailbox, the one that is called like it.
    choice
        .wanted
        .sort_by_cached_key(|it| (!it.name.is_inbox(), it.shown != it.name.as_str(), it.shown.clone()));
    choice
}

/// Why a folder is not copied; none within, if that need not be told.
fn reason_to_leave<'r>(folder: &Listed, namespaces: &Namespaces) -> Option<Option<&'r str>> {
    let has = |attribute: &str| folder.attributes.iter().any(|known| known == attribute);
    if has("\\noselect") || has("\\nonexistent") {
        return Some(None);
    }
    if VIEWS.into_iter().any(has) {
        return Some(Some("it shows messages of other folders; name it with --folder to copy it"));
    }
    let is_below =
        |prefix: &String| !prefix.is_empty() && (folder.name.starts_with(prefix) || folder.name == prefix.trim_end_matches(['/', '.']));
    if namespaces.of_others.iter().any(is_below) {
        return Some(Some("it is not the user's own; name it with --folder to copy it"));
    }
    None
}

fn special_use(folder: &Listed) -> Option<SpecialUse> {
    folder.attributes.iter().find_map(|attribute| SpecialUse::parse(attribute))
}

fn usual_use(levels: &[String]) -> Option<SpecialUse> {
    let [name] = levels else { return None };
    let is_usual = |names: &[&str]| names.iter().any(|usual| usual.to_lowercase() == name.to_lowercase());
    USUAL.iter().find(|(_, names)| is_usual(names)).map(|(special, _)| *special)
}

/// Whether all folders lie below the INBOX, as Courier and Cyrus have them: then it is not part of their names.
fn has_prefix(listed: &[Listed]) -> bool {
    let mut others = listed.iter().filter(|folder| !folder.name.eq_ignore_ascii_case("INBOX")).peekable();
    others.peek().is_some() && others.all(|folder| split(folder).first().is_some_and(|first| first.eq_ignore_ascii_case("INBOX")))
}

fn split(folder: &Listed) -> Vec<String> {
    match folder.separator {
        Some(separator) => folder.name.split(separator).map(ToOwned::to_owned).collect(),
        None => vec![folder.name.clone()],
    }
}

fn levels(folder: &Listed, has_prefix: bool) -> Vec<String> {
    let mut levels = split(folder);
    if has_prefix && levels.len() > 1 {
        levels.remove(0);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::MailboxId;

    fn folder(attributes: &[&str], separator: char, name: &str) -> Listed {
        Listed {
            attributes: attributes.iter().map(|&text| text.to_owned()).collect(),
            separator: Some(separator),
            raw: name.as_bytes().to_vec(),
            name: name.to_owned(),
        }
    }

    fn chosen(listed: &[Listed], only: &[&str]) -> Vec<(String, String)> {
        let ours: Vec<MailboxInfo> = SpecialUse::ALL
            .into_iter()
            .map(|special| MailboxInfo {
                id: MailboxId(1),
                name: MailboxName::parse(special.as_str()).unwrap(),
                uidvalidity: 1,
                special_use: Some(special),
                subscribed: true,
            })
            .collect();
        let namespaces = Namespaces {
            of_others: vec!["Other Users/".into(), String::new()],
        };
        let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
        let choice = choose(listed, &namespaces, &only, &ours);
        choice.wanted.into_iter().map(|it| (it.shown, it.name.to_string())).collect()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|&(one, other)| (one.to_owned(), other.to_owned())).collect()
    }

    #[test]
    fn special_folders_find_theirs() {
        let gmail = [
            folder(&[], '/', "INBOX"),
            folder(&["\\noselect"], '/', "[Gmail]"),
            folder(&["\\all"], '/', "[Gmail]/Alle Nachrichten"),
            folder(&["\\sent"], '/', "[Gmail]/Gesendet"),
            folder(&[], '/', "Sent"),
            folder(&[], '/', "Spam"),
            folder(&[], '/', "Work/100%"),
            folder(&[], '/', "Other Users/bob"),
        ];
        assert_eq!(
            chosen(&gmail, &[]),
            pairs(&[
                ("INBOX", "INBOX"),
                ("Sent", "Sent"),
                ("Spam", "Junk"),
                ("Work/100%", "Work/100_"),
                ("[Gmail]/Gesendet", "Sent")
            ])
        );
        assert_eq!(
            chosen(&gmail, &["[Gmail]/Alle Nachrichten"]),
            pairs(&[("[Gmail]/Alle Nachrichten", "[Gmail]/Alle Nachrichten")])
        );
    }

    #[test]
    fn the_prefix_of_courier_is_no_part_of_names() {
        let courier = [
            folder(&[], '.', "INBOX"),
            folder(&[], '.', "INBOX.Sent Items"),
            folder(&[], '.', "INBOX.Arch.2024"),
        ];
        assert_eq!(
            chosen(&courier, &[]),
            pairs(&[("INBOX", "INBOX"), ("INBOX.Arch.2024", "Arch/2024"), ("INBOX.Sent Items", "Sent")])
        );
        let below = [folder(&[], '/', "INBOX"), folder(&[], '/', "INBOX/a"), folder(&[], '/', "b")];
        assert_eq!(
            chosen(&below, &[]),
            pairs(&[("INBOX", "INBOX"), ("INBOX/a", "INBOX/a"), ("b", "b")])
        );
    }
}
