//! Questions to the contracts.

use crate::chain::{EmbeddedLedger, DENOM};
use crate::contract::Contract;
use anyhow::{anyhow, Result};
use cosmwasm_std::{from_json, to_json_vec, Addr};
use serde::de::DeserializeOwned;
use serde::Serialize;
use wattpool_core::io::{BlockRef, Day};
use wattpool_schema::escrow::{AccountResponse, BookResponse, MeterBookResponse};
use wattpool_schema::pool::{
    FeedInResponse, MeterPosition, MeterResponse, PoolConfig, ReserveResponse, Tariffs,
    ZonePairTerms, ZonePairsResponse,
};
use wattpool_schema::token::TokenWindow;
use wattpool_schema::{escrow, pool, token, MeterId, Micro, Window};

impl EmbeddedLedger {
    fn ask<M: Serialize, T: DeserializeOwned>(&self, contract: Contract, msg: &M) -> Result<T> {
        let msg = to_json_vec(msg).map_err(|e| anyhow!("{e}"))?;
        let answer = self.machine.ask(contract, &msg);
        from_json(answer.map_err(|refusal| anyhow!(refusal))?).map_err(|e| anyhow!("{e}"))
    }

    pub(crate) fn ask_pool<T: DeserializeOwned>(&self, msg: &pool::QueryMsg) -> Result<T> {
        self.ask(Contract::Pool, msg)
    }

    pub(crate) fn ask_token<T: DeserializeOwned>(&self, msg: &token::QueryMsg) -> Result<T> {
        self.ask(Contract::Token, msg)
    }

    pub(crate) fn ask_escrow<T: DeserializeOwned>(&self, msg: &escrow::QueryMsg) -> Result<T> {
        self.ask(Contract::Escrow, msg)
    }

    /// Where a meter stands.
    ///
    /// # Errors
    /// It is not registered.
    pub fn position(&self, meter: MeterId) -> Result<MeterPosition> {
        Ok(self.meter(meter)?.position)
    }

    /// A meter as registered.
    ///
    /// # Errors
    /// It is not registered.
    pub fn meter(&self, meter: MeterId) -> Result<MeterResponse> {
        self.ask_pool(&pool::QueryMsg::Meter { meter })
    }

    /// What a meter has traded on the UTC day of `head`, the newest block.
    ///
    /// # Errors
    /// It is not registered.
    pub fn today(&self, meter: MeterId, head: BlockRef) -> Result<Day> {
        let book: MeterBookResponse = self.ask_escrow(&escrow::QueryMsg::Meter { meter })?;
        Ok(Day {
            bought: book.bought_today,
            sold: book.sold_today,
            spent: book.spent_today,
            ..Day::of(head.time)
        })
    }

    /// The grid's tariffs in a window.
    ///
    /// # Errors
    /// The query fails.
    pub fn tariffs(&self, window: Window) -> Result<Tariffs> {
        self.ask_pool(&pool::QueryMsg::Tariffs { window })
    }

    /// The pool's roles and settings.
    ///
    /// # Errors
    /// The query fails.
    pub fn pool_config(&self) -> Result<PoolConfig> {
        self.ask_pool(&pool::QueryMsg::Config {})
    }

    /// A window's books at the pool.
    ///
    /// # Errors
    /// The query fails.
    pub fn pool_window(&self, window: Window) -> Result<pool::PoolWindow> {
        self.ask_pool(&pool::QueryMsg::Window { window })
    }

    /// A window's books at the token.
    ///
    /// # Errors
    /// The query fails.
    pub fn token_window(&self, window: Window) -> Result<TokenWindow> {
        self.ask_token(&token::QueryMsg::Window { window })
    }

    /// The escrow's books.
    ///
    /// # Errors
    /// The query fails.
    pub fn book(&self) -> Result<BookResponse> {
        self.ask_escrow(&escrow::QueryMsg::Book {})
    }

    /// An owner's money account.
    ///
    /// # Errors
    /// The query fails.
    pub fn account(&self, owner: &Addr) -> Result<AccountResponse> {
        self.ask_escrow(&escrow::QueryMsg::Account {
            owner: owner.to_string(),
        })
    }

    /// An owner's feed-in money.
    ///
    /// # Errors
    /// The query fails.
    pub fn feed_in(&self, owner: &Addr) -> Result<FeedInResponse> {
        self.ask_pool(&pool::QueryMsg::FeedIn {
            owner: owner.to_string(),
            start_after: None,
            limit: None,
        })
    }

    /// The feed-in reserve.
    ///
    /// # Errors
    /// The query fails.
    pub fn reserve(&self) -> Result<ReserveResponse> {
        self.ask_pool(&pool::QueryMsg::Reserve {})
    }

    /// Tariffs and zone terms of a metered window, and whether trading is paused.
    ///
    /// # Errors
    /// The query fails.
    pub fn window_terms(&self, metered: Window) -> Result<(Tariffs, Vec<ZonePairTerms>, bool)> {
        let tariffs = self.ask_pool(&pool::QueryMsg::Tariffs { window: metered })?;
        let mut pages: Vec<ZonePairsResponse> = Vec::new();
        while let Some(question) = ZonePairsResponse::next(metered, &pages) {
            pages.push(self.ask_pool(&question)?);
        }
        let pairs = pages.into_iter().flat_map(|page| page.pairs).collect();
        let config: PoolConfig = self.ask_pool(&pool::QueryMsg::Config {})?;
        Ok((tariffs, pairs, config.paused))
    }

    /// Who gets tokens that are sent away.
    pub fn stranger(&self) -> Addr {
        self.machine.api.make("stranger")
    }

    /// Coins that the escrow and the pool hold.
    ///
    /// # Errors
    /// The query fails.
    pub fn coins_held(&self) -> Result<(Micro, Micro)> {
        let held = |of: &Addr| -> Result<Micro> {
            let amount = self.machine.balance(of.as_str(), DENOM);
            Ok(Micro(u64::try_from(amount.u128())?))
        };
        Ok((held(&self.contracts.escrow)?, held(&self.contracts.pool)?))
    }
}
