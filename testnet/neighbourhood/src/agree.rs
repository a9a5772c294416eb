//! The run on the chain against the same input in the simulator.

use anyhow::Result;
use std::sync::atomic::AtomicBool;
use wattpool_report::{measure, Outcome, Summary};
use wattpool_scenario::model::Neighbourhood;
use wattpool_simulator::{run, RunOptions, Signatures};

/// The share of the ceiling may be this much less on the chain than in the simulator. Both run the same agents on the
/// same energies, but on a chain the machine decides who comes first: when a block comes and which answer is read
/// first. Whoever meets a seller that has just promised its last Wh asks the next one in a later round, and what
/// is left for the last round of a window is not always worth a trade or in time for it.
pub const TOLERANCE: f64 = 0.03;

/// The simulator's run.
///
/// # Errors
/// The simulator refuses the input.
pub fn embedded(n: &Neighbourhood) -> Result<Outcome> {
    let options = RunOptions {
        seed: 1,
        threads: 1,
        signatures: Signatures::Verified,
        record: false,
    };
    run(n, &options, &AtomicBool::new(false), &mut |_| {})
}

/// What does not agree, one line each, and the figures of both: the chain's first. `on_chain` is the neighbourhood at
/// the times of the chain, `n` at the simulator's.
///
/// # Errors
/// An outcome does not fit its neighbourhood.
pub fn differences(
    on_chain: (&Neighbourhood, &Outcome),
    simulated: (&Neighbourhood, &Outcome),
) -> Result<(Vec<String>, [Summary; 2])> {
    let chain = measure(on_chain.0, on_chain.1)?.summary;
    let embedded = measure(simulated.0, simulated.1)?.summary;
    let mut found = Vec::new();
    for (name, summary) in [("chain", &chain), ("simulator", &embedded)] {
        found.extend(summary.violations.iter().map(|v| format!("{name}: {v}")));
        let (Some(share), true) = (summary.ceiling_share, summary.finished) else {
            found.push(format!("{name}: no share of the ceiling"));
            continue;
        };
        if share > 1.0 {
            found.push(format!("{name}: {share} of what could be delivered was"));
        }
    }
    let homes = simulated.0.homes.len();
    let minted = on_chain.1.minted_wh.iter().zip(&simulated.1.minted_wh);
    for (cell, (there, here)) in minted.enumerate() {
        if there != here {
            let (window, home) = (cell / homes, cell % homes);
            found.push(format!(
                "home {home}, window {window}: {there} Wh minted on the chain, {here} in the simulator"
            ));
        }
    }
    // What is metered is the input itself; the ceiling follows from it and the terms.
    let figures = [
        (
            "cells",
            on_chain.1.minted_wh.len() as u64,
            simulated.1.minted_wh.len() as u64,
        ),
        ("demand", chain.demand_wh, embedded.demand_wh),
        ("generation", chain.generation_wh, embedded.generation_wh),
        ("own use", chain.own_use_wh, embedded.own_use_wh),
        (
            "deficit",
            chain.grid_import_without_trading_wh,
            embedded.grid_import_without_trading_wh,
        ),
        (
            "surplus",
            chain.feed_in_without_trading_wh,
            embedded.feed_in_without_trading_wh,
        ),
    ];
    for (what, there, here) in figures {
        if there != here {
            found.push(format!(
                "{what}: {there} on the chain, {here} in the simulator"
            ));
        }
    }
    if (chain.ceiling_wh - embedded.ceiling_wh).abs() > 1e-6 {
        found.push(format!(
            "ceiling: {} on the chain, {} in the simulator",
            chain.ceiling_wh, embedded.ceiling_wh
        ));
    }
    let share = |summary: &Summary| summary.ceiling_share.unwrap_or(0.0);
    if share(&chain) < share(&embedded) - TOLERANCE {
        found.push(format!(
            "share of the ceiling: {:.3} on the chain, {:.3} in the simulator",
            share(&chain),
            share(&embedded)
        ));
    }
    Ok((found, [chain, embedded]))
}
