//! Events as they happen: server-sent events.
//!
//! WHATWG HTML, "Server-sent events": fields `id`, `event` and `data`, an empty line after each event, comments begin with a colon.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::poll_fn;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, timeout};

use super::Event;
use crate::api::caller;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::mail::directory::Principal;
use crate::mail::events::EventFilter;
use crate::model::refusal::Refusal;
use crate::model::revision::Revision;

/// How often something is said when nothing happens, so that nobody between takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is looked whether the token is still good.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How many events are read at a time.
const AT_ONCE: i64 = 200;
/// How long the client waits before it connects again, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";

/// The answer: the events after `after`, or from now on.
pub(super) async fn open(
    request: &HttpRequest,
    house: &Data<House>,
    filter: EventFilter,
    after: Option<i64>,
) -> Result<HttpResponse, Problem> {
    let Ok(turn) = Arc::clone(&house.waiting).try_acquire_owned() else {
        return Err(Refusal::LimitReached("too many requests wait for something already; try again later".to_owned()).into());
    };
    // From before the first look: nothing that happens meanwhile is missed.
    let news = house.events.watch();
    let after = match after {
        Some(after) => after,
        None => house.run_while_asked(|house| async move { house.events.newest().await }).await?,
    };
    let (lines, mut told) = mpsc::channel(4);
    let listener = Listener {
        house: Data::clone(house),
        token: caller::token(request).unwrap_or_default(),
        filter,
        after,
        news,
        lines,
        said_at: Instant::now(),
        _turn: turn,
    };
    house.go_on(listener.listen());
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // A proxy that collects answers would keep the events back.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(poll_fn(move |context| told.poll_recv(context))))
}

/// Somebody who listens.
struct Listener {
    house: Data<House>,
    token: String,
    filter: EventFilter,
    /// The last event that was looked at.
    after: i64,
    news: watch::Receiver<i64>,
    lines: mpsc::Sender<Result<Bytes, Problem>>,
    said_at: Instant,
    _turn: OwnedSemaphorePermit,
}

/// The client has gone away.
struct Gone;

impl Listener {
    /// Until the client goes away, the token ends, or the server stops.
    async fn listen(mut self) {
        let (stop, lines) = (self.house.stop.clone(), self.lines.clone());
        tokio::select! {
            () = stop.cancelled() => {}
            () = lines.closed() => {}
            ended = self.tell_all() => match ended {
                Ok(()) | Err(Gone) => {}
            },
        }
    }

    async fn tell_all(&mut self) -> Result<(), Gone> {
        self.say(RETRY.to_owned()).await?;
        let (known, mut is_news) = (self.principal().await.flatten(), true);
        loop {
            self.news.borrow_and_update();
            // Who has other rights now hears other things: the client connects again.
            if self.principal().await.is_some_and(|now| now.is_none() || now != known) {
                return Ok(());
            }
            let is_silent = self.said_at.elapsed() >= HEARTBEAT;
            if is_news || is_silent {
                self.tell_new().await?;
            }
            if is_silent {
                self.say(": still here\n\n".to_owned()).await?;
            }
            is_news = timeout(LOOK_EVERY, self.news.changed()).await.is_ok();
        }
    }

    /// The state of whoever listens: none if it cannot be seen, none within if the token is no longer good.
    async fn principal(&self) -> Option<Option<Revision>> {
        match self.house.directory.bearer(&self.token).await {
            Ok(Principal::User(user)) => Some(Some(user.revision())),
            Ok(Principal::Key(key)) => Some(Some(key.revision())),
            Err(refusal) if refusal.is_temporary() => None,
            Err(_) => Some(None),
        }
    }

    /// Says what there is since the last look.
    async fn tell_new(&mut self) -> Result<(), Gone> {
        loop {
            let read = async {
                // What is not for this listener need not be looked at again.
                let newest = self.house.events.newest().await?;
                let found = self.house.events.read(&self.filter, self.after, Some(newest), AT_ONCE).await?;
                Ok::<_, Refusal>((newest, found))
            };
            let (newest, found) = match read.await {
                Ok(read) => read,
                Err(error) => {
                    tracing::debug!(%error, "events cannot be read at the moment");
                    return Ok(());
                }
            };
            let is_full = i64::try_from(found.len()).is_ok_and(|count| count >= AT_ONCE);
            self.after = match found.last() {
                Some(last) if is_full => last.number,
                _ => newest.max(self.after),
            };
            let text: String = found.into_iter().map(|event| spelled(&event.into())).collect();
            if !text.is_empty() {
                self.say(text).await?;
            }
            if !is_full {
                return Ok(());
            }
        }
    }

    async fn say(&mut self, text: String) -> Result<(), Gone> {
        self.said_at = Instant::now();
        self.lines.send(Ok(Bytes::from(text))).await.map_err(|_| Gone)
    }
}

/// JSON has no line ends but those that are escaped, so the data is one line.
fn spelled(event: &Event) -> String {
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", event.id, event.kind.0)
}
