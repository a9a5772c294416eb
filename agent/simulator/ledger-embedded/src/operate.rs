//! What operators and owners do: registering meters, money, tariffs, feed-in.

use crate::chain::{EmbeddedLedger, DENOM};
use anyhow::{anyhow, Result};
use cosmwasm_std::{coins, Addr, Uint128};
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
        let owner = self.machine.api.make(&new.owner);
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
        let operator = self.operator.clone();
        self.call_pool(
            &operator,
            vec![],
            pool::ExecuteMsg::RegisterMeter { registration },
        )
        .map_err(|e| anyhow!("register meter {}: {e:?}", new.meter))?;
        if !new.deposit.is_zero() {
            self.mint_coins(&owner, new.deposit)?;
            let funds = coins(u128::from(new.deposit.0), DENOM);
            self.call_escrow(&owner, funds, escrow::ExecuteMsg::Deposit {})
                .map_err(|e| anyhow!("deposit of meter {}: {e:?}", new.meter))?;
        }
        let agent = pool::ExecuteMsg::SetAgent {
            meter: new.meter,
            agent: Some(new.agent),
        };
        self.call_pool(&owner, vec![], agent)
            .map_err(|e| anyhow!("agent of meter {}: {e:?}", new.meter))?;
        let limits = escrow::ExecuteMsg::SetLimits {
            meter: new.meter,
            set: new.limits.into(),
            remove: Vec::new(),
        };
        self.call_escrow(&owner, vec![], limits)
            .map_err(|e| anyhow!("limits of meter {}: {e:?}", new.meter))?;
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
        let amount = Uint128::from(amount.0);
        let minted = self.machine.mint(to.as_str(), DENOM, amount);
        minted.map_err(|refusal| anyhow!("coins for {to}: {refusal}"))
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
        let operator = self.operator.clone();
        let msg = pool::ExecuteMsg::SetTariffs {
            from_window,
            tariffs,
        };
        self.call_pool(&operator, vec![], msg)
    }

    /// The grid operator confirms feed-in and funds the reserve.
    ///
    /// # Errors
    /// The pool refuses.
    pub fn confirm_feed_in(&mut self, through: Window, fund: Micro) -> Result<()> {
        let operator = self.operator.clone();
        if !fund.is_zero() {
            self.mint_coins(&operator, fund)?;
            let funds = coins(u128::from(fund.0), DENOM);
            self.call_pool(&operator, funds, pool::ExecuteMsg::FundReserve {})
                .map_err(|e| anyhow!("funding the reserve: {e:?}"))?;
        }
        let msg = pool::ExecuteMsg::ConfirmFeedIn { through };
        self.call_pool(&operator, vec![], msg)
            .map_err(|e| anyhow!("confirming feed-in through {through}: {e:?}"))?;
        Ok(())
    }

    /// An owner turns due feed-in credit into money.
    ///
    /// # Errors
    /// The pool refuses, above all when nothing is due.
    pub fn claim_feed_in(&mut self, owner: &Addr) -> Result<Vec<MarketEvent>, TxFailure> {
        let msg = pool::ExecuteMsg::ClaimFeedIn {
            owner: owner.to_string(),
            limit: Some(100),
        };
        self.call_pool(owner, vec![], msg)
    }

    /// An owner sends all tokens it has to a stranger (as a dishonest seller would).
    ///
    /// # Errors
    /// The token refuses.
    pub fn drain_tokens(&mut self, owner: &Addr) -> Result<Wh, TxFailure> {
        let balance: wattpool_schema::cw20::BalanceResponse = self
            .ask_token(&token::QueryMsg::Balance {
                address: owner.to_string(),
            })
            .map_err(|e| TxFailure::Unknown(e.to_string()))?;
        if !balance.balance.is_zero() {
            let msg = token::ExecuteMsg::Transfer {
                recipient: self.stranger().to_string(),
                amount: balance.balance,
            };
            self.call_token(owner, msg)?;
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
        let operator = self.operator.clone();
        let msg = escrow::ExecuteMsg::CloseOrder { buyer, trade_id };
        self.call_escrow(&operator, vec![], msg)
    }
}
