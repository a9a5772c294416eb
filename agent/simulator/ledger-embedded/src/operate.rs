//! What operators and owners do: registering meters, money, tariffs, feed-in.

use crate::chain::{EmbeddedLedger, DENOM};
use anyhow::{anyhow, Context, Result};
use cosmwasm_std::{coins, Addr, Uint128};
use cw_multi_test::Executor;
use wattpool_core::io::TxFailure;
use wattpool_schema::escrow::Limits;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::{MeterResponse, Registration, Tariffs};
use wattpool_schema::{escrow, pool, token, AgentKey, DeviceKey, MeterId, Micro, Wh, Window, Zone};

/// A meter's addresses on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterAccount {
    /// Owner.
    pub owner: Addr,
    /// Agent.
    pub agent: Addr,
}

/// A meter to register.
#[derive(Clone, Debug)]
pub struct NewMeter {
    /// Pseudonym.
    pub meter: MeterId,
    /// Name its owner's address is made from.
    pub owner: String,
    /// Device key.
    pub device: DeviceKey,
    /// Agent key.
    pub agent: AgentKey,
    /// Zone.
    pub zone: Zone,
    /// Kind.
    pub kind: pool::MeterKind,
    /// Largest export per window.
    pub max_export: Wh,
    /// Largest import per window.
    pub max_import: Wh,
    /// Money its owner puts into the escrow.
    pub deposit: Micro,
    /// The owner's limits on the chain.
    pub limits: Limits,
}

impl EmbeddedLedger {
    /// Registers a meter, gives its owner coins and deposits them, and sets the owner's limits.
    ///
    /// # Errors
    /// A contract refuses.
    pub fn register(&mut self, new: NewMeter) -> Result<MeterAccount> {
        let owner = self.app.api().make(&new.owner);
        let registration = Registration {
            meter: new.meter,
            owner: owner.to_string(),
            device: new.device,
            household: None,
            zone: new.zone,
            kind: new.kind,
            max_export: new.max_export,
            max_import: new.max_import,
        };
        let (operator, contracts) = (self.operator.clone(), self.contracts.clone());
        self.app
            .execute_contract(
                operator,
                contracts.pool.clone(),
                &pool::ExecuteMsg::RegisterMeter { registration },
                &[],
            )
            .with_context(|| format!("register meter {}", new.meter))?;
        if !new.deposit.is_zero() {
            self.mint_coins(&owner, new.deposit)?;
            let funds = coins(u128::from(new.deposit.0), DENOM);
            self.app.execute_contract(
                owner.clone(),
                contracts.escrow.clone(),
                &escrow::ExecuteMsg::Deposit {},
                &funds,
            )?;
        }
        let agent = pool::ExecuteMsg::SetAgent {
            meter: new.meter,
            agent: Some(new.agent),
        };
        self.app
            .execute_contract(owner.clone(), contracts.pool, &agent, &[])?;
        let limits = escrow::ExecuteMsg::SetLimits {
            meter: new.meter,
            set: new.limits.into(),
            remove: Vec::new(),
        };
        self.app
            .execute_contract(owner.clone(), contracts.escrow, &limits, &[])?;
        let registered: MeterResponse =
            self.ask_pool(&pool::QueryMsg::Meter { meter: new.meter })?;
        let agent = registered
            .agent_address
            .ok_or_else(|| anyhow!("meter {} has no agent", new.meter))?;
        Ok(MeterAccount {
            owner,
            agent: Addr::unchecked(agent),
        })
    }

    fn mint_coins(&mut self, to: &Addr, amount: Micro) -> Result<()> {
        let have = self.app.wrap().query_balance(to, DENOM)?;
        let total = have.amount.checked_add(Uint128::from(amount.0))?;
        let coins = vec![cosmwasm_std::Coin {
            denom: DENOM.into(),
            amount: total,
        }];
        self.app
            .init_modules(|router, _, storage| router.bank.init_balance(storage, to, coins))
    }

    /// The grid operator sets tariffs from a window on.
    ///
    /// # Errors
    /// The pool refuses: the window is too soon.
    pub fn set_tariffs(
        &mut self,
        from_window: Window,
        tariffs: Tariffs,
    ) -> Result<Vec<MarketEvent>, TxFailure> {
        let (operator, pool) = (self.operator.clone(), self.contracts.pool.clone());
        self.call(
            &operator,
            &pool,
            &pool::ExecuteMsg::SetTariffs {
                from_window,
                tariffs,
            },
        )
    }

    /// The grid operator confirms feed-in and funds the reserve.
    ///
    /// # Errors
    /// The pool refuses.
    pub fn confirm_feed_in(&mut self, through: Window, fund: Micro) -> Result<()> {
        let (operator, pool) = (self.operator.clone(), self.contracts.pool.clone());
        if !fund.is_zero() {
            self.mint_coins(&operator, fund)?;
            let funds = coins(u128::from(fund.0), DENOM);
            self.app.execute_contract(
                operator.clone(),
                pool.clone(),
                &pool::ExecuteMsg::FundReserve {},
                &funds,
            )?;
        }
        self.app.execute_contract(
            operator,
            pool,
            &pool::ExecuteMsg::ConfirmFeedIn { through },
            &[],
        )?;
        Ok(())
    }

    /// An owner turns due feed-in credit into money.
    ///
    /// # Errors
    /// The pool refuses, above all when nothing is due.
    pub fn claim_feed_in(&mut self, owner: &Addr) -> Result<Vec<MarketEvent>, TxFailure> {
        let pool = self.contracts.pool.clone();
        let msg = pool::ExecuteMsg::ClaimFeedIn {
            owner: owner.to_string(),
            limit: Some(100),
        };
        self.call(owner, &pool, &msg)
    }

    /// An owner sends all tokens it has to a stranger (as a dishonest seller would).
    ///
    /// # Errors
    /// The token refuses.
    pub fn drain_tokens(&mut self, owner: &Addr) -> Result<Wh, TxFailure> {
        let token = self.contracts.token.clone();
        let balance: wattpool_schema::cw20::BalanceResponse = self
            .ask_token(&token::QueryMsg::Balance {
                address: owner.to_string(),
            })
            .map_err(|e| TxFailure::Unknown(e.to_string()))?;
        if !balance.balance.is_zero() {
            let recipient = self.app.api().make("stranger").to_string();
            self.call(
                owner,
                &token,
                &token::ExecuteMsg::Transfer {
                    recipient,
                    amount: balance.balance,
                },
            )?;
        }
        Ok(Wh(u64::try_from(balance.balance.u128()).unwrap_or(u64::MAX)))
    }

    /// Anyone closes an ended standing order.
    ///
    /// # Errors
    /// The escrow refuses.
    pub fn close_order(
        &mut self,
        buyer: MeterId,
        trade_id: u64,
    ) -> Result<Vec<MarketEvent>, TxFailure> {
        let (operator, escrow) = (self.operator.clone(), self.contracts.escrow.clone());
        self.call(
            &operator,
            &escrow,
            &escrow::ExecuteMsg::CloseOrder { buyer, trade_id },
        )
    }
}
