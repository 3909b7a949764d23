//! `posthouse config`.

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::Global;
use super::failure::Failure;
use super::output::{Output, Show};
use crate::config::{self, Setting};

/// The commands of `posthouse config`.
#[derive(Debug, Subcommand)]
pub(super) enum Configuration {
    /// Read the configuration and say which keys are set, and where; status 2 and the first mistake if it is wrong
    Check,
    /// Print a commented configuration file with every key at its default
    Example,
    /// Print the reference of all keys, as Markdown
    Reference,
}

impl Configuration {
    pub(super) fn run(self, global: &Global, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Check => check(global, out),
            Self::Example => out.text(&config::example()),
            Self::Reference => out.text(&config::reference_markdown()),
        }
    }
}

fn check(global: &Global, out: &mut Output) -> Result<(), Failure> {
    let loaded = global.load()?;
    let tls = &loaded.config.tls;
    for (key, path) in [("tls.certificate", &tls.certificate), ("tls.key", &tls.key)] {
        let Some(path) = path else { continue };
        std::fs::File::open(path).map_err(|cause| {
            let path = path.display();
            Failure::Unusable(format!(
                "{key}: {path} cannot be read: {cause}; right would be a PEM file that this user may read"
            ))
        })?;
    }
    let settings: Vec<Set> = loaded.settings.into_iter().map(Set::from).collect();
    if out.is_for_people() {
        out.rows(&settings)?;
    }
    out.done("The configuration is right.", &json!({ "right": true, "settings": settings }))
}

/// A key that is set, and where. Its value is not shown: it may be a secret.
#[derive(Serialize)]
struct Set {
    key: String,
    set_by: String,
}

impl From<Setting> for Set {
    fn from(setting: Setting) -> Self {
        Self {
            key: setting.key,
            set_by: setting.origin.to_string(),
        }
    }
}

impl Show for Set {
    const HEADINGS: &'static [&'static str] = &["Key", "Set by"];
    fn cells(&self) -> Vec<String> {
        vec![self.key.clone(), self.set_by.clone()]
    }
}
