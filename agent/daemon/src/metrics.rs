//! The agent's figures for Prometheus.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use wattpool_core::io::Gate;
use wattpool_runtime::{Health, Status};

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
    let mut registry = Registry::with_prefix("wattpool");
    registry.register_collector(Box::new(figures));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
