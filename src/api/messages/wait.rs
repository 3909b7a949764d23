use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, Path};
use actix_web::{Either, get};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep_until};

use super::filter::{Filter, filters};
use super::find::{self, Order, Source};
use super::id::MessageId;
use super::place::Place;
use super::show::{self, Message};
use super::{Opened, located};
use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::field::{self, Login};
use crate::api::house::House;
use crate::api::mailboxes::owner;
use crate::api::problem::{Kind, Problem, Problems};
use crate::api::reply::{NoContent, Tagged};
use crate::mail::mailbox::Mailbox;
use crate::model::ids::Uid;
use crate::model::refusal::Refusal;

/// How long is waited if nothing is asked for, in seconds.
const DEFAULT_SECONDS: u64 = 30;
/// How often it is looked for what other nodes and programs did: what this server does is noticed at once. One look is enough for all who wait.
const LOOK_EVERY: Duration = Duration::from_secs(2);

filters! {
    /// What is waited for.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub(in crate::api) struct Awaited {
        /// The name of the mailbox; `INBOX` if neither this nor `mailbox_id` is there.
        #[param(example = "INBOX")]
        mailbox: Option<String>,
        /// The id of the mailbox, instead of its name.
        mailbox_id: Option<String>,
        /// How long to wait, such as `30s` or `2m`: 30 seconds if absent, at most `http.max_wait_seconds` (five minutes, unless configured
        /// otherwise).
        #[param(example = "30s")]
        timeout: Option<String>,
        /// Also a message that is there already, if it came in after this: a time, or the id of a message of the mailbox. Only what comes
        /// from now on if absent.
        #[param(example = "2026-11-23T20:19:30Z")]
        after: Option<String>,
    }
}

/// Wait for a message
///
/// Answers with the first message that all filters let through, as soon as it is there; 204 if none comes in time. Made for tests and for
/// scripts that want a code that is sent by mail. For the user and for server administrators.
#[utoipa::path(
    operation_id = "wait_for_message", tag = "messages", security(("bearer" = ["messages:read"])),
    params(("address" = String, Path, description = "The address of the user.", example = "alice@example.test"), Awaited),
    responses(
        (status = 200, description = "The message.", body = Message),
        (status = 204, description = "None came in time."),
        Problems
    )
)]
#[get("/users/{address}/messages/wait")]
pub async fn handler(
    caller: Caller,
    house: Data<House>,
    path: Path<String>,
    Query(awaited): Query<Awaited>,
) -> Result<Either<Tagged<Message>, NoContent>, Problem> {
    let login: Login = field::named("user", &path)?;
    caller.reads_mail(&login)?;
    let filter = awaited.filter()?;
    let place = Place::read(Kind::Malformed, awaited.mailbox.as_deref(), awaited.mailbox_id.as_deref())?.unwrap_or_else(Place::inbox);
    let timeout = seconds(awaited.timeout.as_deref(), house.settings.max_wait_seconds)?;
    let after = awaited.after.as_deref().map(After::read).transpose()?;
    let deadline = Instant::now() + Duration::from_secs(timeout);
    let Ok(_turn) = house.waiting.try_acquire() else {
        return Err(Refusal::LimitReached("too many requests wait for messages already; try again later".to_owned()).into());
    };
    let found = house.run_while_asked(|house| async move {
        let mailbox = match after {
            // The message tells the mailbox.
            Some(After::Message(id)) => located(&house, &login, id).await?.mailbox,
            _ => place.open(&house, &*owner(&house, &login).await?).await?,
        };
        let wait = Wait::new(mailbox, filter, after);
        match wait.until(&house, deadline).await? {
            Some(opened) => show::read(&house, &opened).await.map(Some),
            None => Ok(None),
        }
    });
    Ok(match found.await? {
        Some(message) => Either::Left(message.tagged()),
        None => Either::Right(NoContent),
    })
}

/// What came before is not waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Moment(Timestamp),
    Message(MessageId),
}

impl After {
    fn read(text: &str) -> Result<Self, Problem> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Message(id));
        }
        text.parse().map(Self::Moment).map_err(|_| {
            let detail = "right would be a time, such as 2026-11-23T20:19:30Z, or the id of a message";
            Problem::new(Kind::Malformed, detail).at("after")
        })
    }
}

/// A time to wait, in whole seconds.
fn seconds(text: Option<&str>, most: u64) -> Result<u64, Problem> {
    let Some(text) = text else { return Ok(DEFAULT_SECONDS.min(most)) };
    let asked = match text.bytes().all(|digit| digit.is_ascii_digit()) {
        true => text.parse().ok(),
        false => text
            .parse::<SignedDuration>()
            .ok()
            .and_then(|time| u64::try_from(time.as_secs()).ok()),
    };
    match asked {
        Some(asked) if asked <= most => Ok(asked),
        _ => Err(Problem::new(
            Kind::Malformed,
            format!("right would be a time such as 30s or 2m, of at most {most} seconds"),
        )
        .at("timeout")),
    }
}

/// A wait for a message.
struct Wait {
    mailbox: Arc<Mailbox>,
    filter: Filter,
    /// The last message that need not be looked at.
    seen: Option<Uid>,
    since: Option<Timestamp>,
}

impl Wait {
    fn new(mailbox: Arc<Mailbox>, filter: Filter, after: Option<After>) -> Self {
        let newest = Uid(mailbox.uid_next().0.saturating_sub(1));
        let (seen, since) = match after {
            None => (Some(newest), None),
            Some(After::Message(id)) => (Some(id.uid), None),
            Some(After::Moment(moment)) => (None, Some(moment)),
        };
        Self {
            mailbox,
            filter,
            seen,
            since,
        }
    }

    /// The first message that comes until the deadline, opened; none if none does, or the server stops.
    async fn until(mut self, house: &House, deadline: Instant) -> Result<Option<Opened>, Refusal> {
        let mut changes = self.mailbox.watch();
        loop {
            changes.borrow_and_update();
            if let Some(opened) = self.look().await? {
                return Ok(Some(opened));
            }
            let next_look = deadline.min(Instant::now() + LOOK_EVERY);
            tokio::select! {
                // The mailbox is held, so it is there to tell.
                _ = changes.changed() => {}
                () = sleep_until(next_look) => self.mailbox.refresh_unless_within(LOOK_EVERY / 2).await?,
                () = house.stop.cancelled() => return Ok(None),
            }
            if Instant::now() >= deadline {
                return self.look().await;
            }
        }
    }

    /// The first of the messages that were not looked at yet.
    async fn look(&mut self) -> Result<Option<Opened>, Refusal> {
        let newest = self.mailbox.messages().last().map(|message| message.uid);
        let since = self.since;
        let messages = find::in_mailbox(&self.mailbox, self.seen, Order::Oldest);
        let messages = messages.filter(move |hit| since.is_none_or(|since| hit.message.internal_date >= since));
        let source = Source::new(Arc::clone(&self.mailbox), &self.filter);
        let (hits, _) = find::all(&source, messages, 1).await?;
        for hit in hits {
            // One that went in between was not for us.
            if let Some(file) = self.mailbox.open_message(hit.message.uid).await? {
                return Ok(Some(Opened {
                    mailbox: Arc::clone(&self.mailbox),
                    meta: hit.message,
                    file,
                }));
            }
        }
        self.seen = self.seen.max(newest);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_wait_are_read() {
        for (text, want) in [("30s", 30), ("2m", 120), ("45", 45), ("0", 0), ("PT1M", 60), ("1m 30s", 90)] {
            assert_eq!(seconds(Some(text), 300).unwrap(), want, "{text}");
        }
        assert_eq!(seconds(None, 300).unwrap(), 30);
        assert_eq!(seconds(None, 10).unwrap(), 10);
        for bad in ["", "-1s", "301", "6m", "soon", "99999999999999999999"] {
            assert!(seconds(Some(bad), 300).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_came_before_is_named_by_a_time_or_a_message() {
        assert!(matches!(After::read("2026-11-23T20:19:30Z").unwrap(), After::Moment(_)));
        assert!(matches!(After::read("0000000000007-9").unwrap(), After::Message(_)));
        assert!(After::read("yesterday").is_err());
    }
}
