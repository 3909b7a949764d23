//! NOTIFY (RFC 5465): a client hears of changes whenever they happen, in the mailbox that is selected and in others.
//!
//! What others do is found by comparing: the mailboxes as the client was told of them, and as the database has them now. So there is no
//! list of events that could grow, and what other nodes do is seen too. A client also hears of what it does itself to mailboxes that are
//! not selected (§5 says that it should not).

mod other;

use std::collections::{BTreeMap, HashSet};

use crate::mail::mailbox::{AnnotationVersions, Glance, Watched, Watcher};
use crate::model::ids::{MailboxId, UserId};
use crate::model::mailbox::MailboxName;
use crate::model::rights::Rights;
use crate::server::stream::Gone;
use crate::wire::imap::fetch::{Fetch, Item};
use crate::wire::imap::notify::{self, Events, Filter, Notify};
use crate::wire::imap::response::{Code, Status, Word};
use crate::wire::imap::sequence::{Bound, SequenceSet};

use super::dispatch::Expunges;
use super::outcome::{Done, Fault};
use super::session::{Session, State};
use super::wake::{Wake, Woken};
use super::{fetch, updates};

/// The most mailboxes that a client names.
const MAX_NAMES: usize = 1_000;

/// What a client wants to hear of, and what it was told.
pub(super) struct Notices {
    user: UserId,
    groups: Vec<Group>,
    known: BTreeMap<MailboxId, Glance>,
    /// Annotations, if the client hears of them.
    annotations: Option<AnnotationVersions>,
    watcher: Watcher,
}

/// Events of some mailboxes, whose names are read.
struct Group {
    filter: Filter,
    /// The mailboxes that it names.
    names: HashSet<MailboxName>,
    events: Events,
}

impl Group {
    /// None if there are too many names.
    fn all(groups: Vec<notify::Group>) -> Option<Vec<Self>> {
        let mut count: usize = 0;
        let read = |group: notify::Group| {
            let names = match &group.filter {
                Filter::Subtree(names) | Filter::Mailboxes(names) => names.as_slice(),
                _ => &[],
            };
            count = count.saturating_add(names.len());
            if count > MAX_NAMES {
                return None;
            }
            let names = names.iter().filter_map(|name| MailboxName::parse(name).ok()).collect();
            Some(Self {
                names,
                filter: group.filter,
                events: group.events,
            })
        };
        groups.into_iter().map(read).collect()
    }

    /// Whether it is of a mailbox (§6).
    fn covers(&self, glance: &Glance, user: UserId) -> bool {
        let name = &glance.info.name;
        match self.filter {
            Filter::Selected | Filter::SelectedDelayed => false,
            // §6.3: mail is delivered to the INBOX alone.
            Filter::Inboxes => name.is_inbox(),
            Filter::Personal => glance.owner == user,
            Filter::Subscribed => glance.info.subscribed,
            Filter::Subtree(_) => self.names.contains(name) || name.ancestors().any(|above| self.names.contains(&above)),
            Filter::Mailboxes(_) => self.names.contains(name),
        }
    }
}

impl Notices {
    /// Resolves when there may be something to tell.
    pub(super) async fn woken(&self) {
        self.watcher.woken().await;
    }

    /// What is wanted of the mailbox that is selected: without a group, nothing (RFC 5465 §3.1).
    fn of_selected(&self) -> Option<&Group> {
        let group = self.groups.iter().find(|group| group.filter.is_selected());
        group.filter(|group| group.events != Events::default())
    }

    /// Whether the client hears of the mailbox that is selected.
    pub(super) fn hears_of_selected(&self) -> bool {
        self.of_selected().is_some()
    }

    /// What is wanted of another mailbox: all that any group wants (§6), and the user may know (§4).
    fn of(&self, glance: &Glance) -> Events {
        let mut all = Events::default();
        for group in self.groups.iter().filter(|group| group.covers(glance, self.user)) {
            let events = &group.events;
            if events.new.is_some() {
                all.new = Some(Vec::new());
            }
            all.expunge |= events.expunge;
            all.flags |= events.flags;
            all.names |= events.names;
            all.subscriptions |= events.subscriptions;
            all.annotations |= events.annotations;
        }
        if !glance.rights.contains(Rights::READ) {
            all = Events {
                names: all.names,
                subscriptions: all.subscriptions,
                ..Events::default()
            };
        }
        all
    }

    /// Whether there is anything to hear of other mailboxes.
    fn is_of_others(&self) -> bool {
        self.groups
            .iter()
            .any(|group| !group.filter.is_selected() && group.events != Events::default())
    }

    /// Whether annotations of the server are wanted (§5.7): of whatever mailboxes the group is.
    fn is_of_server(&self) -> bool {
        self.groups.iter().any(|group| group.events.server)
    }

    fn is_of_annotations(&self) -> bool {
        self.is_of_server() || self.groups.iter().any(|group| group.events.annotations)
    }

    /// The mailboxes as the client knows them from here on.
    fn learn(&mut self, now: Vec<Glance>) {
        let messages = now.iter().map(|glance| Watched::Messages(glance.info.id));
        let owners = now.iter().map(|glance| Watched::Mailboxes(glance.owner));
        self.watcher
            .watch(messages.chain(owners).chain([Watched::Mailboxes(self.user)]).collect());
        self.known = now.into_iter().map(|glance| (glance.info.id, glance)).collect();
    }
}

pub(super) async fn notify(session: &mut Session, notify: Notify) -> Result<Done, Fault> {
    let (status, groups) = match notify {
        Notify::Unsupported => return Err(Fault::No(Code::BadEvent, "these are the events that there are".into())),
        Notify::None => (false, Vec::new()),
        Notify::Set { status, groups } => (status, groups),
    };
    let groups = Group::all(groups).ok_or(Fault::no(Word::Limit, "at most 1000 mailboxes can be named"))?;
    let (State::Authenticated(user) | State::Selected(user, _)) = &session.state else {
        return Err(Fault::bad("log in first"));
    };
    let user = std::sync::Arc::clone(user);
    let mut notices = Notices {
        user: user.id,
        groups,
        known: BTreeMap::new(),
        annotations: None,
        watcher: session.imap.mailboxes.watcher(),
    };
    if notices.is_of_others() {
        let now = session.imap.mailboxes.glance(&user).await?;
        if now.len() > session.imap.settings.max_notify_mailboxes {
            return Err(Fault::no(Word::NotificationOverflow, "there are too many mailboxes to watch"));
        }
        notices.learn(now);
        if notices.is_of_annotations() {
            notices.annotations = Some(session.imap.mailboxes.annotation_versions(&user).await?);
        }
    }
    if status {
        other::tell_all(session, &notices, &user).await?;
    }
    session.notices = Some(Box::new(notices));
    Ok(Done::new("you will hear of it"))
}

/// Waits for the client; meanwhile it hears of what it wants to hear of.
pub(super) async fn wait(session: &mut Session) -> Result<(), Gone> {
    let mut wake = Wake::new(session);
    loop {
        tell(session).await?;
        if wake.next(session).await? == Woken::Client {
            return session.fill().await;
        }
    }
}

/// Tells what there is to tell of all mailboxes.
pub(super) async fn tell(session: &mut Session) -> Result<(), Gone> {
    let delayed = session.notices.as_ref().and_then(|notices| notices.of_selected());
    let expunges = match delayed.map(|group| &group.filter) {
        // §6.1.2: a command of the client lets them through.
        Some(Filter::SelectedDelayed) => Expunges::Held,
        _ => Expunges::Sent,
    };
    send(session, expunges).await?;
    let Some(mut notices) = session.notices.take_if(|notices| notices.is_of_others()) else {
        return Ok(());
    };
    let told = other::tell_changes(session, &mut notices).await;
    if told? {
        session.notices = Some(notices);
        return Ok(());
    }
    notices.groups.clear();
    session.notices = Some(notices);
    let code = Code::Word(Word::NotificationOverflow);
    session.say(None, Status::Ok, Some(&code), "there are too many mailboxes to watch");
    Ok(())
}

/// Brings the client's view of the mailbox that is selected up to now, as far as it wants to hear of it.
pub(super) async fn send(session: &mut Session, expunges: Expunges) -> Result<(), Gone> {
    let State::Selected(_, selected) = &mut session.state else {
        return Ok(());
    };
    let Some(notices) = &session.notices else {
        return updates::send(selected, expunges, &mut session.stream).await;
    };
    let wanted = notices.of_selected().map(|group| &group.events);
    // The client's own removals are the answer to its command, whatever else it hears of.
    if wanted.is_none() && expunges != Expunges::Own {
        return Ok(());
    }
    selected.is_mute_of_flags = !wanted.is_some_and(|events| events.flags);
    let last = selected.view.last().map_or(0, |message| message.uid.0);
    updates::send(selected, expunges, &mut session.stream).await?;
    let items = wanted.and_then(|events| events.new.as_deref()).unwrap_or_default();
    let now_last = selected.view.last().map_or(0, |message| message.uid.0);
    // §5.2: not of messages that the client has put there itself.
    if items.is_empty() || now_last <= last || expunges == Expunges::Own {
        return Ok(());
    }
    let mut items = items.to_vec();
    if !items.contains(&Item::Uid) {
        items.insert(0, Item::Uid);
    }
    let fetch = Fetch {
        uid: true,
        set: SequenceSet::between(Bound::Number(last.saturating_add(1)), Bound::Number(now_last)),
        items,
        changed_since: None,
        vanished: false,
        partial: None,
    };
    match fetch::fetch(selected, &fetch, &mut session.stream).await {
        Err(Fault::Gone(gone)) => Err(gone),
        // What cannot be read now can be asked for later.
        Ok(_) | Err(_) => Ok(()),
    }
}
