//! Trades and windows for a spreadsheet. Figures are exact: Wh and micro-units; times are RFC 3339 in UTC.

use super::read;
use crate::http::answer::{Asked, Refusal};
use crate::http::{reason, Shared};
use axum::extract::State;
use axum::http::{header, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use wattpool_core::ports::home::JournalError;
use wattpool_journal_sqlite::{HistoryReader, TradeFilter, TradeRow, WindowRow};
use wattpool_schema::{MeterId, Micro, Seconds, TradeKind, Wh, Window};

/// Trades read at a time, and windows of a file at most: more than a year has.
const ROWS: (u32, usize) = (1_000, 40_000);

/// What is wanted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// What a row is.
    what: What,
    /// From this Unix time on.
    from: Option<u64>,
    /// Before this Unix time.
    to: Option<u64>,
}

/// What a row is.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum What {
    /// A closed trade.
    Trades,
    /// A window.
    Windows,
}

/// RFC 3339 in UTC.
fn time(at: Seconds) -> String {
    let at = i64::try_from(at.0).unwrap_or(i64::MAX);
    chrono::DateTime::from_timestamp(at, 0).map_or_else(String::new, |at| {
        at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    })
}

/// Trades, newest first, a page at a time: all of them together are many.
fn trades(
    history: &HistoryReader,
    me: MeterId,
    mut filter: TradeFilter,
) -> Result<String, JournalError> {
    let mut text = String::from(
        "closed_at,window,kind,side,partner,asked_wh,arrived_wh,lost_wh,price_micro_per_kwh,paid_micro,charge_micro,\
         height,sequence,trade_id\r\n",
    );
    loop {
        let rows = history.trades(&filter, ROWS.0)?;
        let Some(last) = rows.last() else {
            return Ok(text);
        };
        filter.before = Some(last.trade.sequence);
        for row in &rows {
            // Writing to a text does not fail.
            let _ = trade(&mut text, me, row);
        }
    }
}

fn trade(text: &mut String, me: MeterId, row: &TradeRow) -> std::fmt::Result {
    let TradeRow { height, trade } = row;
    let buys = trade.buyer == me;
    let (side, partner) = if buys {
        ("bought", trade.seller)
    } else {
        ("sold", trade.buyer)
    };
    let kind = match trade.kind {
        TradeKind::Spot => "spot",
        TradeKind::Forward => "forward",
    };
    write!(
        text,
        "{},{},{kind},{side},{partner},{},{},{},{},{},{},{height},{},{}\r\n",
        time(trade.closed_at),
        trade.window,
        trade.asked,
        trade.arrived,
        trade.lost,
        trade.price,
        trade.paid,
        trade.charge,
        trade.sequence,
        trade.trade_id
    )
}

fn windows(
    rows: &[WindowRow],
    fees: &BTreeMap<Window, Micro>,
    generated: &BTreeMap<Window, Wh>,
) -> Result<String, std::fmt::Error> {
    let mut text = String::from(
        "from,window,surplus_wh,deficit_wh,bought_wh,sold_wh,paid_micro,charge_micro,earned_micro,\
         import_micro_per_kwh,feed_in_micro_per_kwh,fees_micro,generated_wh\r\n",
    );
    fn cell<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(String::new, |value| value.to_string())
    }
    for row in rows {
        write!(
            text,
            "{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
            time(row.from),
            row.window,
            cell(row.surplus),
            cell(row.deficit),
            row.bought,
            row.sold,
            row.paid,
            row.charge,
            row.earned,
            cell(row.import),
            cell(row.feed_in),
            fees.get(&row.window).copied().unwrap_or_default(),
            cell(generated.get(&row.window))
        )?;
    }
    Ok(text)
}

pub async fn export(
    State(shared): State<Shared>,
    Asked(asked): Asked<Export>,
) -> Result<Response, Refusal> {
    let (me, len) = (shared.meter, shared.market.window_seconds);
    let (from, to) = (asked.from.map(Seconds), asked.to.map(Seconds));
    let Ok(_one) = shared.exporting.try_acquire() else {
        let mut refusal = Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "another file is being written",
        )
        .named(reason::BUSY);
        refusal.retry_after = Some(2);
        return Err(refusal);
    };
    let (name, text) = match asked.what {
        What::Trades => {
            let filter = TradeFilter {
                from,
                to,
                ..TradeFilter::default()
            };
            let text = read(&shared, move |history| trades(history, me, filter));
            ("trades", text.await?)
        }
        What::Windows => {
            let from = from.unwrap_or_default();
            let to = to.unwrap_or(Seconds(u64::from(u32::MAX)));
            let kept = shared.generated;
            let told = read(&shared, move |history| {
                let rows = history.windows(me, len, from, to, ROWS.1)?;
                let generated = kept.map(|kept| history.generated(len, from, to, kept));
                let generated = generated.transpose()?.unwrap_or_default();
                Ok((rows, history.fees(len, from, to)?, generated))
            });
            let (rows, fees, generated) = told.await?;
            let text = windows(&rows, &fees, &generated).map_err(Refusal::broken)?;
            ("windows", text)
        }
    };
    let file = format!("attachment; filename=\"wattpool-{name}.csv\"");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, file),
    ];
    Ok((headers, text).into_response())
}
