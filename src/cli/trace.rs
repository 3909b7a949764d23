//! `posthouse trace`.

use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::house::House;
use super::output::Output;
use super::pages;
use crate::app::Services;
use crate::mail::directory::Page;
use crate::mail::traces::{MOST_FOUND, Traces};
use crate::model::clock::timestamp;
use crate::model::ids::MailId;
use crate::model::refusal::Refusal;
use crate::model::trace::{Event, Story};

/// The arguments of `posthouse trace`.
#[derive(Debug, Args)]
pub(super) struct Trace {
    /// The message's id, its Message-ID, or an address that sent or got it
    what: String,
    /// At most so many messages, the newest first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
}

impl Trace {
    pub(super) async fn run(self, house: &House, out: &mut Output) -> Result<(), Failure> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if let Ok(id) = self.what.parse::<MailId>() {
            return print(&story(house, id).await?, true, out);
        }
        let (mut left, mut after, mut is_first) = (limit, None, true);
        while left > 0 {
            let found = find(house, &self.what, after, left).await?;
            for story in &found.items {
                print(story, is_first, out)?;
                is_first = false;
            }
            left = left.saturating_sub(found.items.len().max(1));
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        if is_first {
            return Err(no_story(self.what));
        }
        Ok(())
    }
}

fn no_story(name: String) -> Failure {
    let what = "story of a message";
    Refusal::NotFound { what, name }.into()
}

async fn story(house: &House, id: MailId) -> Result<Told, Failure> {
    match house {
        House::Here(services) => Ok(Told::from(&kept(services)?.story(id).await?)),
        House::There(remote) => remote.get(&["traces", &id.to_string()]).await,
    }
}

/// At most so many stories, the newest first, of those before the one that `after` names.
async fn find(house: &House, what: &str, after: Option<String>, most: usize) -> Result<Page<Told>, Failure> {
    match house {
        House::Here(services) => {
            let traces = kept(services)?;
            let before = after.and_then(|id| id.parse::<MailId>().ok());
            let most = most.min(MOST_FOUND);
            let found = traces.find(what, before, most).await?;
            let mut items = Vec::new();
            for id in &found {
                match traces.story(*id).await {
                    Ok(story) => items.push(Told::from(&story)),
                    // It may be forgotten this moment, or not be written yet.
                    Err(Refusal::NotFound { .. }) => {}
                    Err(refusal) => return Err(refusal.into()),
                }
            }
            let next = found.last().filter(|_| found.len() == most).map(ToString::to_string);
            Ok(Page { items, next })
        }
        House::There(remote) => {
            let limit = ("limit", most.min(pages::PAGE).to_string());
            remote
                .page(&["traces"], &[("address", what.to_owned()), limit], after.as_deref())
                .await
        }
    }
}

/// The stories, if they are kept.
fn kept(services: &Services) -> Result<&Traces, Failure> {
    if services.traces.are_kept() {
        return Ok(&services.traces);
    }
    Err(Failure::Unusable("trace.keep_days is 0: no stories of messages are kept".into()))
}

/// A story, as the API tells it.
#[derive(Deserialize)]
struct Told {
    id: String,
    steps: Vec<Step>,
}

/// A step of it.
#[derive(Deserialize)]
struct Step {
    #[serde(deserialize_with = "moment")]
    at: Timestamp,
    step: String,
    /// For people.
    text: String,
    /// For programs.
    details: Map<String, Value>,
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

impl From<&Story> for Told {
    fn from(story: &Story) -> Self {
        Self {
            id: story.id.to_string(),
            steps: story.events.iter().map(Step::from).collect(),
        }
    }
}

impl From<&Event> for Step {
    fn from(event: &Event) -> Self {
        let mut details = match json!(event.step) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        // Times are kept as numbers; programs want texts.
        if let Some(time) = details.get_mut("next_at")
            && let Some(ms) = time.as_i64()
        {
            *time = timestamp(ms).to_string().into();
        }
        let step = details.remove("step").and_then(|name| name.as_str().map(str::to_owned));
        Self {
            at: event.at(),
            step: step.unwrap_or_default(),
            text: event.step.to_string(),
            details,
        }
    }
}

/// A story as it is printed for programs: the fields of a step stand beside its name and time.
#[derive(Serialize)]
struct Printed<'a> {
    id: &'a str,
    steps: Vec<Map<String, Value>>,
}

fn print(story: &Told, is_first: bool, out: &mut Output) -> Result<(), Failure> {
    if out.is_for_people() {
        if !is_first {
            out.text("\n")?;
        }
        out.text(&format!("{}\n", story.id))?;
    }
    let printed = |step: &Step| {
        let mut fields = step.details.clone();
        fields.insert("at".into(), step.at.to_string().into());
        fields.insert("step".into(), step.step.clone().into());
        fields
    };
    let document = Printed {
        id: &story.id,
        steps: story.steps.iter().map(printed).collect(),
    };
    let lines = story.steps.iter().map(|step| format!("  {:.3}  {}", step.at, step.text));
    out.lines(lines, &document)
}
