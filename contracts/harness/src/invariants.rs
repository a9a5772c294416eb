//! The market's invariants over its whole state. [`Market::check`] is cheap enough for after every message;
//! [`Market::check_all`] reads everything there is.

use crate::market::Market;
use crate::setup::DENOM;
use cw20::AllAccountsResponse;
use std::collections::BTreeMap;
use wattpool_schema::escrow::{self, BookResponse, OrderResponse, TradeRecord, TradesResponse};
use wattpool_schema::pool::{self, MeterResponse, MetersResponse, PoolWindow, ReserveResponse};
use wattpool_schema::record::record_digest;
use wattpool_schema::token::{self, CreditsResponse, TokenWindow};
use wattpool_schema::{Digest32, MeterId, TradeKind, Window};

/// A broken invariant, in words.
pub type Violation = String;

macro_rules! holds {
    ($left:expr, $op:tt, $right:expr, $($words:tt)+) => {{
        let (left, right) = ($left, $right);
        if !(left $op right) {
            return Err(format!("{}: {left:?} {} {right:?} is false", format!($($words)+), stringify!($op)));
        }
    }};
}

impl Market {
    /// Invariants 1, 2 and 5 as far as the live window, the books and the newest records show them.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(&self) -> Result<(), Violation> {
        self.check_money()?;
        self.check_reserve()?;
        self.check_live_energy()?;
        self.check_meters()
    }

    /// [`Self::check`], every past window, the whole log and all statistics.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check_all(&self) -> Result<(), Violation> {
        self.check()?;
        self.check_past_energy()?;
        let log = self.log();
        self.check_log(&log)?;
        self.check_statistics(&log)
    }

    /// The escrow owes what its accounts and orders say, and holds exactly that and what strangers sent.
    fn check_money(&self) -> Result<(), Violation> {
        let book: BookResponse = self.ask_escrow(&escrow::QueryMsg::Book {});
        let (mut free, mut locked) = (0, 0);
        for owner in &self.watch.accounts {
            let owner = owner.clone();
            let account: escrow::AccountResponse =
                self.ask_escrow(&escrow::QueryMsg::Account { owner });
            free += account.free.0;
            locked += account.locked.0;
        }
        holds!(free, ==, book.accounts.0, "free money of all accounts is the book's");
        holds!(locked, ==, book.locked.0, "locked money of all accounts is the book's");
        let mut in_orders = 0;
        for i in 0..self.homes.len() {
            for order in self.orders_of(i) {
                in_orders += order.locked.0;
                holds!(order.delivered.0, <=, order.wh.0 * (1 + order.last_window.0.saturating_sub(order.first_window.0)), "order within what was agreed");
                holds!(order.delivered_now.0, <=, order.wh.0, "order within a window's energy");
            }
        }
        holds!(in_orders, ==, book.locked.0, "locked money of all orders is the book's");
        let owed =
            u128::from(book.accounts.0) + u128::from(book.locked.0) + u128::from(book.charges.0);
        holds!(owed, ==, u128::try_from(self.watch.in_escrow).unwrap_or(0), "the book is deposits less withdrawals");
        let bank = self.bank(&self.escrow);
        let gifts = self.gifts(self.escrow.as_str());
        holds!(bank, ==, owed + gifts, "the escrow holds what it owes and was given");
        holds!(book.trades, ==, self.watch.closed, "number of trades");
        holds!(book.head, ==, self.watch.head, "head of the hash chain");
        holds!(book.orders, ==, self.watch.opened, "number of orders opened");
        Ok(())
    }

    /// The pool holds its reserve, and only funding and paying change it.
    fn check_reserve(&self) -> Result<(), Violation> {
        let reserve: ReserveResponse = self.ask_pool(&pool::QueryMsg::Reserve {});
        let watch = &self.watch;
        holds!(u128::from(reserve.funded.0), ==, watch.funded, "funded");
        holds!(u128::from(reserve.paid.0), ==, watch.feed_in_paid, "feed-in paid");
        holds!(u128::from(reserve.owed.0) + watch.feed_in_paid, ==, watch.feed_in, "feed-in owed and paid is what was credited");
        holds!(u128::from(reserve.reserve.0) + watch.feed_in_paid, ==, watch.funded, "reserve and paid is what was funded");
        let bank = self.bank(&self.pool);
        let gifts = self.gifts(self.pool.as_str());
        holds!(bank, ==, u128::from(reserve.reserve.0) + gifts, "the pool holds its reserve");
        holds!(self.bank(&self.token), ==, self.gifts(self.token.as_str()), "the token holds no {DENOM}");
        Ok(())
    }

    fn check_live_energy(&self) -> Result<(), Violation> {
        let live = self.live();
        let books = self.check_books(live)?;
        let left = books.minted.0 - books.redeemed.0 - books.lost.0;
        let mut held = 0;
        for address in self.holders() {
            let holding: token::HoldingResponse =
                self.ask_token(&token::QueryMsg::Holding { address });
            holds!(holding.window, ==, live, "window of a holding");
            held += holding.own.0 + holding.received.0;
        }
        holds!(held, ==, left, "live balances are minted - redeemed - lost");
        let info: cw20::TokenInfoResponse = self.ask_token(&token::QueryMsg::TokenInfo {});
        holds!(info.total_supply.u128(), ==, u128::from(left), "total supply");
        holds!(books.credited.0, ==, 0, "nothing live is credited");
        Ok(())
    }

    /// Token, pool and what was reported agree on a window.
    fn check_books(&self, window: Window) -> Result<TokenWindow, Violation> {
        let token: TokenWindow = self.ask_token(&token::QueryMsg::Window { window });
        let pool: PoolWindow = self.ask_pool(&pool::QueryMsg::Window { window });
        let seen = self.watch.windows.get(&window).copied().unwrap_or_default();
        holds!(token.minted, ==, pool.minted, "minted in window {window}");
        holds!(token.redeemed, ==, pool.redeemed, "redeemed in window {window}");
        holds!(token.redeemed.0 + token.lost.0, ==, pool.sold.0, "sold in window {window}");
        holds!(token.minted.0, ==, seen.minted, "stated and minted in window {window}");
        holds!(pool.late.0, ==, seen.late, "stated late in window {window}");
        holds!(pool.redeemed.0, ==, seen.net, "delivered in window {window}");
        holds!(pool.sold.0, ==, seen.gross, "sent in window {window}");
        holds!(pool.paid.0, ==, seen.paid, "paid in window {window}");
        holds!(token.redeemed.0 + token.lost.0, <=, token.minted.0, "no more used than minted in window {window}");
        Ok(token)
    }

    /// No meter above its registration; sold within minted, redeemed within covered.
    fn check_meters(&self) -> Result<(), Violation> {
        let live = self.live();
        let (mut minted, mut sold, mut redeemed) = (0, 0, 0);
        for m in self.meters() {
            let p = &m.position;
            holds!(p.minted, <=, m.max_export, "minted within registration of {}", m.meter);
            holds!(p.sold, <=, p.minted, "sold within minted of {}", m.meter);
            holds!(p.covered, <=, m.max_import, "covered within registration of {}", m.meter);
            holds!(p.redeemed, <=, p.covered, "redeemed within covered of {}", m.meter);
            holds!(p.skipped.len(), <=, 8, "skipped ranges of {}", m.meter);
            if p.minted_window == live {
                minted += p.minted.0;
                sold += p.sold.0;
            }
            if p.cover_window == live {
                redeemed += p.redeemed.0;
            }
        }
        let books: PoolWindow = self.ask_pool(&pool::QueryMsg::Window { window: live });
        holds!(minted, ==, books.minted.0, "minted by all meters");
        holds!(sold, ==, books.sold.0, "sold by all meters");
        holds!(redeemed, ==, books.redeemed.0, "redeemed by all meters");
        Ok(())
    }

    /// Of every past window: credited and still untouched is what expired.
    fn check_past_energy(&self) -> Result<(), Violation> {
        let live = self.live();
        let mut credits: BTreeMap<Window, u64> = BTreeMap::new();
        for address in self.holders() {
            let mut after = None;
            loop {
                let page: CreditsResponse = self.ask_token(&token::QueryMsg::Credits {
                    address: address.clone(),
                    after,
                    through: live.prev(),
                    limit: Some(30),
                });
                for credit in &page.credits {
                    holds!(Some(credit.window), >, after, "credits ascend");
                    after = Some(credit.window);
                    *credits.entry(credit.window).or_default() += credit.wh.0;
                }
                if page.credits.is_empty() {
                    break;
                }
            }
        }
        for window in self.watch.windows.keys().filter(|w| **w < live) {
            let books = self.check_books(*window)?;
            let expired = books.minted.0 - books.redeemed.0 - books.lost.0;
            let credit = credits.remove(window).unwrap_or_default();
            holds!(credit, ==, expired, "credit of window {window} is what expired");
            holds!(books.credited.0, <=, expired, "credited of window {window}");
        }
        holds!(credits.len(), ==, 0, "no credit without a statement: {credits:?}");
        Ok(())
    }

    /// The log as stored chains up to the head; the indices lead to the same records; its sums are the
    /// windows' books (orders that run have delivered but are not logged).
    fn check_log(&self, log: &[TradeRecord]) -> Result<(), Violation> {
        let mut head = Digest32::default();
        let mut spot: BTreeMap<Window, u64> = BTreeMap::new();
        for (i, record) in log.iter().enumerate() {
            holds!(record.sequence, ==, i as u64, "place in the log");
            head = record_digest(&head, record);
            if record.kind == TradeKind::Spot {
                *spot.entry(record.window).or_default() += record.arrived.0;
            }
            let status: escrow::TradeStatus = self.ask_escrow(&escrow::QueryMsg::TradeOf {
                buyer: record.buyer,
                trade_id: record.trade_id,
            });
            let closed = escrow::TradeStatus::Closed {
                record: Box::new(record.clone()),
            };
            holds!(status, ==, closed, "the buyer's index");
        }
        holds!(head, ==, self.watch.head, "the log chains up to the head");
        for (window, net) in spot {
            let seen = self.watch.windows.get(&window).copied().unwrap_or_default();
            holds!(net, <=, seen.net, "spot trades of window {window} within what was delivered");
        }
        let arrived: u64 = log.iter().map(|r| r.arrived.0).sum();
        let open: u64 = (0..self.homes.len())
            .flat_map(|i| self.orders_of(i))
            .map(|o| o.delivered.0)
            .sum();
        let delivered: u64 = self.watch.windows.values().map(|w| w.net).sum();
        holds!(arrived + open, ==, delivered, "closed trades and open orders are all that was delivered");
        for home in &self.homes {
            let meter = home.meter;
            self.check_index(log, meter)?;
        }
        Ok(())
    }

    fn check_index(&self, log: &[TradeRecord], meter: MeterId) -> Result<(), Violation> {
        let mut bought: Vec<&TradeRecord> = log.iter().filter(|r| r.buyer == meter).collect();
        bought.sort_by_key(|r| r.trade_id);
        let mut sold: Vec<&TradeRecord> = log.iter().filter(|r| r.seller == meter).collect();
        sold.sort_by_key(|r| r.nonce);
        let (start_after, limit) = (None, Some(100));
        let purchases: TradesResponse = self.ask_escrow(&escrow::QueryMsg::Purchases {
            meter,
            start_after,
            limit,
        });
        let sales: TradesResponse = self.ask_escrow(&escrow::QueryMsg::Sales {
            meter,
            start_after,
            limit,
        });
        let first: Vec<&TradeRecord> = bought.into_iter().take(100).collect();
        holds!(purchases.trades.iter().collect::<Vec<_>>(), ==, first, "purchases of {meter}");
        let first: Vec<&TradeRecord> = sold.into_iter().take(100).collect();
        holds!(sales.trades.iter().collect::<Vec<_>>(), ==, first, "sales of {meter}");
        Ok(())
    }

    /// Statistics never say more than the log.
    fn check_statistics(&self, log: &[TradeRecord]) -> Result<(), Violation> {
        for i in 0..self.homes.len() {
            let meter = self.homes[i].meter;
            let s = self.book_of(i).statistics;
            let sum = |f: fn(&TradeRecord) -> u64| -> u64 {
                log.iter().filter(|r| r.seller == meter).map(f).sum()
            };
            holds!(s.sales, <=, sum(|_| 1), "sales of {meter}");
            holds!(s.arrived.0, <=, sum(|r| r.arrived.0), "arrived of {meter}");
            holds!(s.asked.0, <=, sum(|r| r.asked.0 - r.declined.0), "asked of {meter}");
            holds!(s.missed.0, <=, sum(|r| r.missed.0), "missed of {meter}");
            holds!(s.arrived.0 + s.missed.0, <=, s.asked.0, "arrived and missed within asked of {meter}");
            holds!(s.wh_seconds, <=, s.arrived.0 * 86_400, "durations of {meter}");
            let bought: u64 = log
                .iter()
                .filter(|r| r.buyer == meter)
                .map(|r| r.arrived.0)
                .sum();
            holds!(s.bought.0, <=, bought, "bought by {meter}");
        }
        Ok(())
    }

    fn gifts(&self, to: &str) -> u128 {
        self.watch.gifts.get(to).copied().unwrap_or_default()
    }

    /// All who ever held tokens.
    pub fn holders(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        loop {
            let page: AllAccountsResponse = self.ask_token(&token::QueryMsg::AllAccounts {
                start_after: all.last().cloned(),
                limit: Some(30),
            });
            if page.accounts.is_empty() {
                return all;
            }
            all.extend(page.accounts);
        }
    }

    /// All meters of the pool.
    pub fn meters(&self) -> Vec<MeterResponse> {
        let mut all: Vec<MeterResponse> = Vec::new();
        loop {
            let page: MetersResponse = self.ask_pool(&pool::QueryMsg::Meters {
                start_after: all.last().map(|m| m.meter),
                limit: Some(100),
            });
            let full = page.meters.len() == 100;
            all.extend(page.meters);
            if !full {
                return all;
            }
        }
    }

    /// Standing orders that home `i` buys by.
    pub fn orders_of(&self, i: usize) -> Vec<OrderResponse> {
        self.book_of(i)
            .buys
            .iter()
            .map(|order| {
                self.ask_escrow(&escrow::QueryMsg::Order {
                    buyer: order.buyer,
                    trade_id: order.trade_id,
                })
            })
            .collect()
    }

    /// The whole log.
    pub fn log(&self) -> Vec<TradeRecord> {
        let mut log: Vec<TradeRecord> = Vec::new();
        loop {
            let page: TradesResponse = self.ask_escrow(&escrow::QueryMsg::Trades {
                start_after: log.last().map(|r| r.sequence),
                limit: Some(100),
            });
            if page.trades.is_empty() {
                return log;
            }
            log.extend(page.trades);
        }
    }
}
