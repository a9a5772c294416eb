//! The owner's limits on what a meter's agent may trade.

use crate::reading::read_struct;
use crate::{Micro, Price, Wh};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The owner's limits on a meter's agent, for one tenure of the meter. Those that are absent have defaults that bind. A day is a UTC day of block time.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Default, Eq)]
pub struct Limits {
    /// Nothing may be traded.
    pub trading_off: bool,
    /// Lowest price to sell at; by default what brings the feed-in tariff of the energy's window for every kWh that is sent.
    pub min_sell_price: Option<Price>,
    /// Highest price to buy at, network charge included; by default the import tariff of the energy's window.
    pub max_buy_price: Option<Price>,
    /// Most money a day, network charge included, and most that standing orders may lock together; by default what the home may import in a day, at the
    /// import tariff.
    pub max_spend_per_day: Option<Micro>,
    /// Most energy bought a day.
    pub max_buy_per_day: Option<Wh>,
    /// Most energy sold (leaving) a day.
    pub max_sell_per_day: Option<Wh>,
}

read_struct!(Limits {
    trading_off,
    min_sell_price,
    max_buy_price,
    max_spend_per_day,
    max_buy_per_day,
    max_sell_per_day,
});

/// Limits to set; those that are absent stay as they are.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Default, Eq)]
#[allow(missing_docs)] // as in [`Limits`]
pub struct LimitsChange {
    pub trading_off: Option<bool>,
    pub min_sell_price: Option<Price>,
    pub max_buy_price: Option<Price>,
    pub max_spend_per_day: Option<Micro>,
    pub max_buy_per_day: Option<Wh>,
    pub max_sell_per_day: Option<Wh>,
}

read_struct!(LimitsChange {
    trading_off,
    min_sell_price,
    max_buy_price,
    max_spend_per_day,
    max_buy_per_day,
    max_sell_per_day,
});

/// A limit that can be removed, so that its default binds.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[derive(Copy, Eq)]
#[allow(missing_docs)] // as in [`Limits`]
pub enum LimitName {
    MinSellPrice,
    MaxBuyPrice,
    MaxSpendPerDay,
    MaxBuyPerDay,
    MaxSellPerDay,
}

impl From<Limits> for LimitsChange {
    /// Sets all limits that are there.
    fn from(l: Limits) -> Self {
        Self {
            trading_off: Some(l.trading_off),
            min_sell_price: l.min_sell_price,
            max_buy_price: l.max_buy_price,
            max_spend_per_day: l.max_spend_per_day,
            max_buy_per_day: l.max_buy_per_day,
            max_sell_per_day: l.max_sell_per_day,
        }
    }
}

impl Limits {
    /// Sets what a change sets, then removes what is named.
    pub fn change(&mut self, set: LimitsChange, remove: &[LimitName]) {
        self.trading_off = set.trading_off.unwrap_or(self.trading_off);
        self.min_sell_price = set.min_sell_price.or(self.min_sell_price);
        self.max_buy_price = set.max_buy_price.or(self.max_buy_price);
        self.max_spend_per_day = set.max_spend_per_day.or(self.max_spend_per_day);
        self.max_buy_per_day = set.max_buy_per_day.or(self.max_buy_per_day);
        self.max_sell_per_day = set.max_sell_per_day.or(self.max_sell_per_day);
        for name in remove {
            match name {
                LimitName::MinSellPrice => self.min_sell_price = None,
                LimitName::MaxBuyPrice => self.max_buy_price = None,
                LimitName::MaxSpendPerDay => self.max_spend_per_day = None,
                LimitName::MaxBuyPerDay => self.max_buy_per_day = None,
                LimitName::MaxSellPerDay => self.max_sell_per_day = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_sets_what_it_names_and_leaves_the_rest() {
        let mut limits = Limits {
            trading_off: true,
            max_buy_price: Some(Price(1)),
            max_buy_per_day: Some(Wh(2)),
            ..Limits::default()
        };
        let set = LimitsChange {
            max_buy_price: Some(Price(3)),
            ..LimitsChange::default()
        };
        limits.change(set, &[LimitName::MaxBuyPerDay]);
        let expected = Limits {
            trading_off: true,
            max_buy_price: Some(Price(3)),
            ..Limits::default()
        };
        assert_eq!(limits, expected);
    }
}
