//! What the checks ask of the name servers, all of it within one time.

use std::future::Future;
use std::net::IpAddr;

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::{Instant, timeout_at};

use crate::mail::dns::{Dns, NoAnswer};

/// Who answers. "There is none" and "I could not find out" are two things.
pub trait Names: Sync {
    /// The TXT records of a name.
    fn txt(&self, name: &str) -> impl Future<Output = Result<Vec<Vec<u8>>, NoAnswer>> + Send;
    /// Its IPv4 addresses.
    fn ipv4(&self, name: &str) -> impl Future<Output = Result<Vec<IpAddr>, NoAnswer>> + Send;
    /// Its IPv6 addresses.
    fn ipv6(&self, name: &str) -> impl Future<Output = Result<Vec<IpAddr>, NoAnswer>> + Send;
    /// Its mail servers, the preferred ones first.
    fn exchanges(&self, name: &str) -> impl Future<Output = Result<Vec<String>, NoAnswer>> + Send;
    /// The names of an address.
    fn names(&self, address: IpAddr) -> impl Future<Output = Result<Vec<String>, NoAnswer>> + Send;
}

/// The name servers, as long as there is time for one message.
pub(super) struct Asking<'d> {
    dns: &'d Dns,
    until: Instant,
    /// Something was answered.
    answered: AtomicBool,
    /// Something was not.
    failed: AtomicBool,
}

impl<'d> Asking<'d> {
    pub(super) fn new(dns: &'d Dns, until: Instant) -> Self {
        Self {
            dns,
            until,
            answered: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        }
    }

    /// Whether nobody has answered anything that was asked.
    pub(super) fn was_in_vain(&self) -> bool {
        self.failed.load(Ordering::Relaxed) && !self.answered.load(Ordering::Relaxed)
    }

    async fn ask<T>(&self, name: String, answer: impl Future<Output = Result<T, NoAnswer>> + Send) -> Result<T, NoAnswer> {
        let is_local = name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        let answer = timeout_at(self.until, answer).await.unwrap_or_else(|_| {
            Err(NoAnswer::Temporary {
                name,
                problem: "there was no answer in time".into(),
            })
        });
        match &answer {
            // Of this machine itself the resolver knows without asking.
            Ok(_) if is_local => {}
            Ok(_) | Err(NoAnswer::NoSuchName(_)) => self.answered.store(true, Ordering::Relaxed),
            Err(NoAnswer::Temporary { .. } | NoAnswer::Bogus(_)) => self.failed.store(true, Ordering::Relaxed),
        }
        answer
    }
}

impl Names for Asking<'_> {
    fn txt(&self, name: &str) -> impl Future<Output = Result<Vec<Vec<u8>>, NoAnswer>> + Send {
        self.ask(name.to_owned(), self.dns.txt(name))
    }

    fn ipv4(&self, name: &str) -> impl Future<Output = Result<Vec<IpAddr>, NoAnswer>> + Send {
        self.ask(name.to_owned(), self.dns.ipv4(name))
    }

    fn ipv6(&self, name: &str) -> impl Future<Output = Result<Vec<IpAddr>, NoAnswer>> + Send {
        self.ask(name.to_owned(), self.dns.ipv6(name))
    }

    fn exchanges(&self, name: &str) -> impl Future<Output = Result<Vec<String>, NoAnswer>> + Send {
        self.ask(name.to_owned(), self.dns.exchanges(name))
    }

    fn names(&self, address: IpAddr) -> impl Future<Output = Result<Vec<String>, NoAnswer>> + Send {
        self.ask(address.to_string(), self.dns.names(address))
    }
}
