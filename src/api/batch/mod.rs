//! Many at a time: users, aliases or domains, as NDJSON or in one array, with a result for each, in the same order.
//!
//! They are stored in groups as they come in, each group in one transaction; one that is refused harms no other. The results are sent
//! while the rest still comes in, and wait for a client that reads nothing before it has sent all.

pub(super) mod aliases;
pub(super) mod domains;
mod split;
pub(super) mod users;

use std::future::Future;
use std::sync::Arc;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{StreamExt, stream};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tracing::Instrument;
use utoipa::{IntoParams, ToSchema};

use self::split::{BadBody, Form, Splitter};
use super::body::{self, BODY_TIME};
use super::caller::Caller;
use super::house::House;
use super::problem::{Document, Kind, Problem};
use crate::mail::directory::Directory;
use crate::model::refusal::Refusal;
use crate::model::revision::{Expectation, States};

/// How many are stored in one transaction.
const GROUP: usize = 200;

/// What is done with one that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Existing {
    Replace,
    Refuse,
}

/// How.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct How {
    /// What is done with one that is there already: `replace`, which is the default and as PUT does it, or `refuse`, as POST does.
    #[param(inline)]
    existing: Option<Existing>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"index": 0, "name": "alice@example.test", "status": 201}))]
pub(super) struct BatchLine {
    /// Which one, counted from 0; absent for a problem of the request itself, after which nothing more was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    /// Its address or name, as far as it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// 201: made. 200: replaced. Otherwise the status of the problem.
    status: u16,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Document>,
}

impl BatchLine {
    fn refused(index: Option<u64>, name: Option<String>, problem: &Problem) -> Self {
        let problem = problem.document();
        Self {
            index,
            name,
            status: problem.status,
            problem: Some(problem),
        }
    }
}

/// A kind of thing that comes in a batch.
trait Item: DeserializeOwned + 'static {
    /// What the directory makes it of.
    type New: Send + 'static;

    /// Its name, and what it is to be made of, if the caller may do so.
    fn read(self, caller: &Caller) -> Result<(String, Self::New), Problem>;

    /// Stores some in one transaction: of each whether it is new. The outer error is about all of them.
    fn place(
        directory: Directory,
        caller: Arc<Caller>,
        all: Vec<Self::New>,
    ) -> impl Future<Output = Result<Vec<Result<bool, Refusal>>, Refusal>> + Send;
}

/// Begins to work, and gives the reply that tells how it goes, when there is something to tell: a request that is bad from its beginning
/// is refused as a whole.
async fn answer<T: Item>(
    request: &HttpRequest,
    payload: Payload,
    caller: Caller,
    house: Data<House>,
    how: &How,
) -> Result<HttpResponse, Problem> {
    let form = form(request)?;
    let expected = Expectation {
        is: None,
        is_not: (how.existing == Some(Existing::Refuse)).then_some(States::Any),
    };
    let (results, mut told) = mpsc::unbounded_channel();
    let batch = Batch {
        directory: caller.directory(&house).expecting(expected),
        caller: Arc::new(caller),
        house,
        results,
        next: 0,
    };
    let work = async move {
        let last = batch.results.clone();
        if let Err(problem) = batch.run::<T>(payload, Splitter::new(form)).await {
            drop(last.send(Err(problem)));
        }
    };
    actix_web::rt::spawn(work.instrument(tracing::Span::current()));
    let first = told.recv().await.transpose()?;
    let others = stream::unfold(told, |mut told| async move {
        let line = told.recv().await?;
        let line = line.unwrap_or_else(|problem| line_of(&BatchLine::refused(None, None, &problem)));
        Some((line, told))
    });
    let lines = stream::iter(first).chain(others).map(Ok::<_, Problem>);
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines))
}

fn form(request: &HttpRequest) -> Result<Form, Problem> {
    let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    match media.to_ascii_lowercase().as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Form::Lines),
        "application/json" => Ok(Form::Array),
        _ => Err(Problem::new(
            Kind::WrongMediaType,
            "the body must be application/x-ndjson, or an array as application/json",
        )),
    }
}

/// The lines, and at the end perhaps a problem of the request itself.
type Results = mpsc::UnboundedSender<Result<Bytes, Problem>>;

/// A batch under way. What it tells is bounded by `http.max_batch_items`.
struct Batch {
    directory: Directory,
    caller: Arc<Caller>,
    house: Data<House>,
    results: Results,
    next: u64,
}

/// One that could be read.
struct Ready<N> {
    index: u64,
    name: String,
    new: N,
}

impl Batch {
    async fn run<T: Item>(mut self, mut payload: Payload, mut splitter: Splitter) -> Result<(), Problem> {
        let mut ready = Vec::with_capacity(GROUP);
        loop {
            let piece = tokio::time::timeout(BODY_TIME, payload.next())
                .await
                .map_err(|_| Problem::new(Kind::TooSlow, "the body did not go on in time"))?;
            let Some(piece) = piece else { break };
            let piece = piece.map_err(|error| Problem::new(Kind::Malformed, format!("the body broke off: {error}")))?;
            for value in splitter.feed(&piece).map_err(bad)? {
                self.take::<T>(&value, &mut ready).await?;
            }
        }
        if let Some(value) = splitter.finish().map_err(bad)? {
            self.take::<T>(&value, &mut ready).await?;
        }
        self.store::<T>(&mut ready).await;
        Ok(())
    }

    async fn take<T: Item>(&mut self, value: &[u8], ready: &mut Vec<Ready<T::New>>) -> Result<(), Problem> {
        let index = self.next;
        let most = self.house.settings.max_batch_items;
        if index >= most {
            let detail = format!("a batch has no more than {most} items; send the rest in another one");
            return Err(Problem::new(Kind::TooLarge, detail));
        }
        self.next = index.saturating_add(1);
        match body::parse_json::<T>(value).and_then(|item| item.read(&self.caller)) {
            Ok((name, new)) => ready.push(Ready { index, name, new }),
            Err(problem) => tell(&self.results, &BatchLine::refused(Some(index), None, &problem)),
        }
        if ready.len() >= GROUP {
            self.store::<T>(ready).await;
        }
        Ok(())
    }

    async fn store<T: Item>(&self, ready: &mut Vec<Ready<T::New>>) {
        let (places, all): (Vec<(u64, String)>, Vec<T::New>) = ready.drain(..).map(|it| ((it.index, it.name), it.new)).unzip();
        if all.is_empty() {
            return;
        }
        let (directory, caller) = (self.directory.clone(), Arc::clone(&self.caller));
        let done = self.house.run(|_| async move { T::place(directory, caller, all).await }).await;
        match done {
            Ok(outcomes) => {
                for ((index, name), outcome) in places.into_iter().zip(outcomes) {
                    tell(&self.results, &result(index, name, outcome));
                }
            }
            Err(problem) => {
                for (index, name) in places {
                    tell(&self.results, &BatchLine::refused(Some(index), Some(name), &problem));
                }
            }
        }
    }
}

fn result(index: u64, name: String, outcome: Result<bool, Refusal>) -> BatchLine {
    match outcome {
        Ok(is_new) => BatchLine {
            index: Some(index),
            name: Some(name),
            status: if is_new { 201 } else { 200 },
            problem: None,
        },
        Err(refusal) => {
            let problem = match refusal {
                // Nothing else was expected of it.
                Refusal::Changed => Problem::new(Kind::Exists, format!("{name} exists already")),
                refusal => refusal.into(),
            };
            BatchLine::refused(Some(index), Some(name), &problem)
        }
    }
}

/// A client that has gone away hears nothing; what it sent is done all the same.
fn tell(results: &Results, result: &BatchLine) {
    drop(results.send(Ok(line_of(result))));
}

fn line_of(result: &BatchLine) -> Bytes {
    let mut line = serde_json::to_vec(result).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

fn bad(error: BadBody) -> Problem {
    let kind = match error {
        BadBody::TooLarge => Kind::TooLarge,
        BadBody::NoArray | BadBody::NoEnd => Kind::Malformed,
    };
    Problem::new(kind, error.to_string())
}
