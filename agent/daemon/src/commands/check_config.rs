//! `wattpool-agent check-config`: what a configuration amounts to.

use super::Shown;
use crate::Failure;
use anyhow::Context;
use std::fmt::Write;
use wattpool_core::timing::Timing;
use wattpool_daemon::config::Config;
use wattpool_ledger_wasmd::Market;
use wattpool_meter_replay::ReplayMeter;

pub fn run(shown: &Shown) -> Result<u8, Failure> {
    let config = Config::read(&shown.at.config).map_err(Failure::input)?;
    config.limits().check().map_err(Failure::input)?;
    let market = Market::read(&config.chain.market).map_err(Failure::input)?;
    let replayed = config
        .profile()
        .map(|p| ReplayMeter::open(&p, market.window_seconds));
    let replayed = replayed.transpose().map_err(Failure::input)?;
    for device in &config.meter.device {
        // What their files hold, too.
        device.dialect().map_err(Failure::input)?;
        device.secret().map_err(Failure::input)?;
    }
    if let Some(gate) = &config.gate {
        gate.check().context("gate").map_err(Failure::input)?;
    }
    if shown.json {
        crate::print(&crate::json(&config)?)?;
        return Ok(0);
    }
    crate::print(&explain(&config, &market, replayed.as_ref()).context("explanation")?)?;
    Ok(0)
}

fn explain(
    config: &Config,
    market: &Market,
    replayed: Option<&ReplayMeter>,
) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut line = |name: &str, value: String| writeln!(text, "{name:<10}{value}");
    let window_s = market.window_seconds;
    line("meter", config.meter.id.to_string())?;
    if let (Some(meter), Some(replay)) = (replayed, &config.meter.replay) {
        let (import, export) = meter.largest();
        line(
            "",
            format!(
                "replays {} windows of {}{}, at most {import} Wh in and {export} Wh out per window",
                meter.rows(),
                replay.file.display(),
                if replay.repeat {
                    ", again and again"
                } else {
                    " once"
                },
            ),
        )?;
    }
    for device in &config.meter.device {
        let (imports, exports) = device.role.counts();
        let counts = match (imports, exports) {
            (true, true) => "import and export",
            (true, false) => "import",
            _ => "export",
        };
        let address = device.address()?;
        line(
            "",
            format!(
                "reads {counts} of {} ({}) at {address}",
                device.name(),
                device.kind
            ),
        )?;
    }
    let gate = config
        .gate
        .as_ref()
        .map(|g| format!("told at {} every {} s", g.connection, g.refresh_s));
    line("gate", gate.unwrap_or("told to the log alone".into()))?;
    line(
        "chain",
        format!("{} over {}", market.chain_id, config.chain.rpc.join(", ")),
    )?;
    line("", format!("pool {}", market.pool.address))?;
    line("", format!("escrow {}", market.escrow.address))?;
    let fees = if config.chain.fee_granter.is_empty() {
        "the agent's own account".to_owned()
    } else {
        config.chain.fee_granter.clone()
    };
    line(
        "fees",
        format!("{} per gas, paid by {fees}", config.chain.gas_price),
    )?;
    let timing = Timing::for_chain(window_s, config.chain.block_ms, market.first_part_seconds);
    let blocks = timing.window_ms.checked_div(timing.block_ms).unwrap_or(0);
    line(
        "windows",
        format!("of {window_s} s, about {blocks} blocks each"),
    )?;
    if blocks < 4 {
        line(
            "",
            "fewer than four blocks a window leave little time to trade".into(),
        )?;
    }
    line("", format!(
        "looks for offers {} ms after a window opens, an answer may take {} ms, an approval holds {} s",
        timing.seek_ms, timing.answer_ms, timing.approval_s
    ))?;
    let network = &config.network;
    line(
        "network",
        format!("listens on {}", network.listen.join(", ")),
    )?;
    let begin = match (network.bootstrap.len(), network.mdns) {
        (0, true) => "finds meters on the local network alone".to_owned(),
        (0, false) => "knows nobody to begin with: others have to dial this meter".to_owned(),
        (n, true) => format!("begins with {n} meters, and those on the local network"),
        (n, false) => format!("begins with {n} meters"),
    };
    line("", begin)?;
    line("keys", config.keys.file.display().to_string())?;
    line("journal", config.storage.file.display().to_string())?;
    line(
        "http",
        format!(
            "{}, token in {}",
            config.http.listen,
            config.http.token_file.display()
        ),
    )?;
    line(
        "log",
        format!("{} from {}", config.log.format, config.log.level),
    )?;
    let policy = &config.policy;
    let trades = match (policy.sells(), policy.buys()) {
        (true, true) => "buys and sells",
        (true, false) => "sells only",
        (false, true) => "buys only",
        (false, false) => "does not trade",
    };
    line("policy", trades.to_owned())?;
    let limits = toml::Table::try_from(policy)?;
    let defaults = toml::Table::try_from(wattpool_core::policy::Policy::default())?;
    for (key, value) in limits.iter().filter(|(k, v)| defaults.get(*k) != Some(v)) {
        line("", format!("{key} = {value}"))?;
    }
    Ok(text)
}
