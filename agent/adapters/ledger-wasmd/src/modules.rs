//! What people who hold, stake and govern ask the chain's modules.

use crate::error::ChainError;
use crate::rpc::Rpc;
use cosmrs::proto::cosmos::bank::v1beta1::{QueryAllBalancesRequest, QueryAllBalancesResponse};
use cosmrs::proto::cosmos::base::v1beta1::{Coin, DecCoin};
use cosmrs::proto::cosmos::distribution::v1beta1::{
    QueryDelegationTotalRewardsRequest, QueryDelegationTotalRewardsResponse,
    QueryValidatorCommissionRequest, QueryValidatorCommissionResponse,
};
use cosmrs::proto::cosmos::feegrant::v1beta1::{
    Grant, QueryAllowancesByGranterRequest, QueryAllowancesByGranterResponse,
    QueryAllowancesRequest, QueryAllowancesResponse,
};
use cosmrs::proto::cosmos::gov::v1::{
    QueryTallyResultRequest, QueryTallyResultResponse, TallyResult,
};
use cosmrs::proto::cosmos::slashing::v1beta1::{
    Params as SlashingParams, QueryParamsRequest as SlashingParamsRequest,
    QueryParamsResponse as SlashingParamsResponse, QuerySigningInfoRequest,
    QuerySigningInfoResponse, ValidatorSigningInfo,
};
use cosmrs::proto::cosmos::staking::v1beta1::{
    DelegationResponse, QueryDelegatorDelegationsRequest, QueryDelegatorDelegationsResponse,
    QueryDelegatorUnbondingDelegationsRequest, QueryDelegatorUnbondingDelegationsResponse,
    QueryValidatorRequest, QueryValidatorResponse, QueryValidatorsRequest, QueryValidatorsResponse,
    UnbondingDelegation, Validator,
};
use cosmrs::proto::cosmos::upgrade::v1beta1::{
    Plan, QueryCurrentPlanRequest, QueryCurrentPlanResponse,
};

/// Amounts and denominations.
pub type Amounts = Vec<(u128, String)>;

fn amounts(what: &str, coins: Vec<Coin>) -> Result<Amounts, ChainError> {
    let read = |coin: Coin| {
        let amount = coin.amount.parse();
        let amount =
            amount.map_err(|e| ChainError::input(format!("{what} in {}", coin.denom), e))?;
        Ok((amount, coin.denom))
    };
    coins.into_iter().map(read).collect()
}

/// The whole base units of decimal amounts, rounded down: what a withdrawal pays.
fn whole(what: &str, coins: Vec<DecCoin>) -> Result<Amounts, ChainError> {
    let read = |coin: DecCoin| {
        // The last 18 digits are decimals.
        let digits = coin.amount.len().saturating_sub(18);
        let whole = coin.amount.get(..digits).unwrap_or_default();
        let whole = if whole.is_empty() { "0" } else { whole };
        let amount = whole.parse();
        let amount =
            amount.map_err(|e| ChainError::input(format!("{what} in {}", coin.denom), e))?;
        Ok((amount, coin.denom))
    };
    let all: Result<Amounts, ChainError> = coins.into_iter().map(read).collect();
    Ok(all?
        .into_iter()
        .filter(|(amount, _)| *amount != 0)
        .collect())
}

impl Rpc {
    /// Everything an account holds at the bank.
    ///
    /// # Errors
    /// No answer.
    pub async fn balances(&self, address: &str) -> Result<Amounts, ChainError> {
        let question = |pagination| QueryAllBalancesRequest {
            address: address.to_owned(),
            pagination,
            resolve_denom: false,
        };
        let listed = |answer: QueryAllBalancesResponse| (answer.balances, answer.pagination);
        let path = "/cosmos.bank.v1beta1.Query/AllBalances";
        amounts("balance", self.pages(path, question, listed).await?)
    }

    /// An account's stakes.
    ///
    /// # Errors
    /// No answer.
    pub async fn delegations(&self, address: &str) -> Result<Vec<DelegationResponse>, ChainError> {
        let question = |pagination| QueryDelegatorDelegationsRequest {
            delegator_addr: address.to_owned(),
            pagination,
        };
        let listed = |answer: QueryDelegatorDelegationsResponse| {
            (answer.delegation_responses, answer.pagination)
        };
        let path = "/cosmos.staking.v1beta1.Query/DelegatorDelegations";
        self.pages(path, question, listed).await
    }

    /// An account's stakes that are on their way back to it.
    ///
    /// # Errors
    /// No answer.
    pub async fn unbonding(&self, address: &str) -> Result<Vec<UnbondingDelegation>, ChainError> {
        let question = |pagination| QueryDelegatorUnbondingDelegationsRequest {
            delegator_addr: address.to_owned(),
            pagination,
        };
        let listed = |answer: QueryDelegatorUnbondingDelegationsResponse| {
            (answer.unbonding_responses, answer.pagination)
        };
        let path = "/cosmos.staking.v1beta1.Query/DelegatorUnbondingDelegations";
        self.pages(path, question, listed).await
    }

    /// An account's rewards by validator, whole base units.
    ///
    /// # Errors
    /// No answer.
    pub async fn rewards(&self, address: &str) -> Result<Vec<(String, Amounts)>, ChainError> {
        let question = QueryDelegationTotalRewardsRequest {
            delegator_address: address.to_owned(),
        };
        let path = "/cosmos.distribution.v1beta1.Query/DelegationTotalRewards";
        let (answer, _): (QueryDelegationTotalRewardsResponse, _) =
            self.query(path, &question).await?;
        let each = answer.rewards.into_iter();
        each.map(|r| Ok((r.validator_address, whole("rewards", r.reward)?)))
            .collect()
    }

    /// A validator's commission that is not taken out, whole base units.
    ///
    /// # Errors
    /// No answer.
    pub async fn commission(&self, operator: &str) -> Result<Amounts, ChainError> {
        let question = QueryValidatorCommissionRequest {
            validator_address: operator.to_owned(),
        };
        let path = "/cosmos.distribution.v1beta1.Query/ValidatorCommission";
        let (answer, _): (QueryValidatorCommissionResponse, _) =
            self.query(path, &question).await?;
        whole(
            "commission",
            answer.commission.map(|c| c.commission).unwrap_or_default(),
        )
    }

    /// A validator; `None` if the operator runs none.
    ///
    /// # Errors
    /// No answer.
    pub async fn validator(&self, operator: &str) -> Result<Option<Validator>, ChainError> {
        let question = QueryValidatorRequest {
            validator_addr: operator.to_owned(),
        };
        let path = "/cosmos.staking.v1beta1.Query/Validator";
        let answer: Result<(QueryValidatorResponse, _), _> = self.query(path, &question).await;
        Ok(crate::query::none_if_missing(answer)?.and_then(|a| a.validator))
    }

    /// All validators, of any state.
    ///
    /// # Errors
    /// No answer.
    pub async fn validators(&self) -> Result<Vec<Validator>, ChainError> {
        let question = |pagination| QueryValidatorsRequest {
            status: String::new(),
            pagination,
        };
        let listed = |answer: QueryValidatorsResponse| (answer.validators, answer.pagination);
        let path = "/cosmos.staking.v1beta1.Query/Validators";
        self.pages(path, question, listed).await
    }

    /// How a validator has signed of late; `None` before it was ever asked to. `consensus`: the address of its node's
    /// key.
    ///
    /// # Errors
    /// No answer.
    pub async fn signing(
        &self,
        consensus: &str,
    ) -> Result<Option<ValidatorSigningInfo>, ChainError> {
        let question = QuerySigningInfoRequest {
            cons_address: consensus.to_owned(),
        };
        let path = "/cosmos.slashing.v1beta1.Query/SigningInfo";
        let answer: Result<(QuerySigningInfoResponse, _), _> = self.query(path, &question).await;
        Ok(crate::query::none_if_missing(answer)?.and_then(|a| a.val_signing_info))
    }

    /// How much a validator may miss, and what follows.
    ///
    /// # Errors
    /// No answer.
    pub async fn slashing(&self) -> Result<SlashingParams, ChainError> {
        let path = "/cosmos.slashing.v1beta1.Query/Params";
        let (answer, _): (SlashingParamsResponse, _) =
            self.query(path, &SlashingParamsRequest {}).await?;
        answer
            .params
            .ok_or_else(|| self.malformed(path, "no parameters"))
    }

    /// Fee grants that an account gave.
    ///
    /// # Errors
    /// No answer.
    pub async fn fee_grants_by(&self, granter: &str) -> Result<Vec<Grant>, ChainError> {
        let question = |pagination| QueryAllowancesByGranterRequest {
            granter: granter.to_owned(),
            pagination,
        };
        let listed =
            |answer: QueryAllowancesByGranterResponse| (answer.allowances, answer.pagination);
        let path = "/cosmos.feegrant.v1beta1.Query/AllowancesByGranter";
        self.pages(path, question, listed).await
    }

    /// Fee grants that an account was given.
    ///
    /// # Errors
    /// No answer.
    pub async fn fee_grants_to(&self, grantee: &str) -> Result<Vec<Grant>, ChainError> {
        let question = |pagination| QueryAllowancesRequest {
            grantee: grantee.to_owned(),
            pagination,
        };
        let listed = |answer: QueryAllowancesResponse| (answer.allowances, answer.pagination);
        let path = "/cosmos.feegrant.v1beta1.Query/Allowances";
        self.pages(path, question, listed).await
    }

    /// The upgrade before which the chain is to halt, if one is planned.
    ///
    /// # Errors
    /// No answer.
    pub async fn upgrade_plan(&self) -> Result<Option<Plan>, ChainError> {
        let path = "/cosmos.upgrade.v1beta1.Query/CurrentPlan";
        let (answer, _): (QueryCurrentPlanResponse, _) =
            self.query(path, &QueryCurrentPlanRequest {}).await?;
        Ok(answer.plan)
    }

    /// How a vote stands.
    ///
    /// # Errors
    /// No answer, or there is no such proposal.
    pub async fn tally(&self, proposal_id: u64) -> Result<TallyResult, ChainError> {
        let path = "/cosmos.gov.v1.Query/TallyResult";
        let (answer, _): (QueryTallyResultResponse, _) = self
            .query(path, &QueryTallyResultRequest { proposal_id })
            .await?;
        answer.tally.ok_or_else(|| self.malformed(path, "no tally"))
    }
}
