//! The end of a run: orders are closed, feed-in is claimed, and every account is rebuilt from the events.

use crate::attack::attackers;
use crate::home::Home;
use crate::meters::energy;
use crate::setup::bad_sellers;
use crate::world::World;
use anyhow::Result;
use std::collections::BTreeMap;
use wattpool_core::io::TxFailure;
use wattpool_ledger_embedded::{OrderStep, Signatures};
use wattpool_report::gas::Message;
use wattpool_report::outcome::Timings;
use wattpool_report::Outcome;
use wattpool_rules::feed_in::credit;
use wattpool_schema::error::Code;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{Micro, Wh, Window};

impl World<'_> {
    /// Settles what is left and hands everything over.
    ///
    /// # Errors
    /// A query fails.
    pub fn finish(mut self) -> Result<Outcome> {
        self.close_orders();
        if self.books.finished == self.n.windows {
            self.claim_feed_in()?;
        }
        self.check_accounts()?;
        let book = self.ledger.book()?;
        let open = self.books.orders.len();
        self.books.check(
            open == 0 && book.locked.is_zero() || self.books.finished < self.n.windows,
            || {
                format!(
                    "{open} orders and {} micro-units are locked past their deadline",
                    book.locked
                )
            },
        );
        self.record_chain()?;
        let recorded = self.recorded.take();
        let journals = self.homes.iter().map(Home::journal_bytes).max();
        let journals = journals.unwrap_or(0);
        let counters = self.network.counters().clone();
        let books = self.books;
        let mut violations = books.violations;
        if books.violations_beyond > 0 {
            violations.push(format!("and {} more", books.violations_beyond));
        }
        let refused = books.refusals.values().sum();
        let mut faults = vec![
            ("crashes".to_owned(), self.faults.crashes),
            ("late_restarts".to_owned(), self.faults.late_restarts),
            ("sellers_without_tokens".to_owned(), self.faults.drains),
            ("halts".to_owned(), self.faults.halts),
            ("accounts_without_fees".to_owned(), self.faults.unfunded),
            ("unsent_for_want_of_fees".to_owned(), self.faults.unsent),
            (
                "requests_to_silent_sellers".to_owned(),
                self.faults.silences,
            ),
            ("wrong_readings".to_owned(), self.meters.wrong_readings),
            ("readings_not_believed".to_owned(), books.bad_readings),
            ("metering_gaps_left".to_owned(), books.gaps_left),
            ("heard_twice".to_owned(), self.faults.duplicates),
            ("forged_requests".to_owned(), self.faults.forged_requests),
            ("transactions_kept_back".to_owned(), self.faults.swallowed),
            ("messages_lost".to_owned(), counters.lost),
            ("gate_lifted".to_owned(), books.gate_lifted),
        ];
        faults.extend(
            books
                .refusals
                .iter()
                .map(|(code, n)| (format!("refused {code}"), *n)),
        );
        faults.retain(|(_, n)| *n > 0);
        Ok(Outcome {
            finished_windows: books.finished,
            minted_wh: books.minted,
            late_wh: books.late,
            largest_journal_bytes: self.largest_journal.max(journals),
            bought_wh: books.bought,
            sold_gross_wh: books.sold_gross,
            spent: books.spent,
            earned: books.earned,
            fees: books.fees,
            sent: books.till.sent,
            trades: books.rows,
            recorded,
            needs_served: books.needs_served,
            requests: books.requests,
            promised_wh: books.promised,
            carried: books.carried,
            line_loss_wh: self.n.feeders.as_ref().map(|_| self.physics.lost_wh),
            attackers: attackers(self.n, self.options.seed)
                .into_iter()
                .filter_map(|number| u32::try_from(number).ok())
                .collect(),
            missed_wh: books.missed,
            bad_sellers: bad_sellers(self.n, self.options.seed)
                .into_iter()
                .filter_map(|h| u32::try_from(h).ok())
                .collect(),
            approvals: books.approvals,
            lookups: counters.lookups,
            messages: counters.messages,
            transactions: books.transactions,
            refused_transactions: refused,
            faults,
            invariant_checks: books.checks,
            invariant_violations: violations,
            timings: Timings {
                ledger_s: self.ledger_clock.seconds,
                network_s: self.network_clock.seconds,
                choice_s: self.choice_clock.seconds,
                agent_s: (self.agent_clock.seconds - self.choice_clock.seconds).max(0.0),
                rest_s: 0.0,
            },
            threads: self.options.threads,
            signatures: match self.options.signatures {
                Signatures::Trusted => "trusted".to_owned(),
                Signatures::Verified => "verified".to_owned(),
            },
            seed: self.options.seed,
            state_hash: self.ledger.state_hash().to_string(),
            ..Outcome::default()
        })
    }

    /// Anyone may close ended orders; those whose agents did not are closed here.
    fn close_orders(&mut self) {
        let ended: Vec<_> = self.books.orders.keys().copied().collect();
        let block = self.ledger.block();
        for (buyer, trade_id) in ended {
            if let Some(home) = self.registry.number(&buyer) {
                self.books
                    .pay_order(home, (buyer, trade_id), OrderStep::Close);
            }
            match self.ledger.close_order(buyer, trade_id) {
                Ok(events) => {
                    for event in &events {
                        self.books.take(self.n, &self.registry, block, event);
                        self.record_event(block, None, event);
                    }
                }
                Err(failure) => self.books.refused(&failure),
            }
        }
    }

    /// Feed-in is confirmed and claimed; what is credited must be what was exported and not sold.
    fn claim_feed_in(&mut self) -> Result<()> {
        let last = self
            .n
            .first_window
            .plus(u64::try_from(self.n.windows).unwrap_or(0))
            .prev();
        // What was stated late is due with the window that was live then, the last of which is let end here.
        let block = self.ledger.block();
        let through = Window::at(block.time, self.n.window_s);
        let end = through.plus(2).start(self.n.window_s);
        self.ledger.begin_block(block.height.saturating_add(1), end);
        let mut fund = 1_000_000u64;
        for (window, t) in &self.books.totals {
            let kept = t.minted.saturating_sub(t.gross).saturating_add(t.late);
            fund = fund.saturating_add(credit(Wh(kept), self.tariffs_of(*window).feed_in)?.0);
        }
        self.ledger.confirm_feed_in(through, Micro(fund))?;
        let owners: Vec<_> = self.homes.iter().map(|h| h.account.owner.clone()).collect();
        let stranger = self.ledger.stranger();
        let mut credited: BTreeMap<Window, u64> = BTreeMap::new();
        let mut late_credited = 0u64;
        for (home, owner) in (0u32..).zip(owners.iter().chain(std::iter::once(&stranger))) {
            let mut of_owner = 0u64;
            // Each claim takes up to 100 windows; a year of hours is 88 of them.
            for _ in 0..self.n.windows.saturating_div(100).saturating_add(3) {
                match self.ledger.claim_feed_in(owner) {
                    Ok(events) => {
                        // The stranger after the last home is nobody's, and in no cell.
                        self.books.charge(home, last, Message::ClaimFeedIn);
                        let block = self.ledger.block();
                        for event in events {
                            self.record_event(block, None, &event);
                            if let MarketEvent::FeedInCredited(c) = event {
                                // Late credit is that of the window in which it was stated.
                                let sum = if c.late {
                                    &mut late_credited
                                } else {
                                    credited.entry(c.window).or_default()
                                };
                                *sum = sum.saturating_add(c.wh.0);
                                of_owner = of_owner.saturating_add(c.amount.0);
                            }
                        }
                    }
                    Err(TxFailure::Refused(Code::NothingDue)) => break,
                    Err(failure) => {
                        self.books.refused(&failure);
                        break;
                    }
                }
            }
            let money = self.ledger.feed_in(owner)?;
            self.books
                .check(money.paid.0 == of_owner && money.owed.is_zero(), || {
                    format!(
                        "feed-in of {owner}: credited {of_owner}, paid {}, owed {}",
                        money.paid, money.owed
                    )
                });
        }
        let totals = std::mem::take(&mut self.books.totals);
        let late: u64 = totals.values().map(|t| t.late).sum();
        self.books.check(late_credited == late, || {
            format!("{late} Wh were stated late, {late_credited} Wh of them credited")
        });
        for (window, t) in &totals {
            let expired = t.minted.saturating_sub(t.gross);
            let found = credited.get(window).copied().unwrap_or(0);
            self.books.check(found == expired, || {
                format!("window {window}: {expired} Wh were fed in, {found} Wh credited")
            });
        }
        self.books.totals = totals;
        Ok(())
    }

    /// Invariant 9: every account is what its events make it.
    fn check_accounts(&mut self) -> Result<()> {
        let windows = self.n.windows;
        let homes = self.homes.len();
        for home in 0..homes {
            let Some(h) = self.homes.get(home) else {
                continue;
            };
            let (owner, deposit) = (h.account.owner.clone(), h.deposit.0);
            let account = self.ledger.account(&owner)?;
            let cells = (0..windows).map(|w| w.saturating_mul(homes).saturating_add(home));
            let (mut spent, mut earned) = (0u64, 0u64);
            for cell in cells {
                spent = spent.saturating_add(self.books.spent.get(cell).copied().unwrap_or(0));
                earned = earned.saturating_add(self.books.earned.get(cell).copied().unwrap_or(0));
            }
            let expected = deposit.saturating_add(earned).checked_sub(spent);
            let there = account.free.saturating_add(account.locked).0;
            self.books.check(expected == Some(there), || {
                format!("home {home}: deposit {deposit} + earned {earned} - spent {spent} should be in the account, {there} is")
            });
            // Every window that has ended is stated, if the meter could be read at all.
            if self.n.faults == Default::default() {
                let unstated = (0..self.books.finished)
                    .map(|w| (w, w.saturating_mul(homes).saturating_add(home)))
                    .find(|(_, cell)| !self.books.stated.get(*cell).copied().unwrap_or(false));
                self.books.check(unstated.is_none(), || {
                    let window = unstated.map(|(w, _)| w).unwrap_or(0);
                    let (_, export) = energy(
                        self.n,
                        home,
                        self.n.first_window.plus(u64::try_from(window).unwrap_or(0)),
                    );
                    format!("home {home}: window {window} of {export} Wh was never stated")
                });
            }
        }
        Ok(())
    }
}
