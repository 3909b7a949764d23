//! Other organisations' mail servers on loopback, each at an address of its own, all on one port, and the name server that knows them.

use std::net::{Ipv4Addr, SocketAddr};

use super::dns::Dns;
use super::house::Builder;
use super::mx::{Manner, Mx};
use super::ports::free_port;

/// The servers' street.
pub struct Street {
    port: u16,
    /// Who lives where.
    pub dns: Dns,
    built: u8,
}

impl Street {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            port: free_port(),
            dns: Dns::start(),
            built: 0,
        }
    }

    /// A server for a domain; none: an address where nobody listens.
    pub fn build(&mut self, domain: &str, manner: Option<Manner>) -> Option<Mx> {
        self.built += 1;
        let ip = Ipv4Addr::new(127, 0, 1, self.built);
        let host = format!("mx.{domain}");
        self.dns.mx(domain, 10, &host).host(&host, &ip.to_string());
        manner.map(|manner| Mx::mannered(SocketAddr::new(ip.into(), self.port), manner))
    }

    /// A house that sends its mail here.
    pub fn house(&self, builder: Builder) -> Builder {
        builder
            .set("dns.servers", vec![self.dns.address()])
            .set("outbound.smtp_port", i64::from(self.port))
            .set("queue.retry_first_seconds", 1)
            .set("queue.retry_max_seconds", 1)
            .set("smtp.max_recipients", 10_000)
            .set("submission.messages_per_hour", 0)
            .set("submission.messages_per_day", 0)
            .set("submission.recipients_per_hour", 0)
            .set("submission.recipients_per_day", 0)
    }
}
