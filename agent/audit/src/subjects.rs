//! Whom and what an export is about: what has to be asked of the contracts' state at its end.

use crate::export::{Row, Said};
use std::collections::BTreeSet;
use wattpool_schema::event::MarketEvent as E;
use wattpool_schema::{MeterId, Window};

/// Accounts, owners with feed-in money, windows, meters that rows name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    /// Money accounts at the escrow.
    pub accounts: BTreeSet<String>,
    /// Owners whose feed-in became money.
    pub fed_in: BTreeSet<String>,
    /// Windows with books.
    pub windows: BTreeSet<Window>,
    /// Meters.
    pub meters: BTreeSet<MeterId>,
}

impl Subjects {
    /// Takes a row.
    pub fn see(&mut self, row: &Row) {
        let Said::Event(event) = &row.said else {
            return;
        };
        match event.as_ref() {
            E::Minted(e) => self.window(e.window),
            E::Expired(e) => self.window(e.window),
            E::Moved(e) => self.window(e.window),
            E::Stated(e) => {
                self.window(e.window);
                self.meters.insert(e.meter);
            }
            E::Covered(e) => {
                self.window(e.window);
                self.meters.insert(e.meter);
            }
            E::Redeemed(e) => self.window(e.window),
            E::MeterRegistered(e) => {
                self.meters.insert(e.meter);
            }
            E::LimitsSet(e) => {
                self.meters.insert(e.meter);
            }
            E::Deposited(e) => self.account(&e.owner),
            E::Withdrawn(e) => self.account(&e.owner),
            E::Delivered(e) => {
                self.window(e.window);
                self.account(&e.seller_owner);
                self.account(&e.buyer_owner);
                self.meters.extend([e.seller, e.buyer]);
            }
            E::FeedInCredited(e) => {
                self.fed_in.insert(e.owner.clone());
            }
            _ => {}
        }
    }

    fn window(&mut self, window: Window) {
        self.windows.insert(window);
    }

    fn account(&mut self, owner: &str) {
        if !self.accounts.contains(owner) {
            self.accounts.insert(owner.to_owned());
        }
    }
}
