//! Filters beside the server: whether they answer.

use super::{Area, Finding};
use crate::config::{Config, MilterFailure};
use crate::mail::milter::Milters;

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let settings = &config.milter;
    let mut findings = Vec::new();
    for (key, addresses) in [("smtp", &settings.smtp), ("submission", &settings.submission)] {
        for (address, found) in Milters::open(key, addresses, settings, &config.hostname).examine().await {
            let advice = format!("start it, or correct milter.{key}");
            findings.push(match (found, settings.on_failure) {
                (Ok(()), _) => Finding::fine(Area::Milters, format!("{address} answers")),
                (Err(error), MilterFailure::Accept) => {
                    Finding::doubtful(Area::Milters, format!("{address}: {error}: it has no say"), advice)
                }
                (Err(error), _) => Finding::wrong(Area::Milters, format!("{address}: {error}: no mail is taken"), advice),
            });
        }
    }
    findings
}
