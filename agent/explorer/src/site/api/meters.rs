//! Meters, by their pseudonyms.

pub use crate::index::MeterRow;

use super::{limit, meter_of, not_here, prefix_of, read, Shared};
use crate::index::{Prefix, PAGE};
use axum::extract::{Path, State};
use axum::Json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wattpool_web::answer::{Answer, Asked};

/// Which meters.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// The first digits of a meter.
    meter: Option<String>,
    /// After this meter: where the page before ended.
    after: Option<String>,
    /// At most so many, 1 to 200 [default: 50].
    limit: Option<u32>,
}

/// Meters.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Meters {
    /// By their pseudonyms.
    meters: Vec<MeterRow>,
    /// Ask for those after this one; none: these were the last.
    next: Option<String>,
}

pub async fn meters(State(shared): State<Shared>, Asked(asked): Asked<Find>) -> Answer<Meters> {
    let limit = limit(asked.limit, 50, PAGE)?;
    let prefix = match &asked.meter {
        Some(text) => prefix_of("meter", text)?,
        None => Prefix::ALL,
    };
    let after = asked
        .after
        .map(|text| meter_of("after", &text))
        .transpose()?;
    let meters = read(&shared, move |_, reader| {
        reader.meters(prefix, after, limit)
    })
    .await?;
    let full = meters.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next = meters.last().map(|m| m.meter.clone()).filter(|_| full);
    Ok(Json(Meters { meters, next }))
}

pub async fn meter(State(shared): State<Shared>, Path(meter): Path<String>) -> Answer<MeterRow> {
    let id = meter_of("meter", &meter)?;
    let found = read(&shared, move |_, reader| reader.meter(id)).await?;
    found
        .map(Json)
        .ok_or_else(|| not_here(format!("meter {id}")))
}
