//! What a chain's node answers.

use crate::network::approval;
use crate::{agree, Target};
use cosmwasm_std::{Attribute, Event};
use serde::de::DeserializeOwned;
use serde::Serialize;
use wattpool_schema::escrow::{SettleTrade, TradesResponse};
use wattpool_schema::event::{MarketEvent, Stated, ZonePairSet};
use wattpool_schema::pool::{MeterResponse, MetersResponse};
use wattpool_schema::{Commitment, DeviceKey, MeterId, Ppm, Price, Wh, Window, Zone};

/// Most bytes of an answer that is tried.
const LONGEST: usize = 64 * 1024;

pub(crate) const EVENT: Target = Target {
    name: "chain_event",
    run: |data| {
        let Ok(event) = serde_json::from_slice::<Event>(data) else {
            return;
        };
        if let Ok(Some(parsed)) = MarketEvent::parse(&event.ty, &event.attributes) {
            // In what order the attributes come makes no difference, nor does what others add.
            let mut attributes = event.attributes.clone();
            // As a chain adds it; the library's constructor refuses such keys with a panic.
            attributes.push(Attribute {
                key: "_contract_address".to_owned(),
                value: "somebody".to_owned(),
            });
            let again = MarketEvent::parse(&event.ty, &attributes);
            agree("event", &Ok(Some(parsed.clone())), &again);
            round("event", &parsed);
        }
    },
    seeds: || {
        let stated: Event = Stated {
            meter: MeterId([1; 16]),
            owner: "owner".into(),
            window: Window(7),
            sequence: 3,
            wh: Wh(120),
            commitment: Commitment([5; 32]),
            minted: true,
        }
        .into();
        let pair: Event = ZonePairSet {
            from_window: Window(1),
            from: Zone(0),
            to: Zone(1),
            loss: Ppm(5),
            charge: Price(0),
            capacity: None,
        }
        .into();
        let foreign = Event::new("transfer").add_attribute("amount", "1ustake");
        [stated, pair, foreign].iter().map(json).collect()
    },
    longest: LONGEST,
    per_byte: crate::LEAN,
};

pub(crate) const ANSWER: Target = Target {
    name: "chain_answer",
    run: |data| {
        read::<MetersResponse>(data);
        read::<MeterResponse>(data);
        read::<TradesResponse>(data);
        read::<SettleTrade>(data);
    },
    seeds: || {
        let meter = MeterResponse {
            meter: MeterId([1; 16]),
            owner: "owner".into(),
            proposed_owner: None,
            notice: None,
            tenure: 1,
            household: None,
            agent: None,
            agent_address: None,
            device: DeviceKey([3; 32]),
            zone: Zone(2),
            kind: wattpool_schema::pool::MeterKind::Pv,
            max_export: Wh(2_000),
            max_import: Wh(3_000),
            retired: false,
            position: Default::default(),
        };
        let meters = MetersResponse {
            meters: vec![meter.clone(), meter],
        };
        vec![
            json(&meters),
            json(&TradesResponse { trades: Vec::new() }),
            json(&approval()),
        ]
    },
    longest: LONGEST,
    per_byte: crate::LEAN,
};

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn round<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(what: &str, value: &T) {
    let again = serde_json::from_slice::<T>(&json(value)).ok();
    if again.as_ref() != Some(value) {
        panic!("{what}: {value:?} became {again:?}");
    }
}

fn read<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(data: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(data) {
        round("answer", &value);
    }
}
