//! What a CometBFT node (0.38) answers. Numbers of 64 bits come as text, bytes as base64 or hexadecimal.

use crate::proof::store::ProofOp;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use cosmrs::tendermint::block::signed_header::SignedHeader;
use cosmrs::tendermint::validator::Info;
use cosmrs::tendermint::Time;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use wattpool_schema::Seconds;

/// An envelope of JSON-RPC 2.0.
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    pub result: Option<T>,
    pub error: Option<Refusal>,
}

/// A JSON-RPC error.
#[derive(Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub data: String,
}

impl Refusal {
    pub fn text(&self) -> String {
        if self.data.is_empty() {
            self.message.clone()
        } else {
            self.data.clone()
        }
    }
}

/// Answer to `status`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// The node.
    pub node_info: NodeInfo,
    /// How far it is.
    pub sync_info: SyncInfo,
}

/// The node.
#[derive(Clone, Debug, Deserialize)]
pub struct NodeInfo {
    /// Chain id.
    pub network: String,
}

/// How far a node is.
#[derive(Clone, Debug, Deserialize)]
pub struct SyncInfo {
    /// Its newest block.
    #[serde(deserialize_with = "number")]
    pub latest_block_height: u64,
    /// That block's time.
    #[serde(deserialize_with = "time")]
    pub latest_block_time: BlockTime,
    /// Its oldest block.
    #[serde(deserialize_with = "number")]
    pub earliest_block_height: u64,
    /// It still replays old blocks.
    pub catching_up: bool,
}

/// A block's time: whole seconds are what contracts count in, the rest makes it exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockTime {
    /// Unix seconds.
    pub seconds: Seconds,
    /// Nanoseconds within the second.
    pub nanos: u32,
}

/// A block's header with the size of the block.
#[derive(Clone, Debug)]
pub struct BlockMeta {
    /// Height.
    pub height: u64,
    /// Time.
    pub time: BlockTime,
    /// Chain id.
    pub chain_id: String,
    /// Number of transactions.
    pub transactions: u64,
    /// The block's hash, hexadecimal, as the node gives it.
    pub hash: String,
}

#[derive(Deserialize)]
pub(super) struct BlockchainAnswer {
    pub block_metas: Vec<RawMeta>,
}

#[derive(Deserialize)]
pub(super) struct RawMeta {
    header: RawHeader,
    #[serde(deserialize_with = "number")]
    num_txs: u64,
    #[serde(default)]
    block_id: RawBlockId,
}

#[derive(Default, Deserialize)]
struct RawBlockId {
    #[serde(default)]
    hash: String,
}

#[derive(Deserialize)]
struct RawHeader {
    chain_id: String,
    #[serde(deserialize_with = "number")]
    height: u64,
    #[serde(deserialize_with = "time")]
    time: BlockTime,
}

impl From<RawMeta> for BlockMeta {
    fn from(raw: RawMeta) -> Self {
        Self {
            height: raw.header.height,
            time: raw.header.time,
            chain_id: raw.header.chain_id,
            transactions: raw.num_txs,
            hash: raw.block_id.hash,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct BlockAnswer {
    #[serde(default)]
    block_id: RawBlockId,
    block: RawBlock,
}

#[derive(Deserialize)]
struct RawBlock {
    header: RawHeader,
    data: RawData,
}

#[derive(Deserialize)]
struct RawData {
    #[serde(default, deserialize_with = "base64_list")]
    txs: Vec<Vec<u8>>,
}

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its header.
    pub meta: BlockMeta,
    /// Its transactions, as they were sent.
    pub transactions: Vec<Vec<u8>>,
}

impl From<BlockAnswer> for Block {
    fn from(answer: BlockAnswer) -> Self {
        let raw = answer.block;
        let transactions = raw.data.txs;
        Self {
            meta: BlockMeta {
                height: raw.header.height,
                time: raw.header.time,
                chain_id: raw.header.chain_id,
                transactions: u64::try_from(transactions.len()).unwrap_or(u64::MAX),
                hash: answer.block_id.hash,
            },
            transactions,
        }
    }
}

/// Answer to `block_results`.
#[derive(Clone, Debug, Deserialize)]
pub struct BlockResults {
    /// The block.
    #[serde(deserialize_with = "number")]
    pub height: u64,
    /// What became of each transaction, in the block's order.
    #[serde(default, rename = "txs_results", deserialize_with = "or_default")]
    pub transactions: Vec<TxResult>,
    /// Events outside of transactions: those of the block itself.
    #[serde(
        default,
        rename = "finalize_block_events",
        deserialize_with = "or_default"
    )]
    pub block_events: Vec<ChainEvent>,
}

/// What became of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct TxResult {
    /// Zero: it was executed.
    #[serde(default)]
    pub code: u32,
    /// Module whose code it is.
    #[serde(default)]
    pub codespace: String,
    /// The error's text (`raw_log`), if any.
    #[serde(default)]
    pub log: String,
    /// Answers of its messages, protobuf `TxMsgData`.
    #[serde(default, deserialize_with = "base64_bytes")]
    pub data: Vec<u8>,
    /// Gas limit.
    #[serde(default, deserialize_with = "number")]
    pub gas_wanted: u64,
    /// Gas used.
    #[serde(default, deserialize_with = "number")]
    pub gas_used: u64,
    /// Its events, in their order.
    #[serde(default, deserialize_with = "or_default")]
    pub events: Vec<ChainEvent>,
}

impl TxResult {
    /// True when it was executed.
    pub const fn is_ok(&self) -> bool {
        self.code == 0
    }
}

/// An event of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChainEvent {
    /// Its name, such as `wasm-stated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its attributes.
    #[serde(default, deserialize_with = "or_default")]
    pub attributes: Vec<EventAttribute>,
}

impl ChainEvent {
    /// First value under a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|a| a.key == key)
            .map(|a| a.value.as_str())
    }
}

/// An attribute of an event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventAttribute {
    /// Its name.
    #[serde(default)]
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// Answer to `tx`: a transaction in a block.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct TxAnswer {
    #[serde(deserialize_with = "number")]
    pub height: u64,
    #[serde(default)]
    pub index: u32,
    pub tx_result: TxResult,
}

#[derive(Deserialize)]
pub(super) struct SearchAnswer {
    #[serde(default, deserialize_with = "or_default")]
    txs: Vec<FoundAnswer>,
    #[serde(deserialize_with = "number")]
    total_count: u64,
}

#[derive(Deserialize)]
struct FoundAnswer {
    #[serde(flatten)]
    at: TxAnswer,
    #[serde(deserialize_with = "base64_bytes")]
    tx: Vec<u8>,
}

/// A page of transactions that were looked for.
#[derive(Clone, Debug, Default)]
pub struct FoundTxs {
    /// The transactions as they were sent, and where they are.
    pub transactions: Vec<(Vec<u8>, super::TxIn)>,
    /// How many there are on all pages.
    pub total: u64,
}

impl From<SearchAnswer> for FoundTxs {
    fn from(answer: SearchAnswer) -> Self {
        let found = |one: FoundAnswer| {
            let at = super::TxIn {
                height: one.at.height,
                index: one.at.index,
                result: one.at.tx_result,
            };
            (one.tx, at)
        };
        Self {
            transactions: answer.txs.into_iter().map(found).collect(),
            total: answer.total_count,
        }
    }
}

/// Answer to `broadcast_tx_sync`: what the node's check said.
#[derive(Clone, Debug, Deserialize)]
pub struct Checked {
    /// Zero: it is in the mempool.
    #[serde(default)]
    pub code: u32,
    /// Module whose code it is.
    #[serde(default)]
    pub codespace: String,
    /// The error's text.
    #[serde(default)]
    pub log: String,
}

#[derive(Deserialize)]
pub(super) struct AbciAnswer {
    pub response: AbciResponse,
}

/// Answer to `abci_query`.
#[derive(Clone, Debug, Deserialize)]
pub struct AbciResponse {
    /// Zero: it was answered.
    #[serde(default)]
    pub code: u32,
    /// Module whose code it is.
    #[serde(default)]
    pub codespace: String,
    /// The error's text.
    #[serde(default)]
    pub log: String,
    /// The answer itself.
    #[serde(default, deserialize_with = "base64_bytes")]
    pub value: Vec<u8>,
    /// The state that was asked.
    #[serde(default, deserialize_with = "number")]
    pub height: u64,
    /// Steps of the proof, where one was asked for.
    #[serde(default, rename = "proofOps", deserialize_with = "proof_ops")]
    pub proof: Vec<ProofOp>,
}

/// Answer to `commit`.
#[derive(Deserialize)]
pub(super) struct CommitAnswer {
    #[serde(deserialize_with = "encoded")]
    pub signed_header: SignedHeader,
}

/// Answer to `validators`.
#[derive(Deserialize)]
pub(super) struct ValidatorsAnswer {
    #[serde(deserialize_with = "encoded")]
    pub validators: Vec<Info>,
    #[serde(deserialize_with = "number")]
    pub total: u64,
}

/// What holds keys or signatures, as tendermint's types read it: their decoder of base64 panics on some of what is none, so that it is looked at first.
fn encoded<'de, D: Deserializer<'de>, T: DeserializeOwned>(d: D) -> Result<T, D::Error> {
    let value = Value::deserialize(d)?;
    whole(&value).map_err(serde::de::Error::custom)?;
    T::deserialize(value).map_err(serde::de::Error::custom)
}

/// Whether all keys (`value`) and signatures are base64 of something.
fn whole(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter().try_for_each(whole),
        Value::Object(fields) => fields.iter().try_for_each(|(name, field)| {
            let text = field
                .as_str()
                .filter(|_| name == "signature" || name == "value");
            match text {
                Some(text) if decode(text)?.is_empty() => {
                    Err("expected base64, found nothing".to_owned())
                }
                Some(_) => Ok(()),
                None => whole(field),
            }
        }),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct ProofOps {
    #[serde(default, deserialize_with = "or_default")]
    ops: Vec<RawOp>,
}

#[derive(Deserialize)]
struct RawOp {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "base64_bytes")]
    data: Vec<u8>,
}

fn proof_ops<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<ProofOp>, D::Error> {
    let found: Option<ProofOps> = Option::deserialize(d)?;
    let ops = found.map(|found| found.ops).unwrap_or_default();
    let op = |RawOp { kind, data }| ProofOp { kind, data };
    Ok(ops.into_iter().map(op).collect())
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    d: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}

fn number<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    let text: Option<String> = Option::deserialize(d)?;
    match text.as_deref() {
        None | Some("") => Ok(0),
        Some(text) => text.parse().map_err(|_| {
            serde::de::Error::custom(format!("expected a number as text, found {text:?}"))
        }),
    }
}

fn time<'de, D: Deserializer<'de>>(d: D) -> Result<BlockTime, D::Error> {
    let text = String::deserialize(d)?;
    let bad = || serde::de::Error::custom(format!("expected a time, found {text:?}"));
    let since = Time::parse_from_rfc3339(&text)
        .map_err(|_| bad())?
        .duration_since(Time::unix_epoch())
        .map_err(|_| bad())?;
    Ok(BlockTime {
        seconds: Seconds(since.as_secs()),
        nanos: since.subsec_nanos(),
    })
}

fn base64_bytes<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
    let text: Option<String> = Option::deserialize(d)?;
    decode(text.as_deref().unwrap_or_default()).map_err(serde::de::Error::custom)
}

fn base64_list<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Vec<u8>>, D::Error> {
    let list: Option<Vec<String>> = Option::deserialize(d)?;
    list.unwrap_or_default()
        .iter()
        .map(|text| decode(text).map_err(serde::de::Error::custom))
        .collect()
}

fn decode(text: &str) -> Result<Vec<u8>, String> {
    STANDARD
        .decode(text)
        .map_err(|e| format!("expected base64: {e}"))
}
