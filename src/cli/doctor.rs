//! `posthouse doctor`.

use clap::Args;

use super::failure::Failure;
use super::output::Output;
use super::{Global, telemetry};
use crate::app::doctor::{self, Finding, Level, Question};
use crate::config::{Log, LogFormat};

/// Arguments of `posthouse doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// A block list that is asked for the addresses of this server; may be given several times
    #[arg(long = "block-list", value_name = "ZONE", default_values = ["zen.spamhaus.org", "bl.spamcop.net", "psbl.surriel.com"])]
    block_lists: Vec<String>,
    /// Ask no block list
    #[arg(long, conflicts_with = "block_lists")]
    no_block_lists: bool,
    /// Try whether this mail server of others can be reached, such as one of a large provider's
    #[arg(long, value_name = "HOST")]
    reach: Option<String>,
    /// Show only what is not as it should be
    #[arg(long, short)]
    quiet: bool,
}

impl Doctor {
    pub(super) async fn run(self, global: &Global, out: &mut Output) -> Result<(), Failure> {
        global.only_here()?;
        let config = global.load()?.config;
        // What is wrong is said by the findings.
        telemetry::start(&Log {
            level: "off".into(),
            format: LogFormat::Text,
        });
        let question = Question {
            file: global.config.clone(),
            block_lists: if self.no_block_lists { Vec::new() } else { self.block_lists },
            reach: self.reach,
        };
        let findings = doctor::examine(&config, &question).await;
        for finding in findings.iter().filter(|finding| !self.quiet || finding.level != Level::Fine) {
            out.lines(lines(finding), finding)?;
        }
        match findings.iter().filter(|finding| finding.level == Level::Wrong).count() {
            0 => Ok(()),
            1 => Err(Failure::Incomplete("one thing is wrong".into())),
            count => Err(Failure::Incomplete(format!("{count} things are wrong"))),
        }
    }
}

fn lines(finding: &Finding) -> impl Iterator<Item = String> {
    let found = format!("{:<8} {:<15} {}", finding.level, finding.area.title(), finding.finding);
    let advice = finding.advice.iter().map(|advice| format!("{:24} → {advice}", ""));
    [found].into_iter().chain(advice).collect::<Vec<_>>().into_iter()
}
