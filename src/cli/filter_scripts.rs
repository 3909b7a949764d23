//! `posthouse sieve list` and the others about the scripts that are kept for users.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use crate::mail::filter::NotKept;
use crate::model::filter::Script;
use crate::model::refusal::Refusal;
use crate::model::revision::Expectation;

/// The commands about kept scripts.
#[derive(Debug, Subcommand)]
pub(super) enum Kept {
    /// List the scripts of a user
    List {
        /// Their address
        address: String,
    },
    /// Store a script for a user; one that is wrong is refused
    Put {
        /// Their address
        address: String,
        /// The name of the script
        name: String,
        /// The script
        file: PathBuf,
        /// Make it the active one
        #[arg(long)]
        activate: bool,
    },
    /// Print a script of a user
    Show {
        /// Their address
        address: String,
        /// The name of the script
        name: String,
    },
    /// Make a script the one that filters the user's mail
    Activate {
        /// Their address
        address: String,
        /// The name of the script
        name: String,
    },
    /// Make a script inactive
    Deactivate {
        /// Their address
        address: String,
        /// The name of the script
        name: String,
    },
    /// Remove a script that is not active
    Remove {
        /// Their address
        address: String,
        /// The name of the script
        name: String,
    },
}

impl Kept {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::List { address } => out.rows(&list(house, &address).await?),
            Self::Put {
                address,
                name,
                file,
                activate: active,
            } => {
                put(house, (&address, &name), &file).await?;
                if active {
                    activate(house, &address, &name).await?;
                }
                out.done(
                    &format!("Stored script {name} of {address}."),
                    &json!({ "stored": name, "activated": active }),
                )
            }
            Self::Show { address, name } => {
                let content = show(house, &address, &name).await?;
                let document = json!({ "name": name, "content": content });
                out.lines(content.lines().map(str::to_owned), &document)
            }
            Self::Activate { address, name } => {
                activate(house, &address, &name).await?;
                out.done(
                    &format!("Script {name} filters the mail of {address}."),
                    &json!({ "activated": name }),
                )
            }
            Self::Deactivate { address, name } => {
                deactivate(house, &address, &name).await?;
                out.done(
                    &format!("Script {name} of {address} is not active."),
                    &json!({ "deactivated": name }),
                )
            }
            Self::Remove { address, name } => {
                remove(house, &address, &name).await?;
                out.done(&format!("Removed script {name} of {address}."), &json!({ "removed": name }))
            }
        }
    }
}

async fn list(house: &House, address: &str) -> Result<Vec<View>, Failure> {
    match house {
        House::Here(services) => Ok(services.filters.scripts(address).await?.into_iter().map(View::from).collect()),
        House::There(remote) => {
            let list: List = remote.get(&["users", address, "sieve"]).await?;
            Ok(list.items)
        }
    }
}

async fn put(house: &House, (address, name): (&str, &str), file: &Path) -> Result<(), Failure> {
    let text = std::fs::read(file).map_err(|cause| Failure::Unusable(format!("{} cannot be read: {cause}", file.display())))?;
    match house {
        House::Here(services) => match services.filters.put_script(address, name, text, &Expectation::default()).await {
            Ok(_) => Ok(()),
            Err(NotKept::NoRoom(no_room)) => Err(Refusal::LimitReached(no_room.to_string()).into()),
            Err(NotKept::Refused(refusal)) => Err(refusal.into()),
            Err(NotKept::Wrong(problems)) => {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                Err(Failure::Incomplete(lines.join("\n")))
            }
        },
        House::There(remote) => {
            let content = String::from_utf8(text).map_err(|_| {
                Failure::from(Refusal::Invalid {
                    field: "content",
                    problem: "is no UTF-8".into(),
                })
            })?;
            remote.put(&["users", address, "sieve", name], json!({ "content": content })).await
        }
    }
}

async fn show(house: &House, address: &str, name: &str) -> Result<String, Failure> {
    match house {
        House::Here(services) => {
            let (_, text, _) = services.filters.script(address, name).await?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        House::There(remote) => {
            let shown: Content = remote.get(&["users", address, "sieve", name]).await?;
            Ok(shown.content)
        }
    }
}

async fn activate(house: &House, address: &str, name: &str) -> Result<(), Failure> {
    match house {
        House::Here(services) => Ok(services.filters.activate_script(address, Some(name)).await?),
        House::There(remote) => remote.act(&["users", address, "sieve", name, "activate"]).await,
    }
}

async fn deactivate(house: &House, address: &str, name: &str) -> Result<(), Failure> {
    match house {
        House::Here(services) => {
            let (script, ..) = services.filters.script(address, name).await?;
            match script.active {
                true => Ok(services.filters.activate_script(address, None).await?),
                false => Ok(()),
            }
        }
        House::There(remote) => remote.act(&["users", address, "sieve", name, "deactivate"]).await,
    }
}

async fn remove(house: &House, address: &str, name: &str) -> Result<(), Failure> {
    match house {
        House::Here(services) => Ok(services.filters.remove_script(address, name, &Expectation::default()).await?),
        House::There(remote) => remote.delete(&["users", address, "sieve", name], &[]).await,
    }
}

#[derive(Deserialize)]
struct List {
    items: Vec<View>,
}

#[derive(Deserialize)]
struct Content {
    content: String,
}

/// A script, as it is printed.
#[derive(Serialize, Deserialize)]
struct View {
    name: String,
    size: u64,
    active: bool,
    created_at: String,
    updated_at: String,
}

impl From<Script> for View {
    fn from(script: Script) -> Self {
        Self {
            name: script.name,
            size: script.size,
            active: script.active,
            created_at: script.created_at.to_string(),
            updated_at: script.updated_at.to_string(),
        }
    }
}

impl Show for View {
    const HEADINGS: &'static [&'static str] = &["Name", "State", "Octets", "Changed"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            if self.active { "active" } else { "" }.into(),
            self.size.to_string(),
            self.updated_at.clone(),
        ]
    }
}
