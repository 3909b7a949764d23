//! Files that change are read again, and what ends soon is warned of.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{Certificates, Inner};
use crate::model::certificate::Certificate;

/// How often the same certificate is warned of.
const BETWEEN_WARNINGS: SignedDuration = SignedDuration::from_hours(24);

impl Certificates {
    /// Looks at the files every `tls.watch_seconds`, and when [`Certificates::look`] asks for it, until it is stopped.
    pub async fn run(self, stop: CancellationToken) {
        let mut warned = HashMap::new();
        loop {
            self.warn(&mut warned);
            let pause = tokio::time::sleep(Duration::from_secs(self.inner.settings.watch_seconds));
            let at_once = tokio::select! {
                () = stop.cancelled() => return,
                () = self.inner.look.notified() => true,
                () = pause => false,
            };
            let all = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || all.inner.look_at_files(at_once)).await {
                tracing::error!(%error, "the certificates could not be looked at");
            }
        }
    }

    fn warn(&self, warned: &mut HashMap<String, Timestamp>) {
        let now = self.inner.clock.now();
        let all = self.list();
        warned.retain(|fingerprint, _| all.iter().any(|one| one.fingerprint == *fingerprint));
        for one in all {
            let is_fresh = warned
                .get(&one.fingerprint)
                .is_some_and(|last| now.duration_since(*last) < BETWEEN_WARNINGS);
            if let Some(warning) = warning(&one, now, self.inner.settings.warn_days).filter(|_| !is_fresh) {
                tracing::warn!(names = one.names.join(" "), not_after = %one.not_after, "{warning}");
                warned.insert(one.fingerprint, now);
            }
        }
    }
}

impl Inner {
    /// Reads what has changed; at once, or when nobody is writing any more.
    pub(super) fn look_at_files(&self, at_once: bool) {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut any = false;
        for pair in &mut pairs {
            if !(pair.has_changed() || at_once) {
                continue;
            }
            any = true;
            match pair.read() {
                Ok(()) => tracing::info!(file = %pair.file().display(), "certificate read"),
                Err(error) => tracing::error!("{error}; the certificate that was read before is kept"),
            }
        }
        // Only this task changes those of files.
        match any {
            true => self.put(pairs),
            false => *self.pairs.lock().unwrap_or_else(PoisonError::into_inner) = pairs,
        }
    }
}

/// What there is to say of a certificate that is not valid, or will not be for long.
fn warning(certificate: &Certificate, now: Timestamp, warn_days: u64) -> Option<String> {
    let left = certificate.not_after.duration_since(now);
    let days = left.as_hours() / 24;
    if left.is_negative() {
        Some("a certificate has expired: put a new one in its place".into())
    } else if certificate.not_before > now {
        Some(format!("a certificate is not valid before {}", certificate.not_before))
    } else if warn_days > 0 && days < i64::try_from(warn_days).unwrap_or(i64::MAX) {
        Some(format!("a certificate expires in {days} days: put a new one in its place"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::certificate::Source;

    #[test]
    fn what_ends_soon_is_warned_of() {
        let certificate = Certificate {
            names: vec!["mail.house.test".into()],
            issuer: String::new(),
            not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2026-03-31T00:00:00Z".parse().unwrap(),
            fingerprint: String::new(),
            source: Source::File,
            is_default: true,
            problem: None,
        };
        for (now, says) in [
            ("2025-12-31T00:00:00Z", Some("not valid before 2026-01-01T00:00:00Z")),
            ("2026-03-16T00:00:00Z", None),
            ("2026-03-17T00:00:01Z", Some("expires in 13 days")),
            ("2026-03-31T00:00:01Z", Some("has expired")),
        ] {
            let warning = warning(&certificate, now.parse().unwrap(), 14);
            match says {
                Some(says) => assert!(warning.is_some_and(|text| text.contains(says)), "{now}"),
                None => assert_eq!(warning, None, "{now}"),
            }
        }
    }
}
