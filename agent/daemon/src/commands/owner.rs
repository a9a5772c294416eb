//! `wattpool-agent pause`, `resume` and `decide`.

use super::{At, Shown};
use crate::client::Client;
use crate::http::Decision;
use crate::Failure;
use serde_json::Value;

#[derive(clap::Args)]
pub struct Decide {
    #[command(flatten)]
    shown: Shown,
    /// The number of the trade, as status shows it.
    request: u64,
    /// Go on with it.
    #[arg(long, conflicts_with = "refuse", required_unless_present = "refuse")]
    accept: bool,
    /// Let it go.
    #[arg(long)]
    refuse: bool,
}

fn paused(at: &At, json: bool, path: &str, said: &str) -> Result<u8, Failure> {
    let answer: Value = Client::at(&at.config)?.post(path, &Value::Null)?;
    crate::print(&if json {
        crate::json(&answer)?
    } else {
        format!("{said}\n")
    })?;
    Ok(0)
}

pub fn pause(shown: &Shown) -> Result<u8, Failure> {
    paused(&shown.at, shown.json, "/v1/pause", "trading is paused")
}

pub fn resume(shown: &Shown) -> Result<u8, Failure> {
    paused(&shown.at, shown.json, "/v1/resume", "trading goes on")
}

pub fn decide(args: &Decide) -> Result<u8, Failure> {
    let decision = Decision {
        request: args.request,
        accept: args.accept,
    };
    let client = Client::at(&args.shown.at.config)?;
    let done: Decision = client.post("/v1/decide", &decision)?;
    crate::print(&if args.shown.json {
        crate::json(&done)?
    } else {
        let what = if done.accept { "accepted" } else { "refused" };
        format!("trade {} is {what}\n", done.request)
    })?;
    Ok(0)
}
