//! What DNS says of a record, and whether it is right.

use std::net::IpAddr;

use super::{Checked, Kind, Needed, Purpose, State, Zones};
use crate::mail::dns::{NoAnswer, Srv};
use crate::model::address::Domain;
use crate::model::network::Network;

/// What was found, and what is to be said of it: nothing if it is right.
struct Finding {
    found: Vec<String>,
    problem: Option<String>,
}

impl Finding {
    fn right(found: Vec<String>) -> Self {
        Self { found, problem: None }
    }

    fn wrong(found: Vec<String>, problem: String) -> Self {
        Self {
            found,
            problem: Some(problem),
        }
    }
}

impl Zones {
    /// Looks a record up.
    pub(super) async fn check(&self, domain: &Domain, needed: Needed) -> Checked {
        let finding = match (needed.kind, needed.purpose) {
            (Kind::Mx, _) => self.mx(domain).await,
            (Kind::Address, _) => self.host().await,
            (Kind::Txt, Purpose::Spf) => self.spf(&needed).await,
            (Kind::Txt, _) => self.txt(&needed).await,
            (Kind::Cname, _) => self.alias(&needed).await,
            (Kind::Srv, _) => self.srv(&needed).await,
            (Kind::Tlsa, _) => self.tlsa(&needed).await,
        };
        let (found, state, problem) = match finding {
            Ok(Finding { found, problem: None }) => (found, State::Right, None),
            Ok(Finding { found, problem }) if found.is_empty() => (found, State::Missing, problem),
            Ok(Finding { found, problem }) => (found, State::Wrong, problem),
            Err(NoAnswer::NoSuchName(_)) => (Vec::new(), State::Missing, Some(missing(&needed))),
            Err(error) => (Vec::new(), State::Unknown, Some(error.to_string())),
        };
        Checked {
            needed,
            found,
            state,
            problem,
        }
    }

    async fn mx(&self, domain: &Domain) -> Result<Finding, NoAnswer> {
        let records = self.dns.mx(domain).await?.records;
        let found: Vec<String> = records.iter().map(|mx| format!("{} {}.", mx.preference, mx.exchange)).collect();
        let host = &self.hostname;
        if records.iter().any(|mx| mx.exchange.eq_ignore_ascii_case(host)) {
            return Ok(Finding::right(found));
        }
        let problem = match found.is_empty() {
            true => format!("{domain} has no MX record: mail for it goes to the address of {domain} itself, if it has one"),
            false => format!("mail for {domain} goes elsewhere, not to {host}"),
        };
        Ok(Finding::wrong(found, problem))
    }

    async fn host(&self) -> Result<Finding, NoAnswer> {
        let found = self.dns.addresses(&self.hostname).await?;
        let shown = found.iter().map(IpAddr::to_string).collect();
        Ok(match found.is_empty() {
            true => Finding::wrong(shown, format!("{} has no address: nobody finds this server", self.hostname)),
            false => Finding::right(shown),
        })
    }

    /// The TXT records of a name that begin as the wanted one does.
    async fn texts(&self, needed: &Needed) -> Result<Vec<String>, NoAnswer> {
        let value = needed.value.as_deref().unwrap_or_default();
        let version = value.split([';', ' ']).next().unwrap_or_default();
        let texts = self.dns.txt(&needed.name).await?;
        let texts = texts.iter().map(|octets| String::from_utf8_lossy(octets).into_owned());
        let is_of_kind = |text: &String| needed.purpose == Purpose::Dkim || text.to_lowercase().starts_with(&version.to_lowercase());
        Ok(texts.filter(is_of_kind).collect())
    }

    async fn spf(&self, needed: &Needed) -> Result<Finding, NoAnswer> {
        let found = self.texts(needed).await?;
        let problem = match found.as_slice() {
            [] => missing(needed),
            [record] => {
                let own = self.dns.addresses(&self.hostname).await.unwrap_or_default();
                if names_us(record, &needed.name, &self.hostname, &own) {
                    return Ok(Finding::right(found));
                }
                format!(
                    "the record does not name {}: add mx to it, so that others take mail from here for genuine",
                    self.hostname
                )
            }
            // RFC 7208 §4.5.
            _ => "there is more than one SPF record, so none of them counts: make one of them".to_owned(),
        };
        Ok(Finding::wrong(found, problem))
    }

    async fn txt(&self, needed: &Needed) -> Result<Finding, NoAnswer> {
        let found = self.texts(needed).await?;
        let value = needed.value.as_deref().unwrap_or_default();
        let problem = match (found.as_slice(), needed.purpose) {
            ([], _) => missing(needed),
            ([_, _, ..], _) => "there is more than one record of this kind, so none of them counts: leave one".to_owned(),
            ([record], Purpose::Dkim) => match tag(record, "p") == tag(value, "p") {
                true => return Ok(Finding::right(found)),
                false => "another key is published under this name: mail that is signed with ours fails there".to_owned(),
            },
            ([record], Purpose::Dmarc) => match tag(record, "p").as_deref() {
                Some("none" | "quarantine" | "reject") => return Ok(Finding::right(found)),
                _ => "the record has no policy: right would be p=none, p=quarantine or p=reject".to_owned(),
            },
            ([record], Purpose::TlsReports) => match tag(record, "rua") {
                Some(_) => return Ok(Finding::right(found)),
                None => "the record does not say where reports go: right would be rua=mailto:…".to_owned(),
            },
            ([record], _) => match tag(record, "id") {
                Some(_) => return Ok(Finding::right(found)),
                None => "the record has no id".to_owned(),
            },
        };
        Ok(Finding::wrong(found, problem))
    }

    /// A name that is to lead to this server, by an alias or by the same address.
    async fn alias(&self, needed: &Needed) -> Result<Finding, NoAnswer> {
        let answer = self.dns.host(&needed.name).await?;
        if let Some(alias) = &answer.alias
            && alias.of.eq_ignore_ascii_case(&self.hostname)
        {
            return Ok(Finding::right(vec![format!("{}.", alias.of)]));
        }
        let own = self.dns.addresses(&self.hostname).await.unwrap_or_default();
        let found: Vec<String> = answer.records.iter().map(IpAddr::to_string).collect();
        if answer.records.iter().any(|ip| own.contains(ip)) {
            return Ok(Finding::right(found));
        }
        let problem = match found.is_empty() {
            true => missing(needed),
            false => format!("{} leads elsewhere, not to {}", needed.name, self.hostname),
        };
        Ok(Finding::wrong(found, problem))
    }

    async fn srv(&self, needed: &Needed) -> Result<Finding, NoAnswer> {
        let records = self.dns.srv(&needed.name).await?;
        let found: Vec<String> = records.iter().map(ToString::to_string).collect();
        let wanted = needed.value.as_deref().unwrap_or_default();
        // Priority and weight are the operator's.
        let is_ours = |record: &Srv| wanted.ends_with(&format!(" {} {}.", record.port, record.target.to_lowercase()));
        if records.iter().any(is_ours) {
            return Ok(Finding::right(found));
        }
        let problem = match found.is_empty() {
            true => missing(needed),
            false => format!("mail clients are sent elsewhere: right would be {wanted}"),
        };
        Ok(Finding::wrong(found, problem))
    }

    async fn tlsa(&self, needed: &Needed) -> Result<Finding, NoAnswer> {
        let records = self.dns.tlsa(&needed.name).await?.records;
        let found: Vec<String> = records.iter().map(ToString::to_string).collect();
        let wanted = needed.value.as_deref().unwrap_or_default();
        if found.iter().any(|record| record == wanted) {
            return Ok(Finding::right(found));
        }
        let problem = match found.is_empty() {
            true => missing(needed),
            false => {
                "none of these records is about the certificate of this server: servers that look at them do not deliver here".to_owned()
            }
        };
        Ok(Finding::wrong(found, problem))
    }
}

/// What is lost without it.
fn missing(needed: &Needed) -> String {
    let name = &needed.name;
    match needed.purpose {
        Purpose::Mx => format!("{name} does not exist: nobody finds its mail server"),
        Purpose::Host => format!("{name} does not exist: nobody finds this server"),
        Purpose::Spf => "there is no SPF record: others do not know that mail from here is genuine".into(),
        Purpose::Dkim => "the key is not published: nobody can verify what it signs".into(),
        Purpose::Dmarc => "there is no DMARC record: large providers take mail without one for suspicious".into(),
        Purpose::MtaSts => "not published: others may deliver without TLS; it also needs a policy that is served over HTTPS".into(),
        Purpose::TlsReports => "not published: nobody tells you about deliveries that fail for TLS".into(),
        Purpose::Tlsa => "not published: others cannot check the certificate of this server; of use where the zone is signed".into(),
        Purpose::Clients => "not published: people have to type the name of the server into their mail clients".into(),
    }
}

/// Whether an SPF record lets this server send, as far as the record itself says; what it includes may do so too.
fn names_us(record: &str, domain: &str, host: &str, own: &[IpAddr]) -> bool {
    let lower = record.to_lowercase();
    lower.split_ascii_whitespace().any(|term| {
        let term = term.strip_prefix('+').unwrap_or(term);
        let network = |text: &str| Network::try_from(text.to_owned()).is_ok_and(|network| own.iter().any(|ip| network.contains(*ip)));
        match term.split_once(':') {
            None => term == "mx" || term.starts_with("redirect="),
            Some(("mx", name)) => name == domain,
            Some(("a", name)) => name.eq_ignore_ascii_case(host),
            Some(("ip4" | "ip6", _)) => term.get(4..).is_some_and(network),
            Some(("include", _)) => true,
            Some(_) => false,
        }
    })
}

/// The value of a tag in a list of `tag=value` (RFC 6376 §3.2), without spaces.
fn tag(record: &str, name: &str) -> Option<String> {
    record.split(';').find_map(|part| {
        let (found, value) = part.split_once('=')?;
        let value = || value.chars().filter(|c| !c.is_whitespace()).collect();
        found.trim().eq_ignore_ascii_case(name).then(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_spf_record_names_us_or_not() {
        let own = ["192.0.2.7".parse().unwrap()];
        for (record, expected) in [
            ("v=spf1 mx -all", true),
            ("v=spf1 +MX ~all", true),
            ("v=spf1 a:mail.house.test -all", true),
            ("v=spf1 ip4:192.0.2.0/24 -all", true),
            ("v=spf1 ip4:198.51.100.7 -all", false),
            ("v=spf1 include:other.test -all", true),
            ("v=spf1 -all", false),
        ] {
            assert_eq!(names_us(record, "house.test", "mail.house.test", &own), expected, "{record}");
        }
    }

    #[test]
    fn tags_are_found() {
        assert_eq!(tag("v=DKIM1; k=rsa; p=AB CD\t==", "p").as_deref(), Some("ABCD=="));
        assert_eq!(tag("v=DMARC1;P=none", "p").as_deref(), Some("none"));
        assert_eq!(tag("v=DMARC1", "p"), None);
    }
}
