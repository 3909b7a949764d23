//! Counters for those who watch the server: a number each, which is added to without a lock.
//!
//! The parts count for themselves, from the start of the process; `app` gathers the counters for Prometheus.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::{MetricType, TypedMetric};

/// The names of labels with their values.
pub type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Counters of one name that are told apart by labels. All are there from the start, so that a rate can be made of the first event.
#[derive(Clone)]
pub struct Counters<K, const N: usize> {
    family: Family<Labels<N>, Counter>,
    each: Arc<[(K, Counter)]>,
}

impl<K: PartialEq, const N: usize> Counters<K, N> {
    /// One for each key.
    pub fn new(keys: impl IntoIterator<Item = K>, labels: impl Fn(&K) -> Labels<N>) -> Self {
        let family = Family::<Labels<N>, Counter>::default();
        let each = keys.into_iter().map(|key| {
            let counter = family.get_or_create_owned(&labels(&key));
            (key, counter)
        });
        Self {
            each: each.collect(),
            family,
        }
    }

    /// Adds to one; a key that there is none for is not counted.
    pub fn add(&self, key: &K, times: u64) {
        if let Some((_, counter)) = self.each.iter().find(|(known, _)| known == key) {
            counter.inc_by(times);
        }
    }

    /// All of them, as they are shown.
    pub fn family(&self) -> Family<Labels<N>, Counter> {
        self.family.clone()
    }
}

/// How long something took, each time: how often it was at most so long, and the sum.
#[derive(Clone)]
pub struct Times(Arc<Inner>);

struct Inner {
    /// In seconds.
    bounds: &'static [f64],
    /// One for each bound, and one for what is longer.
    counts: Box<[AtomicU64]>,
    milliseconds: AtomicU64,
}

impl Times {
    /// None yet. `bounds` in seconds, the smallest first.
    pub fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Inner {
            bounds,
            counts,
            milliseconds: AtomicU64::new(0),
        }))
    }

    /// Counts what took so long, so often.
    pub fn add(&self, took: Duration, times: u64) {
        let seconds = took.as_secs_f64();
        let place = self.0.bounds.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.0.counts.get(place) {
            count.fetch_add(times, Ordering::Relaxed);
        }
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).saturating_mul(times);
        self.0.milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }

    fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = self.0.bounds.iter().copied().chain([f64::INFINITY]);
        bounds
            .zip(self.0.counts.iter().map(|count| count.load(Ordering::Relaxed)))
            .collect()
    }
}

impl fmt::Debug for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.buckets()).finish()
    }
}

impl TypedMetric for Times {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Times {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let buckets = self.buckets();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let seconds = Duration::from_millis(self.0.milliseconds.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(seconds, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let counters = Counters::new(["a", "b"], |key| [("kind", *key)]);
        counters.add(&"a", 2);
        counters.add(&"c", 1);
        let times = Times::new(&[0.1, 1.0]);
        times.add(Duration::from_millis(100), 1);
        times.add(Duration::from_millis(500), 2);
        times.add(Duration::from_secs(5), 1);
        let mut registry = Registry::default();
        registry.register("things", "Things", counters.family());
        registry.register("seconds", "How long", times);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "things_total{kind=\"a\"} 2",
            "things_total{kind=\"b\"} 0",
            "seconds_bucket{le=\"0.1\"} 1",
            "seconds_bucket{le=\"1.0\"} 3",
            "seconds_bucket{le=\"+Inf\"} 4",
            "seconds_sum 6.1",
            "seconds_count 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(!text.contains("\"c\""), "{text}");
    }
}
