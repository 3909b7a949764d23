//! `posthouse verify`.

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use super::output::{Output, Show};
use crate::app::Services;
use crate::mail::verify::{Finding, Ground};

/// Arguments of `posthouse verify`.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Mend what can be mended: the index follows the files, what belongs to nothing is removed
    #[arg(long)]
    repair: bool,
}

impl Verify {
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let ground = Ground {
            database: &services.database,
            directory: &services.directory,
            mailboxes: &services.mailboxes,
            queue: &services.queue,
        };
        let report = ground.verify(self.repair).await?;
        let left = report.findings.iter().filter(|finding| !finding.mended).count();
        if report.findings.is_empty() && out.is_for_people() {
            return out.text(&format!("everything fits together, of {} users\n", report.users));
        }
        out.rows(&report.findings.into_iter().map(View::from).collect::<Vec<_>>())?;
        match left {
            0 => Ok(()),
            1 => Err(Failure::Incomplete("1 thing is wrong".into())),
            left => Err(Failure::Incomplete(format!("{left} things are wrong"))),
        }
    }
}

/// What is wrong, as it is printed.
#[derive(Serialize)]
struct View {
    place: String,
    wrong: &'static str,
    #[serde(skip)]
    sentence: String,
    count: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    example: String,
    mended: bool,
    advice: &'static str,
}

impl From<Finding> for View {
    fn from(finding: Finding) -> Self {
        Self {
            place: finding.place,
            wrong: finding.wrong.as_str(),
            sentence: finding.wrong.to_string(),
            count: finding.count,
            example: finding.example,
            mended: finding.mended,
            advice: finding.wrong.advice(),
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Place", "Count", "Wrong", "Example", "What to do"];
    fn cells(&self) -> Vec<String> {
        let advice = if self.mended { "mended" } else { self.advice };
        vec![
            self.place.clone(),
            self.count.to_string(),
            self.sentence.clone(),
            self.example.clone(),
            advice.to_owned(),
        ]
    }
}
