//! What a node of the chain answers: JSON-RPC, and within it what the chain's modules and the contracts say.

use crate::network::approval;
use crate::{agree, Target};
use serde::de::DeserializeOwned;
use wattpool_core::io::MarketTx;
use wattpool_ledger_wasmd::events::{market_events, outcomes};
use wattpool_ledger_wasmd::proof::store::verify;
use wattpool_ledger_wasmd::proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountResponse};
use wattpool_ledger_wasmd::proto::cosmwasm::wasm::v1::{
    QueryRawContractStateResponse, QuerySmartContractStateResponse,
};
use wattpool_ledger_wasmd::proto::prost::Message;
use wattpool_ledger_wasmd::rpc::{read, ChainEvent};
use wattpool_ledger_wasmd::{message, Market};
use wattpool_schema::escrow::{EscrowConfig, MeterBookResponse, SettleTrade, TradeStatus};
use wattpool_schema::pool::{
    MeterResponse, MetersResponse, PoolConfig, Tariffs, ZonePairsResponse,
};
use wattpool_schema::{
    Commitment, MeterId, Signature, SignedStatement, Statement, Wh, Window, RECORD_VERSION,
};

/// Most bytes of an answer that is tried; what a whole block may have is read by the same code.
const LONGEST: usize = 256 * 1024;

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!("../recorded/", $name, ".json")).as_slice()
    };
}

/// Bodies of answers to queries.
const QUERIES: [&[u8]; 6] = [
    recorded!("query_meter"),
    recorded!("query_book"),
    recorded!("query_config"),
    recorded!("query_missing"),
    recorded!("query_pairs"),
    recorded!("query_account"),
];

pub(crate) const RPC: Target = Target {
    name: "node_answer",
    run: |data| {
        // A node may answer any question with anything.
        let _ = (read::STATUS.read)(data);
        let _ = (read::BROADCAST.read)(data);
        if let Ok(headers) = (read::BLOCKCHAIN.read)(data) {
            let ascending = headers.is_sorted_by_key(|h| h.height);
            agree("headers are ascending", &true, &ascending);
        }
        if let Ok(block) = (read::BLOCK_AT.read)(data) {
            let found = u64::try_from(block.transactions.len()).ok();
            agree("transactions", &found, &Some(block.meta.transactions));
        }
        if let Ok(results) = (read::BLOCK_RESULTS.read)(data) {
            for tx in &results.transactions {
                events(&tx.events);
            }
            events(&results.block_events);
        }
        if let Ok(tx) = (read::TX.read)(data) {
            events(&tx.result.events);
        }
        if let Ok(answer) = (read::QUERY.read)(data) {
            module(&answer.value);
            // Of no state that there is.
            let found = verify(
                &[7; 32],
                "wasm",
                &[1, 0, 0, 0, 0, 0, 0, 0, 1],
                &answer.proof,
            );
            agree("a proof of another state", &true, &found.is_err());
        }
        if let Ok(signed) = (read::COMMIT.read)(data) {
            let _ = signed.header.hash();
        }
        if let Ok((validators, _)) = (read::VALIDATORS.read)(data) {
            let _ = read::validator_set(validators).map(|set| set.hash());
        }
    },
    seeds: || {
        let rest = [
            recorded!("status"),
            recorded!("blockchain"),
            recorded!("block"),
            recorded!("block_results"),
            recorded!("tx"),
            recorded!("broadcast_again"),
            recorded!("not_there"),
            recorded!("commit"),
            recorded!("validators"),
            recorded!("query_proven"),
            recorded!("query_absent"),
        ];
        let all = rest.iter().chain(&QUERIES);
        all.map(|body| body.to_vec()).collect()
    },
    longest: LONGEST,
    per_byte: crate::LEAN,
};

pub(crate) const MODULE: Target = Target {
    name: "module_answer",
    run: module,
    seeds: || {
        let recorded = QUERIES.iter().filter_map(|body| {
            let answer = (read::QUERY.read)(body).ok()?;
            Some(answer.value).filter(|value| !value.is_empty())
        });
        let account = QueryAccountResponse {
            account: Some(message::any(&BaseAccount {
                account_number: u64::MAX,
                sequence: 7,
                ..BaseAccount::default()
            })),
        };
        let raw = QueryRawContractStateResponse {
            data: b"{\"contract\":\"wattpool:energy-pool\",\"version\":\"0.1.0\"}".to_vec(),
        };
        let simulated = b"{\"gas_info\":{\"gas_wanted\":\"0\",\"gas_used\":\"70000\"}}";
        let written = [
            account.encode_to_vec(),
            raw.encode_to_vec(),
            simulated.to_vec(),
        ];
        recorded.chain(written).collect()
    },
    longest: LONGEST,
    per_byte: crate::LEAN,
};

/// The addresses file of the recorded deployment.
pub(crate) fn market_file() -> &'static [u8] {
    recorded!("market")
}

/// What a module of the chain answers.
fn module(value: &[u8]) {
    if let Ok(found) = read::protobuf::<QueryAccountResponse>(value) {
        let _ = read::account(found);
    }
    let _ = read::protobuf::<QueryRawContractStateResponse>(value);
    let _ = read::simulated(value);
    if let Ok(found) = read::protobuf::<QuerySmartContractStateResponse>(value) {
        contract::<MeterResponse>(&found);
        contract::<MetersResponse>(&found);
        contract::<Tariffs>(&found);
        contract::<ZonePairsResponse>(&found);
        contract::<PoolConfig>(&found);
        contract::<EscrowConfig>(&found);
        contract::<MeterBookResponse>(&found);
        contract::<TradeStatus>(&found);
    }
}

fn contract<A: DeserializeOwned>(found: &QuerySmartContractStateResponse) {
    let _ = read::contract::<A>(found);
}

/// The market's events among these, and whose item of a joined message they are.
fn events(found: &[ChainEvent]) {
    let Ok(text) = std::str::from_utf8(market_file()) else {
        return;
    };
    let Ok(market) = Market::parse(text) else {
        panic!("the recorded addresses file cannot be read");
    };
    let Ok(ours) = market_events(found, &market) else {
        return;
    };
    agree("no event is made up", &true, &(ours.len() <= found.len()));
    for joined in [statements(), settles()] {
        let count = joined.len();
        agree("outcomes", &count, &outcomes(&joined, ours.clone()).len());
    }
}

/// Two messages of statements, of meters of the recorded deployment.
fn statements() -> Vec<MarketTx> {
    let statement = |meter: u8, window: u64| SignedStatement {
        statement: Statement {
            version: RECORD_VERSION,
            chain: "wattpool-local-1".to_owned(),
            pool: "pool".to_owned(),
            meter: MeterId(u128::from(meter).to_be_bytes()),
            window: Window(window),
            sequence: window,
            export_wh: Wh(10),
            commitment: Commitment([5; 32]),
        },
        signature: Signature([7; 64]),
    };
    let first = MarketTx::State(vec![statement(1, 117_735_000), statement(1, 117_735_001)]);
    vec![first, MarketTx::State(vec![statement(2, 117_735_000)])]
}

/// Two settles that were joined.
fn settles() -> Vec<MarketTx> {
    let settle = |trade_id| {
        MarketTx::Settle(Box::new(SettleTrade {
            trade_id,
            wh: Wh(3),
            approval: approval(),
            cover: None,
        }))
    };
    vec![settle(1), settle(2)]
}
