//! `posthouse spam`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Global;
use super::failure::Failure;
use super::house::House;
use super::output::{Output, Show};
use crate::app::Services;
use crate::config::DnsListHit;
use crate::mail::spam::{self, Judgement, Learnt, Letter, Meant, Owner, Weighed};
use crate::model::address::EmailAddress;
use crate::model::clock::Clock;
use crate::model::verdict::Symbol;

/// The commands of `posthouse spam`.
#[derive(Debug, Subcommand)]
pub(super) enum Spam {
    /// List the rules: their names, weights and meanings
    Rules,
    /// Show how a message is judged by the rules: its score, each rule that holds, and what would be done
    Check(Check),
    /// Teach the server, or a user of it, by messages that are known to be spam or to be none
    Learn(Learn),
}

/// The arguments of `posthouse spam learn`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("kind").required(true))]
pub(super) struct Learn {
    /// They are spam
    #[arg(long, group = "kind")]
    spam: bool,
    /// They are no spam
    #[arg(long, group = "kind")]
    ham: bool,
    /// Teach only this user
    #[arg(long, value_name = "LOGIN")]
    user: Option<String>,
    /// The messages, as they came
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// The arguments of `posthouse spam check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The messages, as they came
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The sender in the envelope; left out for the null sender
    #[arg(long, value_name = "ADDRESS")]
    from: Option<EmailAddress>,
    /// A recipient in the envelope
    #[arg(long, value_name = "ADDRESS")]
    to: Vec<EmailAddress>,
    /// The address that it came from
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// What the client called itself
    #[arg(long, value_name = "NAME")]
    helo: Option<String>,
    /// Judge each as at the time when it was sent, as it says itself: for old mail
    #[arg(long)]
    when_sent: bool,
}

impl Spam {
    pub(super) async fn run(self, global: &Global, out: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Rules => {
                global.only_here()?;
                let config = global.load()?.config;
                let own = spam::Spam::rules(&config.spam).into_iter().map(Row::from);
                let lists = config.dns_lists.lists.iter();
                let listed = lists.flat_map(|list| list.hits.iter().map(|hit| Row::of(&list.zone, hit)));
                out.rows(&own.chain(listed).collect::<Vec<_>>())
            }
            Self::Check(check) => {
                let services = global.services().await?;
                check.run(&services, &global.load()?.config.hostname, out).await
            }
            Self::Learn(learn) => learn.run(&global.house().await?, out).await,
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|cause| Failure::Unusable(format!("{} cannot be read: {cause}", path.display())))
}

impl Learn {
    async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        let (mut new, mut moved, mut known) = (0_usize, 0_usize, 0_usize);
        for path in &self.files {
            match self.teach(house, read(path)?).await? {
                Learnt::New => new += 1,
                Learnt::Moved => moved += 1,
                Learnt::Known | Learnt::Unbalanced => known += 1,
            }
        }
        let kind = if self.spam { "spam" } else { "no spam" };
        let sentence = format!("{new} messages learned as {kind}, {moved} that were learned as the other kind before, {known} were known");
        out.done(&sentence, &json!({ "spam": self.spam, "new": new, "moved": moved, "known": known }))
    }

    async fn teach(&self, house: &House, message: Vec<u8>) -> Result<Learnt, Failure> {
        let meant = Meant {
            is_spam: self.spam,
            by_hand: true,
        };
        match (house, &self.user) {
            (House::Here(services), user) => {
                let owner = match user {
                    Some(login) => Owner::User(services.directory.user(login).await?.id),
                    None => Owner::Server,
                };
                let learnt = services.spam.learn(message, &[owner], meant).await?;
                Ok(learnt.first().copied().unwrap_or(Learnt::Known))
            }
            (House::There(remote), user) => {
                let kind = ("kind", if self.spam { "spam" } else { "ham" }.to_owned());
                let alone = ("alone", "true".to_owned());
                let lesson: Lesson = match user {
                    Some(login) => remote.post_message(&["users", login, "lessons"], &[kind, alone], message).await?,
                    None => remote.post_message(&["lessons"], &[kind], message).await?,
                };
                Ok(lesson.learnt())
            }
        }
    }
}

/// What a server elsewhere has learned.
#[derive(Deserialize)]
struct Lesson {
    user: Option<String>,
    server: Option<String>,
}

impl Lesson {
    fn learnt(&self) -> Learnt {
        match self.user.as_deref().or(self.server.as_deref()) {
            Some("learned") => Learnt::New,
            Some("moved") => Learnt::Moved,
            Some("unbalanced") => Learnt::Unbalanced,
            _ => Learnt::Known,
        }
    }
}

impl Check {
    async fn run(self, services: &Services, hostname: &str, out: &mut Output) -> Result<(), Failure> {
        for path in &self.files {
            let letter = self.letter(hostname, read(path)?);
            match services.spam.decide(letter, &[], None).await? {
                Some(judgement) => tell(path, &judgement, out)?,
                None => return Err(Failure::Incomplete("nobody answers who could judge it".into())),
            }
        }
        Ok(())
    }

    fn letter(&self, hostname: &str, octets: Vec<u8>) -> Letter {
        let sent = self.when_sent.then(|| spam::sent_at(&octets)).flatten();
        Letter {
            octets,
            peer: self.ip,
            helo: self.helo.clone(),
            sender: self.from.clone(),
            recipients: self.to.clone(),
            authentication: None,
            hostname: hostname.to_owned(),
            may_be_put_off: false,
            now: sent.unwrap_or_else(|| Clock::System.now()),
        }
    }
}

fn tell(path: &Path, judgement: &Judgement, out: &mut Output) -> Result<(), Failure> {
    let name = path.display().to_string();
    let document = json!({
        "file": name,
        "score": judgement.score,
        "required": judgement.required,
        "action": judgement.action.as_str(),
        "symbols": judgement.symbols.iter().map(Held::from).collect::<Vec<_>>(),
    });
    let head = format!(
        "{name}: score {:.2} of {:.2}: {}",
        judgement.score, judgement.required, judgement.action
    );
    let symbol = |it: &Symbol| format!("{:8.2}  {}  {}", it.weight, it.name, it.detail).trim_end().to_owned();
    out.lines(std::iter::once(head).chain(judgement.symbols.iter().map(symbol)), &document)
}

/// A rule that holds, as it is printed.
#[derive(Serialize)]
struct Held<'a> {
    name: &'a str,
    weight: f64,
    detail: &'a str,
}

impl<'a> From<&'a Symbol> for Held<'a> {
    fn from(symbol: &'a Symbol) -> Self {
        Self {
            name: &symbol.name,
            weight: symbol.weight,
            detail: &symbol.detail,
        }
    }
}

/// A rule, as it is printed.
#[derive(Serialize)]
struct Row {
    name: String,
    weight: f64,
    default_weight: f64,
    about: String,
}

impl Row {
    /// A symbol of a list that the configuration has named.
    fn of(zone: &str, hit: &DnsListHit) -> Self {
        Self {
            name: hit.symbol.clone(),
            weight: hit.weight,
            default_weight: hit.weight,
            about: format!("{zone} lists its client, or a domain of it."),
        }
    }
}

impl From<Weighed> for Row {
    fn from(rule: Weighed) -> Self {
        Self {
            name: rule.name.to_owned(),
            weight: rule.weight,
            default_weight: rule.default_weight,
            about: rule.about.to_owned(),
        }
    }
}

impl Show for Row {
    const HEADINGS: &'static [&'static str] = &["Rule", "Weight", "Meaning"];
    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), format!("{:.2}", self.weight), self.about.clone()]
    }
}
