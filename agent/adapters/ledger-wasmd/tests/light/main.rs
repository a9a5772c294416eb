//! Headers that follow from a trusted one, and all that only look as if they did.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod evidence;

use std::time::Duration;
use tendermint_testgen::light_block::{LightBlock, TmLightBlock};
use tendermint_testgen::{Generator, Header, Validator};
use wattpool_ledger_wasmd::proof::light::{Rejected, Step};
use wattpool_ledger_wasmd::proof::store::{verify, Shown};
use wattpool_ledger_wasmd::proof::{
    LightClient, ProofError, SignedBlock, Time, Trust, TrustedBlock,
};
use wattpool_ledger_wasmd::rpc::read;

const DAY: i64 = 86_400;
/// Time of the first block.
const BEGIN: i64 = 1_772_409_600;

fn at(seconds: i64) -> Time {
    Time::from_unix_timestamp(BEGIN + seconds, 0).unwrap()
}

fn people(names: &[&str]) -> Vec<Validator> {
    let person = |name: &&str| Validator::new(name).voting_power(10);
    names.iter().map(person).collect()
}

/// A block that these validators sign, `seconds` after the beginning; the next ones are named in it.
fn block(height: u64, seconds: i64, who: &[&str], next: &[&str]) -> SignedBlock {
    block_of(height, seconds, who, next, &[])
}

/// The same after a state of this hash.
fn block_of(
    height: u64,
    seconds: i64,
    who: &[&str],
    next: &[&str],
    app_hash: &[u8],
) -> SignedBlock {
    let (who, next) = (people(who), people(next));
    let header = Header::new(&who)
        .height(height)
        .chain_id("one-1")
        .next_validators(&next)
        .time(at(seconds))
        .app_hash(app_hash.to_vec().try_into().unwrap());
    let mut made = LightBlock::new_default_with_header(header);
    made.validators = Some(who);
    made.next_validators = Some(next);
    let TmLightBlock {
        signed_header,
        validators,
        next_validators,
        ..
    } = made.generate().unwrap();
    SignedBlock {
        signed: signed_header,
        validators,
        next_validators,
    }
}

const FOUR: [&str; 4] = ["a", "b", "c", "d"];

fn begun() -> LightClient {
    let first = block(1, 0, &FOUR, &FOUR);
    let trust = Trust {
        origin: TrustedBlock {
            height: 1,
            hash: first.hash(),
        },
        period: Duration::from_secs(14 * 86_400),
        newest: Duration::from_secs(120),
    };
    let mut light = LightClient::new("one-1".into(), trust, None);
    assert_eq!(light.wanted(), Some(1));
    light.begin(first, at(60)).unwrap();
    light
}

fn forged(found: Result<Step, Rejected>, said: &str) {
    let Err(Rejected::Forged(why)) = &found else {
        panic!("{found:?}");
    };
    assert!(why.contains(said), "{why}");
}

#[test]
fn blocks_are_skipped_while_enough_validators_stay() {
    let mut light = begun();
    assert_eq!(
        light.advance(block(5_000, 5 * DAY, &FOUR, &FOUR), at(5 * DAY)),
        Ok(Step::Verified)
    );
    // Two of four have changed: more than a third of those that are trusted have signed.
    let mixed = ["a", "b", "x", "y"];
    assert_eq!(
        light.advance(block(9_000, 10 * DAY, &mixed, &mixed), at(10 * DAY)),
        Ok(Step::Verified)
    );
    assert_eq!(light.newest().unwrap().height(), 9_000);
    assert_eq!(light.fresh(at(10 * DAY + 60)).unwrap().height(), 9_000);
}

#[test]
fn where_too_many_changed_a_block_between_is_needed() {
    let mut light = begun();
    let others = ["w", "x", "y", "z"];
    let far = block(101, 500, &others, &others);
    assert_eq!(light.advance(far.clone(), at(600)), Ok(Step::Between(51)));
    let mixed = ["a", "b", "x", "y"];
    assert_eq!(
        light.advance(block(51, 250, &mixed, &mixed), at(600)),
        Ok(Step::Verified)
    );
    assert_eq!(light.advance(far, at(600)), Ok(Step::Verified));
}

#[test]
fn a_forged_set_of_validators_leads_nowhere() {
    let mut light = begun();
    let mine = ["m1", "m2", "m3", "m4"];
    assert_eq!(
        light.advance(block(100, 500, &mine, &mine), at(600)),
        Ok(Step::Between(50))
    );
    // However near: the next block's validators are named by the trusted one.
    assert_eq!(
        light.advance(block(3, 15, &mine, &mine), at(600)),
        Ok(Step::Between(2))
    );
    forged(
        light.advance(block(2, 10, &mine, &mine), at(600)),
        "its validators are not those",
    );
    assert_eq!(light.newest().unwrap().height(), 1);
    // A true header under other validators than it names.
    let mut other = block(7, 30, &FOUR, &FOUR);
    other.validators = block(7, 30, &mine, &mine).validators;
    forged(
        light.advance(other, at(600)),
        "its validators are not those",
    );
    // Validators of its own for the next block.
    let mut other = block(7, 30, &FOUR, &FOUR);
    other.next_validators = block(7, 30, &mine, &mine).validators;
    forged(
        light.advance(other, at(600)),
        "its validators are not those",
    );
    // Another chain of the same validators.
    let header = Header::new(&people(&FOUR))
        .height(7)
        .chain_id("two-1")
        .time(at(30));
    let made = LightBlock::new_default_with_header(header)
        .generate()
        .unwrap();
    let foreign = SignedBlock {
        signed: made.signed_header,
        validators: made.validators,
        next_validators: made.next_validators,
    };
    forged(light.advance(foreign, at(600)), "of chain two-1");
}

#[test]
fn two_signed_blocks_of_one_height_are_reported_and_a_forged_one_is_a_lie() {
    let mut light = begun();
    let known = block(50, 250, &FOUR, &FOUR);
    light.advance(known.clone(), at(300)).unwrap();
    assert_eq!(light.witness(&known), Ok(()));
    let twin = block(50, 251, &FOUR, &FOUR);
    let conflict = ProofError::Conflict {
        height: 50,
        one: known.hash(),
        other: twin.hash(),
    };
    assert_eq!(
        light.witness(&twin),
        Err(Rejected::Undecided(conflict.clone()))
    );
    assert_eq!(
        light.advance(twin.clone(), at(300)),
        Err(Rejected::Undecided(conflict.clone()))
    );
    assert!(
        conflict.to_string().contains("have signed two blocks 50"),
        "{conflict}"
    );
    // What it names for the next block makes it no less signed.
    let next = block(50, 251, &FOUR, &["m"]);
    let found = light.witness(&next);
    assert!(
        matches!(found, Err(Rejected::Undecided(ProofError::Conflict { .. }))),
        "{found:?}"
    );
    // The same without the validators' signatures.
    let mut unsigned = twin;
    unsigned.signed = block(50, 251, &["m"], &["m"]).signed;
    let found = light.witness(&unsigned);
    assert!(matches!(found, Err(Rejected::Forged(_))), "{found:?}");
}

#[test]
fn trust_ends_and_clocks_are_nobodys_lie() {
    let mut light = begun();
    let late = block(100_000, 20 * DAY, &FOUR, &FOUR);
    let found = light.advance(late.clone(), at(20 * DAY));
    let expired = ProofError::Expired {
        height: 1,
        days: 20,
        most: 14,
    };
    assert_eq!(found, Err(Rejected::Undecided(expired)));
    // The way back: a newer trusted block.
    let trust = Trust {
        origin: TrustedBlock {
            height: 100_000,
            hash: late.hash().to_lowercase(),
        },
        ..light.trust().clone()
    };
    let mut back = LightClient::new("one-1".into(), trust.clone(), light.newest().cloned());
    assert_eq!(back.wanted(), Some(100_000));
    back.begin(late.clone(), at(20 * DAY)).unwrap();
    // One that was kept counts where it is newer than the trusted one, of this chain and whole.
    let kept = LightClient::new(
        "one-1".into(),
        trust.clone(),
        Some(block(100_007, 20 * DAY, &FOUR, &FOUR)),
    );
    assert_eq!(kept.wanted(), None);
    let mut broken = late.clone();
    broken.next_validators = block(1, 0, &["m"], &["m"]).validators;
    assert!(
        LightClient::new("one-1".into(), trust.clone(), Some(broken))
            .wanted()
            .is_some()
    );
    assert!(LightClient::new("two-1".into(), trust, Some(late))
        .wanted()
        .is_some());

    let mut light = begun();
    let found = light.advance(block(50, 4_000, &FOUR, &FOUR), at(400));
    let clock = ProofError::Clock {
        height: 50,
        seconds: 3_600,
    };
    assert_eq!(found, Err(Rejected::Undecided(clock)));
    let found = light.advance(block(50, 4_000, &FOUR, &FOUR), at(-50 * 365 * DAY));
    assert!(
        matches!(found, Err(Rejected::Undecided(ProofError::Clock { .. }))),
        "{found:?}"
    );
    light
        .advance(block(50, 250, &FOUR, &FOUR), at(300))
        .unwrap();
    let stale = light.fresh(at(250 + 121)).unwrap_err();
    assert_eq!(
        stale,
        ProofError::Stale {
            height: 50,
            seconds: 121,
            most: 120
        }
    );
}

#[test]
fn a_trusted_block_is_a_height_and_a_hash() {
    let block = |height, hash: &str| {
        TrustedBlock {
            height,
            hash: hash.into(),
        }
        .check()
    };
    assert_eq!(block(1, &"ab".repeat(32)), Ok(()));
    assert!(block(0, &"ab".repeat(32)).is_err());
    for bad in ["", "ab", "zz", &"ab".repeat(33)] {
        assert!(
            block(1, bad).unwrap_err().contains("64 hexadecimal digits"),
            "{bad}"
        );
    }
}

/// Answers of a real node (agent/fuzz/recorded): a header, and two proofs of the state before it.
fn recorded(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/recorded/");
    std::fs::read(format!("{folder}{name}.json")).unwrap()
}

#[test]
fn a_proof_is_of_its_key_value_and_state_to_the_last_byte() {
    let header = (read::COMMIT.read)(&recorded("commit")).unwrap().header;
    let root = header.app_hash.as_bytes();
    let code = [1, 0, 0, 0, 0, 0, 0, 0, 1];
    let none = [1, 0, 0, 0, 0, 0, 0, 0, 255];
    for (name, store, key) in [
        ("query_proven", "wasm", &code[..]),
        ("query_absent", "wasm", &none[..]),
    ] {
        let answer = (read::QUERY.read)(&recorded(name)).unwrap();
        let shown = verify(root, store, key, &answer.proof).unwrap();
        match &shown {
            Shown::Value(value) => assert_eq!(value, &answer.value),
            Shown::Nothing { .. } => assert!(answer.value.is_empty()),
        }
        let mut refused = 0;
        for (step, op) in answer.proof.iter().enumerate() {
            for byte in 0..op.data.len() {
                let mut changed = answer.proof.clone();
                changed[step].data[byte] ^= 1;
                match verify(root, store, key, &changed) {
                    Ok(same) => assert_eq!(same, shown, "{name}: byte {byte} of step {step}"),
                    Err(_) => refused += 1,
                }
            }
        }
        let all: usize = answer.proof.iter().map(|op| op.data.len()).sum();
        assert!(refused > all * 9 / 10, "{name}: {refused} of {all}");
        assert!(verify(&[7; 32], store, key, &answer.proof).is_err());
        assert!(verify(root, "acc", key, &answer.proof).is_err());
        assert!(verify(root, store, &[9, 9], &answer.proof).is_err());
        assert!(verify(root, store, key, &answer.proof[..1]).is_err());
        let turned: Vec<_> = answer.proof.iter().rev().cloned().collect();
        assert!(verify(root, store, key, &turned).is_err());
    }
    let (validators, total) = (read::VALIDATORS.read)(&recorded("validators")).unwrap();
    assert_eq!(validators.len(), total);
    let set = read::validator_set(validators).unwrap();
    assert_eq!(set.hash(), header.validators_hash);
    assert!(read::validator_set(Vec::new()).is_err());
}
