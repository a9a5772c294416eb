//! What the chain's modules are asked, over protobuf queries.

use crate::error::{sdk, ChainError};
use crate::rpc::{read, ChainEvent, Rpc};
use cosmrs::proto::cosmos::auth::v1beta1::{QueryAccountRequest, QueryAccountResponse};
use cosmrs::proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use cosmrs::proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use cosmrs::proto::cosmos::feegrant::v1beta1::{
    Grant, QueryAllowanceRequest, QueryAllowanceResponse,
};
use cosmrs::proto::cosmos::gov::v1::{
    Proposal, QueryParamsRequest as GovParamsRequest, QueryParamsResponse as GovParamsResponse,
    QueryProposalRequest, QueryProposalResponse, QueryProposalsRequest, QueryProposalsResponse,
};
use cosmrs::proto::cosmwasm::wasm::v1::{
    CodeInfoResponse, ContractInfo, Model, QueryAllContractStateRequest,
    QueryAllContractStateResponse, QueryBuildAddressRequest, QueryBuildAddressResponse,
    QueryCodeRequest, QueryCodeResponse, QueryCodesRequest, QueryCodesResponse,
    QueryContractInfoRequest, QueryContractInfoResponse, QueryPinnedCodesRequest,
    QueryPinnedCodesResponse, QueryRawContractStateRequest, QueryRawContractStateResponse,
    QuerySmartContractStateRequest, QuerySmartContractStateResponse,
};
use cosmrs::proto::prost::Message;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Entries asked for at once where an answer has pages.
const PAGE: u64 = 500;
/// Pages of one answer at most: a node that always names a next one would be asked for ever.
const MOST_PAGES: u32 = 2_000;

/// How a contract's unreadable answer names its method.
pub(crate) const SMART: &str = "smart query";

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Its number.
    pub number: u64,
    /// Sequence of its next transaction.
    pub sequence: u64,
}

/// What a simulation found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// Gas used.
    pub gas_used: u64,
    /// The state it ran on.
    pub height: u64,
    /// What the transaction would have told.
    pub events: Vec<ChainEvent>,
}

#[derive(Deserialize)]
pub(crate) struct SimulationAnswer {
    pub gas_info: GasInfo,
    #[serde(default)]
    pub result: Option<SimulatedResult>,
}

#[derive(Deserialize)]
pub(crate) struct SimulatedResult {
    #[serde(default)]
    pub events: Vec<ChainEvent>,
}

#[derive(Deserialize)]
pub(crate) struct GasInfo {
    pub gas_used: String,
}

impl Rpc {
    /// An account; `None` if nothing was ever sent to it.
    ///
    /// # Errors
    /// No answer, or the account is not an ordinary one.
    pub async fn account(&self, address: &str) -> Result<Option<AccountState>, ChainError> {
        let question = QueryAccountRequest {
            address: address.to_owned(),
        };
        let answer: Result<(QueryAccountResponse, _), _> = self
            .query("/cosmos.auth.v1beta1.Query/Account", &question)
            .await;
        match none_if_missing(answer)? {
            Some(found) => read::account(found).map_err(|e| ChainError::input(address, e)),
            None => Ok(None),
        }
    }

    /// What an account holds of a denomination, base units.
    ///
    /// # Errors
    /// No answer.
    pub async fn balance(&self, address: &str, denom: &str) -> Result<u128, ChainError> {
        self.balance_at(address, denom, 0).await
    }

    /// [`Self::balance`] after a block (0: the newest).
    ///
    /// # Errors
    /// No answer, or the state is not kept any more.
    pub async fn balance_at(
        &self,
        address: &str,
        denom: &str,
        height: u64,
    ) -> Result<u128, ChainError> {
        let question = QueryBalanceRequest {
            address: address.to_owned(),
            denom: denom.to_owned(),
        };
        let answer: QueryBalanceResponse = self
            .query_at("/cosmos.bank.v1beta1.Query/Balance", &question, height)
            .await?;
        let Some(coin) = answer.balance else {
            return Ok(0);
        };
        coin.amount
            .parse()
            .map_err(|e| ChainError::input(format!("balance of {address}"), e))
    }

    /// Runs a transaction on the newest state without keeping anything. (The path that every node answers; the
    /// service of the same name is there only where gRPC or REST are switched on.)
    ///
    /// # Errors
    /// No answer, or why it would fail.
    pub async fn simulate(&self, tx_bytes: &[u8]) -> Result<Simulated, ChainError> {
        let path = "/app/simulate";
        let (value, height) = self.query_bytes(path, tx_bytes).await?;
        let (gas_used, events) = read::simulated(&value).map_err(|e| self.malformed(path, e))?;
        Ok(Simulated {
            gas_used,
            height,
            events,
        })
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// No answer, the contract refuses, or its answer is of another form than expected.
    pub async fn smart<A: DeserializeOwned>(
        &self,
        contract: &str,
        question: &impl Serialize,
    ) -> Result<A, ChainError> {
        self.smart_at(contract, question, 0).await
    }

    /// Asks a contract as it stands after a block (0: the newest).
    ///
    /// # Errors
    /// As [`Self::smart`], or the state is not kept any more.
    pub async fn smart_at<A: DeserializeOwned>(
        &self,
        contract: &str,
        question: &impl Serialize,
        height: u64,
    ) -> Result<A, ChainError> {
        let query_data = serde_json::to_vec(question).map_err(|e| ChainError::input("query", e))?;
        let question = QuerySmartContractStateRequest {
            address: contract.to_owned(),
            query_data,
        };
        let path = "/cosmwasm.wasm.v1.Query/SmartContractState";
        let answer: QuerySmartContractStateResponse =
            self.query_at(path, &question, height).await?;
        read::contract(&answer).map_err(|why| ChainError::Malformed {
            address: contract.to_owned(),
            method: SMART.to_owned(),
            why,
        })
    }

    /// One raw value of a contract's storage.
    ///
    /// # Errors
    /// No answer, or there is no such contract.
    pub async fn raw_state(&self, contract: &str, key: &[u8]) -> Result<Vec<u8>, ChainError> {
        let question = QueryRawContractStateRequest {
            address: contract.to_owned(),
            query_data: key.to_vec(),
        };
        let (answer, _): (QueryRawContractStateResponse, _) = self
            .query("/cosmwasm.wasm.v1.Query/RawContractState", &question)
            .await?;
        Ok(answer.data)
    }

    /// The whole storage of a contract, ascending by key. Pages may come from different heights: ask when nothing is
    /// being executed.
    ///
    /// # Errors
    /// No answer, or there is no such contract.
    pub async fn all_state(&self, contract: &str) -> Result<Vec<(Vec<u8>, Vec<u8>)>, ChainError> {
        let question = |pagination| QueryAllContractStateRequest {
            address: contract.to_owned(),
            pagination,
        };
        let entry = |Model { key, value }| (key, value);
        let entries = |answer: QueryAllContractStateResponse| {
            let models = answer.models.into_iter();
            (models.map(entry).collect(), answer.pagination)
        };
        let path = "/cosmwasm.wasm.v1.Query/AllContractState";
        self.pages(path, question, entries).await
    }

    /// A contract's code, creator and administrator; `None` if there is none.
    ///
    /// # Errors
    /// No answer.
    pub async fn contract_info(&self, contract: &str) -> Result<Option<ContractInfo>, ChainError> {
        let question = QueryContractInfoRequest {
            address: contract.to_owned(),
        };
        let answer: Result<(QueryContractInfoResponse, _), _> = self
            .query("/cosmwasm.wasm.v1.Query/ContractInfo", &question)
            .await;
        Ok(none_if_missing(answer)?.and_then(|a| a.contract_info))
    }

    /// What the chain knows of a code; `None` if there is none.
    ///
    /// # Errors
    /// No answer.
    pub async fn code_info(&self, code_id: u64) -> Result<Option<CodeInfoResponse>, ChainError> {
        let question = QueryCodeRequest { code_id };
        let answer: Result<(QueryCodeResponse, _), _> =
            self.query("/cosmwasm.wasm.v1.Query/Code", &question).await;
        Ok(none_if_missing(answer)?.and_then(|a| a.code_info))
    }

    /// All codes on the chain, ascending by id.
    ///
    /// # Errors
    /// No answer.
    pub async fn codes(&self) -> Result<Vec<CodeInfoResponse>, ChainError> {
        let question = |pagination| QueryCodesRequest { pagination };
        let codes = |answer: QueryCodesResponse| (answer.code_infos, answer.pagination);
        let path = "/cosmwasm.wasm.v1.Query/Codes";
        self.pages(path, question, codes).await
    }

    /// Ids of the pinned codes.
    ///
    /// # Errors
    /// No answer.
    pub async fn pinned_codes(&self) -> Result<Vec<u64>, ChainError> {
        let question = |pagination| QueryPinnedCodesRequest { pagination };
        let ids = |answer: QueryPinnedCodesResponse| (answer.code_ids, answer.pagination);
        let path = "/cosmwasm.wasm.v1.Query/PinnedCodes";
        self.pages(path, question, ids).await
    }

    /// The address that [`crate::message::instantiate_at`] gives a contract.
    ///
    /// # Errors
    /// No answer, or the hash, creator or salt is malformed.
    pub async fn build_address(
        &self,
        code_hash: &[u8],
        creator: &str,
        salt: &[u8],
    ) -> Result<String, ChainError> {
        let question = QueryBuildAddressRequest {
            code_hash: hex::encode(code_hash),
            creator_address: creator.to_owned(),
            salt: hex::encode(salt),
            init_args: Vec::new(),
        };
        let (answer, _): (QueryBuildAddressResponse, _) = self
            .query("/cosmwasm.wasm.v1.Query/BuildAddress", &question)
            .await?;
        Ok(answer.address)
    }

    /// By what grant `granter` pays fees of `grantee`, if at all.
    ///
    /// # Errors
    /// No answer.
    pub async fn fee_grant(
        &self,
        granter: &str,
        grantee: &str,
    ) -> Result<Option<Grant>, ChainError> {
        let question = QueryAllowanceRequest {
            granter: granter.to_owned(),
            grantee: grantee.to_owned(),
        };
        let answer: Result<(QueryAllowanceResponse, _), _> = self
            .query("/cosmos.feegrant.v1beta1.Query/Allowance", &question)
            .await;
        match answer {
            Ok((found, _)) => Ok(found.allowance),
            Err(ChainError::Refused { log, .. }) if log.contains("fee-grant not found") => Ok(None),
            Err(other) => {
                let missing = none_if_missing::<QueryAllowanceResponse>(Err(other))?;
                Ok(missing.and_then(|found| found.allowance))
            }
        }
    }

    /// Whether `granter` pays fees of `grantee`.
    ///
    /// # Errors
    /// No answer.
    pub async fn has_fee_grant(&self, granter: &str, grantee: &str) -> Result<bool, ChainError> {
        Ok(self.fee_grant(granter, grantee).await?.is_some())
    }

    /// A proposal of the chain's governance; `None` if there is none.
    ///
    /// # Errors
    /// No answer.
    pub async fn proposal(&self, proposal_id: u64) -> Result<Option<Proposal>, ChainError> {
        let answer: Result<(QueryProposalResponse, _), _> = self
            .query(
                "/cosmos.gov.v1.Query/Proposal",
                &QueryProposalRequest { proposal_id },
            )
            .await;
        Ok(none_if_missing(answer)?.and_then(|a| a.proposal))
    }

    /// Proposals that are being voted on (status 2) or in any other one status.
    ///
    /// # Errors
    /// No answer.
    pub async fn proposals(&self, status: i32) -> Result<Vec<Proposal>, ChainError> {
        let question = |pagination| QueryProposalsRequest {
            proposal_status: status,
            voter: String::new(),
            depositor: String::new(),
            pagination,
        };
        let proposals = |answer: QueryProposalsResponse| (answer.proposals, answer.pagination);
        let path = "/cosmos.gov.v1.Query/Proposals";
        self.pages(path, question, proposals).await
    }

    /// Everything that an answer in pages lists.
    pub(crate) async fn pages<Q: Message, A: Message + Default, T>(
        &self,
        path: &str,
        question: impl Fn(Option<PageRequest>) -> Q,
        listed: impl Fn(A) -> (Vec<T>, Option<PageResponse>),
    ) -> Result<Vec<T>, ChainError> {
        let (mut all, mut key) = (Vec::new(), Vec::new());
        for _ in 0..MOST_PAGES {
            let page = PageRequest {
                key,
                offset: 0,
                limit: PAGE,
                count_total: false,
                reverse: false,
            };
            let (answer, _) = self.query(path, &question(Some(page))).await?;
            let (items, next) = listed(answer);
            all.extend(items);
            key = next.map(|page| page.next_key).unwrap_or_default();
            if key.is_empty() {
                return Ok(all);
            }
        }
        Err(ChainError::Node {
            method: "abci_query",
            message: format!("{path} does not end within {MOST_PAGES} pages"),
        })
    }

    /// The smallest deposit of a proposal, as (amount, denomination).
    ///
    /// # Errors
    /// No answer.
    pub async fn proposal_deposit(&self) -> Result<Vec<(u128, String)>, ChainError> {
        let question = GovParamsRequest {
            params_type: "deposit".to_owned(),
        };
        let (answer, _): (GovParamsResponse, _) =
            self.query("/cosmos.gov.v1.Query/Params", &question).await?;
        let coins = answer.params.map(|p| p.min_deposit).unwrap_or_default();
        coins
            .into_iter()
            .map(|c| {
                let amount = c
                    .amount
                    .parse()
                    .map_err(|e| ChainError::input("deposit of proposals", e))?;
                Ok((amount, c.denom))
            })
            .collect()
    }
}

/// A chain's way to say that there is no such thing.
pub(crate) fn none_if_missing<A>(
    answer: Result<(A, u64), ChainError>,
) -> Result<Option<A>, ChainError> {
    match answer {
        Ok((found, _)) => Ok(Some(found)),
        Err(e) if e.is_sdk(sdk::KEY_NOT_FOUND) || e.is_sdk(sdk::NOT_FOUND) => Ok(None),
        Err(ChainError::Refused { log, .. }) if log.contains("code = NotFound") => Ok(None),
        Err(ChainError::Refused { log, .. })
            if log.contains("no such contract") || log.contains("no such code") =>
        {
            Ok(None)
        }
        Err(other) => Err(other),
    }
}
