//! A small builder of neighbourhoods and of what a run hands over.
#![allow(
    dead_code,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]
#![allow(clippy::cast_sign_loss, clippy::unwrap_used)]

use wattpool_core::policy::Policy;
use wattpool_report::gas::{Costs, Message};
use wattpool_report::outcome::{Outcome, TradeKind, TradeRow};
use wattpool_scenario::model::{Faults, Home, HomeKind, Neighbourhood, ZonePair};
use wattpool_scenario::Clock;
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
        currency: Some("EUR".into()),
        clock: Clock::utc(),
        window_s: WINDOW_S,
        first_window: FIRST,
        windows,
        homes: Vec::new(),
        import_tariff: vec![Tariff(300_000); windows],
        feed_in_tariff: vec![Tariff(80_000); windows],
        carbon_g_per_kwh: vec![400.0; windows],
        zone_pairs: vec![pair(0, 0, 0, 0, None)],
        feeders: None,
        attackers: None,
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
        fees: vec![0; cells],
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
        fee: Micro(0),
        requested,
        closed: Seconds(requested.0 + 60),
    });
}

/// Books a message of a home for a window at its measured price; the fee of a settle is the last trade's.
pub fn pay(n: &Neighbourhood, outcome: &mut Outcome, window: usize, home: usize, message: Message) {
    let fee = Costs::measured().unwrap().fee(message);
    outcome.fees[window * n.homes.len() + home] += fee.0 as u32;
    let counts = outcome.sent.entry(message);
    counts.or_insert_with(|| vec![0; n.windows])[window] += 1;
    if let (Message::Settle, Some(trade)) = (message, outcome.trades.last_mut()) {
        trade.fee = fee;
    }
}

/// A neighbourhood of two zones over some days with sun and evening peaks, and a greedy matching of
/// it: large enough for every chart. A fixed linear congruence stands in for chance.
pub fn sample(days: usize, homes: usize) -> (Neighbourhood, Outcome) {
    let windows = days * 96;
    let mut n = neighbourhood(windows);
    n.name = "Two streets".into();
    n.notes
        .push("generation was given hourly and spread evenly over the windows".into());
    n.zone_pairs = vec![
        pair(0, 0, 10_000, 5_000, None),
        pair(0, 1, 30_000, 20_000, Some(2_000)),
        pair(1, 0, 30_000, 20_000, None),
        pair(1, 1, 10_000, 5_000, None),
    ];
    let mut state = 1u64;
    let mut chance = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 31)
    };
    let clouds: Vec<f64> = (0..days).map(|_| 0.35 + 0.65 * chance()).collect();
    for index in 0..homes {
        let (peak, base) = ([0.0, 900.0, 1_400.0][index % 3], 40.0 + 120.0 * chance());
        let hour = |w: usize| (w % 96) as f64 / 4.0;
        let bump = |w: usize, at: f64, width: f64| (-((hour(w) - at) / width).powi(2)).exp();
        let demand: Vec<u32> = (0..windows)
            .map(|w| {
                (base * (0.6 + 2.5 * bump(w, 19.0, 2.0) + bump(w, 7.5, 1.5) + chance())) as u32
            })
            .collect();
        let generation: Vec<u32> = (0..windows)
            .map(|w| {
                (peak
                    * clouds[w / 96]
                    * (bump(w, 12.5, 3.2) - 0.05).max(0.0)
                    * (0.8 + 0.2 * chance())) as u32
            })
            .collect();
        n.homes.push(home(
            &format!("home-{:02}", index + 1),
            (index % 2) as u16,
            &demand,
            &generation,
        ));
    }
    for w in 0..windows {
        n.import_tariff[w] = Tariff(if (64..84).contains(&(w % 96)) {
            340_000
        } else {
            260_000
        });
        n.carbon_g_per_kwh[w] = 250.0 + 150.0 * ((w % 96) as f64 / 96.0);
    }
    let mut o = idle(&n);
    for w in 0..windows {
        let price = 110_000 + 1_000 * (w as u64 % 96);
        for buyer in 0..homes {
            for step in 0..homes {
                let seller = (buyer + step) % homes;
                let row = w * homes;
                let sells = u64::from(
                    n.homes[seller].generation_wh[w].saturating_sub(n.homes[seller].demand_wh[w]),
                );
                let left = sells.saturating_sub(u64::from(o.sold_gross_wh[row + seller]));
                let needs =
                    n.homes[buyer].demand_wh[w].saturating_sub(n.homes[buyer].generation_wh[w]);
                let open = needs.saturating_sub(o.bought_wh[row + buyer]);
                let arriving = (left * 97 / 100).min(u64::from(open)) as u32;
                if arriving >= 5 {
                    trade(&n, &mut o, w, seller, buyer, arriving, price);
                    pay(&n, &mut o, w, buyer, Message::Settle);
                    if let Some(row) = o.trades.last_mut() {
                        row.closed.0 += (chance() * 90.0) as u64;
                    }
                }
            }
        }
    }
    for w in 0..windows {
        for home in 0..homes {
            if n.homes[home].generation_wh[w] > n.homes[home].demand_wh[w] {
                pay(&n, &mut o, w, home, Message::State(1));
            }
        }
    }
    o.signatures = "trusted".into();
    (o.lookups, o.messages, o.requests) = (4_000, 52_345, 6_000);
    (o.approvals, o.transactions, o.refused_transactions) = (5_500, 9_000, 12);
    o.faults = vec![("messages_lost".into(), 31), ("crashes".into(), 2)];
    o.peak_memory_bytes = Some(123_456_789);
    (n, o)
}
