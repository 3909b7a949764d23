//! Where the mail for a destination goes: a fixed route, the smarthost, or the destination's own servers.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use crate::config::{self, OutboundTls, TlsPolicy};
use crate::model::address::{Domain, Host};
use crate::model::secret::Secret;

/// A server named in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Which of the configured ways leads there: two ways to one server share no connection.
    way: usize,
}

/// How to talk to the servers of a lane.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Way {
    /// Our name for EHLO.
    pub(super) helo_name: String,
    pub(super) tls: OutboundTls,
    /// Empty: no login.
    pub(super) username: String,
    pub(super) password: Secret,
    source_addresses: Vec<IpAddr>,
    /// 0: no bound.
    messages_per_minute: u64,
}

impl Way {
    /// The address from which to connect to another; none if the system is to choose.
    pub(super) fn source(&self, to: IpAddr) -> Option<IpAddr> {
        self.source_addresses
            .iter()
            .find(|source| source.is_ipv4() == to.is_ipv4())
            .copied()
    }
}

/// What shares its connections and its fate: all mail that goes to the same place. Dispatch works it off lane by lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The mail servers of a domain.
    Domain(Domain),
    /// An address literal.
    Literal(IpAddr),
    /// A server fixed by `outbound.routes`.
    Route(Server),
    /// The server of `outbound.smarthost`.
    Smarthost(Server),
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Literal(ip) => ip.fmt(f),
            Self::Route(server) | Self::Smarthost(server) => write!(f, "{}:{}", server.host, server.port),
        }
    }
}

/// The routes of `outbound` are wrong: a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadRoute(pub(super) String);

/// The configured routes.
#[derive(Debug)]
pub(super) struct Routes {
    fixed: HashMap<Domain, Server>,
    smarthost: Option<Server>,
    /// What domains' own servers must have.
    policies: HashMap<Domain, TlsPolicy>,
    /// How many messages a minute they get.
    rates: HashMap<Domain, u64>,
    /// The way to domains' own servers.
    usual: Way,
    /// Those to configured servers, by [`Server::way`].
    ways: Vec<Way>,
}

impl Routes {
    /// `hostname` is said in EHLO where nothing else is configured.
    pub(super) fn read(hostname: &str, settings: &config::Outbound) -> Result<Self, BadRoute> {
        let usual = Way {
            helo_name: either(&settings.helo_name, hostname),
            tls: OutboundTls::Opportunistic,
            username: String::new(),
            password: Secret::new(""),
            source_addresses: settings.source_addresses.clone(),
            messages_per_minute: settings.messages_per_minute,
        };
        let mut routes = Self {
            fixed: HashMap::new(),
            smarthost: None,
            policies: HashMap::new(),
            rates: HashMap::new(),
            usual,
            ways: Vec::new(),
        };
        for (domain, route) in &settings.routes {
            let key = format!("outbound.routes.{domain}");
            let server = routes.server(&key, route)?;
            routes.fixed.insert(parsed(&key, domain)?, server);
        }
        for (domain, policy) in &settings.tls_policy {
            let domain = parsed(&format!("outbound.tls_policy.{domain}"), domain)?;
            routes.policies.insert(domain, *policy);
        }
        for (domain, rate) in &settings.rates {
            routes.rates.insert(parsed(&format!("outbound.rates.{domain}"), domain)?, *rate);
        }
        if !settings.smarthost.is_empty() {
            let route = config::Route {
                tls: settings.tls,
                username: settings.username.clone(),
                password: settings.password.clone(),
                ..config::Route::to(&settings.smarthost)
            };
            routes.smarthost = Some(routes.server("outbound.smarthost", &route)?);
        }
        Ok(routes)
    }

    /// Reads a route, and notes the way it goes.
    fn server(&mut self, key: &str, route: &config::Route) -> Result<Server, BadRoute> {
        let mut way = Way {
            helo_name: either(&route.helo_name, &self.usual.helo_name),
            tls: route.tls,
            username: route.username.clone(),
            password: route.password.clone(),
            source_addresses: route.source_addresses.clone(),
            messages_per_minute: route.messages_per_minute.unwrap_or(self.usual.messages_per_minute),
        };
        if way.source_addresses.is_empty() {
            way.source_addresses.clone_from(&self.usual.source_addresses);
        }
        let number = self.ways.iter().position(|known| *known == way).unwrap_or_else(|| {
            self.ways.push(way);
            self.ways.len() - 1
        });
        let (host, port) = host_and_port(key, &route.server)?;
        Ok(Server { host, port, way: number })
    }

    /// The way to the servers of a lane.
    pub(super) fn way(&self, lane: &Lane) -> &Way {
        match lane {
            Lane::Route(server) | Lane::Smarthost(server) => self.ways.get(server.way).unwrap_or(&self.usual),
            Lane::Domain(_) | Lane::Literal(_) => &self.usual,
        }
    }

    /// What is configured for a domain's own servers.
    pub(super) fn policy(&self, lane: &Lane) -> Option<TlsPolicy> {
        match lane {
            Lane::Domain(domain) => self.policies.get(domain).copied(),
            _ => None,
        }
    }

    /// The most messages a minute over a lane; 0: no bound.
    pub(super) fn rate(&self, lane: &Lane) -> u64 {
        let own = match lane {
            Lane::Domain(domain) => self.rates.get(domain).copied(),
            _ => None,
        };
        own.unwrap_or(self.way(lane).messages_per_minute)
    }

    /// The lane of a destination: fixed routes win over the smarthost, and that over MX.
    pub(super) fn lane(&self, destination: &Host) -> Lane {
        if let Host::Domain(domain) = destination
            && let Some(server) = self.fixed.get(domain)
        {
            return Lane::Route(server.clone());
        }
        match (&self.smarthost, destination) {
            (Some(server), _) => Lane::Smarthost(server.clone()),
            (None, Host::Domain(domain)) => Lane::Domain(domain.clone()),
            (None, Host::Literal(ip)) => Lane::Literal(*ip),
        }
    }
}

fn either(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise } else { text }.to_owned()
}

fn parsed(key: &str, domain: &str) -> Result<Domain, BadRoute> {
    Domain::parse(domain).map_err(|bad| BadRoute(format!("{key}: {bad}")))
}

/// Reads `host:port` or `[IPv6 address]:port`.
fn host_and_port(key: &str, text: &str) -> Result<(String, u16), BadRoute> {
    let wrong = || BadRoute(format!("{key}: '{text}' is no 'host:port'; right would be 'mail.example.org:25'"));
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(ip) => ip.parse::<IpAddr>().map(|ip| ip.to_string()).map_err(|_| wrong())?,
        None => match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => ip.to_string(),
            Ok(IpAddr::V6(_)) => return Err(wrong()),
            Err(_) => Domain::parse(host).map_err(|_| wrong())?.to_string(),
        },
    };
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read() {
        for (text, host, port) in [
            ("mx.test:25", "mx.test", 25),
            ("127.0.0.1:2525", "127.0.0.1", 2525),
            ("[::1]:25", "::1", 25),
        ] {
            assert_eq!(host_and_port("k", text).unwrap(), (host.to_owned(), port));
        }
        for text in ["", "mx.test", "mx.test:0", "mx.test:x", "::1:25", ":25", "[mx]:25", "a b:25"] {
            assert!(host_and_port("k", text).is_err(), "{text}");
        }
    }

    #[test]
    fn fixed_routes_win_over_the_smarthost_and_that_over_mx() {
        let mut settings = config::Outbound::default();
        settings.routes.insert("Fixed.Test".into(), config::Route::to("127.0.0.1:26"));
        let fixed = Host::Domain("fixed.test".parse().unwrap());
        let other = Host::Domain("other.test".parse().unwrap());
        let routes = Routes::read("mail.house.test", &settings).unwrap();
        assert_eq!(routes.lane(&fixed).to_string(), "127.0.0.1:26");
        assert!(matches!(routes.lane(&other), Lane::Domain(_)));
        settings.smarthost = "smart.test:587".into();
        let routes = Routes::read("mail.house.test", &settings).unwrap();
        assert_eq!(routes.lane(&fixed).to_string(), "127.0.0.1:26");
        assert_eq!(routes.lane(&other).to_string(), "smart.test:587");
    }

    #[test]
    fn ways_are_told_apart() {
        let mut settings = config::Outbound {
            source_addresses: vec!["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()],
            ..config::Outbound::default()
        };
        let plain = config::Route::to("mx.test:25");
        settings.routes.insert("a.test".into(), plain.clone());
        settings.routes.insert("b.test".into(), plain.clone());
        let special = config::Route {
            username: "ada".into(),
            helo_name: "out.test".into(),
            messages_per_minute: Some(6),
            source_addresses: vec!["192.0.2.8".parse().unwrap()],
            ..plain
        };
        settings.routes.insert("c.test".into(), special);
        settings.tls_policy.insert("d.test".into(), TlsPolicy::Required);
        settings.messages_per_minute = 5;
        settings.rates.insert("E.test".into(), 7);
        let routes = Routes::read("mail.house.test", &settings).unwrap();
        let lane = |name: &str| routes.lane(&Host::Domain(name.parse().unwrap()));
        assert_eq!(lane("a.test"), lane("b.test"), "one connection for both");
        assert_ne!(lane("a.test"), lane("c.test"), "though the server is the same");
        let shown = |name: &str, to: &str| {
            let way = routes.way(&lane(name)).clone();
            let source = way.source(to.parse().unwrap()).map(|ip| ip.to_string());
            format!("{} {} {}", way.helo_name, way.username, source.unwrap_or_default())
        };
        assert_eq!(shown("a.test", "198.51.100.1"), "mail.house.test  192.0.2.7");
        assert_eq!(shown("d.test", "2001:db8::1"), "mail.house.test  2001:db8::7");
        assert_eq!(shown("c.test", "198.51.100.1"), "out.test ada 192.0.2.8");
        assert_eq!(shown("c.test", "2001:db8::1"), "out.test ada ");
        assert_eq!(routes.policy(&lane("d.test")), Some(TlsPolicy::Required));
        assert_eq!(routes.policy(&lane("a.test")), None);
        assert_eq!(
            ["a.test", "c.test", "d.test", "e.test"].map(|name| routes.rate(&lane(name))),
            [5, 6, 5, 7]
        );
    }
}
