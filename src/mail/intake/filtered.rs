//! What the filters of users make of a message, and the doing of it.
//!
//! Who has no filter costs nothing here: their message goes where it went before. What a filter sends goes out when the message is
//! stored: redirected mail before it has its UID, since it must not get lost; replies after, since nobody is harmed without one.
//!
//! RFC 5228 §2.10 (actions), §10 (loops), RFC 5429 §2 (what is refused in the dialogue), RFC 5230 §4 (replies)

use std::pin::Pin;
use std::sync::Arc;

use super::deliver::Plan;
use super::{Accepted, Fate, Incoming, Inner, Intake, Origin, trace};
use crate::mail::directory::Route;
use crate::mail::filter::{Case, Effect, Mail, Message, Outgoing, Problem, Purpose, Seen, Store};
use crate::mail::mailbox::{LineEnds, Placed, Slot};
use crate::model::account::User;
use crate::model::address::EmailAddress;
use crate::model::envelope::{BodyType, Recipient, ReversePath, Sender};
use crate::model::mailbox::{MailboxName, SpecialUse};
use crate::model::refusal::Refusal;
use crate::model::trace::Step;
use crate::model::verdict::Verdict;

/// What a user wants of a message.
pub(super) struct Wish {
    user: Arc<User>,
    places: Vec<Place>,
    sends: Vec<Outgoing>,
    rejection: Option<Rejection>,
    seen: Vec<Seen>,
    problems: Vec<Problem>,
    /// What is told of it in the message's story; none if there is no filter.
    did: Option<Vec<String>>,
}

/// A mailbox that the message goes into.
struct Place {
    mailbox: String,
    /// What wins over the name where it is there.
    id: Option<String>,
    special_use: Option<String>,
    create: bool,
    flags: Vec<String>,
    /// The message as a script has changed it.
    edited: Option<Message>,
}

struct Rejection {
    reason: String,
    notice: Option<Outgoing>,
}

impl Place {
    fn plain(mailbox: &str) -> Self {
        Self {
            mailbox: mailbox.to_owned(),
            id: None,
            special_use: None,
            create: false,
            flags: Vec::new(),
            edited: None,
        }
    }
}

impl Wish {
    fn plain(user: &Arc<User>, mailbox: &str) -> Self {
        Self {
            places: vec![Place::plain(mailbox)],
            ..Self::nothing(user)
        }
    }

    /// Nothing so far.
    pub(super) fn nothing(user: &Arc<User>) -> Self {
        Self {
            user: Arc::clone(user),
            places: Vec::new(),
            sends: Vec::new(),
            rejection: None,
            seen: Vec::new(),
            problems: Vec::new(),
            did: None,
        }
    }

    pub(super) fn user(&self) -> &User {
        &self.user
    }

    pub(super) fn sends(&self) -> &[Outgoing] {
        &self.sends
    }

    /// How many mailboxes it goes into.
    pub(super) fn copies(&self) -> u64 {
        u64::try_from(self.places.len()).unwrap_or(u64::MAX)
    }

    /// Whether something of it waits in the queue, or is with others, before the message has its UID.
    pub(super) fn redirects(&self) -> bool {
        self.sends.iter().any(|outgoing| outgoing.purpose == Purpose::Redirect)
    }

    /// Takes in one thing of what the filter wants; `original` is the message as it came.
    pub(super) fn take_in(&mut self, effect: Effect, original: &Message) {
        let told = match effect {
            Effect::Store(store) => {
                let told = format!("stored in {}", store.mailbox);
                self.places.push(place(store, original));
                told
            }
            Effect::Send(outgoing) => {
                let told = match outgoing.purpose {
                    Purpose::Redirect => format!("redirected to {}", outgoing.to),
                    Purpose::Reply(_) => format!("{} gets a vacation reply", outgoing.to),
                    Purpose::Notification | Purpose::Rejection => format!("{} is notified", outgoing.to),
                };
                self.sends.push(outgoing);
                told
            }
            Effect::Reject { reason, notice, .. } => {
                let told = format!("rejected: {reason}");
                self.rejection = Some(Rejection { reason, notice });
                told
            }
            Effect::Nothing(reason) => reason,
        };
        self.did.get_or_insert_default().push(told);
    }

    /// RFC 5429 §2.1.2: text beyond ASCII cannot be said in the dialogue.
    fn refusal(&self) -> Option<Refusal> {
        let reason = self.rejection.as_ref()?.reason.trim();
        let is_sayable = !reason.is_empty() && reason.is_ascii();
        let text = if is_sayable {
            reason
        } else {
            "the recipient's filter refuses the message"
        };
        Some(Refusal::Rejected(text.split_whitespace().collect::<Vec<_>>().join(" ")))
    }
}

fn place(store: Store, original: &Message) -> Place {
    Place {
        mailbox: store.mailbox,
        id: store.mailbox_id,
        special_use: store.special_use,
        create: store.create,
        flags: store.flags,
        edited: (!store.message.is(original)).then_some(store.message),
    }
}

impl Inner {
    /// What each user of the plan wants of the message.
    pub(super) async fn wishes(
        &self,
        origin: &Origin,
        sender: &Sender,
        plan: &Plan,
        (prefix, message): (&[u8], &Incoming),
        verdict: Verdict,
    ) -> Result<Vec<Wish>, Refusal> {
        let mut wishes = Vec::with_capacity(plan.users.len());
        let mut cases = Vec::new();
        for (number, user) in plan.users.iter().enumerate() {
            let mailbox = match verdict.is_junk {
                true => self.junk(user).await?,
                false => INBOX.to_owned(),
            };
            wishes.push(Wish::plain(user, &mailbox));
            if self.filters.concern(user)
                && let Some(recipient) = plan.recipient_of(number)
            {
                let case = Case {
                    user: Arc::clone(user),
                    to: recipient.address.to_string(),
                    original_to: original(recipient),
                    mailbox,
                };
                cases.push((number, case));
            }
        }
        if cases.is_empty() {
            return Ok(wishes);
        }
        let turn = self.filters.turn().await;
        let mail = Mail {
            octets: [prefix, &message.draft.read_all().await?].concat(),
            from: sender.path.to_string(),
            auth: origin.user.as_ref().map(|user| user.login.clone()),
            peer: origin.peer,
            helo: origin.helo.clone(),
            verdict: Arc::new(verdict),
        };
        let (numbers, cases): (Vec<usize>, Vec<Case>) = cases.into_iter().unzip();
        let (original, decisions) = self.filters.decide(&turn, mail, cases).await?;
        for (number, decision) in numbers.into_iter().zip(decisions) {
            let Some(wish) = wishes.get_mut(number) else { continue };
            wish.places.clear();
            wish.seen = decision.seen;
            wish.problems = decision.problems;
            decision.effects.into_iter().for_each(|effect| wish.take_in(effect, &original));
            if wish.did.is_none() {
                wish.did = Some(vec!["discarded".into()]);
            }
        }
        Ok(wishes)
    }

    /// The user's mailbox for junk; the INBOX if they have none.
    async fn junk(&self, user: &User) -> Result<String, Refusal> {
        let mailboxes = self.mailboxes.list(user).await?;
        let junk = mailboxes.into_iter().find(|mailbox| mailbox.special_use == Some(SpecialUse::Junk));
        Ok(junk.map_or_else(|| INBOX.to_owned(), |mailbox| mailbox.name.to_string()))
    }

    /// Which users refuse the message in the dialogue; the others who reject it have their senders told by a message, unless that is the
    /// null sender (RFC 5429 §2.1, §2.2.1). With a shared fate all must agree, and then that is the error.
    pub(super) fn refusals(plan: &Plan, wishes: &mut [Wish], fate: Fate) -> Result<Vec<Option<Refusal>>, Refusal> {
        let refusals: Vec<Option<Refusal>> = wishes.iter().map(Wish::refusal).collect();
        if fate == Fate::Shared
            && plan.outside.is_empty()
            && let Some(Some(first)) = refusals.first()
            && refusals.iter().all(Option::is_some)
        {
            return Err(first.clone());
        }
        let can_say =
            |number: usize| fate == Fate::Own && plan.is_for_these_only(number, &|user| refusals.get(user).is_some_and(Option::is_some));
        let said: Vec<Option<Refusal>> = refusals
            .iter()
            .enumerate()
            .map(|(number, refusal)| refusal.clone().filter(|_| can_say(number)))
            .collect();
        for (wish, said) in wishes.iter_mut().zip(&said) {
            if let Some(rejection) = wish.rejection.take().filter(|_| said.is_none()) {
                wish.sends.extend(rejection.notice);
            }
        }
        Ok(said)
    }

    /// Puts the message where the users want it; a result for each, in their order. Those that have none in `room` get nothing.
    pub(super) async fn place(
        &self,
        wishes: &[Wish],
        room: Vec<Result<(), Refusal>>,
        prefix: Vec<u8>,
        message: &Incoming,
    ) -> Vec<Result<Vec<Placed>, Refusal>> {
        let mut results: Vec<Result<Vec<Placed>, Refusal>> = room.into_iter().map(|room| room.map(|()| Vec::new())).collect();
        let (mut owners, mut slots) = (Vec::new(), Vec::new());
        for (number, wish) in wishes.iter().enumerate() {
            if results.get(number).is_none_or(Result::is_err) {
                continue;
            }
            for place in &wish.places {
                let slot = self.slot(&wish.user, place).await;
                match &place.edited {
                    None => {
                        owners.push(number);
                        slots.push(slot);
                    }
                    Some(message) => {
                        let placed = self.place_edited(slot, message).await;
                        add(&mut results, number, placed);
                    }
                }
            }
        }
        let placed = self.mailboxes.place_in(slots, prefix, &message.draft).await;
        for (number, placed) in owners.into_iter().zip(placed) {
            add(&mut results, number, placed);
        }
        results
    }

    async fn place_edited(&self, slot: Result<Slot, Refusal>, message: &Message) -> Result<Placed, Refusal> {
        let mut draft = self.mailboxes.draft(LineEnds::AsTheyAre);
        draft.write(message.header()).await?;
        draft.write(message.body()).await?;
        draft.finish().await?;
        let placed = self.mailboxes.place_in(vec![slot], Vec::new(), &draft).await;
        placed.into_iter().next().unwrap_or(Err(Refusal::LATER))
    }

    /// Where it goes; into the INBOX if that cannot be (RFC 5228 §2.10.6: nothing gets lost).
    async fn slot(&self, user: &User, place: &Place) -> Result<Slot, Refusal> {
        let is_plain = place.mailbox == INBOX && place.id.is_none() && place.special_use.is_none();
        if is_plain && place.flags.is_empty() {
            return self.mailboxes.inbox_slot(user).await;
        }
        let found = async {
            let name = self.mailbox_of(user, place).await?;
            self.mailboxes.slot(user, &name, &place.flags).await
        };
        match found.await {
            Ok(slot) => Ok(slot),
            Err(refusal) => {
                tracing::info!(login = user.login, mailbox = place.mailbox, %refusal, "a filter's mailbox cannot be used: INBOX");
                self.mailboxes.slot(user, &MailboxName::inbox(), &place.flags).await
            }
        }
    }

    async fn mailbox_of(&self, user: &User, place: &Place) -> Result<MailboxName, Refusal> {
        if place.id.is_some() || place.special_use.is_some() {
            let wanted = place.special_use.as_deref().and_then(SpecialUse::parse);
            let mailboxes = self.mailboxes.list(user).await?;
            // RFC 9042 §4 and RFC 8579 §4: these win over the name.
            let by_id = mailboxes
                .iter()
                .find(|it| place.id.as_ref().is_some_and(|id| *id == it.id.to_string()));
            let by_use = || mailboxes.iter().find(|it| wanted.is_some() && it.special_use == wanted);
            if let Some(found) = by_id.or_else(by_use) {
                return Ok(found.name.clone());
            }
        }
        let name = MailboxName::parse(&place.mailbox).map_err(|bad| Refusal::Invalid {
            field: "mailbox",
            problem: bad.to_string(),
        })?;
        if !self.mailboxes.access(user, &name).await?.is_own() {
            return Err(Refusal::NotPermitted("a filter files into the user's own mailboxes only".into()));
        }
        if place.create {
            let use_of_it = place.special_use.as_deref().and_then(SpecialUse::parse);
            match self.mailboxes.create(user, &name, use_of_it).await {
                Ok(_) => self.mailboxes.subscribe(user, &name, true).await?,
                Err(Refusal::Exists { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(name)
    }
}

/// One more for a user; the first failure is theirs.
pub(super) fn add(results: &mut [Result<Vec<Placed>, Refusal>], number: usize, placed: Result<Placed, Refusal>) {
    let Some(result) = results.get_mut(number) else { return };
    match (placed, &mut *result) {
        (Ok(placed), Ok(all)) => all.push(placed),
        (Err(refusal), Ok(_)) => *result = Err(refusal),
        (_, Err(_)) => {}
    }
}

/// ORCPT (RFC 3461 §4.2).
fn original(recipient: &Recipient) -> Option<String> {
    let (kind, address) = recipient.orcpt.as_deref()?.split_once(';')?;
    kind.eq_ignore_ascii_case("rfc822").then(|| address.to_owned())
}

const INBOX: &str = "INBOX";

impl Intake {
    /// Sends redirected mail on. What cannot be sent is kept: `true` for each user whose message must go into the INBOX after all.
    pub(super) async fn redirect(&self, wishes: &[Wish], well: &[bool], sender: &Sender) -> Vec<bool> {
        let mut kept = vec![false; wishes.len()];
        for ((wish, well), kept) in wishes.iter().zip(well).zip(&mut kept) {
            if !well {
                continue;
            }
            for outgoing in wish.sends.iter().filter(|it| it.purpose == Purpose::Redirect) {
                if let Err(refusal) = self.send(&wish.user, outgoing, sender).await {
                    tracing::warn!(login = wish.user.login, to = outgoing.to, %refusal, "a message cannot be redirected: it is kept");
                    *kept = true;
                }
            }
        }
        kept
    }

    /// Remembers what the scripts have seen, replies, and tells users of what went wrong. Nothing of it can fail the delivery.
    pub(super) async fn follow_up(&self, wishes: Vec<Wish>, results: &[Result<(), Refusal>], (sender, about): (&Sender, String)) {
        let filters = &self.inner.filters;
        for (wish, _) in wishes.into_iter().zip(results).filter(|(_, result)| result.is_ok()) {
            for seen in &wish.seen {
                filters.remember(wish.user.id, seen).await;
            }
            for outgoing in wish.sends.iter().filter(|it| it.purpose != Purpose::Redirect) {
                if let Purpose::Reply(seen) = &outgoing.purpose
                    && !filters.remember(wish.user.id, seen).await
                {
                    continue;
                }
                if let Err(refusal) = self.send(&wish.user, outgoing, sender).await {
                    tracing::info!(login = wish.user.login, to = outgoing.to, %refusal, "what a filter sends cannot be sent");
                }
            }
            if !wish.problems.is_empty() {
                filters.tell_owner(&wish.user, &wish.problems, &about).await;
            }
        }
    }

    /// Takes what a filter sends as a message of its own: it may come back here, to another user's filter, so this is a future of its own
    /// too.
    pub(super) fn send<'s>(
        &'s self,
        user: &'s User,
        outgoing: &'s Outgoing,
        sender: &'s Sender,
    ) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 's>> {
        Box::pin(async move {
            let to = address("the recipient", &outgoing.to)?;
            let route = self.route(&to).await?;
            let mut path = match outgoing.from.as_str() {
                "" => ReversePath::Null,
                from => ReversePath::Address(address("the sender", from)?),
            };
            let is_redirect = outgoing.purpose == Purpose::Redirect;
            let ours = user.address.as_ref().and_then(EmailAddress::domain);
            // Other servers ask ours whether we may send for this sender.
            if let (true, Route::Outside, Some(ours), Some(from)) = (is_redirect, &route, ours, path.address())
                && self.inner.is_strange(from).await?
            {
                path = ReversePath::Address(self.inner.srs.forwarded(from, ours));
            }
            let returned = trace::return_path(&sender.path);
            let mut message = self.begin();
            message.write(&outgoing.text).await?;
            if let Some(redirected) = &outgoing.redirected {
                message.write(&without_line(redirected.header(), returned.as_bytes())).await?;
                message.write(redirected.body()).await?;
            }
            let smtputf8 = to.needs_smtputf8() || (is_redirect && sender.smtputf8);
            let sender = Sender {
                body: BodyType::EightBitMime,
                smtputf8,
                ..Sender::plain(path)
            };
            let origin = if is_redirect { Origin::filter() } else { Origin::ours() };
            let accepted = vec![Accepted {
                recipient: Recipient::plain(to),
                route,
            }];
            let outcome = self.receive(&origin, sender, accepted, message, Fate::Own).await?;
            outcome.recipients.into_iter().collect()
        })
    }
}

impl Inner {
    /// Tells the story of what the filters did.
    pub(super) fn tell_filtered(&self, id: crate::model::ids::MailId, wishes: &[Wish]) {
        let now = self.clock.now();
        let told = wishes.iter().filter_map(|wish| {
            let step = Step::Filtered {
                user: wish.user.login.clone(),
                did: wish.did.clone()?,
                problems: wish.problems.iter().map(ToString::to_string).collect(),
            };
            Some((id, now, step))
        });
        self.traces.tell_all(told.collect());
    }
}

fn address(what: &'static str, text: &str) -> Result<EmailAddress, Refusal> {
    EmailAddress::parse(text).map_err(|bad| Refusal::Invalid {
        field: "address",
        problem: format!("{what} {text}: {bad}"),
    })
}

/// The header without this line: the Return-Path line of our own delivery (RFC 5321 §4.4).
fn without_line(header: &[u8], line: &[u8]) -> Vec<u8> {
    let found = memchr::memmem::find_iter(header, line).find(|&at| at == 0 || header.get(..at).is_some_and(|it| it.ends_with(b"\n")));
    match found {
        Some(at) => {
            let (before, rest) = header.split_at(at);
            [before, rest.get(line.len()..).unwrap_or_default()].concat()
        }
        None => header.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_header_is_taken_away() {
        let line = b"Return-Path: <a@b.test>\r\n";
        for (message, expected) in [
            ("Return-Path: <a@b.test>\r\nTo: x\r\n\r\n", "To: x\r\n\r\n"),
            ("X: y\r\nReturn-Path: <a@b.test>\r\n\r\n", "X: y\r\n\r\n"),
            ("X: Return-Path: <a@b.test>\r\n\r\n", "X: Return-Path: <a@b.test>\r\n\r\n"),
        ] {
            assert_eq!(String::from_utf8(without_line(message.as_bytes(), line)).unwrap(), expected);
        }
    }
}
