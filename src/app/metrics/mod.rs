//! The numbers for Prometheus, gathered from all rooms.
//!
//! What happens is counted where it happens (`mail::counters`); what there is, such as the queue, is asked for when somebody reads the
//! numbers. Without the database they are there all the same, but for those that it keeps.

mod process;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use self::process::Process;
use super::Services;
use crate::api::Exposition;
use crate::mail::counters::Labels;
use crate::mail::queue::{Queue, Standing};
use crate::mail::sessions::Sessions;
use crate::mail::statistics::{Disk, Statistics, Totals};
use crate::model::refusal::Refusal;
use crate::server::listener::Listeners;
use crate::store::db::Database;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

type Level<const N: usize> = Family<Labels<N>, Gauge<f64, AtomicU64>>;

/// When the certificates that the listeners have expire, by the names that they are for.
pub(super) type Expiry = Arc<dyn Fn() -> BTreeMap<String, Timestamp> + Send + Sync>;

/// The numbers.
pub(super) struct Metrics {
    registry: Registry,
    levels: Levels,
    sources: Sources,
    /// When the database was asked for the last time.
    asked: Mutex<Option<Instant>>,
}

/// Who is asked when the numbers are read.
struct Sources {
    database: Database,
    queue: Queue,
    sessions: Sessions,
    statistics: Statistics,
    expiry: Expiry,
    keep: Duration,
}

/// What there is.
#[derive(Default)]
struct Levels {
    sessions: Level<1>,
    queue: Level<1>,
    queue_age: Level<1>,
    queue_messages: Level<0>,
    entries: Level<1>,
    stored_messages: Level<0>,
    stored_bytes: Level<0>,
    disk: Level<1>,
    database_up: Level<0>,
    connections: Level<1>,
    connections_most: Level<0>,
    certificate: Level<0>,
    certificates: Family<[(&'static str, String); 1], Gauge<f64, AtomicU64>>,
}

/// What the database says.
struct Said {
    queue: [Standing; 3],
    totals: Totals,
}

impl Metrics {
    pub(super) fn open(services: &Services, listeners: &Listeners, expiry: Expiry, settings: &crate::config::Metrics) -> Arc<Self> {
        let mut registry = Registry::default();
        let levels = Levels::default();
        let ours = registry.sub_registry_with_prefix("posthouse");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        ours.register("build", "The program", build);
        levels.register(ours);
        services.statistics.register(ours);
        services.directory.register(ours);
        services.virus.register(ours);
        listeners.register(ours);
        registry.register_collector(Box::new(Process));
        Arc::new(Self {
            registry,
            levels,
            sources: Sources {
                database: services.database.clone(),
                queue: services.queue.clone(),
                sessions: services.sessions.clone(),
                statistics: services.statistics.clone(),
                expiry,
                keep: Duration::from_secs(settings.cache_seconds),
            },
            asked: Mutex::default(),
        })
    }

    /// All numbers as text.
    pub(super) async fn read(self: Arc<Self>, exposition: Exposition) -> Result<String, String> {
        self.ask().await;
        let encoded = tokio::task::spawn_blocking(move || self.encode(exposition)).await;
        encoded.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    fn encode(&self, exposition: Exposition) -> Result<String, fmt::Error> {
        self.levels.take_expiries(&(self.sources.expiry)());
        let mut written = String::new();
        match exposition {
            Exposition::OpenMetrics => text::encode(&mut written, &self.registry)?,
            Exposition::Text => prometheus_text::encode(&mut written, &self.registry)?,
        }
        Ok(written)
    }

    /// Asks for what there is, and the database no more often than it is to be asked.
    async fn ask(&self) {
        let (levels, sources) = (&self.levels, &self.sources);
        for (protocol, count) in sources.sessions.counts() {
            levels.sessions.set([("protocol", protocol.as_str())], count as f64);
        }
        let connections = sources.database.connections();
        levels.connections.set([("state", "idle")], f64::from(connections.idle));
        levels
            .connections
            .set([("state", "used")], f64::from(connections.open.saturating_sub(connections.idle)));
        levels.connections_most.set([], f64::from(connections.most));
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|at| at.elapsed() < sources.keep) {
            return;
        }
        let said = timeout(PATIENCE, sources.ask()).await.unwrap_or(Err(Refusal::LATER));
        levels.database_up.set([], if said.is_ok() { 1.0 } else { 0.0 });
        levels.take(said.ok());
        if let Ok(disk) = sources.statistics.disk().await {
            levels.take_disk(disk);
        }
        *asked = Some(Instant::now());
    }
}

impl Sources {
    async fn ask(&self) -> Result<Said, Refusal> {
        Ok(Said {
            queue: self.queue.standing().await?,
            totals: self.statistics.totals().await?,
        })
    }
}

impl Levels {
    fn register(&self, registry: &mut Registry) {
        let mut one = |name, help, level: &Level<1>| registry.register(name, help, level.clone());
        one("sessions", "Sessions of people who are logged in", &self.sessions);
        one(
            "queue_recipients",
            "Recipients elsewhere to whom mail is to be delivered",
            &self.queue,
        );
        one(
            "queue_oldest_age_seconds",
            "Seconds since the oldest message that waits came in; 0 if none waits",
            &self.queue_age,
        );
        one("entries", "What the directory has", &self.entries);
        one("disk_bytes", "Octets of the disk that holds the mail", &self.disk);
        one("database_connections", "Connections to the database", &self.connections);
        registry.register(
            "certificate_expiry_seconds",
            "Seconds until the certificate for a name expires; below 0 since it has",
            self.certificates.clone(),
        );
        let mut one = |name, help, level: &Level<0>| registry.register(name, help, level.clone());
        one("queue_messages", "Messages in the queue", &self.queue_messages);
        one("stored_messages", "Messages in mailboxes", &self.stored_messages);
        one("stored_bytes", "Octets in mailboxes", &self.stored_bytes);
        one("database_up", "Whether the database answers", &self.database_up);
        one(
            "database_connections_max",
            "How many connections there may be",
            &self.connections_most,
        );
        one(
            "certificate_expiry_timestamp_seconds",
            "When the first certificate of the listeners expires, in seconds since 1970",
            &self.certificate,
        );
    }

    /// Takes what the database said. What it did not say is not known.
    fn take(&self, said: Option<Said>) {
        let Some(Said { queue, totals }) = said else {
            for level in [&self.queue, &self.queue_age, &self.entries] {
                level.clear();
            }
            for level in [&self.queue_messages, &self.stored_messages, &self.stored_bytes] {
                level.clear();
            }
            return;
        };
        let now = Timestamp::now();
        for Standing {
            state,
            recipients,
            oldest_at,
        } in queue
        {
            let age = oldest_at.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0));
            self.queue.set([("state", state)], recipients as f64);
            self.queue_age.set([("state", state)], age);
        }
        for (kind, count) in [
            ("domains", totals.domains),
            ("users", totals.users),
            ("deleted_users", totals.deleted_users),
            ("aliases", totals.aliases),
        ] {
            self.entries.set([("kind", kind)], count as f64);
        }
        self.queue_messages.set([], totals.queued_messages as f64);
        self.stored_messages.set([], totals.stored_messages as f64);
        self.stored_bytes.set([], totals.stored_bytes as f64);
    }

    fn take_expiries(&self, ends: &BTreeMap<String, Timestamp>) {
        if let Some(first) = ends.values().min() {
            self.certificate.set([], first.as_second() as f64);
        }
        let now = Timestamp::now();
        // Names that no certificate is for any more are gone.
        self.certificates.clear();
        for (name, end) in ends {
            let left = end.duration_since(now).as_secs_f64().round();
            self.certificates.get_or_create_owned(&[("name", name.clone())]).set(left);
        }
    }

    fn take_disk(&self, disk: Disk) {
        self.disk.set([("kind", "total")], disk.total_bytes as f64);
        self.disk.set([("kind", "free")], disk.free_bytes as f64);
    }
}

/// Setting a level to what there is.
trait Set<const N: usize> {
    fn set(&self, labels: Labels<N>, value: f64);
}

impl<const N: usize> Set<N> for Level<N> {
    fn set(&self, labels: Labels<N>, value: f64) {
        self.get_or_create_owned(&labels).set(value);
    }
}
