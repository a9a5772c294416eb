//! The contracts' own books, held against those that their events make.

use anyhow::Result;
use serde_json::Value;
use wattpool_ledger_wasmd::rpc::Rpc;
use wattpool_ledger_wasmd::Market;
use wattpool_rules::feed_in::credit;
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::escrow::{AccountResponse, BookResponse};
use wattpool_schema::pool::{PoolWindow, ReserveResponse};
use wattpool_schema::token::TokenWindow;
use wattpool_schema::{escrow, pool, token, Micro, Wh};

use crate::books::Books;
use crate::chain::{Chain, COINS};
use crate::household::Household;
use crate::street::{net, tariffs};

/// What feed-in is to be paid: in all, and the owners of something.
///
/// # Errors
/// An amount does not fit.
pub fn feed_in_due(
    n: &Neighbourhood,
    market: &Market,
    households: &[Household],
    books: &Books,
) -> Result<(Micro, Vec<String>)> {
    let (mut fund, mut owners) = (0, Vec::new());
    for household in households {
        let mut due = 0;
        for unsold in books.unsold(household.number) {
            due += credit(Wh(unsold), tariffs(n).1)?.0;
        }
        if due > 0 {
            owners.push(
                household
                    .owner(&market.address_prefix)?
                    .address()
                    .to_owned(),
            );
        }
        fund += due;
    }
    Ok((Micro(fund), owners))
}

/// What the contracts, and the bank, say differently from the events, one line each. Feed-in has been paid.
///
/// # Errors
/// The chain does not answer.
pub async fn contracts(
    chain: &Chain,
    market: &Market,
    n: &Neighbourhood,
    households: &[Household],
    fees: &[u128],
    books: &Books,
) -> Result<Vec<String>> {
    let mut check = Check {
        rpc: chain.client().rpc(),
        market,
        books,
        found: books.violations.clone(),
    };
    check.energy(n).await?;
    check.money().await?;
    check.accounts(households, fees).await?;
    check.needs(n);
    Ok(check.found)
}

struct Check<'a> {
    rpc: &'a Rpc,
    market: &'a Market,
    books: &'a Books,
    found: Vec<String>,
}

impl Check<'_> {
    fn same<T: PartialEq + std::fmt::Display>(&mut self, what: &str, there: T, expected: T) {
        if there != expected {
            let line = format!("{what}: {there} on the chain, {expected} by the events");
            self.found.push(line);
        }
    }

    /// Energy is conserved: minted = redeemed + lost + expired, in every window.
    async fn energy(&mut self, n: &Neighbourhood) -> Result<()> {
        let mut late = 0;
        for row in 0..n.windows {
            let window = n.first_window.plus(row as u64);
            let of = self.books.sums.get(&window).copied().unwrap_or_default();
            let question = token::QueryMsg::Window { window };
            let token: TokenWindow = self
                .rpc
                .smart(&self.market.token.address, &question)
                .await?;
            let question = pool::QueryMsg::Window { window };
            let pool: PoolWindow = self.rpc.smart(&self.market.pool.address, &question).await?;
            let lost = of.gross.saturating_sub(of.net);
            let figures = [
                ("minted by the token", token.minted.0, of.minted),
                ("minted by the pool", pool.minted.0, of.minted),
                ("stated late", pool.late.0, of.late),
                ("redeemed by the token", token.redeemed.0, of.net),
                ("redeemed by the pool", pool.redeemed.0, of.net),
                ("lost", token.lost.0, lost),
                ("sold", pool.sold.0, of.gross),
                ("paid", pool.paid.0, of.paid),
            ];
            for (what, there, expected) in figures {
                self.same(&format!("window {row}, {what}"), there, expected);
            }
            // All owners have claimed what expired in their hands.
            let ends = token.redeemed.0 + token.lost.0 + of.credited;
            if ends != token.minted.0 {
                self.found.push(format!(
                    "window {row}: {} Wh minted, but redeemed, lost and credited {ends}",
                    token.minted
                ));
            }
            late += of.late;
            // The token books an account's expired tokens when the account is touched again.
            if token.credited.0 > of.credited {
                self.found.push(format!(
                    "window {row}: {} Wh expired by the token, {} Wh were credited",
                    token.credited, of.credited
                ));
            }
        }
        self.same("late and credited", self.books.late_credited, late);
        Ok(())
    }

    /// Money is conserved, and the log is what the events said.
    async fn money(&mut self) -> Result<()> {
        let denom = &self.market.denom;
        let (escrow, pool) = (&self.market.escrow.address, &self.market.pool.address);
        let book: BookResponse = self.rpc.smart(escrow, &escrow::QueryMsg::Book {}).await?;
        let reserve: ReserveResponse = self.rpc.smart(pool, &pool::QueryMsg::Reserve {}).await?;
        let held = self.rpc.balance(escrow, denom).await?;
        let reserved = self.rpc.balance(pool, denom).await?;
        let deposits: u64 = self.books.money.values().map(|(paid_in, _)| paid_in).sum();
        let fed_in: u64 = self
            .books
            .money
            .values()
            .map(|(_, paid_out)| paid_out)
            .sum();
        let owed = book.accounts.0 + book.locked.0 + book.charges.0;
        self.same("coins of the escrow", held, u128::from(deposits));
        self.same("what the escrow owes", owed, deposits);
        self.same("charges", book.charges.0, self.books.charges);
        self.same("locked money", book.locked.0, 0);
        self.same("closed trades", book.trades, self.books.trades());
        self.same("head of the log", book.head, self.books.head);
        self.same("feed-in paid", reserve.paid.0, fed_in);
        self.same("the reserve", reserve.reserve.0 + fed_in, reserve.funded.0);
        self.same("coins of the pool", reserved, reserve.reserve.0.into());
        Ok(())
    }

    /// Every account is the sum of its events, and so are its owner's coins.
    async fn accounts(&mut self, households: &[Household], fees: &[u128]) -> Result<()> {
        for household in households {
            let home = household.number;
            let owner = household.owner(&self.market.address_prefix)?;
            let owner = owner.address().to_owned();
            let question = escrow::QueryMsg::Account {
                owner: owner.clone(),
            };
            let escrow = &self.market.escrow.address;
            let account: AccountResponse = self.rpc.smart(escrow, &question).await?;
            let (spent, earned) = self.books.spent_and_earned(home);
            let (paid_in, fed_in) = self.books.money.get(&owner).copied().unwrap_or_default();
            let there = account.free.0 + account.locked.0;
            let expected = paid_in + earned - spent;
            self.same(&format!("account of home {home}"), there, expected);
            let coins = self.rpc.balance(&owner, &self.market.denom).await?;
            let expected = COINS - u128::from(paid_in) - fees[home] + u128::from(fed_in);
            self.same(&format!("coins of home {home}"), coins, expected);
            let question = token::QueryMsg::Balance { address: owner };
            let token = &self.market.token.address;
            let left: Value = self.rpc.smart(token, &question).await?;
            let left = left["balance"].as_str().unwrap_or("none").to_owned();
            self.same(&format!("tokens of home {home}"), left, "0".to_owned());
        }
        Ok(())
    }

    /// Nobody bought more than was lacking or sold more than was over: the rest is the national grid's.
    fn needs(&mut self, n: &Neighbourhood) {
        let outcome = self.books.outcome();
        let homes = n.homes.len();
        for (cell, (bought, sold)) in outcome
            .bought_wh
            .iter()
            .zip(&outcome.sold_gross_wh)
            .enumerate()
        {
            let (window, home) = (cell / homes, cell % homes);
            let (deficit, surplus) = net(&n.homes[home], window);
            if u64::from(*bought) > deficit || u64::from(*sold) > surplus {
                self.found.push(format!(
                    "home {home}, window {window}: bought {bought} of {deficit} Wh, sold {sold} of {surplus} Wh"
                ));
            }
        }
    }
}
