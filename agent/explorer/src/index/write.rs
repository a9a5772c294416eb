//! A block's events into the tables.

use super::{Block, IndexError, Progress, Watch};
use rusqlite::{params, Transaction};
use wattpool_audit::export::{name, Row, Said, State};
use wattpool_audit::trades::Trade;
use wattpool_schema::event::{
    AttributeValue, Delivered, MarketEvent as E, OrderOpened, Stated, TradeClosed,
};
use wattpool_schema::{MeterId, Micro, Wh, Window};

/// As large as the database's numbers are.
pub(super) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The same bits: for numbers that are names.
pub(super) const fn bits(n: u64) -> i64 {
    i64::from_ne_bytes(n.to_ne_bytes())
}

pub(super) fn progress(tx: &Transaction<'_>, progress: &Progress) -> Result<(), IndexError> {
    let mut put = tx.prepare_cached(
        "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?;
    let height = progress.height.unwrap_or_default();
    put.execute(["to_height", &height.to_string()])?;
    put.execute(["to_time", &progress.time.to_string()])?;
    put.execute(["to_hash", &progress.hash])?;
    if progress.complete {
        put.execute(["complete", "1"])?;
    }
    Ok(())
}

pub(super) fn states(
    tx: &Transaction<'_>,
    states: &[State],
    watch: &mut Watch,
) -> Result<(), IndexError> {
    tx.execute("DELETE FROM states", [])?;
    for state in states {
        let text = serde_json::to_string(state)?;
        tx.prepare_cached("INSERT INTO states (state) VALUES (?1)")?
            .execute([text])?;
        watch("a state");
    }
    Ok(())
}

pub(super) fn block(
    tx: &Transaction<'_>,
    block: &Block,
    watch: &mut Watch,
) -> Result<(), IndexError> {
    if block.transactions > 0 {
        let day = block.time.saturating_sub(block.time % 86_400);
        let mut put =
            tx.prepare_cached("INSERT INTO blocks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        put.execute(params![
            int(block.height),
            int(block.time),
            int(day),
            int(block.transactions),
            int(block.failed),
            int(block.gas),
            int(block.fees)
        ])?;
        watch("a block");
    }
    for row in &block.rows {
        event(tx, row)?;
        watch("an event");
        if let Said::Event(said) = &row.said {
            Writer { tx, row, watch }.follow(said)?;
        }
    }
    Ok(())
}

/// Meter, buyer and trade that an event is about.
fn about(said: &E) -> (Option<MeterId>, Option<MeterId>, Option<u64>) {
    let trade = |seller: MeterId, buyer: MeterId, id: u64| (Some(seller), Some(buyer), Some(id));
    let one = |meter: MeterId| (Some(meter), None, None);
    match said {
        E::Minted(e) => one(e.meter),
        E::MeterRegistered(e) => one(e.meter),
        E::MeterUpdated(e) => one(e.meter),
        E::DeviceSet(e) => one(e.meter),
        E::AgentSet(e) => one(e.meter),
        E::OwnerProposed(e) => one(e.meter),
        E::OwnerChanged(e) => one(e.meter),
        E::NoticeGiven(e) => one(e.meter),
        E::Objected(e) => one(e.meter),
        E::Decided(e) => one(e.meter),
        E::MeterRetired(e) => one(e.meter),
        E::Stated(e) => one(e.meter),
        E::StatedTooOld(e) => one(e.meter),
        E::Covered(e) => one(e.meter),
        E::LimitsSet(e) => one(e.meter),
        E::Moved(e) => trade(e.seller, e.buyer, e.trade_id),
        E::Redeemed(e) => trade(e.seller, e.buyer, e.trade_id),
        E::Delivered(e) => trade(e.seller, e.buyer, e.trade_id),
        E::TradeClosed(e) => trade(e.seller, e.buyer, e.trade_id),
        E::OrderOpened(e) => trade(e.seller, e.buyer, e.trade_id),
        E::OrderCancelled(e) => trade(e.seller, e.buyer, e.trade_id),
        E::OrderWindow(e) => trade(e.seller, e.buyer, e.trade_id),
        _ => (None, None, None),
    }
}

fn event(tx: &Transaction<'_>, row: &Row) -> Result<(), IndexError> {
    let (meter, buyer, trade) = match &row.said {
        Said::Event(event) => about(event),
        Said::Transfer(_) => (None, None, None),
    };
    let text = serde_json::to_string(row)?;
    let mut put = tx.prepare_cached(
        "INSERT INTO events (height, time, tx, place, name, meter, buyer, trade_id, row) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    put.execute(params![
        int(row.height),
        int(row.time),
        row.tx,
        row.index,
        name(&row.said),
        meter.map(|m| m.0),
        buyer.map(|m| m.0),
        trade.map(bits),
        text
    ])?;
    Ok(())
}

struct Writer<'a> {
    tx: &'a Transaction<'a>,
    row: &'a Row,
    watch: &'a mut Watch,
}

impl Writer<'_> {
    /// One change, and what watches hears of it.
    fn run(&mut self, sql: &str, with: impl rusqlite::Params) -> Result<(), IndexError> {
        self.tx.prepare_cached(sql)?.execute(with)?;
        (self.watch)("a change");
        Ok(())
    }

    /// Adds to a named sum.
    fn sum(&mut self, name: &str, amount: Micro) -> Result<(), IndexError> {
        let sql = "INSERT INTO sums VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value";
        self.run(sql, params![name, int(amount.0)])
    }

    /// Sets a named value.
    fn set(&mut self, name: &str, value: i64) -> Result<(), IndexError> {
        let sql = "INSERT INTO sums VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.run(sql, params![name, value])
    }

    fn meter(&mut self, meter: MeterId) -> Result<(), IndexError> {
        self.run(
            "INSERT INTO meters (id) VALUES (?1) ON CONFLICT DO NOTHING",
            [meter.0],
        )
    }

    fn window(&mut self, window: Window) -> Result<(), IndexError> {
        self.run(
            "INSERT INTO windows (window) VALUES (?1) ON CONFLICT DO NOTHING",
            [int(window.0)],
        )
    }

    fn follow(&mut self, said: &E) -> Result<(), IndexError> {
        match said {
            E::MeterRegistered(e) => {
                self.meter(e.meter)?;
                self.terms(e.meter, e.zone.0, e.kind, e.max_export, e.max_import)?;
                let height = int(self.row.height);
                let sql = "UPDATE meters SET owner = ?2, registered = coalesce(registered, ?3), retired = 0, notice = NULL, objected = 0 WHERE id = ?1";
                self.run(sql, params![e.meter.0, e.owner, height])
            }
            E::MeterUpdated(e) => self.terms(e.meter, e.zone.0, e.kind, e.max_export, e.max_import),
            E::OwnerChanged(e) => {
                let sql = "UPDATE meters SET owner = ?2, notice = NULL, objected = 0 WHERE id = ?1";
                self.run(sql, params![e.meter.0, e.to])
            }
            E::NoticeGiven(e) => {
                let sql = "UPDATE meters SET notice = ?2, notice_retires = ?3, objected = objected AND ?2 IS NOT NULL WHERE id = ?1";
                self.run(sql, params![e.meter.0, e.from.map(|s| int(s.0)), e.retire])
            }
            E::Objected(e) => self.run("UPDATE meters SET objected = 1 WHERE id = ?1", [e.meter.0]),
            E::Decided(e) => self.run("UPDATE meters SET objected = 0 WHERE id = ?1", [e.meter.0]),
            E::MeterRetired(e) => {
                let sql =
                    "UPDATE meters SET retired = 1, notice = NULL, objected = 0 WHERE id = ?1";
                self.run(sql, [e.meter.0])
            }
            E::Stated(e) => self.stated(e),
            E::Covered(e) => {
                self.window(e.window)?;
                let sql = "UPDATE windows SET covered = covered + max(0, ?3 - coalesce((SELECT wh FROM covers WHERE meter = ?1 AND window = ?2), 0)) WHERE window = ?2";
                self.run(sql, params![e.meter.0, int(e.window.0), int(e.covered.0)])?;
                let sql = "INSERT INTO covers VALUES (?1, ?2, ?3) ON CONFLICT (meter, window) DO UPDATE SET wh = max(wh, excluded.wh)";
                self.run(sql, params![e.meter.0, int(e.window.0), int(e.covered.0)])
            }
            E::Delivered(e) => self.delivered(e),
            E::TradeClosed(e) => self.closed(e),
            E::OrderOpened(e) => self.opened(e),
            E::OrderCancelled(e) => {
                let sql = "UPDATE orders SET state = 'cancelled', last = ?3, locked = locked - ?4 WHERE buyer = ?1 AND trade_id = ?2";
                self.run(
                    sql,
                    params![
                        e.buyer.0,
                        bits(e.trade_id),
                        int(e.last_window.0),
                        int(e.refunded.0)
                    ],
                )
            }
            E::OrderWindow(e) => {
                let sql =
                    "UPDATE orders SET locked = locked - ?3 WHERE buyer = ?1 AND trade_id = ?2";
                self.run(sql, params![e.buyer.0, bits(e.trade_id), int(e.refunded.0)])
            }
            E::TariffsSet(e) => {
                self.set("import", e.import.0)?;
                self.set("feed_in_tariff", e.feed_in.0)?;
                self.set("tariffs_from", int(e.from_window.0))
            }
            E::ReserveFunded(e) => self.sum("reserve_funded", e.amount),
            E::ReserveTaken(e) => self.sum("reserve_taken", e.amount),
            E::FeedInCredited(e) => self.sum("feed_in_credited", e.amount),
            E::FeedInPaid(e) => self.sum("feed_in_paid", e.amount),
            E::CreditHoldSet(e) => {
                let sql = "INSERT INTO holds VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 'held') ON CONFLICT (owner, first) DO UPDATE SET \
                    last = excluded.last, reason = excluded.reason, set_at = excluded.set_at, until = excluded.until, held = 0, struck = 0, state = 'held'";
                let time = int(self.row.time);
                let (first, last) = (int(e.from.0), int(e.through.0));
                self.run(
                    sql,
                    params![e.owner, first, last, e.reason.code(), time, int(e.until.0)],
                )
            }
            E::CreditHoldConfirmed(e) => {
                let sql = "UPDATE holds SET state = 'confirmed', until = NULL WHERE owner = ?1 AND first = ?2";
                self.run(sql, params![e.owner, int(e.from.0)])
            }
            E::CreditHoldReleased(e) => {
                let sql = "UPDATE holds SET state = 'released', until = ?3 WHERE owner = ?1 AND first = ?2";
                self.run(sql, params![e.owner, int(e.from.0), int(self.row.time)])
            }
            E::CreditHeld(e) => {
                let sql = "UPDATE holds SET held = held + ?3 WHERE owner = ?1 AND first <= ?2 AND last >= ?2 AND (until IS NULL OR until > ?4) AND state <> 'struck'";
                let time = int(self.row.time);
                self.run(
                    sql,
                    params![e.owner, int(e.window.0), int(e.amount.0), time],
                )
            }
            E::CreditStruck(e) => {
                self.sum("feed_in_struck", e.amount)?;
                let sql = "UPDATE holds SET held = ?4, struck = struck + ?3, state = CASE WHEN ?4 = 0 THEN 'struck' ELSE state END WHERE owner = ?1 AND first = ?2";
                let (amount, left) = (int(e.amount.0), int(e.left.0));
                self.run(sql, params![e.owner, int(e.from.0), amount, left])
            }
            E::FeedInConfirmed(e) => self.set("feed_in_through", int(e.through.0)),
            E::PauseSet(e) => self.set("paused", i64::from(e.paused)),
            E::Deposited(e) => self.sum("deposited", e.amount),
            E::Withdrawn(e) => self.sum("withdrawn", e.amount),
            E::ChargesWithdrawn(e) => self.sum("charges_withdrawn", e.amount),
            E::ItemRefused(_) => self.sum("refused", Micro(1)),
            _ => Ok(()),
        }
    }

    fn terms(
        &mut self,
        meter: MeterId,
        zone: u16,
        kind: wattpool_schema::pool::MeterKind,
        export: Wh,
        import: Wh,
    ) -> Result<(), IndexError> {
        let sql = "UPDATE meters SET zone = ?2, kind = ?3, max_export = ?4, max_import = ?5 WHERE id = ?1";
        self.run(
            sql,
            params![meter.0, zone, kind.to_text(), int(export.0), int(import.0)],
        )
    }

    fn stated(&mut self, e: &Stated) -> Result<(), IndexError> {
        self.window(e.window)?;
        self.meter(e.meter)?;
        let (minted, late) = if e.minted { (e.wh.0, 0) } else { (0, e.wh.0) };
        let sql = "UPDATE windows SET statements = statements + 1, minted = minted + ?2, late = late + ?3 WHERE window = ?1";
        self.run(sql, params![int(e.window.0), int(minted), int(late)])?;
        let sql = "UPDATE meters SET statements = statements + 1, minted = minted + ?2, late = late + ?3, stated_to = max(coalesce(stated_to, 0), ?4) WHERE id = ?1";
        self.run(
            sql,
            params![e.meter.0, int(minted), int(late), int(e.window.0)],
        )
    }

    fn delivered(&mut self, e: &Delivered) -> Result<(), IndexError> {
        self.window(e.window)?;
        self.meter(e.seller)?;
        self.meter(e.buyer)?;
        let (gross, net, paid, charge) =
            (int(e.gross.0), int(e.net.0), int(e.paid.0), int(e.charge.0));
        let sql = "UPDATE windows SET sent = sent + ?2, arrived = arrived + ?3, paid = paid + ?4, charges = charges + ?5 WHERE window = ?1";
        self.run(sql, params![int(e.window.0), gross, net, paid, charge])?;
        let sql = "UPDATE meters SET sent = sent + ?2, sold = sold + ?3, earned = earned + ?4 WHERE id = ?1";
        self.run(sql, params![e.seller.0, gross, net, paid])?;
        let sql = "UPDATE meters SET bought = bought + ?2, spent = spent + ?3, charges = charges + ?4 WHERE id = ?1";
        self.run(sql, params![e.buyer.0, net, paid, charge])?;
        let sql = "UPDATE orders SET delivered = delivered + ?3, spent = spent + ?4, locked = locked - ?4 WHERE buyer = ?1 AND trade_id = ?2";
        self.run(
            sql,
            params![
                e.buyer.0,
                bits(e.trade_id),
                net,
                paid.saturating_add(charge)
            ],
        )
    }

    fn closed(&mut self, e: &TradeClosed) -> Result<(), IndexError> {
        self.window(e.window)?;
        let trade = Trade::of(self.row, e);
        let text = serde_json::to_string(&trade)?;
        let sql = "INSERT INTO trades VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.run(
            sql,
            params![
                int(e.sequence),
                int(self.row.time),
                int(e.window.0),
                e.kind.to_text(),
                e.buyer.0,
                e.seller.0,
                int(e.arrived.0),
                int(e.price.0),
                e.head.0,
                text
            ],
        )?;
        self.run(
            "UPDATE windows SET trades = trades + 1 WHERE window = ?1",
            [int(e.window.0)],
        )?;
        let sql =
            "UPDATE orders SET state = 'closed', locked = 0 WHERE buyer = ?1 AND trade_id = ?2";
        self.run(sql, params![e.buyer.0, bits(e.trade_id)])?;
        if e.arrived.is_zero() {
            return Ok(());
        }
        let sql = "UPDATE windows SET low_price = min(coalesce(low_price, ?2), ?2), \
            top_seller = CASE WHEN ?2 > coalesce(top_price, -1) THEN ?3 ELSE top_seller END, top_price = max(coalesce(top_price, -1), ?2) WHERE window = ?1";
        self.run(sql, params![int(e.window.0), int(e.price.0), e.seller.0])?;
        self.run(
            "UPDATE meters SET sales = sales + 1 WHERE id = ?1",
            [e.seller.0],
        )?;
        self.run(
            "UPDATE meters SET purchases = purchases + 1 WHERE id = ?1",
            [e.buyer.0],
        )
    }

    fn opened(&mut self, e: &OrderOpened) -> Result<(), IndexError> {
        let sql = "INSERT INTO orders (buyer, trade_id, seller, first, last, wh, price, locked, opened, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'open')";
        self.run(
            sql,
            params![
                e.buyer.0,
                bits(e.trade_id),
                e.seller.0,
                int(e.first_window.0),
                int(e.last_window.0),
                int(e.wh.0),
                int(e.price.0),
                int(e.locked.0),
                int(self.row.height)
            ],
        )
    }
}
