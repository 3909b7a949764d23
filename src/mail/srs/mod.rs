//! The sender rewriting scheme: mail that an alias forwards outside gets a sender of ours, so that the receiver's SPF check asks about
//! the server that it talks to, and a bounce finds its way back to who sent the mail.
//!
//! `intake` rewrites the sender of what is forwarded ([`Srs::forwarded`]) and finds where mail to such an address goes
//! ([`Srs::original`]); `dispatch` asks the latter too for its reports. The addresses carry a keyed hash and a day, so nobody can make
//! one, and none is good for longer than three weeks. The key is made once and kept in the database, for all nodes.
//!
//! There is no RFC of it. RFC 5321 §4.5.3.1.1 bounds the local part to 64 octets: a sender who is too long for that is left as they are.

mod address;

use crate::model::address::{Domain, EmailAddress};
use crate::model::clock::Clock;
use crate::model::refusal::Refusal;
use crate::store;
use crate::store::db::{Database, settings};

use address::Bad;

const DAY_SECONDS: i64 = 86_400;

/// Rewrites senders, and reads what it has written. Cheap to clone.
#[derive(Clone)]
pub struct Srs {
    key: [u8; 32],
    clock: Clock,
}

impl Srs {
    /// Opens it with the key of all nodes, made by the first.
    pub async fn open(database: &Database, clock: Clock) -> Result<Self, store::Error> {
        let mut tx = database.write().await?;
        let stored = settings::get_or_set(&mut tx, "srs_key", &rand::random::<[u8; 32]>()).await?;
        tx.commit().await?;
        let key = stored.try_into().map_err(|_| store::Error::Corrupt("settings.content"))?;
        Ok(Self { key, clock })
    }

    /// The sender of mail that an alias of `ours` forwards for `sender`; the same again where the new one would be too long.
    pub(in crate::mail) fn forwarded(&self, sender: &EmailAddress, ours: &Domain) -> EmailAddress {
        address::rewrite(&self.key, self.today(), sender, ours).unwrap_or_else(|| {
            tracing::info!(%sender, "the sender cannot be rewritten: it is too long, or of no domain");
            sender.clone()
        })
    }

    /// Whom mail to `address`, of a domain of ours, is for: none if it is no rewritten sender. Errors: NotPermitted when it is
    /// forged or too old.
    pub(in crate::mail) fn original(&self, address: &EmailAddress) -> Result<Option<EmailAddress>, Refusal> {
        address::restore(&self.key, self.today(), address).map_err(|bad| {
            Refusal::NotPermitted(match bad {
                Bad::Forged => format!("{address} was not made here"),
                Bad::Expired => format!("{address} is too old to be answered"),
            })
        })
    }

    fn today(&self) -> i64 {
        self.clock.now().as_second().div_euclid(DAY_SECONDS)
    }
}
