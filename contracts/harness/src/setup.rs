//! What a market under test begins with.

use wattpool_schema::pool::{Tariffs, ZonePairTerms};
use wattpool_schema::{Ppm, Price, Seconds, Tariff, Wh, Zone};

/// Chain id of the chain under test.
pub const CHAIN: &str = "wattpool-test-1";
/// Denomination of all payments.
pub const DENOM: &str = wattpool_schema::PAYMENT_DENOM;
/// Another coin, which the market does not take.
pub const FOREIGN_DENOM: &str = "uother";
/// Seconds between blocks.
pub const BLOCK_SECONDS: u64 = 5;

/// Settings; [`Setup::default`] is a small community with three zones.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Verify signatures by curve arithmetic (otherwise trusted ones).
    pub real_signatures: bool,
    /// Time of the first block.
    pub genesis: Seconds,
    /// Window length in seconds.
    pub window_seconds: u32,
    /// Days until feed-in credit is due unconfirmed.
    pub credit_delay_days: u32,
    /// Average seconds between blocks from which the chain counts as halted.
    pub halt_seconds: u32,
    /// Tariffs from the beginning.
    pub tariffs: Tariffs,
    /// Zone terms from the beginning.
    pub zone_pairs: Vec<ZonePairTerms>,
    /// Zone of each home; its length is their number.
    pub homes: Vec<Zone>,
    /// Different owners: home `i` belongs to owner `i` modulo this.
    pub owners: usize,
    /// Registered maximum of export and import per window.
    pub max_wh: Wh,
    /// Coins of every owner at the beginning.
    pub coins: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            real_signatures: true,
            // 2026-03-02 00:00:00 UTC, a Monday.
            genesis: Seconds(1_772_409_600),
            window_seconds: 900,
            credit_delay_days: 30,
            halt_seconds: 60,
            tariffs: Tariffs {
                import: Tariff(300_000),
                feed_in: Tariff(80_000),
            },
            zone_pairs: vec![
                pair(0, 0, 0, 0, None),
                pair(0, 1, 70_000, 10_000, None),
                pair(1, 0, 70_000, 10_000, None),
                pair(1, 1, 0, 0, None),
                pair(0, 2, 20_000, 5_000, Some(700)),
            ],
            homes: vec![Zone(0), Zone(0), Zone(1), Zone(1), Zone(2), Zone(3)],
            owners: 6,
            max_wh: Wh(100_000),
            coins: 1_000_000_000,
        }
    }
}

/// Terms from one zone to another: loss in ppm, charge in micro-units per kWh, capacity in Wh per window.
pub const fn pair(
    from: u16,
    to: u16,
    loss: u32,
    charge: u64,
    capacity: Option<u64>,
) -> ZonePairTerms {
    ZonePairTerms {
        from: Zone(from),
        to: Zone(to),
        loss: Ppm(loss),
        charge: Price(charge),
        capacity: match capacity {
            Some(wh) => Some(Wh(wh)),
            None => None,
        },
    }
}
