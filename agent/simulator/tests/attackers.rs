//! Homes that do not keep to the rules: the honest ones lose next to nothing by them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::AtomicBool;
use wattpool_report::{measure, Outcome};
use wattpool_scenario::attackers::{Attack, Attackers};
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_simulator::{run, RunOptions, Signatures};

fn street(seed: u64, forward: bool) -> Neighbourhood {
    let mut n = neighbourhood(&GenerateOptions {
        homes: 20,
        days: 2,
        seed,
        ..GenerateOptions::default()
    })
    .unwrap();
    for home in &mut n.homes {
        home.policy.forward = forward;
    }
    n
}

fn simulated(n: &Neighbourhood, seed: u64) -> Outcome {
    let options = RunOptions {
        seed,
        threads: 1,
        signatures: Signatures::Trusted,
        record: false,
    };
    run(n, &options, &AtomicBool::new(false), &mut |_| {}).unwrap()
}

/// What arrived at honest homes or came from them, Wh, by the chain's own log.
fn with_honest_homes(outcome: &Outcome, attackers: &[u32]) -> u64 {
    let trades = outcome.trades.iter();
    let honest = trades.filter(|t| !attackers.contains(&t.seller) || !attackers.contains(&t.buyer));
    honest.map(|t| t.arrived.0).sum()
}

fn incident(outcome: &Outcome, name: &str) -> u64 {
    let found = outcome.faults.iter().find(|(n, _)| n == name);
    found.map_or(0, |(_, count)| *count)
}

#[test]
fn a_tenth_of_attackers_costs_the_honest_homes_next_to_nothing() {
    for attack in Attack::ALL {
        let mut n = street(3, attack == Attack::BreakingOrders);
        n.attackers = Some(Attackers { share: 0.1, attack });
        let attacked = simulated(&n, 3);
        let attackers = &attacked.attackers;
        assert_eq!(attackers.len(), 2, "{attack:?}");
        assert_eq!(attacked.invariant_violations, Vec::<String>::new());
        let of_honest = attacked.missed_wh.iter();
        let missed = of_honest.filter(|((seller, buyer), _)| {
            !attackers.contains(seller) && attackers.contains(buyer)
        });
        assert_eq!(missed.count(), 0, "{attack:?}");

        // The summary tells them apart.
        let told = measure(&n, &attacked).unwrap().summary;
        let (theirs, others) = (told.attackers.unwrap(), told.honest.unwrap());
        assert_eq!(
            (told.attack, theirs.homes, others.homes),
            (Some(attack), 2, 18)
        );
        assert_eq!(theirs.gain + others.gain, told.welfare);

        n.attackers = None;
        let honest = simulated(&n, 3);
        assert!(measure(&n, &honest).unwrap().summary.honest.is_none());
        let share = |o: &Outcome| measure(&n, o).unwrap().summary.ceiling_share.unwrap();
        assert!(share(&honest) > 0.99, "{attack:?}: {}", share(&honest));
        let before = with_honest_homes(&honest, attackers);
        // Attackers that keep what they have to themselves take it from nobody: what they did not trade is not counted.
        let alone = |o: &Outcome| {
            let own = o.trades.iter();
            let own = own.filter(|t| attackers.contains(&t.seller) != attackers.contains(&t.buyer));
            own.map(|t| t.arrived.0).sum::<u64>()
        };
        let kept_away = alone(&honest).saturating_sub(alone(&attacked));
        let after = with_honest_homes(&attacked, attackers).saturating_add(kept_away);
        assert!(
            after as f64 >= 0.99 * before as f64,
            "{attack:?}: {after} of {before} Wh"
        );
    }
}

#[test]
fn an_attack_on_orders_that_nobody_opens_is_said() {
    let mut n = street(3, false);
    n.attackers = Some(Attackers {
        share: 0.1,
        attack: Attack::BreakingOrders,
    });
    let outcome = simulated(&n, 3);
    let notes = measure(&n, &outcome).unwrap().summary.notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("had nothing to break")),
        "{notes:?}"
    );
}

#[test]
fn attacks_are_made() {
    let outcome = |attack| {
        let mut n = street(5, attack == Attack::BreakingOrders);
        n.attackers = Some(Attackers { share: 0.3, attack });
        simulated(&n, 5)
    };
    let mut n = street(5, false);
    let honest = simulated(&n, 5);
    n.attackers = Some(Attackers {
        share: 0.0,
        attack: Attack::Hoarding,
    });
    assert_eq!(simulated(&n, 5).attackers, Vec::<u32>::new());
    let price = |o: &Outcome| {
        measure(&street(5, false), o)
            .unwrap()
            .summary
            .mean_price
            .unwrap()
    };
    let (need, surplus) = (outcome(Attack::FalseNeed), outcome(Attack::FalseSurplus));
    assert!(price(&need) > price(&honest), "false need makes it dearer");
    assert!(price(&surplus) < price(&honest), "false surplus cheaper");
    let offers = outcome(Attack::FalseOffers);
    assert!(
        offers.requests > honest.requests,
        "false offers are asked for"
    );
    let hoarding = outcome(Attack::Hoarding);
    assert!(incident(&hoarding, "forged_requests") > 100);
    assert!(incident(&hoarding, "transactions_kept_back") > 0);
    assert!(incident(&outcome(Attack::Defaulting), "sellers_without_tokens") > 0);
    assert!(incident(&outcome(Attack::BreakingOrders), "transactions_kept_back") > 0);
    let clique = outcome(Attack::Clique);
    let attacks = |home: u32| clique.attackers.contains(&home);
    assert!(clique
        .trades
        .iter()
        .all(|t| attacks(t.seller) == attacks(t.buyer)));
}
