//! Whether the name of the client's address leads back to it (RFC 8601 §3).

use std::net::IpAddr;

use futures_util::future::join_all;

use super::Names;
use crate::mail::dns::NoAnswer;
use crate::model::verdict::{Iprev, Outcome};

/// The most names of an address that are looked up.
const MOST_NAMES: usize = 5;

/// Looks the address up, and its names.
pub(super) async fn check(names: &impl Names, peer: IpAddr) -> Iprev {
    let peer = peer.to_canonical();
    let found = match names.names(peer).await {
        Ok(found) => found,
        Err(NoAnswer::NoSuchName(_)) => Vec::new(),
        Err(NoAnswer::Temporary { .. } | NoAnswer::Bogus(_)) => return plain(Outcome::TempError, None),
    };
    let Some(first) = found.first().cloned() else {
        return plain(Outcome::PermError, None);
    };
    let addresses = found.iter().take(MOST_NAMES).map(|name| async move {
        match peer {
            IpAddr::V4(_) => names.ipv4(name).await,
            IpAddr::V6(_) => names.ipv6(name).await,
        }
    });
    let answers = join_all(addresses).await;
    let leads_back = |answer: &Result<Vec<IpAddr>, NoAnswer>| answer.as_ref().is_ok_and(|found| found.contains(&peer));
    if let Some((_, name)) = answers.iter().zip(found).find(|(answer, _)| leads_back(answer)) {
        return plain(Outcome::Pass, Some(name));
    }
    match answers.iter().any(|answer| matches!(answer, Err(NoAnswer::Temporary { .. }))) {
        true => plain(Outcome::TempError, Some(first)),
        false => plain(Outcome::Fail, Some(first)),
    }
}

fn plain(outcome: Outcome, name: Option<String>) -> Iprev {
    Iprev { outcome, name }
}

#[cfg(test)]
mod tests {
    use super::super::zone::Zone;
    use super::*;

    #[tokio::test]
    async fn a_name_must_lead_back() {
        let zone = Zone::default()
            .ptr("192.0.2.1", "other.test")
            .ptr("192.0.2.1", "mx.test")
            .ptr("192.0.2.2", "mx.test")
            .ptr("192.0.2.3", "broken.test")
            .ptr("2001:db8::1", "six.test")
            .host("mx.test", "192.0.2.1")
            .host("six.test", "2001:db8::1");
        for (peer, outcome, name) in [
            ("192.0.2.1", Outcome::Pass, Some("mx.test")),
            ("::ffff:192.0.2.1", Outcome::Pass, Some("mx.test")),
            ("192.0.2.2", Outcome::Fail, Some("mx.test")),
            ("192.0.2.3", Outcome::TempError, Some("broken.test")),
            ("192.0.2.4", Outcome::PermError, None),
            ("2001:db8::1", Outcome::Pass, Some("six.test")),
        ] {
            let found = check(&zone, peer.parse().unwrap()).await;
            assert_eq!((found.outcome, found.name.as_deref()), (outcome, name), "{peer}");
        }
    }
}
