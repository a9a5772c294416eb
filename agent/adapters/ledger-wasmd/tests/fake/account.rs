//! One account: its sequence, lost answers, forgetful nodes, and what is certain in the end.

use crate::node::{settings, Node};
use std::sync::Arc;
use wattpool_ledger_wasmd::{message, Account, Any, Client, Fate, Gas, Key};
use wattpool_schema::error::Class;

async fn account(nodes: &[&Node]) -> Account {
    let client = Arc::new(Client::connect(settings(nodes)).await.unwrap());
    Account::new(client, Key::from_bytes(&[7; 32], "watt").unwrap(), None)
}

fn send(account: &Account, amount: u128) -> Vec<Any> {
    let to = account.address();
    vec![message::send(to, to, vec![message::coin(amount, "uwatt")])]
}

#[tokio::test]
async fn transactions_follow_each_other_without_asking_for_the_sequence_again() {
    let node = Node::start().await;
    node.chain().lively = false;
    let account = account(&[&node]).await;
    let mut pending = Vec::new();
    for n in 0..3 {
        pending.push(
            account
                .submit(send(&account, n), Gas::Limit(90_000))
                .await
                .unwrap(),
        );
    }
    assert_eq!(node.chain().mempool.len(), 3);
    assert_eq!(
        node.count("abci_query"),
        1,
        "the account was asked for once"
    );
    node.chain().lively = true;
    for (index, pending) in (0..).zip(&pending) {
        let Fate::InBlock(tx) = account.confirm(pending).await.unwrap() else {
            panic!("{pending:?}");
        };
        assert_eq!(tx.index, index);
    }
}

#[tokio::test]
async fn on_a_sequence_mismatch_the_account_is_asked_again_and_it_is_tried_once_more() {
    let node = Node::start().await;
    let account = account(&[&node]).await;
    account
        .send(send(&account, 1), Gas::Limit(90_000))
        .await
        .unwrap();
    // Another client of the key went on meanwhile.
    node.chain().sequence += 3;
    let tx = account
        .send(send(&account, 2), Gas::Limit(90_000))
        .await
        .unwrap();
    assert!(tx.result.is_ok());
    assert_eq!(node.count("broadcast_tx_sync"), 3);
    // A node that always names another sequence is given up.
    node.chain().refuse = Some((32, "account sequence mismatch, expected 99, got 1".into()));
    let error = account
        .send(send(&account, 3), Gas::Limit(90_000))
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Retry, "{error}");
    assert_eq!(node.count("broadcast_tx_sync"), 5);
}

#[tokio::test]
async fn a_lost_answer_is_no_lost_transaction() {
    let node = Node::start().await;
    node.chain().lose = 1;
    let account = account(&[&node]).await;
    let tx = account
        .send(send(&account, 1), Gas::Limit(90_000))
        .await
        .unwrap();
    assert!(tx.result.is_ok());
    let executed: usize = node.chain().blocks.iter().map(|(_, txs)| txs.len()).sum();
    assert_eq!(executed, 1);
    // The next one knows that the sequence went on.
    account
        .send(send(&account, 2), Gas::Limit(90_000))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_a_node_forgot_is_handed_over_again() {
    let node = Node::start().await;
    node.chain().forget = 2;
    let account = account(&[&node]).await;
    let tx = account
        .send(send(&account, 1), Gas::Limit(90_000))
        .await
        .unwrap();
    assert!(tx.result.is_ok());
    assert!(node.count("broadcast_tx_sync") >= 3);
}

#[tokio::test]
async fn without_an_index_the_blocks_are_searched() {
    let node = Node::start().await;
    node.chain().index = false;
    let account = account(&[&node]).await;
    let tx = account
        .send(send(&account, 1), Gas::Limit(90_000))
        .await
        .unwrap();
    let chain = node.chain();
    assert_eq!(tx.height, chain.blocks[0].0);
    assert_eq!(tx.result.gas_used, 70_000);
}

#[tokio::test]
async fn after_its_last_height_a_transaction_is_in_a_block_or_in_none() {
    let node = Node::start().await;
    node.chain().forget = usize::MAX;
    let account = account(&[&node]).await;
    let pending = account
        .submit(send(&account, 1), Gas::Limit(90_000))
        .await
        .unwrap();
    let fate = account.confirm(&pending).await.unwrap();
    let height = pending.timeout_height();
    assert_eq!(fate, Fate::Expired { height });
    // If the blocks are gone, nobody can say.
    let pending = account
        .submit(send(&account, 2), Gas::Limit(90_000))
        .await
        .unwrap();
    node.chain().earliest = u64::MAX;
    let fate = account.confirm(&pending).await.unwrap();
    assert!(
        matches!(&fate, Fate::Untraceable { why } if why.contains("not available")),
        "{fate:?}"
    );
}

#[tokio::test]
async fn the_gas_limit_is_the_simulations_with_a_margin_under_a_ceiling() {
    let node = Node::start().await;
    let account = account(&[&node]).await;
    let pending = account
        .submit(send(&account, 1), Gas::Simulated)
        .await
        .unwrap();
    assert_eq!(pending.gas_limit(), 98_000, "70,000 and 40 per cent");
    let mut low = settings(&[&node]);
    low.gas_ceiling = 80_000;
    let client = Arc::new(Client::connect(low.clone()).await.unwrap());
    assert_eq!(
        client.gas_limit(70_000, 140),
        Ok(80_000),
        "the ceiling cuts the margin"
    );
    low.gas_ceiling = 60_000;
    let client = Arc::new(Client::connect(low).await.unwrap());
    let poor = Account::new(client, Key::from_bytes(&[7; 32], "watt").unwrap(), None);
    let error = poor
        .submit(send(&poor, 1), Gas::Simulated)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "98000 gas needed, the ceiling is 60000");
}

#[tokio::test]
async fn no_simulation_and_no_day_costs_more_than_the_bounds() {
    let node = Node::start().await;
    node.chain().gas = "19999999".into();
    let account = self::account(&[&node]).await;
    let most = Gas::AtMost(500_000);
    let error = account.submit(send(&account, 1), most).await.unwrap_err();
    assert_eq!(error.class(), Class::Refuse, "{error}");
    assert_eq!(
        node.count("broadcast_tx_sync"),
        0,
        "nothing is signed on it"
    );
    // What it says below that counts, its margin up to it.
    node.chain().gas = "400000".into();
    let pending = account.submit(send(&account, 1), most).await.unwrap();
    assert_eq!(pending.gas_limit(), 500_000);

    let mut bounded = settings(&[&node]);
    // 500,000 gas cost 1,250.
    bounded.max_fees_per_day = Some(3_000);
    let client = Arc::new(Client::connect(bounded).await.unwrap());
    let account = Account::new(client, Key::from_bytes(&[7; 32], "watt").unwrap(), None);
    for _ in 0..2 {
        account.submit(send(&account, 1), most).await.unwrap();
    }
    assert_eq!(account.fees_today(), 2_500);
    let error = account.submit(send(&account, 1), most).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("a fee of 1250 beside 2500 in these 24 hours is more than 3000"),
        "{error}"
    );
    assert_eq!(account.fees_today(), 2_500);
}
