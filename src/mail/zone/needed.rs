//! The records that a domain needs.

use super::{Kind, Needed, Purpose};
use crate::model::address::Domain;
use crate::model::client::ClientServers;
use crate::model::dkim::{DkimKey, KeyState};
use crate::wire::mta_sts::Policy;

/// All of them.
pub(super) fn records(
    domain: &Domain,
    (host, servers): (&str, &ClientServers),
    keys: &[DkimKey],
    (public_key, policy): (Option<[u8; 32]>, Option<&Policy>),
) -> Vec<Needed> {
    let name = domain.to_string();
    let mut records = vec![
        record(Purpose::Mx, name.clone(), Kind::Mx, format!("10 {host}."), true),
        Needed {
            purpose: Purpose::Host,
            name: host.to_owned(),
            kind: Kind::Address,
            value: None,
            required: true,
        },
        record(Purpose::Spf, name.clone(), Kind::Txt, "v=spf1 mx -all".into(), true),
    ];
    records.extend(keys.iter().map(|key| {
        let required = key.state == KeyState::Active;
        record(Purpose::Dkim, key.record_name(), Kind::Txt, key.record(), required)
    }));
    let report = format!("mailto:postmaster@{name}");
    let dmarc = format!("v=DMARC1; p=quarantine; rua={report}");
    records.push(record(Purpose::Dmarc, format!("_dmarc.{name}"), Kind::Txt, dmarc, true));
    let tls = format!("v=TLSRPTv1; rua={report}");
    records.push(record(Purpose::TlsReports, format!("_smtp._tls.{name}"), Kind::Txt, tls, false));
    if let Some(policy) = policy {
        let text = format!("v=STSv1; id={}", policy.id());
        records.push(record(Purpose::MtaSts, format!("_mta-sts.{name}"), Kind::Txt, text, false));
        let alias = format!("{host}.");
        records.push(record(Purpose::MtaSts, format!("mta-sts.{name}"), Kind::Cname, alias, false));
    }
    if let Some(digest) = public_key {
        // RFC 7672 §3.1.1: DANE-EE, the public key, SHA-256.
        let digest: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        records.push(record(
            Purpose::Tlsa,
            format!("_25._tcp.{host}"),
            Kind::Tlsa,
            format!("3 1 1 {digest}"),
            false,
        ));
    }
    records.extend(of_clients(&name, (host, servers)));
    records
}

fn record(purpose: Purpose, name: String, kind: Kind, value: String, required: bool) -> Needed {
    Needed {
        purpose,
        name,
        kind,
        value: Some(value),
        required,
    }
}

/// Those by which mail clients find their servers.
fn of_clients(name: &str, (host, servers): (&str, &ClientServers)) -> Vec<Needed> {
    let srv = |(service, port, host): (&str, u16, &str)| {
        let value = format!("0 1 {port} {host}.");
        record(Purpose::Clients, format!("{service}._tcp.{name}"), Kind::Srv, value, false)
    };
    let services = servers
        .services
        .iter()
        .map(|service| (service.srv(), service.port, servers.host.as_str()))
        // Outlook asks over HTTPS, where autodiscover.DOMAIN has no certificate (of that name).
        .chain([("_autodiscover", 443, host)]);
    let alias = |prefix: &str| {
        let value = format!("{host}.");
        record(Purpose::Clients, format!("{prefix}.{name}"), Kind::Cname, value, false)
    };
    services
        .map(srv)
        .chain(["autoconfig", "autodiscover"].into_iter().map(alias))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_records_name_this_server() {
        let domain = "bücher.example".parse().unwrap();
        let servers = ClientServers::new("mail.house.test".into(), |listener| (listener == "imaps").then_some(993));
        let records = records(&domain, ("mail.house.test", &servers), &[], (Some([0xab; 32]), None));
        let file: String = records.iter().map(Needed::to_string).collect();
        for line in [
            "xn--bcher-kva.example. 3600 IN MX 10 mail.house.test.",
            "; mail.house.test. 3600 IN A the public address of this server",
            "xn--bcher-kva.example. 3600 IN TXT \"v=spf1 mx -all\"",
            "_imaps._tcp.xn--bcher-kva.example. 3600 IN SRV 0 1 993 mail.house.test.",
        ] {
            assert!(file.lines().any(|found| found == line), "{line} in {file}");
        }
        assert!(!file.contains("_pop3s") && !file.contains("mta-sts"), "{file}");
        assert!(file.contains("_25._tcp.mail.house.test. 3600 IN TLSA 3 1 1 abab"), "{file}");
    }
}
