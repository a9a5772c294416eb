//! The invariants of the market, checked window by window from running totals: the contracts' books must
//! agree with what their events said, and every home must be supplied.

use crate::books::Flows;
use crate::meters::energy;
use crate::world::World;
use anyhow::Result;
use wattpool_schema::Window;

impl World<'_> {
    /// Checks and closes every metered window whose trading has ended when `now` opens.
    pub fn check_closed_windows(&mut self, now: Window) -> Result<()> {
        // Window w is traded while w+1 runs: when w+2 opens, w is settled.
        while self.closed_to.plus(1) < now {
            let window = self.closed_to;
            self.check_window(window)?;
            self.check_money(window)?;
            self.closed_to = window.next();
            let done = self.closed_to.0.saturating_sub(self.n.first_window.0);
            self.books.finished = usize::try_from(done)
                .unwrap_or(usize::MAX)
                .min(self.n.windows);
        }
        Ok(())
    }

    /// Invariants 1 and 6.
    fn check_window(&mut self, window: Window) -> Result<()> {
        let token = self.ledger.token_window(window)?;
        let pool = self.ledger.pool_window(window)?;
        let t = self.books.totals.get(&window).copied().unwrap_or_default();
        let lost = t.gross.saturating_sub(t.net);
        let books = &mut self.books;
        books.check(
            token.minted.0 == t.minted && pool.minted.0 == t.minted,
            || {
                format!(
                    "window {window}: {} Wh minted by the events, {} by the token, {} by the pool",
                    t.minted, token.minted, pool.minted
                )
            },
        );
        books.check(
            token.redeemed.0 == t.net && pool.redeemed.0 == t.net,
            || {
                format!(
                    "window {window}: {} Wh arrived by the events, {} by the token, {} by the pool",
                    t.net, token.redeemed, pool.redeemed
                )
            },
        );
        books.check(token.lost.0 == lost && pool.sold.0 == t.gross, || {
            format!(
                "window {window}: {lost} Wh lost by the events, {} by the token",
                token.lost
            )
        });
        let expired = token
            .minted
            .0
            .checked_sub(token.redeemed.0)
            .and_then(|m| m.checked_sub(token.lost.0));
        books.check(expired.is_some_and(|e| token.credited.0 <= e), || {
            format!("window {window}: more left than was minted: {token:?}")
        });
        books.check(pool.late.0 == t.late && pool.paid.0 == t.paid, || {
            format!("window {window}: the pool's books {pool:?} are not {t:?}")
        });
        self.books.gates_after(self.n, window);
        for home in 0..self.n.homes.len() {
            let number = u32::try_from(home).unwrap_or(u32::MAX);
            let Some(cell) = self.books.cell(window, number) else {
                continue;
            };
            let (deficit, surplus) = energy(self.n, home, window);
            let traded = |of: &[u32]| of.get(cell).copied().map_or(0, u64::from);
            let now = Flows {
                deficit,
                surplus,
                bought: traded(&self.books.bought),
                sold: traded(&self.books.sold_gross),
            };
            let Some(so_far) = self.books.flows.get_mut(home) else {
                continue;
            };
            // Where readings can be wrong a window may be joined with those before it: what they left comes with its own.
            *so_far = if self.n.faults.wrong_readings > 0.0 {
                so_far.plus(now)
            } else {
                now
            };
            let f = *so_far;
            // What was not traded is the grid's: neither may be negative.
            self.books
                .check(f.bought <= f.deficit && f.sold <= f.surplus, || {
                    format!(
                        "window {window}: home {home} has traded more than it needed or had: {f:?}"
                    )
                });
        }
        Ok(())
    }

    /// Invariants 2, 3 and 5.
    fn check_money(&mut self, window: Window) -> Result<()> {
        let book = self.ledger.book()?;
        let (escrow, pool) = self.ledger.coins_held()?;
        let reserve = self.ledger.reserve()?;
        let owed = book
            .accounts
            .0
            .checked_add(book.locked.0)
            .and_then(|s| s.checked_add(book.charges.0));
        let (deposits, charges, head, trades) = (
            self.books.deposits,
            self.books.charges,
            self.books.head,
            self.books.trades(),
        );
        let books = &mut self.books;
        books.check(owed == Some(escrow.0), || {
            format!("window {window}: the escrow holds {escrow}, owes {owed:?}")
        });
        books.check(owed == Some(deposits), || {
            format!("window {window}: {deposits} were deposited, {owed:?} are there")
        });
        books.check(book.charges.0 == charges, || {
            format!(
                "window {window}: charges {} by the book, {charges} by the events",
                book.charges
            )
        });
        books.check(pool.0 >= reserve.reserve.0, || {
            format!(
                "window {window}: the pool holds {pool}, its reserve is {}",
                reserve.reserve
            )
        });
        books.check(book.head == head && book.trades == trades, || {
            format!("window {window}: the log is broken")
        });
        Ok(())
    }
}
