//! Greylisting: doubtful mail of strangers is put off once, since most of those who send spam do not come again.
//!
//! What is put off is known by the client's network, the sender and the recipient; who has come again is known by the network and the
//! sender's domain from then on. Both are in the database, so that it does not matter to which node they come. Where that cannot be asked,
//! or holds as much as it may, nobody is put off.
//!
//! RFC 6647 §2.4 (triplets), §5 (what is recommended)

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::{Mark, mark};
use crate::config;
use crate::mail::spam::Letter;
use crate::model::clock::{Clock, milliseconds};
use crate::model::network::Network;
use crate::store::Error;
use crate::store::db::greylist::Known;
use crate::store::db::{Database, Tx, greylist};

/// How often what has expired is forgotten.
const FORGET_EVERY_MS: i64 = 60_000;

/// The list.
pub(super) struct Greylist {
    database: Database,
    settings: config::Greylist,
    clock: Clock,
    forgot_ms: AtomicI64,
    is_full: AtomicBool,
}

impl Greylist {
    pub(super) fn open(database: Database, settings: config::Greylist, clock: Clock) -> Self {
        Self {
            database,
            settings,
            forgot_ms: AtomicI64::new(0),
            is_full: AtomicBool::new(false),
            clock,
        }
    }

    /// Whether a score is one for which mail is put off, if it is below that for junk.
    pub(super) fn concerns(&self, score: f64) -> bool {
        self.settings.score > 0.0 && score >= self.settings.score
    }

    /// Whether this message is to come again.
    pub(super) async fn puts_off(&self, letter: &Letter) -> bool {
        let Some(peer) = letter.peer else { return false };
        match self.ask(peer, letter).await {
            Ok(put_off) => put_off,
            Err(error) => {
                tracing::warn!(%error, "whether a message has come before cannot be found out: it is taken");
                false
            }
        }
    }

    async fn ask(&self, peer: IpAddr, letter: &Letter) -> Result<bool, Error> {
        let now = self.clock.now_ms();
        let network = network(peer).to_string();
        let sender = letter.sender.as_ref().map(|it| it.canonical()).unwrap_or_default();
        let domain = sender.rsplit_once('@').map_or("", |(_, domain)| domain);
        let pair = mark("pair", &[&network, domain]);
        let mut tx = self.database.read().await?;
        let known = greylist::find(&mut tx, &pair).await?.filter(|known| known.expires_ms > now);
        drop(tx);
        match known {
            Some(known) if self.is_fresh(known, now) => return Ok(false),
            Some(_) => {
                let mut tx = self.database.write().await?;
                self.befriend(&mut tx, &pair, now).await?;
                tx.commit().await?;
                return Ok(false);
            }
            None => {}
        }
        if self.is_full.load(Ordering::Relaxed) && !self.is_time_to_forget(now) {
            return Ok(false);
        }
        let recipients = letter.recipients.iter().map(|it| it.canonical());
        let triplets: Vec<Mark> = recipients.map(|it| mark("triplet", &[&network, &sender, &it])).collect();
        let mut tx = self.database.write().await?;
        self.forget(&mut tx, now).await?;
        if self.is_full.load(Ordering::Relaxed) {
            tx.commit().await?;
            return Ok(false);
        }
        let mut put_off = false;
        for triplet in &triplets {
            put_off |= self.waits(&mut tx, triplet, now).await?;
        }
        if !put_off {
            self.befriend(&mut tx, &pair, now).await?;
        }
        tx.commit().await?;
        Ok(put_off)
    }

    /// Whether it was noted of late that this pair is known: it is not written down each time.
    fn is_fresh(&self, known: Known, now: i64) -> bool {
        known.expires_ms.saturating_sub(now) > days(self.settings.remember_days) / 2
    }

    /// From now on this network and domain are known.
    async fn befriend(&self, tx: &mut Tx, pair: &Mark, now: i64) -> Result<(), Error> {
        let known = Known {
            first_ms: now,
            expires_ms: now.saturating_add(days(self.settings.remember_days)),
        };
        greylist::put(tx, pair, known).await
    }

    /// Whether this triplet has still to wait; it is noted if it is new.
    async fn waits(&self, tx: &mut Tx, triplet: &Mark, now: i64) -> Result<bool, Error> {
        let known = greylist::find(tx, triplet).await?.filter(|known| known.expires_ms > now);
        match known {
            Some(known) => Ok(now.saturating_sub(known.first_ms) < milliseconds(self.settings.delay_seconds)),
            None => {
                let known = Known {
                    first_ms: now,
                    expires_ms: now.saturating_add(milliseconds(self.settings.wait_hours.saturating_mul(3_600))),
                };
                greylist::put(tx, triplet, known).await?;
                Ok(true)
            }
        }
    }

    fn is_time_to_forget(&self, now: i64) -> bool {
        now.saturating_sub(self.forgot_ms.load(Ordering::Relaxed)) >= FORGET_EVERY_MS
    }

    async fn forget(&self, tx: &mut Tx, now: i64) -> Result<(), Error> {
        if self.is_time_to_forget(now) {
            self.forgot_ms.store(now, Ordering::Relaxed);
            greylist::forget(tx, now).await?;
            let is_full = greylist::count(tx).await? >= self.settings.max_entries;
            if is_full && !self.is_full.load(Ordering::Relaxed) {
                tracing::warn!("greylist.max_entries is reached: no more mail is put off");
            }
            self.is_full.store(is_full, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The network that a sender's servers share: an IPv4 /24, an IPv6 /64 (RFC 6647 §2.4).
fn network(peer: IpAddr) -> Network {
    Network::around_either(peer, (24, 64))
}

fn days(days: u64) -> i64 {
    milliseconds(days.saturating_mul(86_400))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;

    fn letter(peer: &str, sender: &str, to: &[&str]) -> Letter {
        Letter {
            octets: Vec::new(),
            peer: Some(peer.parse().unwrap()),
            helo: None,
            sender: sender.parse().ok(),
            recipients: to.iter().map(|it| it.parse().unwrap()).collect(),
            authentication: None,
            hostname: String::new(),
            may_be_put_off: true,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn who_comes_again_is_taken_and_known_from_then_on_by_all_nodes() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
        let time = Arc::new(AtomicI64::new(1_700_000_000_000));
        let settings = config::Greylist {
            delay_seconds: 60,
            wait_hours: 1,
            remember_days: 2,
            ..Default::default()
        };
        let node = || Greylist::open(database.clone(), settings.clone(), Clock::Manual(Arc::clone(&time)));
        let (one, two) = (node(), node());
        let mail = letter("192.0.2.1", "Ada@remote.test", &["a@house.test", "b@house.test"]);
        let again = letter("192.0.2.200", "ada@Remote.test", &["A@house.test", "b@house.test"]);
        assert!(one.puts_off(&mail).await && two.puts_off(&again).await);
        time.fetch_add(60_000, Ordering::SeqCst);
        let other = letter("192.0.2.1", "ada@remote.test", &["a@house.test", "c@house.test"]);
        assert!(two.puts_off(&other).await, "one of the recipients is new");
        assert!(!two.puts_off(&again).await);
        let another = letter("192.0.2.9", "bob@remote.test", &["z@house.test"]);
        assert!(!one.puts_off(&another).await, "the network and the domain are known");
        assert!(one.puts_off(&letter("198.51.100.1", "bob@remote.test", &["z@house.test"])).await);
        // It holds for as long as it goes on.
        time.fetch_add(days(1) + 1, Ordering::SeqCst);
        assert!(!one.puts_off(&another).await);
        time.fetch_add(days(1) + 1, Ordering::SeqCst);
        assert!(!one.puts_off(&another).await);
        time.fetch_add(days(2), Ordering::SeqCst);
        assert!(one.puts_off(&another).await, "forgotten");
        // Who comes again too late is new.
        time.fetch_add(3_600_000, Ordering::SeqCst);
        assert!(one.puts_off(&another).await);
    }

    #[tokio::test]
    async fn nobody_is_put_off_by_a_full_list() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&config::Database::default(), folder.path()).await.unwrap();
        let time = Arc::new(AtomicI64::new(1_700_000_000_000));
        let settings = config::Greylist {
            max_entries: 2,
            ..Default::default()
        };
        let list = Greylist::open(database, settings, Clock::Manual(Arc::clone(&time)));
        assert!(list.puts_off(&letter("192.0.2.1", "", &["a@house.test", "b@house.test"])).await);
        time.fetch_add(FORGET_EVERY_MS, Ordering::SeqCst);
        for to in ["c@house.test", "d@house.test"] {
            assert!(!list.puts_off(&letter("192.0.2.1", "", &[to])).await, "{to}");
        }
        time.fetch_add(days(1), Ordering::SeqCst);
        assert!(
            list.puts_off(&letter("192.0.2.1", "", &["d@house.test"])).await,
            "there is room again"
        );
        assert!(!list.concerns(3.9) && list.concerns(4.0));
    }
}
