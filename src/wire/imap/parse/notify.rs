//! NOTIFY.

use super::{fetch, mailbox};
use crate::wire::imap::command::Command;
use crate::wire::imap::cursor::{Cursor, Malformed};
use crate::wire::imap::notify::{Events, Filter, Group, Notify};

/// The most groups of a command, and the most names of a group.
const MAX_GROUPS: usize = 100;
const MAX_NAMES: usize = 1000;

/// RFC 5465 §8.
pub(super) fn notify(cursor: &mut Cursor<'_>) -> Result<Command, Malformed> {
    cursor.space()?;
    let start = cursor.clone();
    match cursor.word("SET or NONE")?.as_str() {
        "NONE" => return Ok(Command::Notify(Notify::None)),
        "SET" => {}
        _ => return start.wrong("SET or NONE"),
    }
    let status = cursor.eat_text(" STATUS");
    let (mut groups, mut supported) = (Vec::new(), true);
    while !cursor.before_end() {
        cursor.space()?;
        if groups.len() >= MAX_GROUPS {
            return cursor.wrong("fewer groups of events");
        }
        groups.push(group(cursor, &mut supported)?);
    }
    let selected = groups.iter().filter(|group| group.filter.is_selected()).count();
    if groups.is_empty() || selected > 1 {
        return start.wrong("groups of events, one of them at most for the selected mailbox");
    }
    Ok(Command::Notify(match supported {
        true => Notify::Set { status, groups },
        false => Notify::Unsupported,
    }))
}

fn group(cursor: &mut Cursor<'_>, supported: &mut bool) -> Result<Group, Malformed> {
    cursor.expect(b'(', "'('")?;
    let filter = filter(cursor)?;
    cursor.space()?;
    let start = cursor.clone();
    let mut events = Events::default();
    if cursor.peek() == Some(b'(') {
        cursor.list(|cursor| event(cursor, &mut events, supported))?;
    } else if !cursor.eat_text("NONE") {
        return cursor.wrong("events or NONE");
    }
    cursor.expect(b')', "')'")?;
    // RFC 5465 §5: neither goes without the other, and FlagChange not without them.
    let new = events.new.is_some();
    if new != events.expunge || (events.flags && !new) {
        return start.wrong("MessageNew and MessageExpunge together");
    }
    let has_items = events.new.as_ref().is_some_and(|items| !items.is_empty());
    let is_selected = filter.is_selected();
    // RFC 5465 §6.1, §8.
    let of_others = events.names || events.subscriptions || events.annotations || events.server;
    if (is_selected && of_others) || (!is_selected && has_items) {
        return start.wrong("events that go with these mailboxes");
    }
    Ok(Group { filter, events })
}

fn filter(cursor: &mut Cursor<'_>) -> Result<Filter, Malformed> {
    let start = cursor.clone();
    Ok(match cursor.word("mailboxes")?.as_str() {
        "SELECTED" => Filter::Selected,
        "SELECTED-DELAYED" => Filter::SelectedDelayed,
        "INBOXES" => Filter::Inboxes,
        "PERSONAL" => Filter::Personal,
        "SUBSCRIBED" => Filter::Subscribed,
        "SUBTREE" => Filter::Subtree(names(cursor)?),
        "MAILBOXES" => Filter::Mailboxes(names(cursor)?),
        _ => return start.wrong("mailboxes such as SELECTED or PERSONAL"),
    })
}

/// A name, or several in parentheses.
fn names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Malformed> {
    cursor.space()?;
    let start = cursor.clone();
    let names = match cursor.peek() {
        Some(b'(') => cursor.list(mailbox::name)?,
        _ => vec![mailbox::name(cursor)?],
    };
    if names.is_empty() || names.len() > MAX_NAMES {
        return start.wrong("1 to 1000 mailboxes");
    }
    Ok(names)
}

fn event(cursor: &mut Cursor<'_>, events: &mut Events, supported: &mut bool) -> Result<(), Malformed> {
    match cursor.word("an event")?.as_str() {
        "MESSAGENEW" => {
            let mut ahead = cursor.clone();
            let items = match ahead.space().is_ok() && ahead.peek() == Some(b'(') {
                true => {
                    let items = fetch::list(&mut ahead)?;
                    *cursor = ahead;
                    items
                }
                false => Vec::new(),
            };
            events.new = Some(items);
        }
        "MESSAGEEXPUNGE" => events.expunge = true,
        "FLAGCHANGE" => events.flags = true,
        "MAILBOXNAME" => events.names = true,
        "SUBSCRIPTIONCHANGE" => events.subscriptions = true,
        "MAILBOXMETADATACHANGE" => events.annotations = true,
        "SERVERMETADATACHANGE" => events.server = true,
        _ => *supported = false,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::imap::fetch::Item;
    use crate::wire::imap::parse::command;

    fn read(text: &str) -> Option<Notify> {
        match command(format!("a NOTIFY {text}\r\n").as_bytes()).ok()?.command {
            Command::Notify(notify) => Some(notify),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn groups_are_read() {
        let Some(Notify::Set { status: true, groups }) =
            read("set status (selected (MessageNew (UID FLAGS) MessageExpunge)) (subtree (a b) (MailboxName)) (mailboxes c none)")
        else {
            unreachable!()
        };
        assert_eq!(groups.len(), 3);
        assert_eq!(groups[0].events.new, Some(vec![Item::Uid, Item::Flags]));
        assert_eq!(groups[1].filter, Filter::Subtree(vec!["a".into(), "b".into()]));
        assert!(groups[1].events.names);
        assert_eq!(groups[2].events, Events::default());
        assert_eq!(read("NONE"), Some(Notify::None));
        assert_eq!(read("SET (personal (AnnotationChange))"), Some(Notify::Unsupported));
        assert!(matches!(
            read("SET (inboxes (MessageNew FlagChange MessageExpunge)) (subscribed (SubscriptionChange))"),
            Some(Notify::Set { status: false, .. })
        ));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for text in [
            "",
            "SET",
            "SET STATUS",
            "SET (selected (MessageNew))",
            "SET (selected (MessageExpunge))",
            "SET (personal (FlagChange))",
            "SET (selected (MailboxName))",
            "SET (personal (MessageNew (UID) MessageExpunge))",
            "SET (selected NONE) (selected-delayed NONE)",
            "SET (subtree () NONE)",
            "SET (elsewhere NONE)",
            "SET (selected)",
            "NONE x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
