//! Deploying on a real chain: cut off anywhere it goes on where it was, and done again it changes nothing.

use crate::node::{market_settings, settings, words, Setup, World};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use wattpool_ledger_wasmd::key::module_address;
use wattpool_ledger_wasmd::{ChainError, Client, Key, Market};
use wattpool_operator::deploy::{deploy, read_codes, Deployment};
use wattpool_schema::ADDRESS_PREFIX;
use wattpool_testnet::Testnet;

fn deployment(net: &Testnet, window_s: u32) -> Deployment {
    let validators = &net.description().nodes;
    let voter = |words: &str| Key::from_mnemonic(words, ADDRESS_PREFIX).unwrap();
    Deployment {
        deployer: words(net, "admin"),
        voters: validators
            .iter()
            .map(|n| voter(&n.validator.mnemonic))
            .collect(),
        settings: market_settings("again", window_s),
        codes: read_codes(&wattpool_testnet::built::contracts()).unwrap(),
    }
}

/// Deploys until so many blocks have come, and is then dropped as a kill would.
async fn cut_off(
    client: &Arc<Client>,
    net: &Testnet,
    blocks: u64,
) -> Option<Result<Market, ChainError>> {
    let begin = client.head().await.unwrap().height;
    tokio::select! {
        done = deploy(client, deployment(net, 60), &|_| {}) => Some(done),
        _ = client.wait_height(begin + blocks) => None,
    }
}

#[tokio::test]
async fn cut_off_at_any_step_it_goes_on_and_again_it_changes_nothing() {
    let world = World::start(Setup::default()).await;
    let (net, client) = (&world.net, &world.client);
    let mut cuts = 0;
    let market = loop {
        // Another client each time, as another process would have.
        let fresh = Arc::new(
            Client::connect(settings(net.rpc_addresses()))
                .await
                .unwrap(),
        );
        match cut_off(&fresh, net, 2 + cuts % 3).await {
            Some(done) => break done.unwrap(),
            None => cuts += 1,
        }
        assert!(cuts < 60, "it never ends");
    };
    assert!(cuts >= 3, "cut off {cuts} times only");
    for contract in [&market.token, &market.pool, &market.escrow] {
        assert!(contract.pinned, "{contract:?}");
        let info = client
            .rpc()
            .contract_info(&contract.address)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(info.admin, module_address("gov", ADDRESS_PREFIX).unwrap());
        assert_eq!(info.code_id, contract.code_id);
        let code = client
            .rpc()
            .code_info(contract.code_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(hex(&code.data_hash), contract.checksum);
    }
    let codes = client.rpc().codes().await.unwrap().len();
    assert_eq!(codes, 3, "no code is uploaded twice");
    assert_eq!(proposals(client).await, 1, "it is voted on once");

    let deployer = words(net, "admin");
    let before = client.rpc().account(deployer.address()).await.unwrap();
    let steps = AtomicU64::new(0);
    let count = |_: &str| {
        steps.fetch_add(1, Ordering::Relaxed);
    };
    let again = deploy(client, deployment(net, 60), &count).await;
    let mut again = again.unwrap();
    // The block that is trusted is a newer one.
    let trusted = |m: &Market| m.trusted.clone().unwrap().height;
    assert!(trusted(&again) >= trusted(&market));
    again.trusted.clone_from(&market.trusted);
    assert_eq!(again, market);
    assert!(steps.load(Ordering::Relaxed) > 0);
    let after = client.rpc().account(deployer.address()).await.unwrap();
    assert_eq!(before, after, "nothing was sent");

    let error = deploy(client, deployment(net, 61), &|_| {})
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "window_seconds: market \"again\" stands with 60, the settings say 61: it needs another name"
    );
}

/// What one sends the other does not see at once, as after a kill: still nothing is done twice.
#[tokio::test]
async fn two_deployments_at_once_are_one() {
    let world = World::start(Setup::default()).await;
    let (net, first) = (&world.net, &world.client);
    let second = Client::connect(settings(net.rpc_addresses())).await;
    let second = Arc::new(second.unwrap());
    let (one, other) = tokio::join!(
        deploy(first, deployment(net, 60), &|_| {}),
        deploy(&second, deployment(net, 60), &|_| {}),
    );
    assert_eq!(one.unwrap(), other.unwrap());
    let codes = first.rpc().codes().await.unwrap().len();
    assert_eq!(codes, 3, "no code is uploaded twice");
    assert_eq!(proposals(first).await, 1, "it is voted on once");
}

/// How many proposals there have been.
async fn proposals(client: &Client) -> usize {
    client.rpc().proposals(0).await.unwrap().len()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
