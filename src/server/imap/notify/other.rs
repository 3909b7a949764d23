//! Mailboxes that are not selected: STATUS and LIST responses that nobody asked for (RFC 5465 §5).

use std::collections::BTreeMap;

use crate::mail::mailbox::{Annotated, AnnotationVersions, Glance};
use crate::model::account::User;
use crate::model::ids::MailboxId;
use crate::model::mailbox::MailboxName;
use crate::model::refusal::Refusal;
use crate::server::imap::list::Line;
use crate::server::imap::session::{Session, State};
use crate::server::imap::{metadata, status};
use crate::server::stream::Gone;
use crate::wire::imap::command::StatusItem;
use crate::wire::imap::notify::Events;

use super::Notices;

/// The mailbox that is selected.
fn selected(session: &Session) -> Option<MailboxId> {
    match &session.state {
        State::Selected(_, selected) => Some(selected.mailbox.info().id),
        _ => None,
    }
}

/// Tells every mailbox of which message events are wanted as it is now (RFC 5465 §3.1).
pub(super) async fn tell_all(session: &mut Session, notices: &Notices, user: &User) -> Result<(), Gone> {
    let selected = selected(session);
    for glance in notices.known.values().filter(|glance| Some(glance.info.id) != selected) {
        let events = notices.of(&glance.info.name, glance.info.subscribed);
        if events.new.is_none() {
            continue;
        }
        let mut items = vec![StatusItem::Messages, StatusItem::UidNext, StatusItem::UidValidity];
        if events.flags {
            items.push(StatusItem::HighestModSeq);
        }
        tell_status(session, user, glance, &items).await?;
    }
    Ok(())
}

async fn tell_status(session: &mut Session, user: &User, glance: &Glance, items: &[StatusItem]) -> Result<(), Gone> {
    // A mailbox that cannot be asked is passed over.
    let Ok(counts) = session.imap.mailboxes.status(user, &glance.info.name).await else {
        return Ok(());
    };
    let mut out = Vec::new();
    let name = (glance.info.name.as_str(), session.enabled.utf8_names());
    status::write(&mut out, name, &counts, (items, &session.imap));
    session.stream.write(&out);
    session.stream.flush_if_large().await
}

/// Tells what has changed since the last time; `false` if there are too many mailboxes by now.
pub(super) async fn tell_changes(session: &mut Session, notices: &mut Notices) -> Result<bool, Gone> {
    let (State::Authenticated(user) | State::Selected(user, _)) = &session.state else {
        return Ok(true);
    };
    let user = std::sync::Arc::clone(user);
    let now = match session.imap.mailboxes.glance(&user).await {
        Ok(now) => now,
        Err(refusal) => {
            tracing::debug!(%refusal, "the mailboxes cannot be looked at now");
            return Ok(true);
        }
    };
    if now.len() > session.imap.settings.max_notify_mailboxes {
        return Ok(false);
    }
    let mut out = Vec::new();
    tell_names(&mut out, notices, &now, session.enabled.utf8_names());
    if let Some(then) = notices.annotations.take() {
        // What cannot be looked at now can be later.
        let current = session.imap.mailboxes.annotation_versions(&user).await;
        let current = current.unwrap_or_else(|_| then.clone());
        tell_annotations(&mut out, notices, (&then, &current), session.enabled.utf8_names());
        notices.annotations = Some(current);
    }
    session.stream.write(&out);
    let selected = selected(session);
    for glance in now.iter().filter(|glance| Some(glance.info.id) != selected) {
        let Some(then) = notices.known.get(&glance.info.id) else { continue };
        if then.modseq == glance.modseq {
            continue;
        }
        let events = notices.of(&glance.info.name, glance.info.subscribed);
        match items(session, (then, glance), &events).await {
            Ok(items) if items.is_empty() => {}
            Ok(items) => tell_status(session, &user, glance, &items).await?,
            Err(refusal) => tracing::debug!(%refusal, "a mailbox cannot be looked at now"),
        }
    }
    notices.learn(&user, now);
    Ok(true)
}

/// What is to be told of a mailbox that has changed (§5.1, §5.2, §5.3); nothing if nobody wants to hear of it.
async fn items(session: &Session, (then, now): (&Glance, &Glance), events: &Events) -> Result<Vec<StatusItem>, Refusal> {
    let mut items = Vec::new();
    let came = u64::from(now.uid_next.0.saturating_sub(then.uid_next.0));
    let went = then.messages.saturating_add(came) > now.messages;
    if (events.new.is_some() && came > 0) || (events.expunge && went) {
        items.extend([StatusItem::UidNext, StatusItem::Messages]);
    }
    if events.flags && session.imap.mailboxes.have_flags_changed(then).await? {
        items.extend([StatusItem::UidValidity, StatusItem::Unseen]);
    }
    if session.condstore && !items.is_empty() {
        items.push(StatusItem::HighestModSeq);
    }
    Ok(items)
}

/// Mailboxes that came, went, have another name or are subscribed to or no longer so (§5.4, §5.5).
fn tell_names(out: &mut Vec<u8>, notices: &Notices, now: &[Glance], utf8: bool) {
    let there: BTreeMap<MailboxId, &Glance> = now.iter().map(|glance| (glance.info.id, glance)).collect();
    let wants = |glance: &Glance| notices.of(&glance.info.name, glance.info.subscribed);
    let write = |out: &mut Vec<u8>, glance: &Glance, old: Option<&MailboxName>| {
        let mut line = line(&glance.info.name, now, utf8);
        line.subscribed = glance.info.subscribed;
        line.special_use = glance.info.special_use;
        match old {
            Some(old) => line.instead_of(old.as_str()).write(out),
            None => line.write(out),
        }
    };
    for glance in now {
        match notices.known.get(&glance.info.id) {
            None if wants(glance).names => {
                write(out, glance, None);
                // One that came too has a response of its own.
                let is_new = |it: &Glance| !notices.known.contains_key(&it.info.id);
                if !parent(&glance.info.name, now).is_some_and(is_new) {
                    tell_parent(out, &glance.info.name, now, utf8);
                }
            }
            Some(then) if then.info.name != glance.info.name => {
                let is_wanted = wants(glance).names || wants(then).names;
                if is_wanted && !is_of_parent(notices, &there, (then, glance)) {
                    write(out, glance, Some(&then.info.name));
                }
            }
            Some(then) if then.info.subscribed != glance.info.subscribed && (wants(glance).subscriptions || wants(then).subscriptions) => {
                write(out, glance, None);
            }
            _ => {}
        }
    }
    for then in notices.known.values().filter(|then| !there.contains_key(&then.info.id)) {
        let is_there = now.iter().any(|glance| glance.info.name == then.info.name);
        if wants(then).names && !is_there {
            let mut line = line(&then.info.name, now, utf8);
            line.exists = false;
            line.write(out);
            tell_parent(out, &then.info.name, now, utf8);
        }
    }
}

/// Annotations that have another value, or none any more (§5.6, §5.7). Those of a mailbox that went, went with it.
fn tell_annotations(out: &mut Vec<u8>, notices: &Notices, (then, now): (&AnnotationVersions, &AnnotationVersions), utf8: bool) {
    let mut changed: BTreeMap<Annotated, Vec<&str>> = BTreeMap::new();
    let other = now.iter().filter(|(key, version)| then.get(*key) != Some(*version));
    let gone = then.iter().filter(|(key, _)| !now.contains_key(*key));
    for ((of, entry), _) in other.chain(gone) {
        changed.entry(*of).or_default().push(entry);
    }
    for (of, entries) in changed {
        match of {
            Annotated::Server if notices.is_of_server() => metadata::write_changed(out, "", &entries, utf8),
            Annotated::Server => {}
            Annotated::Mailbox(id) => {
                let Some(glance) = notices.known.get(&id) else { continue };
                let name = &glance.info.name;
                if notices.of(name, glance.info.subscribed).annotations {
                    metadata::write_changed(out, name.as_str(), &entries, utf8);
                }
            }
        }
    }
}

/// Whether a mailbox has its other name because one above it has (§5.4: that is told once).
fn is_of_parent(notices: &Notices, there: &BTreeMap<MailboxId, &Glance>, (then, now): (&Glance, &Glance)) -> bool {
    notices.known.values().any(|above| {
        let renamed = there.get(&above.info.id).filter(|it| it.info.name != above.info.name);
        renamed.is_some_and(|renamed| then.info.name.moved(&above.info.name, &renamed.info.name).as_ref() == Some(&now.info.name))
    })
}

/// The mailbox just above, if there is one.
fn parent<'a>(name: &MailboxName, now: &'a [Glance]) -> Option<&'a Glance> {
    let above = name.ancestors().next()?;
    now.iter().find(|glance| glance.info.name == above)
}

/// The mailbox above one that came or went: what it has below it may have changed.
fn tell_parent(out: &mut Vec<u8>, name: &MailboxName, now: &[Glance], utf8: bool) {
    let Some(above) = name.ancestors().next() else { return };
    let there = parent(name, now);
    let mut line = line(&above, now, utf8);
    line.exists = there.is_some();
    line.subscribed = there.is_some_and(|glance| glance.info.subscribed);
    line.special_use = there.and_then(|glance| glance.info.special_use);
    line.write(out);
}

fn line<'a>(name: &'a MailboxName, now: &[Glance], utf8: bool) -> Line<'a> {
    let is_below = |glance: &Glance| glance.info.name.ancestors().any(|above| above == *name);
    let mut line = Line::named(name.as_str(), utf8);
    line.has_children = Some(now.iter().any(is_below));
    line
}
