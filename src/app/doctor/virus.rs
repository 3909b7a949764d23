//! Who looks for viruses: whether they answer.

use super::{Area, Finding};
use crate::config::{Config, VirusFailure};
use crate::mail::virus::Virus;

pub(super) async fn examine(config: &Config) -> Option<Finding> {
    let (address, said) = Virus::open(&config.virus).examine().await?;
    Some(match (said, config.virus.on_failure) {
        (Ok(version), _) => Finding::fine(Area::Virus, format!("clamd at {address} answers: {version}")),
        (Err(error), VirusFailure::Tempfail) => Finding::wrong(
            Area::Virus,
            format!("{address}: {error}: no mail is taken"),
            "start clamd, or correct virus.clamd_address",
        ),
        (Err(error), VirusFailure::Accept) => Finding::doubtful(
            Area::Virus,
            format!("{address}: {error}: mail is taken as it comes"),
            "start clamd, or correct virus.clamd_address",
        ),
    })
}
