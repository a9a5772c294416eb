//! Named profiles: options that are the same every day, in `~/.config/wattpool/config.toml`.

use super::options::{Options, Output, SignMode};
use crate::Failure;
use anyhow::{anyhow, Context};
use clap::ValueEnum;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The profile that is taken when none is named.
const DEFAULT: &str = "default";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
}

/// One or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Nodes {
    One(String),
    Several(Vec<String>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Profile {
    home: Option<PathBuf>,
    keyring_backend: Option<String>,
    passphrase_file: Option<PathBuf>,
    from: Option<String>,
    node: Option<Nodes>,
    chain_id: Option<String>,
    market: Option<PathBuf>,
    wait: Option<u64>,
    gas: Option<String>,
    gas_adjustment: Option<String>,
    gas_prices: Option<String>,
    fee_granter: Option<String>,
    sign_mode: Option<String>,
    output: Option<String>,
}

/// The configuration file, by the environment's rules.
pub fn file() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WATTPOOL_CONFIG") {
        return Some(PathBuf::from(named));
    }
    let folder = match std::env::var_os("XDG_CONFIG_HOME").filter(|f| !f.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(&std::env::var_os("HOME")?).join(".config"),
    };
    Some(folder.join("wattpool").join("config.toml"))
}

/// Fills in what the command line and the environment leave open.
///
/// # Errors
/// The file is malformed, or the named profile is not in it.
pub fn complete(options: &Options) -> Result<Options, Failure> {
    let path = file();
    let text = path.as_ref().map(std::fs::read_to_string);
    let (path, text) = match (path, text) {
        (Some(path), Some(Ok(text))) => (path, text),
        (path, _) => {
            let Some(name) = &options.profile else {
                return Ok(options.clone());
            };
            let path = path.unwrap_or_default();
            let error = anyhow!("--profile {name}: there is no {}", path.display());
            return Err(Failure::input(error));
        }
    };
    merge(options, &text)
        .with_context(|| path.display().to_string())
        .map_err(Failure::input)
}

fn merge(options: &Options, text: &str) -> anyhow::Result<Options> {
    let mut file: File = toml::from_str(text).map_err(|e| {
        let line = e
            .span()
            .and_then(|s| text.get(..s.start))
            .map(|before| before.split('\n').count());
        anyhow!("line {}: {}", line.unwrap_or(1), e.message())
    })?;
    let name = options.profile.as_deref().unwrap_or(DEFAULT);
    let profile = match (file.profile.remove(name), &options.profile) {
        (Some(profile), _) => profile,
        (None, None) => Profile::default(),
        (None, Some(name)) => {
            let known: Vec<&str> = file.profile.keys().map(String::as_str).collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            return Err(anyhow!("there is no profile {name:?}; known: {known}"));
        }
    };
    let read = |what: &str, text: &Option<String>| -> anyhow::Result<_> {
        let parsed = text.as_deref().map(str::parse);
        parsed
            .transpose()
            .map_err(|e: String| anyhow!("profile.{name}.{what}: {e}"))
    };
    let choice = |what: &str, e: String| anyhow!("profile.{name}.{what}: {e}");
    let mut all = options.clone();
    let backend = read("keyring-backend", &profile.keyring_backend)?;
    all.keyring_backend = all.keyring_backend.or(backend);
    all.home = all.home.or(profile.home);
    if all.passphrase_fd.is_none() {
        all.passphrase_file = all.passphrase_file.or(profile.passphrase_file);
    }
    all.from = all.from.or(profile.from);
    if all.node.is_empty() {
        all.node = match profile.node {
            None => Vec::new(),
            Some(Nodes::One(one)) => one.split(',').map(str::to_owned).collect(),
            Some(Nodes::Several(several)) => several,
        };
    }
    all.chain_id = all.chain_id.or(profile.chain_id);
    all.market = all.market.or(profile.market);
    all.wait = all.wait.or(profile.wait);
    all.gas = all.gas.or(profile.gas);
    all.gas_adjustment = all.gas_adjustment.or(profile.gas_adjustment);
    if all.fees.is_none() {
        all.gas_prices = all.gas_prices.or(profile.gas_prices);
    }
    all.fee_granter = all.fee_granter.or(profile.fee_granter);
    if let Some(text) = profile.sign_mode {
        let mode = SignMode::from_str(&text, true).map_err(|e| choice("sign-mode", e))?;
        all.sign_mode = all.sign_mode.or(Some(mode));
    }
    if let Some(text) = profile.output {
        let output = Output::from_str(&text, true).map_err(|e| choice("output", e))?;
        all.output = all.output.or(Some(output));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_before_the_profile() {
        let text = "[profile.default]\nnode = \"http://a:1,http://b:2\"\nfrom = \"alice\"\n\
                    [profile.other]\nnode = [\"http://c:3\"]\nkeyring-backend = \"test\"\n";
        let found = merge(&Options::default(), text).unwrap();
        assert_eq!(found.node, ["http://a:1", "http://b:2"]);
        assert_eq!(found.from.as_deref(), Some("alice"));
        let given = Options {
            profile: Some("other".to_owned()),
            from: Some("bob".to_owned()),
            ..Options::default()
        };
        let found = merge(&given, text).unwrap();
        assert_eq!(
            (found.node, found.from.as_deref()),
            (vec!["http://c:3".to_owned()], Some("bob"))
        );
        let given = Options {
            profile: Some("third".to_owned()),
            ..Options::default()
        };
        let told = |o: &Options, text: &str| merge(o, text).unwrap_err().to_string();
        assert_eq!(
            told(&given, text),
            "there is no profile \"third\"; known: default, other"
        );
        let told = told(&Options::default(), "[profile.default]\nnodes = 1\n");
        assert!(told.starts_with("line 2: unknown field `nodes`"), "{told}");
        let bad = merge(
            &Options::default(),
            "[profile.default]\nkeyring-backend = \"os\"\n",
        );
        assert!(bad
            .unwrap_err()
            .to_string()
            .contains("profile.default.keyring-backend: os is not kept"));
    }
}
