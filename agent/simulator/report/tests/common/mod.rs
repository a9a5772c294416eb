//! A small builder of neighbourhoods and of what a run hands over, for tests and the sample report.
#![allow(
    dead_code,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]
#![allow(clippy::cast_sign_loss, clippy::unwrap_used)]

use wattpool_core::policy::Policy;
use wattpool_report::outcome::{Outcome, TradeKind, TradeRow};
use wattpool_scenario::model::{Faults, Home, HomeKind, Neighbourhood, ZonePair};
use wattpool_schema::units::PPM;
use wattpool_schema::{Micro, Ppm, Price, Seconds, Tariff, Wh, Window, Zone};

/// 15 minutes.
pub const WINDOW_S: u32 = 900;
/// 2026-06-01T00:00:00Z as a window of 15 minutes.
pub const FIRST: Window = Window(1_780_272_000 / 900);

/// A neighbourhood of `windows` windows with an import tariff of 0.30, a feed-in tariff of 0.08 per
/// kWh and 400 g CO2 per kWh throughout. Without homes; add them with [`home`].
pub fn neighbourhood(windows: usize) -> Neighbourhood {
    Neighbourhood {
        name: "fixture".into(),
        window_s: WINDOW_S,
        first_window: FIRST,
        windows,
        homes: Vec::new(),
        import_tariff: vec![Tariff(300_000); windows],
        feed_in_tariff: vec![Tariff(80_000); windows],
        carbon_g_per_kwh: vec![400.0; windows],
        zone_pairs: vec![pair(0, 0, 0, 0, None)],
        faults: Faults::default(),
        notes: Vec::new(),
    }
}

/// Terms between two zones: loss in ppm, charge in micro-units per kWh.
pub fn pair(from: u16, to: u16, loss: u32, charge: u64, capacity: Option<u64>) -> ZonePair {
    ZonePair {
        from: Zone(from),
        to: Zone(to),
        loss: Ppm(loss),
        charge: Price(charge),
        capacity: capacity.map(Wh),
    }
}

/// A home with its demand and generation per window.
pub fn home(name: &str, zone: u16, demand: &[u32], generation: &[u32]) -> Home {
    Home {
        name: name.into(),
        zone: Zone(zone),
        kind: if generation.iter().any(|wh| *wh > 0) {
            HomeKind::Pv
        } else {
            HomeKind::Consumer
        },
        policy: Policy::default(),
        demand_wh: demand.to_vec(),
        generation_wh: generation.to_vec(),
    }
}

/// A finished run in which nothing was traded.
pub fn idle(neighbourhood: &Neighbourhood) -> Outcome {
    let cells = neighbourhood.windows * neighbourhood.homes.len();
    Outcome {
        finished_windows: neighbourhood.windows,
        bought_wh: vec![0; cells],
        sold_gross_wh: vec![0; cells],
        spent: vec![0; cells],
        earned: vec![0; cells],
        elapsed_s: 2.0,
        threads: 1,
        signatures: "verified".into(),
        seed: 7,
        state_hash: "ab12".into(),
        invariant_checks: 10,
        ..Outcome::default()
    }
}

/// Books one spot trade: `arrived` Wh at `price` µ/kWh in the neighbourhood's terms, 60 s long.
pub fn trade(
    n: &Neighbourhood,
    outcome: &mut Outcome,
    window: usize,
    seller: usize,
    buyer: usize,
    arrived: u32,
    price: u64,
) {
    let terms = n
        .zone_pairs
        .iter()
        .find(|p| p.from == n.homes[seller].zone && p.to == n.homes[buyer].zone)
        .unwrap();
    let gross = (u64::from(arrived) * u64::from(PPM)).div_ceil(u64::from(PPM - terms.loss.0));
    let paid = (u64::from(arrived) * price).div_ceil(1_000);
    let charge = (u64::from(arrived) * terms.charge.0).div_ceil(1_000);
    let row = window * n.homes.len();
    outcome.bought_wh[row + buyer] += arrived;
    outcome.sold_gross_wh[row + seller] += gross as u32;
    outcome.spent[row + buyer] += paid + charge;
    outcome.earned[row + seller] += paid;
    let requested = Seconds(n.first_window.plus(window as u64 + 1).start(n.window_s).0 + 30);
    outcome.trades.push(TradeRow {
        sequence: outcome.trades.len() as u64,
        kind: TradeKind::Spot,
        window: n.first_window.plus(window as u64),
        seller: seller as u32,
        buyer: buyer as u32,
        asked: Wh(arrived.into()),
        arrived: Wh(arrived.into()),
        declined: Wh(0),
        lost: Wh(gross - u64::from(arrived)),
        price: Price(price),
        paid: Micro(paid),
        charge: Micro(charge),
        requested,
        closed: Seconds(requested.0 + 60),
    });
}
