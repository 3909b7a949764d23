//! Where events may be posted: no server of ours is made to call the house's own machines for somebody who only has an account here.
//!
//! The address is judged after the name was resolved, at the connection itself, so a name that leads elsewhere a moment later is of no use.
//! Redirections are not followed.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect};

use crate::config;
use crate::mail::dns::Dns;
use crate::mail::relay;
use crate::model::network::{Network, is_of_the_internet};
use crate::model::refusal::Refusal;

/// The longest URL.
const MOST_URL: usize = 2_000;
/// The most octets of an answer that are read: only its status counts, but a connection that is read to its end can be used again.
const MOST_ANSWER: usize = 16_384;
/// The most characters of an error that are kept.
const MOST_ERROR: usize = 300;

/// What may be called, and how.
pub(super) struct Targets {
    dns: Dns,
    settings: config::Webhooks,
    /// Made when something is posted: commands that post nothing need not read all certificate authorities.
    client: OnceLock<Result<Client, String>>,
}

/// What is sent besides the body.
pub(super) struct Signed {
    pub(super) id: String,
    pub(super) seconds: i64,
    pub(super) signatures: String,
}

impl Targets {
    pub(super) fn new(dns: Dns, settings: config::Webhooks) -> Self {
        let client = OnceLock::new();
        Self { dns, settings, client }
    }

    fn make_client(&self) -> Result<Client, String> {
        let tls = relay::verified(None).map_err(|error| error.to_string())?;
        Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(self.settings.timeout_seconds))
            .user_agent(concat!("posthouse/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Guarded {
                dns: self.dns.clone(),
                networks: self.settings.allow_networks.clone(),
            })
            .build()
            .map_err(|error| error.to_string())
    }

    /// Whether events may be posted there, as far as the URL tells. Errors: Invalid.
    pub(super) fn check(&self, url: &str) -> Result<Url, Refusal> {
        let invalid = |problem: &str| Refusal::Invalid {
            field: "url",
            problem: format!("{problem}; right would be such as https://panel.example.org/hook"),
        };
        if url.len() > MOST_URL {
            return Err(invalid("is longer than 2000 octets"));
        }
        let url = Url::parse(url).map_err(|error| invalid(&error.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if self.settings.allow_http => {}
            _ => return Err(invalid("is not of https")),
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(invalid("has a user name, a password or a fragment"));
        }
        let host = url.host_str().ok_or_else(|| invalid("has no host"))?;
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if literal.is_ok_and(|ip| !may_be_called(ip, &self.settings.allow_networks)) {
            return Err(invalid("leads to an address of a network that may not be called"));
        }
        Ok(url)
    }

    /// Posts; the status of the answer, or why there is none.
    pub(super) async fn post(&self, url: &str, signed: Signed, body: String) -> Result<u16, String> {
        let url = self.check(url).map_err(|refusal| refusal.to_string())?;
        let client = self.client.get_or_init(|| self.make_client()).as_ref().map_err(Clone::clone)?;
        let request = client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", signed.id)
            .header("webhook-timestamp", signed.seconds)
            .header("webhook-signature", signed.signatures)
            .body(body);
        let mut answer = request.send().await.map_err(causes)?;
        let status = answer.status().as_u16();
        let mut read = 0_usize;
        while let Ok(Some(piece)) = answer.chunk().await {
            read = read.saturating_add(piece.len());
            if read > MOST_ANSWER {
                break;
            }
        }
        Ok(status)
    }
}

/// The error with all that led to it, without the URL.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().filter(|c| !c.is_control()).take(MOST_ERROR).collect()
}

/// The resolver of the house, which gives no addresses that may not be called.
struct Guarded {
    dns: Dns,
    networks: Vec<Network>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (dns, networks) = (self.dns.clone(), self.networks.clone());
        Box::pin(async move {
            let found = dns.addresses(name.as_str()).await?;
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|ip| may_be_called(*ip, &networks))
                // The port is that of the URL.
                .map(|ip| SocketAddr::new(ip, 0))
                .collect();
            if allowed.is_empty() {
                return Err("its name leads to no address that may be called".into());
            }
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}

fn may_be_called(ip: IpAddr, networks: &[Network]) -> bool {
    is_of_the_internet(ip) || networks.iter().any(|network| network.contains(ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_called() {
        let public = [
            "192.0.1.1",
            "8.8.8.8",
            "100.128.0.1",
            "2a00:1450::1",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
        ];
        let own = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001:db8::1",
            "2001::1",
        ];
        for ip in public {
            assert!(is_of_the_internet(ip.parse().unwrap()), "{ip}");
        }
        let networks = ["127.0.0.0/8".to_owned().try_into().unwrap()];
        for ip in own {
            let ip: IpAddr = ip.parse().unwrap();
            assert!(!is_of_the_internet(ip), "{ip}");
            assert_eq!(
                may_be_called(ip, &networks),
                ip.to_canonical().is_loopback() && ip.to_canonical().is_ipv4(),
                "{ip}"
            );
        }
    }

    #[tokio::test]
    async fn urls_are_judged() {
        let targets = |settings: config::Webhooks| Targets::new(Dns::open(&config::Dns::default()).unwrap(), settings);
        let strict = targets(config::Webhooks::default());
        for wrong in [
            "",
            "panel",
            "ftp://panel.test/",
            "http://panel.test/",
            "https://user@panel.test/",
            "https://panel.test/#x",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            &format!("https://panel.test/{}", "x".repeat(2_000)),
        ] {
            assert!(strict.check(wrong).is_err(), "{wrong}");
        }
        assert!(strict.check("https://panel.test:8443/hook?x=1").is_ok());
        let loose = targets(config::Webhooks {
            allow_http: true,
            allow_networks: vec!["127.0.0.0/8".to_owned().try_into().unwrap()],
            ..config::Webhooks::default()
        });
        assert!(loose.check("http://127.0.0.1:9/").is_ok());
        assert!(loose.check("http://10.0.0.1/").is_err());
    }
}
