//! Where the mail for a destination goes: a fixed route, the smarthost, or the destination's own servers.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use crate::config;
use crate::model::address::{Domain, Host};

/// A server named in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
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
}

impl Routes {
    pub(super) fn read(settings: &config::Outbound) -> Result<Self, BadRoute> {
        let fixed = settings.routes.iter().map(|(domain, server)| {
            let key = format!("outbound.routes.{domain}");
            let domain = Domain::parse(domain).map_err(|bad| BadRoute(format!("{key}: {bad}")))?;
            Ok((domain, Server::read(&key, server)?))
        });
        let smarthost = Some(settings.smarthost.as_str()).filter(|text| !text.is_empty());
        Ok(Self {
            fixed: fixed.collect::<Result<_, _>>()?,
            smarthost: smarthost.map(|text| Server::read("outbound.smarthost", text)).transpose()?,
        })
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

impl Server {
    /// Reads `host:port` or `[IPv6 address]:port`.
    fn read(key: &str, text: &str) -> Result<Self, BadRoute> {
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
        Ok(Self { host, port })
    }
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
            let server = Server::read("k", text).unwrap();
            assert_eq!((server.host.as_str(), server.port), (host, port));
        }
        for text in ["", "mx.test", "mx.test:0", "mx.test:x", "::1:25", ":25", "[mx]:25", "a b:25"] {
            assert!(Server::read("k", text).is_err(), "{text}");
        }
    }

    #[test]
    fn fixed_routes_win_over_the_smarthost_and_that_over_mx() {
        let mut settings = config::Outbound::default();
        settings.routes.insert("Fixed.Test".into(), "127.0.0.1:26".into());
        let fixed = Host::Domain("fixed.test".parse().unwrap());
        let other = Host::Domain("other.test".parse().unwrap());
        let routes = Routes::read(&settings).unwrap();
        assert_eq!(routes.lane(&fixed).to_string(), "127.0.0.1:26");
        assert!(matches!(routes.lane(&other), Lane::Domain(_)));
        settings.smarthost = "smart.test:587".into();
        let routes = Routes::read(&settings).unwrap();
        assert_eq!(routes.lane(&fixed).to_string(), "127.0.0.1:26");
        assert_eq!(routes.lane(&other).to_string(), "smart.test:587");
    }
}
