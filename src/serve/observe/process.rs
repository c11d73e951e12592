//! What the system says of the process, under the names that every exporter of Prometheus uses.
//!
//! Invariant: what the system does not say is left out.

use std::fs;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

static STARTED: LazyLock<f64> =
    LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());

/// Asks the system at each scrape.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl ProcessCollector {
    pub(super) fn new() -> Self {
        LazyLock::force(&STARTED);
        Self
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge("process_start_time_seconds", "Start of the process, in seconds since 1970", *STARTED)?;
        if let Some(bytes) = resident_bytes() {
            gauge("process_resident_memory_bytes", "Memory in use", bytes)?;
        }
        if let Some(files) = open_files() {
            gauge("process_open_fds", "Open file descriptors", files)?;
        }
        if let Some(files) = most_files() {
            gauge("process_max_fds", "File descriptors that may be open", files)?;
        }
        if let Some(seconds) = processor_seconds() {
            let counter = ConstCounter::new(seconds);
            let name = "process_cpu_seconds";
            counter.encode(encoder.encode_descriptor(name, "Processor time used", None, counter.metric_type())?)?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a page more or less")]
fn resident_bytes() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages as f64 * rustix::param::page_size() as f64)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn open_files() -> Option<f64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

fn most_files() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// User and system time; the fields after the name in parentheses, which may hold spaces.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn processor_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}
