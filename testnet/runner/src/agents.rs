//! Homes with agents on the network: keys, registration, money, profiles, and the processes of `wattpool-agent run`.

use crate::account::{Account, Coin};
use crate::deploy::{ADDRESSES, KEYS};
use crate::description::Description;
use crate::files::{write, write_private};
use crate::ports::{self, Reserved};
use crate::process::{carry_out, guarded, Process};
use crate::rpc;
use anyhow::{bail, Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};
use wattpool_schema::PAYMENT_DENOM;

/// Folder of the homes, in the network's.
pub(crate) const FOLDER: &str = "agents";
/// Most homes of a network on one machine.
pub(crate) const MOST: u16 = 64;
/// What each owner begins with, and pays into the market, micro-units.
const ENDOWMENT: u128 = 1_000_000_000;
const DEPOSIT: &str = "500000000uwatt";
/// What an agent may spend on fees, micro-units: the operator pays them.
const FEES: &str = "1000000000uwatt";
/// Rows of a profile: quarters of an hour of a day, one a window.
const ROWS: u64 = 96;
/// An agent that does not answer for so long is not well.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it may take to start, on a machine that has much else to do.
const STARTING: Duration = Duration::from_secs(120);

/// A home, as `home.json` in its folder says; it is written once the home can trade.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Home {
    /// Name of its folder and of its owner's account.
    pub name: String,
    /// Pseudonym of its meter.
    pub meter: String,
    /// What its peers know it by.
    peer_id: String,
    /// Port of status, health and metrics.
    http: u16,
    /// Port for its peers.
    peers: u16,
    /// The market window of its profile's first row.
    first_window: u64,
}

/// What `wattpool-agent init --json` prints, as far as it is needed here.
#[derive(Deserialize)]
struct Keys {
    device: String,
    agent: String,
    agent_address: String,
    peer_id: String,
}

/// Accounts of the owners of so many homes, for the genesis.
pub(crate) fn owners(homes: u16) -> Result<BTreeMap<String, (Account, Vec<Coin>)>> {
    let owner = |n| Ok((name(n), (Account::generate()?, money())));
    (0..homes).map(owner).collect()
}

/// How many homes the network was made with.
pub(crate) fn count(description: &Description) -> u16 {
    let all = (0..MOST).take_while(|n| description.accounts.contains_key(&name(*n)));
    u16::try_from(all.count()).unwrap_or(MOST)
}

fn name(number: u16) -> String {
    format!("home{number}")
}

fn money() -> Vec<Coin> {
    vec![Coin::new(ENDOWMENT, PAYMENT_DENOM)]
}

/// The homes that were set up, in their order.
pub(crate) fn homes(network: &Path) -> Result<Vec<Home>> {
    let mut homes = Vec::new();
    for number in 0..MOST {
        let path = network.join(FOLDER).join(name(number)).join("home.json");
        match fs::read(&path) {
            Ok(text) => homes.push(
                serde_json::from_slice(&text)
                    .with_context(|| format!("{} is no home of this version", path.display()))?,
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }
    Ok(homes)
}

/// The process of a home's agent, whether it runs or not.
pub(crate) fn process(network: &Path, home: &Home) -> Process {
    Process::new(network.join(FOLDER).join(&home.name), "agent")
}

/// What a home's agent says of its health; none when it does not answer.
pub(crate) fn health(home: &Home) -> Option<serde_json::Value> {
    let client = rpc::client(PATIENCE).http_status_as_error(false).build();
    let url = address(home) + "/health";
    let mut answer = client.new_agent().get(url).call().ok()?;
    answer.body_mut().read_json().ok()
}

/// Where a home's agent answers.
pub(crate) fn address(home: &Home) -> String {
    format!("http://127.0.0.1:{}", home.http)
}

/// Sets up the homes that are missing, and starts every agent that does not run.
///
/// # Errors
/// When a step fails; what was set up before it stays.
pub(crate) fn up(network: &Path, description: &Description, programs: &Programs) -> Result<()> {
    let network = network
        .canonicalize()
        .with_context(|| format!("finding {}", network.display()))?;
    let found = |program: &Path| {
        let found = program.canonicalize();
        found.with_context(|| format!("no {}: testnet/up builds it", program.display()))
    };
    let programs = Programs {
        wattpool: found(&programs.wattpool)?,
        agent: found(&programs.agent)?,
    };
    let wanted = count(description);
    let place = Place {
        network: &network,
        description,
        programs: &programs,
    };
    let mut all = homes(&network)?;
    let mut reserved = Vec::new();
    for number in u16::try_from(all.len())?..wanted {
        eprintln!(
            "home {} of {wanted}: keys, registration, deposit, fees",
            number.saturating_add(1)
        );
        let (home, ports) = place.set_up(number)?;
        all.push(home);
        reserved.push(ports);
    }
    let mut processes = Vec::new();
    for home in &all {
        place.configure(home, &all)?;
        let mut process = process(&network, home);
        if process.running().is_none() {
            let config = place.folder(&home.name).join("agent.toml");
            let arguments = ["run".as_ref(), "--config".as_ref(), config.as_os_str()];
            process.start(&programs.agent, arguments)?;
        }
        processes.push((home, process));
    }
    for (home, mut process) in processes {
        wait_for(home, &mut process)?;
        process.release();
    }
    Ok(())
}

/// Waits until an agent answers.
fn wait_for(home: &Home, process: &mut Process) -> Result<()> {
    let begun = Instant::now();
    while health(home).is_none() {
        if process.running().is_none() {
            bail!("the agent of {} ended{}", home.name, process.last_words());
        }
        if begun.elapsed() > STARTING {
            bail!(
                "the agent of {} did not answer in {} s{}",
                home.name,
                STARTING.as_secs(),
                process.last_words()
            );
        }
        sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// What is run.
pub(crate) struct Programs {
    /// The `wattpool` command that signs for operators and owners.
    pub wattpool: PathBuf,
    /// The one that sits on the meters.
    pub agent: PathBuf,
}

/// A network with a market, and the commands that work on it.
struct Place<'a> {
    network: &'a Path,
    description: &'a Description,
    programs: &'a Programs,
}

impl Place<'_> {
    fn folder(&self, name: &str) -> PathBuf {
        self.network.join(FOLDER).join(name)
    }

    /// The home, and what keeps its ports for its agent.
    fn set_up(&self, number: u16) -> Result<(Home, Reserved)> {
        let name = name(number);
        let folder = self.folder(&name);
        // What an interrupted run left: its meter stays registered, nobody has its keys.
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("removing {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let meter = pseudonym()?;
        write_private(&folder.join("passphrase"), pseudonym()?.as_bytes())?;
        let keys: Keys = {
            let mut init = vec!["init".into(), "--json".into()];
            init.extend(["--meter", &meter, "--config"].map(OsString::from));
            init.push(folder.join("agent.toml").into());
            serde_json::from_str(&call(&self.programs.agent, &folder, &init)?)
                .context("what agent init prints")?
        };
        let profile = profile(number);
        let most = |column: usize| profile.iter().filter_map(|row| row.get(column)).max();
        let (demand, generation) = (most(0).copied().unwrap_or(0), most(1).copied().unwrap_or(0));
        write(&folder.join("profile.csv"), csv(&profile).as_bytes())?;

        let owner = &self.description.account(&name)?.address;
        let kind = if generation > 0 { "pv" } else { "consumer" };
        self.market(
            &folder,
            "registrar",
            &["admin", "register-meter"],
            &[
                ("--meter", &meter),
                ("--owner", owner),
                ("--device", &keys.device),
                ("--zone", "0"),
                ("--kind", kind),
                ("--max-export", &format!("{generation} Wh")),
                ("--max-import", &format!("{demand} Wh")),
            ],
        )?;
        // Only the owner names the agent and says that the meter may buy.
        let agent = [("--meter", meter.as_str()), ("--agent", &keys.agent)];
        self.market(&folder, &name, &["owner", "set-agent"], &agent)?;
        let limits = [("--meter", meter.as_str())];
        self.market(&folder, &name, &["owner", "set-limits"], &limits)?;
        self.market(
            &folder,
            &name,
            &["owner", "deposit"],
            &[("--amount", DEPOSIT)],
        )?;
        let fees = [("--to", keys.agent_address.as_str()), ("--limit", FEES)];
        self.market(&folder, "operator", &["admin", "grant-fees"], &fees)?;

        let reserved = ports::free(1)?;
        let (http, peers) = *reserved.ports.first().context("no ports for a home")?;
        let home = Home {
            name,
            meter,
            peer_id: keys.peer_id,
            http,
            peers,
            first_window: self.window()?.saturating_add(1),
        };
        write(
            &folder.join("home.json"),
            &serde_json::to_vec_pretty(&home)?,
        )?;
        Ok((home, reserved))
    }

    /// The market window that runs.
    fn window(&self) -> Result<u64> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        Ok(now
            .as_secs()
            .checked_div(u64::from(self.description.window_s))
            .unwrap_or_default())
    }

    /// A command that signs a transaction of the market with an account's key.
    fn market(
        &self,
        folder: &Path,
        signer: &str,
        verb: &[&str],
        rest: &[(&str, &str)],
    ) -> Result<()> {
        let price = self.description.price_of_gas();
        let mut line: Vec<OsString> = verb.iter().map(OsString::from).collect();
        for node in &self.description.nodes {
            line.extend(["--node", node.rpc.as_str()].map(OsString::from));
        }
        line.extend(
            [
                "--gas-prices",
                price.as_str(),
                "--json",
                "--yes",
                "--from",
                signer,
            ]
            .map(OsString::from),
        );
        line.extend(["--keyring-backend", "test", "--home"].map(OsString::from));
        line.push(self.network.join(KEYS).into());
        line.push("--market".into());
        line.push(self.network.join(ADDRESSES).into());
        for (option, value) in rest {
            line.extend([option, value].map(OsString::from));
        }
        call(&self.programs.wattpool, folder, &line).map(drop)
    }

    /// Writes the configuration: addresses may be others than the last time.
    fn configure(&self, home: &Home, all: &[Home]) -> Result<()> {
        let mut rpc: Vec<&str> = self
            .description
            .nodes
            .iter()
            .map(|n| n.rpc.as_str())
            .collect();
        // Each has another node of the chain first.
        let number = all
            .iter()
            .position(|other| other.name == home.name)
            .unwrap_or_default();
        let first = number.checked_rem(rpc.len()).unwrap_or_default();
        rpc.rotate_left(first);
        // The first two homes are whom everybody begins with.
        let others = all.iter().take(2).filter(|other| other.name != home.name);
        let bootstrap: Vec<String> = others
            .map(|other| format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", other.peers, other.peer_id))
            .collect();
        let market = self.network.join(ADDRESSES);
        let payer = &self.description.account("operator")?.address;
        let text = format!(
            "[meter]\nid = {:?}\n\n[meter.replay]\nfile = \"profile.csv\"\nfirst_window = {}\n\n\
             [chain]\nrpc = {rpc:?}\nmarket = {market:?}\ngas_price = {:?}\nfee_granter = {payer:?}\nblock_ms = {}\n\n\
             [network]\nlisten = [\"/ip4/127.0.0.1/tcp/{}\"]\nbootstrap = {bootstrap:?}\nmdns = false\n\n\
             [keys]\npassphrase_file = \"passphrase\"\n\n[http]\nlisten = \"127.0.0.1:{}\"\n",
            home.meter, home.first_window, self.description.price_of_gas(), self.description.block_ms, home.peers, home.http,
        );
        write(&self.folder(&home.name).join("agent.toml"), text.as_bytes())
    }
}

/// Runs `wattpool` under guard; answers its standard output.
fn call<A: AsRef<OsStr>>(program: &Path, folder: &Path, line: &[A]) -> Result<String> {
    let verb: Vec<_> = line
        .iter()
        .take(2)
        .map(|word| word.as_ref().to_string_lossy())
        .collect();
    let verb = verb.join(" ");
    let mut command = guarded(folder);
    command
        .arg(program)
        .args(line)
        .env("WATTPOOL_PASSPHRASE_FILE", folder.join("passphrase"))
        .stdout(Stdio::piped());
    carry_out(command, &format!("wattpool {verb}"))
}

/// 32 hexadecimal digits that nobody can guess.
fn pseudonym() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(hex::encode(bytes))
}

/// Demand and generation of a summer's day from ten o'clock on, Wh per quarter of an hour; every other home has a roof.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "a home's number has 16 bits, a row is below 96"
)]
fn profile(number: u16) -> Vec<[u64; 2]> {
    let number = u64::from(number);
    let row = |row: u64| {
        let quarter = (row + 40) % ROWS;
        let evening = if (68..88).contains(&quarter) { 120 } else { 0 };
        let some = (number * 37 + quarter * 11) % 60;
        let demand = 60 + some + evening;
        // A parabola from six to half past eight in the evening.
        let sun = quarter
            .checked_sub(24)
            .map_or(0, |q| q * 58u64.saturating_sub(q));
        let roof = if number.is_multiple_of(2) {
            550 + number % 5 * 60
        } else {
            0
        };
        [demand, roof * sun / 841]
    };
    (0..ROWS).map(row).collect()
}

fn csv(profile: &[[u64; 2]]) -> String {
    let mut text = String::from("demand_wh,generation_wh\n");
    for [demand, generation] in profile {
        // Writing to a string does not fail.
        writeln!(text, "{demand},{generation}").ok();
    }
    text
}
