//! The market on the network: the one place where `wattpool admin deploy` is called.

use crate::account::Account;
use crate::description::Description;
use crate::files::write;
use crate::process::{carry_out, guarded};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use wattpool_wallet::store::{Backend, Store};
use wattpool_wallet::words;

/// Where the deployment writes the contracts' addresses, in the network's folder.
pub(crate) const ADDRESSES: &str = "contracts.json";
/// What the market is deployed with, in the network's folder.
pub(crate) const SETTINGS: &str = "market.toml";
/// The wallet that holds the key of every account (keyring backend `test`), in the network's folder.
pub(crate) const KEYS: &str = "keys";

/// What a deployment needs from outside of the network.
pub(crate) struct Tools {
    /// The `wattpool` command.
    pub wattpool: PathBuf,
    /// Folder of the contracts that `scripts/build-contracts` made.
    pub contracts: PathBuf,
}

/// Deploys the market, or what of it is missing.
pub(crate) fn deploy(home: &Path, description: &Description, tools: &Tools) -> Result<()> {
    let home = home
        .canonicalize()
        .with_context(|| format!("finding {}", home.display()))?;
    let wattpool = tools.wattpool.canonicalize().with_context(|| {
        format!(
            "no {}: testnet/up builds it; --no-deploy does without",
            tools.wattpool.display()
        )
    })?;
    let settings = home.join(SETTINGS);
    write(&settings, self::settings(description)?.as_bytes())?;
    let keys = home.join(KEYS);
    fs::create_dir_all(&keys).with_context(|| format!("creating {}", keys.display()))?;
    let store = Store::new(&keys, Backend::Test, |warning| eprintln!("{warning}"));
    let accounts = description.accounts.iter();
    let validators = description
        .nodes
        .iter()
        .map(|node| (&node.name, &node.validator));
    for (name, account) in accounts.chain(validators) {
        keep(&store, name, account)?;
    }

    let mut command = guarded(&home);
    command.arg(wattpool).args(["admin", "deploy"]);
    for node in &description.nodes {
        command.args(["--node", &node.rpc]);
        command.args(["--voter", &node.name]);
    }
    command
        .args(["--gas-prices", &description.price_of_gas()])
        .args([
            "--keyring-backend",
            "test",
            "--from",
            "admin",
            "--yes",
            "--home",
        ])
        .arg(&keys)
        .arg("--contracts")
        .arg(&tools.contracts)
        .arg("--settings")
        .arg(&settings)
        .arg("--out")
        .arg(home.join(ADDRESSES))
        // The network's own result is what `up` prints.
        .stdout(Stdio::from(std::io::stderr()));
    carry_out(command, "wattpool admin deploy").map(drop)
}

/// Puts an account's key into the wallet, unless it is there.
fn keep(store: &Store, name: &str, account: &Account) -> Result<()> {
    if store.has(name)? {
        return Ok(());
    }
    let path = words::path(words::COIN_TYPE, 0, 0)?;
    let secret = words::derive(&account.mnemonic, "", &path)?;
    store.add(name, &secret, Some(path), None)?;
    Ok(())
}

/// Settings of a small market in one zone.
fn settings(description: &Description) -> Result<String> {
    let address = |role| Ok::<_, anyhow::Error>(&description.account(role)?.address);
    // A busy machine makes blocks late.
    let block_s = description.block_ms.div_ceil(1_000).max(1);
    Ok(format!(
        "name = \"local\"\n\
         denom = \"{}\"\n\
         window_seconds = {}\n\
         block_seconds = {block_s}\n\
         \n\
         [roles]\n\
         registrar = \"{}\"\n\
         grid_operator = \"{}\"\n\
         regulator = \"{}\"\n\
         \n\
         [tariffs]\n\
         import = 300000\n\
         feed_in = 80000\n\
         \n\
         [[zone_pair]]\n\
         from = 0\n\
         to = 0\n\
         loss_ppm = 10000\n\
         charge = 15000\n",
        description.payment_denom,
        description.window_s,
        address("registrar")?,
        address("operator")?,
        address("regulator")?,
    ))
}
