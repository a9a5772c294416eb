//! The meter, as its owner tells of it.

use super::status::waiting;
use crate::http::answer::{Answer, Refusal, Told};
use crate::http::{reason, Shared};
use axum::extract::State;
use axum::http::StatusCode;
use axum::Json;
use wattpool_core::metering::{Exchange, ReadingProblem};

/// Why an exchange was not taken, for its owner.
fn words(problem: ReadingProblem) -> String {
    let why = match problem {
        ReadingProblem::Stale => {
            return "no reading of the old meter was ever believed: there is nothing to close, the new one begins by itself".to_owned();
        }
        ReadingProblem::RolledBack => "they are lower than what was believed last",
        ReadingProblem::BeyondPower => {
            "since the last reading that was believed no more can have flowed than the registered maximum"
        }
        ReadingProblem::NoValue => "they are no value",
        _ => "they do not follow what was believed last",
    };
    format!("closing: expected the old meter's registers at its end; {why}")
}

pub async fn replaced(
    State(shared): State<Shared>,
    Told(exchange): Told<Exchange>,
) -> Answer<Exchange> {
    let handle = shared.running.handle().map_err(waiting)?;
    let taken = handle.exchange_meter(exchange).await;
    match taken.map_err(|gone| waiting(gone.to_string()))? {
        Ok(()) => Ok(Json(exchange)),
        Err(problem) => {
            Err(Refusal::new(StatusCode::CONFLICT, words(problem)).named(reason::REGISTERS))
        }
    }
}
