//! One file per contract in the CosmWasm interface description: its messages and the answers to its queries.

use anyhow::{Context, Result};
use cosmwasm_schema::schemars::schema::RootSchema;
use cosmwasm_schema::{schema_for, Api, QueryResponses};
use serde::Serialize;
use wattpool_schema::{escrow, pool, token};

/// Messages of one contract.
struct Messages {
    instantiate: RootSchema,
    execute: RootSchema,
    query: RootSchema,
    migrate: RootSchema,
}

fn interface<Q: QueryResponses>(name: &str, messages: Messages) -> Result<impl Serialize + use<Q>> {
    let responses = Q::response_schemas().with_context(|| format!("{name}: answers to queries"))?;
    let api = Api {
        contract_name: name.to_owned(),
        // The workspace has one version: the contracts' is this crate's.
        contract_version: env!("CARGO_PKG_VERSION").to_owned(),
        instantiate: Some(messages.instantiate),
        execute: Some(messages.execute),
        query: Some(messages.query),
        migrate: Some(messages.migrate),
        sudo: None,
        responses: Some(responses),
    };
    Ok(api.render())
}

/// The energy token.
///
/// # Errors
/// The list of queries and answers is inconsistent.
pub fn energy_token() -> Result<impl Serialize> {
    interface::<token::QueryMsg>(
        "energy-token",
        Messages {
            instantiate: schema_for!(token::InstantiateMsg),
            execute: schema_for!(token::ExecuteMsg),
            query: schema_for!(token::QueryMsg),
            migrate: schema_for!(token::MigrateMsg),
        },
    )
}

/// The energy pool.
///
/// # Errors
/// The list of queries and answers is inconsistent.
pub fn energy_pool() -> Result<impl Serialize> {
    interface::<pool::QueryMsg>(
        "energy-pool",
        Messages {
            instantiate: schema_for!(pool::InstantiateMsg),
            execute: schema_for!(pool::ExecuteMsg),
            query: schema_for!(pool::QueryMsg),
            migrate: schema_for!(pool::MigrateMsg),
        },
    )
}

/// The trade escrow.
///
/// # Errors
/// The list of queries and answers is inconsistent.
pub fn trade_escrow() -> Result<impl Serialize> {
    interface::<escrow::QueryMsg>(
        "trade-escrow",
        Messages {
            instantiate: schema_for!(escrow::InstantiateMsg),
            execute: schema_for!(escrow::ExecuteMsg),
            query: schema_for!(escrow::QueryMsg),
            migrate: schema_for!(escrow::MigrateMsg),
        },
    )
}

/// What a batch returns as data: one answer per item, in the order of the items.
pub fn batch_answer() -> RootSchema {
    schema_for!(Vec<pool::ItemAnswer>)
}
