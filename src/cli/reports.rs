//! `posthouse reports`.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use super::pages;
use crate::model::address;
use crate::model::ids::ReportId;
use crate::model::refusal::Refusal;
use crate::model::report::{ReceivedReport, ReportKind};

/// The commands of `posthouse reports`.
#[derive(Debug, Subcommand)]
pub(super) enum Reports {
    /// About mail that says it is of domains here (DMARC)
    Dmarc(Which),
    /// About TLS towards the servers of domains here
    Tls(Which),
}

/// Which reports.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Show all that this one says
    id: Option<String>,
    /// Only those about this domain
    #[arg(long)]
    domain: Option<address::Domain>,
}

impl Reports {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        let (kind, which) = match self {
            Self::Dmarc(which) => (ReportKind::Dmarc, which),
            Self::Tls(which) => (ReportKind::Tls, which),
        };
        match which.id {
            Some(id) => show(house, kind, &id, out).await,
            None => list(house, kind, which.domain, out).await,
        }
    }
}

/// The collection in the API.
fn path(kind: ReportKind) -> String {
    format!("{}-reports", kind.as_str())
}

async fn list(house: &House, kind: ReportKind, domain: Option<address::Domain>, out: &mut Output) -> Result<(), Failure> {
    match house {
        House::Here(services) => {
            let domains = domain.map(|domain| vec![domain]);
            let fetch = async |after: Option<&str>| {
                let before = after.and_then(|id| id.parse::<ReportId>().ok());
                services.reports.list(kind, domains.clone(), before, pages::PAGE).await
            };
            pages::each(fetch, |reports| out.rows(&reports.into_iter().map(View::from).collect::<Vec<_>>())).await
        }
        House::There(remote) => {
            let domain = domain.map(|domain| ("domain", domain.to_string()));
            let query: Vec<_> = domain.into_iter().chain([pages::limit()]).collect();
            remote.each(&[&path(kind)], &query, |views: Vec<View>| out.rows(&views)).await
        }
    }
}

async fn show(house: &House, kind: ReportKind, id: &str, out: &mut Output) -> Result<(), Failure> {
    let document: Map<String, Value> = match house {
        House::Here(services) => {
            let unknown = || Refusal::NotFound {
                what: "report",
                name: id.to_owned(),
            };
            let report = services.reports.show(kind, id.parse().map_err(|_| unknown())?).await?;
            let mut document: Map<String, Value> = serde_json::from_str(&report.document).unwrap_or_default();
            if let Value::Object(head) = json!(View::from(report)) {
                document.extend(head);
            }
            document
        }
        House::There(remote) => remote.get(&[&path(kind), id]).await?,
    };
    // A report has too many sides for a table.
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    out.lines(text.lines().map(str::to_owned), &document)
}

/// A report, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    id: String,
    domain: String,
    organization: String,
    report_id: String,
    begins_at: String,
    ends_at: String,
    #[serde(alias = "successful_sessions")]
    passed: u64,
    #[serde(alias = "failed_sessions")]
    failed: u64,
}

impl From<ReceivedReport> for View {
    fn from(report: ReceivedReport) -> Self {
        Self {
            id: report.id.to_string(),
            domain: report.domain.to_string(),
            organization: report.organization,
            report_id: report.report_id,
            begins_at: report.begins_at.to_string(),
            ends_at: report.ends_at.to_string(),
            passed: report.good,
            failed: report.bad,
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Report", "Domain", "By", "From", "Passed", "Failed"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.domain.clone(),
            self.organization.clone(),
            self.begins_at.clone(),
            self.passed.to_string(),
            self.failed.to_string(),
        ]
    }
}
