//! `posthouse trace`.

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::Output;
use crate::app::Services;
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
    pub(super) async fn run(self, services: &Services, out: &mut Output) -> Result<(), Failure> {
        let traces = &services.traces;
        if !traces.are_kept() {
            return Err(Failure::Unusable("trace.keep_days is 0: no stories of messages are kept".into()));
        }
        if let Ok(id) = self.what.parse::<MailId>() {
            return print(&traces.story(id).await?, true, out);
        }
        let mut left = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut before = None;
        while left > 0 {
            let found = traces.find(&self.what, before, left.min(MOST_FOUND)).await?;
            let Some(last) = found.last() else { break };
            for id in &found {
                print_found(traces, *id, before.is_none() && Some(id) == found.first(), out).await?;
            }
            before = Some(*last);
            left = left.saturating_sub(found.len());
        }
        match before {
            Some(_) => Ok(()),
            None => Err(Refusal::NotFound {
                what: "story of a message",
                name: self.what,
            }
            .into()),
        }
    }
}

/// What was found may be forgotten this moment, or its story not be written yet.
async fn print_found(traces: &Traces, id: MailId, is_first: bool, out: &mut Output) -> Result<(), Failure> {
    match traces.story(id).await {
        Ok(story) => print(&story, is_first, out),
        Err(Refusal::NotFound { .. }) => Ok(()),
        Err(refusal) => Err(refusal.into()),
    }
}

/// A story as it is printed for programs: steps as they are kept, but for their times, which programs want as texts.
#[derive(Serialize)]
struct Printed {
    id: String,
    steps: Vec<Value>,
}

fn printed_step(event: &Event) -> Value {
    let mut step = json!(event);
    for name in ["at", "next_at"] {
        if let Some(time) = step.get_mut(name)
            && let Some(ms) = time.as_i64()
        {
            *time = timestamp(ms).to_string().into();
        }
    }
    step
}

fn print(story: &Story, is_first: bool, out: &mut Output) -> Result<(), Failure> {
    if out.is_for_people() {
        if !is_first {
            out.text("\n")?;
        }
        out.text(&format!("{}\n", story.id))?;
    }
    let told = Printed {
        id: story.id.to_string(),
        steps: story.events.iter().map(printed_step).collect(),
    };
    let lines = story.events.iter().map(|event| format!("  {:.3}  {}", event.at(), event.step));
    out.lines(lines, &told)
}
