//! Taking a whole message: into the mailboxes of local users and into the queue for the others.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::{Accepted, Fate, Incoming, Inner, Intake, Origin, Outcome, story, trace};
use crate::mail::directory::Route;
use crate::mail::mailbox::Placed;
use crate::mail::queue::{MOST_BESIDE, NewMail};
use crate::mail::sign::Signer;
use crate::model::account::User;
use crate::model::address::{Domain, EmailAddress};
use crate::model::envelope::{Recipient, ReversePath, Sender};
use crate::model::ids::{MailId, UserId};
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::maildir::{Content, sync_directory};

/// Who gets the message: each user and each outside address once, however many recipients lead to them.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) users: Vec<Arc<User>>,
    pub(super) outside: Vec<Recipient>,
    /// The addresses of `outside`.
    known: HashSet<EmailAddress>,
    /// For each recipient, the places in `users` of those it leads to.
    of_recipient: Vec<Vec<usize>>,
    /// The recipient, if there is one only.
    only: Option<EmailAddress>,
    /// The domain of the first recipient whose mail is forwarded.
    forwarder: Option<Domain>,
}

impl Plan {
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
            plan.of_recipient.push(mine);
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
        let result = |places: &Vec<usize>| {
            places
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
        let id = message.id;
        let plan = Plan::of(&recipients);
        self.inner.tell_received(origin, &sender, &recipients, &plan, &message);
        let outcome = self.inner.receive(origin, sender, &plan, message, fate).await;
        match &outcome {
            Ok(outcome) => {
                let failed = outcome.recipients.iter().filter(|it| it.is_err()).count();
                tracing::info!(%id, protocol = origin.protocol, local = plan.users.len(), queued = plan.outside.len(), failed, "message taken");
            }
            Err(refusal) => {
                tracing::info!(%id, protocol = origin.protocol, %refusal, "message not taken");
                self.inner.tell_refused(id, refusal);
            }
        }
        outcome
    }
}

impl Inner {
    async fn receive(&self, origin: &Origin, sender: Sender, plan: &Plan, mut message: Incoming, fate: Fate) -> Result<Outcome, Refusal> {
        message.draft.finish().await?;
        if let Some(user) = &origin.user {
            self.check_submission(user, &mut message, plan.of_recipient.len()).await?;
        }
        let now = self.clock.now();
        let mut received = trace::received(origin, &self.hostname, message.id, plan.only.as_ref(), now);
        if origin.user.is_some() {
            received.push_str(&message.head.missing(&self.hostname, message.id, now));
        }
        let prefix = format!("{}{received}", trace::return_path(&sender.path)).into_bytes();

        let size = prefix.len() as u64 + message.size();
        let room = self.check_room(plan, size).await;
        if fate == Fate::Shared
            && let Some(refusal) = room.iter().find_map(|it| it.as_ref().err())
        {
            return Err(refusal.clone());
        }
        let welcome: Vec<Arc<User>> = plan
            .users
            .iter()
            .zip(&room)
            .filter(|(_, room)| room.is_ok())
            .map(|(user, _)| Arc::clone(user))
            .collect();
        let mut placed = self.mailboxes.place(&welcome, prefix, &message.draft).await.into_iter();
        let placed = room
            .into_iter()
            .map(|room| room.and_then(|()| placed.next().unwrap_or(Err(Refusal::LATER))));
        // With a shared fate the first failure drops the others, and what was placed is taken away again.
        let delivery = match fate {
            Fate::Shared => Delivery::Together(placed.collect::<Result<_, _>>()?),
            Fate::Own => Delivery::EachAlone(placed.collect()),
        };
        if !plan.outside.is_empty() {
            let signer = self.signer(origin, &sender, &message).await?;
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
            self.enqueue(&message, received.into_bytes(), signer, put).await?;
            self.traces.tell_all(vec![(message.id, at, queued)]);
        }
        let results = delivery.index(!plan.outside.is_empty()).await?;
        self.tell_stored(message.id, plan, &results);
        Ok(plan.outcome(message.id, &results))
    }

    /// Whether each user has room for the message.
    async fn check_room(&self, plan: &Plan, size: u64) -> Vec<Result<(), Refusal>> {
        let mut room = Vec::with_capacity(plan.users.len());
        for user in &plan.users {
            room.push(self.mailboxes.check_quota(user, size, 1).await);
        }
        room
    }

    /// The sender of what goes outside: a stranger whose mail is forwarded gets an address of ours.
    async fn forwarded(&self, mut sender: Sender, plan: &Plan) -> Result<Sender, Refusal> {
        let (Some(ours), Some(address)) = (&plan.forwarder, sender.path.address()) else {
            return Ok(sender);
        };
        match self.directory.route(address).await {
            Ok(Route::Outside) => sender.path = ReversePath::Address(self.srs.forwarded(address, ours)),
            Err(refusal) if refusal.is_temporary() => return Err(refusal),
            Ok(Route::Here { .. }) | Err(_) => {}
        }
        Ok(sender)
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

/// What was placed, one for each user.
enum Delivery {
    Together(Vec<Placed>),
    EachAlone(Vec<Result<Placed, Refusal>>),
}

impl Delivery {
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
            Self::Together(mut placed) => {
                let results = vec![Ok(()); placed.len()];
                match Placed::index_together(&mut placed).await {
                    Ok(()) => Ok(results),
                    Err(refusal) => or_leave(refusal, placed).map(|()| results),
                }
            }
            Self::EachAlone(placed) => {
                let index = |placed: Result<Placed, Refusal>| async move {
                    let mut placed = placed?;
                    match placed.index().await {
                        Ok(_) => Ok(()),
                        Err(refusal) => or_leave(refusal, vec![placed]),
                    }
                };
                // All at the same time, so that they are stored together.
                Ok(futures_util::future::join_all(placed.into_iter().map(index)).await)
            }
        }
    }
}
