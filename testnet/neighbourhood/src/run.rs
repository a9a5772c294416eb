//! One whole run on a network with a market: furnished, traded, paid, checked and compared.

use anyhow::{ensure, Result};
use std::time::Duration;
use wattpool_ledger_wasmd::Market;
use wattpool_report::Summary;
use wattpool_runtime::Counters;
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::{Micro, Wh};

use crate::agree::{differences, embedded};
use crate::books::Books;
use crate::chain::Chain;
use crate::check::{contracts, feed_in_due};
use crate::household::Household;
use crate::lines::{self, Requests};
use crate::trade::{trade, Recorder};

/// What is put into the feed-in reserve beyond what is due, micro-units.
const SPARE: u64 = 1_000;

/// What a run showed.
pub struct Shown {
    /// What is not as it must be, one line each.
    pub found: Vec<String>,
    /// Figures of the run on the chain.
    pub chain: Summary,
    /// Figures of the same input in the simulator.
    pub embedded: Summary,
    /// What each home's runtime counted.
    pub counters: Vec<Counters>,
    /// Requests over lines of limited capacity.
    pub over_lines: usize,
    /// The most that arrived over one of them in a window.
    pub carried: Wh,
}

/// Lets a neighbourhood live on a chain, and compares with the simulator. The terms are those that the chain has.
///
/// # Errors
/// The chain refuses what must succeed, or is too slow to say anything of the market.
pub async fn run(
    chain: &Chain,
    market: &Market,
    n: &Neighbourhood,
    pace: Duration,
) -> Result<Shown> {
    let n = chain.with_terms(market, n).await?;
    let households = Household::all(&n)?;
    let mut recorder = Recorder::new(chain, market, chain.head().await?);
    let fees = chain.furnish(market, &n, &households).await?;
    let requests = Requests::default();
    let traded = trade(
        chain,
        market,
        &n,
        &households,
        pace,
        &mut recorder,
        &requests,
    );
    let (on_chain, counters) = traded.await?;

    let books = Books::of(&on_chain, &households, recorder.events());
    let (due, owners) = feed_in_due(&on_chain, market, &households, &books)?;
    let fund = Micro(due.0 + SPARE);
    chain.pay_feed_in(market, &on_chain, fund, &owners).await?;
    recorder.up_to(chain.head().await?.height).await?;
    let books = Books::of(&on_chain, &households, recorder.events());
    let mut found = contracts(chain, market, &on_chain, &households, &fees, &books).await?;

    let zones = lines::zones(&on_chain, &households);
    let (over_lines, carried, wrong) =
        lines::check(&on_chain, &zones, recorder.events(), &requests.all());
    found.extend(wrong);
    let outcome = books.outcome();
    let simulated = embedded(&n)?;
    let compared = differences((&on_chain, &outcome), (&n, &simulated))?;
    found.extend(compared.0);
    let [chain, embedded] = compared.1;
    ensure!(
        simulated.minted_wh.iter().any(|wh| *wh > 0),
        "nothing was exported: nothing is shown"
    );
    Ok(Shown {
        found,
        chain,
        embedded,
        counters,
        over_lines,
        carried,
    })
}

impl Shown {
    /// The figures in words, a line each.
    pub fn words(&self) -> String {
        let share = |s: &Summary| s.ceiling_share.unwrap_or(0.0) * 100.0;
        let mut words = format!(
            "of {} Wh that could be traded: {} Wh in {} trades on the chain ({:.2} %), {} Wh in {} trades in the \
             simulator ({:.2} %)\n",
            self.embedded.ceiling_wh.round(),
            self.chain.traded_wh,
            self.chain.trades,
            share(&self.chain),
            self.embedded.traded_wh,
            self.embedded.trades,
            share(&self.embedded),
        );
        if self.over_lines > 0 {
            words.push_str(&format!(
                "{} requests over limited lines, which carried {} Wh in a window at most\n",
                self.over_lines, self.carried
            ));
        }
        for (number, c) in self.counters.iter().enumerate() {
            words.push_str(&format!(
                "home {number}: {} windows ({} missed), {} transactions ({} refused, {} lost), {} requests, {} \
                 answers, bought {} Wh, sold {} Wh\n",
                c.windows,
                c.windows_missed,
                c.transactions,
                c.transactions_refused,
                c.transactions_lost,
                c.requests_sent,
                c.answers,
                c.bought_wh,
                c.sold_wh,
            ));
        }
        words
    }
}
