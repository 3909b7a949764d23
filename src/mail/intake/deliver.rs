//! Taking a whole message: into the mailboxes of local users and into the queue for the others.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tracing::Instrument;

use super::filtered::{Wish, add};
use super::{Accepted, Fate, Incoming, Inner, Intake, Origin, Outcome, story, trace};
use crate::mail::directory::Route;
use crate::mail::mailbox::Placed;
use crate::mail::milter::Dialogue;
use crate::mail::queue::{MOST_BESIDE, NewMail};
use crate::mail::sign::Signer;
use crate::model::account::User;
use crate::model::address::{Domain, EmailAddress};
use crate::model::envelope::{Recipient, ReversePath, Sender};
use crate::model::ids::{MailId, UserId};
use crate::model::refusal::Refusal;
use crate::model::verdict::Verdict;
use crate::store;
use crate::store::maildir::{Content, sync_directory};

/// Who gets the message: each user and each outside address once, however many recipients lead to them.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) users: Vec<Arc<User>>,
    pub(super) outside: Vec<Recipient>,
    /// The addresses of `outside`.
    known: HashSet<EmailAddress>,
    /// For each recipient, where it leads.
    of_recipient: Vec<Leads>,
    /// The recipient, if there is one only.
    only: Option<EmailAddress>,
    /// The domain of the first recipient whose mail is forwarded.
    forwarder: Option<Domain>,
}

/// Where a recipient leads.
struct Leads {
    recipient: Recipient,
    /// The places in `users`.
    users: Vec<usize>,
    /// It leads to other servers too.
    outside: bool,
}

impl Plan {
    /// The recipient that leads to this user: the first, if there are several.
    pub(super) fn recipient_of(&self, user: usize) -> Option<&Recipient> {
        let leads = self.of_recipient.iter().find(|leads| leads.users.contains(&user));
        leads.map(|leads| &leads.recipient)
    }

    /// Whether each recipient that leads to this user leads only to users of whom that is true.
    pub(super) fn is_for_these_only(&self, user: usize, are_these: &dyn Fn(usize) -> bool) -> bool {
        let mut leads = self.of_recipient.iter().filter(|leads| leads.users.contains(&user));
        leads.all(|leads| !leads.outside && leads.users.iter().all(|&user| are_these(user)))
    }

    /// Its recipients, as they were given.
    pub(super) fn recipients(&self) -> impl Iterator<Item = &EmailAddress> {
        self.of_recipient.iter().map(|leads| &leads.recipient.address)
    }

    /// The domain of the first recipient whose mail is forwarded.
    pub(super) fn forwarder(&self) -> Option<&Domain> {
        self.forwarder.as_ref()
    }

    fn of(recipients: &[Accepted]) -> Self {
        let mut plan = Self::default();
        if let [only] = recipients {
            plan.only = Some(only.recipient.address.clone());
        }
        let mut places: HashMap<UserId, usize> = HashMap::new();
        for accepted in recipients {
            let mut mine = Vec::new();
            match &accepted.route {
                Route::Outside => plan.add_outside(accepted.recipient.clone()),
                Route::Here { users, forwards } => {
                    for local in users {
                        let place = *places.entry(local.user.id).or_insert_with(|| {
                            plan.users.push(Arc::clone(&local.user));
                            plan.users.len() - 1
                        });
                        mine.push(place);
                    }
                    if !forwards.is_empty() && plan.forwarder.is_none() {
                        plan.forwarder = accepted.recipient.address.domain().cloned();
                    }
                    for address in forwards {
                        plan.add_outside(Recipient {
                            address: address.clone(),
                            ..accepted.recipient.clone()
                        });
                    }
                }
            }
            plan.of_recipient.push(Leads {
                recipient: accepted.recipient.clone(),
                users: mine,
                outside: match &accepted.route {
                    Route::Outside => true,
                    Route::Here { forwards, .. } => !forwards.is_empty(),
                },
            });
        }
        plan
    }

    fn add_outside(&mut self, recipient: Recipient) {
        if self.known.insert(recipient.address.clone()) {
            self.outside.push(recipient);
        }
    }

    /// The result of each recipient: the first failure among the users that it leads to.
    fn outcome(&self, id: MailId, users: &[Result<(), Refusal>]) -> Outcome {
        let result = |leads: &Leads| {
            leads
                .users
                .iter()
                .filter_map(|&place| users.get(place))
                .find(|it| it.is_err())
                .cloned()
                .unwrap_or(Ok(()))
        };
        Outcome {
            id,
            recipients: self.of_recipient.iter().map(result).collect(),
        }
    }
}

impl Intake {
    /// Takes a whole message: adds Return-Path and Received, delivers to local users, queues for the others. With [`Fate::Shared`] an
    /// error means that nothing is kept. The text has CRLF line ends only and is not dot-stuffed.
    pub async fn receive(
        &self,
        origin: &Origin,
        sender: Sender,
        recipients: Vec<Accepted>,
        message: Incoming,
        fate: Fate,
    ) -> Result<Outcome, Refusal> {
        self.hand_over(origin, (sender, recipients), message, fate, None).await
    }

    /// The same for a message that milters have heard the envelope of: they are shown it when it was checked. The fate is shared.
    pub async fn receive_through(
        &self,
        milters: &mut Dialogue,
        origin: &Origin,
        envelope: (Sender, Vec<Accepted>),
        message: Incoming,
    ) -> Result<Outcome, Refusal> {
        let milters = Some(milters).filter(|milters| !milters.is_empty());
        self.hand_over(origin, envelope, message, Fate::Shared, milters).await
    }

    async fn hand_over(
        &self,
        origin: &Origin,
        (sender, recipients): (Sender, Vec<Accepted>),
        message: Incoming,
        fate: Fate,
        milters: Option<&mut Dialogue>,
    ) -> Result<Outcome, Refusal> {
        let id = message.id;
        let plan = Plan::of(&recipients);
        self.inner.tell_received(origin, &sender, &recipients, &plan, &message);
        // Each line that is logged on the way has the id of the message.
        let span = tracing::info_span!("message", %id);
        let taken = self.take(origin, (sender, &recipients, &plan), message, fate, milters);
        let outcome = taken.instrument(span.clone()).await;
        let _entered = span.entered();
        match &outcome {
            Ok(outcome) => {
                let failed = outcome.recipients.iter().filter(|it| it.is_err()).count();
                tracing::info!(
                    protocol = origin.protocol,
                    local = plan.users.len(),
                    queued = plan.outside.len(),
                    failed,
                    "message taken"
                );
            }
            Err(refusal) => {
                tracing::info!(protocol = origin.protocol, %refusal, "message not taken");
                self.inner.tell_refused(id, refusal);
            }
        }
        outcome
    }
}

impl Intake {
    /// Checks it, and has milters change it.
    async fn take(
        &self,
        origin: &Origin,
        (sender, recipients, plan): (Sender, &[Accepted], &Plan),
        mut message: Incoming,
        fate: Fate,
        milters: Option<&mut Dialogue>,
    ) -> Result<Outcome, Refusal> {
        let inner = &self.inner;
        message.draft.finish().await?;
        if let Some(user) = &origin.user {
            inner.check_submission(user, &mut message, plan.of_recipient.len()).await?;
        }
        let scanned = inner.scan(origin, &message).await?;
        let mut verdict = inner.examine(origin, (&sender, plan), &mut message).await?;
        inner.note(scanned, origin, (&mut message, &mut verdict)).await?;
        let Some(milters) = milters else {
            return self.keep(origin, (sender, plan), (message, verdict), fate).await;
        };
        let changed = inner.show(milters, &mut message).await?;
        inner.put_aside(&changed, origin, &mut verdict)?;
        let (sender, recipients) = self.readdressed(&changed, sender, recipients).await;
        if changed.is_discarded || recipients.is_empty() {
            return Ok(plan.outcome(message.id, &[]));
        }
        self.keep(origin, (sender, &Plan::of(&recipients)), (message, verdict), fate).await
    }

    /// Stores it for local users, and queues it for the others.
    async fn keep(
        &self,
        origin: &Origin,
        (sender, plan): (Sender, &Plan),
        (message, verdict): (Incoming, Verdict),
        fate: Fate,
    ) -> Result<Outcome, Refusal> {
        let inner = &self.inner;
        if verdict.is_junk {
            inner.traces.events().hear_of_junk(message.id, verdict.score);
        }
        let now = inner.clock.now();
        let mut received = verdict.lines.clone();
        received.push_str(&trace::received(origin, &inner.hostname, message.id, plan.only.as_ref(), now));
        if origin.user.is_some() {
            received.push_str(&message.head.missing(&inner.hostname, message.id, now));
        }
        let prefix = format!("{}{received}", trace::return_path(&sender.path)).into_bytes();
        let mut wishes = inner.wishes(origin, &sender, plan, (&prefix, &message), verdict).await?;
        inner.tell_filtered(message.id, &wishes);
        let refusals = Inner::refusals(plan, &mut wishes, fate)?;
        let room = inner
            .check_room(&wishes, refusals, (plan, prefix.len() as u64 + message.size()))
            .await;
        if fate == Fate::Shared
            && let Some(refusal) = room.iter().find_map(|it| it.as_ref().err())
        {
            return Err(refusal.clone());
        }
        let placed = inner.place(&wishes, room, prefix.clone(), &message).await;
        // With a shared fate the first failure drops the others, and what was placed is taken away again.
        let mut delivery = match fate {
            Fate::Shared => Delivery::Together(placed.into_iter().collect::<Result<_, _>>()?),
            Fate::Own => Delivery::EachAlone(placed),
        };
        let kept = self.redirect(&wishes, &delivery.well(), &sender).await;
        for (user, number) in plan.users.iter().zip(0..).filter(|(_, number)| kept.get(*number) == Some(&true)) {
            let inbox = inner
                .mailboxes
                .place(std::slice::from_ref(user), prefix.clone(), &message.draft)
                .await;
            delivery.add(number, inbox.into_iter().next().unwrap_or(Err(Refusal::LATER)))?;
        }
        let is_elsewhere = !plan.outside.is_empty() || wishes.iter().any(Wish::redirects);
        if !plan.outside.is_empty() {
            inner.queue_outside(origin, sender.clone(), plan, (&message, received)).await?;
        }
        let results = delivery.index(is_elsewhere).await?;
        inner.tell_stored(message.id, plan, &results);
        inner.look_for_report(plan, &message).await;
        let about = message.head.message_id().unwrap_or_else(|| message.id.to_string());
        inner.note_sent(origin, plan, &message);
        self.follow_up(wishes, &results, (&sender, about)).await;
        Ok(plan.outcome(message.id, &results))
    }
}

impl Inner {
    /// Enters what goes to other servers into the queue.
    async fn queue_outside(
        &self,
        origin: &Origin,
        sender: Sender,
        plan: &Plan,
        (message, received): (&Incoming, String),
    ) -> Result<(), Refusal> {
        let signer = self.signer(origin, &sender, message).await?;
        let mut prefix = self.seal(origin, &sender, plan, (message, &received)).await?;
        prefix.extend_from_slice(received.as_bytes());
        let was = sender.path.clone();
        let mut sender = self.forwarded(sender, plan).await?;
        sender.tls_optional = message.head.is_tls_optional();
        let queued = story::queued(plan, &was, &sender.path, signer.as_ref());
        let put = |size, content| NewMail {
            id: message.id,
            sender,
            recipients: plan.outside.clone(),
            size,
            content,
            user: origin.user.as_ref().map(|user| user.id),
        };
        // Other servers may be asked before the queue has answered.
        let at = self.clock.now();
        self.enqueue(message, prefix, signer, put).await?;
        self.traces.tell_all(vec![(message.id, at, queued)]);
        Ok(())
    }

    /// Whether each user takes the message, and has room for all copies of it.
    async fn check_room(&self, wishes: &[Wish], refusals: Vec<Option<Refusal>>, (plan, size): (&Plan, u64)) -> Vec<Result<(), Refusal>> {
        let mut room = Vec::with_capacity(plan.users.len());
        for ((user, wish), refusal) in plan.users.iter().zip(wishes).zip(refusals) {
            room.push(match (refusal, wish.copies()) {
                (Some(refusal), _) => Err(refusal),
                (None, 0) => Ok(()),
                (None, copies) => self.mailboxes.check_quota(user, size.saturating_mul(copies), copies).await,
            });
        }
        room
    }

    /// The sender of what goes outside: a stranger whose mail is forwarded gets an address of ours.
    async fn forwarded(&self, mut sender: Sender, plan: &Plan) -> Result<Sender, Refusal> {
        let (Some(ours), Some(address)) = (&plan.forwarder, sender.path.address()) else {
            return Ok(sender);
        };
        if self.is_strange(address).await? {
            sender.path = ReversePath::Address(self.srs.forwarded(address, ours));
        }
        Ok(sender)
    }

    /// Whether the address is none of ours.
    pub(super) async fn is_strange(&self, address: &EmailAddress) -> Result<bool, Refusal> {
        match self.directory.route(address).await {
            Ok(Route::Outside) => Ok(true),
            Err(refusal) if refusal.is_temporary() => Err(refusal),
            Ok(Route::Here { .. }) | Err(_) => Ok(false),
        }
    }

    /// What signs a message: the keys of the author's domain, so that the signature speaks for what the reader sees (RFC 7489
    /// §3.1.1), or else of the sender's. Only for addresses that the user may send with, and for what the server itself says: a signature is a word of honour.
    async fn signer(&self, origin: &Origin, sender: &Sender, message: &Incoming) -> Result<Option<Signer>, Refusal> {
        if origin.user.is_none() && !origin.is_ours() {
            return Ok(None);
        }
        let authors = message.head.authors();
        // RFC 6376 §5.4: From must be signed, so it must be there.
        let [author, ..] = authors.as_slice() else { return Ok(None) };
        for address in [Some(author), sender.path.address()].into_iter().flatten() {
            let Some(domain) = address.domain() else { continue };
            let may_send = match &origin.user {
                Some(user) => self.directory.may_send_as(user, address).await?,
                None => true,
            };
            if may_send && let Some(signer) = self.signing.signer(domain).await? {
                return Ok(Some(signer));
            }
        }
        Ok(None)
    }

    /// Enters the message into the ledger, signed: with its octets if they are few, or else they are written to the spool before. `put`
    /// is told its size, and its octets.
    async fn enqueue(
        &self,
        message: &Incoming,
        prefix: Vec<u8>,
        signer: Option<Signer>,
        put: impl FnOnce(u64, Option<Bytes>) -> NewMail,
    ) -> Result<(), Refusal> {
        let content = message.draft.content(&[]);
        if content.file.is_none() && prefix.len().saturating_add(content.memory.len()) <= MOST_BESIDE {
            let memory = content.memory.to_vec();
            let octets = match signer {
                None => [prefix, memory].concat(),
                Some(signer) => {
                    let signed = crate::mail::mailbox::blocking(move || {
                        let head = signed(&signer, &prefix, &memory, None)?;
                        Ok([head, memory].concat())
                    });
                    signed.await?
                }
            };
            return self.queue.put(put(octets.len() as u64, Some(octets.into()))).await;
        }
        let (path, dir) = (self.spool.queued(message.id), self.spool.queue_dir());
        let (memory, file) = (content.memory.to_vec(), content.file.map(ToOwned::to_owned));
        let target = path.clone();
        let size = crate::mail::mailbox::blocking(move || {
            let file = file.as_deref();
            let head = match signer {
                None => prefix,
                Some(signer) => signed(&signer, &prefix, &memory, file)?,
            };
            let content = Content {
                prefix: &head,
                memory: &memory,
                file,
            };
            let size = content.write_to(&target, None)?;
            sync_directory(&dir)?;
            Ok(size)
        })
        .await?;
        let put = self.queue.put(put(size, None)).await;
        if put.is_err()
            && let Err(error) = tokio::fs::remove_file(&path).await
        {
            tracing::warn!(%error, "a message that was not queued could not be taken away");
        }
        put
    }
}

/// The prefix of a message with its signatures before it. Blocks.
fn signed(signer: &Signer, prefix: &[u8], memory: &[u8], file: Option<&Path>) -> Result<Vec<u8>, store::Error> {
    let mut head = signer.sign(&Content { prefix, memory, file })?;
    head.extend_from_slice(prefix);
    Ok(head)
}

/// What was placed, for each user.
enum Delivery {
    Together(Vec<Vec<Placed>>),
    EachAlone(Vec<Result<Vec<Placed>, Refusal>>),
}

impl Delivery {
    /// Whose messages are in place.
    fn well(&self) -> Vec<bool> {
        match self {
            Self::Together(placed) => vec![true; placed.len()],
            Self::EachAlone(placed) => placed.iter().map(Result::is_ok).collect(),
        }
    }

    /// One more for a user. The error is that of all.
    fn add(&mut self, user: usize, placed: Result<Placed, Refusal>) -> Result<(), Refusal> {
        match self {
            Self::Together(all) => all.get_mut(user).map(|all| placed.map(|placed| all.push(placed))).unwrap_or(Ok(())),
            Self::EachAlone(all) => {
                add(all, user, placed);
                Ok(())
            }
        }
    }

    /// Gives the messages their UIDs. The outer error is that of all. If the message is queued as well it is taken, whatever comes:
    /// who is told otherwise sends it once more, to all. Its files are there, so what cannot get a UID now gets one later.
    async fn index(self, is_queued: bool) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let or_leave = |refusal: Refusal, placed: Vec<Placed>| {
            if !is_queued {
                return Err(refusal);
            }
            tracing::warn!(%refusal, "a message has no UID yet: it gets one when its folder is looked at");
            placed.into_iter().for_each(Placed::leave);
            Ok(())
        };
        match self {
            Self::Together(placed) => {
                let results = vec![Ok(()); placed.len()];
                let mut placed: Vec<Placed> = placed.into_iter().flatten().collect();
                match Placed::index_together(&mut placed).await {
                    Ok(()) => Ok(results),
                    Err(refusal) => or_leave(refusal, placed).map(|()| results),
                }
            }
            Self::EachAlone(placed) => {
                let index = |placed: Result<Vec<Placed>, Refusal>| async move {
                    let mut placed = placed?;
                    match Placed::index_together(&mut placed).await {
                        Ok(()) => Ok(()),
                        Err(refusal) => or_leave(refusal, placed),
                    }
                };
                // All at the same time, so that they are stored together.
                Ok(futures_util::future::join_all(placed.into_iter().map(index)).await)
            }
        }
    }
}
