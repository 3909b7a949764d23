//! Which hosts take the mail of a domain, in the order in which to try them.
//!
//! RFC 5321 §5.1 (preference, chance among equals, implicit MX, leaving out oneself), RFC 7505 §3 (null MX).

use rand::Rng;
use rand::seq::SliceRandom;

use crate::mail::dns::Mx;

/// More hosts than this are not looked at: a hostile zone may hold thousands.
const MOST_HOSTS: usize = 20;

/// What the MX records of a domain say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Exchangers {
    /// These, in this order.
    Hosts(Vec<Mx>),
    /// The domain takes no mail.
    NullMx,
    /// This server is the best of them, and does not know the domain.
    Ourselves,
}

/// Reads the records of a domain that exists. `own` is the name of this server.
pub(super) fn order(domain: &str, mut records: Vec<Mx>, own: &str, chance: &mut impl Rng) -> Exchangers {
    if records.is_empty() {
        // RFC 5321 §5.1: a domain without MX is its own mail server.
        records.push(Mx {
            preference: 0,
            exchange: domain.to_owned(),
        });
    }
    if let [only] = records.as_slice()
        && only.exchange.is_empty()
    {
        return Exchangers::NullMx;
    }
    // RFC 7505 §3: a "." beside others means nothing.
    records.retain(|record| !record.exchange.is_empty());
    records.shuffle(chance);
    records.sort_by_key(|record| record.preference);
    // RFC 5321 §5.1: our own name and what is not preferred to it are left out, or mail would go in circles.
    let ours = records
        .iter()
        .filter(|record| record.exchange.eq_ignore_ascii_case(own))
        .map(|record| record.preference)
        .min();
    if let Some(ours) = ours {
        records.retain(|record| record.preference < ours);
        if records.is_empty() {
            return Exchangers::Ourselves;
        }
    }
    records.truncate(MOST_HOSTS);
    Exchangers::Hosts(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn ordered(records: &[(u16, &str)], seed: u64) -> Result<Vec<String>, Exchangers> {
        let records = records.iter().map(|(preference, exchange)| Mx {
            preference: *preference,
            exchange: (*exchange).to_owned(),
        });
        let chance = &mut StdRng::seed_from_u64(seed);
        match order("remote.test", records.collect(), "mail.house.test", chance) {
            Exchangers::Hosts(hosts) => Ok(hosts.into_iter().map(|mx| mx.exchange).collect()),
            none => Err(none),
        }
    }

    fn hosts(names: &[&str]) -> Result<Vec<String>, Exchangers> {
        Ok(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn lower_preference_comes_first() {
        assert_eq!(ordered(&[(20, "b"), (10, "a"), (30, "c")], 1), hosts(&["a", "b", "c"]));
    }

    #[test]
    fn a_domain_without_mx_is_its_own_server() {
        assert_eq!(ordered(&[], 1), hosts(&["remote.test"]));
    }

    #[test]
    fn a_null_mx_takes_no_mail_unless_there_are_others() {
        assert_eq!(ordered(&[(0, "")], 1), Err(Exchangers::NullMx));
        assert_eq!(ordered(&[(0, ""), (10, "a")], 1), hosts(&["a"]));
    }

    #[test]
    fn we_do_not_send_to_ourselves_nor_to_those_behind_us() {
        let records = [(10, "a"), (20, "Mail.House.Test"), (20, "b"), (30, "c")];
        assert_eq!(ordered(&records, 1), hosts(&["a"]));
        assert_eq!(ordered(&[(10, "mail.house.test"), (10, "b")], 1), Err(Exchangers::Ourselves));
    }

    #[test]
    fn chance_decides_among_equals_only() {
        let records = [(10, "a"), (10, "b"), (20, "c")];
        let seen: Vec<_> = (0..50).map(|seed| ordered(&records, seed)).collect();
        assert!(seen.contains(&hosts(&["a", "b", "c"])));
        assert!(seen.contains(&hosts(&["b", "a", "c"])));
        assert!(seen.iter().flatten().all(|names| names[2] == "c"));
    }

    #[test]
    fn a_hostile_zone_is_bounded() {
        let many: Vec<(u16, &str)> = (0..1000).map(|_| (1, "x")).collect();
        assert_eq!(ordered(&many, 1).unwrap().len(), MOST_HOSTS);
    }
}
