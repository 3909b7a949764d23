//! The services that handlers call, and the one place where a call crosses to the main runtime.

use std::future::Future;
use std::sync::Arc;

use actix_web::web::Data;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::metrics::Metrics;
use super::problem::Problem;
use super::rates::Rates;
use super::{About, Api};
use crate::config;
use crate::mail::audit::Audit;
use crate::mail::certificates::Certificates;
use crate::mail::certificates::acme::Acme;
use crate::mail::client_setup::ClientSetup;
use crate::mail::defence::Defence;
use crate::mail::directory::Directory;
use crate::mail::events::Events;
use crate::mail::filter::Filters;
use crate::mail::intake::Intake;
use crate::mail::mailbox::{Mailboxes, StoredMessage};
use crate::mail::queue::Queue;
use crate::mail::received_reports::ReceivedReports;
use crate::mail::repeats::Repeats;
use crate::mail::sessions::Sessions;
use crate::mail::sign::Signing;
use crate::mail::spam::Spam;
use crate::mail::statistics::Statistics;
use crate::mail::traces::Traces;
use crate::mail::webhooks::Webhooks;
use crate::mail::zone::Zones;
use crate::model::audit::Actor;
use crate::model::ids::MailId;
use crate::model::network::Network;
use crate::model::queue::{QueueFilter, Steering};
use crate::model::refusal::Refusal;

/// Says whether the server can do its work at this moment (the database answers), or why not, for the log.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The services, shared by all workers.
pub(super) struct House {
    pub directory: Directory,
    pub sessions: Sessions,
    pub hostname: String,
    pub filters: Filters,
    pub mailboxes: Mailboxes,
    pub intake: Intake,
    pub spam: Spam,
    pub queue: Queue,
    pub signing: Signing,
    pub traces: Traces,
    pub reports: ReceivedReports,
    pub statistics: Statistics,
    pub audit: Audit,
    pub certificates: Certificates,
    pub acme: Option<Acme>,
    pub defence: Defence,
    pub events: Events,
    pub webhooks: Webhooks,
    pub zones: Zones,
    pub clients: ClientSetup,
    pub about: About,
    pub repeats: Repeats,
    pub rates: Rates,
    pub settings: config::Http,
    pub max_recipients: usize,
    pub ready: Ready,
    pub metrics: Metrics,
    /// Who reads them without a token.
    pub metrics_from: Vec<Network>,
    /// Ends what waits.
    pub stop: CancellationToken,
    /// How many requests may wait for something to happen.
    pub waiting: Arc<Semaphore>,
    /// How many KiB of large bodies may be in memory.
    pub large_bodies: Arc<Semaphore>,
    /// How many messages may be in memory for parsing at the same time: each may be as large as the largest message.
    parsing: Semaphore,
    runtime: Handle,
}

impl House {
    /// `runtime` is where the services live.
    pub fn new(api: Api, runtime: Handle) -> Data<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Data::new(Self {
            directory: api.directory,
            sessions: api.sessions,
            hostname: api.hostname,
            filters: api.filters,
            mailboxes: api.mailboxes,
            intake: api.intake,
            spam: api.spam,
            queue: api.queue,
            signing: api.signing,
            traces: api.traces,
            reports: api.reports,
            statistics: api.statistics,
            audit: api.audit,
            certificates: api.certificates,
            acme: api.acme,
            defence: api.defence,
            events: api.events,
            webhooks: api.webhooks,
            zones: api.zones,
            clients: api.clients,
            about: api.about,
            repeats: api.repeats,
            rates: Rates::new(&api.settings),
            waiting: Arc::new(Semaphore::new(api.settings.max_waiting)),
            large_bodies: Arc::new(Semaphore::new(api.settings.large_body_bytes / 1024)),
            settings: api.settings,
            max_recipients: api.max_recipients,
            ready: api.ready,
            metrics: api.metrics,
            metrics_from: api.metrics_from,
            stop: api.stop,
            parsing: Semaphore::new(cores),
            runtime,
        })
    }

    /// Does `work` on the main runtime.
    ///
    /// A worker of actix has a runtime of its own, and a database connection that is opened on it would die with it while others
    /// use it. What is begun here also ends if the client goes away in between, so a change is never left half done.
    pub async fn run<T, W, F>(self: &Arc<Self>, work: W) -> Result<T, Problem>
    where
        W: FnOnce(Arc<Self>) -> F,
        F: Future<Output = Result<T, Refusal>> + Send + 'static,
        T: Send + 'static,
    {
        let work = work(Arc::clone(self)).instrument(tracing::Span::current());
        match self.runtime.spawn(work).await {
            Ok(outcome) => outcome.map_err(Problem::from),
            Err(error) => Err(Problem::broken(&error)),
        }
    }

    /// The same for work that changes nothing, such as waiting: it is broken off if the client goes away.
    pub async fn run_while_asked<T, W, F>(self: &Arc<Self>, work: W) -> Result<T, Problem>
    where
        W: FnOnce(Arc<Self>) -> F,
        F: Future<Output = Result<T, Refusal>> + Send + 'static,
        T: Send + 'static,
    {
        let work = work(Arc::clone(self)).instrument(tracing::Span::current());
        match AbortOnDropHandle::new(self.runtime.spawn(work)).await {
            Ok(outcome) => outcome.map_err(Problem::from),
            Err(error) => Err(Problem::broken(&error)),
        }
    }

    /// Does a step with queued mail for somebody, and has it in the audit log.
    pub async fn steer(&self, actor: &Actor, filter: &QueueFilter, steering: Steering) -> Result<u64, Refusal> {
        let recipients = self.queue.steer(filter, steering).await?;
        self.audit.note_steering(actor, filter, steering, recipients).await;
        Ok(recipients)
    }

    /// The same with one message, which must be there.
    pub async fn steer_one(&self, actor: &Actor, id: MailId, steering: Steering) -> Result<(), Refusal> {
        let recipients = match steering {
            // The message goes, whatever became of its recipients.
            Steering::Remove => self.queue.remove(id).await.map(|()| 1)?,
            steering => self.queue.steer_one(id, steering).await?,
        };
        let filter = QueueFilter {
            id: Some(id),
            ..QueueFilter::default()
        };
        self.audit.note_steering(actor, &filter, steering, recipients).await;
        Ok(())
    }

    /// Works in the background, where the services live, for a reply that goes on.
    pub fn go_on(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(work.instrument(tracing::Span::current())));
    }

    /// Reads a message whole and does blocking `work` on it. Only so many are in memory at a time; others wait.
    pub async fn whole<T: Send + 'static>(
        &self,
        file: &StoredMessage,
        work: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let _turn = self.parsing.acquire().await.map_err(|_| Refusal::LATER)?;
        let octets = file.read_all().await?;
        tokio::task::spawn_blocking(move || work(&octets)).await.map_err(|error| {
            tracing::error!(%error, "reading a message broke");
            Refusal::LATER
        })
    }
}
