//! What the bytes of a node's answer say, method by method, without a network. Each method's answers have a bound:
//! a node that sends more is not read on.

use super::answers::{
    AbciAnswer, AbciResponse, Block, BlockAnswer, BlockMeta, BlockResults, BlockchainAnswer,
    ChainEvent, Checked, CommitAnswer, Envelope, FoundTxs, SearchAnswer, Status, TxAnswer,
    ValidatorsAnswer,
};
use super::TxIn;
use crate::query::{AccountState, SimulationAnswer};
use cosmrs::proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountResponse};
use cosmrs::proto::cosmwasm::wasm::v1::QuerySmartContractStateResponse;
use cosmrs::proto::prost::Message;
use cosmrs::tendermint::block::signed_header::SignedHeader;
use cosmrs::tendermint::validator::{Info, Set};
use serde::de::DeserializeOwned;

/// For what is a line or a record.
const SHORT: usize = 256 * 1024;
/// For what a contract, a module or one transaction says; the largest of it are contracts' codes.
const LONG: usize = 4 * 1024 * 1024;
/// For a whole block: a node of this line makes none of more than 22 MB, which base64 makes 29 MB of.
const BLOCK: usize = 32 * 1024 * 1024;

/// Why bytes are no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The node answers that it cannot do this, and why.
    Refused(String),
    /// They are not what the protocol promises.
    Malformed(String),
}

/// A method of JSON-RPC.
pub struct Method<T> {
    /// Its name.
    pub name: &'static str,
    /// Most bytes of an answer.
    pub longest: usize,
    /// Reads an answer.
    pub read: fn(&[u8]) -> Result<T, Unusable>,
}

/// The node's state.
pub const STATUS: Method<Status> = Method {
    name: "status",
    longest: SHORT,
    read: answer,
};

/// Headers of at most 20 blocks, ascending.
pub const BLOCKCHAIN: Method<Vec<BlockMeta>> = Method {
    name: "blockchain",
    longest: SHORT,
    read: |body| {
        let found: BlockchainAnswer = answer(body)?;
        let mut metas: Vec<BlockMeta> = found.block_metas.into_iter().map(Into::into).collect();
        metas.sort_by_key(|m| m.height);
        Ok(metas)
    },
};

/// A block with its transactions.
pub const BLOCK_AT: Method<Block> = Method {
    name: "block",
    longest: BLOCK,
    read: |body| answer::<BlockAnswer>(body).map(Into::into),
};

/// What became of a block's transactions.
pub const BLOCK_RESULTS: Method<BlockResults> = Method {
    name: "block_results",
    longest: BLOCK,
    read: answer,
};

/// Transactions by their events, a page of them.
pub const TX_SEARCH: Method<FoundTxs> = Method {
    name: "tx_search",
    longest: BLOCK,
    read: |body| answer::<SearchAnswer>(body).map(Into::into),
};

/// A transaction in a block.
pub const TX: Method<TxIn> = Method {
    name: "tx",
    longest: LONG,
    read: |body| {
        answer::<TxAnswer>(body).map(|found| TxIn {
            height: found.height,
            index: found.index,
            result: found.tx_result,
        })
    },
};

/// What a node's check says of a transaction.
pub const BROADCAST: Method<Checked> = Method {
    name: "broadcast_tx_sync",
    longest: SHORT,
    read: answer,
};

/// A query of the chain's state.
pub const QUERY: Method<AbciResponse> = Method {
    name: "abci_query",
    longest: LONG,
    read: |body| answer::<AbciAnswer>(body).map(|found| found.response),
};

/// A header and who signed it.
pub const COMMIT: Method<SignedHeader> = Method {
    name: "commit",
    longest: LONG,
    read: |body| answer::<CommitAnswer>(body).map(|found| found.signed_header),
};

/// A page of a height's validators, and how many there are.
pub const VALIDATORS: Method<(Vec<Info>, usize)> = Method {
    name: "validators",
    longest: SHORT,
    read: |body| {
        let found: ValidatorsAnswer = answer(body)?;
        let total = usize::try_from(found.total).unwrap_or(usize::MAX);
        Ok((found.validators, total))
    },
};

/// The set that validators make.
///
/// # Errors
/// There are none, or their power is absurd: its sum is not to be made.
pub fn validator_set(validators: Vec<Info>) -> Result<Set, String> {
    let powers = validators.iter().map(|v| v.power.value());
    let total = powers.fold(0_u64, u64::saturating_add);
    if validators.is_empty() || total > u64::MAX / 16 {
        return Err(format!("{} validators of power {total}", validators.len()));
    }
    Ok(Set::without_proposer(validators))
}

/// The result in an envelope of JSON-RPC.
fn answer<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unusable> {
    let envelope: Envelope<T> =
        serde_json::from_slice(body).map_err(|e| Unusable::Malformed(e.to_string()))?;
    match (envelope.result, envelope.error) {
        (Some(result), _) => Ok(result),
        (None, Some(refusal)) => Err(Unusable::Refused(refusal.text())),
        (None, None) => Err(Unusable::Malformed("neither result nor error".to_owned())),
    }
}

/// An answer in protobuf.
///
/// # Errors
/// It is of another form.
pub fn protobuf<A: Message + Default>(value: &[u8]) -> Result<A, String> {
    A::decode(value).map_err(|e| e.to_string())
}

/// Where an account stands; `None` if there is none in the answer.
///
/// # Errors
/// It is no ordinary account.
pub fn account(found: QueryAccountResponse) -> Result<Option<AccountState>, String> {
    let Some(account) = found.account else {
        return Ok(None);
    };
    if account.type_url != "/cosmos.auth.v1beta1.BaseAccount" {
        return Err(format!(
            "expected an ordinary account, found {}",
            account.type_url
        ));
    }
    let base: BaseAccount = protobuf(&account.value)?;
    Ok(Some(AccountState {
        number: base.account_number,
        sequence: base.sequence,
    }))
}

/// Gas used and events, in the answer to a simulation.
///
/// # Errors
/// It is of another form.
pub fn simulated(value: &[u8]) -> Result<(u64, Vec<ChainEvent>), String> {
    let answer: SimulationAnswer = serde_json::from_slice(value).map_err(|e| e.to_string())?;
    let gas_used = answer.gas_info.gas_used;
    let gas = gas_used
        .parse()
        .map_err(|e| format!("gas_used {gas_used:?}: {e}"))?;
    Ok((gas, answer.result.map_or_else(Vec::new, |r| r.events)))
}

/// What a contract answers, in the answer of the module that runs it.
///
/// # Errors
/// It is of another form than expected.
pub fn contract<A: DeserializeOwned>(found: &QuerySmartContractStateResponse) -> Result<A, String> {
    serde_json::from_slice(&found.data).map_err(|e| e.to_string())
}
