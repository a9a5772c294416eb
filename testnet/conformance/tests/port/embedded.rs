//! The script's cast on the ledger in process.

use crate::node::PEOPLE;
use wattpool_conformance::port::party::{Keys, DEPOSIT, REGISTERED};
use wattpool_conformance::port::script::Cast;
use wattpool_conformance::port::{Party, Place};
use wattpool_fixtures::MarketApi;
use wattpool_ledger_embedded::{
    ChainSetup, EmbeddedChain, EmbeddedLedger, EmbeddedPort, NewMeter, Signatures,
};
use wattpool_schema::escrow::Limits;
use wattpool_schema::pool::{MeterKind, Tariffs, ZonePairTerms};
use wattpool_schema::{Micro, Ppm, Price, Seconds, Tariff, Zone};

/// Chain id.
const CHAIN_ID: &str = "wattpool-port-1";
/// 2026-03-02 00:00:00 UTC.
const GENESIS: Seconds = Seconds(1_772_409_600);
/// Window length, seconds.
const WINDOW_S: u32 = 60;

/// The grid's prices and the zone's terms, as [`crate::node`] has them on a chain.
pub fn terms() -> (Tariffs, Vec<ZonePairTerms>) {
    let tariffs = Tariffs {
        import: Tariff(300_000),
        feed_in: Tariff(80_000),
    };
    let pair = ZonePairTerms {
        from: Zone(0),
        to: Zone(0),
        loss: Ppm(20_000),
        charge: Price(15_000),
        capacity: None,
    };
    (tariffs, vec![pair])
}

/// A chain with the meters of the node's world, three of which play.
pub async fn cast() -> Cast<EmbeddedPort> {
    let (tariffs, zone_pairs) = terms();
    let chain = EmbeddedChain::start(1, move || {
        EmbeddedLedger::new(ChainSetup {
            chain_id: CHAIN_ID.to_owned(),
            genesis: GENESIS,
            window_s: WINDOW_S,
            block_s: 1,
            tariffs,
            zone_pairs,
            signatures: Signatures::Verified,
        })
    })
    .unwrap();
    let contracts = chain.with(|l| l.contracts().clone()).await.unwrap();
    let place = Place {
        chain: CHAIN_ID.to_owned(),
        pool: contracts.pool.to_string(),
        escrow: contracts.escrow.to_string(),
        window_s: WINDOW_S,
    };
    let mut parties = Vec::new();
    for number in PEOPLE {
        parties.push(party(&chain, &place, number).await);
    }
    let mut parties = parties.into_iter();
    // Who has no part is registered all the same: both ledgers list the same meters.
    Cast {
        seller: parties.next().unwrap(),
        buyer: parties.next().unwrap(),
        other: parties.next().unwrap(),
    }
}

async fn party(chain: &EmbeddedChain, place: &Place, number: u64) -> Party<EmbeddedPort> {
    let keys = Keys::of(number);
    let new = NewMeter {
        meter: keys.meter,
        owner: format!("owner {number}"),
        device: keys.device.public,
        agent: keys.agent.public,
        zone: keys.zone,
        kind: MeterKind::Pv,
        max_export: REGISTERED,
        max_import: REGISTERED,
        deposit: Micro(DEPOSIT),
        limits: Limits::default(),
    };
    let account = chain.with(|l| l.register(new)).await.unwrap().unwrap();
    let agent = keys.agent.address(&MarketApi::new(true));
    assert_eq!(account.agent, agent);
    Party {
        keys,
        owner: account.owner.to_string(),
        ledger: chain.port(agent),
        place: place.clone(),
    }
}
