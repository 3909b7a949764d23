//! What clients that have not logged in may bring, and who tries out which recipients there are.
//!
//! Counted on each node for itself, by network, within bounds. Rates are those of the generic cell rate algorithm: a tenth of an hour's
//! messages may come at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use crate::config;
use crate::mail::rate::{Meter, Rate};
use crate::model::clock::milliseconds;
use crate::model::network::Network;
use crate::model::site::Site;

/// How much longer a client waits for the answer that there is no such recipient, once it has heard that often.
const SLOW: Duration = Duration::from_secs(1);
/// From this part of the unknown recipients on that it may ask for.
const SLOW_FROM: u32 = 5;

/// What is done about a client that has asked for a recipient whom there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probing {
    /// Nothing.
    Nothing,
    /// It is answered so much later.
    Slower(Duration),
    /// It is banned.
    Banned,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Thing {
    Message,
    Recipient,
}

impl Thing {
    /// Both, in the words of a sentence.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "messages",
            Self::Recipient => "recipients",
        }
    }
}

/// Counts of strangers.
pub(super) struct Strangers {
    messages: Option<Rate>,
    recipients: Option<Rate>,
    meters: Mutex<HashMap<(Network, Thing), Meter<i64>>>,
    most: usize,
    /// By site: how many more unknown recipients than known ones, and since when.
    unknown: Cache<Site, (u32, i64)>,
    max_unknown: u32,
    window_ms: i64,
}

impl Strangers {
    pub(super) fn new(settings: &config::Defence) -> Self {
        Self {
            messages: Rate::per_hour(settings.messages_per_hour),
            recipients: Rate::per_hour(settings.recipients_per_hour),
            meters: Mutex::default(),
            most: settings.max_entries,
            unknown: Cache::new(settings.max_entries as u64),
            max_unknown: settings.max_unknown_recipients,
            window_ms: milliseconds(settings.window_seconds),
        }
    }

    /// Counts one that a client wants to bring; or says that its network has brought too many.
    pub(super) fn draw(&self, ip: IpAddr, thing: Thing, now_ms: i64) -> Result<(), Network> {
        let rate = match thing {
            Thing::Message => self.messages,
            Thing::Recipient => self.recipients,
        };
        let Some(rate) = rate else { return Ok(()) };
        let network = Network::around_either(ip, (24, 64));
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        if meters.len() >= self.most && !meters.contains_key(&(network, thing)) {
            meters.retain(|_, meter| !meter.is_idle(now_ms));
            if meters.len() >= self.most {
                return Ok(());
            }
        }
        let meter = meters.entry((network, thing)).or_insert_with(|| Meter::new(now_ms));
        meter.draw(now_ms, rate).map_err(|_| network)
    }

    /// A client has asked for a recipient whom there is, or is not. One that there is makes up for one that there is not, so that who
    /// brings mail to old addresses among others is not taken for one who tries them out.
    pub(super) fn asked(&self, ip: IpAddr, is_known: bool, now_ms: i64) -> Probing {
        let site = Site::of(ip);
        if self.max_unknown == 0 || (is_known && self.unknown.get(&site).is_none()) {
            return Probing::Nothing;
        }
        let entry = self.unknown.entry(site).and_upsert_with(|before| {
            let before = before.map(moka::Entry::into_value);
            let (count, since) = before
                .filter(|(_, since)| now_ms.saturating_sub(*since) < self.window_ms)
                .unwrap_or((0, now_ms));
            match is_known {
                true => (count.saturating_sub(1), since),
                false => (count.saturating_add(1), since),
            }
        });
        let (count, _) = entry.into_value();
        match count {
            count if count >= self.max_unknown => {
                self.unknown.invalidate(&site);
                Probing::Banned
            }
            count if !is_known && count > self.max_unknown / SLOW_FROM => Probing::Slower(SLOW),
            _ => Probing::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strangers() -> Strangers {
        Strangers::new(&config::Defence {
            messages_per_hour: 60,
            recipients_per_hour: 0,
            max_unknown_recipients: 10,
            window_seconds: 60,
            max_entries: 100,
            ..Default::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_brings_so_much_in_an_hour() {
        let all = strangers();
        let brought = |from: &str, now| (0..100).take_while(|_| all.draw(ip(from), Thing::Message, now).is_ok()).count();
        assert_eq!((brought("192.0.2.1", 0), brought("192.0.2.200", 0)), (7, 0));
        assert_eq!(
            all.draw(ip("192.0.2.9"), Thing::Message, 0).unwrap_err().to_string(),
            "192.0.2.0/24"
        );
        assert_eq!(
            (brought("2001:db8::1", 0), brought("2001:db8::2", 0), brought("2001:db8:0:1::1", 0)),
            (7, 0, 7)
        );
        assert_eq!(brought("192.0.2.1", 600_000), 7);
        assert!((0..1_000).all(|_| all.draw(ip("192.0.2.1"), Thing::Recipient, 0).is_ok()));
    }

    #[test]
    fn who_tries_out_recipients_waits_and_is_banned() {
        let all = strangers();
        let asked = |known, now| all.asked(ip("192.0.2.1"), known, now);
        assert_eq!(asked(true, 0), Probing::Nothing);
        assert_eq!((asked(false, 0), asked(false, 0)), (Probing::Nothing, Probing::Nothing));
        assert_eq!((asked(false, 0), asked(true, 0)), (Probing::Slower(SLOW), Probing::Nothing));
        assert_eq!((asked(false, 0), asked(true, 0)), (Probing::Slower(SLOW), Probing::Nothing));
        // The window of the first ones is over.
        assert_eq!(asked(false, 60_000), Probing::Nothing);
        let last: Vec<Probing> = (0..9).map(|_| asked(false, 60_001)).collect();
        assert_eq!(
            (last[0], last[1], last[8]),
            (Probing::Nothing, Probing::Slower(SLOW), Probing::Banned)
        );
        assert_eq!(asked(false, 60_002), Probing::Nothing, "the ban says the rest");
    }
}
