//! What is signed: by devices and agents for the chain, and between meters.

use cosmwasm_schema::schema_for;
use cosmwasm_schema::schemars::schema::RootSchema;
use serde::Serialize;
use wattpool_schema::peer::{SignedBinding, SignedRecord, SignedRequest, TradeAnswer};
use wattpool_schema::{SignedApproval, SignedCover, SignedStatement, RECORD_VERSION};

/// The signed records and their version.
#[derive(Serialize)]
pub struct Records {
    version: u16,
    records: Vec<Record>,
}

#[derive(Serialize)]
struct Record {
    name: &'static str,
    schema: RootSchema,
}

/// Every signed record. An answer has no signature of its own: an approval in it is signed.
pub fn all() -> Records {
    let record = |name, schema| Record { name, schema };
    Records {
        version: RECORD_VERSION,
        records: vec![
            record("statement", schema_for!(SignedStatement)),
            record("cover", schema_for!(SignedCover)),
            record("approval", schema_for!(SignedApproval)),
            record("discovery_record", schema_for!(SignedRecord)),
            record("peer_binding", schema_for!(SignedBinding)),
            record("trade_request", schema_for!(SignedRequest)),
            record("trade_answer", schema_for!(TradeAnswer)),
        ],
    }
}
