//! The predictors on histories whose truth is known: what is to be learned, forgotten, and left alone.

// Test arithmetic is on small numbers.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unwrap_used
)]

use wattpool_optimizer::predict::{
    Conditions, Expectation, Kind, Outcome, Predictor, Priors, Record,
};
use wattpool_optimizer::problems::Numbers;

const SPOT: Priors = Priors {
    quality: 0.95,
    duration_s: 10.0,
};
const FORWARD: Priors = Priors {
    quality: 0.95,
    duration_s: 3_150.0,
};

fn fresh() -> Predictor<u32> {
    Predictor::new(SPOT, FORWARD)
}

fn at(trade: u64) -> Conditions {
    Conditions {
        at_s: 1_780_000_000 + trade * 900,
        amount_wh: 200,
        supply: 0.5,
        block_age: 0.5,
        ..Conditions::default()
    }
}

fn outcome(quality: f64, duration_s: f64) -> Outcome {
    Outcome {
        quality,
        duration_s: (quality > 0.0).then_some(duration_s),
    }
}

/// Mean squared errors of the predictor, of the mean so far and of the seller's last value.
fn errors(trades: u64, mut truth: impl FnMut(u64, &mut Numbers) -> (u32, f64)) -> [f64; 3] {
    let mut numbers = Numbers::new(5);
    let mut predictor = fresh();
    let mut last = std::collections::BTreeMap::new();
    let (mut sum, mut errors) = (0.0, [0.0; 3]);
    for trade in 0..trades {
        let (seller, quality) = truth(trade, &mut numbers);
        let conditions = at(trade);
        let model = predictor.expect(&seller, Kind::Spot, &conditions).quality;
        let mean = if trade == 0 { 0.95 } else { sum / trade as f64 };
        let same = last.get(&seller).copied().unwrap_or(mean);
        for (error, guess) in errors.iter_mut().zip([model, mean, same]) {
            *error += (guess - quality) * (guess - quality) / trades as f64;
        }
        sum += quality;
        last.insert(seller, quality);
        predictor.learn(seller, Kind::Spot, &conditions, &outcome(quality, 5.0));
    }
    errors
}

fn happens(p: f64, numbers: &mut Numbers) -> f64 {
    f64::from(u8::from(numbers.unit() < p))
}

#[test]
fn flaky_sellers_are_told_from_good_ones() {
    let [model, mean, last] = errors(600, |_, numbers| {
        let seller = numbers.below(8) as u32;
        let p = if seller < 2 { 0.3 } else { 0.97 };
        (seller, happens(p, numbers))
    });
    assert!(
        model < 0.8 * mean && model < 0.8 * last,
        "{model} {mean} {last}"
    );
}

#[test]
fn where_there_is_nothing_to_learn_it_is_as_good_as_the_mean() {
    for p in [0.05, 0.5, 0.9, 1.0] {
        let [model, mean, last] = errors(600, |_, numbers| {
            (numbers.below(8) as u32, happens(p, numbers))
        });
        assert!(model <= mean * 1.05 + 0.001, "{p}: {model} {mean}");
        assert!(p == 1.0 || model < last, "{p}: {model} {last}");
    }
}

#[test]
fn a_seller_that_changes_is_followed_both_ways() {
    let mut predictor = fresh();
    let quality =
        |predictor: &Predictor<u32>, trade| predictor.expect(&7, Kind::Spot, &at(trade)).quality;
    for trade in 0..120 {
        predictor.learn(7, Kind::Spot, &at(trade), &outcome(1.0, 5.0));
        predictor.learn(8, Kind::Spot, &at(trade), &outcome(1.0, 5.0));
    }
    assert!(quality(&predictor, 120) > 0.95);
    for trade in 120..160 {
        predictor.learn(7, Kind::Spot, &at(trade), &outcome(0.0, 5.0));
        predictor.learn(8, Kind::Spot, &at(trade), &outcome(1.0, 5.0));
    }
    assert!(
        quality(&predictor, 160) < 0.3,
        "{}",
        quality(&predictor, 160)
    );
    let other = predictor.expect(&8, Kind::Spot, &at(160)).quality;
    assert!(other > 0.8, "{other}");
    // Not met for months, it is given another chance.
    assert!(quality(&predictor, 160 + 96 * 120) > quality(&predictor, 160) + 0.2);
    for trade in 160..240 {
        predictor.learn(7, Kind::Spot, &at(trade), &outcome(1.0, 5.0));
        predictor.learn(8, Kind::Spot, &at(trade), &outcome(1.0, 5.0));
    }
    assert!(
        quality(&predictor, 240) > 0.8,
        "{}",
        quality(&predictor, 240)
    );
}

#[test]
fn a_seller_never_met_is_judged_by_its_record_and_by_what_others_are_like() {
    let stranger = |predictor: &Predictor<u32>, arrived_wh| {
        let record = Record {
            sales: 40,
            asked_wh: 20_000,
            arrived_wh,
        };
        let conditions = Conditions { record, ..at(500) };
        predictor.expect(&99, Kind::Spot, &conditions).quality
    };
    let mut predictor = fresh();
    assert_eq!(predictor.expect(&99, Kind::Spot, &at(0)), {
        Expectation {
            quality: 0.95,
            duration_s: 10.0,
        }
    });
    assert!(stranger(&predictor, 8_000) < 0.5);
    let before = stranger(&predictor, 20_000);
    for trade in 0..100 {
        predictor.learn(trade as u32 % 9, Kind::Spot, &at(trade), &outcome(0.4, 5.0));
    }
    assert!(stranger(&predictor, 20_000) < before - 0.2);
}

#[test]
fn spot_trades_and_standing_orders_are_learned_apart() {
    let mut predictor = fresh();
    for trade in 0..60 {
        predictor.learn(1, Kind::Spot, &at(trade), &outcome(1.0, 5.0));
        predictor.learn(1, Kind::Forward, &at(trade), &outcome(0.3, 2_000.0));
    }
    let spot = predictor.expect(&1, Kind::Spot, &at(60));
    let forward = predictor.expect(&1, Kind::Forward, &at(60));
    assert!(spot.quality > 0.9 && forward.quality < 0.45);
    assert!((spot.duration_s - 5.0).abs() < 0.5, "{spot:?}");
    assert!((forward.duration_s - 2_000.0).abs() < 150.0, "{forward:?}");
}

#[test]
fn one_halt_of_the_chain_is_not_taken_for_the_rule() {
    let mut predictor = fresh();
    for trade in 0..100 {
        let seconds = if trade == 90 { 2_000.0 } else { 5.0 };
        predictor.learn(1, Kind::Spot, &at(trade), &outcome(1.0, seconds));
    }
    let expected = predictor.expect(&1, Kind::Spot, &at(100)).duration_s;
    assert!((expected - 5.0).abs() < 1.0, "{expected}");
}

#[test]
fn the_time_until_the_next_block_is_learned() {
    let mut predictor = fresh();
    let mut numbers = Numbers::new(3);
    let asked = |trade, block_age| Conditions {
        block_age,
        ..at(trade)
    };
    for trade in 0..300 {
        let age = 0.7 * numbers.unit();
        let seconds = 5.0 * (1.0 - age);
        predictor.learn(1, Kind::Spot, &asked(trade, age), &outcome(1.0, seconds));
    }
    let expected = |age| {
        predictor
            .expect(&1, Kind::Spot, &asked(300, age))
            .duration_s
    };
    assert!((expected(0.1) - 4.5).abs() < 0.5, "{}", expected(0.1));
    assert!((expected(0.6) - 2.0).abs() < 0.5, "{}", expected(0.6));
}

/// A long and odd course: extreme conditions and outcomes, many sellers.
fn torture() -> Predictor<u32> {
    let mut numbers = Numbers::new(11);
    let mut predictor = fresh();
    let odd = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -1e300,
        1e300,
        0.0,
        0.5,
    ];
    for _ in 0..4_000 {
        let pick = |numbers: &mut Numbers| odd.get(numbers.below(7) as usize).copied().unwrap();
        let conditions = Conditions {
            at_s: numbers.any() >> numbers.below(64),
            amount_wh: numbers.any() >> numbers.below(64),
            lost: pick(&mut numbers),
            air_c: Some(pick(&mut numbers)),
            supply: pick(&mut numbers),
            record: Record {
                sales: numbers.any(),
                asked_wh: numbers.any(),
                arrived_wh: numbers.any(),
            },
            block_age: pick(&mut numbers),
        };
        let kind = if numbers.below(2) == 0 {
            Kind::Spot
        } else {
            Kind::Forward
        };
        let seller = numbers.below(1_000) as u32;
        let expected = predictor.expect(&seller, kind, &conditions);
        assert!((0.0..=1.0).contains(&expected.quality), "{expected:?}");
        assert!(
            expected.duration_s > 0.0 && expected.duration_s.is_finite(),
            "{expected:?}"
        );
        let outcome = Outcome {
            quality: pick(&mut numbers),
            duration_s: Some(pick(&mut numbers)),
        };
        predictor.learn(seller, kind, &conditions, &outcome);
    }
    predictor
}

#[test]
fn odd_numbers_are_survived_and_memory_stays_small() {
    let predictor = torture();
    let saved = serde_json::to_string(&predictor).unwrap();
    assert!(saved.len() < 96 * 1024, "{} bytes", saved.len());
    assert!(serde_json::from_str::<Predictor<u32>>(&saved)
        .unwrap()
        .restored()
        .is_some());
}

#[test]
fn a_restored_predictor_goes_on_as_the_saved_one() {
    let mut predictor = fresh();
    let mut numbers = Numbers::new(2);
    for trade in 0..200 {
        let (seller, p) = (numbers.below(80) as u32, numbers.unit());
        let seconds = 3.0 + 5.0 * numbers.unit();
        let done = outcome(happens(p, &mut numbers), seconds);
        predictor.learn(seller, Kind::Spot, &at(trade), &done);
    }
    let saved = serde_json::to_string(&predictor).unwrap();
    let mut restored: Predictor<u32> = serde_json::from_str::<Predictor<u32>>(&saved)
        .unwrap()
        .restored()
        .unwrap();
    assert_eq!(restored, predictor);
    for both in [&mut predictor, &mut restored] {
        both.learn(3, Kind::Spot, &at(200), &outcome(1.0, 4.0));
    }
    assert_eq!(restored, predictor);
    // One of another form is not taken up.
    let mut other: serde_json::Value = serde_json::from_str(&saved).unwrap();
    if let Some(success) = other.pointer_mut("/spot/quality/success") {
        *success = serde_json::json!([0.0]);
    }
    let other: Predictor<u32> = serde_json::from_value(other).unwrap();
    assert!(other.restored().is_none());
}
