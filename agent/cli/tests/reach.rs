//! Every message and question of the three contracts has a command. A new one fails here until it has, or until this
//! table says who else sends it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::collections::BTreeSet;
use wattpool_program_harness::wattpool;

/// Messages, and the command that sends each; `admin execute` sends any. Messages without a command of their own are
/// those of agents and of contracts, and cw20's.
const COMMANDS: [(&str, &str, &[&str]); 54] = [
    ("energy-token", "transfer", &[]),
    ("energy-token", "burn", &[]),
    ("energy-token", "send", &[]),
    ("energy-token", "increase_allowance", &[]),
    ("energy-token", "decrease_allowance", &[]),
    ("energy-token", "transfer_from", &[]),
    ("energy-token", "send_from", &[]),
    ("energy-token", "burn_from", &[]),
    ("energy-token", "mint", &[]),
    ("energy-token", "update_minter", &[]),
    ("energy-token", "update_marketing", &[]),
    ("energy-token", "upload_logo", &[]),
    ("energy-token", "wire", &["admin", "deploy"]),
    ("energy-token", "mint_surplus", &[]),
    ("energy-token", "settle", &[]),
    ("energy-pool", "wire", &["admin", "deploy"]),
    ("energy-pool", "propose_admin", &["admin", "propose-admin"]),
    ("energy-pool", "accept_admin", &["admin", "accept-admin"]),
    ("energy-pool", "set_role", &["admin", "set-role"]),
    ("energy-pool", "pause", &["admin", "pause"]),
    ("energy-pool", "unpause", &["admin", "unpause"]),
    (
        "energy-pool",
        "register_meter",
        &["admin", "register-meter"],
    ),
    ("energy-pool", "update_meter", &["admin", "update-meter"]),
    ("energy-pool", "set_device", &["admin", "set-device"]),
    ("energy-pool", "set_agent", &["owner", "set-agent"]),
    ("energy-pool", "propose_owner", &["owner", "propose"]),
    ("energy-pool", "accept_owner", &["owner", "accept"]),
    ("energy-pool", "retire_meter", &["admin", "retire-meter"]),
    ("energy-pool", "object", &["owner", "object"]),
    ("energy-pool", "decide", &["admin", "decide"]),
    ("energy-pool", "state", &[]),
    ("energy-pool", "cover", &[]),
    ("energy-pool", "redeem", &[]),
    ("energy-pool", "set_tariffs", &["admin", "set-tariffs"]),
    ("energy-pool", "set_zone_pair", &["admin", "set-zone-pair"]),
    ("energy-pool", "fund_reserve", &["admin", "fund-reserve"]),
    ("energy-pool", "take_back", &["admin", "take-back"]),
    (
        "energy-pool",
        "confirm_feed_in",
        &["admin", "confirm-feed-in"],
    ),
    ("energy-pool", "claim_feed_in", &["owner", "claim-feed-in"]),
    ("energy-pool", "hold_credit", &["admin", "hold-credit"]),
    ("energy-pool", "confirm_hold", &["admin", "confirm-hold"]),
    ("energy-pool", "release_hold", &["admin", "release-hold"]),
    ("energy-pool", "strike_out", &["admin", "strike-out"]),
    ("trade-escrow", "deposit", &["owner", "deposit"]),
    ("trade-escrow", "withdraw", &["owner", "withdraw"]),
    ("trade-escrow", "set_limits", &["owner", "set-limits"]),
    ("trade-escrow", "settle", &[]),
    ("trade-escrow", "settle_batch", &[]),
    ("trade-escrow", "settle_item", &[]),
    ("trade-escrow", "open_order", &[]),
    ("trade-escrow", "deliver", &[]),
    ("trade-escrow", "cancel_order", &["owner", "cancel-order"]),
    ("trade-escrow", "close_order", &["owner", "close-order"]),
    (
        "trade-escrow",
        "withdraw_charges",
        &["admin", "withdraw-charges"],
    ),
];

fn names(contract: &str, part: &str) -> BTreeSet<String> {
    let file = format!(
        "{}/../../schema/json/{contract}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let variants = schema[part]["oneOf"].as_array().unwrap();
    variants
        .iter()
        .map(|v| v["required"][0].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_message_is_in_the_table_and_its_command_exists() {
    for contract in ["energy-token", "energy-pool", "trade-escrow"] {
        let listed: BTreeSet<String> = COMMANDS
            .iter()
            .filter(|(c, ..)| *c == contract)
            .map(|(_, m, _)| (*m).to_owned())
            .collect();
        assert_eq!(listed, names(contract, "execute"), "{contract}");
    }
    for (_, message, command) in COMMANDS.iter().filter(|(.., c)| !c.is_empty()) {
        let mut line = command.to_vec();
        line.push("--help");
        let ran = wattpool(&line);
        assert_eq!(ran.code, Some(0), "{message}: {}", ran.stderr);
        assert!(ran.stdout.contains(command[1]), "{message}: {}", ran.stdout);
    }
}

#[test]
fn everything_can_be_asked_and_sent_by_its_name() {
    for (contract, short) in [
        ("energy-token", "token"),
        ("energy-pool", "pool"),
        ("trade-escrow", "escrow"),
    ] {
        for (part, verb) in [("query", "query"), ("execute", "execute")] {
            let ran = wattpool(&["admin", verb, short]);
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            let shown: BTreeSet<String> = ran
                .stdout
                .lines()
                .filter(|l| !l.starts_with(' '))
                .filter_map(|l| l.split(' ').next())
                .map(|l| l.replace('-', "_"))
                .collect();
            assert_eq!(shown, names(contract, part), "{contract} {part}");
        }
    }
}
