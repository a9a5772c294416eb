//! `wattpool choose`: the documented form of problems and answers, and three methods against brute force.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use serde_json::{json, Value};
use wattpool_program_harness::wattpool_reading;

fn choose(problem: &Value, method: &str) -> Value {
    let text = problem.to_string();
    wattpool_reading(
        &[
            "choose",
            "--json",
            "--problem",
            "-",
            "--method",
            method,
            "--seed",
            "3",
        ],
        &text,
    )
    .json()
}

/// The default weights of the six factors and scales, as documented.
const SURPLUS: f64 = 0.25;
const EFFICIENCY: f64 = 0.25;
const DURATION: f64 = 0.15;
const QUALITY: f64 = 0.2;
const PARTICIPATION: f64 = 0.15;

/// An offer with whole per cents, so that `floor(e·o)` can be taken in integers.
#[derive(Clone, Copy, Debug)]
struct Offer {
    wh: u64,
    percent: u64,
    seconds: u64,
    quality: f64,
    sales: u64,
}

impl Offer {
    fn deliverable(&self) -> u64 {
        self.wh * self.percent / 100
    }

    /// `v` of SRS table 3.
    fn value(&self) -> f64 {
        EFFICIENCY * self.percent as f64 / 100.0
            + DURATION * 900.0 / (900.0 + self.seconds as f64)
            + QUALITY * self.quality
            + PARTICIPATION * 20.0 / (20.0 + self.sales as f64)
    }

    fn json(&self, id: usize) -> Value {
        json!({
            "id": format!("m{id}"), "offered_wh": self.wh, "efficiency": self.percent as f64 / 100.0,
            "duration_s": self.seconds as f64, "quality": self.quality, "past_sales": self.sales,
        })
    }
}

/// Equation 1 for a set in which `rest` takes what the others leave; none where that is no plan.
fn score(need: u64, set: &[Offer], rest: usize) -> Option<f64> {
    let total: u64 = set.iter().map(Offer::deliverable).sum();
    let last = set[rest]
        .deliverable()
        .checked_sub(total.checked_sub(need)?)
        .filter(|z| *z > 0)?;
    let delivered = |i: usize| {
        if i == rest {
            last
        } else {
            set[i].deliverable()
        }
    };
    let values = (0..set.len()).map(|i| delivered(i) as f64 / need as f64 * set[i].value());
    Some(SURPLUS * need as f64 / total as f64 + values.sum::<f64>())
}

/// Fewest sellers, then the largest `f`, over every subset.
fn brute_force(need: u64, offers: &[Offer]) -> Option<(usize, f64)> {
    let mut best: Option<(usize, f64)> = None;
    for mask in 1u32..1 << offers.len() {
        let set: Vec<Offer> = (0..offers.len())
            .filter(|i| mask >> i & 1 == 1)
            .map(|i| offers[i])
            .collect();
        for f in (0..set.len()).filter_map(|rest| score(need, &set, rest)) {
            if best.is_none_or(|(k, top)| set.len() < k || set.len() == k && f > top) {
                best = Some((set.len(), f));
            }
        }
    }
    best
}

/// A fixed sequence of numbers below `n` (Park and Miller 1988).
fn draws(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |n| {
        state = state * 48_271 % 2_147_483_647;
        state % n
    }
}

#[test]
fn every_method_finds_the_optimum_of_small_problems() {
    for seed in 1..=8 {
        let mut draw = draws(seed * 7_919);
        let offers: Vec<Offer> = (0..9)
            .map(|_| Offer {
                wh: 50 + draw(950),
                percent: 80 + draw(21),
                seconds: 10 + draw(900),
                quality: draw(101) as f64 / 100.0,
                sales: draw(60),
            })
            .collect();
        let all: u64 = offers.iter().map(Offer::deliverable).sum();
        let need = 1 + all * (1 + seed) / 11;
        let (sellers, best) = brute_force(need, &offers).unwrap();
        let list: Vec<Value> = offers
            .iter()
            .enumerate()
            .map(|(id, o)| o.json(id))
            .collect();
        for method in ["auto", "exact", "ga"] {
            let answer = choose(&json!({ "need_wh": need, "offers": list }), method);
            assert_eq!(
                (&answer["covered"], &answer["sellers"]),
                (&json!(true), &json!(sellers)),
                "seed {seed}, {method}"
            );
            let found = answer["score"].as_f64().unwrap();
            assert!(
                (found - best).abs() < 1e-9,
                "seed {seed}, {method}: {found}, brute force {best}"
            );
            let delivered: u64 = answer["plan"]
                .as_array()
                .unwrap()
                .iter()
                .map(|d| d["delivered_wh"].as_u64().unwrap())
                .sum();
            assert_eq!(delivered, need);
            for part in answer["plan"].as_array().unwrap() {
                let offer: usize = part["id"].as_str().unwrap()[1..].parse().unwrap();
                assert!(part["delivered_wh"].as_u64().unwrap() <= offers[offer].deliverable());
            }
            if method != "auto" {
                assert_eq!(answer["method"], method);
            }
        }
    }
}

#[test]
fn a_problem_with_every_field_is_answered_in_the_documented_form() {
    let problem = json!({
        "need_wh": 400,
        "weights": { "surplus": 0.2, "efficiency": 0.2, "duration": 0.2, "quality": 0.2, "participation": 0.1, "price": 0.1 },
        "duration_scale_s": 600.0,
        "participation_scale": 10.0,
        "limits": { "max_price": 250_000, "max_sellers": 3, "zones": [1, 2] },
        "offers": [
            { "id": "dear", "offered_wh": 900, "efficiency": 1.0, "duration_s": 5.0, "quality": 1.0, "past_sales": 0, "price": 250_001, "zone": 1 },
            { "id": "far", "offered_wh": 900, "efficiency": 1.0, "duration_s": 5.0, "quality": 1.0, "past_sales": 0, "price": 1, "zone": 3 },
            { "id": "near", "offered_wh": 500, "efficiency": 0.95, "duration_s": 120.0, "quality": 0.9, "past_sales": 3,
              "deliverable_wh": 474, "price": 200_000, "zone": 2, "tie": 7 },
        ],
    });
    for method in ["auto", "exact", "ga"] {
        let answer = choose(&problem, method);
        let fields: Vec<&String> = answer.as_object().unwrap().keys().collect();
        let mut expected = [
            "covered",
            "sellers",
            "score",
            "optimal",
            "plan",
            "method",
            "evaluations",
            "elapsed_us",
        ];
        expected.sort_unstable();
        let mut sorted = fields.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        assert_eq!(
            answer["plan"],
            json!([{ "id": "near", "delivered_wh": 400 }])
        );
        assert_eq!(answer["covered"], true);
        assert!(
            answer["optimal"].is_boolean()
                && answer["evaluations"].is_u64()
                && answer["elapsed_us"].is_u64()
        );
        let utilities = 0.2 * 400.0 / 474.0
            + 0.2 * 0.95
            + 0.2 * 600.0 / 720.0
            + 0.2 * 0.9
            + 0.1 * 10.0 / 13.0
            + 0.1 * 0.2;
        assert!(
            (answer["score"].as_f64().unwrap() - utilities).abs() < 1e-9,
            "{} is not {utilities}",
            answer["score"]
        );
    }
}

#[test]
fn the_problem_can_stand_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("problem.json");
    std::fs::write(&file, r#"{"need_wh": 10, "offers": [{"id": "a", "offered_wh": 12, "efficiency": 1, "duration_s": 9, "quality": 1, "past_sales": 0}]}"#).unwrap();
    let answer = wattpool_program_harness::wattpool(&[
        "choose",
        "--json",
        "--problem",
        file.to_str().unwrap(),
    ])
    .json();
    assert_eq!(answer["plan"], json!([{ "id": "a", "delivered_wh": 10 }]));
}

#[test]
fn what_cannot_be_covered_is_delivered_as_far_as_it_goes() {
    let offers: Vec<Value> = [300, 200]
        .iter()
        .enumerate()
        .map(|(id, wh)| {
            Offer {
                wh: *wh,
                percent: 100,
                seconds: 60,
                quality: 1.0,
                sales: 0,
            }
            .json(id)
        })
        .collect();
    let answer = choose(&json!({ "need_wh": 501, "offers": offers }), "auto");
    assert_eq!(answer["covered"], false);
    assert_eq!(answer["score"], 0.0);
    assert_eq!(
        answer["plan"],
        json!([{ "id": "m0", "delivered_wh": 300 }, { "id": "m1", "delivered_wh": 200 }])
    );
}

#[test]
fn no_offers_are_a_clean_answer() {
    let answer = choose(&json!({ "need_wh": 5, "offers": [] }), "auto");
    assert_eq!(
        (&answer["covered"], &answer["sellers"], &answer["plan"]),
        (&json!(false), &json!(0), &json!([]))
    );
}

#[test]
fn a_hundred_thousand_offers_are_an_ordinary_problem() {
    let mut draw = draws(5);
    let offers: Vec<Value> = (0..100_000)
        .map(|id| {
            Offer {
                wh: 1 + draw(900),
                percent: 90 + draw(11),
                seconds: 30 + draw(300),
                quality: 0.5,
                sales: draw(9),
            }
            .json(id)
        })
        .collect();
    let problem = json!({ "need_wh": 2_500, "offers": offers });
    for method in ["auto", "exact", "ga"] {
        let answer = choose(&problem, method);
        assert_eq!(
            (&answer["covered"], &answer["sellers"]),
            (&json!(true), &json!(3)),
            "{method}: {answer}"
        );
    }
}
