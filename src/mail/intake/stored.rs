//! Doing what a script wants of stored mail (RFC 6785 §3).
//!
//! A message whose header a script changes becomes another one, since a UID stands for the octets of one message; the one that was there
//! goes. Deviation: in a mailbox of another user the message itself stays as it is, and what is changed goes with copies and redirections.

use std::sync::Arc;

use super::Intake;
use super::filtered::Wish;
use crate::mail::filter::{Decision, Effect, Event, Message, Purpose, Store};
use crate::mail::mailbox::Placed;
use crate::model::envelope::{ReversePath, Sender};
use crate::model::ids::Uid;
use crate::model::mailbox::{FlagChange, Flags, MessageMeta};
use crate::model::refusal::Refusal;
use crate::wire::imap::flag::SYSTEM;

/// The most messages of one command that scripts look at.
const MOST: usize = 1_000;

impl Intake {
    /// Runs the script for what was done over IMAP, if there is one. Nothing of it can fail: it is over already.
    pub async fn happened(&self, event: Event) {
        let directory = &self.inner.directory;
        // Only who keeps scripts can have named one.
        let Ok(user) = directory.user(&event.user.login).await else {
            return;
        };
        if user.filter.is_none() {
            return;
        }
        if let Err(refusal) = self.look_at(&event).await {
            tracing::warn!(login = event.user.login, %refusal, "a script could not look at stored mail");
        }
    }

    async fn look_at(&self, event: &Event) -> Result<(), Refusal> {
        let filters = &self.inner.filters;
        let Some(program) = filters.script_of(event).await? else {
            return Ok(());
        };
        for &uid in event.uids.iter().take(MOST) {
            let Some(meta) = event.mailbox.message(uid) else { continue };
            let turn = filters.turn().await;
            let Some(stored) = event.mailbox.open_message(uid).await? else {
                continue;
            };
            let octets = stored.read_all().await?.to_vec();
            let (message, decision) = filters.decide_stored(&turn, event, &program, (octets, names(event, &meta))).await?;
            drop(turn);
            if !decision.problems.is_empty() {
                let about = format!("message {} of {}", uid.0, event.mailbox.info().name);
                filters.tell_owner(&event.user, &decision.problems, &about).await;
            }
            self.carry_out(event, (uid, &meta), decision, &message).await?;
        }
        Ok(())
    }

    async fn carry_out(
        &self,
        event: &Event,
        (uid, meta): (Uid, &MessageMeta),
        decision: Decision,
        message: &Message,
    ) -> Result<(), Refusal> {
        let here = event.mailbox.info().name.to_string();
        let mut kept: Option<Vec<String>> = None;
        let mut edited = Wish::nothing(&event.user);
        let mut wish = Wish::nothing(&event.user);
        for effect in decision.effects {
            match effect {
                Effect::Store(store) if store.mailbox == here => {
                    kept = Some(store.flags.clone());
                    if !store.message.is(message) && self.is_own(event).await? {
                        edited.take_in(
                            Effect::Store(Store {
                                mailbox_id: None,
                                special_use: None,
                                ..store
                            }),
                            message,
                        );
                    }
                }
                // RFC 6785 §3.7: what answers a sender has no place here.
                Effect::Reject { .. } => kept = Some(names(event, meta)),
                Effect::Send(outgoing) if matches!(outgoing.purpose, Purpose::Reply(_) | Purpose::Rejection) => {}
                effect => wish.take_in(effect, message),
            }
        }
        self.copy_out(&wish, message).await?;
        for seen in &decision.seen {
            self.inner.filters.remember(event.user.id, seen).await;
        }
        let sender = Sender::plain(ReversePath::Null);
        for outgoing in wish.sends() {
            self.send(&event.user, outgoing, &sender).await?;
        }
        if edited.copies() > 0 {
            self.copy_out(&edited, message).await?;
            kept = None;
        }
        match kept {
            None => event.mailbox.remove(&[uid]).await.map(drop),
            Some(flags) if flags == names(event, meta) => Ok(()),
            Some(flags) => {
                let flags = flags_of(event, &flags).await?;
                event.mailbox.store(&[uid], FlagChange::Replace(flags), None).await.map(drop)
            }
        }
    }

    async fn is_own(&self, event: &Event) -> Result<bool, Refusal> {
        let access = self.inner.mailboxes.access(&event.user, &event.mailbox.info().name).await?;
        Ok(access.is_own())
    }

    /// Puts the message into other mailboxes, or as a script has changed it into its own.
    async fn copy_out(&self, wish: &Wish, message: &Message) -> Result<(), Refusal> {
        if wish.copies() == 0 {
            return Ok(());
        }
        let inner = &self.inner;
        let mut copy = self.begin();
        copy.write(message.header()).await?;
        copy.write(message.body()).await?;
        copy.draft.finish().await?;
        let size = copy.size().saturating_mul(wish.copies());
        inner.mailboxes.check_quota(wish.user(), size, wish.copies()).await?;
        let wishes = std::slice::from_ref(wish);
        let placed = inner.place(wishes, vec![Ok(())], Vec::new(), &copy).await;
        let mut placed: Vec<Placed> = placed.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        Placed::index_together(&mut placed).await
    }
}

/// The flags of a message by their names.
fn names(event: &Event, meta: &MessageMeta) -> Vec<String> {
    let keywords: Arc<[String]> = event.mailbox.keywords();
    let system = SYSTEM.iter().filter(|(bit, _)| meta.flags.contains(*bit));
    let system = system.map(|(_, name)| (*name).to_owned());
    let own = meta
        .flags
        .keywords()
        .filter_map(|number| keywords.get(usize::from(number)).cloned());
    system.chain(own).collect()
}

async fn flags_of(event: &Event, names: &[String]) -> Result<Flags, Refusal> {
    let mut flags = Flags::NONE;
    for name in names {
        let bit = match SYSTEM.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) {
            Some((bit, _)) => Some(*bit),
            None => event.mailbox.keyword(name).await?,
        };
        flags = flags.with(bit.unwrap_or(Flags::NONE));
    }
    Ok(flags)
}
