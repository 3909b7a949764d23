//! HTTPS towards other domains, with the resolver of the house.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use rustls::ClientConfig;

use crate::mail::dns::Dns;

/// RFC 8461 §3.3: how long fetching a policy may take; sending a report may take as long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A client that follows no redirect (RFC 8461 §3.3); `tls` says whose certificates do.
pub(super) fn client(dns: Dns, tls: ClientConfig) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .timeout(PATIENCE)
        .dns_resolver(OurDns(dns))
        .build()
}

/// The resolver of the house, for the HTTP client.
struct OurDns(Dns);

impl Resolve for OurDns {
    fn resolve(&self, name: Name) -> Resolving {
        let dns = self.0.clone();
        Box::pin(async move {
            let found = dns.addresses(name.as_str()).await?;
            // The port is that of the address that is asked for.
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}
