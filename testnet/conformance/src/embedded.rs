//! Records a course on the chain in process itself: what the comparison is tried on without a node.

use crate::course::{Contracts, Course, Operation};
use crate::people::ADMIN;
use crate::record::{Act, Answer, Part, Record, Step};
use crate::replay::Replay;
use cosmwasm_std::coins;
use std::collections::BTreeMap;
use wattpool_fixtures::setup::DENOM;
use wattpool_fixtures::{chance, MarketApi};
use wattpool_schema::Seconds;

/// 2026-03-02 00:00:00 UTC.
const GENESIS: u64 = 1_772_409_600;

/// Records so many operations of the course of a seed, on blocks of a second or two.
pub fn record(seed: u64, operations: usize, window_s: u32) -> Record {
    let chain_id = "wattpool-course-1";
    let mut course = Course::new(seed, chain_id, window_s);
    let mut pace = chance(seed ^ 0xb10c);
    let begin: BTreeMap<String, Vec<_>> = course
        .people
        .all
        .iter()
        .map(|p| (p.address.to_string(), coins(1_000_000_000, DENOM)))
        .collect();
    let mut chain = Replay::new(chain_id, &begin);
    let mut record = Record {
        chain_id: chain_id.into(),
        begin,
        ..Record::default()
    };
    let (mut height, mut time_ns) = (1_u64, GENESIS * 1_000_000_000);
    let mut run = |chain: &mut Replay, sender: String, acts: Vec<Act>, doing: &str| {
        height += 1;
        time_ns += pace.between(900_000_000, 2_600_000_000);
        let mut step = Step {
            height,
            time_ns,
            index: 0,
            sender,
            fee: coins(1_250, DENOM),
            acts,
            doing: doing.into(),
            answer: Answer::Refused {
                code: None,
                words: String::new(),
            },
        };
        step.answer = chain.carry_out(&step);
        let ok = matches!(step.answer, Answer::Done { .. });
        record.steps.push(step);
        (ok, Seconds(time_ns / 1_000_000_000))
    };
    let api = MarketApi::new(true);
    let mut now = Seconds(GENESIS);
    for part in [Part::Token, Part::Pool, Part::Escrow] {
        let address = api.make(&format!("{part:?} {seed}")).to_string();
        let act = Act::Instantiate {
            part,
            msg: course.instantiation(part),
            address: address.clone(),
        };
        let deployer = course.people.address(ADMIN);
        let (ok, _) = run(&mut chain, deployer, vec![act], "instantiating");
        assert!(ok, "{part:?} is instantiated");
        set(&mut course.contracts, part, address);
    }
    for operation in course.opening() {
        let (ok, time) = run(
            &mut chain,
            course.people.address(operation.sender),
            acts(&course.contracts, &operation),
            operation.doing,
        );
        assert!(ok, "{} succeeds", operation.doing);
        now = time;
    }
    for _ in 0..operations {
        let operation = course.next(now);
        let (ok, time) = run(
            &mut chain,
            course.people.address(operation.sender),
            acts(&course.contracts, &operation),
            operation.doing,
        );
        if ok {
            course.succeeded(&operation);
        }
        now = time;
    }
    for contract in [Part::Token, Part::Pool, Part::Escrow] {
        let address = course.contracts.of(contract).to_owned();
        record.state.insert(address.clone(), chain.state(&address));
        record.end.insert(address.clone(), chain.coins(&address));
    }
    for person in &course.people.all {
        let address = person.address.to_string();
        record.end.insert(address.clone(), chain.coins(&address));
    }
    record
}

/// Notes a contract's address.
pub fn set(contracts: &mut Contracts, part: Part, address: String) {
    match part {
        Part::Token => contracts.token = address,
        Part::Pool => contracts.pool = address,
        Part::Escrow => contracts.escrow = address,
    }
}

/// An operation as the acts of a transaction.
pub fn acts(contracts: &Contracts, operation: &Operation) -> Vec<Act> {
    operation
        .calls
        .iter()
        .map(|(part, msg, funds)| Act::Execute {
            contract: contracts.of(*part).to_owned(),
            msg: msg.clone(),
            funds: funds.clone(),
        })
        .collect()
}
