//! `posthouse certificate`.

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use crate::model::certificate;

/// The commands of `posthouse certificate`.
#[derive(Debug, Subcommand)]
pub(super) enum Certificate {
    /// List the certificates that clients are shown, the default first
    List,
}

impl Certificate {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        match (self, house) {
            (Self::List, House::Here(services)) => {
                let certificates = services.certificates.clone();
                let load = tokio::task::spawn_blocking(move || certificates.load());
                let load = load.await.map_err(|error| Failure::Unusable(error.to_string()))?;
                load.map_err(|error| Failure::Unusable(error.to_string()))?;
                if let Some(acme) = &services.acme {
                    acme.take().await.map_err(|error| Failure::Unusable(error.to_string()))?;
                }
                let all = services.certificates.list();
                out.rows(&all.into_iter().map(View::from).collect::<Vec<_>>())
            }
            (Self::List, House::There(remote)) => remote.each(&["certificates"], &[], |views: Vec<View>| out.rows(&views)).await,
        }
    }
}

/// A certificate, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    names: Vec<String>,
    issuer: String,
    not_before: String,
    not_after: String,
    fingerprint: String,
    source: String,
    default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl From<certificate::Certificate> for View {
    fn from(one: certificate::Certificate) -> Self {
        Self {
            names: one.names,
            issuer: one.issuer,
            not_before: one.not_before.to_string(),
            not_after: one.not_after.to_string(),
            fingerprint: one.fingerprint,
            source: one.source.as_str().to_owned(),
            default: one.is_default,
            problem: one.problem,
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Names", "Issuer", "From", "Until", "Source", "Fingerprint", "Problem"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.names.join(" "),
            self.issuer.clone(),
            self.not_before.clone(),
            self.not_after.clone(),
            self.source.clone(),
            self.fingerprint.clone(),
            self.problem.clone().unwrap_or_default(),
        ]
    }
}
