//! Proofs of trades that are kept: a chain and a state made here, and everything that only looks like a proof of them.

use crate::{at, block_of, DAY, FOUR};
use ics23::commitment_proof::Proof;
use ics23::{CommitmentProof, ExistenceProof, HashOp, InnerOp, LeafOp, LengthOp};
use sha2::{Digest, Sha256};
use std::time::Duration;
use wattpool_ledger_wasmd::proof::evidence::{Evidence, Value, EVIDENCE_VERSION};
use wattpool_ledger_wasmd::proof::state::{self, Place};
use wattpool_ledger_wasmd::proof::store::ProofOp;
use wattpool_ledger_wasmd::proof::{TradeProof, TrustedBlock};
use wattpool_ledger_wasmd::proto::cosmwasm::wasm::v1::{CodeInfo, ContractInfo};
use wattpool_ledger_wasmd::proto::prost::{self, Message};
use wattpool_ledger_wasmd::{Deployed, Market};
use wattpool_schema::escrow::TradeRecord;
use wattpool_schema::packed;
use wattpool_schema::{MeterId, Micro, Price, Seconds, TradeKind, Wh, Window};

fn sha(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().to_vec()
}

fn varint(n: usize) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(n as u64, &mut out);
    out
}

fn leaf_op(prefix: &[u8]) -> LeafOp {
    LeafOp {
        hash: HashOp::Sha256.into(),
        prehash_key: HashOp::NoHash.into(),
        prehash_value: HashOp::Sha256.into(),
        length: LengthOp::VarProto.into(),
        prefix: prefix.to_vec(),
    }
}

fn leaf(prefix: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
    sha(&[prefix, &varint(key.len()), key, &varint(32), &sha(&[value])])
}

fn op(kind: &str, proof: ExistenceProof) -> ProofOp {
    let proof = CommitmentProof {
        proof: Some(Proof::Exist(proof)),
    };
    ProofOp {
        kind: kind.to_owned(),
        data: proof.encode_to_vec(),
    }
}

/// Height, size and version of a node, zigzag varints.
const LEAF: [u8; 3] = [0, 2, 2];
const NODE: [u8; 4] = [2, 4, 2, 32];

const ESCROW: &str = "watt1qg5ega6dykkxc307y25pecuufrjkxkaggkkxh7nad0vhyhtuhw3s2e2rsh";
const POOL: &str = "watt1wug8sewp6cedgkmrmvhl3lf3tulagm9hnvy8p0rppz9yjw0g4wtqar2vzt";

fn market() -> Market {
    let deployed = |address: &str| Deployed {
        address: address.to_owned(),
        code_id: 3,
        checksum: "ab".repeat(32),
        pinned: true,
    };
    Market {
        version: 1,
        chain_id: "one-1".to_owned(),
        address_prefix: "watt".to_owned(),
        denom: "uwatt".to_owned(),
        window_seconds: 900,
        first_part_seconds: 0,
        code_administrator: None,
        trusted: None,
        token: deployed(POOL),
        pool: deployed(POOL),
        escrow: deployed(ESCROW),
    }
}

fn record(sequence: u64) -> TradeRecord {
    TradeRecord {
        version: 1,
        sequence,
        kind: TradeKind::Spot,
        trade_id: 7,
        buyer: MeterId([1; 16]),
        seller: MeterId([2; 16]),
        nonce: 9,
        window: Window(5),
        count: 1,
        asked: Wh(1_001),
        arrived: Wh(1_001),
        declined: Wh(0),
        missed: Wh(0),
        lost: Wh(0),
        price: Price(7),
        paid: Micro(8),
        charge: Micro(0),
        requested_at: Seconds(1),
        closed_at: Seconds(2),
    }
}

/// The proof of trade 6 at a height, and the block that is trusted.
fn proof(height: u64) -> (TradeProof, TrustedBlock) {
    let contract = ContractInfo {
        code_id: 3,
        ..ContractInfo::default()
    }
    .encode_to_vec();
    let code = CodeInfo {
        code_hash: vec![0xab; 32],
        ..CodeInfo::default()
    }
    .encode_to_vec();
    let stored = packed::bytes(&record(6));
    let places = [
        Place::contract(ESCROW).unwrap(),
        Place::code(3),
        state::record(ESCROW, 6).unwrap(),
    ];
    // A tree of two pairs: the contract with its code, and the record with itself again under another trade.
    let other = state::record(ESCROW, 8).unwrap();
    let values = [contract, code, stored.clone(), packed::bytes(&record(8))];
    let keys = [&places[0], &places[1], &places[2], &other].map(|p| p.key.clone());
    let [k0, k1, k2, k3] = keys;
    let [v0, v1, v2, v3] = values;
    let (app_hash, proofs) = four([(k1, v1), (k0, v0), (k2, v2), (k3, v3)]);
    let first = block_of(1, 0, &FOUR, &FOUR, &[1; 32]);
    let trusted = TrustedBlock {
        height: 1,
        hash: first.hash(),
    };
    let head = block_of(height, 5 * DAY, &FOUR, &FOUR, &app_hash);
    let of = [
        (&places[0], 1),
        (&places[1], 0),
        (&places[2], 2),
        (&other, 3),
    ];
    let values = of.map(|(place, n): (&Place, usize)| Value::of(place, &proofs[n]));
    let file = TradeProof {
        contract: ESCROW.to_owned(),
        sequence: 6,
        evidence: Evidence {
            version: EVIDENCE_VERSION,
            chain_id: "one-1".to_owned(),
            blocks: vec![first, head],
            values: values.to_vec(),
        },
    };
    (file, trusted)
}

/// A state of four keys in one store: its hash, and the proof of each.
fn four(entries: [(Vec<u8>, Vec<u8>); 4]) -> (Vec<u8>, Vec<Vec<ProofOp>>) {
    let hashes: Vec<_> = entries
        .iter()
        .map(|(key, value)| leaf(&LEAF, key, value))
        .collect();
    let pair = |a: &[u8], b: &[u8]| sha(&[&NODE, a, &[32], b]);
    let (ab, cd) = (pair(&hashes[0], &hashes[1]), pair(&hashes[2], &hashes[3]));
    let top = [4, 8, 2, 32];
    let root = sha(&[&top, &ab, &[32], &cd]);
    let app_hash = leaf(&[0], b"wasm", &root);
    let of_store = op(
        "ics23:simple",
        ExistenceProof {
            key: b"wasm".to_vec(),
            value: root,
            leaf: Some(leaf_op(&[0])),
            path: vec![],
        },
    );
    let left = |head: [u8; 4], other: &[u8]| InnerOp {
        hash: HashOp::Sha256.into(),
        prefix: head.to_vec(),
        suffix: [&[32], other].concat(),
    };
    let right = |head: [u8; 4], other: &[u8]| InnerOp {
        hash: HashOp::Sha256.into(),
        prefix: [&head[..], other, &[32]].concat(),
        suffix: vec![],
    };
    let paths = [
        vec![left(NODE, &hashes[1]), left(top, &cd)],
        vec![right(NODE, &hashes[0]), left(top, &cd)],
        vec![left(NODE, &hashes[3]), right(top, &ab)],
        vec![right(NODE, &hashes[2]), right(top, &ab)],
    ];
    let proofs = entries.into_iter().zip(paths).map(|((key, value), path)| {
        let proof = ExistenceProof {
            key,
            value,
            leaf: Some(leaf_op(&LEAF)),
            path,
        };
        vec![op("ics23:iavl", proof), of_store.clone()]
    });
    (app_hash, proofs.collect())
}

fn refused(
    what: &str,
    change: impl FnOnce(&mut TradeProof, &mut TrustedBlock, &mut Market),
    named: &str,
) {
    let (mut file, mut trusted) = proof(5_000);
    let mut market = market();
    change(&mut file, &mut trusted, &mut market);
    let why = file.check(&market, &trusted).unwrap_err();
    assert!(why.contains(named) && !why.contains('\n'), "{what}: {why}");
}

#[test]
fn a_kept_proof_shows_its_trade_and_no_other() {
    let (file, trusted) = proof(5_000);
    let proven = file.check(&market(), &trusted).unwrap();
    assert_eq!((proven.record, proven.height), (record(6), 4_999));
    assert_eq!(proven.time, at(5 * DAY).unix_timestamp().cast_unsigned());
    // As it is kept.
    let text = serde_json::to_vec(&file).unwrap();
    let read: TradeProof = serde_json::from_slice(&text).unwrap();
    assert!(read.check(&market(), &trusted).is_ok());

    refused(
        "another trade",
        |f, _, _| f.sequence = 7,
        "trade 7: there is no proof of this key",
    );
    refused(
        "another key",
        |f, _, _| f.evidence.values[2].steps = f.evidence.values[3].steps.clone(),
        "trade 6: the proof is of another key, value or state",
    );
    refused(
        "another key that is named so",
        |f, _, _| {
            f.evidence.values[3].key = f.evidence.values[2].key.clone();
            f.evidence.values.remove(2);
        },
        "trade 6: the proof is of another key",
    );
    refused(
        "another height",
        |f, _, _| f.evidence.blocks[1] = block_of(5_001, 5 * DAY, &FOUR, &FOUR, &[7; 32]),
        "the contract: the proof of the store wasm is not of the verified state",
    );
    refused(
        "another contract",
        |f, _, _| f.contract = POOL.to_owned(),
        "it is of contract watt1wug",
    );
    refused(
        "another escrow",
        |f, _, m| {
            m.escrow.address = POOL.to_owned();
            f.contract = POOL.to_owned();
        },
        "the contract: there is no proof of this key",
    );
    refused(
        "another code",
        |_, _, m| m.escrow.checksum = "cd".repeat(32),
        "the addresses file says cdcd",
    );
    refused(
        "another chain",
        |_, _, m| m.chain_id = "two-1".to_owned(),
        "of chain \"one-1\"",
    );
    refused(
        "another origin",
        |_, t, _| t.hash = "AB".repeat(32),
        "block 1 is",
    );
    refused(
        "another trusted height",
        |_, t, _| t.height = 2,
        "begins with block 1, and block 2 is trusted",
    );
    refused(
        "forged validators",
        |f, _, _| f.evidence.blocks[1] = block_of(5_000, 5 * DAY, &["m1", "m2"], &["m1"], &[7; 32]),
        "headers: ",
    );
    refused(
        "headers too far apart",
        |f, _, _| f.evidence.blocks[1] = block_of(5_000, 20 * DAY, &FOUR, &FOUR, &[7; 32]),
        "20 days old",
    );
    refused(
        "no headers",
        |f, _, _| f.evidence.blocks.clear(),
        "expected headers",
    );
    // A transaction in a block has a proof of another form, and of no store.
    refused(
        "a transaction's inclusion",
        |f, _, _| {
            for step in &mut f.evidence.values[2].steps {
                step.kind = "simple:v".to_owned();
            }
        },
        "expected a proof in a store",
    );
    refused(
        "one step",
        |f, _, _| {
            f.evidence.values[2].steps.pop();
        },
        "expected a proof of two steps",
    );
    refused(
        "no digits",
        |f, _, _| f.evidence.values[2].steps[0].data = "zz".to_owned(),
        "hexadecimal",
    );
    refused(
        "another version",
        |f, _, _| f.evidence.version = 2,
        "expected version 1",
    );
    // Any byte of the record's proof.
    let (file, trusted) = proof(5_000);
    let digits = file.evidence.values[2].steps[0].data.len();
    for at in (0..digits).step_by(2) {
        let mut changed = file.clone();
        let data = &mut changed.evidence.values[2].steps[0].data;
        let mut bytes = hex::decode(&data).unwrap();
        bytes[at / 2] ^= 1;
        *data = hex::encode(bytes);
        if let Ok(same) = changed.check(&market(), &trusted) {
            assert_eq!(same.record, record(6), "byte {}", at / 2);
        }
    }
    let period = Duration::from_secs(14 * 86_400);
    assert!(file.evidence.verify("one-1", &trusted, period).is_ok());
}
