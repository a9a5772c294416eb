//! Who takes part in a course, with keys from a seed.

use cosmwasm_std::Addr;
use wattpool_fixtures::keys::{AgentSigner, DeviceSigner};
use wattpool_fixtures::MarketApi;
use wattpool_schema::signing::digest;
use wattpool_schema::{MeterId, Window, Zone};

/// An account: a key and its address.
#[derive(Clone)]
pub struct Person {
    /// Signs its transactions (and, for an agent, its approvals).
    pub key: AgentSigner,
    /// Its address.
    pub address: Addr,
}

impl Person {
    /// The person of a seed.
    pub fn from_seed(seed: u64, api: &MarketApi) -> Self {
        let key = AgentSigner::from_seed(seed);
        let address = key.address(api);
        Self { key, address }
    }
}

/// A home: owner and agent are indices into [`People::all`].
#[derive(Clone)]
pub struct Home {
    /// Pseudonym.
    pub meter: MeterId,
    /// Its owner.
    pub owner: usize,
    /// Its agent.
    pub agent: usize,
    /// Signs statements and covers.
    pub device: DeviceSigner,
    /// Zone.
    pub zone: Zone,
    /// Last sequence, trade id and nonce given out.
    pub counters: [u64; 3],
    /// Highest window stated.
    pub stated: Option<Window>,
}

impl Home {
    /// The next of a counter: 0 sequence, 1 trade id, 2 nonce.
    pub fn next(&mut self, counter: usize) -> u64 {
        self.counters[counter] += 1;
        self.counters[counter]
    }
}

/// Everybody.
pub struct People {
    /// All accounts. The first five are below; owners follow, then agents.
    pub all: Vec<Person>,
    /// The homes.
    pub homes: Vec<Home>,
}

/// Administrator and deployer.
pub const ADMIN: usize = 0;
/// Registrar.
pub const REGISTRAR: usize = 1;
/// Grid operator.
pub const OPERATOR: usize = 2;
/// Regulator.
pub const REGULATOR: usize = 3;
/// Nobody in particular.
pub const STRANGER: usize = 4;

impl People {
    /// Five homes in three zones, two of them of one owner.
    pub fn from_seed(seed: u64) -> Self {
        let zones = [Zone(0), Zone(0), Zone(1), Zone(2), Zone(0)];
        Self::with_homes(seed, &zones, 4)
    }

    /// A home in each of these zones. Home `i` belongs to owner `i` modulo the number of owners.
    pub fn with_homes(seed: u64, zones: &[Zone], owners: usize) -> Self {
        let api = MarketApi::new(true);
        let base = seed.wrapping_mul(1_000_000);
        let person = |n: u64| Person::from_seed(base.wrapping_add(n), &api);
        let mut all: Vec<Person> = (0..5).map(person).collect();
        all.extend((0..owners as u64).map(|n| person(100_000 + n)));
        let homes = zones
            .iter()
            .enumerate()
            .map(|(i, zone)| {
                let n = i as u64;
                all.push(person(200_000 + n));
                let id = digest(format!("course {seed} meter {i}").as_bytes());
                Home {
                    meter: MeterId::from_slice(&id[..16]).expect("16 bytes"),
                    owner: 5 + i % owners,
                    agent: all.len() - 1,
                    device: DeviceSigner::from_seed(base.wrapping_add(300_000 + n)),
                    zone: *zone,
                    counters: [0; 3],
                    stated: None,
                }
            })
            .collect();
        Self { all, homes }
    }

    /// An address.
    pub fn address(&self, person: usize) -> String {
        self.all[person].address.to_string()
    }

    /// The agent's key of a home.
    pub fn agent_key(&self, home: usize) -> &AgentSigner {
        &self.all[self.homes[home].agent].key
    }
}
