//! `wattpool-agent check-config`: what a configuration amounts to.

use super::{check_online, Shown};
use crate::run::{market as market_of, mesh_config};
use crate::Failure;
use anyhow::Context;
use std::fmt::Write;
use wattpool_core::timing::Timing;
use wattpool_daemon::config::Config;
use wattpool_ledger_wasmd::Market;
use wattpool_meter_replay::ReplayMeter;
use wattpool_schema::MeterId;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    shown: Shown,
    /// Ask the chain, too: nodes, proofs, registration, keys, balance and fee grant.
    #[arg(long)]
    online: bool,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let shown = &args.shown;
    let (config, wrong) = Config::read_all(&shown.at.config).map_err(Failure::input)?;
    let mut wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    let market = noted(Market::read(&config.chain.market), &mut wrong);
    if config.meter.id == MeterId([0; 16]) {
        wrong.push(format!(
            "{}: meter.id: expected the pseudonym that the registrar gave this meter, found the template's zeros",
            shown.at.config.display()
        ));
    }
    let replayed = files(&config, market.as_ref(), &mut wrong);
    if let (true, true, Some(market)) = (args.online, wrong.is_empty(), &market) {
        let found = check_online::run(&config, market)?;
        eprint!("{}", found.text);
        wrong.extend(found.wrong);
    }
    if let Some((last, others)) = wrong.split_last() {
        for one in others {
            eprintln!("wattpool-agent: {one}");
        }
        return Err(Failure::input(anyhow::Error::msg(last.clone())));
    }
    if shown.json {
        crate::print(&crate::json(&config)?)?;
        return Ok(0);
    }
    if let Some(market) = &market {
        crate::print(&explain(&config, market, replayed.as_ref()).context("explanation")?)?;
    }
    Ok(0)
}

/// A value, or one more line of what is wrong.
pub fn noted<T, E: Into<anyhow::Error>>(found: Result<T, E>, wrong: &mut Vec<String>) -> Option<T> {
    let line = |e: E| wattpool_program::line(&e.into());
    found.map_err(|e| wrong.push(line(e))).ok()
}

/// Everything that is wrong with what the configuration names.
fn files(config: &Config, market: Option<&Market>, wrong: &mut Vec<String>) -> Option<ReplayMeter> {
    noted(config.chain.pins().map_err(anyhow::Error::msg), wrong);
    let network = market.map(|deployment| market_of(config, deployment));
    if let Some(network) = network {
        let mesh = mesh_config(config, [1; 32], &network, None);
        noted(mesh.validate().context("network"), wrong);
    }
    let mut replayed = None;
    if let Some(profile) = config.profile() {
        let window_s = market.map_or(900, |m| m.window_seconds);
        replayed = noted(ReplayMeter::open(&profile, window_s), wrong);
    }
    for device in &config.meter.device {
        // What their files hold, too.
        noted(device.dialect(), wrong);
        noted(device.secret(), wrong);
    }
    if let Some(gate) = &config.gate {
        noted(gate.check().context("gate"), wrong);
    }
    if let Some(at) = config.alerts.topic() {
        // What its files hold.
        noted(at.open("check").context("alerts"), wrong);
    }
    let keys = &config.keys.file;
    if !keys.is_file() {
        wrong.push(format!(
            "keys.file: {} is not there: `wattpool-agent init` makes it",
            keys.display()
        ));
    }
    let passphrase = &config.keys.passphrase_file;
    if !passphrase.as_os_str().is_empty() && !passphrase.is_file() {
        wrong.push(format!(
            "keys.passphrase_file: {} is not there",
            passphrase.display()
        ));
    }
    for (key, file) in [
        ("storage.file", &config.storage.file),
        ("http.token_file", &config.http.token_file),
    ] {
        let folder = file.parent().filter(|f| !f.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| std::path::Path::new("."));
        if !folder.is_dir() {
            wrong.push(format!("{key}: there is no folder {}", folder.display()));
        }
    }
    replayed
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
