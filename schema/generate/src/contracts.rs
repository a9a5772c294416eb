//! One file per contract in the CosmWasm interface description: its messages and the answers to its queries.

use anyhow::{ensure, Result};
use cosmwasm_schema::schemars::schema::{RootSchema, Schema};
use cosmwasm_schema::{schema_for, Api};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use wattpool_schema::{escrow, pool, token};

/// Messages of one contract.
struct Messages {
    instantiate: RootSchema,
    execute: RootSchema,
    query: RootSchema,
    migrate: RootSchema,
}

fn interface(
    name: &str,
    messages: Messages,
    responses: BTreeMap<String, RootSchema>,
) -> Result<impl Serialize> {
    let asked = questions(&messages.query);
    let answered: BTreeSet<&str> = responses.keys().map(String::as_str).collect();
    ensure!(
        asked == answered,
        "{name}: questions {asked:?} have answers {answered:?}"
    );
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

/// Names of the questions that a schema lists.
fn questions(query: &RootSchema) -> BTreeSet<&str> {
    let variants = query.schema.subschemas.iter();
    variants
        .flat_map(|s| s.one_of.iter().flatten())
        .filter_map(|variant| match variant {
            Schema::Object(object) => object.object.as_ref(),
            Schema::Bool(_) => None,
        })
        .flat_map(|object| object.required.iter().map(String::as_str))
        .collect()
}

/// The energy token.
///
/// # Errors
/// The list of queries and answers is inconsistent.
pub fn energy_token() -> Result<impl Serialize> {
    interface(
        "energy-token",
        Messages {
            instantiate: schema_for!(token::InstantiateMsg),
            execute: schema_for!(token::ExecuteMsg),
            query: schema_for!(token::QueryMsg),
            migrate: schema_for!(token::MigrateMsg),
        },
        token::QueryMsg::answers(),
    )
}

/// The energy pool.
///
/// # Errors
/// The list of queries and answers is inconsistent.
pub fn energy_pool() -> Result<impl Serialize> {
    interface(
        "energy-pool",
        Messages {
            instantiate: schema_for!(pool::InstantiateMsg),
            execute: schema_for!(pool::ExecuteMsg),
            query: schema_for!(pool::QueryMsg),
            migrate: schema_for!(pool::MigrateMsg),
        },
        pool::QueryMsg::answers(),
    )
}

/// The trade escrow.
///
/// # Errors
/// The list of queries and answers is inconsistent.
pub fn trade_escrow() -> Result<impl Serialize> {
    interface(
        "trade-escrow",
        Messages {
            instantiate: schema_for!(escrow::InstantiateMsg),
            execute: schema_for!(escrow::ExecuteMsg),
            query: schema_for!(escrow::QueryMsg),
            migrate: schema_for!(escrow::MigrateMsg),
        },
        escrow::QueryMsg::answers(),
    )
}

/// What a batch returns as data: one answer per item, in the order of the items.
pub fn batch_answer() -> RootSchema {
    schema_for!(Vec<pool::ItemAnswer>)
}
