//! `wattpool choose`: the choice of a trade, for people, tests and other programs.

use crate::{print, Failure};
use clap::ValueEnum;
use std::io::Read;
use std::time::Instant;
use wattpool_optimizer::problem_file::{parse, Answer};
use wattpool_optimizer::{Method, Settings, Workspace};

/// How to search.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    /// Exact where that is cheaper than evolving, genetic otherwise.
    Auto,
    /// The genetic algorithm.
    Ga,
    /// The exact search.
    Exact,
}

/// Chooses the best trade for a need among offers.
#[derive(clap::Args)]
pub struct Args {
    /// Problem as JSON: a file, or - for standard input.
    #[arg(long, value_name = "FILE|-")]
    problem: String,
    /// How to search.
    #[arg(long, value_enum, default_value = "auto")]
    method: How,
    /// Seed of the genetic algorithm.
    #[arg(long, value_name = "S", default_value_t = 0, allow_negative_numbers = true, value_parser = wattpool_program::whole)]
    seed: u64,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Reads the problem and prints the answer.
///
/// # Errors
/// The file cannot be read or is no problem (exit code 2).
pub fn run(args: &Args) -> Result<u8, Failure> {
    let standard_input = args.problem == "-";
    let name = if standard_input {
        "standard input"
    } else {
        &args.problem
    };
    let mut text = String::new();
    let read = if standard_input {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(name).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|e| {
        Failure::input(anyhow::anyhow!(
            "{name}: cannot be read ({e}); expected a problem in JSON"
        ))
    })?;
    let problem = parse(name, &text).map_err(Failure::input)?;
    let method = match args.method {
        How::Auto => Method::Auto,
        How::Ga => Method::Ga,
        How::Exact => Method::Exact,
    };
    let mut workspace = Workspace::new();
    let begun = Instant::now();
    let mut answer = problem.solve(
        &Settings {
            method,
            seed: args.seed,
            ..Settings::default()
        },
        &mut workspace,
    );
    answer.elapsed_us = Some(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    if args.json {
        print(&format!("{}\n", serde_json::to_string(&answer)?))?;
    } else {
        print(&human(&answer))?;
    }
    Ok(0)
}

/// The answer for people.
fn human(answer: &Answer) -> String {
    let delivered: u64 = answer.plan.iter().map(|d| d.delivered_wh).sum();
    let sellers = match answer.sellers {
        1 => "1 seller".to_owned(),
        n => format!("{n} sellers"),
    };
    let mut text = if answer.covered {
        let best = if answer.optimal {
            "the best there is"
        } else {
            "the best that was found"
        };
        format!(
            "{delivered} Wh from {sellers}, score {:.4} ({best}):\n",
            answer.score
        )
    } else {
        format!("The need cannot be covered; the most that can be had is {delivered} Wh from {sellers}:\n")
    };
    for delivery in &answer.plan {
        text.push_str(&format!(
            "  {}: {} Wh arrive\n",
            delivery.id, delivery.delivered_wh
        ));
    }
    text
}
