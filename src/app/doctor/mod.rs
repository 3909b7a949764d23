//! Looks at everything that a mail server depends on, and says in plain words what is wrong and what to do.
//!
//! Nothing is changed, but that the schema of the database is brought up to date, as by every command. What can only be found out from
//! elsewhere, such as whether a firewall lets others in, is left to others.

mod certificate;
mod data;
mod database;
mod milters;
mod names;
mod ports;
mod virus;

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::open_services;
use crate::config::Config;
use crate::mail::dns::Dns;

/// What is looked at beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The file of the configuration.
    pub file: Option<PathBuf>,
    /// The zones of block lists.
    pub block_lists: Vec<String>,
    /// A mail server of others, to see whether the way out is open.
    pub reach: Option<String>,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The directory that everything is kept in.
    Data,
    /// The room on its disk.
    Disk,
    /// The database.
    Database,
    /// The time.
    Clock,
    /// Certificate and key.
    Certificate,
    /// The addresses that are listened on.
    Ports,
    /// The name of this server, forth and back.
    Host,
    /// Lists of addresses that nobody takes mail from.
    BlockLists,
    /// What the domains have in DNS.
    Domains,
    /// The way to other servers.
    WayOut,
    /// Who looks for viruses.
    Virus,
    /// Filters beside the server.
    Milters,
}

impl Area {
    /// Its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Data => "data directory",
            Self::Disk => "disk",
            Self::Database => "database",
            Self::Clock => "clock",
            Self::Certificate => "certificate",
            Self::Ports => "ports",
            Self::Host => "host name",
            Self::BlockLists => "block lists",
            Self::Domains => "domains",
            Self::WayOut => "way out",
            Self::Virus => "virus scanner",
            Self::Milters => "milters",
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Fine,
    /// It works, and could be better.
    Doubtful,
    /// Mail suffers.
    Wrong,
    /// It could not be found out.
    Unknown,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fine => "ok",
            Self::Doubtful => "warning",
            Self::Wrong => "WRONG",
            Self::Unknown => "unknown",
        })
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// How it stands.
    pub level: Level,
    /// What was found, in words.
    pub finding: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    fn fine(area: Area, finding: impl Into<String>) -> Self {
        Self::new((area, Level::Fine), finding, None)
    }

    fn doubtful(area: Area, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new((area, Level::Doubtful), finding, Some(advice.into()))
    }

    fn wrong(area: Area, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new((area, Level::Wrong), finding, Some(advice.into()))
    }

    fn unknown(area: Area, finding: impl Into<String>) -> Self {
        Self::new((area, Level::Unknown), finding, None)
    }

    fn new((area, level): (Area, Level), finding: impl Into<String>, advice: Option<String>) -> Self {
        Self {
            area,
            level,
            finding: finding.into(),
            advice,
        }
    }
}

/// Looks at everything.
pub async fn examine(config: &Config, question: &Question) -> Vec<Finding> {
    let mut findings = data::examine(config, question.file.as_deref());
    findings.push(data::room(&config.data_dir));
    // Opening the services of a house that was never started would make one.
    let services = match database::is_there(config) {
        true => open_services(config).await.map(Some),
        false => Ok(None),
    };
    findings.push(database::opened(&services));
    let services = services.ok().flatten();
    findings.extend(database::clock(services.as_ref().map(|services| &services.database), &config.data_dir).await);
    findings.extend(certificate::examine(config));
    findings.extend(ports::examine(config).await);
    match Dns::open(&config.dns) {
        Ok(dns) => findings.extend(names::examine(config, &dns, (services.as_ref(), question)).await),
        Err(error) => findings.push(Finding::wrong(Area::Host, error.to_string(), "correct dns.servers")),
    }
    findings.extend(virus::examine(config).await);
    findings.extend(milters::examine(config).await);
    if let Some(host) = &question.reach {
        findings.push(ports::reach(host, config.outbound.smtp_port).await);
    }
    if let Some(services) = services {
        services.database.close().await;
    }
    findings
}
