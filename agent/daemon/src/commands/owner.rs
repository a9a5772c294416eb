//! `wattpool-agent pause`, `resume` and `decide`.

use super::{At, Shown};
use crate::client::Client;
use crate::http::api::{Decision, Pause};
use crate::Failure;

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("answer").required(true)))]
pub struct Decide {
    #[command(flatten)]
    shown: Shown,
    /// The number of the trade, as status shows it.
    request: u64,
    /// Go on with it.
    #[arg(long, group = "answer")]
    accept: bool,
    /// Let it go.
    #[arg(long, group = "answer")]
    refuse: bool,
}

fn paused(at: &At, json: bool, paused: bool, said: &str) -> Result<u8, Failure> {
    let asked = Pause { paused };
    let answer: Pause = Client::at(&at.config)?.post("/api/v1/pause", &asked)?;
    crate::print(&if json {
        crate::json(&answer)?
    } else {
        format!("{said}\n")
    })?;
    Ok(0)
}

pub fn pause(shown: &Shown) -> Result<u8, Failure> {
    paused(&shown.at, shown.json, true, "trading is paused")
}

pub fn resume(shown: &Shown) -> Result<u8, Failure> {
    paused(&shown.at, shown.json, false, "trading goes on")
}

pub fn decide(args: &Decide) -> Result<u8, Failure> {
    let decision = Decision {
        request: args.request,
        accept: args.accept,
    };
    let client = Client::at(&args.shown.at.config)?;
    let done: Decision = client.post("/api/v1/approvals", &decision)?;
    crate::print(&if args.shown.json {
        crate::json(&done)?
    } else {
        let what = if done.accept { "accepted" } else { "refused" };
        format!("trade {} is {what}\n", done.request)
    })?;
    Ok(0)
}
