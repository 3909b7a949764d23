//! Mailboxes that are not selected: STATUS and LIST responses that nobody asked for (RFC 5465 §5).

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::mail::mailbox::{Annotated, AnnotationVersions, Glance};
use crate::model::account::User;
use crate::model::ids::MailboxId;
use crate::model::mailbox::MailboxName;
use crate::model::refusal::Refusal;
use crate::model::rights::Rights;
use crate::server::imap::list::{Line, TURN};
use crate::server::imap::session::{Session, State};
use crate::server::imap::{access, metadata, status};
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
        let events = notices.of(glance);
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
    let Ok(opened) = access::open(&session.imap, user, glance.info.name.as_str(), Rights::READ).await else {
        return Ok(());
    };
    let mut out = Vec::new();
    let name = (glance.info.name.as_str(), session.enabled.utf8_names());
    status::write(&mut out, name, &opened.mailbox.status(), (items, &session.imap));
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
    if has_other_names(notices, &now) {
        Names::new(notices, &now, session.enabled.utf8_names()).tell(&mut out);
    }
    if let Some(then) = notices.annotations.take() {
        // What cannot be looked at now can be later.
        let current = session.imap.mailboxes.annotation_versions(&user).await;
        let current = current.unwrap_or_else(|_| then.clone());
        tell_annotations(&mut out, notices, (&then, &current), session.enabled.utf8_names());
        notices.annotations = Some(current);
    }
    session.stream.write(&out);
    let selected = selected(session);
    for (glance, number) in now.iter().zip(1_usize..) {
        if number.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
        let Some(then) = notices.known.get(&glance.info.id) else { continue };
        if then.modseq == glance.modseq || Some(glance.info.id) == selected {
            continue;
        }
        let events = notices.of(glance);
        match items(session, (then, glance), &events).await {
            Ok(items) if items.is_empty() => {}
            Ok(items) => tell_status(session, &user, glance, &items).await?,
            Err(refusal) => tracing::debug!(%refusal, "a mailbox cannot be looked at now"),
        }
    }
    notices.learn(now);
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

/// Whether there is anything to tell of names: that is rare, and what it takes is not done for nothing.
fn has_other_names(notices: &Notices, now: &[Glance]) -> bool {
    let is_other = |glance: &Glance| match notices.known.get(&glance.info.id) {
        Some(then) => (&then.info.name, then.info.subscribed) != (&glance.info.name, glance.info.subscribed),
        None => true,
    };
    now.len() != notices.known.len() || now.iter().any(is_other)
}

/// The names as they were and as they are, to tell what is other: mailboxes that came, went, have another name, or are subscribed to or no
/// longer so (§5.4, §5.5).
struct Names<'a> {
    notices: &'a Notices,
    now: &'a [Glance],
    by_name: HashMap<&'a MailboxName, &'a Glance>,
    by_id: HashMap<MailboxId, &'a Glance>,
    /// The mailboxes that have others below them.
    above: HashSet<MailboxName>,
    /// The other name of a mailbox, by the one that it had.
    renamed: HashMap<&'a MailboxName, &'a MailboxName>,
    utf8: bool,
}

impl<'a> Names<'a> {
    fn new(notices: &'a Notices, now: &'a [Glance], utf8: bool) -> Self {
        let other_name = |glance: &'a Glance| {
            let then = &notices.known.get(&glance.info.id)?.info.name;
            (*then != glance.info.name).then_some((then, &glance.info.name))
        };
        Self {
            notices,
            now,
            by_name: now.iter().map(|glance| (&glance.info.name, glance)).collect(),
            by_id: now.iter().map(|glance| (glance.info.id, glance)).collect(),
            above: now.iter().flat_map(|glance| glance.info.name.ancestors()).collect(),
            renamed: now.iter().filter_map(other_name).collect(),
            utf8,
        }
    }

    fn tell(&self, out: &mut Vec<u8>) {
        for glance in self.now {
            self.tell_one(out, glance);
        }
        let is_gone = |then: &&Glance| !self.by_id.contains_key(&then.info.id);
        for then in self.notices.known.values().filter(is_gone) {
            if self.notices.of(then).names && !self.by_name.contains_key(&then.info.name) {
                let mut line = self.line(&then.info.name);
                line.exists = false;
                line.write(out);
                self.tell_parent(out, &then.info.name);
            }
        }
    }

    fn tell_one(&self, out: &mut Vec<u8>, glance: &Glance) {
        let wants = |glance: &Glance| self.notices.of(glance);
        match self.notices.known.get(&glance.info.id) {
            None if wants(glance).names => {
                self.tell_mailbox(out, glance, None);
                // One that came too has a response of its own.
                let is_new = |it: &Glance| !self.notices.known.contains_key(&it.info.id);
                if !self.parent(&glance.info.name).is_some_and(is_new) {
                    self.tell_parent(out, &glance.info.name);
                }
            }
            Some(then) if then.info.name != glance.info.name => {
                let is_wanted = wants(glance).names || wants(then).names;
                if is_wanted && !self.is_of_parent((then, glance)) {
                    self.tell_mailbox(out, glance, Some(&then.info.name));
                }
            }
            Some(then) if then.info.subscribed != glance.info.subscribed && (wants(glance).subscriptions || wants(then).subscriptions) => {
                self.tell_mailbox(out, glance, None);
            }
            _ => {}
        }
    }

    fn tell_mailbox(&self, out: &mut Vec<u8>, glance: &Glance, old: Option<&MailboxName>) {
        let mut line = self.line(&glance.info.name);
        line.subscribed = glance.info.subscribed;
        line.special_use = glance.info.special_use;
        match old {
            Some(old) => line.instead_of(old.as_str()).write(out),
            None => line.write(out),
        }
    }

    /// Whether a mailbox has its other name because one above it has (§5.4: that is told once).
    fn is_of_parent(&self, (then, now): (&Glance, &Glance)) -> bool {
        then.info.name.ancestors().any(|above| {
            let renamed = self.renamed.get(&above);
            renamed.is_some_and(|renamed| then.info.name.moved(&above, renamed).as_ref() == Some(&now.info.name))
        })
    }

    /// The mailbox just above, if there is one.
    fn parent(&self, name: &MailboxName) -> Option<&'a Glance> {
        self.by_name.get(&name.ancestors().next()?).copied()
    }

    /// The mailbox above one that came or went: what it has below it may have changed.
    fn tell_parent(&self, out: &mut Vec<u8>, name: &MailboxName) {
        let Some(above) = name.ancestors().next() else { return };
        let there = self.parent(name);
        let mut line = self.line(&above);
        line.exists = there.is_some();
        line.subscribed = there.is_some_and(|glance| glance.info.subscribed);
        line.special_use = there.and_then(|glance| glance.info.special_use);
        line.write(out);
    }

    fn line<'n>(&self, name: &'n MailboxName) -> Line<'n> {
        let mut line = Line::named(name.as_str(), self.utf8);
        line.has_children = Some(self.above.contains(name));
        line
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
                if notices.of(glance).annotations {
                    metadata::write_changed(out, glance.info.name.as_str(), &entries, utf8);
                }
            }
        }
    }
}
