//! Starting, and starting again: what was journalled goes on where it stopped.

use super::selling::Reservation;
use super::{Agent, Intent, Out};
use crate::io::{JournalEntry, MarketTx, Millis, Timer};
use crate::metering::Metered;
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::peer::Answer;
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{SignedApproval, TradeKind, Wh};

/// What a restart brought, until the running window is known.
#[derive(Debug)]
pub(super) struct Recovered {
    position: MeterPosition,
    approvals: Vec<(u64, SignedApproval)>,
    trades: Vec<SettleTrade>,
}

/// Numbers that a window's share of its length is turned into, so that a restart does not use a request's number again.
const NUMBERS: u64 = 60_000;

impl Agent {
    pub(super) fn restart(
        &mut self,
        now: Millis,
        journal: Vec<JournalEntry>,
        position: &MeterPosition,
        out: &mut Out,
    ) {
        self.next_intent = now.0;
        let mut recovered = Recovered {
            position: position.clone(),
            approvals: Vec::new(),
            trades: Vec::new(),
        };
        for entry in journal {
            match entry {
                JournalEntry::Metered {
                    reading,
                    deficit,
                    carried,
                    statement,
                } => {
                    self.metering.resume(reading, carried);
                    let surplus = statement.statement.export_wh;
                    self.stating.resume(
                        Metered {
                            reading,
                            surplus,
                            deficit,
                            carried,
                        },
                        statement,
                        position.stated,
                    );
                    self.forecast.add(reading.window, surplus, deficit);
                }
                // It was taken then; a reading behind it makes an end of it.
                JournalEntry::Exchanged { window, exchange } => {
                    let _ = self.metering.exchange(&exchange, window);
                    let _ = self.metering.noted();
                }
                JournalEntry::Approved { request, approval } => {
                    if approval.approval.kind == TradeKind::Forward {
                        self.orders.resume_promise(&approval.approval);
                    }
                    recovered.approvals.push((request, approval));
                }
                JournalEntry::Settling(trade) => recovered.trades.push(*trade),
                JournalEntry::Ordering(order) => self.orders.resume_opening(*order),
                JournalEntry::Policy(policy) => {
                    self.policy = *policy;
                    self.policy_known = true;
                }
                JournalEntry::Learned(learned) => self.learning.resume(*learned),
                JournalEntry::Partners(partners) => self.partners = *partners,
            }
        }
        self.stating.at_least(position.sequence);
        for order in self.orders.reopen() {
            let trade_id = order.trade_id;
            self.submit(
                Intent::Open { trade_id },
                MarketTx::OpenOrder(Box::new(order)),
                out,
            );
        }
        self.recovered = Some(recovered);
        // Windows may have passed: the meter has them.
        self.schedule(now, Timer::Meter, 1, out);
    }

    /// Takes up the running window where it was left: promises, answers, and trades on their way.
    pub(super) fn recover_window(&mut self, now: Millis, out: &mut Out) {
        let Some(recovered) = self.recovered.take() else {
            return;
        };
        let live = self.selling.window;
        let elapsed = self.terms.as_ref().map_or(0, |t| {
            // The block may be the window's first: the local clock, roughly block time, tells how late it is.
            let time = self
                .chain_now(now)
                .0
                .max(now.0.checked_div(1000).unwrap_or(0));
            time.saturating_sub(t.now.start(self.market.window_s).0)
                .saturating_mul(NUMBERS)
        });
        let used = elapsed
            .checked_div(u64::from(self.market.window_s.max(1)))
            .unwrap_or(0)
            .min(NUMBERS);
        self.buying.ids = u16::try_from(used).unwrap_or(u16::MAX);
        let p = &recovered.position;
        if p.minted_window == live && p.stated == Some(live) {
            self.selling.minted = p.minted;
            self.selling.tokenised = true;
            self.selling.sold = p.sold;
            self.hold_for_orders(now, out);
        }
        if p.cover_window == live {
            self.buying.bought = p.redeemed;
            self.buying.covered = p.redeemed;
        }
        for (request, approval) in recovered.approvals {
            let a = &approval.approval;
            if a.nonce >> 16 == live.0 {
                let counter = u16::try_from(a.nonce & 0xffff).unwrap_or(u16::MAX);
                self.selling.nonces = self.selling.nonces.max(counter);
            }
            if a.kind == TradeKind::Spot && a.first_window == live {
                // It may be used already and counted in `sold`; until its expiry that is held twice, not sold twice.
                self.selling.reservations.push(Reservation {
                    buyer: a.buyer,
                    nonce: a.nonce,
                    wh: a.wh,
                    gross: a.max_gross,
                    expires_at: a.expires_at,
                    given_at: None,
                });
                out.push(crate::io::Command::WatchBlock {
                    after: a.expires_at,
                });
                self.selling
                    .answers
                    .push((a.buyer, request, Answer::Approved(approval)));
            }
        }
        for trade in recovered.trades {
            if trade.approval.approval.first_window == live {
                let number = u16::try_from(trade.trade_id & 0xffff).unwrap_or(u16::MAX);
                self.buying.ids = self.buying.ids.max(number);
                let covered = trade.cover.as_ref().map_or(Wh::ZERO, |c| c.cover.import_wh);
                self.buying.covered = self.buying.covered.max(covered);
                // A thin line may have made it less: the last word under an id counts.
                self.buying
                    .settling
                    .retain(|s| s.trade.trade_id != trade.trade_id);
                self.buying.settling.push(super::buying::Settling {
                    trade,
                    in_flight: false,
                    recovered: true,
                    about: None,
                });
            }
        }
        self.resubmit_settles(now, out);
    }
}
