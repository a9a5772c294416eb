//! The agent's port: one market on one chain, through one key.

use crate::account::Account;
use crate::client::{ChainSettings, Client};
use crate::error::ChainError;
use crate::follow::Follower;
use crate::key::Key;
use crate::market::Market;
use crate::proof::Prover;
use crate::proven::ProvenMarket;
use crate::queue::Queue;
use serde::de::DeserializeOwned;
use serde::Deserialize;
use std::sync::Arc;
use wattpool_core::io::{BlockRef, Day, MarketTx, TxFailure};
use wattpool_core::ports::ledger::{BlockNews, Executed, Ledger, LedgerError, Terms};
use wattpool_core::ports::{MeterInfo, SellerRecord};
use wattpool_schema::escrow::{EscrowConfig, MeterBookResponse};
use wattpool_schema::pool::{
    MeterPosition, MeterResponse, MetersResponse, PoolConfig, Tariffs, ZonePairsResponse,
};
use wattpool_schema::{escrow, pool, MeterId, Micro, Seconds, Window};

/// Meters asked for at once, as many as the pool gives.
const PAGE: u32 = 100;
/// Meters of one market at most, as many as a small device can hold.
const MOST_METERS: usize = 100_000;

/// The ledger of one agent.
pub struct WasmdLedger {
    client: Arc<Client>,
    account: Arc<Account>,
    market: Arc<Market>,
    queue: Queue,
    follower: Follower,
    proven: Option<ProvenMarket>,
}

/// What a contract says of itself (cw2).
#[derive(Deserialize)]
struct ContractVersion {
    contract: String,
}

impl WasmdLedger {
    /// Spent on fees since the start, micro-units: of all transactions that were handed over.
    pub fn fees_spent(&self) -> Micro {
        Micro(u64::try_from(self.account.fees_spent()).unwrap_or(u64::MAX))
    }

    /// Connects an agent's key to a market, after checking that it is the one that the addresses file describes. `granter`
    /// pays the fees, if there is one. Needs a tokio runtime.
    ///
    /// # Errors
    /// No node answers, or the chain or its contracts are others than the file says.
    pub async fn connect(
        mut settings: ChainSettings,
        market: Market,
        key: Key,
        granter: Option<String>,
    ) -> Result<Self, LedgerError> {
        settings.chain_id = Some(market.chain_id.clone());
        let client = Arc::new(Client::connect(settings).await?);
        Self::new(client, market, key, granter).await
    }

    /// The same over a client that several accounts share.
    ///
    /// # Errors
    /// No node answers, or the chain or its contracts are others than the file says.
    pub async fn new(
        client: Arc<Client>,
        market: Market,
        key: Key,
        granter: Option<String>,
    ) -> Result<Self, LedgerError> {
        check(&client, &market).await?;
        let market = Arc::new(market);
        let account = Arc::new(Account::new(Arc::clone(&client), key, granter));
        Ok(Self {
            queue: Queue::start(Arc::clone(&account), Arc::clone(&market)),
            follower: Follower::new(Arc::clone(&client), Arc::clone(&market)),
            client,
            account,
            market,
            proven: None,
        })
    }

    /// From now on terms are proven before they are relied on, and nothing is bought on others.
    #[must_use]
    pub fn proving(mut self, prover: Arc<Prover>) -> Self {
        self.proven = Some(ProvenMarket::new(prover, Arc::clone(&self.market)));
        self
    }

    /// What proves, if something does.
    pub fn prover(&self) -> Option<&Arc<Prover>> {
        self.proven.as_ref().map(ProvenMarket::prover)
    }

    /// Whether a transaction that money follows may be signed.
    async fn may_pay(&self, tx: &MarketTx) -> Result<(), String> {
        if !matches!(tx, MarketTx::Settle(_) | MarketTx::OpenOrder(_)) {
            return Ok(());
        }
        if let Some(proven) = &self.proven {
            return proven.before_money().await;
        }
        match self.client.rpc().nodes().1 {
            None => Ok(()),
            Some(dispute) => Err(format!(
                "the nodes contradict each other about block {}, and nothing says which are right",
                dispute.height
            )),
        }
    }

    /// The agent's account.
    pub(crate) const fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// The market it was connected to.
    pub fn market(&self) -> &Market {
        &self.market
    }

    async fn ask_pool<A: DeserializeOwned>(
        &self,
        question: &pool::QueryMsg,
    ) -> Result<A, LedgerError> {
        let pool = &self.market.pool.address;
        self.client
            .rpc()
            .smart(pool, question)
            .await
            .map_err(LedgerError::from)
    }

    async fn ask_escrow<A: DeserializeOwned>(
        &self,
        question: &escrow::QueryMsg,
    ) -> Result<A, LedgerError> {
        let escrow = &self.market.escrow.address;
        self.client
            .rpc()
            .smart(escrow, question)
            .await
            .map_err(LedgerError::from)
    }
}

impl Ledger for WasmdLedger {
    async fn head(&self) -> Result<BlockRef, LedgerError> {
        self.client.head().await.map_err(LedgerError::from)
    }

    async fn execute(&self, tx: MarketTx) -> Executed {
        if let Err(why) = self.may_pay(&tx).await {
            tracing::warn!("not signed: {why}");
            return Executed {
                at: self.client.last_seen(),
                outcome: Err(TxFailure::Unsent(why)),
            };
        }
        let ended = self.queue.execute(tx).await;
        ended.unwrap_or_else(|| Executed {
            at: self.client.last_seen(),
            outcome: Err(TxFailure::Lost),
        })
    }

    async fn next_block(&self, after: u64) -> Result<BlockNews, LedgerError> {
        self.follower.next_block(after).await
    }

    async fn position(&self, meter: MeterId) -> Result<MeterPosition, LedgerError> {
        let found: MeterResponse = self.ask_pool(&pool::QueryMsg::Meter { meter }).await?;
        if let Some(proven) = &self.proven {
            proven.position(meter, &found.position).await?;
        }
        Ok(found.position)
    }

    async fn terms(&self, metered: Window) -> Result<Terms, LedgerError> {
        let window = metered;
        let tariffs: Tariffs = self.ask_pool(&pool::QueryMsg::Tariffs { window }).await?;
        let mut pages: Vec<ZonePairsResponse> = Vec::new();
        while let Some(question) = ZonePairsResponse::next(window, &pages) {
            pages.push(self.ask_pool(&question).await?);
        }
        let pairs = pages.into_iter().flat_map(|page| page.pairs).collect();
        let config: PoolConfig = self.ask_pool(&pool::QueryMsg::Config {}).await?;
        let told = Terms {
            tariffs,
            pairs,
            paused: config.paused,
        };
        match &self.proven {
            Some(proven) => proven.terms(metered, told).await,
            None => Ok(told),
        }
    }

    async fn meters(&self) -> Result<Vec<(MeterId, MeterInfo)>, LedgerError> {
        let mut meters = Vec::new();
        let mut start_after = None;
        loop {
            let question = pool::QueryMsg::Meters {
                start_after,
                limit: Some(PAGE),
            };
            let page: MetersResponse = self.ask_pool(&question).await?;
            let Some(last) = page.meters.last() else {
                return Ok(meters);
            };
            // A list that does not go on, or never ends, would be read for ever.
            let listed = page.meters.iter().map(|m| m.meter);
            if !start_after
                .into_iter()
                .chain(listed)
                .is_sorted_by(|a, b| a < b)
            {
                let pool = &self.market.pool.address;
                return Err(LedgerError::Foreign(format!(
                    "{pool} does not list its meters in their order"
                )));
            }
            if meters.len() >= MOST_METERS {
                return Err(LedgerError::Foreign(format!(
                    "more than {MOST_METERS} meters are in the market"
                )));
            }
            start_after = Some(last.meter);
            meters.extend(page.meters.iter().filter_map(in_service));
        }
    }

    async fn seller(&self, meter: MeterId) -> Result<SellerRecord, LedgerError> {
        let book: MeterBookResponse = self.ask_escrow(&escrow::QueryMsg::Meter { meter }).await?;
        let s = book.statistics;
        Ok(SellerRecord {
            sales: s.sales,
            asked_wh: s.asked.0,
            arrived_wh: s.arrived.0,
        })
    }

    async fn today(&self, meter: MeterId, head: BlockRef) -> Result<Day, LedgerError> {
        let book: MeterBookResponse = self.ask_escrow(&escrow::QueryMsg::Meter { meter }).await?;
        Ok(Day {
            bought: book.bought_today,
            sold: book.sold_today,
            spent: book.spent_today,
            ..Day::of(head.time)
        })
    }

    async fn fees_left(&self) -> Result<Option<Micro>, LedgerError> {
        let left = self.account.fees_left().await?;
        Ok(left.map(|left| Micro(u64::try_from(left).unwrap_or(u64::MAX))))
    }

    async fn fee_grant_ends(&self) -> Result<Option<Seconds>, LedgerError> {
        let ends = self.account.fee_grant_ends().await?;
        Ok(ends.map(Seconds))
    }
}

fn in_service(meter: &MeterResponse) -> Option<(MeterId, MeterInfo)> {
    let agent = meter.agent.filter(|_| !meter.retired)?;
    let info = MeterInfo {
        agent,
        zone: meter.zone,
        kind: meter.kind,
        max_export: meter.max_export,
        max_import: meter.max_import,
    };
    Some((meter.meter, info))
}

/// Whether the chain's contracts are Wattpool's and connected as the addresses file says.
async fn check(client: &Client, market: &Market) -> Result<(), LedgerError> {
    if client.chain_id() != market.chain_id {
        return Err(LedgerError::Foreign(format!(
            "chain {:?}, expected {:?}",
            client.chain_id(),
            market.chain_id
        )));
    }
    let rpc = client.rpc();
    for (contract, name) in [
        (&market.token, "wattpool:energy-token"),
        (&market.pool, "wattpool:energy-pool"),
        (&market.escrow, "wattpool:trade-escrow"),
    ] {
        let raw = rpc.raw_state(&contract.address, b"contract_info").await;
        let found: Option<ContractVersion> = serde_json::from_slice(&raw?).ok();
        let found = found.map_or_else(|| "another contract".to_owned(), |v| v.contract);
        if found != name {
            let address = &contract.address;
            return Err(LedgerError::Foreign(format!(
                "{address} is {found}, expected {name}"
            )));
        }
    }
    let pool: PoolConfig = smart(client, &market.pool.address, &pool::QueryMsg::Config {}).await?;
    let escrow: EscrowConfig =
        smart(client, &market.escrow.address, &escrow::QueryMsg::Config {}).await?;
    let found = [
        (
            pool.token.as_str(),
            market.token.address.as_str(),
            "pool's token",
        ),
        (
            pool.escrow.as_deref().unwrap_or("none"),
            market.escrow.address.as_str(),
            "pool's escrow",
        ),
        (
            escrow.token.as_str(),
            market.token.address.as_str(),
            "escrow's token",
        ),
        (
            escrow.pool.as_str(),
            market.pool.address.as_str(),
            "escrow's pool",
        ),
        (
            escrow.denom.as_str(),
            market.denom.as_str(),
            "escrow's denomination",
        ),
        (
            escrow.chain.as_str(),
            market.chain_id.as_str(),
            "escrow's chain",
        ),
    ];
    for (found, expected, what) in found {
        if found != expected {
            return Err(LedgerError::Foreign(format!(
                "the {what} is {found}, expected {expected}"
            )));
        }
    }
    if escrow.window_seconds != market.window_seconds {
        return Err(LedgerError::Foreign(format!(
            "windows of {} seconds, expected {}",
            escrow.window_seconds, market.window_seconds
        )));
    }
    if pool.first_part_seconds != market.first_part_seconds {
        return Err(LedgerError::Foreign(format!(
            "a first part of {} seconds, expected {}",
            pool.first_part_seconds, market.first_part_seconds
        )));
    }
    Ok(())
}

async fn smart<A: DeserializeOwned>(
    client: &Client,
    contract: &str,
    question: &impl serde::Serialize,
) -> Result<A, LedgerError> {
    let answer: Result<A, ChainError> = client.rpc().smart(contract, question).await;
    answer.map_err(LedgerError::from)
}
