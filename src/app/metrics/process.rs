//! The process in numbers, by the names that every dashboard knows. What /proc does not say is left out.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::process::{Resource, getrlimit};

/// Reads itself anew each time.
#[derive(Debug)]
pub(super) struct Process;

/// What /proc/self/stat says, in seconds and octets (proc_pid_stat(5)).
struct Stat {
    cpu_seconds: f64,
    threads: f64,
    started_at: Option<f64>,
    virtual_bytes: f64,
    resident_bytes: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        let booted_at = fs::read_to_string("/proc/stat").ok().and_then(|text| booted_at(&text));
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?, booted_at)
    }

    fn parse(text: &str, booted_at: Option<f64>) -> Option<Self> {
        // The name of the program stands in parentheses, and may have any character in it.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // The first of these is field 3 of the manual.
        let field = |number: usize| -> Option<f64> { fields.get(number.checked_sub(3)?)?.parse().ok() };
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let page = rustix::param::page_size() as f64;
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / ticks,
            threads: field(20)?,
            started_at: booted_at.and_then(|booted| Some(booted + field(22)? / ticks)),
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * page,
        })
    }
}

fn booted_at(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

fn open_files() -> Option<f64> {
    // The directory that is read is open too.
    let count = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    Some(count as f64)
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(stat) = Stat::read() {
            let seconds = ConstCounter::new(stat.cpu_seconds);
            let described = encoder.encode_descriptor(
                "process_cpu_seconds",
                "Time of processors that was spent, in seconds.",
                None,
                seconds.metric_type(),
            )?;
            seconds.encode(described)?;
            let mut gauge = |name, help, value| gauge(&mut encoder, name, help, value);
            gauge("process_threads", "Threads.", Some(stat.threads))?;
            gauge(
                "process_start_time_seconds",
                "When it was started, in seconds since 1970.",
                stat.started_at,
            )?;
            gauge("process_virtual_memory_bytes", "Memory that is mapped.", Some(stat.virtual_bytes))?;
            gauge("process_resident_memory_bytes", "Memory that is used.", Some(stat.resident_bytes))?;
        }
        gauge(&mut encoder, "process_open_fds", "Files and sockets that are open.", open_files())?;
        let most = getrlimit(Resource::Nofile).current.map(|most| most as f64);
        gauge(&mut encoder, "process_max_fds", "How many may be open.", most)
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: Option<f64>) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_kernel_is_read_whatever_the_program_is_called() {
        let line = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 1000 4096000 200 18446744073709551615 1";
        let stat = Stat::parse(line, booted_at("cpu 1 2\nbtime 1700000000\n")).unwrap();
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        assert!((stat.cpu_seconds - 300.0 / ticks).abs() < 1e-9);
        assert!((stat.started_at.unwrap() - (1_700_000_000.0 + 1000.0 / ticks)).abs() < 1e-3);
        assert!((stat.threads - 9.0).abs() < 1e-9 && (stat.virtual_bytes - 4_096_000.0).abs() < 1e-9);
        assert!((stat.resident_bytes - 200.0 * rustix::param::page_size() as f64).abs() < 1e-9);
        assert!(Stat::parse("7 (a", None).is_none());
    }

    #[test]
    fn this_process_is_there() {
        let stat = Stat::read().unwrap();
        assert!(stat.resident_bytes > 1e6 && stat.threads >= 1.0 && open_files().unwrap() > 2.0);
    }
}
