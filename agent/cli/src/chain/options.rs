//! The options of every command that acts on a chain, named as in the Cosmos CLIs.

use clap::{ArgAction, Command, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use wattpool_wallet::store::Backend;

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignMode {
    /// Over the transaction's bytes.
    Direct,
    /// Over the older encoding's JSON, as members of a multisig do.
    AminoJson,
}

/// Options, each from the command line, the environment, or the profile, in this order.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Options {
    /// Profile of the configuration file (~/.config/wattpool/config.toml) to take options from.
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_PROFILE",
        value_name = "NAME",
        help_heading = "Keys"
    )]
    pub profile: Option<String>,
    /// Folder of the wallet [default: ~/.wattpool].
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_HOME",
        value_name = "DIR",
        help_heading = "Keys"
    )]
    pub home: Option<PathBuf>,
    /// How keys are kept: file (encrypted) or test (in the clear) [default: file].
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_KEYRING_BACKEND",
        value_name = "HOW",
        help_heading = "Keys"
    )]
    pub keyring_backend: Option<Backend>,
    /// File with the keys' passphrase in its first line; without one it is asked for.
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_PASSPHRASE_FILE",
        value_name = "FILE",
        help_heading = "Keys"
    )]
    pub passphrase_file: Option<PathBuf>,
    /// Open file descriptor to read the keys' passphrase from; it goes before the file.
    #[arg(long, global = true, value_name = "N", help_heading = "Keys")]
    pub passphrase_fd: Option<u32>,
    /// Who signs: name of a key, or its address.
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_FROM",
        value_name = "KEY",
        help_heading = "Keys"
    )]
    pub from: Option<String>,

    /// Addresses of the chain's nodes, in the order of preference (repeat it, or separate by commas)
    /// [default: http://127.0.0.1:26657].
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_NODE",
        alias = "rpc",
        value_name = "URL",
        value_delimiter = ',',
        help_heading = "Chain"
    )]
    pub node: Vec<String>,
    /// Chain id; nodes of another chain are refused [default: the market's, or the first node's].
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_CHAIN_ID",
        value_name = "ID",
        help_heading = "Chain"
    )]
    pub chain_id: Option<String>,
    /// Addresses file of the market, as `wattpool admin deploy` writes it.
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_MARKET",
        value_name = "FILE",
        help_heading = "Chain"
    )]
    pub market: Option<PathBuf>,
    /// Longest to wait for a transaction's block, seconds [default: 120].
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_WAIT",
        value_name = "SECONDS",
        help_heading = "Chain"
    )]
    pub wait: Option<u64>,

    /// Most gas, or auto: what a simulation used, with the adjustment [default: auto].
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_GAS",
        value_name = "GAS",
        help_heading = "Transaction"
    )]
    pub gas: Option<String>,
    /// What a simulation used is multiplied by this [default: 1.4].
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_GAS_ADJUSTMENT",
        value_name = "FACTOR",
        help_heading = "Transaction"
    )]
    pub gas_adjustment: Option<String>,
    /// Price of gas [default: 0.0025uwatt].
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_GAS_PRICES",
        alias = "gas-price",
        value_name = "PRICE",
        help_heading = "Transaction"
    )]
    pub gas_prices: Option<String>,
    /// The fee itself, such as "0.002 watt", instead of gas times price.
    #[arg(
        long,
        global = true,
        value_name = "AMOUNT",
        help_heading = "Transaction"
    )]
    pub fees: Option<String>,
    /// Account that pays the fee by a grant.
    #[arg(
        long,
        global = true,
        env = "WATTPOOL_FEE_GRANTER",
        value_name = "ADDRESS",
        help_heading = "Transaction"
    )]
    pub fee_granter: Option<String>,
    /// Text that goes with the transaction; everybody can read it.
    #[arg(
        long,
        global = true,
        alias = "memo",
        value_name = "TEXT",
        help_heading = "Transaction"
    )]
    pub note: Option<String>,
    /// Do not ask before a transaction is sent.
    #[arg(long, short = 'y', global = true, env = "WATTPOOL_YES", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Transaction")]
    pub yes: bool,
    /// Simulate and say what would happen; send nothing.
    #[arg(long, global = true, action = ArgAction::SetTrue, conflicts_with = "generate_only", help_heading = "Transaction")]
    pub dry_run: bool,
    /// Print the unsigned transaction, to be signed elsewhere; send nothing.
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = "Transaction")]
    pub generate_only: bool,
    /// Ask no node: --account-number and --sequence (to sign) or --gas (to generate) are needed.
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = "Transaction")]
    pub offline: bool,
    /// Number of the signing account.
    #[arg(
        long,
        short = 'a',
        global = true,
        value_name = "N",
        help_heading = "Transaction"
    )]
    pub account_number: Option<u64>,
    /// Sequence of the signing account.
    #[arg(
        long,
        short = 's',
        global = true,
        value_name = "N",
        help_heading = "Transaction"
    )]
    pub sequence: Option<u64>,
    /// What is signed [default: direct].
    #[arg(long, global = true, value_name = "MODE", help_heading = "Transaction")]
    pub sign_mode: Option<SignMode>,

    /// Print results as JSON.
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = "Output")]
    pub json: bool,
    /// Print results as text or json.
    #[arg(
        long,
        short = 'o',
        global = true,
        env = "WATTPOOL_OUTPUT",
        value_name = "FORM",
        help_heading = "Output"
    )]
    pub output: Option<Output>,
}

impl Options {
    /// Whether results are for programs.
    pub fn as_json(&self) -> bool {
        self.json || self.output == Some(Output::Json)
    }
}

/// Options may stand before the command that they are of (`wattpool --node URL wallet list`): they are moved behind it.
pub fn hoist(command: &Command, line: Vec<OsString>) -> Vec<OsString> {
    let shared = |name: &str| command.get_subcommands().find(|sub| sub.get_name() == name);
    let Some(known) = shared("wallet") else {
        return line;
    };
    let takes_value = |token: &str| {
        let (name, inline) = match token.split_once('=') {
            Some((name, _)) => (name, true),
            None => (token, false),
        };
        let found = known.get_arguments().find(|arg| {
            let long = name.strip_prefix("--");
            let aliases = arg.get_all_aliases().unwrap_or_default();
            let is_long = long.is_some_and(|l| arg.get_long() == Some(l) || aliases.contains(&l));
            let short = name.strip_prefix('-').filter(|s| s.chars().count() == 1);
            is_long || short.is_some_and(|s| arg.get_short() == s.chars().next())
        });
        found.map(|arg| !inline && arg.get_action().takes_values())
    };
    let mut tokens = line.into_iter();
    let mut head: Vec<OsString> = tokens.next().into_iter().collect();
    let mut moved = Vec::new();
    let mut rest: Vec<OsString> = tokens.collect();
    while let Some(token) = rest.first().and_then(|t| t.to_str()).map(str::to_owned) {
        let Some(value) = takes_value(&token) else {
            break;
        };
        let count = if value { 2.min(rest.len()) } else { 1 };
        moved.extend(rest.drain(..count));
    }
    let of_a_chain = rest.first().and_then(|t| t.to_str()).is_some_and(|name| {
        ["wallet", "validator", "owner", "admin", "audit", "explorer"].contains(&name)
    });
    if of_a_chain {
        head.push(rest.remove(0));
    }
    head.append(&mut moved);
    head.append(&mut rest);
    head
}
