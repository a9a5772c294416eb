//! What the market's messages cost: gas as it was measured on a chain, fees at the market's gas price.
//!
//! The figures are those of `gas.json`, which `scripts/bench-gas` writes together with the table in
//! docs/bench/gas.md: contracts that stay loaded ("pinned"), as `wattpool admin deploy` leaves them.

use std::collections::BTreeMap;

use serde::Deserialize;
use wattpool_schema::{Micro, DEFAULT_GAS_PRICE, GAS_MARGIN_PERCENT, PAYMENT_DENOM};

use crate::error::MeasureError;

/// Decimals of a price of gas that count.
const DECIMALS: usize = 6;

/// Statements in the measured message of many.
const MEASURED_STATEMENTS: u32 = 50;

/// A message that a simulated meter, or its owner, sends to the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Message {
    /// So many statements in one message to the pool.
    State(u32),
    /// A spot trade.
    Settle,
    /// A standing order is opened.
    OpenOrder,
    /// A window of a standing order is delivered.
    Deliver,
    /// A standing order is ended before its time.
    CancelOrder,
    /// A standing order that has ended is closed.
    CloseOrder,
    /// An owner claims the credit for what was fed in.
    ClaimFeedIn,
}

impl Message {
    /// Its name in the measured table; several statements are told apart by their number.
    pub fn name(self) -> String {
        match self {
            Self::State(0 | 1) => "pool state".into(),
            Self::State(count) => format!("pool state ({count} statements)"),
            Self::Settle => "escrow settle".into(),
            Self::OpenOrder => "escrow open_order".into(),
            Self::Deliver => "escrow deliver".into(),
            Self::CancelOrder => "escrow cancel_order".into(),
            Self::CloseOrder => "escrow close_order".into(),
            Self::ClaimFeedIn => "pool claim_feed_in".into(),
        }
    }

    /// True for what does not belong to a trade: statements of energy.
    pub fn is_statement(self) -> bool {
        matches!(self, Self::State(_))
    }
}

#[derive(Deserialize)]
struct File {
    messages: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    message: String,
    pinned: u64,
}

/// Gas per message, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    gas: BTreeMap<String, u64>,
    price_per_million: u64,
}

/// A price such as `0.0025uwatt` as micro-units per million gas; none: it is no such price, or has more decimals.
fn per_million(price: &str) -> Option<u64> {
    let number = price.strip_suffix(PAYMENT_DENOM)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    if whole.is_empty() || fraction.len() > DECIMALS || !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<DECIMALS$}").parse().ok()
}

impl Costs {
    /// What was measured.
    ///
    /// # Errors
    /// A message is missing in the measured table.
    pub fn measured() -> Result<Self, MeasureError> {
        Self::read(include_str!("../gas.json"))
    }

    fn read(text: &str) -> Result<Self, MeasureError> {
        let file: File =
            serde_json::from_str(text).map_err(|error| MeasureError::Gas(error.to_string()))?;
        let gas: BTreeMap<String, u64> = file
            .messages
            .into_iter()
            .map(|row| (row.message, row.pinned))
            .collect();
        let needed = [
            Message::State(1),
            Message::State(MEASURED_STATEMENTS),
            Message::Settle,
            Message::OpenOrder,
            Message::Deliver,
            Message::CancelOrder,
            Message::CloseOrder,
            Message::ClaimFeedIn,
        ];
        match needed.iter().find(|m| !gas.contains_key(&m.name())) {
            Some(missing) => Err(MeasureError::Gas(format!(
                "there is no message {}",
                missing.name()
            ))),
            None => Ok(Self {
                gas,
                price_per_million: per_million(DEFAULT_GAS_PRICE)
                    .ok_or_else(|| MeasureError::Gas(format!("no price: {DEFAULT_GAS_PRICE}")))?,
            }),
        }
    }

    /// Micro-units per million gas.
    pub fn price_per_million(&self) -> u64 {
        self.price_per_million
    }

    fn of(&self, message: Message) -> u64 {
        self.gas.get(&message.name()).copied().unwrap_or(0)
    }

    /// Gas that the message uses. Statements between the two measured numbers lie on the line through both.
    pub fn gas(&self, message: Message) -> u64 {
        let Message::State(count) = message else {
            return self.of(message);
        };
        let (one, many) = (
            self.of(Message::State(1)),
            self.of(Message::State(MEASURED_STATEMENTS)),
        );
        let further = u64::from(count.max(1)).saturating_sub(1);
        let steps = u64::from(MEASURED_STATEMENTS).saturating_sub(1);
        let rise = many
            .saturating_sub(one)
            .saturating_mul(further)
            .div_ceil(steps);
        one.saturating_add(rise)
    }

    /// What its sender pays, rounded up: the chain takes the fee for all the gas that the transaction may use, and
    /// agents ask for [`GAS_MARGIN_PERCENT`] of what it will.
    pub fn fee(&self, message: Message) -> Micro {
        let limit = self
            .gas(message)
            .saturating_mul(u64::from(GAS_MARGIN_PERCENT))
            .div_ceil(100);
        Micro(
            limit
                .saturating_mul(self.price_per_million)
                .div_ceil(1_000_000),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_lie_between_the_measured_ones() {
        let costs = Costs::measured().unwrap();
        let gas = |count| costs.gas(Message::State(count));
        assert_eq!(gas(0), gas(1));
        assert_eq!(gas(50), costs.of(Message::State(50)));
        assert!((2..50).all(|n| gas(n) > gas(n - 1) && gas(n) < gas(n + 1)));
    }

    #[test]
    fn prices_are_read_to_the_millionth() {
        assert_eq!(per_million("0.0025uwatt"), Some(2_500));
        assert_eq!(per_million("1uwatt"), Some(1_000_000));
        assert_eq!(per_million("12.000001uwatt"), Some(12_000_001));
        for wrong in [
            "0.0025",
            "uwatt",
            "0.0000001uwatt",
            "-1uwatt",
            "1.+5uwatt",
            ".5uwatt",
        ] {
            assert_eq!(per_million(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_fee_is_for_the_limit_and_rounded_up() {
        let table = r#"{"messages":[
            {"message":"pool state","pinned":100000},{"message":"pool state (50 statements)","pinned":590000},
            {"message":"escrow settle","pinned":200001},{"message":"escrow open_order","pinned":1},
            {"message":"escrow deliver","pinned":1},{"message":"escrow cancel_order","pinned":1},
            {"message":"escrow close_order","pinned":1},{"message":"pool claim_feed_in","pinned":1}]}"#;
        let costs = Costs::read(table).unwrap();
        // 200,001 · 1.4 = 280,001.4, so 280,002 gas at 0.0025: 700.005, so 701.
        assert_eq!(costs.fee(Message::Settle), Micro(701));
        assert_eq!(costs.fee(Message::Deliver), Micro(1));
        assert_eq!(costs.gas(Message::State(2)), 110_000);
        let without = table.replace("escrow deliver", "escrow other");
        let error = Costs::read(&without).unwrap_err().to_string();
        assert!(error.contains("escrow deliver"), "{error}");
    }

    /// The table that people read and the one that simulations take are one measurement.
    #[test]
    fn the_page_and_the_file_agree() {
        let page = include_str!("../../../../docs/bench/gas.md");
        let file: File = serde_json::from_str(include_str!("../gas.json")).unwrap();
        let table = page
            .split("| message | unpinned | pinned |")
            .nth(1)
            .unwrap();
        let number = |cell: &str| -> u64 {
            let digits = cell.split_whitespace().next().unwrap_or("");
            digits.replace(',', "").parse().unwrap()
        };
        let rows: BTreeMap<String, u64> = table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .map(|line| {
                let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                (cells[1].to_owned(), number(cells[3]))
            })
            .collect();
        let kept: BTreeMap<String, u64> = file
            .messages
            .into_iter()
            .map(|row| (row.message, row.pinned))
            .collect();
        assert_eq!(rows, kept);
    }
}
