//! What a market is deployed with: a TOML file in which every key is known.

use serde::Deserialize;
use std::path::Path;
use wattpool_ledger_wasmd::error::ChainError;
use wattpool_ledger_wasmd::key::{check_address, module_address};
use wattpool_rules::order::first_part;
use wattpool_schema::pool::{Tariffs, ZonePairTerms};
use wattpool_schema::{Ppm, Price, Tariff, Wh, Zone, PAYMENT_DENOM};

/// Settings of a market. [`EXAMPLE`] is a file of them with every key explained.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploySettings {
    /// Names the market: labels and addresses of its contracts are made from it. The same name deployed again by the
    /// same account is the same market.
    pub name: String,
    /// Denomination of payments.
    #[serde(default = "payment_denom")]
    pub denom: String,
    /// Window length, seconds.
    #[serde(default = "default_window")]
    pub window_seconds: u32,
    /// Days after which feed-in credit is due without the grid operator's confirmation.
    #[serde(default = "default_delay")]
    pub credit_delay_days: u32,
    /// Longest usual time between two blocks, seconds.
    #[serde(default = "default_block")]
    pub block_seconds: u32,
    /// How long tokens and cover are held for standing orders, seconds from the beginning of a window; by default a sixth of the window, at least four
    /// blocks, and none where the window has no room for that.
    #[serde(default)]
    pub first_part_seconds: Option<u32>,
    /// Seconds beyond the usual between two blocks from which the chain counts as halted; by default 60, at most half of the first part.
    #[serde(default)]
    pub halt_seconds: Option<u32>,
    /// Days of notice to a meter's owner before the registrar can give the meter to another or retire it.
    #[serde(default = "default_notice")]
    pub notice_days: u32,
    /// Who may migrate the contracts: `governance`, or the address of a multisig.
    #[serde(default = "governance")]
    pub code_administrator: String,
    /// Who does what. An absent one is the deploying account.
    #[serde(default)]
    pub roles: Roles,
    /// The national grid's prices from the beginning.
    pub tariffs: TariffSettings,
    /// Pairs of zones that can trade, from the beginning.
    #[serde(default, rename = "zone_pair")]
    pub zone_pairs: Vec<ZonePairSettings>,
}

/// Seconds beyond the usual between two blocks from which the chain counts as halted, unless the settings say otherwise.
const DEFAULT_HALT: u32 = 60;

/// Addresses of the market's roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Roles, wiring, pause. Another than the deploying account is proposed, and takes over by accepting.
    pub administrator: Option<String>,
    /// Registers meters.
    pub registrar: Option<String>,
    /// Tariffs, zone terms, feed-in.
    pub grid_operator: Option<String>,
    /// Named for readers; has no powers.
    pub regulator: Option<String>,
}

/// Tariffs, micro-units per kWh; they may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TariffSettings {
    /// Price of a kWh from the national grid.
    pub import: i64,
    /// What the national grid pays for a kWh.
    pub feed_in: i64,
}

/// Terms from a seller's zone to a buyer's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZonePairSettings {
    /// Seller's zone.
    pub from: u16,
    /// Buyer's zone.
    pub to: u16,
    /// Lost on the way, parts per million.
    #[serde(default)]
    pub loss_ppm: u32,
    /// Network charge, micro-units per arriving kWh.
    #[serde(default)]
    pub charge: u64,
    /// Most Wh that may arrive per window; absent: unlimited.
    pub capacity_wh: Option<u64>,
}

/// A settings file with every key.
pub const EXAMPLE: &str = r#"# Settings of a Wattpool market, for `wattpool admin deploy`.

# Names the market. Deployed again under the same name by the same account, it is the same market.
name = "our-street"
# Denomination of payments.
denom = "uwatt"
# Length of a market window, seconds.
window_seconds = 900
# Days after which feed-in credit is due without the grid operator's confirmation.
credit_delay_days = 30
# Longest usual time between two blocks, seconds.
block_seconds = 6
# How long tokens and cover are held for standing orders, seconds from the beginning of a window.
first_part_seconds = 150
# Seconds beyond the usual between two blocks from which the chain counts as halted.
halt_seconds = 60
# Days of notice to a meter's owner before the registrar can give the meter to another or retire it.
notice_days = 14
# Who may migrate the contracts: "governance" (of the chain), or the address of a multisig.
code_administrator = "governance"

# Who does what; an absent one is the deploying account.
[roles]
# Roles, wiring, pause; has to accept if it is another account.
#administrator = "watt1..."
# Registers meters.
#registrar = "watt1..."
# Tariffs, zone terms, feed-in.
#grid_operator = "watt1..."
# Named for readers; has no powers.
#regulator = "watt1..."

# The national grid's prices from the beginning, micro-units per kWh; they may be negative.
[tariffs]
import = 300000
feed_in = 80000

# One block per pair of zones that can trade; a pair that is not listed cannot.
[[zone_pair]]
# Seller's and buyer's zone.
from = 0
to = 0
# Lost on the way, parts per million.
loss_ppm = 10000
# Network charge, micro-units per kWh that arrives.
charge = 15000
# Most Wh that may arrive per window; leave it out for no limit.
capacity_wh = 50000
"#;

fn payment_denom() -> String {
    PAYMENT_DENOM.to_owned()
}
const fn default_window() -> u32 {
    900
}
const fn default_delay() -> u32 {
    30
}
const fn default_block() -> u32 {
    6
}

const fn default_notice() -> u32 {
    14
}
fn governance() -> String {
    "governance".to_owned()
}

impl DeploySettings {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or a key is unknown, missing or out of range.
    pub fn read(path: &Path) -> Result<Self, ChainError> {
        let named = |why: String| ChainError::input(path.display().to_string(), why);
        let text = std::fs::read_to_string(path).map_err(|e| named(e.to_string()))?;
        Self::parse(&text).map_err(|e| match e {
            ChainError::Input { what, why } if what.is_empty() => named(why),
            ChainError::Input { what, why } => named(format!("{what}: {why}")),
            other => other,
        })
    }

    /// Reads settings from a text.
    ///
    /// # Errors
    /// A key is unknown, missing or out of range.
    pub fn parse(text: &str) -> Result<Self, ChainError> {
        let settings: Self = toml::from_str(text).map_err(|e| {
            let at = e
                .span()
                .and_then(|span| text.get(..span.start))
                .map(|before| before.split('\n').count());
            let line = at.map_or_else(String::new, |n| format!("line {n}: "));
            ChainError::input("", format!("{line}{}", e.message()))
        })?;
        settings.check()?;
        Ok(settings)
    }

    /// How long tokens and cover are held for standing orders.
    pub fn first_part_seconds(&self) -> u32 {
        self.first_part_seconds
            .unwrap_or_else(|| first_part(self.window_seconds, self.block_seconds))
    }

    /// Seconds beyond the usual between two blocks from which the chain counts as halted.
    pub fn halt_seconds(&self) -> u32 {
        let most = match self.first_part_seconds() {
            0 => self.window_seconds / 2,
            part => part / 2,
        };
        self.halt_seconds
            .unwrap_or_else(|| DEFAULT_HALT.min(most).max(1))
    }

    fn check(&self) -> Result<(), ChainError> {
        let name = self.name.as_bytes();
        let plain = |c: &u8| c.is_ascii_alphanumeric() || *c == b'-';
        if name.is_empty() || name.len() > 40 || !name.iter().all(plain) {
            let why = "expected up to 40 letters, digits and hyphens";
            return Err(ChainError::input(
                "name",
                format!("{why}, found {:?}", self.name),
            ));
        }
        for (what, found) in [
            ("window_seconds", self.window_seconds),
            ("block_seconds", self.block_seconds),
            ("halt_seconds", self.halt_seconds()),
        ] {
            if found == 0 {
                return Err(ChainError::input(what, "expected at least 1, found 0"));
            }
        }
        for pair in &self.zone_pairs {
            if pair.loss_ppm >= 1_000_000 {
                return Err(ChainError::input(
                    format!("zone_pair {} to {}: loss_ppm", pair.from, pair.to),
                    format!("expected below 1000000, found {}", pair.loss_ppm),
                ));
            }
        }
        Ok(())
    }

    /// Address that may migrate the contracts.
    ///
    /// # Errors
    /// It is no address of this chain, or that of the deploying account, which would decide alone.
    pub fn code_administrator(&self, prefix: &str, deployer: &str) -> Result<String, ChainError> {
        if self.code_administrator == "governance" {
            return module_address("gov", prefix);
        }
        check_address("code_administrator", &self.code_administrator, prefix)?;
        if self.code_administrator == deployer {
            return Err(ChainError::input(
                "code_administrator",
                "expected \"governance\" or a multisig's address: the deploying account would decide alone",
            ));
        }
        Ok(self.code_administrator.clone())
    }

    /// Address of a role, checked.
    pub(super) fn role(
        &self,
        name: &str,
        set: Option<&String>,
        prefix: &str,
        deployer: &str,
    ) -> Result<String, ChainError> {
        match set {
            None => Ok(deployer.to_owned()),
            Some(address) => {
                check_address(&format!("roles.{name}"), address, prefix)?;
                Ok(address.clone())
            }
        }
    }

    /// Tariffs as the pool takes them.
    pub const fn tariffs(&self) -> Tariffs {
        Tariffs {
            import: Tariff(self.tariffs.import),
            feed_in: Tariff(self.tariffs.feed_in),
        }
    }

    /// Zone terms as the pool takes them.
    pub fn zone_pairs(&self) -> Vec<ZonePairTerms> {
        let terms = |p: &ZonePairSettings| ZonePairTerms {
            from: Zone(p.from),
            to: Zone(p.to),
            loss: Ppm(p.loss_ppm),
            charge: Price(p.charge),
            capacity: p.capacity_wh.map(Wh),
        };
        self.zone_pairs.iter().map(terms).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read_and_its_defaults_are_the_ones_shown() {
        let full = DeploySettings::parse(EXAMPLE).unwrap();
        let short = "name = \"our-street\"\n[tariffs]\nimport = 300000\nfeed_in = 80000\n";
        let mut short = DeploySettings::parse(short).unwrap();
        short.zone_pairs = full.zone_pairs.clone();
        // These follow from the window and the blocks.
        short.first_part_seconds = Some(short.first_part_seconds());
        short.halt_seconds = Some(short.halt_seconds());
        assert_eq!(short, full);
        assert_eq!(full.zone_pairs()[0].capacity, Some(Wh(50_000)));
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("windows_seconds = 5\n", "line 1: unknown field `windows_seconds`"),
            (
                "name = \"a\"\nwindows_seconds = 5\n[tariffs]\nimport = 1\nfeed_in = 1\n",
                "line 2: unknown field `windows_seconds`",
            ),
            ("name = \"\"\n[tariffs]\nimport = 1\nfeed_in = 1\n", "name: expected up to 40"),
            ("name = \"a\"\nwindow_seconds = 0\n[tariffs]\nimport = 1\nfeed_in = 1\n", "window_seconds: expected at least 1"),
            ("name = \"a\"\n", "missing field `tariffs`"),
            ("name = \"a\"\n[tariffs]\nimport = 0.3\nfeed_in = 1\n", "line 3: invalid type: floating point"),
            (
                "name = \"a\"\n[tariffs]\nimport = 1\nfeed_in = 1\n[[zone_pair]]\nfrom = 0\nto = 1\nloss_ppm = 1000000\n",
                "zone_pair 0 to 1: loss_ppm: expected below 1000000",
            ),
        ];
        for (text, expected) in cases {
            let error = DeploySettings::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} should say {expected}");
        }
    }

    #[test]
    fn one_key_alone_is_no_code_administrator() {
        let mut settings = DeploySettings::parse(EXAMPLE).unwrap();
        let gov = module_address("gov", "watt").unwrap();
        assert_eq!(settings.code_administrator("watt", "watt1x").unwrap(), gov);
        settings.code_administrator = gov.clone();
        let error = settings.code_administrator("watt", &gov).unwrap_err();
        assert!(error.to_string().contains("would decide alone"));
        settings.code_administrator = "me".into();
        assert!(settings.code_administrator("watt", "watt1x").is_err());
    }
}
