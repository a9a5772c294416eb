//! The agent's figures for Prometheus.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use wattpool_core::io::Gate;
use wattpool_runtime::{Health, Status};

/// What it was built from; "unknown" of a build without a checkout.
const COMMIT: &str = env!("WATTPOOL_COMMIT_BUILT");

#[derive(Debug)]
struct Figures {
    counters: Vec<(String, u64)>,
    gauges: Vec<(&'static str, &'static str, i64)>,
    /// Nodes and proofs.
    chain: Vec<(String, i64)>,
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        for (name, value) in &self.counters {
            let counter = ConstCounter::new(*value);
            let help = "Counted since the agent started";
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        for (name, help, value) in &self.gauges {
            let gauge = ConstGauge::new(*value);
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        for (name, value) in &self.chain {
            let gauge = ConstGauge::new(*value);
            let help = "The way to the chain: docs/nodes.md";
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}

/// What exporters of processes tell everywhere, under the same names.
#[derive(Debug)]
struct Process;

static BEGUN: OnceLock<Instant> = OnceLock::new();

/// The process begins.
pub fn begin() {
    BEGUN.get_or_init(Instant::now);
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            let gauge = ConstGauge::new(value);
            let metric = encoder.encode_descriptor(name, help, unit, gauge.metric_type())?;
            gauge.encode(metric)
        };
        // By the clock as it is now: it may have been wrong when the process began.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let up = BEGUN.get().map(Instant::elapsed).unwrap_or_default();
        let begun = now.unwrap_or_default().saturating_sub(up).as_secs_f64();
        let help = "Start of the process, Unix time";
        gauge("process_start_time", help, Some(&Unit::Seconds), begun)?;
        if let Some(bytes) = wattpool_program::memory::resident_bytes() {
            let bytes =
                f64::from(u32::try_from(bytes.div_ceil(1_024)).unwrap_or(u32::MAX)) * 1_024.0;
            let help = "Resident memory";
            gauge("process_resident_memory", help, Some(&Unit::Bytes), bytes)?;
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            let open = u32::try_from(open.count()).unwrap_or(u32::MAX);
            gauge(
                "process_open_fds",
                "Open files and sockets",
                None,
                f64::from(open),
            )?;
        }
        if let Some(seconds) = cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            let help = "Processor time";
            let unit = Some(&Unit::Seconds);
            let kind = counter.metric_type();
            let metric = encoder.encode_descriptor("process_cpu", help, unit, kind)?;
            counter.encode(metric)?;
        }
        Ok(())
    }
}

/// Processor time of the process, of user and system, where the system tells (Linux).
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may have spaces; after it come the fields from the third on.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    // Linux counts hundredths for programs.
    Some((f64::from(user) + f64::from(system)) / 100.0)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The text that Prometheus reads. Without a running agent it says only that.
///
/// # Errors
/// Formatting fails.
pub fn text(health: &Health, status: Option<&Status>) -> Result<String, std::fmt::Error> {
    let mut figures = Figures {
        counters: Vec::new(),
        chain: Vec::new(),
        gauges: vec![
            ("healthy", "1: everything works", i64::from(health.ok)),
            (
                "troubles",
                "Parts that do not work; without a running agent, that it waits",
                i64::try_from(health.troubles.len())
                    .unwrap_or(i64::MAX)
                    .saturating_add(i64::from(status.is_none())),
            ),
        ],
    };
    if let Some(fees) = health.fees {
        if let Some(left) = fees.left {
            let help = "Left for fees, micro-units";
            figures
                .gauges
                .push(("fees_left_micro", help, signed(left.0)));
        }
        if let Some(days) = fees.days {
            let help = "Days that they last at the present rate";
            figures.gauges.push(("fees_left_days", help, signed(days)));
        }
        if let Some(days) = fees.grant_days {
            let help = "Days until the fee grant ends";
            figures
                .gauges
                .push(("fee_grant_left_days", help, signed(days)));
        }
    }
    if let Some(age) = health.block_age_s {
        let help = "Since the last block was heard of";
        figures
            .gauges
            .push(("block_age_seconds", help, signed(age)));
    }
    for (name, value) in &health.chain {
        // The encoder adds the ending of a counter itself.
        match name.strip_suffix("_total") {
            Some(name) => figures.counters.push((format!("chain_{name}"), *value)),
            None => figures
                .chain
                .push((format!("chain_{name}"), signed(*value))),
        }
    }
    if let Some(status) = status {
        let wh = |wh: wattpool_schema::Wh| signed(wh.0);
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let w = &status.window;
        figures.gauges.extend([
            (
                "block_height",
                "Last block followed",
                signed(status.block.height),
            ),
            (
                "block_time_seconds",
                "Its time",
                signed(status.block.time.0),
            ),
            ("meters", "Meters in service", count(status.meters)),
            (
                "window_surplus_wh",
                "Net export of the live window",
                wh(w.surplus),
            ),
            (
                "window_deficit_wh",
                "Net import of the live window",
                wh(w.deficit),
            ),
            ("window_bought_wh", "Of the deficit bought", wh(w.bought)),
            ("window_sold_wh", "Of the surplus sold", wh(w.sold)),
            (
                "offers_known",
                "Offers known in the live window",
                count(w.offers.len()),
            ),
            (
                "statements_unconfirmed",
                "Not on the chain yet",
                count(w.unconfirmed_statements),
            ),
            (
                "spent_today_micro",
                "Spent since midnight UTC",
                signed(w.spent_today.0),
            ),
            (
                "gate_limit_wh",
                "Limit of the grid gate; -1: open",
                match status.gate {
                    Gate::Open => -1,
                    Gate::Limit(limit) => wh(limit),
                },
            ),
        ]);
        // One list of counters, kept where they are counted.
        if let Ok(serde_json::Value::Object(counters)) = serde_json::to_value(status.counters) {
            let counted = counters
                .into_iter()
                .filter_map(|(k, v)| Some((k, v.as_u64()?)));
            figures.counters.extend(counted);
        }
    }
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process));
    let own = registry.sub_registry_with_prefix("wattpool");
    let build = [("version", env!("CARGO_PKG_VERSION")), ("commit", COMMIT)];
    own.register("build", "What runs", Info::new(build.to_vec()));
    own.register_collector(Box::new(figures));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use wattpool_core::agent::Snapshot;
    use wattpool_core::io::BlockRef;
    use wattpool_core::policy::Policy;
    use wattpool_runtime::{Counters, Fees};
    use wattpool_schema::{MeterId, Micro, Zone};

    /// All that is told of an agent that runs, with everything known.
    fn everything() -> String {
        let chain = crate::status::all_figures();
        let health = Health {
            fees: Some(Fees {
                left: Some(Micro(7)),
                days: Some(3),
                grant_days: Some(20),
            }),
            chain: chain
                .into_iter()
                .map(|name| (name, 1))
                .collect::<BTreeMap<_, _>>(),
            block_age_s: Some(4),
            ..Health::default()
        };
        let status = Status {
            meter: MeterId([1; 16]),
            zone: Zone(1),
            health: health.clone(),
            block: BlockRef::default(),
            meters: 3,
            gate: Gate::Open,
            window: Snapshot::default(),
            policy: Policy::default(),
            awaiting: Vec::new(),
            notices: Vec::new(),
            counters: Counters::default(),
        };
        text(&health, Some(&status)).unwrap()
    }

    /// Names in a text that begin as our metrics do.
    fn named(text: &str) -> BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let ours = |w: &&str| w.starts_with("wattpool_") || w.starts_with("process_");
        words.filter(ours).map(str::to_owned).collect()
    }

    #[test]
    fn the_build_and_the_process_are_told_under_their_usual_names() {
        let text = everything();
        let value = |name: &str| {
            let line = text.lines().find(|l| l.starts_with(&format!("{name} ")));
            let value = line.and_then(|l| l.rsplit_once(' ')).unwrap().1;
            value.parse::<f64>().unwrap()
        };
        let build = format!(
            "wattpool_build_info{{version=\"{}\",commit=\"",
            env!("CARGO_PKG_VERSION")
        );
        assert!(text.contains(&build), "{text}");
        assert!(value("process_start_time_seconds") > 1_000_000_000.0);
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!((value("wattpool_fee_grant_left_days") - 20.0).abs() < 0.5);
    }

    #[test]
    fn rules_and_dashboard_name_only_metrics_that_are_told() {
        let told: BTreeSet<String> = everything()
            .lines()
            .filter(|l| !l.starts_with('#'))
            .filter_map(|l| l.split([' ', '{']).next().map(str::to_owned))
            .collect();
        for (file, text) in [
            (
                "alerts.yml",
                include_str!("../packaging/prometheus/alerts.yml"),
            ),
            (
                "dashboard.json",
                include_str!("../packaging/grafana/dashboard.json"),
            ),
        ] {
            let named = named(text);
            assert!(named.len() > 5, "{file}: {named:?}");
            let missing: Vec<_> = named.difference(&told).collect();
            assert!(
                missing.is_empty(),
                "{file} names {missing:?}; told are {told:?}"
            );
        }
        serde_json::from_str::<serde_json::Value>(include_str!(
            "../packaging/grafana/dashboard.json"
        ))
        .unwrap();
    }
}
