//! The JSON form: what is read, what is refused and in which words, what is answered.

// A refused fixture is a failed test.
#![allow(clippy::unwrap_used)]

use serde_json::{json, Value};
use wattpool_optimizer::{
    problem_file, Limits, Method, Offer, Problem, ProblemInput, Scoring, Settings, Weights,
    Workspace,
};

fn problem() -> Value {
    json!({
        "need_wh": 800,
        "weights": {"surplus": 0.25, "efficiency": 0.25, "duration": 0.15, "quality": 0.2, "participation": 0.15},
        "duration_scale_s": 900,
        "participation_scale": 20,
        "offers": [
            {"id": "a", "offered_wh": 500, "efficiency": 0.95, "duration_s": 120.0, "quality": 0.9, "past_sales": 3},
            {"id": "b", "offered_wh": 450, "efficiency": 1, "duration_s": 60, "quality": 0.5, "past_sales": 0}
        ]
    })
}

fn refusal(problem: &Value) -> String {
    let text = serde_json::to_string_pretty(problem).unwrap();
    problem_file::parse("p.json", &text)
        .unwrap_err()
        .to_string()
}

#[test]
fn the_documented_problem_gives_the_documented_answer() {
    let text = problem().to_string();
    let mut answer = problem_file::parse("p.json", &text)
        .unwrap()
        .solve(&Settings::default(), &mut Workspace::new());
    answer.elapsed_us = Some(80);
    // G = 475 + 450; b has the smaller value and takes the rest.
    let a = 0.25 * 0.95 + 0.15 * 900.0 / 1_020.0 + 0.2 * 0.9 + 0.15 * 20.0 / 23.0;
    let b = 0.25 + 0.15 * 900.0 / 960.0 + 0.2 * 0.5 + 0.15;
    let f = 0.25 * 800.0 / 925.0 + (475.0 * a + 325.0 * b) / 800.0;
    let f_other = 0.25 * 800.0 / 925.0 + (350.0 * a + 450.0 * b) / 800.0;
    let (f, delivered) = if a > b {
        (f, [475, 325])
    } else {
        (f_other, [350, 450])
    };
    assert!((answer.score - f).abs() < 1e-12);
    let mut written = serde_json::to_value(&answer).unwrap();
    written["score"] = json!("checked");
    let evaluations = written["evaluations"].take();
    assert!(evaluations.as_u64().unwrap() >= 1);
    assert_eq!(
        written,
        json!({
            "covered": true, "sellers": 2, "score": "checked", "optimal": true,
            "plan": [
                {"id": "a", "delivered_wh": delivered[0]}, {"id": "b", "delivered_wh": delivered[1]}
            ],
            "method": "exact", "evaluations": null, "elapsed_us": 80
        })
    );
}

#[test]
fn weights_and_scales_have_defaults() {
    let mut short = problem();
    let object = short.as_object_mut().unwrap();
    for key in ["weights", "duration_scale_s", "participation_scale"] {
        object.remove(key);
    }
    let full = problem_file::parse("p.json", &problem().to_string()).unwrap();
    assert_eq!(
        problem_file::parse("p.json", &short.to_string()).unwrap(),
        full
    );
}

#[test]
fn no_offers_are_an_uncovered_need() {
    let mut empty = problem();
    empty["offers"] = json!([]);
    let answer = problem_file::parse("p.json", &empty.to_string())
        .unwrap()
        .solve(&Settings::default(), &mut Workspace::new());
    assert_eq!(
        (answer.covered, answer.sellers, answer.score),
        (false, 0, 0.0)
    );
    assert!(answer.plan.is_empty());
}

/// Sets the value at a JSON pointer, or removes the key for `null`.
fn with(pointer: &str, value: Value) -> Value {
    let mut changed = problem();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = changed
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap();
    if value.is_null() {
        parent.remove(key);
    } else {
        parent.insert(key.to_owned(), value);
    }
    changed
}

#[test]
fn values_out_of_range_are_refused_by_field_and_offer() {
    let b = "p.json: offers[1] (id \"b\"): ";
    let table = [
        ("/need_wh", json!(0), "p.json: need_wh: expected from 1 to 1000000000000 Wh, got 0".to_owned()),
        (
            "/need_wh",
            json!(1_000_000_000_001u64),
            "p.json: need_wh: expected from 1 to 1000000000000 Wh, got 1000000000001".to_owned(),
        ),
        ("/weights/surplus", json!(0.3), "p.json: weights: expected weights that sum to 1, got 1.05".to_owned()),
        ("/weights/quality", json!(-0.2), "p.json: weights.quality: expected a number from 0 to 1, got -0.2".to_owned()),
        ("/weights/price", json!(1.5), "p.json: weights.price: expected a number from 0 to 1, got 1.5".to_owned()),
        ("/duration_scale_s", json!(0), "p.json: duration_scale_s: expected a finite number above 0, got 0".to_owned()),
        ("/participation_scale", json!(-1), "p.json: participation_scale: expected a finite number above 0, got -1".to_owned()),
        ("/limits", json!({"max_sellers": 0}), "p.json: limits.max_sellers: expected at least 1, got 0".to_owned()),
        ("/offers/1/efficiency", json!(0), format!("{b}efficiency: expected a number above 0 and at most 1, got 0")),
        ("/offers/1/efficiency", json!(1.01), format!("{b}efficiency: expected a number above 0 and at most 1, got 1.01")),
        ("/offers/1/duration_s", json!(0), format!("{b}duration_s: expected a finite number of seconds above 0, got 0")),
        ("/offers/1/quality", json!(-0.5), format!("{b}quality: expected a number from 0 to 1, got -0.5")),
        ("/offers/1/quality", json!(2), format!("{b}quality: expected a number from 0 to 1, got 2")),
        (
            "/offers/1/offered_wh",
            json!(1_000_000_000_001u64),
            format!("{b}offered_wh: expected at most 1000000000000 Wh, got 1000000000001"),
        ),
        ("/offers/1/deliverable_wh", json!(451), format!("{b}deliverable_wh: expected at most offered_wh, got 451")),
        ("/offers/1/id", json!(""), "p.json: offers[1] (id \"\"): id: expected a name, got an empty one".to_owned()),
        (
            "/offers/1/id",
            json!("a"),
            "p.json: offers[1] (id \"a\"): id: expected an id that no earlier offer has, got a".to_owned(),
        ),
        (
            "/limits",
            json!({"max_price": 5}),
            "p.json: offers[0] (id \"a\"): price: expected a price, since limits.max_price is set, got none".to_owned(),
        ),
        (
            "/limits",
            json!({"zones": [1]}),
            "p.json: offers[0] (id \"a\"): zone: expected a zone, since limits.zones is set, got none".to_owned(),
        ),
        (
            "/weights",
            json!({"surplus": 0.5, "efficiency": 0, "duration": 0, "quality": 0, "participation": 0, "price": 0.5}),
            "p.json: offers[0] (id \"a\"): price: expected a price, since weights.price is above 0, got none".to_owned(),
        ),
    ];
    for (pointer, value, expected) in table {
        assert_eq!(refusal(&with(pointer, value)), expected);
    }
}

#[test]
fn what_is_no_such_problem_is_refused_by_line_and_field() {
    let table = [
        (
            "/offers/1/colour",
            json!("red"),
            "offers[1].colour: unknown field `colour`",
        ),
        ("/need", json!(1), "need: unknown field `need`"),
        (
            "/weights/speed",
            json!(1),
            "weights.speed: unknown field `speed`",
        ),
        (
            "/limits",
            json!({"max": 1}),
            "limits.max: unknown field `max`",
        ),
        (
            "/offers/0/offered_wh",
            json!(-5),
            "offers[0].offered_wh: invalid value: integer `-5`, expected u64",
        ),
        (
            "/offers/0/offered_wh",
            json!(1.5),
            "offers[0].offered_wh: invalid type: floating point `1.5`, expected u64",
        ),
        (
            "/offers/0/quality",
            json!("good"),
            "offers[0].quality: invalid type: string \"good\", expected f64",
        ),
        (
            "/offers/0/quality",
            Value::Null,
            "offers[0]: missing field `quality`",
        ),
        ("/need_wh", Value::Null, "missing field `need_wh`"),
        ("/offers", Value::Null, "missing field `offers`"),
    ];
    for (pointer, value, expected) in table {
        let message = refusal(&with(pointer, value));
        assert!(message.starts_with("p.json: line "), "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains('\n'));
    }
    let texts = [
        ("", "EOF while parsing"),
        ("[1", "the problem: EOF while parsing a list"),
        ("{\"need_wh\": NaN}", "expected value"),
        (
            "{\"need_wh\": 1, \"need_wh\": 2, \"offers\": []}",
            "duplicate field `need_wh`",
        ),
        ("{\"need_wh\": 1, \"offers\": []} x", "trailing characters"),
        (
            "{\"need_wh\": 1, \"duration_scale_s\": 1e999, \"offers\": []}",
            "number out of range",
        ),
    ];
    for (text, expected) in texts {
        let message = problem_file::parse("p.json", text).unwrap_err().to_string();
        assert!(message.starts_with("p.json: line 1 column "), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

fn offer(id: &str, price: u64, zone: u16) -> Offer {
    Offer {
        id: id.to_owned(),
        offered_wh: 200,
        efficiency: 1.0,
        duration_s: 60.0,
        quality: 0.9,
        past_sales: 0,
        deliverable_wh: None,
        price: Some(price),
        zone: Some(zone),
        tie: 0,
    }
}

fn input(offers: Vec<Offer>) -> ProblemInput {
    ProblemInput {
        need_wh: 100,
        weights: Weights::default(),
        duration_scale_s: Scoring::DURATION_SCALE_S,
        participation_scale: Scoring::PARTICIPATION_SCALE,
        limits: Limits::default(),
        offers,
    }
}

fn chosen(input: ProblemInput) -> Vec<String> {
    let answer = Problem::new(input)
        .unwrap()
        .solve(&Settings::default(), &mut Workspace::new());
    answer
        .plan
        .into_iter()
        .map(|delivery| delivery.id)
        .collect()
}

#[test]
fn limits_leave_offers_out_before_the_choice() {
    let mut best_is_dear = input(vec![offer("dear", 300, 1), offer("cheap", 100, 2)]);
    best_is_dear.offers[1].quality = 0.1;
    assert_eq!(chosen(best_is_dear.clone()), ["dear"]);
    best_is_dear.limits.max_price = Some(300);
    assert_eq!(chosen(best_is_dear.clone()), ["dear"]);
    best_is_dear.limits.max_price = Some(299);
    assert_eq!(chosen(best_is_dear.clone()), ["cheap"]);
    best_is_dear.limits = Limits {
        zones: Some(vec![2, 7]),
        ..Limits::default()
    };
    assert_eq!(chosen(best_is_dear.clone()), ["cheap"]);
    best_is_dear.limits.zones = Some(vec![]);
    assert_eq!(chosen(best_is_dear), Vec::<String>::new());
}

#[test]
fn price_counts_only_by_its_weight() {
    let mut two = input(vec![offer("dear", 300, 1), offer("cheap", 100, 1)]);
    two.offers[1].past_sales = 1;
    assert_eq!(chosen(two.clone()), ["dear"]);
    two.weights = Weights {
        surplus: 0.15,
        price: 0.1,
        ..Weights::default()
    };
    assert_eq!(chosen(two), ["cheap"]);
}

#[test]
fn a_given_deliverable_goes_before_the_efficiency() {
    let mut two = input(vec![offer("a", 1, 1), offer("b", 1, 1)]);
    two.offers[0].deliverable_wh = Some(99);
    assert_eq!(chosen(two), ["b"]);
}

#[test]
fn the_method_reads_as_a_word() {
    for (word, method) in [
        ("exact", Method::Exact),
        ("ga", Method::Ga),
        ("auto", Method::Auto),
    ] {
        assert_eq!(
            serde_json::from_value::<Method>(json!(word)).unwrap(),
            method
        );
    }
    assert!(serde_json::from_value::<Method>(json!("magic")).is_err());
}

#[test]
fn a_million_offers_are_read() {
    let offers = (0..1_000_000u64).map(|i| Offer {
        offered_wh: 100 + i % 900,
        ..offer(&format!("meter-{i}"), 1, 1)
    });
    let answer = Problem::new(ProblemInput {
        need_wh: 2_500,
        ..input(offers.collect())
    })
    .unwrap()
    .solve(&Settings::default(), &mut Workspace::new());
    assert_eq!((answer.covered, answer.sellers), (true, 3));
    assert_eq!(
        answer
            .plan
            .iter()
            .map(|delivery| delivery.delivered_wh)
            .sum::<u64>(),
        2_500
    );
}
