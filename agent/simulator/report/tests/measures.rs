//! Every figure of the summary against neighbourhoods small enough to work out by hand.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::*;
use wattpool_report::outcome::{Outcome, TradeKind};
use wattpool_report::{measure, MeasureError, Summary};
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::{Tariff, Wh, Zone};

/// Two windows. Window 0: A has 1,500 Wh surplus, B misses 1,000, C 600. Window 1: nobody generates.
/// B buys 900 and C 500 from A in window 0 (loss 0).
fn small() -> (Neighbourhood, Outcome) {
    let mut n = neighbourhood(2);
    n.homes = vec![
        home("A", 0, &[500, 400], &[2_000, 0]),
        home("B", 0, &[1_000, 200], &[0, 0]),
        home("C", 0, &[700, 200], &[100, 0]),
    ];
    let mut o = idle(&n);
    trade(&n, &mut o, 0, 0, 1, 900, 200_000);
    trade(&n, &mut o, 0, 0, 2, 500, 150_001);
    o.trades[1].asked = Wh(600);
    o.trades[1].closed.0 += 30;
    o.messages = 30;
    o.lookups = 4;
    (n, o)
}

fn summary(n: &Neighbourhood, o: &Outcome) -> Summary {
    measure(n, o).unwrap().summary
}

fn close(found: Option<f64>, expected: f64) {
    assert!(
        (found.unwrap() - expected).abs() < 1e-12,
        "{found:?}, expected {expected}"
    );
}

#[test]
fn energy_and_shares() {
    let (n, o) = small();
    let s = summary(&n, &o);
    assert_eq!((s.meters, s.windows, s.trades), (3, 2, 2));
    assert_eq!(
        (s.demand_wh, s.generation_wh, s.own_use_wh),
        (3_000, 2_100, 600)
    );
    assert_eq!((s.traded_wh, s.lost_wh), (1_400, 0));
    assert_eq!(
        (s.grid_import_wh, s.grid_import_without_trading_wh),
        (1_000, 2_400)
    );
    assert_eq!((s.feed_in_wh, s.feed_in_without_trading_wh), (100, 1_500));
    assert_eq!(s.ceiling_wh, 1_500.0);
    close(s.ceiling_share, 1_400.0 / 1_500.0);
    close(s.self_sufficiency_without_trading, 0.2);
    close(s.self_sufficiency, 2_000.0 / 3_000.0);
    close(s.self_sufficiency_ceiling, 0.7);
    close(s.self_consumption, 2_000.0 / 2_100.0);
    close(s.self_consumption_without_trading, 600.0 / 2_100.0);
    close(s.self_consumption_ceiling, 1.0);
    assert!(s.finished && s.notes.is_empty() && s.invariant_violations == 0);
}

#[test]
fn money() {
    let (n, o) = small();
    let s = summary(&n, &o);
    // Without: A earns 1,500·0.08 in window 0 and pays the same 400·0.30 in window 1; B 1,200 and C 800 Wh at 0.30.
    assert_eq!(s.bill_without_trading, 360_000 + 240_000);
    // With: A earns 180,000 + ceil(75,000.5) + 100·0.08; B buys 300 and C 300 Wh from the grid.
    let (a, b, c) = (
        120_000 - 180_000 - 75_001 - 8_000,
        180_000 + 90_000,
        75_001 + 90_000,
    );
    assert_eq!(s.bill, a + b + c);
    let m = measure(&n, &o).unwrap();
    let bills: Vec<i128> = m
        .accounts
        .homes
        .iter()
        .map(|home| home.money.bill())
        .collect();
    assert_eq!(bills, [i128::from(a), i128::from(b), i128::from(c)]);
    assert_eq!(s.welfare, s.bill_without_trading - s.bill);
    assert_eq!(s.prosumer_income, 255_001);
    assert_eq!(s.prosumer_gain, 255_001 - 112_000);
    assert_eq!(s.consumer_savings, 420_000 - 255_001);
    assert_eq!(s.welfare, s.prosumer_gain + s.consumer_savings);
    assert_eq!(s.network_charges, 0);
    close(
        s.mean_price,
        (200_000.0 * 900.0 + 150_001.0 * 500.0) / 1_400.0,
    );
}

#[test]
fn grid_carbon_and_machinery() {
    let (mut n, o) = small();
    n.carbon_g_per_kwh = vec![500.0, 900.0];
    let s = summary(&n, &o);
    assert_eq!(s.co2_avoided_g, 1_400.0 * 0.5);
    // Imports per window: 200 and 800 Wh; without trading 1,600 and 800. A window is a quarter hour.
    assert_eq!(
        (s.peak_import_w, s.peak_import_without_trading_w),
        (3_200.0, 6_400.0)
    );
    close(s.peak_to_average, 1.6);
    close(s.peak_to_average_without_trading, 1_600.0 / 1_200.0);
    assert_eq!((s.needs_served, s.sellers_per_need), (2, Some(1.0)));
    assert_eq!(s.mean_duration_s, Some(75.0));
    close(s.quality, 1_400.0 / 1_500.0);
    assert_eq!(s.messages_per_lookup, Some(7.5));
    assert_eq!(s.meter_windows_per_second, Some(3.0));
}

#[test]
fn losses_and_charges() {
    let mut n = neighbourhood(1);
    n.homes = vec![home("A", 0, &[0], &[1_000]), home("B", 1, &[950], &[0])];
    n.zone_pairs = vec![pair(0, 1, 70_000, 10_001, None)];
    let mut o = idle(&n);
    trade(&n, &mut o, 0, 0, 1, 900, 200_000);
    let s = summary(&n, &o);
    // 900 / 0.93 = 967.7: 968 are sent.
    assert_eq!((s.traded_wh, s.lost_wh, s.feed_in_wh), (900, 68, 32));
    assert_eq!(s.network_charges, 9_001);
    assert_eq!(s.bill, 15_000 - 2_560 + 9_001);
    assert!((s.ceiling_wh - 930.0).abs() < 1e-9);
    close(s.ceiling_share, 900.0 / 930.0);
}

#[test]
fn what_the_ceiling_misses_is_told_apart() {
    let mut n = neighbourhood(1);
    n.homes = vec![
        home("A", 0, &[0], &[1_000]),
        home("B", 0, &[600], &[0]),
        home("C", 1, &[900], &[0]),
    ];
    n.zone_pairs = vec![pair(0, 0, 0, 0, None), pair(0, 1, 100_000, 0, Some(500))];
    let mut o = idle(&n);
    // Best: 600 at home, 400 out as 360. Instead 450 go out, as 500 sent, and 300 at home.
    trade(&n, &mut o, 0, 0, 2, 450, 200_000);
    trade(&n, &mut o, 0, 0, 1, 300, 200_000);
    o.carried
        .insert((n.first_window, Zone(0), Zone(1)), Wh(450));
    let s = summary(&n, &o);
    assert!((s.ceiling_wh - 960.0).abs() < 1e-6);
    // 200 are left, and 300 of need at home: all of it could still be matched.
    assert!((s.left_over_wh - 200.0).abs() < 1e-6, "{}", s.left_over_wh);
    assert!((s.misplaced_wh - 10.0).abs() < 1e-6, "{}", s.misplaced_wh);
    // Had home taken all it could from elsewhere, the thin line would hold the rest back.
    o.carried
        .insert((n.first_window, Zone(0), Zone(1)), Wh(500));
    n.homes[1].demand_wh = vec![300];
    let s = summary(&n, &o);
    assert!(s.left_over_wh.abs() < 1e-6, "{}", s.left_over_wh);
}

#[test]
fn promises_that_were_not_kept() {
    let (n, mut o) = small();
    let arrived: u64 = o.trades.iter().map(|t| t.arrived.get()).sum();
    o.promised_wh = arrived + 350;
    assert_eq!(
        summary(&n, &o).shortfall,
        Some(350.0 / (arrived + 350) as f64)
    );
    // A standing order's misses count beside them; what was declined does not.
    let order = &mut o.trades[1];
    order.kind = TradeKind::Forward;
    order.asked = Wh(order.arrived.get() + 130);
    order.declined = Wh(30);
    let ordered = order.arrived.get();
    o.promised_wh = arrived - ordered;
    let s = summary(&n, &o);
    assert_eq!(s.shortfall, Some(100.0 / (arrived + 100) as f64));
    o.finished_windows = 1;
    assert_eq!(summary(&n, &o).shortfall, None);
}

#[test]
fn losses_on_the_lines_are_told_where_they_are_modelled() {
    let (n, mut o) = small();
    assert_eq!(summary(&n, &o).line_loss_wh, None);
    let before = summary(&n, &o);
    o.line_loss_wh = Some(70.0);
    let s = summary(&n, &o);
    let expected = (before.lost_wh as f64 + 70.0) / s.traded_wh as f64;
    assert_eq!(s.lost_per_traded, Some(expected));
}

#[test]
fn fairness_compares_homes_with_surplus_only() {
    let mut n = neighbourhood(1);
    n.homes = vec![
        home("A", 0, &[0], &[1_000]),
        home("B", 0, &[0], &[2_000]),
        home("C", 0, &[3_000], &[0]),
    ];
    let mut o = idle(&n);
    trade(&n, &mut o, 0, 0, 2, 500, 1);
    trade(&n, &mut o, 0, 1, 2, 1_000, 1);
    let s = summary(&n, &o);
    close(s.gini_sales, 500.0 / (2.0 * 1_500.0));
    assert_eq!(s.gini_sales_share, Some(0.0));
    assert_eq!((s.needs_served, s.sellers_per_need), (1, Some(2.0)));
}

#[test]
fn an_interrupted_run_counts_its_finished_windows_only() {
    let (n, full) = small();
    let mut o = full.clone();
    // Window 1 is unfinished: its trade and cells must not count.
    trade(&n, &mut o, 1, 0, 1, 50, 999_999);
    o.finished_windows = 1;
    let s = summary(&n, &o);
    assert!(!s.finished && s.notes.iter().any(|note| note.starts_with("interrupted")));
    assert_eq!((s.windows, s.windows_planned, s.trades), (1, 2, 2));
    assert_eq!(
        (s.demand_wh, s.grid_import_wh, s.traded_wh),
        (2_200, 200, 1_400)
    );
    assert_eq!(s.mean_price, summary(&n, &full).mean_price);
    assert_eq!(s.bill_without_trading, -120_000 + 300_000 + 180_000);
    assert_eq!(s.meter_windows_per_second, Some(1.5));

    // The engine may also hand over the finished rows alone.
    for column in [&mut o.bought_wh, &mut o.sold_gross_wh] {
        column.truncate(3);
    }
    for column in [&mut o.spent, &mut o.earned] {
        column.truncate(3);
    }
    assert_eq!(summary(&n, &o), s);
}

#[test]
fn what_is_undefined_is_null_and_noted() {
    let mut n = neighbourhood(1);
    n.homes = vec![home("A", 0, &[100], &[0])];
    let s = summary(&n, &idle(&n));
    let json = serde_json::to_value(&s).unwrap();
    for field in [
        "self_consumption",
        "ceiling_share",
        "mean_price",
        "quality",
        "gini_sales",
        "messages_per_lookup",
    ] {
        assert!(json[field].is_null(), "{field}");
    }
    assert_eq!(s.self_sufficiency, Some(0.0));
    assert!(s.notes.iter().any(|note| note.contains("self-consumption")));
    assert!(s
        .notes
        .iter()
        .any(|note| note.contains("share of the ceiling")));

    n.homes = vec![home("A", 0, &[0], &[100])];
    let s = summary(&n, &idle(&n));
    assert_eq!((s.self_sufficiency, s.self_consumption), (None, Some(0.0)));
    assert!(s.notes.iter().any(|note| note.contains("self-sufficiency")));
}

#[test]
fn an_empty_neighbourhood_and_an_unstarted_run_have_figures() {
    let n = neighbourhood(2);
    let s = summary(&n, &idle(&n));
    assert_eq!(
        (s.meters, s.windows, s.bill, s.peak_to_average),
        (0, 2, 0, None)
    );
    let (n, mut o) = small();
    o.finished_windows = 0;
    let s = summary(&n, &o);
    assert_eq!((s.windows, s.trades, s.demand_wh), (0, 0, 0));
}

#[test]
fn standing_orders_are_told_apart() {
    let (n, mut o) = small();
    o.trades[1].kind = TradeKind::Forward;
    let s = summary(&n, &o);
    assert_eq!((s.trades, s.forward_trades, s.needs_served), (2, 1, 1));
    assert_eq!(s.mean_duration_s, Some(60.0));
}

#[test]
fn negative_tariffs_are_billed() {
    let mut n = neighbourhood(1);
    n.homes = vec![home("A", 0, &[0], &[1_001]), home("B", 0, &[1_001], &[0])];
    n.import_tariff = vec![Tariff(-500)];
    n.feed_in_tariff = vec![Tariff(-100)];
    let m = measure(&n, &idle(&n)).unwrap();
    // A is billed ceil(100.1), B credited floor(500.5); nobody would trade at these tariffs.
    let bills: Vec<i128> = m
        .accounts
        .homes
        .iter()
        .map(|home| home.money.bill())
        .collect();
    assert_eq!(bills, [101, -500]);
    assert_eq!(m.summary.ceiling_wh, 0.0);
}

#[test]
fn trades_beyond_a_homes_energy_are_violations() {
    let (n, mut o) = small();
    o.invariant_violations.push("window 5: tokens".into());
    o.bought_wh[1] = 1_001;
    o.sold_gross_wh[0] = 1_501;
    let s = summary(&n, &o);
    assert_eq!(s.invariant_violations, 3);
    assert_eq!(s.violations[0], "window 5: tokens");
    assert!(s.violations[1].contains("home A: sold 1501 Wh of a surplus of 1500 Wh"));
    assert!(s.violations[2].contains("home B: bought 1001 Wh of a deficit of 1000 Wh"));
}

#[test]
fn what_does_not_fit_is_refused_in_one_line() {
    let (n, o) = small();
    let mut short = o.clone();
    short.spent.truncate(5);
    let expected = MeasureError::Column {
        name: "spent",
        expected: 6,
        found: 5,
    };
    assert_eq!(measure(&n, &short).unwrap_err(), expected);
    let mut long = o.clone();
    long.finished_windows = 3;
    assert_eq!(
        measure(&n, &long).unwrap_err(),
        MeasureError::Windows {
            finished: 3,
            planned: 2
        }
    );
    let mut stranger = o.clone();
    stranger.trades[1].buyer = 3;
    let expected = MeasureError::Home {
        sequence: 1,
        home: 3,
        homes: 3,
    };
    assert_eq!(measure(&n, &stranger).unwrap_err(), expected);
    let mut gap = n.clone();
    gap.homes[2].demand_wh.pop();
    let expected = MeasureError::Series {
        name: "demand_wh",
        expected: 2,
        found: 1,
    };
    assert_eq!(measure(&gap, &o).unwrap_err(), expected);
    assert_eq!(expected.to_string().lines().count(), 1);
}

#[test]
fn the_json_has_the_agreed_fields() {
    let (n, o) = small();
    let json = serde_json::to_value(summary(&n, &o)).unwrap();
    let integers = "meters windows trades demand_wh generation_wh traded_wh lost_wh grid_import_wh feed_in_wh bill \
                    bill_without_trading invariant_checks invariant_violations messages";
    for field in integers.split_whitespace() {
        assert!(json[field].is_i64() || json[field].is_u64(), "{field}");
    }
    let numbers = "self_sufficiency self_sufficiency_without_trading self_sufficiency_ceiling self_consumption \
                   ceiling_share co2_avoided_g peak_import_w peak_to_average meter_windows_per_second";
    for field in numbers.split_whitespace() {
        assert!(json[field].is_number(), "{field}");
    }
    assert!(json["signatures"].is_string() && json["state_hash"].is_string());
}
