//! Who sells how much of a market's energy, at what prices: figures by day and over all, from which anybody may judge. None of them breaks a rule.

use crate::export::{Row, Said};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use wattpool_schema::event::MarketEvent as E;
use wattpool_schema::{MeterId, Window};

/// Parts of a whole that a share is counted in.
pub const WHOLE: u64 = 1_000_000;

/// What a meter offered and sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sold {
    minted: u64,
    sent: u64,
    arrived: u64,
    paid: u64,
}

/// A period, while it is counted.
#[derive(Clone, Debug, Default)]
struct Sums {
    sellers: BTreeMap<MeterId, Sold>,
    pairs: BTreeMap<(MeterId, MeterId), u64>,
    trades: u64,
    charges: u64,
    prices: Option<(u64, u64)>,
}

/// Collects what a report shows.
#[derive(Clone, Debug)]
pub struct Market {
    window_seconds: u32,
    days: BTreeMap<u64, Sums>,
    all: Sums,
}

/// A seller. Shares are in millionths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Seller {
    /// Its meter.
    pub meter: MeterId,
    /// Surplus that it could have sold: stated in time, Wh.
    pub offered_wh: u64,
    /// Sent for trades, with what was lost, Wh.
    pub sent_wh: u64,
    /// Arrived, Wh.
    pub arrived_wh: u64,
    /// Its share of all that arrived.
    pub share: u64,
    /// Share of its surplus that it did not sell: withheld, or nobody bought it; events do not say which.
    pub unsold: Option<u64>,
    /// Mean price, micro-units per arriving kWh.
    pub mean_price: Option<u64>,
}

/// A buyer and a seller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Pair {
    /// Who sold.
    pub seller: MeterId,
    /// Who bought.
    pub buyer: MeterId,
    /// Arrived, Wh.
    pub arrived_wh: u64,
    /// Share of all that arrived.
    pub share: u64,
}

/// Figures of a period. Energy in Wh, money in micro-units, prices in micro-units per arriving kWh, shares in millionths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Figures {
    /// The period's first second, unix; none: all of the source.
    pub day: Option<u64>,
    /// Trades whose first window is in it.
    pub trades: u64,
    /// Meters that sold.
    pub sellers: u64,
    /// Surplus stated in time.
    pub offered_wh: u64,
    /// Arrived.
    pub arrived_wh: u64,
    /// Herfindahl-Hirschman index of the sellers' shares: 10,000 is one seller alone. None: nothing was sold.
    pub hhi: Option<u64>,
    /// The largest seller's share.
    pub largest_share: Option<u64>,
    /// Paid over energy.
    pub mean_price: Option<u64>,
    /// The lowest price of a closed trade
    pub min_price: Option<u64>,
    /// and the highest.
    pub max_price: Option<u64>,
    /// Network charges.
    pub charges: u64,
    /// Share of the surplus that was not sold: withheld by its owner, or expired because nobody bought it.
    pub unsold: Option<u64>,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// Day by day (UTC, by the metered window).
    pub days: Vec<Figures>,
    /// Over all of the source.
    pub total: Figures,
    /// The largest first.
    pub sellers: Vec<Seller>,
    /// The largest first.
    pub pairs: Vec<Pair>,
}

/// `part · unit / whole`, rounded down.
fn part(part: u64, unit: u64, whole: u64) -> Option<u64> {
    let found = u128::from(part)
        .saturating_mul(u128::from(unit))
        .checked_div(u128::from(whole))?;
    Some(u64::try_from(found).unwrap_or(u64::MAX))
}

impl Sums {
    fn figures(&self, day: Option<u64>) -> Figures {
        let sum = |of: fn(&Sold) -> u64| {
            let all = self.sellers.values().map(of);
            all.fold(0u64, u64::saturating_add)
        };
        let (offered, sent) = (sum(|s| s.minted), sum(|s| s.sent));
        let (arrived, paid) = (sum(|s| s.arrived), sum(|s| s.paid));
        let sold = self.sellers.values().map(|s| s.arrived);
        let squares = sold.clone().fold(0u128, |all, wh| {
            let wh = u128::from(wh);
            all.saturating_add(wh.saturating_mul(wh))
        });
        let whole = u128::from(arrived).saturating_mul(u128::from(arrived));
        let hhi = squares.saturating_mul(10_000).checked_div(whole);
        let most = sold.clone().max().unwrap_or_default();
        let sellers = sold.filter(|wh| *wh > 0).count();
        Figures {
            day,
            trades: self.trades,
            sellers: u64::try_from(sellers).unwrap_or(u64::MAX),
            offered_wh: offered,
            arrived_wh: arrived,
            hhi: hhi.and_then(|h| u64::try_from(h).ok()),
            largest_share: part(most, WHOLE, arrived),
            mean_price: part(paid, 1_000, arrived),
            min_price: self.prices.map(|(least, _)| least),
            max_price: self.prices.map(|(_, most)| most),
            charges: self.charges,
            unsold: part(offered.saturating_sub(sent), WHOLE, offered),
        }
    }
}

impl Market {
    /// With windows of this length, seconds.
    pub fn new(window_seconds: u32) -> Self {
        Self {
            window_seconds,
            days: BTreeMap::new(),
            all: Sums::default(),
        }
    }

    fn count(&mut self, window: Window, count: impl Fn(&mut Sums)) {
        let start = window.start(self.window_seconds).0;
        let day = start.saturating_sub(start % 86_400);
        count(self.days.entry(day).or_default());
        count(&mut self.all);
    }

    /// Whether a row is any of the figures' business.
    pub fn counts(row: &Row) -> bool {
        let Said::Event(event) = &row.said else {
            return false;
        };
        matches!(
            event.as_ref(),
            E::Stated(_) | E::Delivered(_) | E::TradeClosed(_)
        )
    }

    /// Takes a row.
    pub fn take(&mut self, row: &Row) {
        let Said::Event(event) = &row.said else {
            return;
        };
        match event.as_ref() {
            E::Stated(e) if e.minted => self.count(e.window, |s| {
                let seller = s.sellers.entry(e.meter).or_default();
                seller.minted = seller.minted.saturating_add(e.wh.0);
            }),
            E::Delivered(e) => self.count(e.window, |s| {
                let seller = s.sellers.entry(e.seller).or_default();
                seller.sent = seller.sent.saturating_add(e.gross.0);
                seller.arrived = seller.arrived.saturating_add(e.net.0);
                seller.paid = seller.paid.saturating_add(e.paid.0);
                let pair = s.pairs.entry((e.seller, e.buyer)).or_default();
                *pair = pair.saturating_add(e.net.0);
                s.charges = s.charges.saturating_add(e.charge.0);
            }),
            E::TradeClosed(e) => self.count(e.window, |s| {
                s.trades = s.trades.saturating_add(1);
                if e.arrived.is_zero() {
                    return;
                }
                let (least, most) = s.prices.unwrap_or((e.price.0, e.price.0));
                s.prices = Some((least.min(e.price.0), most.max(e.price.0)));
            }),
            _ => {}
        }
    }

    /// The figures.
    pub fn report(&self) -> Report {
        let total = self.all.figures(None);
        let of_all = |wh: u64| part(wh, WHOLE, total.arrived_wh).unwrap_or_default();
        let sellers = self
            .all
            .sellers
            .iter()
            .filter(|(_, s)| s.minted > 0 || s.sent > 0);
        let mut sellers: Vec<Seller> = sellers
            .map(|(meter, s)| Seller {
                meter: *meter,
                offered_wh: s.minted,
                sent_wh: s.sent,
                arrived_wh: s.arrived,
                share: of_all(s.arrived),
                unsold: part(s.minted.saturating_sub(s.sent), WHOLE, s.minted),
                mean_price: part(s.paid, 1_000, s.arrived),
            })
            .collect();
        sellers.sort_by_key(|s| std::cmp::Reverse(s.arrived_wh));
        let mut pairs: Vec<Pair> = self
            .all
            .pairs
            .iter()
            .map(|((seller, buyer), wh)| Pair {
                seller: *seller,
                buyer: *buyer,
                arrived_wh: *wh,
                share: of_all(*wh),
            })
            .collect();
        pairs.sort_by_key(|p| std::cmp::Reverse(p.arrived_wh));
        Report {
            days: self
                .days
                .iter()
                .map(|(day, s)| s.figures(Some(*day)))
                .collect(),
            total,
            sellers,
            pairs,
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use wattpool_schema::event::{Delivered, MarketEvent, Stated};
    use wattpool_schema::{Commitment, Micro, TradeKind, Wh};

    fn row(said: MarketEvent) -> Row {
        Row {
            height: 1,
            time: 86_400 * 3,
            tx: 0,
            index: 0,
            contract: "escrow".to_owned(),
            said: Said::Event(Box::new(said)),
        }
    }

    fn stated(meter: u8, window: u64, wh: u64, minted: bool) -> Row {
        row(E::Stated(Stated {
            meter: MeterId([meter; 16]),
            owner: "o".into(),
            window: Window(window),
            sequence: window,
            wh: Wh(wh),
            commitment: Commitment::default(),
            minted,
        }))
    }

    fn delivered(seller: u8, buyer: u8, window: u64, net: u64, paid: u64) -> Row {
        row(E::Delivered(Delivered {
            kind: TradeKind::Spot,
            window: Window(window),
            trade_id: 1,
            seller: MeterId([seller; 16]),
            buyer: MeterId([buyer; 16]),
            seller_owner: "s".into(),
            buyer_owner: "b".into(),
            net: Wh(net),
            gross: Wh(net + 10),
            paid: Micro(paid),
            charge: Micro(3),
        }))
    }

    #[test]
    fn shares_and_concentration() {
        let mut market = Market::new(900);
        for row in [
            stated(1, 96, 1_000, true),
            stated(2, 97, 500, true),
            stated(2, 98, 70, false),
            delivered(1, 9, 96, 600, 120_000),
            delivered(1, 8, 96, 200, 40_000),
            delivered(2, 9, 192, 200, 60_000),
        ] {
            assert!(Market::counts(&row));
            market.take(&row);
        }
        let report = market.report();
        let t = &report.total;
        assert_eq!((t.offered_wh, t.arrived_wh, t.charges), (1_500, 1_000, 9));
        // 0.8² + 0.2²
        assert_eq!((t.hhi, t.largest_share), (Some(6_800), Some(800_000)));
        assert_eq!(t.mean_price, Some(220_000));
        assert_eq!(t.unsold, Some((1_500 - 1_030) * 1_000_000 / 1_500));
        let days: Vec<_> = report.days.iter().map(|d| (d.day, d.hhi)).collect();
        assert_eq!(
            days,
            [(Some(86_400), Some(10_000)), (Some(172_800), Some(10_000))]
        );
        assert_eq!(report.sellers[0].unsold, Some(180_000));
        assert_eq!(report.sellers[1].mean_price, Some(300_000));
        assert_eq!(report.pairs[0].share, 600_000);
        let none = Market::new(900).report();
        assert_eq!((none.total.hhi, none.total.unsold), (None, None));
    }
}
