//! The files of a network: keys, genesis and configuration.

use crate::account::{module_address, Account};
use crate::description::{Description, Governance, NodeDescription, ROLES};
use crate::genesis;
use crate::options::{endowment, Options};
use anyhow::{bail, Context, Result};
use base64::prelude::{Engine, BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use toml_edit::{value, DocumentMut, Item};
use wattpool_schema::{ADDRESS_PREFIX, PAYMENT_DENOM, STAKING_DENOM};

/// Makes a network's files in its folder, ports as given (RPC and peers of every node). The description is
/// written last: a folder without it holds no network.
pub(crate) fn create(
    home: &Path,
    wasmd: &Path,
    options: &Options,
    ports: &[(u16, u16)],
) -> Result<Description> {
    init(home, wasmd, options)?;
    let mut nodes = Vec::new();
    for (i, (rpc, peers)) in ports.iter().enumerate() {
        let name = format!("node{i}");
        let folder = home.join(&name);
        nodes.push(NodeDescription {
            id: node_id(&folder)?,
            rpc: format!("http://127.0.0.1:{rpc}"),
            peer_port: *peers,
            validator: validator(&folder)?,
            name,
        });
    }
    let mut accounts = BTreeMap::new();
    let mut funded: Vec<genesis::Funded> = Vec::new();
    for role in ROLES {
        let account = Account::generate()?;
        funded.push((account.address.clone(), endowment()));
        accounts.insert(role.to_owned(), account);
    }
    for (name, (account, coins)) in &options.named {
        if accounts.insert(name.clone(), account.clone()).is_some() {
            bail!("named account {name:?}: every network has one of this name");
        }
        funded.push((account.address.clone(), coins.clone()));
    }
    funded.extend(options.accounts.iter().cloned());
    // What wasmd's first transactions stake, and enough to vote with and to pay fees.
    let validators = nodes
        .iter()
        .map(|node| (node.validator.address.clone(), endowment()));
    funded.extend(validators);

    let expedited_voting_s = options.voting_s / 2;
    let governance = Governance {
        authority: module_address("gov")?,
        voting_s: options.voting_s,
        expedited_voting_s,
        deposit: 1_000_000,
        expedited_deposit: 2_000_000,
    };
    let admin = accounts
        .get("admin")
        .map(|account| account.address.clone())
        .unwrap_or_default();
    let path = home.join("node0/config/genesis.json");
    let mut chain: Value = read_json(&path)?;
    if !nodes
        .iter()
        .all(|node| genesis::has_account(&chain, &node.validator.address))
    {
        bail!(
            "{} makes no addresses of the prefix {ADDRESS_PREFIX}; testnet/build builds one that does",
            wasmd.display()
        );
    }
    genesis::edit(&mut chain, options, &governance, &funded, &admin)?;
    let text = serde_json::to_vec(&chain)?;
    for node in &nodes {
        write(&home.join(&node.name).join("config/genesis.json"), &text)?;
    }
    let description = Description {
        version: 1,
        chain_id: options.chain_id.clone(),
        address_prefix: ADDRESS_PREFIX.into(),
        payment_denom: PAYMENT_DENOM.into(),
        staking_denom: STAKING_DENOM.into(),
        gas_price: options.gas_price.clone(),
        block_gas: options.block_gas,
        block_ms: options.block_ms,
        window_s: options.window_s,
        governance,
        nodes,
        accounts,
    };
    configure(home, &description)?;
    description.write(home)?;
    Ok(description)
}

/// Lets wasmd make keys, the validators' first transactions and a genesis with them.
fn init(home: &Path, wasmd: &Path, options: &Options) -> Result<()> {
    // What an interrupted run left, which had no description yet.
    for entry in fs::read_dir(home).with_context(|| format!("reading {}", home.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("node") || name == "gentxs")
        {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("removing {}", entry.path().display()))?;
        }
    }
    let output = Command::new(wasmd)
        .args([
            "testnet",
            "init-files",
            "--single-host",
            "--keyring-backend",
            "test",
        ])
        .args(["--node-dir-prefix", "node", "--node-daemon-home", "."])
        .args(["--v", &options.validators.to_string()])
        .args(["--chain-id", &options.chain_id])
        .arg("--output-dir")
        .arg(home)
        .arg("--home")
        .arg(home.join("node0"))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {}", wasmd.display()))?;
    if !output.status.success() {
        bail!(
            "wasmd testnet init-files failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(())
}

/// The operator's key, as `wasmd testnet init-files` leaves it.
fn validator(folder: &Path) -> Result<Account> {
    #[derive(Deserialize)]
    struct Seed {
        secret: String,
    }
    let seed: Seed = read_json(&folder.join("key_seed.json"))?;
    Account::from_mnemonic(&seed.secret)
}

/// A node's address among its peers: of its ed25519 key, the first 20 bytes of the SHA-256, in hex.
fn node_id(folder: &Path) -> Result<String> {
    #[derive(Deserialize)]
    struct NodeKey {
        priv_key: PrivateKey,
    }
    #[derive(Deserialize)]
    struct PrivateKey {
        value: String,
    }
    let path = folder.join("config/node_key.json");
    let key: NodeKey = read_json(&path)?;
    let bytes = BASE64_STANDARD
        .decode(&key.priv_key.value)
        .unwrap_or_default();
    // The secret half, then the public one.
    let public = bytes
        .get(32..64)
        .with_context(|| format!("{}: no ed25519 key", path.display()))?;
    let hash = Sha256::digest(public);
    Ok(hex::encode(hash.get(..20).unwrap_or_default()))
}

/// Writes every node's configuration anew from the description.
pub(crate) fn configure(home: &Path, description: &Description) -> Result<()> {
    for node in &description.nodes {
        let folder = home.join(&node.name).join("config");
        edit_toml(&folder.join("config.toml"), |config| {
            node_config(config, description, node)
        })?;
        edit_toml(&folder.join("app.toml"), |config| {
            app_config(config, description)
        })?;
    }
    Ok(())
}

fn node_config(
    config: &mut DocumentMut,
    description: &Description,
    node: &NodeDescription,
) -> Result<()> {
    let peers: Vec<String> = description
        .nodes
        .iter()
        .filter(|peer| peer.id != node.id)
        .map(|peer| format!("{}@127.0.0.1:{}", peer.id, peer.peer_port))
        .collect();
    let block = format!("{}ms", description.block_ms);
    for (section, key, setting) in [
        ("rpc", "laddr", value(node.rpc.replace("http:", "tcp:"))),
        ("rpc", "grpc_laddr", value("")),
        ("rpc", "pprof_laddr", value("")),
        // An upload of code, in base64, in one request.
        ("rpc", "max_body_bytes", value(4_000_000)),
        (
            "p2p",
            "laddr",
            value(format!("tcp://127.0.0.1:{}", node.peer_port)),
        ),
        ("p2p", "persistent_peers", value(peers.join(","))),
        ("p2p", "addr_book_strict", value(false)),
        ("p2p", "allow_duplicate_ip", value(true)),
        ("p2p", "pex", value(false)),
        // Votes are small and many; by default they wait for company that long at every hop.
        ("p2p", "flush_throttle_timeout", value("5ms")),
        ("consensus", "timeout_commit", value(block)),
        ("consensus", "skip_timeout_commit", value(false)),
        // Counts only when a validator is down or the machine is busy; it grows with every round by the delta.
        ("consensus", "timeout_propose", value("500ms")),
        ("consensus", "timeout_propose_delta", value("250ms")),
        ("consensus", "timeout_prevote", value("250ms")),
        ("consensus", "timeout_prevote_delta", value("250ms")),
        ("consensus", "timeout_precommit", value("250ms")),
        ("consensus", "timeout_precommit_delta", value("250ms")),
        ("consensus", "peer_gossip_sleep_duration", value("10ms")),
        ("consensus", "create_empty_blocks", value(true)),
        ("mempool", "size", value(10_000)),
        ("mempool", "cache_size", value(20_000)),
        ("mempool", "max_txs_bytes", value(64_000_000)),
        ("tx_index", "indexer", value("kv")),
        ("instrumentation", "prometheus", value(false)),
    ] {
        put(config, Some(section), key, setting)?;
    }
    Ok(())
}

fn app_config(config: &mut DocumentMut, description: &Description) -> Result<()> {
    let price = format!("{}{}", description.gas_price, description.payment_denom);
    put(config, None, "minimum-gas-prices", value(price))?;
    put(config, None, "iavl-cache-size", value(50_000))?;
    put(config, Some("api"), "enable", value(false))?;
    put(config, Some("grpc-web"), "enable", value(false))?;
    // Nobody asks over gRPC, so any port will do; but without it a node does not know the service that simulates
    // transactions, over RPC neither.
    put(config, Some("grpc"), "enable", value(true))?;
    put(config, Some("grpc"), "address", value("127.0.0.1:0"))?;
    put(config, Some("telemetry"), "enabled", value(false))?;
    // Pages of records are more than the default 3,000,000 lets a query read.
    let mut wasm = toml_edit::Table::new();
    wasm.insert(
        "query_gas_limit",
        value(i64::try_from(description.block_gas).unwrap_or(i64::MAX)),
    );
    wasm.insert("memory_cache_size", value(50));
    config.insert("wasm", Item::Table(wasm));
    Ok(())
}

/// Changes a setting that must be there: one that moved is not to be lost in silence.
fn put(config: &mut DocumentMut, section: Option<&str>, key: &str, setting: Item) -> Result<()> {
    let found = match section {
        None => config.get_mut(key),
        Some(section) => config.get_mut(section).and_then(|table| table.get_mut(key)),
    };
    *found.with_context(|| {
        format!(
            "no setting {key} in section [{}]",
            section.unwrap_or_default()
        )
    })? = setting;
    Ok(())
}

fn edit_toml(path: &Path, edit: impl FnOnce(&mut DocumentMut) -> Result<()>) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut config: DocumentMut = text
        .parse()
        .with_context(|| format!("reading {}", path.display()))?;
    edit(&mut config).with_context(|| format!("changing {}", path.display()))?;
    write(path, config.to_string().as_bytes())
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
}

/// Writes a file.
pub(crate) fn write(path: &Path, text: &[u8]) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// Writes a file that only its owner can read; whoever reads it meanwhile finds the old one or the new one.
pub(crate) fn write_private(path: &Path, text: &[u8]) -> Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let write = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&fresh)?.write_all(text)?;
        fs::rename(&fresh, path)
    };
    write().with_context(|| format!("writing {}", path.display()))
}
