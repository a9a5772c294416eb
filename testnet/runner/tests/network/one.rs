use crate::{eventually, fast, processes};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use wattpool_testnet::{Account, Coin, Options, Testnet, Uploads, FILE, ROLES};

#[test]
fn one_validator_goes_on_after_a_kill_a_freeze_and_a_halt_and_leaves_nothing() {
    let mut network = Testnet::start(&fast()).unwrap();
    network.wait_for_blocks(0, 3).unwrap();

    let before = network.height(0).unwrap();
    network.kill(0).unwrap();
    network.height(0).unwrap_err();
    network.restart(0).unwrap();
    network.wait_for_height(0, before + 3).unwrap();

    network.freeze(0).unwrap();
    let error = network.height(0).unwrap_err();
    assert!(format!("{error:#}").contains("timeout"), "{error:#}");
    network.thaw(0).unwrap();
    network.wait_for_blocks(0, 2).unwrap();

    let before = network.height(0).unwrap();
    network.halt().unwrap();
    network.height(0).unwrap_err();
    network.resume().unwrap();
    assert!(network.height(0).unwrap() > before);

    let home = network.home().to_owned();
    assert_eq!(processes(&home).len(), 2, "the node and its guard");
    drop(network);
    eventually("the end of node and guard", || processes(&home).is_empty());
    assert!(!home.exists());
}

#[test]
fn the_chain_begins_with_what_was_asked_for() {
    let owner = Account::generate().unwrap();
    let stranger = Account::generate().unwrap();
    let options = Options {
        chain_id: "wattpool-asked-1".into(),
        uploads: Uploads::Admin,
        block_gas: 50_000_000,
        voting_s: 4,
        jail_after: 30,
        named: BTreeMap::from([("owner".into(), (owner.clone(), vec![Coin::new(7, "uwatt")]))]),
        accounts: vec![(
            stranger.address.clone(),
            vec![Coin::new(9, "uwatt"), Coin::new(2, "uother")],
        )],
        ..fast()
    };
    let network = Testnet::start(&options).unwrap();
    let description = network.description();
    assert_eq!(description.account("owner").unwrap(), &owner);
    for role in ROLES {
        assert!(description
            .account(role)
            .unwrap()
            .address
            .starts_with("watt1"));
    }
    let mode = fs::metadata(network.home().join(FILE))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "the keys are for the owner alone");

    // What the node itself took for its genesis.
    let url = format!("{}/genesis", network.rpc_addresses()[0]);
    let answer: serde_json::Value = ureq::get(url)
        .call()
        .unwrap()
        .body_mut()
        .read_json()
        .unwrap();
    let genesis = &answer["result"]["genesis"];
    assert_eq!(genesis["chain_id"], "wattpool-asked-1");
    assert_eq!(genesis["consensus_params"]["block"]["max_gas"], "50000000");
    let state = &genesis["app_state"];
    assert_eq!(state["staking"]["params"]["bond_denom"], "ustake");
    assert_eq!(state["mint"]["params"]["mint_denom"], "ustake");
    assert_eq!(state["gov"]["params"]["voting_period"], "4s");
    assert_eq!(state["gov"]["params"]["expedited_voting_period"], "2s");
    assert_eq!(state["gov"]["params"]["min_deposit"][0]["denom"], "ustake");
    assert_eq!(state["slashing"]["params"]["signed_blocks_window"], "60");
    let access = &state["wasm"]["params"]["code_upload_access"];
    assert_eq!(
        access["addresses"][0],
        *description.account("admin").unwrap().address
    );
    let coins = |address: &str| {
        let balances = state["bank"]["balances"].as_array().unwrap();
        let found = balances
            .iter()
            .find(|balance| balance["address"] == address);
        let coins = found.unwrap()["coins"].as_array().unwrap();
        let text = |coin: &serde_json::Value| {
            format!("{}{}", coin["amount"], coin["denom"]).replace('"', "")
        };
        coins.iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(coins(&owner.address), ["7uwatt"]);
    assert_eq!(coins(&stranger.address), ["2uother", "9uwatt"]);
}

#[test]
fn networks_stand_side_by_side_and_a_folder_keeps_its_chain() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        home: Some(folder.path().join("kept")),
        ..fast()
    };
    let mut network = Testnet::start(&options).unwrap();
    let other = Testnet::start(&fast()).unwrap();
    assert_ne!(network.rpc_addresses(), other.rpc_addresses());

    let error = Testnet::start(&options).err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("another command works on the network in "),
        "{error:#}"
    );

    network.wait_for_blocks(0, 2).unwrap();
    let height = network.height(0).unwrap();
    let admin = network.description().account("admin").unwrap().clone();
    drop(network);
    let network = Testnet::start(&options).unwrap();
    assert!(network.height(0).unwrap() > height);
    assert_eq!(network.description().account("admin").unwrap(), &admin);
    drop(network);

    let changed = Options {
        validators: 2,
        ..options
    };
    let error = Testnet::start(&changed).err().unwrap();
    assert_eq!(
        error.to_string(),
        "validators 2: the network that is there has 1; testnet/reset makes room for another"
    );
}
