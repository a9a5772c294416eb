//! The command: a network that stays, in a folder.

use crate::agents;
use crate::built;
use crate::deploy::{deploy, Tools, ADDRESSES};
use crate::description::Description;
use crate::network::{remove, Found, Testnet};
use crate::options::{Options, Ports};
use crate::ports;
use crate::rpc::Status;
use anyhow::{bail, Result};
use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where the first node answers RPC unless told otherwise.
const RPC_PORT: u16 = 26_657;
/// Seconds of a window, unless told otherwise, where agents trade: somebody watches them.
const WITH_AGENTS_S: u32 = 60;
/// Where the network is unless told otherwise.
const HOME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../state");

/// A local wasmd testnet. stdout is the result, stderr the prose. Exit codes: 0 done, 1 failed, 2 wrong usage or
/// input, 3 (status) not every node runs.
#[derive(Parser)]
#[command(name = "testnet", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a network, or start the one that is there, and wait until blocks come.
    Up(Up),
    /// Stop all nodes; the chain's state stays.
    Down(Folder),
    /// Say what runs, where, and how far it is.
    Status(Shown),
    /// Stop all nodes and remove keys, state and logs.
    Reset(Folder),
}

#[derive(Args)]
struct Folder {
    /// Folder of keys, state and logs [default: testnet/state of the project].
    #[arg(long, value_name = "DIR", default_value = HOME, hide_default_value = true)]
    home: PathBuf,
}

#[derive(Args)]
struct Shown {
    #[command(flatten)]
    folder: Folder,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Up {
    #[command(flatten)]
    shown: Shown,
    /// Validators, 1 to 16 [default: 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=16))]
    validators: Option<u16>,
    /// Port of the first node's RPC; the others follow in steps of ten, and each one's peer port is the one before
    /// [default: 26657, or a free one when that is taken].
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u16).range(1025..=65_385))]
    rpc_port: Option<u16>,
    /// Milliseconds between blocks, at least [default: 1000].
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(50..=60_000))]
    block_ms: Option<u32>,
    /// Seconds of a market window [default: 900; with agents 60].
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..))]
    window_s: Option<u32>,
    /// Seconds that a proposal to governance can be voted on; an expedited one half as long.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=86_400))]
    voting_s: u32,
    /// Blocks a validator may miss before it is jailed.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    jail_after: u32,
    /// What the nodes log: debug, info, warn or error.
    #[arg(long, value_name = "LEVEL", default_value = "warn", value_parser = ["debug", "info", "warn", "error"])]
    log_level: String,
    /// The wasmd to run [default: what testnet/build built].
    #[arg(long, value_name = "FILE")]
    wasmd: Option<PathBuf>,
    /// Homes with agents that trade, up to 64; every other one has a roof of solar cells [default: none].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=i64::from(agents::MOST)))]
    agents: Option<u16>,
    /// Leave the chain without contracts.
    #[arg(long, conflicts_with = "agents")]
    no_deploy: bool,
    /// The wattpool command that deploys [default: what testnet/up built].
    #[arg(long, value_name = "FILE", default_value_os_t = built::program("wattpool"), hide_default_value = true)]
    wattpool: PathBuf,
    /// The wattpool-agent command that runs on the homes [default: what testnet/up built].
    #[arg(long, value_name = "FILE", default_value_os_t = built::program("wattpool-agent"), hide_default_value = true)]
    agent: PathBuf,
    /// Folder of the contracts [default: what scripts/build-contracts built].
    #[arg(long, value_name = "DIR", default_value_os_t = built::contracts(), hide_default_value = true)]
    contracts: PathBuf,
    /// Only say whether these options are sound.
    #[arg(long, hide = true)]
    check: bool,
}

/// Carries out the command; failures are told in one line on stderr.
pub fn main(cli: Cli) -> ExitCode {
    let outcome = match &cli.verb {
        Verb::Up(up) => up.run(),
        Verb::Down(folder) => down(&folder.home),
        Verb::Status(shown) => shown.run(),
        Verb::Reset(folder) => reset(&folder.home),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("testnet: {error:#}");
        ExitCode::FAILURE
    })
}

impl Up {
    fn run(&self) -> Result<ExitCode> {
        if self.check {
            return Ok(ExitCode::SUCCESS);
        }
        let home = &self.shown.folder.home;
        let mut found = Found::open(home, true)?;
        let had = found.as_ref().map(|found| found.description.clone());
        if let Some(found) = &mut found {
            let nodes = found.look();
            let running = nodes
                .iter()
                .filter(|(process, _)| process.is_some())
                .count();
            if running == nodes.len() {
                self.check_running(&found.description)?;
                eprintln!("the network is up already; testnet/down stops it");
                self.populate(&found.description)?;
                return self.shown.run();
            }
            if running > 0 {
                bail!(
                    "{running} of {} nodes run; testnet/down stops them, then start anew",
                    nodes.len()
                );
            }
        }
        drop(found);
        let network = Testnet::start(&self.options(had.as_ref())?)?;
        self.populate(network.description())?;
        network.release();
        self.shown.run()
    }

    /// The market, and the homes that trade in it.
    fn populate(&self, description: &Description) -> Result<()> {
        self.deploy(description)?;
        if agents::count(description) > 0 && !self.no_deploy {
            let programs = agents::Programs {
                wattpool: self.wattpool.clone(),
                agent: self.agent.clone(),
            };
            agents::up(&self.shown.folder.home, description, &programs)?;
        }
        Ok(())
    }

    /// Deploys, unless that was done or is not wanted.
    fn deploy(&self, description: &Description) -> Result<()> {
        let home = &self.shown.folder.home;
        if self.no_deploy || home.join(ADDRESSES).exists() {
            return Ok(());
        }
        let tools = Tools {
            wattpool: self.wattpool.clone(),
            contracts: self.contracts.clone(),
        };
        deploy(home, description, &tools)
    }

    /// What is asked for now, else what the network that is there had, else the defaults.
    fn options(&self, had: Option<&Description>) -> Result<Options> {
        let defaults = Options::default();
        let had_validators = had.and_then(|had| u16::try_from(had.nodes.len()).ok());
        let validators = self
            .validators
            .or(had_validators)
            .unwrap_or(defaults.validators);
        let homes = had.map_or(self.agents.unwrap_or(0), agents::count);
        if let Some(asked) = self.agents.filter(|asked| *asked != homes) {
            bail!("--agents {asked}: the network that is there has {homes}; testnet/reset makes room for another");
        }
        let window_s = match homes {
            0 => defaults.window_s,
            _ => WITH_AGENTS_S,
        };
        Ok(Options {
            home: Some(self.shown.folder.home.clone()),
            wasmd: self.wasmd.clone(),
            validators,
            ports: Ports::From(self.port(had, validators)?),
            block_ms: self
                .block_ms
                .or(had.map(|had| had.block_ms))
                .unwrap_or(defaults.block_ms),
            window_s: self
                .window_s
                .or(had.map(|had| had.window_s))
                .unwrap_or(window_s),
            named: agents::owners(homes)?,
            voting_s: self.voting_s,
            jail_after: self.jail_after,
            log_level: self.log_level.clone(),
            ..defaults
        })
    }

    /// The RPC port asked for, which must be free; else the usual one or one that is free in its place.
    fn port(&self, had: Option<&Description>, validators: u16) -> Result<u16> {
        if let Some(port) = self.rpc_port {
            return Ok(port);
        }
        let first = had
            .and_then(|had| had.nodes.first())
            .map(|node| node.rpc_port())
            .transpose()?;
        let first = first.unwrap_or(RPC_PORT);
        let candidates = (0..20u16).map_while(|step| step.checked_mul(100)?.checked_add(first));
        for port in candidates {
            match ports::from(port, validators) {
                Ok(_) if port == first => return Ok(port),
                Ok(_) => {
                    eprintln!("RPC is on port {port} instead; --rpc-port names another");
                    return Ok(port);
                }
                Err(error) => eprintln!("{error:#}"),
            }
        }
        bail!("found no free ports; name one with --rpc-port");
    }

    /// A network that runs cannot be given other settings.
    fn check_running(&self, has: &Description) -> Result<()> {
        let port = has.nodes.first().map(|node| node.rpc_port()).transpose()?;
        let asked = [
            (
                "--validators",
                self.validators.map(u64::from),
                u64::try_from(has.nodes.len()).ok(),
            ),
            (
                "--agents",
                self.agents.map(u64::from),
                Some(u64::from(agents::count(has))),
            ),
            (
                "--rpc-port",
                self.rpc_port.map(u64::from),
                port.map(u64::from),
            ),
            (
                "--block-ms",
                self.block_ms.map(u64::from),
                Some(u64::from(has.block_ms)),
            ),
            (
                "--window-s",
                self.window_s.map(u64::from),
                Some(u64::from(has.window_s)),
            ),
        ];
        for (option, asked, has) in asked {
            if let (Some(asked), Some(has)) = (asked, has) {
                if asked != has {
                    bail!("{option} {asked}: the network that runs has {has}; testnet/reset makes room for another");
                }
            }
        }
        Ok(())
    }
}

fn down(home: &Path) -> Result<ExitCode> {
    let (agents, nodes) = match Found::open(home, true)? {
        Some(mut found) => found.end()?,
        None => (0, 0),
    };
    if agents > 0 {
        eprintln!("{agents} agents stopped");
    }
    eprintln!("{nodes} nodes stopped");
    Ok(ExitCode::SUCCESS)
}

fn reset(home: &Path) -> Result<ExitCode> {
    if !home.exists() {
        eprintln!("no network in {}", home.display());
        return Ok(ExitCode::SUCCESS);
    }
    let home = &home.canonicalize()?;
    let mut found = Found::open(home, true)?;
    if let Some(found) = &mut found {
        found.end()?;
    }
    remove(home)?;
    eprintln!("network in {} removed", home.display());
    Ok(ExitCode::SUCCESS)
}

/// What `status --json` prints.
#[derive(Serialize)]
struct Shape {
    /// Every node and every agent runs and answers.
    running: bool,
    home: PathBuf,
    chain_id: Option<String>,
    /// RPC address of the first node that answers, or of the first when none does.
    rpc: Option<String>,
    /// Height and time of the chain's last block, as far as a node tells.
    height: Option<u64>,
    time: Option<String>,
    block_ms: Option<u32>,
    window_s: Option<u32>,
    nodes: Vec<ShownNode>,
    /// Homes with agents.
    agents: Vec<ShownAgent>,
    /// Addresses by role.
    accounts: BTreeMap<String, String>,
    /// What the deployment wrote; none before it.
    contracts: Option<Value>,
}

#[derive(Serialize)]
struct ShownNode {
    name: String,
    rpc: String,
    process: Option<i32>,
    height: Option<u64>,
    catching_up: Option<bool>,
}

#[derive(Serialize)]
struct ShownAgent {
    name: String,
    meter: String,
    /// Where it answers.
    http: String,
    /// What its owner's commands need.
    config: PathBuf,
    process: Option<i32>,
    /// What it says of its own health.
    health: Option<Value>,
}

impl Shown {
    fn run(&self) -> Result<ExitCode> {
        let shape = shape(&self.folder.home)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&shape)?);
        } else {
            print(&shape);
        }
        Ok(if shape.running {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(3)
        })
    }
}

fn shape(home: &Path) -> Result<Shape> {
    let mut shape = Shape {
        running: false,
        home: home.canonicalize().unwrap_or_else(|_| home.to_owned()),
        chain_id: None,
        rpc: None,
        height: None,
        time: None,
        block_ms: None,
        window_s: None,
        nodes: Vec::new(),
        agents: Vec::new(),
        accounts: BTreeMap::new(),
        contracts: None,
    };
    let Some(mut found) = Found::open(home, false)? else {
        return Ok(shape);
    };
    let looks = found.look();
    let best = looks
        .iter()
        .filter_map(|(_, status)| status.as_ref())
        .max_by_key(|status| status.height);
    shape.height = best.map(|status| status.height);
    shape.time = best.map(|status| status.time.clone());
    let description = found.description;
    let shown = |home: agents::Home| ShownAgent {
        process: agents::process(&shape.home, &home).running().map(|p| p.pid),
        health: agents::health(&home),
        http: agents::address(&home),
        config: shape
            .home
            .join(agents::FOLDER)
            .join(&home.name)
            .join("agent.toml"),
        meter: home.meter,
        name: home.name,
    };
    shape.agents = agents::homes(home)?.into_iter().map(shown).collect();
    shape.running = looks.iter().all(|(_, status)| status.is_some())
        && shape.agents.iter().all(|agent| agent.health.is_some());
    let answers = |(node, look): (_, &(_, Option<Status>))| look.1.is_some().then_some(node);
    let answering = description.nodes.iter().zip(&looks).find_map(answers);
    shape.rpc = answering
        .or(description.nodes.first())
        .map(|node| node.rpc.clone());
    shape.chain_id = Some(description.chain_id);
    shape.block_ms = Some(description.block_ms);
    shape.window_s = Some(description.window_s);
    shape.nodes = description
        .nodes
        .into_iter()
        .zip(looks)
        .map(|(node, (process, status))| ShownNode {
            name: node.name,
            rpc: node.rpc,
            process,
            height: status.as_ref().map(|status| status.height),
            catching_up: status.map(|status| status.catching_up),
        })
        .collect();
    let accounts = description.accounts.into_iter();
    shape.accounts = accounts
        .map(|(name, account)| (name, account.address))
        .collect();
    shape.contracts = contracts(home)?;
    Ok(shape)
}

fn contracts(home: &Path) -> Result<Option<Value>> {
    match fs::read_to_string(home.join(ADDRESSES)) {
        Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn print(shape: &Shape) {
    if shape.nodes.is_empty() {
        println!(
            "no network in {}; testnet/up makes one",
            shape.home.display()
        );
        return;
    }
    println!("rpc {}", shape.rpc.as_deref().unwrap_or("-"));
    println!("chain {}", shape.chain_id.as_deref().unwrap_or("-"));
    match (shape.height, &shape.time) {
        (Some(height), Some(time)) => println!("height {height} at {time}"),
        _ => println!("height unknown: no node answers"),
    }
    for node in &shape.nodes {
        let state = match (node.process, node.height) {
            (None, _) => "does not run".to_owned(),
            (Some(process), None) => format!("process {process}, does not answer"),
            (Some(process), Some(height)) => format!("process {process}, height {height}"),
        };
        println!("{} {}: {state}", node.name, node.rpc);
    }
    for agent in &shape.agents {
        let state = match (agent.process, &agent.health) {
            (None, _) => "does not run".to_owned(),
            (Some(process), None) => format!("process {process}, does not answer"),
            (Some(process), Some(health)) if health["ok"] == true => {
                format!("process {process}, well")
            }
            (Some(process), Some(health)) => format!("process {process}: {health}"),
        };
        println!(
            "{} {} meter {}: {state}",
            agent.name, agent.http, agent.meter
        );
    }
    let Some(contracts) = &shape.contracts else {
        println!("no contracts");
        return;
    };
    for (name, contract) in contracts.as_object().into_iter().flatten() {
        if let Some(address) = contract["address"].as_str() {
            println!("{name} {address}");
        }
    }
}
