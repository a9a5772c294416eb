//! What the chain begins with, where it differs from what wasmd writes by itself.

use crate::account::Coin;
use crate::description::Governance;
use crate::options::{Options, Uploads};
use anyhow::{Context, Result};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use wattpool_schema::STAKING_DENOM;

/// An account of the genesis: its address and coins.
pub(crate) type Funded = (String, Vec<Coin>);

/// Changes wasmd's genesis: settings of the options, and these accounts beside the validators'.
/// `admin` is who may upload code, where that is restricted.
pub(crate) fn edit(
    genesis: &mut Value,
    options: &Options,
    governance: &Governance,
    funded: &[Funded],
    admin: &str,
) -> Result<()> {
    set(
        genesis,
        "/consensus/params/block/max_gas",
        json!(options.block_gas.to_string()),
    )?;
    accounts(genesis, funded)?;

    let gov = "/app_state/gov/params";
    let deposit = |amount: u64| json!([{ "denom": STAKING_DENOM, "amount": amount.to_string() }]);
    set(
        genesis,
        &format!("{gov}/min_deposit"),
        deposit(governance.deposit),
    )?;
    let expedited = deposit(governance.expedited_deposit);
    set(genesis, &format!("{gov}/expedited_min_deposit"), expedited)?;
    let seconds = |s: u32| json!(format!("{s}s"));
    set(
        genesis,
        &format!("{gov}/voting_period"),
        seconds(governance.voting_s),
    )?;
    let expedited = seconds(governance.expedited_voting_s);
    set(
        genesis,
        &format!("{gov}/expedited_voting_period"),
        expedited,
    )?;

    let unbonding = "/app_state/staking/params/unbonding_time";
    set(genesis, unbonding, seconds(options.unbonding_s))?;

    // Jailed after half of the window is missed. A node that a test stops is to come back as a validator.
    let slashing = "/app_state/slashing/params";
    let window = u64::from(options.jail_after).saturating_mul(2);
    set(
        genesis,
        &format!("{slashing}/signed_blocks_window"),
        json!(window.to_string()),
    )?;
    set(
        genesis,
        &format!("{slashing}/min_signed_per_window"),
        json!("0.500000000000000000"),
    )?;
    set(
        genesis,
        &format!("{slashing}/downtime_jail_duration"),
        json!("10s"),
    )?;

    if options.uploads == Uploads::Admin {
        let only = json!({ "permission": "AnyOfAddresses", "addresses": [admin] });
        set(genesis, "/app_state/wasm/params/code_upload_access", only)?;
    }
    Ok(())
}

/// The genesis knows the account.
pub(crate) fn has_account(genesis: &Value, address: &str) -> bool {
    let accounts = genesis
        .pointer("/app_state/auth/accounts")
        .and_then(Value::as_array);
    accounts.is_some_and(|accounts| accounts.iter().any(|account| account["address"] == address))
}

/// Adds accounts; these coins are all that one which is there already has.
fn accounts(genesis: &mut Value, funded: &[Funded]) -> Result<()> {
    let mut wealth: BTreeMap<&str, BTreeMap<&str, u128>> = BTreeMap::new();
    for (address, coins) in funded {
        let purse = wealth.entry(address).or_default();
        for coin in coins.iter().filter(|coin| coin.amount > 0) {
            let sum = purse.entry(&coin.denom).or_default();
            *sum = sum
                .checked_add(coin.amount)
                .with_context(|| format!("coins of {address}: more {} than fit", coin.denom))?;
        }
    }
    let known: Vec<String> = list(genesis, "/app_state/auth/accounts")?
        .iter()
        .filter_map(|account| account["address"].as_str().map(str::to_owned))
        .collect();
    let balances = list(genesis, "/app_state/bank/balances")?;
    balances.retain(|balance| {
        !balance["address"]
            .as_str()
            .is_some_and(|address| wealth.contains_key(address))
    });
    balances.extend(wealth.iter().map(|(address, purse)| {
        let coins: Vec<Value> = purse
            .iter()
            .map(|(denom, amount)| json!({ "denom": denom, "amount": amount.to_string() }))
            .collect();
        json!({ "address": address, "coins": coins })
    }));
    // Left empty, the chain adds it up.
    set(genesis, "/app_state/bank/supply", json!([]))?;
    let fresh = wealth
        .keys()
        .filter(|address| !known.iter().any(|known| known == *address));
    let fresh: Vec<Value> = fresh
        .map(|address| {
            json!({
                "@type": "/cosmos.auth.v1beta1.BaseAccount",
                "address": address,
                "pub_key": null,
                "account_number": "0",
                "sequence": "0",
            })
        })
        .collect();
    list(genesis, "/app_state/auth/accounts")?.extend(fresh);
    Ok(())
}

/// Replaces a value that must be there: a setting that moved is not to be lost in silence.
fn set(genesis: &mut Value, pointer: &str, value: Value) -> Result<()> {
    *find(genesis, pointer)? = value;
    Ok(())
}

fn list<'a>(genesis: &'a mut Value, pointer: &str) -> Result<&'a mut Vec<Value>> {
    find(genesis, pointer)?
        .as_array_mut()
        .with_context(|| format!("wasmd's genesis: {pointer} is no list"))
}

fn find<'a>(genesis: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    genesis
        .pointer_mut(pointer)
        .with_context(|| format!("wasmd's genesis has no {pointer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_added_once_and_their_coins_replace_what_was_there() {
        let mut genesis = json!({ "app_state": {
            "auth": { "accounts": [{ "address": "watt1a", "account_number": "0" }] },
            "bank": {
                "balances": [{ "address": "watt1a", "coins": [{ "denom": "testtoken", "amount": "1" }] }],
                "supply": [{ "denom": "testtoken", "amount": "1" }],
            },
        }});
        let funded = [
            (
                "watt1a".to_owned(),
                vec![Coin::new(5, "uwatt"), Coin::new(0, "uother")],
            ),
            ("watt1b".to_owned(), vec![Coin::new(2, "uwatt")]),
            (
                "watt1b".to_owned(),
                vec![Coin::new(3, "uwatt"), Coin::new(1, "ustake")],
            ),
        ];
        accounts(&mut genesis, &funded).unwrap();
        let state = &genesis["app_state"];
        let expected = json!([
            { "address": "watt1a", "coins": [{ "denom": "uwatt", "amount": "5" }] },
            { "address": "watt1b", "coins": [
                { "denom": "ustake", "amount": "1" },
                { "denom": "uwatt", "amount": "5" },
            ] },
        ]);
        assert_eq!(state["bank"]["balances"], expected);
        assert_eq!(state["bank"]["supply"], json!([]));
        let addresses: Vec<_> = state["auth"]["accounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| &a["address"])
            .collect();
        assert_eq!(addresses, ["watt1a", "watt1b"]);
    }

    #[test]
    fn too_many_coins_and_a_setting_that_moved_are_refused() {
        let mut genesis =
            json!({ "app_state": { "auth": { "accounts": [] }, "bank": { "balances": [] } } });
        let funded = [(
            "watt1a".to_owned(),
            vec![Coin::new(u128::MAX, "uwatt"), Coin::new(1, "uwatt")],
        )];
        let error = accounts(&mut genesis, &funded).unwrap_err();
        assert_eq!(error.to_string(), "coins of watt1a: more uwatt than fit");
        let error = accounts(&mut genesis, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "wasmd's genesis has no /app_state/bank/supply"
        );
    }
}
