//! When a certificate is asked for again.

use crate::wire::x509::Described;

/// The longest wait after a failure.
const LONGEST: i64 = 12 * 3_600_000;

/// The millisecond in which a certificate is renewed: after two thirds of its time, less up to a twentieth by chance, so that not all are
/// renewed at once.
pub(super) fn renewal(certificate: &Described, chance: u16) -> i64 {
    let (from, until) = (certificate.not_before.as_millisecond(), certificate.not_after.as_millisecond());
    let lifetime = until.saturating_sub(from).max(0);
    let earlier = (lifetime / 20 / i64::from(u16::MAX)).saturating_mul(i64::from(chance));
    from.saturating_add(lifetime / 3 * 2).saturating_sub(earlier)
}

/// The millisecond of the next try after so many failures before this one; up to a quarter later by chance.
pub(super) fn retry(now_ms: i64, seconds: u64, failures: u32, chance: u16) -> i64 {
    let first = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(LONGEST);
    let wait = first.saturating_mul(1 << failures.min(20)).min(LONGEST.max(first));
    let later = wait / 4 * i64::from(chance) / i64::from(u16::MAX);
    now_ms.saturating_add(wait).saturating_add(later)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewals_come_after_two_thirds_of_the_time() {
        let certificate = Described {
            names: Vec::new(),
            issuer: String::new(),
            self_signed: false,
            not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2026-04-01T00:00:00Z".parse().unwrap(),
        };
        let at = |chance| crate::model::clock::timestamp(renewal(&certificate, chance)).to_string();
        assert_eq!(at(0), "2026-03-02T00:00:00Z");
        assert!(at(u16::MAX).starts_with("2026-02-25T12"), "{}", at(u16::MAX));
    }

    #[test]
    fn failures_are_repeated_later_and_later() {
        let waits: Vec<i64> = (0..9).map(|failures| retry(0, 300, failures, 0) / 60_000).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 720]);
        assert_eq!(retry(0, 300, 0, u16::MAX), 375_000);
        assert_eq!(retry(0, 300, u32::MAX, 0), LONGEST);
    }
}
